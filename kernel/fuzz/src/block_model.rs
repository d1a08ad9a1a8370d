//! Blocks in their plainest form: one rule after another, each over all transactions.
//!
//! Written from Core's validation.cpp and consensus/merkle.cpp.

use headway_kernel::block::Rules;

use super::plain_hash;
use super::source::Source;
use super::transaction_model::{Transaction, compact, read, sized};

/// What the bytes of a block are put right in before they are judged, so that the rules behind are reached.
#[derive(Clone, Copy)]
pub struct Repair {
    pub root: bool,
    pub commitment: bool,
    pub hash: bool,
}

pub struct Verdict {
    /// "encoding" for any fault of that.
    pub fault: &'static str,
    pub transactions: usize,
    pub weight: usize,
    pub unchecked: Vec<&'static str>,
}

/// Rules, a median time, and what to repair.
pub fn circumstances(source: &mut Source) -> (Rules, Option<i64>, Repair) {
    let (flags, repair) = (source.byte(), source.byte());
    let rules = Rules {
        height: [i64::from(source.i16()), -1, 500_000_000, 1][usize::from(flags % 4)],
        bip34: flags & 4 != 0,
        median_lock_time: flags & 8 != 0,
        segwit: flags & 16 != 0,
    };
    let median_time = (flags & 32 == 0).then(|| i64::from(source.u32()));
    (rules, median_time, Repair { root: repair & 1 == 0, commitment: repair & 2 == 0, hash: repair & 12 != 12 })
}

fn merkle_root(mut level: Vec<[u8; 32]>) -> ([u8; 32], bool) {
    let mut mutated = false;
    while level.len() > 1 {
        mutated |= level.chunks_exact(2).any(|pair| pair[0] == pair[1]);
        level = level.chunks(2).map(|pair| plain_hash(&[pair[0], pair[pair.len() - 1]].concat())).collect();
    }
    (level.first().copied().unwrap_or_default(), mutated)
}

fn txids(transactions: &[Transaction]) -> Vec<[u8; 32]> {
    transactions.iter().map(|transaction| plain_hash(&transaction.bytes(false))).collect()
}

/// What a commitment to the witnesses must be.
fn commitment(transactions: &[Transaction], nonce: &[u8]) -> [u8; 32] {
    let mut leaves: Vec<_> = transactions.iter().map(|item| plain_hash(&item.bytes(item.has_witness()))).collect();
    leaves[0] = [0; 32];
    plain_hash(&[&merkle_root(leaves).0, nonce].concat())
}

/// The block with a commitment and a merkle root that are right, where that is asked for and it can be read.
pub fn repaired(mut raw: Vec<u8>, repair: Repair) -> Vec<u8> {
    let Ok(mut transactions) = read(&raw) else { return raw };
    if repair.commitment
        && let Some(at) = transactions.first().and_then(Transaction::commitment)
    {
        let nonce = transactions[0].inputs.first().map_or(vec![], |input| input.witness.concat());
        let hash = commitment(&transactions, &nonce);
        transactions[0].outputs[at].script[6..38].copy_from_slice(&hash);
        raw.truncate(80);
        raw.extend(compact(transactions.len() as u64));
        raw.extend(transactions.iter().flat_map(|item| item.bytes(item.has_witness())));
    }
    if repair.root {
        raw[36..68].copy_from_slice(&merkle_root(txids(&transactions)).0);
    }
    raw
}

/// Core's reject reason, by our names where it has none.
pub fn judge(raw: &[u8], hash: &[u8; 32], rules: &Rules, median_time: Option<i64>) -> Verdict {
    let mut verdict = Verdict { fault: "truncated", transactions: 0, weight: 0, unchecked: Vec::new() };
    let Some(header) = raw.get(..80) else { return verdict };
    if plain_hash(header) != *hash {
        verdict.fault = "wrong-block";
        return verdict;
    }
    let Ok(transactions) = read(raw) else {
        verdict.fault = "encoding";
        return verdict;
    };
    let stripped = transactions.iter().map(|item| item.bytes(false).len()).sum::<usize>();
    let stripped = stripped + 80 + compact(transactions.len() as u64).len();
    verdict.transactions = transactions.len();
    verdict.weight = stripped * 3 + raw.len();
    let faults = [
        merkle_fault(header, &transactions),
        shape_fault(&transactions, stripped),
        transactions.iter().map(Transaction::fault).find(|fault| !fault.is_empty()).unwrap_or(""),
        if transactions.iter().map(Transaction::sigops).sum::<usize>() > 20_000 { "bad-blk-sigops" } else { "" },
    ];
    verdict.fault = faults.into_iter().find(|fault| !fault.is_empty()).unwrap_or("");
    if verdict.fault.is_empty() {
        let unchecked = &mut verdict.unchecked;
        let later = [
            height_fault(&transactions[0], rules, unchecked),
            lock_time_fault(header, &transactions, rules, median_time, unchecked),
            witness_fault(&transactions, rules, unchecked),
            if verdict.weight > 4_000_000 { "bad-blk-weight" } else { "" },
        ];
        let order = [later[1], later[0], later[2], later[3]];
        verdict.fault = order.into_iter().find(|fault| !fault.is_empty()).unwrap_or("");
    }
    verdict
}

fn merkle_fault(header: &[u8], transactions: &[Transaction]) -> &'static str {
    let (root, mutated) = merkle_root(txids(transactions));
    let coinbase = transactions.first().is_some_and(Transaction::is_coinbase);
    if root != header[36..68] {
        "bad-txnmrklroot"
    } else if mutated {
        "bad-txns-duplicate"
    } else if !coinbase && transactions.iter().any(|item| item.bytes(false).len() == 64) {
        "merkle-64-bytes"
    } else {
        ""
    }
}

fn shape_fault(transactions: &[Transaction], stripped: usize) -> &'static str {
    if transactions.is_empty() || stripped > 1_000_000 {
        "bad-blk-length"
    } else if !transactions[0].is_coinbase() {
        "bad-cb-missing"
    } else if transactions[1..].iter().any(Transaction::is_coinbase) {
        "bad-cb-multiple"
    } else {
        ""
    }
}

fn height_fault(coinbase: &Transaction, rules: &Rules, unchecked: &mut Vec<&'static str>) -> &'static str {
    if rules.height < 0 {
        unchecked.push("coinbase-height");
        return "";
    }
    let push = match rules.height {
        0 => vec![0],
        1..=16 => vec![0x50 + rules.height as u8],
        height => {
            let mut number = height.to_le_bytes().to_vec();
            while number.ends_with(&[0]) {
                number.pop();
            }
            if number[number.len() - 1] >= 0x80 {
                number.push(0);
            }
            sized(&number)
        }
    };
    if rules.bip34 && !coinbase.inputs[0].script.starts_with(&push) { "bad-cb-height" } else { "" }
}

/// Core `IsFinalTx`.
fn lock_time_fault(
    header: &[u8],
    transactions: &[Transaction],
    rules: &Rules,
    median_time: Option<i64>,
    unchecked: &mut Vec<&'static str>,
) -> &'static str {
    let block_time = i64::from(u32::from_le_bytes(header[68..72].try_into().expect("four bytes")));
    let (mut height_unknown, mut median_unknown) = (false, false);
    for transaction in transactions {
        let lock_time = i64::from(transaction.lock_time);
        if lock_time == 0 || transaction.inputs.iter().all(|input| input.sequence == [0xff; 4]) {
            continue;
        }
        let is_height = lock_time < 500_000_000;
        if is_height && rules.height < 0 {
            height_unknown = true;
        } else if !is_height && rules.median_lock_time && median_time.is_none() && lock_time < block_time {
            median_unknown = true;
        } else {
            let time = if rules.median_lock_time { median_time.unwrap_or(block_time) } else { block_time };
            if lock_time >= if is_height { rules.height } else { time } {
                return "bad-txns-nonfinal";
            }
        }
    }
    unchecked.extend(height_unknown.then_some("lock-time-height"));
    unchecked.extend(median_unknown.then_some("lock-time-median"));
    ""
}

/// Core `CheckWitnessMalleation`.
fn witness_fault(transactions: &[Transaction], rules: &Rules, unchecked: &mut Vec<&'static str>) -> &'static str {
    let has_witness = transactions.iter().any(Transaction::has_witness);
    let coinbase = &transactions[0];
    let Some(at) = coinbase.commitment().filter(|_| rules.segwit) else {
        return if has_witness { "unexpected-witness" } else { "" };
    };
    if rules.height < 0 && !has_witness {
        unchecked.push("witness-commitment");
        return "";
    }
    match &coinbase.inputs[0].witness[..] {
        [nonce] if nonce.len() == 32 => {
            let right = commitment(transactions, nonce) == coinbase.outputs[at].script[6..38];
            if right { "" } else { "bad-witness-merkle-match" }
        }
        _ => "bad-witness-nonce-size",
    }
}
