//! Merkle roots, and the mutation that they do not show.

use crate::hash::{Hash, pad_to_two, sha256d_two_blocks};

/// Root of the tree over `hashes`, and whether the tree is also that of a longer list (CVE-2012-2459): an odd level pairs its
/// last hash with itself, so a list whose last hashes are there twice has the same root. The root of nothing is zero.
pub fn root(mut hashes: Vec<Hash>) -> (Hash, bool) {
    let mut mutated = false;
    while hashes.len() > 1 {
        mutated |= hashes.as_chunks().0.iter().any(|[left, right]| left == right);
        if let (1, Some(last)) = (hashes.len() % 2, hashes.last()) {
            hashes.push(*last);
        }
        hashes = level_above(&hashes);
    }
    (hashes.first().copied().unwrap_or_default(), mutated)
}

fn level_above(hashes: &[Hash]) -> Vec<Hash> {
    let mut level = Vec::with_capacity(hashes.len() / 2);
    sha256d_two_blocks(hashes.as_flattened().as_chunks::<64>().0.iter().map(pad_to_two), |hash| level.push(hash));
    level
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha256d;

    fn leaves(count: u8) -> Vec<Hash> {
        (0..count).map(|i| [i; 32]).collect()
    }

    fn node(left: Hash, right: Hash) -> Hash {
        sha256d(&[left, right].concat())
    }

    #[test]
    fn nothing_has_the_root_zero_and_one_hash_is_its_own_root() {
        assert_eq!(root(vec![]), ([0; 32], false));
        assert_eq!(root(leaves(1)), ([0; 32], false));
    }

    #[test]
    fn odd_levels_pair_the_last_hash_with_itself() {
        let [a, b, c] = [[0; 32], [1; 32], [2; 32]];
        assert_eq!(root(leaves(3)), (node(node(a, b), node(c, c)), false));
    }

    #[test]
    fn a_list_with_its_tail_repeated_has_the_same_root_and_is_told() {
        for count in 1..40 {
            let hashes = leaves(count);
            let (expected, mutated) = root(hashes.clone());
            assert!(!mutated, "{count}");
            // what an odd level repeats by itself: as many leaves as lie under its last node
            let width = 1 << count.trailing_zeros();
            let mut longer = hashes.clone();
            longer.extend_from_slice(&hashes[hashes.len() - width..]);
            if hashes.len() > width {
                assert_eq!(root(longer), (expected, true), "{count}");
            }
        }
    }

    #[test]
    fn equal_hashes_that_are_no_pair_are_no_mutation() {
        assert!(!root(vec![[1; 32], [2; 32], [2; 32], [3; 32]]).1);
        assert!(root(vec![[1; 32], [1; 32], [2; 32], [3; 32]]).1);
    }
}
