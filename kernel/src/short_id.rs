//! Short ids of compact blocks (BIP152): SipHash-2-4 of a hash, cut to 48 bits.

use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use crate::hash::Hash;

/// Bits of a short id.
const MASK: u64 = (1 << 48) - 1;

/// The short id of each hash under a key.
pub fn of(key0: u64, key1: u64, hashes: &[Hash]) -> Vec<u64> {
    let keyed = SipHasher24::new_with_keys(key0, key1);
    let short_id = |hash: &Hash| {
        let mut state = keyed;
        state.write(hash);
        state.finish() & MASK
    };
    hashes.iter().map(short_id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the `SipHash` paper's reference code for 32 bytes 0, 1, 2 ... under the key 0, 1, 2 ...
    #[test]
    fn a_known_value() {
        let (key0, key1) = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        let mut hash = Hash::default();
        hash.iter_mut().zip(0..).for_each(|(byte, at)| *byte = at);
        assert_eq!(of(key0, key1, &[hash, hash]), [0x7127_512f_72f2_7cce & MASK; 2]);
    }
}
