//! Every rule that a Bitcoin block can break by itself, given its header. The twin of `kernel/block.py` and `scan.py`.
//!
//! # Security
//!
//! An invalid block condemns its header for good, so that must not be in the power of whoever passed the bytes on. The order of the
//! rules sees to it: before the merkle root, unmutated, ties all that is not witness to the header, and before the commitment ties
//! the witness, what is wrong is called a mutation.
//!
//! Bytes of any kind take time linear in their number (but for sorting), and memory of a few times their number.

use std::collections::BTreeSet;

use crate::hash::{Hash, sha256d, sha256d_many};
use crate::headers::HEADER_SIZE;
use crate::merkle;
use crate::read::{Encoding, Reader};
use crate::transaction::{Coinbase, Transaction};
use crate::verdict::{Check, Fault, Unchecked};

/// Three times the stripped size plus the size (Core `MAX_BLOCK_WEIGHT`).
const MAX_WEIGHT: usize = 4_000_000;
/// Weight of a byte that is not witness (Core `WITNESS_SCALE_FACTOR`).
const STRIPPED_SCALE: usize = 4;
/// Each signature operation outside the witness costs `STRIPPED_SCALE` (Core `MAX_BLOCK_SIGOPS_COST`).
const MAX_SIGOPS_COST: usize = 80_000;
/// Lock times below are heights, from here on unix seconds (Core `LOCKTIME_THRESHOLD`).
const LOCK_TIME_THRESHOLD: u32 = 500_000_000;
/// Bytes of two hashes: a transaction of this size may be an inner node of the merkle tree.
const INNER_NODE_SIZE: usize = 64;
/// No fewer bytes make a transaction with one input; a guess how many there may be, for which memory is taken at once.
const TYPICAL_TRANSACTION: usize = 200;

/// Which rules are on at the block's height; `BlockRules` of the face.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Negative when unknown.
    pub height: i64,
    /// The coinbase starts with the height.
    pub bip34: bool,
    /// BIP113: lock times compare with the parent's median time.
    pub median_lock_time: bool,
    /// BIP141: the coinbase may commit to a witness.
    pub segwit: bool,
}

/// Judge the bytes that came for the block whose header has `hash` and was accepted. `median_time`: of its parent, if known.
pub fn check(raw: &[u8], hash: &Hash, rules: &Rules, median_time: Option<i64>) -> Check {
    let failed = |fault, detail| Check { fault: Some((fault, detail)), ..Check::default() };
    let Some(header) = raw.first_chunk() else {
        return failed(Fault::Encoding(Encoding::Truncated), format!("{} bytes", raw.len()));
    };
    if sha256d(header) != *hash {
        return failed(Fault::WrongBlock, "its header has another hash".to_owned());
    }
    let block = match Block::read(raw, header) {
        Ok(block) => block,
        Err(encoding) => return failed(Fault::Encoding(encoding), String::new()),
    };
    let mut check = Check { transactions: block.transactions.len(), weight: block.weight(), ..Check::default() };
    match block.judge(rules, median_time) {
        Ok(unchecked) => check.unchecked = unchecked,
        Err(fault) => check.fault = Some(fault),
    }
    check
}

/// A well encoded block.
#[derive(Debug)]
pub struct Block<'a> {
    header: &'a [u8; HEADER_SIZE],
    /// All its bytes.
    raw: &'a [u8],
    /// In its order.
    pub transactions: Vec<Transaction<'a>>,
    /// Bytes without witnesses.
    stripped_size: usize,
}

type Faulted = (Fault, String);

impl<'a> Block<'a> {
    /// Read the block in `raw`, which begins with `header`.
    fn read(raw: &'a [u8], header: &'a [u8; HEADER_SIZE]) -> Result<Self, Encoding> {
        let mut reader = Reader::new(raw);
        reader.take(HEADER_SIZE)?;
        let count = reader.compact_size()?;
        let mut stripped_size = raw.len() - reader.left();
        let mut transactions = Vec::with_capacity(raw.len() / TYPICAL_TRANSACTION);
        let mut keys = Vec::new();
        for _ in 0..count {
            let transaction = Transaction::read(&mut reader, &mut keys)?;
            stripped_size += transaction.stripped_size();
            transactions.push(transaction);
        }
        if reader.left() > 0 {
            return Err(Encoding::TrailingBytes);
        }
        Ok(Self { header, raw, transactions, stripped_size })
    }

    /// Read the block in `raw`.
    pub fn scan(raw: &'a [u8]) -> Result<Self, Encoding> {
        Self::read(raw, raw.first_chunk().ok_or(Encoding::Truncated)?)
    }

    /// Where each transaction begins, and how long it is.
    pub fn offsets(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut end = self.raw.len() - self.transactions.iter().map(|item| item.raw.len()).sum::<usize>();
        self.transactions.iter().map(move |item| {
            end += item.raw.len();
            (end - item.raw.len(), item.raw.len())
        })
    }

    /// Hashes of the transactions without witness.
    pub fn txids(&self) -> Vec<Hash> {
        sha256d_many(self.transactions.iter().map(Transaction::stripped))
    }

    /// Hashes of the transactions with witness; the coinbase counts as zero (BIP141).
    pub fn wtxids(&self, txids: &[Hash]) -> Vec<Hash> {
        let with_witness: Vec<_> = self.transactions.iter().skip(1).filter(|item| item.has_witness()).collect();
        let mut hashes = sha256d_many(with_witness.iter().map(|item| [item.raw])).into_iter();
        let others = self.transactions.iter().zip(txids).skip(1);
        let others =
            others.map(|(item, txid)| if item.has_witness() { hashes.next().unwrap_or_default() } else { *txid });
        std::iter::once(Hash::default()).chain(others).collect()
    }

    fn weight(&self) -> usize {
        self.stripped_size * (STRIPPED_SCALE - 1) + self.raw.len()
    }

    fn judge(&self, rules: &Rules, median_time: Option<i64>) -> Result<BTreeSet<Unchecked>, Faulted> {
        let txids = self.txids();
        let mut unchecked = BTreeSet::new();
        self.hold_merkle_root(&txids)?;
        let coinbase = self.hold_coinbase()?;
        self.hold_transactions()?;
        self.hold_lock_times(rules, median_time, &mut unchecked)?;
        hold_coinbase_height(&coinbase, rules, &mut unchecked)?;
        self.hold_witness(&coinbase, &txids, rules, &mut unchecked)?;
        if self.weight() > MAX_WEIGHT {
            return Err((Fault::Weight, format!("{}, at most {MAX_WEIGHT}", self.weight())));
        }
        Ok(unchecked)
    }

    /// The header's root ties the transactions, their order and their number to it.
    fn hold_merkle_root(&self, txids: &[Hash]) -> Result<(), Faulted> {
        let (root, mutated) = merkle::root(txids.to_vec());
        let is_node = |item: &Transaction| item.stripped_size() == INNER_NODE_SIZE;
        if root != self.header[36..68] {
            Err((Fault::MerkleRoot, "the transactions have another root".to_owned()))
        } else if mutated {
            Err((Fault::DuplicateTransactions, "equal nodes side by side in the merkle tree".to_owned()))
        } else if !self.transactions.first().is_some_and(|first| first.is_coinbase)
            && self.transactions.iter().any(is_node)
        {
            Err((Fault::InnerNode, "inner nodes of the merkle tree may stand as transactions".to_owned()))
        } else {
            Ok(())
        }
    }

    /// The size; then, that the first transaction is a coinbase, and no other.
    fn hold_coinbase(&self) -> Result<Coinbase<'a>, Faulted> {
        let (count, size) = (self.transactions.len(), self.stripped_size);
        if count == 0 || size * STRIPPED_SCALE > MAX_WEIGHT {
            return Err((Fault::Length, format!("{count} transactions, {size} bytes without witness")));
        }
        let coinbase = self.transactions.first().filter(|first| first.is_coinbase).and_then(Transaction::coinbase);
        let coinbase =
            coinbase.ok_or_else(|| (Fault::NoCoinbase, "the first transaction is no coinbase".to_owned()))?;
        match self.transactions.iter().skip(1).position(|item| item.is_coinbase) {
            None => Ok(coinbase),
            Some(at) => Err((Fault::SecondCoinbase, format!("transaction {} is another coinbase", at + 1))),
        }
    }

    /// No transaction breaks a rule by itself; and the signature operations of all.
    fn hold_transactions(&self) -> Result<(), Faulted> {
        for (number, transaction) in self.transactions.iter().enumerate() {
            if let Some(rule) = transaction.broken {
                return Err((Fault::Transaction(rule), format!("transaction {number}")));
            }
        }
        let cost = self.transactions.iter().map(|item| item.sigops).sum::<usize>() * STRIPPED_SCALE;
        if cost > MAX_SIGOPS_COST {
            return Err((Fault::Sigops, format!("cost {cost}, at most {MAX_SIGOPS_COST}")));
        }
        Ok(())
    }

    /// Every transaction's lock time has passed, or its inputs ignore it (Core `IsFinalTx`).
    fn hold_lock_times(
        &self,
        rules: &Rules,
        median_time: Option<i64>,
        unchecked: &mut BTreeSet<Unchecked>,
    ) -> Result<(), Faulted> {
        let [.., t0, t1, t2, t3, _, _, _, _, _, _, _, _] = *self.header;
        let block_time = i64::from(u32::from_le_bytes([t0, t1, t2, t3]));
        for (number, transaction) in self.transactions.iter().enumerate() {
            let lock_time = transaction.lock_time;
            if lock_time == 0 {
                continue;
            }
            let (limit, doubt) = if lock_time < LOCK_TIME_THRESHOLD {
                (rules.height, (rules.height < 0).then_some(Unchecked::LockTimeHeight))
            } else if !rules.median_lock_time {
                (block_time, None)
            } else if let Some(median_time) = median_time {
                (median_time, None)
            } else {
                // the median lies somewhere below the block's own time
                (block_time, (i64::from(lock_time) < block_time).then_some(Unchecked::LockTimeMedian))
            };
            if let Some(doubt) = doubt {
                unchecked.insert(doubt);
            } else if i64::from(lock_time) >= limit {
                return Err((Fault::NotFinal, format!("transaction {number} has lock time {lock_time}")));
            }
        }
        Ok(())
    }

    /// BIP141: the coinbase commits to every witness, or there is none (Core `CheckWitnessMalleation`).
    fn hold_witness(
        &self,
        coinbase: &Coinbase,
        txids: &[Hash],
        rules: &Rules,
        unchecked: &mut BTreeSet<Unchecked>,
    ) -> Result<(), Faulted> {
        let has_witness = self.transactions.iter().any(Transaction::has_witness);
        let Some(commitment) = coinbase.commitment.filter(|_| rules.segwit) else {
            let unexpected = || (Fault::UnexpectedWitness, "no commitment to a witness".to_owned());
            return if has_witness { Err(unexpected()) } else { Ok(()) };
        };
        if rules.height < 0 && !has_witness {
            unchecked.insert(Unchecked::WitnessCommitment); // before segwit it would mean nothing
            return Ok(());
        }
        let no_nonce = || (Fault::NonceSize, "the coinbase witness is not one item of 32 bytes".to_owned());
        let nonce = coinbase.nonce.ok_or_else(no_nonce)?;
        let (root, _) = merkle::root(self.wtxids(txids));
        if sha256d([root, nonce].as_flattened()) == commitment {
            Ok(())
        } else {
            Err((Fault::WitnessRoot, "the commitment is to another witness".to_owned()))
        }
    }
}

/// BIP34: the coinbase starts with the height.
fn hold_coinbase_height(
    coinbase: &Coinbase,
    rules: &Rules,
    unchecked: &mut BTreeSet<Unchecked>,
) -> Result<(), Faulted> {
    let Ok(height) = u64::try_from(rules.height) else {
        unchecked.insert(Unchecked::CoinbaseHeight);
        return Ok(());
    };
    if rules.bip34 && !coinbase.script.starts_with(&height_push(height)) {
        return Err((Fault::CoinbaseHeight, format!("the coinbase does not start with height {height}")));
    }
    Ok(())
}

/// A script that pushes a height, in its shortest form (Core `CScript::operator<<`).
fn height_push(height: u64) -> Vec<u8> {
    if height <= 16 {
        let [low, ..] = height.to_le_bytes();
        return vec![if low == 0 { 0 } else { 0x50 + low }];
    }
    let mut number = height.to_le_bytes().to_vec();
    number.truncate(8 - height.leading_zeros() as usize / 8);
    if height.leading_zeros().is_multiple_of(8) {
        number.push(0); // the leading bit is a sign
    }
    [&[number.len().to_le_bytes()[0]], number.as_slice()].concat()
}

#[cfg(test)]
mod make;
#[cfg(test)]
mod tests;
