//! The native twin of `headway.kernel`: the hot loops, behind the face of `headway/kernel/face.py`.

pub mod block;
pub mod difficulty;
pub mod hash;
pub mod headers;
pub mod index;
pub mod merkle;
pub mod read;
pub mod script;
#[cfg(target_arch = "x86_64")]
mod shani;
pub mod transaction;
pub mod verdict;
