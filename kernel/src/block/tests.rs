//! Blocks made to break one rule each, and whole blocks damaged at every byte.

#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers of tests are small")]

use super::make::{BLOCK_TIME, BTC, HEIGHT, HEIGHT_PUSH, Input, NULL, Outpoint, Spend};
use super::make::{block, coinbase, commit, commitment_output, input, segwit_spend, spend};
use super::*;
use crate::transaction::Rule;

const MEDIAN: i64 = BLOCK_TIME as i64 - 3600;
const ALL_RULES: Rules = Rules { height: HEIGHT, bip34: true, median_lock_time: true, segwit: true };

fn check_with(raw: &[u8], rules: &Rules, median_time: Option<i64>) -> Check {
    check(raw, &sha256d(&raw[..HEADER_SIZE]), rules, median_time)
}

/// What the block breaks.
fn fault(spends: &[Spend]) -> Option<Fault> {
    check_with(&block(spends), &ALL_RULES, Some(MEDIAN)).fault.map(|(fault, _)| fault)
}

/// What a block breaks whose second transaction is this one.
fn fault_of(spend: Spend) -> Option<Fault> {
    fault(&[coinbase(), spend])
}

fn names(raw: &[u8], rules: &Rules, median_time: Option<i64>) -> Vec<&'static str> {
    let check = check_with(raw, rules, median_time);
    assert_eq!(check.fault, None);
    check.unchecked.into_iter().map(Unchecked::name).collect()
}

#[test]
fn good_blocks_are_valid_and_measured() {
    for spends in
        [vec![coinbase()], vec![coinbase(), spend(1), spend(2)], commit(vec![coinbase(), segwit_spend(1), spend(2)])]
    {
        let raw = block(&spends);
        let stripped = 81 + spends.iter().map(|spend| spend.bytes(false).len()).sum::<usize>();
        let expected = Check { transactions: spends.len(), weight: 3 * stripped + raw.len(), ..Check::default() };
        assert_eq!(check_with(&raw, &ALL_RULES, Some(MEDIAN)), expected);
    }
}

#[test]
fn transactions_are_found_where_they_lie() {
    let spends = commit(vec![coinbase(), segwit_spend(1), spend(2)]);
    let raw = block(&spends);
    let block = Block::scan(&raw).unwrap();
    for ((spend, (at, length)), txid) in spends.iter().zip(block.offsets()).zip(block.txids()) {
        assert_eq!(raw[at..at + length], spend.bytes(spend.has_witness()));
        assert_eq!(txid, sha256d(&spend.bytes(false)));
    }
}

#[test]
fn another_block_is_told() {
    let raw = block(&[coinbase()]);
    let check = check(&raw, &[1; 32], &ALL_RULES, None);
    assert_eq!(check.fault.unwrap().0, Fault::WrongBlock);
}

#[test]
fn a_block_cut_anywhere_is_truncated() {
    let raw = block(&commit(vec![coinbase(), segwit_spend(1), spend(2)]));
    let hash = sha256d(&raw[..HEADER_SIZE]);
    for size in 0..raw.len() {
        let fault = check(&raw[..size], &hash, &ALL_RULES, Some(MEDIAN)).fault.unwrap().0;
        assert_eq!(fault, Fault::Encoding(Encoding::Truncated), "{size} bytes");
    }
    let longer = [&raw[..], &[0]].concat();
    let fault = check(&longer, &hash, &ALL_RULES, Some(MEDIAN)).fault.unwrap().0;
    assert_eq!(fault, Fault::Encoding(Encoding::TrailingBytes));
}

#[test]
fn a_block_damaged_at_any_byte_is_a_mutation() {
    let raw = block(&commit(vec![coinbase(), segwit_spend(1), spend(2)]));
    let hash = sha256d(&raw[..HEADER_SIZE]);
    for at in 0..raw.len() {
        for mask in [1, 0x80, 0xff] {
            let mut damaged = raw.clone();
            damaged[at] ^= mask;
            let (fault, _) =
                check(&damaged, &hash, &ALL_RULES, Some(MEDIAN)).fault.expect("a byte that nothing covers");
            assert!(fault.is_mutation(), "byte {at}: {fault:?}");
        }
    }
}

#[test]
fn encodings_that_no_block_has() {
    let raw = block(&[coinbase()]);
    let header = &raw[..HEADER_SIZE];
    let hash = sha256d(header);
    let version = [2, 0, 0, 0];
    let of = |body: &[u8]| check(&[header, body].concat(), &hash, &ALL_RULES, None).fault.unwrap().0;
    let cases = [
        (vec![253, 1, 0], Encoding::NonCanonicalSize),
        ([&[1], &version[..], &[0, 2, 1]].concat(), Encoding::UnknownFlag),
        ([&[1], &version[..], &[0, 1, 0, 0], &[0; 4]].concat(), Encoding::SuperfluousWitness),
        ([&[255], &[255; 8][..]].concat(), Encoding::Truncated),
        ([&[1], &version[..], &[255], &[255; 8][..]].concat(), Encoding::Truncated),
        ([&[1], &version[..], &[0, 1, 254, 255, 255, 255, 255]].concat(), Encoding::Truncated),
    ];
    for (body, encoding) in cases {
        assert_eq!(of(&body), Fault::Encoding(encoding), "{body:?}");
    }
    let mut hollow = spend(1).bytes(true);
    hollow.splice(hollow.len() - 6.., [0, 0, 0, 0, 0, 0]);
    assert_eq!(of(&[&[1], &hollow[..]].concat()), Fault::Encoding(Encoding::SuperfluousWitness));
}

#[test]
fn the_merkle_root_covers_order_and_number() {
    let mut raw = block(&[coinbase(), spend(1), spend(2)]);
    raw[40] ^= 1;
    assert_eq!(check_with(&raw, &ALL_RULES, None).fault.unwrap().0, Fault::MerkleRoot);
    assert_eq!(fault(&[coinbase(), spend(1), spend(2), spend(2)]), Some(Fault::DuplicateTransactions));
}

#[test]
fn inner_nodes_may_stand_as_transactions_where_there_is_no_coinbase() {
    let of_size_64 = Spend { inputs: vec![input(([1; 32], 0))], outputs: vec![(1, vec![0x51; 2])], lock_time: 0 };
    assert_eq!(of_size_64.bytes(false).len(), 64);
    assert_eq!(fault(&[of_size_64.clone(), spend(2)]), Some(Fault::InnerNode));
    assert_eq!(fault(&[spend(1), of_size_64.clone()]), Some(Fault::InnerNode));
    assert_eq!(fault(&[coinbase(), of_size_64]), None);
}

#[test]
fn the_first_transaction_and_no_other_is_a_coinbase() {
    assert_eq!(fault(&[spend(1), coinbase()]), Some(Fault::NoCoinbase));
    let mut second = coinbase();
    second.lock_time = 1;
    assert_eq!(fault(&[coinbase(), spend(1), second]), Some(Fault::SecondCoinbase));
    let mut raw = vec![0; HEADER_SIZE];
    raw.push(0);
    assert_eq!(check_with(&raw, &ALL_RULES, None).fault.unwrap().0, Fault::Length);
}

#[test]
fn size_without_witness_is_limited() {
    let filled = |size: usize| vec![coinbase(), Spend { outputs: vec![(0, vec![0x6a; size])], ..spend(1) }];
    let rest = block(&filled(999_000)).len() - 999_000;
    let result = |size: usize| fault(&filled(size - rest));
    assert_eq!(result(1_000_000), None);
    assert_eq!(result(1_000_001), Some(Fault::Length));
}

#[test]
fn weight_is_limited() {
    let filled = |size: usize| {
        let mut spend = spend(1);
        spend.inputs[0].witness = vec![vec![7; size]];
        commit(vec![coinbase(), spend])
    };
    let check_of = |size| check_with(&block(&filled(size)), &ALL_RULES, Some(MEDIAN));
    let rest = check_of(3_000_000).weight - 3_000_000;
    assert_eq!(check_of(MAX_WEIGHT - rest).fault, None);
    assert_eq!(check_of(MAX_WEIGHT - rest + 1).fault.unwrap().0, Fault::Weight);
}

#[test]
fn each_rule_of_a_transaction() {
    let broken = |rule| Some(Fault::Transaction(rule));
    let paying = |values: &[i64]| Spend { outputs: values.iter().map(|value| (*value, vec![])).collect(), ..spend(1) };
    let spending =
        |outpoints: &[Outpoint]| Spend { inputs: outpoints.iter().copied().map(input).collect(), ..spend(1) };
    let max = 21_000_000 * BTC;
    let cases = [
        (paying(&[]), broken(Rule::NoOutputs)),
        (paying(&[max]), None),
        (paying(&[max + 1]), broken(Rule::OutputTooLarge)),
        (paying(&[-1]), broken(Rule::NegativeOutput)),
        (paying(&[i64::MIN]), broken(Rule::NegativeOutput)),
        (paying(&[max, 1]), broken(Rule::TotalTooLarge)),
        (paying(&[max, max, -1]), broken(Rule::TotalTooLarge)),
        (paying(&[i64::MAX, i64::MAX]), broken(Rule::OutputTooLarge)),
        (spending(&[([1; 32], 5), ([2; 32], 5), ([1; 32], 5)]), broken(Rule::DuplicateInputs)),
        (spending(&[([1; 32], 5), ([2; 32], 5), ([1; 32], 6)]), None),
        (spending(&[([1; 32], 5), NULL]), broken(Rule::NullInput)),
        (spending(&[([0; 32], 0), ([1; 32], u32::MAX)]), None),
    ];
    for (number, (spend, expected)) in cases.into_iter().enumerate() {
        assert_eq!(fault_of(spend), expected, "case {number}");
    }
    let hollow = [&[2, 0, 0, 0][..], &[0, 0], &[0; 4]].concat();
    let txids = vec![sha256d(&coinbase().bytes(false)), sha256d(&hollow)];
    let mut raw = block(&[coinbase()]);
    raw[36..68].copy_from_slice(&merkle::root(txids).0);
    raw[HEADER_SIZE] = 2;
    raw.extend(hollow);
    assert_eq!(check_with(&raw, &ALL_RULES, None).fault.unwrap().0, Fault::Transaction(Rule::NoInputs));
}

#[test]
fn inputs_whose_keys_collide_are_told_apart() {
    // the same first eight bytes and numbers, different beyond
    let mut other = [5; 32];
    other[20] = 6;
    let inputs = vec![input(([5; 32], 3)), input((other, 3))];
    assert_eq!(fault_of(Spend { inputs, ..spend(1) }), None);
}

#[test]
fn coinbase_scripts_have_2_to_100_bytes_and_start_with_the_height() {
    let with_script = |script: Vec<u8>| {
        let mut coinbase = coinbase();
        coinbase.inputs[0].script = script;
        fault(&[coinbase])
    };
    assert_eq!(with_script(vec![3]), Some(Fault::Transaction(Rule::CoinbaseScript)));
    assert_eq!(with_script([&HEIGHT_PUSH[..], &[0; 97]].concat()), Some(Fault::Transaction(Rule::CoinbaseScript)));
    assert_eq!(with_script([&HEIGHT_PUSH[..], &[0; 96]].concat()), None);
    assert_eq!(with_script(HEIGHT_PUSH.to_vec()), None);
    assert_eq!(with_script(HEIGHT_PUSH[..3].to_vec()), Some(Fault::CoinbaseHeight));
    assert_eq!(with_script(vec![3, 0x21, 0xa1, 0x07]), Some(Fault::CoinbaseHeight));
}

#[test]
fn heights_are_pushed_in_their_shortest_form() {
    let pushes: [(u64, &[u8]); 9] = [
        (0, &[0]),
        (1, &[0x51]),
        (16, &[0x60]),
        (17, &[1, 17]),
        (127, &[1, 127]),
        (128, &[2, 128, 0]),
        (255, &[2, 255, 0]),
        (256, &[2, 0, 1]),
        (8_388_608, &[4, 0, 0, 128, 0]),
    ];
    for (height, push) in pushes {
        assert_eq!(height_push(height), push);
    }
    assert_eq!(height_push(u64::MAX), [9, 255, 255, 255, 255, 255, 255, 255, 255, 0]);
}

#[test]
fn signature_operations_are_limited() {
    let with = |count: usize| fault_of(Spend { outputs: vec![(0, vec![0xac; count])], ..spend(1) });
    assert_eq!(with(20_000), None);
    assert_eq!(with(20_001), Some(Fault::Sigops));
    let both = Spend { inputs: vec![Input { script: vec![0xac], ..input(([1; 32], 0)) }], ..spend(1) };
    assert_eq!(
        fault(&[coinbase(), both, Spend { outputs: vec![(0, vec![0xae; 1000])], ..spend(2) }]),
        Some(Fault::Sigops)
    );
}

#[test]
fn lock_times_must_have_passed_unless_all_inputs_ignore_them() {
    let locked = |lock_time, sequences: [u32; 2]| {
        let mut spend = Spend { lock_time, ..spend(1) };
        spend.inputs[0].sequence = sequences[0];
        spend.inputs[1].sequence = sequences[1];
        vec![coinbase(), spend]
    };
    let holds = |lock_time: i64, rules: &Rules, median_time| {
        let raw = block(&locked(lock_time as u32, [u32::MAX, 0]));
        check_with(&raw, rules, median_time).fault.is_none()
    };
    let by_block_time = Rules { median_lock_time: false, ..ALL_RULES };
    let block_time = i64::from(BLOCK_TIME);
    assert!(holds(HEIGHT - 1, &ALL_RULES, None));
    assert!(!holds(HEIGHT, &ALL_RULES, None));
    assert!(!holds(499_999_999, &ALL_RULES, Some(MEDIAN)));
    assert!(holds(MEDIAN - 1, &ALL_RULES, Some(MEDIAN)));
    assert!(!holds(MEDIAN, &ALL_RULES, Some(MEDIAN)));
    assert!(holds(block_time - 1, &by_block_time, Some(MEDIAN)));
    assert!(!holds(block_time, &by_block_time, None));
    assert!(!holds(block_time, &ALL_RULES, None)); // no median is as late as the block itself
    assert_eq!(fault(&locked(u32::MAX, [u32::MAX; 2])), None);
    assert_eq!(fault(&locked(u32::MAX, [u32::MAX, 1])), Some(Fault::NotFinal));
    assert_eq!(fault(&locked(0, [0, 0])), None);
}

#[test]
fn what_is_unknown_is_named() {
    let unknown = Rules { height: -1, bip34: false, median_lock_time: true, segwit: true };
    let locked = |lock_time| {
        let mut spend = Spend { lock_time, ..spend(lock_time as u8) };
        spend.inputs[0].sequence = 0;
        spend
    };
    let mut plain = commit(vec![coinbase(), spend(1)]);
    plain[0].inputs[0].witness.clear();
    assert_eq!(names(&block(&[coinbase()]), &ALL_RULES, None), [""; 0]);
    assert_eq!(names(&block(&[coinbase()]), &unknown, None), ["coinbase-height"]);
    assert_eq!(names(&block(&[coinbase(), locked(5)]), &unknown, None), ["coinbase-height", "lock-time-height"]);
    assert_eq!(names(&block(&[coinbase(), locked(BLOCK_TIME - 1)]), &ALL_RULES, None), ["lock-time-median"]);
    assert_eq!(names(&block(&plain), &unknown, None), ["coinbase-height", "witness-commitment"]);
    let all = commit(vec![coinbase(), locked(BLOCK_TIME - 1), locked(5)]);
    assert_eq!(names(&block(&all), &unknown, None), ["coinbase-height", "lock-time-height", "lock-time-median"]);
}

#[test]
fn witnesses_need_a_commitment_to_them() {
    assert_eq!(fault(&[coinbase(), segwit_spend(1)]), Some(Fault::UnexpectedWitness));
    let spends = commit(vec![coinbase(), segwit_spend(1)]);
    assert_eq!(fault(&spends), None);
    let before_segwit = Rules { segwit: false, ..ALL_RULES };
    assert_eq!(check_with(&block(&spends), &before_segwit, None).fault.unwrap().0, Fault::UnexpectedWitness);
    let changed = |change: &dyn Fn(&mut Vec<Spend>)| {
        let mut spends = spends.clone();
        change(&mut spends);
        fault(&spends)
    };
    assert_eq!(changed(&|spends| spends[1].inputs[1].witness[0][5] ^= 1), Some(Fault::WitnessRoot));
    assert_eq!(changed(&|spends| spends[0].inputs[0].witness[0][5] ^= 1), Some(Fault::WitnessRoot));
    assert_eq!(changed(&|spends| spends[0].inputs[0].witness.clear()), Some(Fault::NonceSize));
    assert_eq!(changed(&|spends| spends[0].inputs[0].witness[0].push(0)), Some(Fault::NonceSize));
    assert_eq!(changed(&|spends| spends[0].inputs[0].witness.push(vec![])), Some(Fault::NonceSize));
    // the last output that looks like a commitment counts, however long; a shorter one does not
    assert_eq!(
        changed(&|spends| spends[0].outputs.push(commitment_output([0; 32], &[9; 32]))),
        Some(Fault::WitnessRoot)
    );
    let longer = |spends: &mut Vec<Spend>| spends[0].outputs[1].1.extend([1, 2, 3]);
    assert_eq!(changed(&longer), None);
    let shorter = |spends: &mut Vec<Spend>| {
        let script = spends[0].outputs[1].1[..37].to_vec();
        spends[0].outputs.push((0, script));
    };
    assert_eq!(changed(&shorter), None);
    assert_eq!(fault(&commit(vec![coinbase()])), None);
}
