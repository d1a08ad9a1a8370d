//! SHA-256 as FIPS 180-4 writes it down, with constants that are reckoned, not copied.

use std::sync::LazyLock;

use headway_kernel::hash::{Block, State};
use num_bigint::BigUint;

/// The first 32 bits behind the point of the cube roots of the first 64 primes.
static CONSTANTS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let primes = (2_u32..).filter(|n| (2..*n).all(|divisor| n % divisor > 0));
    primes.take(64).map(|prime| (BigUint::from(prime) << 96_u32).cbrt().iter_u32_digits().next().unwrap_or(0)).collect()
});

/// The state after all blocks.
pub fn compress(mut state: State, blocks: &[Block]) -> State {
    for block in blocks {
        let mut words: Vec<_> = block.as_chunks().0.iter().map(|bytes| u32::from_be_bytes(*bytes)).collect();
        for at in 16..64 {
            let (x, y) = (words[at - 15], words[at - 2]);
            let small_0 = x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3;
            let small_1 = y.rotate_right(17) ^ y.rotate_right(19) ^ y >> 10;
            words.push(words[at - 16].wrapping_add(small_0).wrapping_add(words[at - 7]).wrapping_add(small_1));
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        for (word, constant) in words.into_iter().zip(&*CONSTANTS) {
            let big_0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let big_1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let (choice, majority) = (e & f ^ !e & g, a & b ^ a & c ^ b & c);
            let first = [big_1, choice, *constant, word].into_iter().fold(h, u32::wrapping_add);
            (h, g, f, e, d, c, b) = (g, f, e, d.wrapping_add(first), c, b, a);
            a = first.wrapping_add(big_0).wrapping_add(majority);
        }
        for (word, change) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word = word.wrapping_add(change);
        }
    }
    state
}
