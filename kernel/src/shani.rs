//! SHA-256 compression of two independent messages at once, with the SHA extensions of x86-64.
//!
//! `sha256rnds2` has a latency of four cycles and can start every second one: the rounds of two messages, woven into each other, take
//! hardly longer than those of one. Called by `hash` only, which asks `available` first.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_set_epi64x, _mm_sha256msg1_epu32,
    _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
};

use crate::hash::{Block, State};

/// FIPS 180-4, 4.2.2, four to a vector.
#[rustfmt::skip]
const K: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5], [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3], [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc], [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7], [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13], [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3], [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5], [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208], [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

/// Whether this processor has what `compress_pair` needs. The answer is cached: an atomic load.
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1")
}

/// Compress `left` into the first state and `right` into the second; they have as many blocks.
#[target_feature(enable = "sha,ssse3,sse4.1")]
pub(crate) fn compress_pair([left_state, right_state]: [&mut State; 2], left: &[Block], right: &[Block]) {
    let (mut a, mut b) = (Lane::new(left_state), Lane::new(right_state));
    for (left, right) in left.iter().zip(right) {
        let (a_before, b_before) = (a, b);
        let (mut a_words, mut b_words) = (words(left), words(right));
        // Written out: the compiler leaves a loop of this size a loop, and then moves the words around in each turn.
        macro_rules! rounds {
            ($($k:literal)*) => {$(
                a.four_rounds(a_words[0], K[$k]);
                b.four_rounds(b_words[0], K[$k]);
                (a_words, b_words) = (advance(a_words), advance(b_words));
            )*};
        }
        rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        a.four_rounds(a_words[0], K[15]);
        b.four_rounds(b_words[0], K[15]);
        a.add(a_before);
        b.add(b_before);
    }
    *left_state = a.state();
    *right_state = b.state();
}

/// The state of one message in the order that the instructions want, highest word first.
#[derive(Clone, Copy)]
struct Lane {
    abef: __m128i,
    cdgh: __m128i,
}

#[expect(clippy::many_single_char_names, reason = "the standard calls the words of the state A to H")]
impl Lane {
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn new(&[a, b, c, d, e, f, g, h]: &State) -> Self {
        Self { abef: vector([f, e, b, a]), cdgh: vector([h, g, d, c]) }
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn four_rounds(&mut self, words: __m128i, constants: [u32; 4]) {
        let sums = _mm_add_epi32(words, vector(constants));
        self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, sums);
        self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, _mm_shuffle_epi32::<0x0e>(sums));
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn add(&mut self, other: Self) {
        self.abef = _mm_add_epi32(self.abef, other.abef);
        self.cdgh = _mm_add_epi32(self.cdgh, other.cdgh);
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn state(self) -> State {
        let ([f, e, b, a], [h, g, d, c]) = (array(self.abef), array(self.cdgh));
        [a, b, c, d, e, f, g, h]
    }
}

/// The first sixteen words of the schedule: the block, read as big-endian words.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn words(block: &Block) -> [__m128i; 4] {
    let big_endian = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let mut halves = block.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes));
    std::array::from_fn(|_| {
        let (low, high) = (halves.next().unwrap_or(0), halves.next().unwrap_or(0));
        _mm_shuffle_epi8(_mm_set_epi64x(high, low), big_endian)
    })
}

/// The schedule, moved on by four words.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn advance([w0, w4, w8, w12]: [__m128i; 4]) -> [__m128i; 4] {
    let sums = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w4), _mm_alignr_epi8::<4>(w12, w8));
    [w4, w8, w12, _mm_sha256msg2_epu32(sums, w12)]
}

#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn vector([w0, w1, w2, w3]: [u32; 4]) -> __m128i {
    _mm_set_epi32(w3.cast_signed(), w2.cast_signed(), w1.cast_signed(), w0.cast_signed())
}

#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn array(v: __m128i) -> [u32; 4] {
    [_mm_extract_epi32::<0>(v), _mm_extract_epi32::<1>(v), _mm_extract_epi32::<2>(v), _mm_extract_epi32::<3>(v)]
        .map(i32::cast_unsigned)
}
