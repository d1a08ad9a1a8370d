//! Verdicts on blocks: what can be wrong with one, and what could not be told.

use std::collections::BTreeSet;

use crate::read::Encoding;
use crate::transaction;

/// The rule that a block broke, in the order in which they are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The bytes are no block.
    Encoding(Encoding),
    /// The header has another hash.
    WrongBlock,
    /// The header has another merkle root.
    MerkleRoot,
    /// Equal nodes side by side in the merkle tree (CVE-2012-2459).
    DuplicateTransactions,
    /// No coinbase, and what may be an inner node of the merkle tree among the transactions.
    InnerNode,
    /// No transactions, or too large without witness.
    Length,
    /// The first transaction is no coinbase.
    NoCoinbase,
    /// Another one is.
    SecondCoinbase,
    /// A transaction breaks a rule by itself.
    Transaction(transaction::Rule),
    /// Too many signature operations.
    Sigops,
    /// A lock time that has not passed.
    NotFinal,
    /// BIP34: the coinbase does not start with the height.
    CoinbaseHeight,
    /// BIP141: the coinbase has no witness of one item of 32 bytes.
    NonceSize,
    /// BIP141: the commitment is to another witness.
    WitnessRoot,
    /// A witness without a commitment to it.
    UnexpectedWitness,
    /// Too large with witness.
    Weight,
}

impl Fault {
    /// The name in verdicts: Core's reject reason where it has one.
    pub fn name(self) -> &'static str {
        use transaction::Rule;
        match self {
            Self::Encoding(Encoding::Truncated) => "truncated",
            Self::Encoding(Encoding::NonCanonicalSize) => "non-canonical-size",
            Self::Encoding(Encoding::UnknownFlag) => "unknown-flag",
            Self::Encoding(Encoding::SuperfluousWitness) => "superfluous-witness",
            Self::Encoding(Encoding::TrailingBytes) => "trailing-bytes",
            Self::WrongBlock => "wrong-block",
            Self::MerkleRoot => "bad-txnmrklroot",
            Self::DuplicateTransactions => "bad-txns-duplicate",
            Self::InnerNode => "merkle-64-bytes",
            Self::Length => "bad-blk-length",
            Self::NoCoinbase => "bad-cb-missing",
            Self::SecondCoinbase => "bad-cb-multiple",
            Self::Transaction(Rule::NoInputs) => "bad-txns-vin-empty",
            Self::Transaction(Rule::NoOutputs) => "bad-txns-vout-empty",
            Self::Transaction(Rule::NegativeOutput) => "bad-txns-vout-negative",
            Self::Transaction(Rule::OutputTooLarge) => "bad-txns-vout-toolarge",
            Self::Transaction(Rule::TotalTooLarge) => "bad-txns-txouttotal-toolarge",
            Self::Transaction(Rule::DuplicateInputs) => "bad-txns-inputs-duplicate",
            Self::Transaction(Rule::CoinbaseScript) => "bad-cb-length",
            Self::Transaction(Rule::NullInput) => "bad-txns-prevout-null",
            Self::Sigops => "bad-blk-sigops",
            Self::NotFinal => "bad-txns-nonfinal",
            Self::CoinbaseHeight => "bad-cb-height",
            Self::NonceSize => "bad-witness-nonce-size",
            Self::WitnessRoot => "bad-witness-merkle-match",
            Self::UnexpectedWitness => "unexpected-witness",
            Self::Weight => "bad-blk-weight",
        }
    }

    /// Whether it shows that these bytes are not that block, rather than that the block is bad whatever copy one holds.
    pub fn is_mutation(self) -> bool {
        use Fault::{DuplicateTransactions, Encoding, InnerNode, MerkleRoot, WrongBlock};
        use Fault::{NonceSize, UnexpectedWitness, WitnessRoot};
        matches!(self, Encoding(_) | WrongBlock | MerkleRoot | DuplicateTransactions | InnerNode)
            || matches!(self, NonceSize | WitnessRoot | UnexpectedWitness)
    }
}

/// What could not be told of a block, because its height or a time is unknown. In the face's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unchecked {
    /// Whether the coinbase starts with the height.
    CoinbaseHeight,
    /// Whether a lock time, which is a height, has passed.
    LockTimeHeight,
    /// Whether a lock time, which is a time, has passed.
    LockTimeMedian,
    /// Whether the commitment of a block without witness means anything.
    WitnessCommitment,
}

impl Unchecked {
    /// The name in verdicts.
    pub fn name(self) -> &'static str {
        match self {
            Self::CoinbaseHeight => "coinbase-height",
            Self::LockTimeHeight => "lock-time-height",
            Self::LockTimeMedian => "lock-time-median",
            Self::WitnessCommitment => "witness-commitment",
        }
    }
}

/// The verdict on a block.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// The first rule that it broke, and what was found, for people.
    pub fault: Option<(Fault, String)>,
    /// How many; 0 when the encoding broke.
    pub transactions: usize,
    /// 0 when the encoding broke.
    pub weight: usize,
    /// Of a valid block.
    pub unchecked: BTreeSet<Unchecked>,
}
