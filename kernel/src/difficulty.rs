//! Targets, work and retargets: the arithmetic of proof of work.
//!
//! A target is a number that a header's hash, read little endian, must not exceed; `bits` is its compact form in the header. As in
//! Core's `arith_uint256.cpp`, `pow.cpp` and `chain.cpp`. Which header needs which bits is decided in `headers`.

use ethnum::U256;

/// Blocks between two retargets (Core `DifficultyAdjustmentInterval`).
pub const PERIOD: i64 = 2016;
/// Seconds that a period should take (Core `nPowTargetTimespan`).
const TIMESPAN: i64 = 14 * 24 * 3600;
/// Factor by which a retarget may move the target at most, either way.
const MAX_CHANGE: i64 = 4;

const SIGN: u32 = 0x0080_0000;
const MANTISSA: u32 = 0x007f_ffff;

/// The target that `bits` encode: zero for zero or negative ones, None for one that 256 bits do not hold (Core `SetCompact`).
pub fn target_of(bits: u32) -> Option<U256> {
    if bits & SIGN != 0 {
        return Some(U256::ZERO);
    }
    let (size, mantissa) = (bits >> 24, U256::from(bits & MANTISSA));
    match size.checked_sub(3) {
        None => Some(mantissa >> (8 * (3 - size))),
        Some(bytes) if mantissa == 0 || 8 * bytes <= mantissa.leading_zeros() => {
            Some(mantissa.checked_shl(8 * bytes).unwrap_or_default())
        }
        Some(_) => None,
    }
}

/// The compact form of a target, rounded down to its 23 or fewer leading bits (Core `GetCompact`).
pub fn bits_of(target: U256) -> u32 {
    let mut size = (256 - target.leading_zeros()).div_ceil(8);
    let mantissa = match size.checked_sub(3) {
        None => target << (8 * (3 - size)),
        Some(bytes) => target >> (8 * bytes),
    };
    let mut mantissa = mantissa.as_u32();
    if mantissa & SIGN != 0 {
        mantissa >>= 8;
        size += 1;
    }
    size << 24 | mantissa
}

/// Hashes that a block of these bits takes on average, 2^256 / (target + 1); zero where bits encode no target.
pub fn work_of(bits: u32) -> U256 {
    match target_of(bits) {
        None | Some(U256::ZERO) => U256::ZERO,
        Some(U256::MAX) => U256::ONE,
        // 2^256 does not fit, but 2^256 / n = (2^256 - n) / n + 1
        Some(target) => !target / (target + 1) + 1,
    }
}

/// Bits of the next period after one that began with `bits` and took `timespan` seconds from its first header to its last, which are
/// 2015 intervals (Core `CalculateNextWorkRequired`).
pub fn retarget(bits: u32, timespan: i64, pow_limit: U256) -> u32 {
    let timespan = timespan.clamp(TIMESPAN / MAX_CHANGE, TIMESPAN * MAX_CHANGE);
    bits_of(
        target_of(bits).and_then(|target| scale(target, timespan)).map_or(pow_limit, |target| target.min(pow_limit)),
    )
}

/// `target * timespan / TIMESPAN`, divided first, since the product need not fit. None when the quotient does not fit either.
fn scale(target: U256, timespan: i64) -> Option<U256> {
    let (timespan, whole) = (U256::try_from(timespan).ok()?, U256::try_from(TIMESPAN).ok()?);
    let rest = (target % whole) * timespan / whole;
    (target / whole).checked_mul(timespan)?.checked_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAINNET_LIMIT: U256 = U256::from_words(0x0000_0000_ffff_ffff_ffff_ffff_ffff_ffff, u128::MAX);

    #[test]
    fn bits_that_encode_no_target() {
        for bits in [0, 0x1d00_0000, 0x1d80_ffff, 0x0080_0000, 0x0100_ffff] {
            assert_eq!(target_of(bits), Some(U256::ZERO), "{bits:08x}");
            assert_eq!(work_of(bits), U256::ZERO);
        }
        for bits in [0x2300_0001 + 0x0001_0000, 0x2200_0100 + 0x0001_0000, 0xff00_0001, 0x2101_0000] {
            assert_eq!(target_of(bits), None, "{bits:08x}");
            assert_eq!(work_of(bits), U256::ZERO);
        }
    }

    #[test]
    fn the_largest_encodings_that_fit() {
        for (bits, shift) in [(0x2200_00ff, 248), (0x2100_ffff, 240), (0x2000_ffff, 232)] {
            assert_eq!(target_of(bits), Some(U256::from(bits & MANTISSA) << shift), "{bits:08x}");
        }
        assert_eq!(target_of(0xff00_0000), Some(U256::ZERO));
    }

    #[test]
    fn targets_round_down_through_their_compact_form() {
        assert_eq!(bits_of(MAINNET_LIMIT), 0x1d00_ffff);
        assert_eq!(bits_of(U256::ZERO), 0);
        assert_eq!(bits_of(U256::new(0x80)), 0x0200_8000);
        assert_eq!(bits_of(U256::MAX), 0x2100_ffff);
        for bits in [0x1d00_ffff, 0x1b04_04cb, 0x1703_8d46, 0x207f_ffff, 0x0200_8000, 0x0112_0000] {
            assert_eq!(target_of(bits).map(bits_of), Some(bits));
        }
    }

    #[test]
    fn work_of_known_bits() {
        assert_eq!(work_of(0x1d00_ffff), U256::new(0x1_0001_0001));
        assert_eq!(work_of(0x207f_ffff), U256::new(2));
        assert_eq!(work_of(0x0101_0000), U256::ONE << 255); // target 1
    }

    #[test]
    fn mainnet_retargets() {
        // heights 32256 (the first change), 68544 and 407232
        assert_eq!(retarget(0x1d00_ffff, 1_262_152_739 - 1_261_130_161, MAINNET_LIMIT), 0x1d00_d86a);
        assert_eq!(retarget(0x1c05_a3f4, 1_279_297_671 - 1_279_008_237, MAINNET_LIMIT), 0x1c01_68fd);
        assert_eq!(retarget(0x1d00_ffff, -5, MAINNET_LIMIT), 0x1c3f_ffc0);
        assert_eq!(retarget(0x1d00_ffff, i64::MAX, MAINNET_LIMIT), 0x1d00_ffff);
    }

    #[test]
    fn retargets_near_the_largest_number_do_not_wrap() {
        assert_eq!(retarget(0x2100_ffff, i64::MAX, U256::MAX >> 1), 0x207f_ffff);
        assert_eq!(retarget(0xff00_ffff, 0, U256::MAX >> 1), 0x207f_ffff);
        assert_eq!(retarget(0x2100_ffff, 0, U256::MAX), 0x203f_ffc0);
    }
}
