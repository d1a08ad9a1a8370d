//! Makes blocks for tests: good ones, and what is needed to spoil them.

#![expect(clippy::cast_possible_truncation, reason = "the numbers of tests are small")]

use crate::hash::{Hash, sha256d};
use crate::headers::HEADER_SIZE;
use crate::merkle;

pub(super) const BTC: i64 = 100_000_000;
pub(super) const BLOCK_TIME: u32 = 1_600_000_000;
pub(super) const HEIGHT: i64 = 500_000;
/// `HEIGHT`, pushed.
pub(super) const HEIGHT_PUSH: [u8; 4] = [3, 0x20, 0xa1, 0x07];
pub(super) const NULL: Outpoint = ([0; 32], u32::MAX);

pub(super) type Outpoint = ([u8; 32], u32);

#[derive(Clone)]
pub(super) struct Input {
    pub(super) outpoint: Outpoint,
    pub(super) script: Vec<u8>,
    pub(super) sequence: u32,
    pub(super) witness: Vec<Vec<u8>>,
}

#[derive(Clone)]
pub(super) struct Spend {
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<(i64, Vec<u8>)>,
    pub(super) lock_time: u32,
}

pub(super) fn size(number: usize) -> Vec<u8> {
    match number {
        0..253 => vec![number as u8],
        253..0x1_0000 => [&[253], &(number as u16).to_le_bytes()[..]].concat(),
        _ => [&[254], &(number as u32).to_le_bytes()[..]].concat(),
    }
}

pub(super) fn sized(bytes: &[u8]) -> Vec<u8> {
    [&size(bytes.len()), bytes].concat()
}

impl Spend {
    pub(super) fn bytes(&self, with_witness: bool) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0];
        if with_witness {
            bytes.extend([0, 1]);
        }
        bytes.extend(size(self.inputs.len()));
        for input in &self.inputs {
            bytes.extend(input.outpoint.0);
            bytes.extend(input.outpoint.1.to_le_bytes());
            bytes.extend(sized(&input.script));
            bytes.extend(input.sequence.to_le_bytes());
        }
        bytes.extend(size(self.outputs.len()));
        for (value, script) in &self.outputs {
            bytes.extend(value.to_le_bytes());
            bytes.extend(sized(script));
        }
        for input in self.inputs.iter().filter(|_| with_witness) {
            bytes.extend(size(input.witness.len()));
            bytes.extend(input.witness.iter().flat_map(|item| sized(item)));
        }
        bytes.extend(self.lock_time.to_le_bytes());
        bytes
    }

    pub(super) fn has_witness(&self) -> bool {
        self.inputs.iter().any(|input| !input.witness.is_empty())
    }
}

pub(super) fn input(outpoint: Outpoint) -> Input {
    Input { outpoint, script: vec![1, 7], sequence: u32::MAX, witness: vec![] }
}

pub(super) fn coinbase() -> Spend {
    let script = [&HEIGHT_PUSH[..], b"miner"].concat();
    Spend { inputs: vec![Input { script, ..input(NULL) }], outputs: vec![(50 * BTC, vec![0x51])], lock_time: 0 }
}

pub(super) fn spend(n: u8) -> Spend {
    Spend { inputs: vec![input(([n; 32], 0)), input(([n; 32], 1))], outputs: vec![(BTC, vec![0xac]); 2], lock_time: 0 }
}

/// A transaction with a witness.
pub(super) fn segwit_spend(n: u8) -> Spend {
    let mut spend = spend(n);
    spend.inputs[1].witness = vec![vec![n; 71], vec![]];
    spend
}

pub(super) fn commitment_output(root: Hash, nonce: &[u8]) -> (i64, Vec<u8>) {
    let commitment = sha256d(&[&root, nonce].concat());
    (0, [&[0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed], &commitment[..]].concat())
}

/// The same with a coinbase that commits to their witnesses.
pub(super) fn commit(mut spends: Vec<Spend>) -> Vec<Spend> {
    let mut wtxids = vec![[0; 32]];
    wtxids.extend(spends[1..].iter().map(|spend| sha256d(&spend.bytes(spend.has_witness()))));
    let nonce = [9; 32];
    spends[0].inputs[0].witness = vec![nonce.to_vec()];
    spends[0].outputs.push(commitment_output(merkle::root(wtxids).0, &nonce));
    spends
}

pub(super) fn block(spends: &[Spend]) -> Vec<u8> {
    let txids = spends.iter().map(|spend| sha256d(&spend.bytes(false))).collect();
    let mut raw = vec![0; HEADER_SIZE];
    raw[36..68].copy_from_slice(&merkle::root(txids).0);
    raw[68..72].copy_from_slice(&BLOCK_TIME.to_le_bytes());
    raw.extend(size(spends.len()));
    raw.extend(spends.iter().flat_map(|spend| spend.bytes(spend.has_witness())));
    raw
}
