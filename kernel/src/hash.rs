//! Double SHA-256 of one message, or of many.
//!
//! Many are hashed two at a time where the processor has SHA-NI: one message leaves half of that unit idle, because each round
//! waits for the one before it. All else goes through the `sha2` crate, which picks the best code of its platform.

use sha2::block_api::compress256;

/// A digest, in wire order.
pub type Hash = [u8; 32];
/// What SHA-256 compresses at a time.
pub type Block = [u8; 64];
/// The eight words between two blocks.
pub type State = [u32; 8];

/// FIPS 180-4, 5.3.3.
const INITIAL: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Double SHA-256 of one message.
pub fn sha256d(message: &[u8]) -> Hash {
    let (blocks, rest) = message.as_chunks();
    let mut end = [[0; 64]; 2];
    let (end, _) = end.split_at_mut(padded_blocks(rest.len()));
    pad(&[rest], message.len(), end);
    let mut state = INITIAL;
    compress256(&mut state, blocks);
    compress256(&mut state, end);
    let mut second = INITIAL;
    compress256(&mut second, &[digest_block(&state)]);
    digest(&second)
}

/// Double SHA-256 of each message; a message is its parts, one after the other. Holds a copy of two messages at a time.
pub fn sha256d_many<'a, const N: usize>(messages: impl ExactSizeIterator<Item = [&'a [u8]; N]>) -> Vec<Hash> {
    let mut hashes = vec![Hash::default(); messages.len()];
    let mut waiting = messages.zip(&mut hashes);
    let [mut left, mut right] = [Lane::default(), Lane::default()];
    'all: loop {
        for lane in [&mut left, &mut right] {
            if lane.hash.is_none() {
                let Some((parts, hash)) = waiting.next() else { break 'all };
                lane.start(&parts, hash);
            }
        }
        left.go_on_with(&mut right);
    }
    left.finish();
    right.finish();
    hash_digests(&mut hashes);
    hashes
}

/// Double SHA-256 of messages that fill two blocks each, padding included (`pad_to_two`). The hashes come in order.
pub fn sha256d_two_blocks(mut messages: impl Iterator<Item = [Block; 2]>, mut found: impl FnMut(Hash)) {
    while let Some(left) = messages.next() {
        let right = messages.next();
        let [mut a, mut b] = [INITIAL; 2];
        compress_pair([&mut a, &mut b], &left, right.as_ref().unwrap_or(&left));
        let [a, b] = second_pass(&digest_block(&a), &digest_block(&b));
        found(a);
        if right.is_some() {
            found(b);
        }
    }
}

/// A message of `N` bytes, 56 to 119, with its padding.
pub fn pad_to_two<const N: usize>(message: &[u8; N]) -> [Block; 2] {
    const { assert!(padded_blocks(N) == 2, "other sizes fill other numbers of blocks") };
    let mut blocks = [[0; 64]; 2];
    pad(&[message], N, &mut blocks);
    blocks
}

/// Digests of the first pass become those of the second.
fn hash_digests(digests: &mut [Hash]) {
    let (pairs, odd) = digests.as_chunks_mut();
    for pair in pairs {
        let [a, b] = &*pair;
        *pair = second_pass(&padded_digest(a), &padded_digest(b));
    }
    for digest in odd {
        let block = padded_digest(digest);
        [*digest, _] = second_pass(&block, &block);
    }
}

fn second_pass(left: &Block, right: &Block) -> [Hash; 2] {
    let [mut a, mut b] = [INITIAL; 2];
    compress_pair([&mut a, &mut b], std::slice::from_ref(left), std::slice::from_ref(right));
    [digest(&a), digest(&b)]
}

/// Compress `left` into the first state and `right` into the second. They have as many blocks.
pub fn compress_pair(states: [&mut State; 2], left: &[Block], right: &[Block]) {
    #[cfg(target_arch = "x86_64")]
    if crate::shani::available() {
        // SAFETY: the function needs nothing but the processor features that `available` has just found.
        #[expect(unsafe_code, reason = "only so can code for optional processor features be called")]
        return unsafe { crate::shani::compress_pair(states, left, right) };
    }
    compress_each(states, left, right);
}

/// The same on any processor.
pub fn compress_each([left_state, right_state]: [&mut State; 2], left: &[Block], right: &[Block]) {
    compress256(left_state, left);
    compress256(right_state, right);
}

/// A message on its way through the first pass. The buffer serves one message after the other.
#[derive(Default)]
struct Lane<'a> {
    /// Where its hash goes; None when there is no message.
    hash: Option<&'a mut Hash>,
    state: State,
    padded: Vec<Block>,
    done: usize,
}

impl<'a> Lane<'a> {
    fn start(&mut self, parts: &[&[u8]], hash: &'a mut Hash) {
        let length = parts.iter().map(|part| part.len()).sum();
        self.padded.resize(padded_blocks(length), [0; 64]);
        pad(parts, length, &mut self.padded);
        self.hash = Some(hash);
        self.state = INITIAL;
        self.done = 0;
    }

    fn rest(&self) -> &[Block] {
        self.padded.get(self.done..).unwrap_or_default()
    }

    /// Both on, until one is through.
    fn go_on_with(&mut self, other: &mut Self) {
        let (left, right) = (self.rest(), other.rest());
        let count = left.len().min(right.len());
        let [mut a, mut b] = [self.state, other.state];
        compress_pair([&mut a, &mut b], left.get(..count).unwrap_or_default(), right.get(..count).unwrap_or_default());
        for (lane, state) in [(self, a), (other, b)] {
            lane.state = state;
            lane.done += count;
            if lane.rest().is_empty() {
                lane.finish();
            }
        }
    }

    /// Alone to the end.
    fn finish(&mut self) {
        let mut state = self.state;
        compress256(&mut state, self.rest());
        if let Some(hash) = self.hash.take() {
            *hash = digest(&state);
        }
    }
}

/// How many blocks so many bytes fill with their padding, which takes nine bytes at least.
const fn padded_blocks(length: usize) -> usize {
    (length + 9).div_ceil(64)
}

/// Fill `blocks` with the parts and the padding of a message of `length` bytes that ends with them (FIPS 180-4, 5.1.1): a one bit,
/// zeros, the length in bits.
fn pad(parts: &[&[u8]], length: usize, blocks: &mut [Block]) {
    let mut rest = blocks.as_flattened_mut();
    for part in parts {
        let (here, after) = rest.split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = after;
    }
    rest.fill(0);
    if let Some(first) = rest.first_mut() {
        *first = 0x80;
    }
    if let Some(last) = rest.last_chunk_mut() {
        *last = (length as u64 * 8).to_be_bytes();
    }
}

fn digest(state: &State) -> Hash {
    let mut hash = Hash::default();
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

fn padded_digest(digest: &Hash) -> Block {
    let mut block = [[0; 64]];
    pad(&[digest], digest.len(), &mut block);
    let [block] = block;
    block
}

fn digest_block(state: &State) -> Block {
    padded_digest(&digest(state))
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "the numbers of tests are small")]
mod tests {
    use super::*;

    /// `sha2`'s own front end, which shares nothing with ours but the compression of one block.
    fn expected(message: &[u8]) -> Hash {
        use sha2::{Digest, Sha256};
        Sha256::digest(Sha256::digest(message)).into()
    }

    fn bytes(count: usize) -> Vec<u8> {
        (0..count as u32).map(|i| (i.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect()
    }

    #[test]
    fn empty_message_has_the_published_hash() {
        let hash = sha256d(b"");
        assert_eq!(hash[..4], [0x5d, 0xf6, 0xe0, 0xe2]); // the checksum of a verack
    }

    #[test]
    fn every_length_around_the_block_borders_agrees_with_the_plain_hash() {
        let data = bytes(300);
        for length in 0..data.len() {
            assert_eq!(sha256d(&data[..length]), expected(&data[..length]), "{length} bytes");
        }
    }

    #[test]
    fn many_messages_of_all_lengths_and_splits_agree_with_one_at_a_time() {
        let data = bytes(1500);
        for count in [0, 1, 2, 3, 50] {
            let cut = |i: usize| (&data[..i * 29], &data[i..i + i * 7 % 13]);
            let hashes = sha256d_many((0..count).map(|i| [cut(i).0, &[], cut(i).1]));
            for (i, hash) in hashes.iter().enumerate() {
                assert_eq!(*hash, expected(&[cut(i).0, cut(i).1].concat()), "message {i} of {count}");
            }
        }
    }

    #[test]
    fn messages_of_two_blocks_agree_with_one_at_a_time() {
        let data = bytes(80 * 5);
        for count in 0..=5 {
            let headers = &data.as_chunks::<80>().0[..count];
            let mut hashes = Vec::new();
            sha256d_two_blocks(headers.iter().map(pad_to_two), |hash| hashes.push(hash));
            assert_eq!(hashes, headers.iter().map(|header| expected(header)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn two_at_once_agree_with_one_after_the_other() {
        let (left, right) = (bytes(64 * 7), [bytes(64 * 7), bytes(3)].concat()[3..].to_vec());
        let [mut states, mut expected] = [[INITIAL, [7; 8]]; 2];
        let [a, b] = &mut states;
        compress_pair([a, b], left.as_chunks().0, right.as_chunks().0);
        let [a, b] = &mut expected;
        compress_each([a, b], left.as_chunks().0, right.as_chunks().0);
        assert_eq!(states, expected);
    }
}
