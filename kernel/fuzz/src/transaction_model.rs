//! Transactions in their plainest form, read into values that own their bytes, and what each is guilty of by itself.
//!
//! Written from Core's primitives/transaction.h, script.cpp and tx_check.cpp.

use std::collections::HashSet;

const MAX_MONEY: i64 = 21_000_000 * 100_000_000;
const NULL: [u8; 36] = {
    let mut outpoint = [0xff; 36];
    let mut at = 0;
    while at < 32 {
        outpoint[at] = 0;
        at += 1;
    }
    outpoint
};
const COMMITMENT: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];

pub struct Input {
    pub outpoint: [u8; 36],
    pub script: Vec<u8>,
    pub sequence: [u8; 4],
    pub witness: Vec<Vec<u8>>,
}

pub struct Output {
    pub value: i64,
    pub script: Vec<u8>,
}

pub struct Transaction {
    pub version: [u8; 4],
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    pub lock_time: u32,
}

/// A cursor over the bytes that knows only how to take from the front.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take(&mut self, count: u64) -> Result<Vec<u8>, &'static str> {
        if count > self.0.len() as u64 {
            return Err("truncated");
        }
        let (taken, rest) = self.0.split_at(count as usize);
        self.0 = rest;
        Ok(taken.to_vec())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        Ok(self.take(N as u64)?.try_into().expect("as many as were asked for"))
    }

    fn size(&mut self) -> Result<u64, &'static str> {
        let first = self.take(1)?[0];
        let value = match first {
            253 => u64::from(u16::from_le_bytes(self.array()?)),
            254 => u64::from(u32::from_le_bytes(self.array()?)),
            255 => u64::from_le_bytes(self.array()?),
            small => u64::from(small),
        };
        if compact(value)[0] == first { Ok(value) } else { Err("non-canonical") }
    }

    fn sized(&mut self) -> Result<Vec<u8>, &'static str> {
        let size = self.size()?;
        self.take(size)
    }
}

/// A number in its compact form.
pub fn compact(value: u64) -> Vec<u8> {
    match value {
        0..253 => vec![value as u8],
        253..0x1_0000 => [&[253], &(value as u16).to_le_bytes()[..]].concat(),
        0x1_0000..0x1_0000_0000 => [&[254], &(value as u32).to_le_bytes()[..]].concat(),
        _ => [&[255], &value.to_le_bytes()[..]].concat(),
    }
}

/// Bytes behind their size.
pub fn sized(bytes: &[u8]) -> Vec<u8> {
    [&compact(bytes.len() as u64), bytes].concat()
}

/// The transactions of a block.
pub fn read(raw: &[u8]) -> Result<Vec<Transaction>, &'static str> {
    let mut bytes = Bytes(raw);
    bytes.take(80)?;
    let count = bytes.size()?;
    let mut transactions = Vec::new();
    for _ in 0..count {
        transactions.push(Transaction::read(&mut bytes)?);
    }
    if bytes.0.is_empty() { Ok(transactions) } else { Err("trailing") }
}

impl Transaction {
    /// Core `UnserializeTransaction`.
    fn read(bytes: &mut Bytes) -> Result<Self, &'static str> {
        let version = bytes.array()?;
        let (mut inputs, mut outputs, mut flag) = (Self::read_inputs(bytes)?, Vec::new(), 0);
        if inputs.is_empty() {
            flag = bytes.take(1)?[0];
            if flag != 0 {
                inputs = Self::read_inputs(bytes)?;
                outputs = Self::read_outputs(bytes)?;
            }
        } else {
            outputs = Self::read_outputs(bytes)?;
        }
        if flag & 1 != 0 {
            for input in &mut inputs {
                let count = bytes.size()?;
                for _ in 0..count {
                    input.witness.push(bytes.sized()?);
                }
            }
            if inputs.iter().all(|input| input.witness.is_empty()) {
                return Err("superfluous witness");
            }
        }
        if flag & !1 != 0 {
            return Err("unknown flag");
        }
        Ok(Self { version, inputs, outputs, lock_time: u32::from_le_bytes(bytes.array()?) })
    }

    fn read_inputs(bytes: &mut Bytes) -> Result<Vec<Input>, &'static str> {
        let mut inputs = Vec::new();
        for _ in 0..bytes.size()? {
            let (outpoint, script, sequence) = (bytes.array()?, bytes.sized()?, bytes.array()?);
            inputs.push(Input { outpoint, script, sequence, witness: Vec::new() });
        }
        Ok(inputs)
    }

    fn read_outputs(bytes: &mut Bytes) -> Result<Vec<Output>, &'static str> {
        let mut outputs = Vec::new();
        for _ in 0..bytes.size()? {
            outputs.push(Output { value: i64::from_le_bytes(bytes.array()?), script: bytes.sized()? });
        }
        Ok(outputs)
    }

    pub fn bytes(&self, with_witness: bool) -> Vec<u8> {
        let mut bytes = self.version.to_vec();
        if with_witness {
            bytes.extend([0, 1]);
        }
        bytes.extend(compact(self.inputs.len() as u64));
        for input in &self.inputs {
            bytes.extend([&input.outpoint[..], &sized(&input.script), &input.sequence].concat());
        }
        bytes.extend(compact(self.outputs.len() as u64));
        for output in &self.outputs {
            bytes.extend([&output.value.to_le_bytes()[..], &sized(&output.script)].concat());
        }
        for input in self.inputs.iter().filter(|_| with_witness) {
            bytes.extend(compact(input.witness.len() as u64));
            bytes.extend(input.witness.iter().flat_map(|item| sized(item)));
        }
        bytes.extend(self.lock_time.to_le_bytes());
        bytes
    }

    pub fn has_witness(&self) -> bool {
        self.inputs.iter().any(|input| !input.witness.is_empty())
    }

    pub fn is_coinbase(&self) -> bool {
        self.inputs.len() == 1 && self.inputs[0].outpoint == NULL
    }

    pub fn commitment(&self) -> Option<usize> {
        self.outputs.iter().rposition(|output| output.script.len() >= 38 && output.script.starts_with(&COMMITMENT))
    }

    pub fn sigops(&self) -> usize {
        let scripts =
            self.inputs.iter().map(|input| &input.script).chain(self.outputs.iter().map(|output| &output.script));
        scripts.map(|script| count_sigops(script)).sum()
    }

    /// Core `CheckTransaction`.
    pub fn fault(&self) -> &'static str {
        if self.inputs.is_empty() {
            return "bad-txns-vin-empty";
        }
        if self.outputs.is_empty() {
            return "bad-txns-vout-empty";
        }
        let mut total = 0_i128;
        for output in &self.outputs {
            total += i128::from(output.value);
            if output.value < 0 {
                return "bad-txns-vout-negative";
            }
            if output.value > MAX_MONEY {
                return "bad-txns-vout-toolarge";
            }
            if total > i128::from(MAX_MONEY) {
                return "bad-txns-txouttotal-toolarge";
            }
        }
        let spent: HashSet<_> = self.inputs.iter().map(|input| input.outpoint).collect();
        if spent.len() < self.inputs.len() {
            "bad-txns-inputs-duplicate"
        } else if self.is_coinbase() && !(2..=100).contains(&self.inputs[0].script.len()) {
            "bad-cb-length"
        } else if !self.is_coinbase() && spent.contains(&NULL) {
            "bad-txns-prevout-null"
        } else {
            ""
        }
    }
}

/// Core `GetSigOpCount(false)`, by positions.
pub fn count_sigops(script: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while at < script.len() {
        let opcode = script[at];
        at += 1;
        let width = match opcode {
            0x4c => 1,
            0x4d => 2,
            0x4e => 4,
            _ => 0,
        };
        if at + width > script.len() {
            break;
        }
        let mut pushed = if opcode < 0x4c { usize::from(opcode) } else { 0 };
        for (place, byte) in script[at..at + width].iter().enumerate() {
            pushed += usize::from(*byte) << (8 * place);
        }
        at += width + pushed;
        if at > script.len() {
            break;
        }
        count += match opcode {
            0xac | 0xad => 1,
            0xae | 0xaf => 20,
            _ => 0,
        };
    }
    count
}
