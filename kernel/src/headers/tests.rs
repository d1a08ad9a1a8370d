//! Headers made to break one rule each, on chains where proof of work costs nothing.

#![expect(clippy::cast_possible_truncation, reason = "the numbers of tests are small")]

use super::*;
use crate::hash::sha256d;

/// Nearly every hash is below its target.
const EASY: u32 = 0x207f_ffff;
const REGTEST: Params = Params {
    pow_limit: U256::from_words(0x7fff_ff00_0000_0000_0000_0000_0000_0000, 0),
    retarget: false,
    min_difficulty: false,
    bip94: false,
    bip34_height: 0,
    bip66_height: 0,
    bip65_height: 0,
};
const TESTNET: Params = Params { retarget: true, min_difficulty: true, ..REGTEST };
const TESTNET4: Params = Params { bip94: true, ..TESTNET };
const NOW: i64 = 1_700_000_000;
const GENESIS: Context =
    Context { height: -1, hash: [0; 32], times: Times::EMPTY, bits: 0, first_time: 0, period_bits: 0 };

/// The context after a header at `height`, with eleven times one second apart that end at `time`.
fn context(height: i64, time: u32) -> Context {
    let mut times = Times::EMPTY;
    (time - 10..=time).for_each(|time| times.push(time));
    Context { height, hash: [7; 32], times, bits: EASY, first_time: 0, period_bits: EASY }
}

/// A header with proof of work.
fn mine(prev_hash: Hash, version: i32, time: u32, bits: u32) -> [u8; HEADER_SIZE] {
    let mut raw = [0; HEADER_SIZE];
    raw[..4].copy_from_slice(&version.to_le_bytes());
    raw[4..36].copy_from_slice(&prev_hash);
    raw[68..72].copy_from_slice(&time.to_le_bytes());
    raw[72..76].copy_from_slice(&bits.to_le_bytes());
    let target = target_of(bits).unwrap();
    for nonce in 0_u32.. {
        raw[76..].copy_from_slice(&nonce.to_le_bytes());
        if U256::from_le_bytes(sha256d(&raw)) <= target {
            break;
        }
    }
    raw
}

/// As many headers, a minute apart, the first a minute after `time`.
fn chain(prev_hash: Hash, count: u32, time: u32) -> Vec<[u8; HEADER_SIZE]> {
    let mut headers: Vec<[u8; HEADER_SIZE]> = Vec::new();
    for n in 1..=count {
        let before = headers.last().map_or(prev_hash, |header| sha256d(header));
        headers.push(mine(before, 4, time + 60 * n, EASY));
    }
    headers
}

/// What the only header after `context` breaks.
fn judge(params: &Params, context: &Context, version: i32, time: u32, bits: u32) -> Option<Rule> {
    let header = mine(context.hash, version, time, bits);
    check(&header, HEADER_SIZE, params, context, NOW).unwrap().broken.map(|(rule, _)| rule)
}

#[test]
fn the_first_headers_of_mainnet() {
    let fields = [(1_231_006_505, 2_083_236_893), (1_231_469_665, 2_573_394_689), (1_231_469_744, 1_639_830_024)];
    let roots = [
        "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a",
        "982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e",
        "d5fdcc541e25de1c7a5addedf24858b8bb665c9f36ef744ee42c316022c90f9b",
    ];
    let mut raw: Vec<u8> = Vec::new();
    for ((time, nonce), root) in fields.into_iter().zip(roots) {
        let prev_hash = raw.last_chunk::<HEADER_SIZE>().map_or([0; 32], |header| sha256d(header));
        raw.extend_from_slice(&1_i32.to_le_bytes());
        raw.extend_from_slice(&prev_hash);
        raw.extend((0..64).step_by(2).map(|at| u8::from_str_radix(&root[at..at + 2], 16).unwrap()));
        raw.extend([time, 0x1d00_ffff, nonce].into_iter().flat_map(u32::to_le_bytes));
    }
    let mainnet = Params {
        pow_limit: U256::MAX >> 32,
        retarget: true,
        bip34_height: 227_931,
        bip66_height: 363_725,
        bip65_height: 388_381,
        ..REGTEST
    };
    let found = check(&raw, HEADER_SIZE, &mainnet, &GENESIS, NOW).unwrap();
    assert_eq!(found.broken, None);
    assert_eq!(found.works.runs().collect::<Vec<_>>(), [(U256::new(0x1_0001_0001), 3)]);
    assert_eq!(found.context.height, 2);
    assert_eq!(found.context.first_time, 1_231_006_505);
    assert_eq!(found.context.times.iter().collect::<Vec<_>>(), fields.map(|(time, _)| time));
    assert_eq!(restore(&raw), Some((found.hashes, found.works)));
}

#[test]
fn headers_one_every_stride_with_or_without_the_last_gap() {
    let headers = chain([0; 32], 3, 1000);
    let message: Vec<u8> = headers.iter().flat_map(|header| [&header[..], &[0xff]].concat()).collect();
    for raw in [&message[..], &message[..message.len() - 1]] {
        let found = check(raw, 81, &REGTEST, &GENESIS, NOW).unwrap();
        assert_eq!(found.hashes, headers.iter().map(|header| sha256d(header)).collect::<Vec<_>>());
        assert_eq!(hashes(raw, 81), Some(found.hashes));
    }
}

#[test]
fn torn_headers_are_told() {
    for (size, stride) in [(79, 80), (81, 80), (160, 81), (82, 81), (80, 79), (80, 0), (1, 80)] {
        assert_eq!(hashes(&vec![0; size], stride), None, "{size} bytes, {stride}");
    }
    for (size, stride) in [(0, 80), (0, 81), (80, 81), (81, 81), (161, 81), (160, 80)] {
        assert!(hashes(&vec![0; size], stride).is_some(), "{size} bytes, {stride}");
    }
}

#[test]
fn what_comes_before_the_broken_header_is_accepted() {
    let headers = chain([0; 32], 5, 1000);
    for broken in 0..5 {
        let mut raw = headers.concat();
        raw[broken * HEADER_SIZE + 4] ^= 1;
        let found = check(&raw, HEADER_SIZE, &REGTEST, &GENESIS, NOW).unwrap();
        assert_eq!((found.hashes.len(), found.works.len()), (broken, broken));
        assert_eq!(found.broken.unwrap().0, Rule::Link);
        assert_eq!(usize::try_from(found.context.height + 1), Ok(broken));
    }
}

#[test]
fn batches_of_any_size_end_in_the_same_context() {
    let headers = chain([0; 32], 30, 1000);
    let whole = check(&headers.concat(), HEADER_SIZE, &REGTEST, &GENESIS, NOW).unwrap();
    let mut context = GENESIS;
    for batch in headers.chunks(7) {
        context = check(&batch.concat(), HEADER_SIZE, &REGTEST, &context, NOW).unwrap().context;
    }
    assert_eq!(context.times.iter().collect::<Vec<_>>(), whole.context.times.iter().collect::<Vec<_>>());
    assert_eq!((context.height, context.hash), (29, whole.context.hash));
    assert_eq!(context.first_time, 1060);
}

#[test]
fn work_must_reach_a_target_up_to_the_limit() {
    let context = context(10, 5000);
    let header = |bits: u32| {
        let mut raw = mine(context.hash, 4, 5001, EASY);
        raw[72..76].copy_from_slice(&bits.to_le_bytes());
        raw
    };
    for bits in [0, 0x1d80_ffff, 0x0300_0001, 0x2100_ffff, 0xff00_0001] {
        let found = check(&header(bits), HEADER_SIZE, &REGTEST, &context, NOW).unwrap();
        assert_eq!(found.broken.map(|(rule, _)| rule), Some(Rule::Work), "{bits:08x}");
    }
}

#[test]
fn bits_never_change_without_retargets() {
    assert_eq!(judge(&REGTEST, &context(2015, 600_000), 4, 600_001, EASY), None);
    assert_eq!(judge(&REGTEST, &context(10, 600_000), 4, 600_001, 0x207f_fffe), Some(Rule::Bits));
}

#[test]
fn bits_change_at_the_boundary_by_the_time_that_the_period_took() {
    let params = Params { min_difficulty: false, ..TESTNET };
    let mut before = context(2015, 2_000_000);
    before.first_time = 2_000_000 - 604_800; // half of two weeks
    assert_eq!(judge(&params, &before, 4, 2_000_001, 0x203f_ffff), None);
    assert_eq!(judge(&params, &before, 4, 2_000_001, EASY), Some(Rule::Bits));
    before.first_time = 2_000_000; // no time at all counts as a quarter
    assert_eq!(judge(&params, &before, 4, 2_000_001, 0x201f_ffff), None);
    before.first_time = 0; // easier than the limit
    assert_eq!(judge(&params, &before, 4, 2_000_001, EASY), None);
    before.height = 2014;
    assert_eq!(judge(&params, &before, 4, 2_000_001, 0x203f_ffff), Some(Rule::Bits));
    assert_eq!(judge(&params, &before, 4, 2_000_001, EASY), None);
}

#[test]
fn minimum_difficulty_after_twenty_minutes() {
    let mut before = context(10, 5000);
    before.period_bits = 0x203f_ffff;
    for (time, bits) in [(5001, 0x203f_ffff), (6200, 0x203f_ffff), (6201, EASY)] {
        assert_eq!(judge(&TESTNET, &before, 4, time, bits), None, "{time}");
        assert_eq!(judge(&TESTNET, &before, 4, time, bits ^ EASY ^ 0x203f_ffff), Some(Rule::Bits), "{time}");
    }
}

#[test]
fn the_boundary_starts_from_the_last_bits_or_by_bip94_from_the_first() {
    let mut before = context(2015, 2_000_000);
    before.first_time = 2_000_000 - 1_209_600;
    before.period_bits = 0x203f_ffff; // and the last header had the minimum
    assert_eq!(judge(&TESTNET, &before, 4, 2_000_001, EASY), None);
    assert_eq!(judge(&TESTNET4, &before, 4, 2_000_001, EASY), Some(Rule::Bits));
    assert_eq!(judge(&TESTNET4, &before, 4, 2_000_001, 0x203f_ffff), None);
}

#[test]
fn time_must_be_above_the_median() {
    let before = context(100, 5000); // the median is 4995
    assert_eq!(judge(&REGTEST, &before, 4, 4995, EASY), Some(Rule::Median));
    assert_eq!(judge(&REGTEST, &before, 4, 4996, EASY), None);
    let mut two = Context { height: 1, times: Times::EMPTY, ..before };
    two.times.push(100);
    two.times.push(50);
    assert_eq!(judge(&REGTEST, &two, 4, 100, EASY), Some(Rule::Median)); // of an even number the upper
    assert_eq!(judge(&REGTEST, &two, 4, 101, EASY), None);
}

#[test]
fn a_period_does_not_begin_long_before_its_parent() {
    let mut before = context(2015, 2_000_000);
    before.first_time = 2_000_000 - 1_209_600;
    before.times = Times::EMPTY;
    (0..10).for_each(|_| before.times.push(1_900_000));
    before.times.push(2_000_000);
    assert_eq!(judge(&TESTNET4, &before, 4, 1_999_399, EASY), Some(Rule::Timewarp));
    assert_eq!(judge(&TESTNET4, &before, 4, 1_999_400, EASY), None);
    assert_eq!(judge(&TESTNET, &before, 4, 1_999_399, EASY), None);
}

#[test]
fn time_must_not_be_two_hours_ahead() {
    let (before, now) = (context(100, 1_699_999_000), NOW as u32);
    assert_eq!(judge(&REGTEST, &before, 4, now + 7200, EASY), None);
    assert_eq!(judge(&REGTEST, &before, 4, now + 7201, EASY), Some(Rule::Future));
}

#[test]
fn versions_grow_obsolete() {
    let params = Params { bip34_height: 20, bip66_height: 30, bip65_height: 40, ..REGTEST };
    for (height, oldest) in [(19, i32::MIN), (20, 2), (29, 2), (30, 3), (40, 4), (1000, 4)] {
        let before = context(height - 1, 5000);
        assert_eq!(judge(&params, &before, oldest, 5001, EASY), None, "{height}");
        if oldest > 0 {
            assert_eq!(judge(&params, &before, oldest - 1, 5001, EASY), Some(Rule::Version), "{height}");
        }
    }
}

#[test]
fn of_two_broken_rules_the_first_is_told() {
    let before = context(100, 5000);
    assert_eq!(judge(&REGTEST, &before, 1, 0, 0x207f_fffe), Some(Rule::Bits));
    assert_eq!(judge(&REGTEST, &before, 1, 0, EASY), Some(Rule::Median));
}

#[test]
fn a_clock_at_the_end_of_time_does_not_overflow() {
    let header = mine([0; 32], 4, 1, EASY);
    assert!(check(&header, HEADER_SIZE, &REGTEST, &GENESIS, i64::MAX).unwrap().broken.is_none());
    assert!(check(&header, HEADER_SIZE, &REGTEST, &GENESIS, i64::MIN).unwrap().broken.is_some());
}
