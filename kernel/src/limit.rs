//! The same work without the rules: what the hashing and the walk through the bytes cost by themselves.
//!
//! For benchmarks only, which compare the kernel with it in the same run. Nothing is judged here: the bytes are taken to be good.

use crate::hash::{Hash, sha256d_many};
use crate::headers::HEADER_SIZE;
use crate::merkle;
use crate::read::{Encoding, Reader};

/// Where a transaction's parts lie: version, inputs and outputs, lock time; and all of it, if it has a witness.
type Spans<'a> = ([&'a [u8]; 3], Option<&'a [u8]>);

/// Merkle root of the block in `raw`; with `witness`, and where there is one, combined with the witness root by exclusive or.
pub fn block_roots(raw: &[u8], witness: bool) -> Result<Hash, Encoding> {
    let mut reader = Reader::new(raw);
    reader.take(HEADER_SIZE)?;
    let count = reader.compact_size()?;
    let spans = (0..count).map(|_| transaction(&mut reader)).collect::<Result<Vec<_>, _>>()?;
    let txids = sha256d_many(spans.iter().map(|(stripped, _)| *stripped));
    let with_witness: Vec<_> = spans.iter().filter_map(|(_, raw)| raw.map(|raw| [raw])).collect();
    if !witness || with_witness.is_empty() {
        return Ok(merkle::root(txids).0);
    }
    let (mut root, _) = merkle::root(txids.clone());
    let mut hashes = sha256d_many(with_witness.into_iter()).into_iter();
    let leaves = spans.iter().zip(txids).map(|((_, raw), txid)| raw.and_then(|_| hashes.next()).unwrap_or(txid));
    let (witness_root, _) = merkle::root(leaves.collect());
    root.iter_mut().zip(witness_root).for_each(|(byte, other)| *byte ^= other);
    Ok(root)
}

fn transaction<'a>(reader: &mut Reader<'a>) -> Result<Spans<'a>, Encoding> {
    let start = *reader;
    let version = reader.take(4)?;
    let mut ahead = *reader;
    let has_witness = ahead.take(2)? == [0, 1];
    if has_witness {
        *reader = ahead;
    }
    let body_start = *reader;
    let inputs = reader.compact_size()?;
    for _ in 0..inputs {
        reader.take(36)?;
        reader.sized()?;
        reader.take(4)?;
    }
    for _ in 0..reader.compact_size()? {
        reader.take(8)?;
        reader.sized()?;
    }
    let body = reader.since(&body_start);
    for _ in 0..if has_witness { inputs } else { 0 } {
        for _ in 0..reader.compact_size()? {
            reader.sized()?;
        }
    }
    let lock_time = reader.take(4)?;
    Ok(([version, body, lock_time], has_witness.then(|| reader.since(&start))))
}
