//! One transaction, read in one pass: where its parts lie, and what the rules need to know of it.

use crate::hash::Hash;
use crate::read::{Encoding, Reader};
use crate::script::count_sigops;

/// Satoshi that can ever be (Core `MAX_MONEY`).
const MAX_MONEY: u64 = 21_000_000 * 100_000_000;
/// An input with it ignores the lock time of its transaction (Core `CTxIn::SEQUENCE_FINAL`).
const FINAL_SEQUENCE: [u8; 4] = [0xff; 4];
/// Bytes of a coinbase's script.
const COINBASE_SCRIPT_SIZES: std::ops::RangeInclusive<usize> = 2..=100;
/// How the script of a coinbase output begins that commits to the witness: RETURN, a push of 36 bytes, BIP141's tag.
const COMMITMENT_HEAD: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];

/// The first rule that a transaction breaks by itself (Core `CheckTransaction`). Its size is none: that of its block is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// No inputs.
    NoInputs,
    /// No outputs.
    NoOutputs,
    /// A value below zero.
    NegativeOutput,
    /// A value above all money.
    OutputTooLarge,
    /// Values that sum to more than all money.
    TotalTooLarge,
    /// The same output spent twice (CVE-2018-17144).
    DuplicateInputs,
    /// The script of a coinbase is not 2 to 100 bytes.
    CoinbaseScript,
    /// An input spends nothing, and yet it is no coinbase.
    NullInput,
}

/// A transaction in a block.
#[derive(Debug, Clone, Copy)]
pub struct Transaction<'a> {
    /// All its bytes.
    pub raw: &'a [u8],
    /// Its inputs and outputs, with their counts.
    body: &'a [u8],
    /// Its witness; empty for the form without one, and only then.
    witness: &'a [u8],
    /// Its only input spends nothing.
    pub is_coinbase: bool,
    /// Signature operations of its scripts (Core `GetLegacySigOpCount`).
    pub sigops: usize,
    /// Zero, too, if its inputs ignore it.
    pub lock_time: u32,
    /// The first rule that it breaks.
    pub broken: Option<Rule>,
}

/// What blocks must look for in their coinbase.
#[derive(Debug)]
pub struct Coinbase<'a> {
    /// The script of its input.
    pub script: &'a [u8],
    /// What its last commitment output says of the witness.
    pub commitment: Option<Hash>,
    /// The witness of its input, if that is one item of 32 bytes.
    pub nonce: Option<Hash>,
}

impl<'a> Transaction<'a> {
    /// Read the transaction that comes next. `keys` is scratch space.
    pub fn read(reader: &mut Reader<'a>, keys: &mut Vec<u64>) -> Result<Self, Encoding> {
        let start = *reader;
        reader.take(4)?; // version
        let has_witness = skip_marker(reader)?;
        let body_start = *reader;
        let inputs = Inputs::read(reader, keys)?;
        let outputs = Outputs::read(reader)?;
        let witness_start = *reader;
        if has_witness {
            skip_witness(reader, inputs.count)?;
        }
        let witness_end = *reader;
        let lock_time = u32::from_le_bytes(*reader.array()?);
        Ok(Self {
            raw: reader.since(&start),
            body: witness_start.since(&body_start),
            witness: witness_end.since(&witness_start),
            is_coinbase: inputs.is_coinbase(),
            sigops: inputs.sigops + outputs.sigops,
            lock_time: if inputs.all_final { 0 } else { lock_time },
            broken: inputs.broken(&outputs),
        })
    }

    /// Whether it has the form with witness.
    pub fn has_witness(&self) -> bool {
        !self.witness.is_empty()
    }

    /// What its txid is the hash of: all but the witness, and the marker and flag that announce one.
    pub fn stripped(&self) -> [&'a [u8]; 3] {
        let version = self.raw.first_chunk::<4>().map_or(&[][..], |bytes| bytes);
        let lock_time = self.raw.last_chunk::<4>().map_or(&[][..], |bytes| bytes);
        [version, self.body, lock_time]
    }

    /// Bytes of that.
    pub fn stripped_size(&self) -> usize {
        self.body.len() + 8
    }

    /// Look into a coinbase. None for what has no input.
    pub fn coinbase(&self) -> Option<Coinbase<'a>> {
        let mut reader = Reader::new(self.body);
        if reader.compact_size().ok()? == 0 {
            return None;
        }
        let script = Input::read(&mut reader).ok()?.script;
        let mut commitment = None;
        for _ in 0..reader.compact_size().ok()? {
            let output = Output::read(&mut reader).ok()?.script.strip_prefix(&COMMITMENT_HEAD);
            commitment = output.and_then(|rest| rest.first_chunk()).copied().or(commitment);
        }
        let nonce = match self.witness {
            [1, 32, item @ ..] => item.try_into().ok(),
            _ => None,
        };
        Some(Coinbase { script, commitment, nonce })
    }
}

/// Whether the transaction has the form with witness, whose marker looks like a count of no inputs; if so, skip marker and flag.
fn skip_marker(reader: &mut Reader) -> Result<bool, Encoding> {
    let mut ahead = *reader;
    if ahead.byte()? != 0 {
        return Ok(false);
    }
    match ahead.byte()? {
        0 => Ok(false), // Core takes the two for a count of no inputs and one of no outputs
        1 => {
            *reader = ahead;
            Ok(true)
        }
        _ => Err(Encoding::UnknownFlag),
    }
}

/// For each input a count of items, each behind its size. Not all may be empty.
fn skip_witness(reader: &mut Reader, inputs: u64) -> Result<(), Encoding> {
    let mut empty = true;
    for _ in 0..inputs {
        for _ in 0..reader.compact_size()? {
            reader.sized()?;
            empty = false;
        }
    }
    if empty { Err(Encoding::SuperfluousWitness) } else { Ok(()) }
}

/// What an input spends: a transaction id and the number of an output.
type Outpoint = [u8; 36];

struct Input<'a> {
    outpoint: &'a Outpoint,
    script: &'a [u8],
    sequence: &'a [u8; 4],
}

impl<'a> Input<'a> {
    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Self, Encoding> {
        Ok(Self { outpoint: reader.array()?, script: reader.sized()?, sequence: reader.array()? })
    }

    /// Core `COutPoint::IsNull`.
    fn spends_nothing(&self) -> bool {
        self.outpoint.last_chunk() == Some(&[0xff; 4]) && self.outpoint.first_chunk() == Some(&[0; 32])
    }

    /// Differs for outpoints that differ, but by chance.
    fn key(&self) -> u64 {
        let id = self.outpoint.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let number = self.outpoint.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        id ^ u64::from(number) << 32
    }
}

/// All inputs of a transaction.
struct Inputs {
    count: u64,
    sigops: usize,
    /// Bytes of the last one's script.
    script_size: usize,
    /// Some input spends nothing.
    null: bool,
    /// Two spend the same.
    duplicate: bool,
    /// All ignore the lock time.
    all_final: bool,
}

impl Inputs {
    fn read(reader: &mut Reader, keys: &mut Vec<u64>) -> Result<Self, Encoding> {
        let count = reader.compact_size()?;
        let start = *reader;
        let mut inputs = Self { count, sigops: 0, script_size: 0, null: false, duplicate: false, all_final: true };
        keys.clear();
        for _ in 0..count {
            let input = Input::read(reader)?;
            inputs.sigops += count_sigops(input.script);
            inputs.script_size = input.script.len();
            inputs.null |= input.spends_nothing();
            inputs.all_final &= *input.sequence == FINAL_SEQUENCE;
            keys.push(input.key());
        }
        inputs.duplicate = has_equal_pair(keys) && spend_the_same(start, count)?;
        Ok(inputs)
    }

    fn is_coinbase(&self) -> bool {
        self.null && self.count == 1
    }

    /// The first rule that they or the outputs break.
    fn broken(&self, outputs: &Outputs) -> Option<Rule> {
        if self.count == 0 {
            Some(Rule::NoInputs)
        } else if outputs.broken.is_some() {
            outputs.broken
        } else if self.duplicate {
            Some(Rule::DuplicateInputs)
        } else if self.is_coinbase() {
            (!COINBASE_SCRIPT_SIZES.contains(&self.script_size)).then_some(Rule::CoinbaseScript)
        } else {
            self.null.then_some(Rule::NullInput)
        }
    }
}

/// Sorts, and looks.
fn has_equal_pair<T: Ord>(items: &mut [T]) -> bool {
    items.sort_unstable();
    items.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
}

/// Whether two of the inputs that come next are of the same outpoint. Asked when their keys say so.
fn spend_the_same(mut reader: Reader, count: u64) -> Result<bool, Encoding> {
    let mut outpoints = (0..count).map(|_| Ok(Input::read(&mut reader)?.outpoint)).collect::<Result<Vec<_>, _>>()?;
    Ok(has_equal_pair(&mut outpoints))
}

struct Output<'a> {
    /// Unsigned: a negative value is one above all money.
    value: u64,
    script: &'a [u8],
}

impl<'a> Output<'a> {
    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Self, Encoding> {
        Ok(Self { value: u64::from_le_bytes(*reader.array()?), script: reader.sized()? })
    }
}

/// All outputs of a transaction.
struct Outputs {
    sigops: usize,
    broken: Option<Rule>,
}

impl Outputs {
    fn read(reader: &mut Reader) -> Result<Self, Encoding> {
        let count = reader.compact_size()?;
        let mut outputs = Self { sigops: 0, broken: (count == 0).then_some(Rule::NoOutputs) };
        let mut total = 0;
        for _ in 0..count {
            let Output { value, script } = Output::read(reader)?;
            outputs.sigops += count_sigops(script);
            if outputs.broken.is_none() {
                total += value.min(MAX_MONEY + 1); // at most twice all money: no overflow
                outputs.broken = broken_amount(value, total);
            }
        }
        Ok(outputs)
    }
}

fn broken_amount(value: u64, total: u64) -> Option<Rule> {
    if value.cast_signed() < 0 {
        Some(Rule::NegativeOutput)
    } else if value > MAX_MONEY {
        Some(Rule::OutputTooLarge)
    } else {
        (total > MAX_MONEY).then_some(Rule::TotalTooLarge)
    }
}
