//! The rules of headers in their plainest form: one header after another, looking back as far as Core looks.
//!
//! Written from Core's pow.cpp and validation.cpp, with numbers of any size.

use ethnum::U256;
use headway_kernel::difficulty::target_of;
use headway_kernel::headers::{Context, Params, Times, check};
use num_bigint::BigUint;

use super::plain_hash;
use super::source::Source;

const PERIOD: usize = 2016;
const TWO_WEEKS: i64 = 1_209_600;
/// Every second hash is below this target.
const EASY: u32 = 0x207f_ffff;

/// What the model keeps of a header.
#[derive(Clone, Copy)]
struct Seen {
    time: i64,
    bits: u32,
}

/// The target of compact bits; zero for a negative one.
pub fn target(bits: u32) -> BigUint {
    let (size, word) = (bits >> 24, BigUint::from(bits & 0x007f_ffff));
    match bits & 0x0080_0000 {
        0 if size > 3 => word << (8 * (size - 3)),
        0 => word >> (8 * (3 - size)),
        _ => BigUint::ZERO,
    }
}

/// The compact bits of a target.
pub fn bits(target: &BigUint) -> u32 {
    let mut size = target.bits().div_ceil(8) as u32;
    let mut word = target.clone() << 24_u32 >> (8 * size);
    if word.bit(23) {
        word >>= 8_u32;
        size += 1;
    }
    size << 24 | word.iter_u32_digits().next().unwrap_or(0)
}

/// Make up a chain and headers after it, and compare.
pub fn compare(source: &mut Source) {
    let flags = source.byte();
    let params = Params {
        pow_limit: U256::MAX >> 1,
        retarget: flags & 1 == 0,
        min_difficulty: flags & 2 != 0,
        bip94: flags & 4 != 0,
        bip34_height: i64::from(source.i16()),
        bip66_height: i64::from(source.i16()),
        bip65_height: i64::from(source.i16()),
    };
    let mut chain = history(source, &params);
    let before = context(&chain);
    let now = before.times.iter().last().map_or(1_600_000_000, i64::from) + i64::from(source.i16());

    let (mut raw, mut parent, mut expected, mut accepted) = (Vec::new(), before.hash, "", 0);
    for _ in 0..source.byte() % 24 {
        let (time, header) = next(source, &params, &chain, parent);
        raw.extend_from_slice(&header);
        raw.push(0xaa);
        if expected.is_empty() {
            expected = judge(&header, &params, &chain, parent, now);
            if expected.is_empty() {
                accepted += 1;
                chain.push(Seen { time, bits: field(&header, 72) });
            }
        }
        parent = plain_hash(&header);
    }

    let found = check(&raw, 81, &params, &before, now).expect("whole headers");
    assert_eq!(found.broken.as_ref().map_or("", |(rule, _)| rule.name()), expected);
    assert_eq!((found.hashes.len(), found.works.len()), (accepted, accepted));
    let after = context(&chain);
    let fields = |context: &Context| (context.height, context.bits, context.first_time, context.period_bits);
    assert_eq!(fields(&found.context), fields(&after));
    assert!(found.context.times.iter().eq(after.times.iter()));

    let cut = usize::from(source.byte()) % (accepted + 1);
    let first = check(&raw[..cut * 81], 81, &params, &before, now).expect("whole headers");
    let second = check(&raw[cut * 81..], 81, &params, &first.context, now).expect("whole headers");
    assert_eq!([first.hashes, second.hashes].concat(), found.hashes);
    assert_eq!(second.broken, found.broken);
    assert_eq!(fields(&second.context), fields(&found.context));
}

/// Headers that came before, none or up to two periods; of one period all have the same bits, or the minimum where that is allowed.
fn history(source: &mut Source, params: &Params) -> Vec<Seen> {
    let count = match source.byte() % 4 {
        0 => 0,
        1 => usize::from(source.byte()),
        n => usize::from(n - 1) * PERIOD - 8 + usize::from(source.byte() % 16),
    };
    let spacing = i64::from(source.i16().unsigned_abs() % 3000);
    let period_bits = [EASY, 0x203f_ffff, 0x1f7f_ffff][usize::from(source.byte() % 3)];
    let mut chain: Vec<_> = (0..count)
        .map(|at| Seen {
            time: 1_500_000_000 + at as i64 * spacing,
            bits: if at < PERIOD { EASY } else { period_bits },
        })
        .collect();
    for at in 0..count.min(12) {
        let place = count - 1 - at;
        chain[place].time += i64::from(source.i16() / 8);
        if params.min_difficulty && source.byte() & 1 == 1 && place % PERIOD != 0 {
            chain[place].bits = EASY;
        }
    }
    chain
}

/// What the kernel is told of a chain.
fn context(chain: &[Seen]) -> Context {
    let mut times = Times::EMPTY;
    chain.iter().skip(chain.len().saturating_sub(11)).for_each(|seen| times.push(seen.time as u32));
    let period = chain.get(chain.len().saturating_sub(1) / PERIOD * PERIOD);
    Context {
        height: chain.len() as i64 - 1,
        hash: if chain.is_empty() { [0; 32] } else { [7; 32] },
        times,
        bits: chain.last().map_or(0, |seen| seen.bits),
        first_time: period.map_or(0, |seen| seen.time as u32),
        period_bits: period.map_or(0, |seen| seen.bits),
    }
}

/// A header that may follow, or may not.
fn next(source: &mut Source, params: &Params, chain: &[Seen], parent: [u8; 32]) -> (i64, [u8; 80]) {
    let time = (chain.last().map_or(1_500_000_000, |seen| seen.time) + i64::from(source.i16())).max(0);
    let choice = source.byte();
    let bits = if choice < 224 { required(params, chain, time) } else { EASY ^ u32::from(choice & 3) << 22 };
    let mut header = [0; 80];
    header[..4].copy_from_slice(&(i32::from(source.byte() % 8) - 1).to_le_bytes());
    header[4..36].copy_from_slice(&parent);
    header[68..72].copy_from_slice(&(time as u32).to_le_bytes());
    header[72..76].copy_from_slice(&bits.to_le_bytes());
    for nonce in 0..200_u32 {
        header[76..].copy_from_slice(&nonce.to_le_bytes());
        if target_of(bits).is_none_or(|target| U256::from_le_bytes(plain_hash(&header)) <= target) {
            break;
        }
    }
    if choice == 200 {
        header[usize::from(source.byte()) % 80] ^= 1 << (source.byte() % 8);
    }
    (i64::from(field(&header, 68)), header)
}

/// Core's reject reason, or nothing.
fn judge(header: &[u8; 80], params: &Params, chain: &[Seen], parent: [u8; 32], now: i64) -> &'static str {
    let (height, time) = (chain.len() as i64, i64::from(field(header, 68)));
    let (version, target) = (field(header, 0).cast_signed(), target(field(header, 72)));
    let limit = BigUint::from_bytes_le(&params.pow_limit.to_le_bytes());
    let mut times: Vec<_> = chain.iter().rev().take(11).map(|seen| seen.time).collect();
    times.sort_unstable();
    if header[4..36] != parent {
        "bad-prevblk"
    } else if target == BigUint::ZERO || target > limit || BigUint::from_bytes_le(&plain_hash(header)) > target {
        "high-hash"
    } else if field(header, 72) != required(params, chain, time) {
        "bad-diffbits"
    } else if times.get(times.len() / 2).is_some_and(|median| time <= *median) {
        "time-too-old"
    } else if params.bip94 && height > 0 && height % PERIOD as i64 == 0 && time < chain[chain.len() - 1].time - 600 {
        "time-timewarp-attack"
    } else if time > now + 7200 {
        "time-too-new"
    } else if [(2, params.bip34_height), (3, params.bip66_height), (4, params.bip65_height)]
        .into_iter()
        .any(|(oldest, from)| version < oldest && height >= from)
    {
        "bad-version"
    } else {
        ""
    }
}

/// `GetNextWorkRequired`.
fn required(params: &Params, chain: &[Seen], time: i64) -> u32 {
    let limit = BigUint::from_bytes_le(&params.pow_limit.to_le_bytes());
    let Some(last) = chain.last().filter(|_| params.retarget) else { return bits(&limit) };
    if chain.len().is_multiple_of(PERIOD) {
        let first = chain[chain.len() - PERIOD];
        let span = (last.time - first.time).clamp(TWO_WEEKS / 4, TWO_WEEKS * 4) as u64;
        // of a period, the first bits are those of all; with minimum difficulty, only BIP94 asks for them
        let base = if params.min_difficulty && !params.bip94 { last.bits } else { first.bits };
        return bits(&(target(base) * span / TWO_WEEKS as u64).min(limit));
    }
    if !params.min_difficulty {
        return chain[chain.len() / PERIOD * PERIOD].bits;
    }
    if time > last.time + 1200 {
        return bits(&limit);
    }
    let mut at = chain.len() - 1;
    while !at.is_multiple_of(PERIOD) && chain[at].bits == bits(&limit) {
        at -= 1;
    }
    chain[at].bits
}

fn field(header: &[u8; 80], at: usize) -> u32 {
    u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"))
}
