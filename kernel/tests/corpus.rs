//! The inputs that fuzzing found worth keeping, given again to the same functions. Needs neither libFuzzer nor a nightly compiler.

use std::path::Path;
use std::{fs, io};

#[path = "../fuzz/src/lib.rs"]
#[expect(
    clippy::pedantic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a crate of its own, by lints of its own: a model may stop at what it does not expect"
)]
mod targets;

fn replay(name: &str, target: fn(&[u8])) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files: Vec<_> = fs::read_dir(&folder)?.collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        target(&fs::read(file?.path())?);
    }
    Ok(())
}

macro_rules! replay {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() -> io::Result<()> {
            replay(stringify!($name), targets::$name)
        }
    )*};
}

replay!(hashes merkle_root restore_headers check_headers scan_block check_block header_index);
