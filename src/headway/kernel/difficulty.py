"""Targets, work and retargets: the arithmetic of proof of work (Core arith_uint256.cpp, pow.cpp, chain.cpp).

A target is a number that a header's hash, read little endian, must not exceed; `bits` is its compact form in the
header. Pure numbers: which header needs which bits is decided in `headers`.
"""

from __future__ import annotations

from typing import Final

PERIOD: Final = 2016
"""Blocks between two retargets (Core DifficultyAdjustmentInterval)."""
TIMESPAN: Final = 14 * 24 * 3600
"""Seconds that a period should take (Core nPowTargetTimespan)."""
MAX_CHANGE: Final = 4
"""Factor by which a retarget may move the target at most, either way."""

_SIGN: Final = 0x0080_0000
_MANTISSA: Final = 0x007F_FFFF


def target_of(bits: int) -> int:
    """The target that `bits` encode, 0 where they encode none: zero or negative (Core SetCompact).

    Core's third case, overflow, needs no test of its own here: such a target is above every pow_limit.
    """
    size, mantissa = bits >> 24, bits & _MANTISSA
    if bits & _SIGN:
        return 0
    return mantissa >> 8 * (3 - size) if size <= 3 else mantissa << 8 * (size - 3)


def bits_of(target: int) -> int:
    """The compact form of a target, rounded down to its 23 or fewer leading bits (Core GetCompact)."""
    size = (target.bit_length() + 7) // 8
    mantissa = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if mantissa & _SIGN:  # the leading bit would read as a sign
        mantissa >>= 8
        size += 1
    return size << 24 | mantissa


def work_of(bits: int) -> int:
    """Hashes that a block of these bits takes on average: 2**256 / (target + 1). 0 where bits encode no target."""
    target = target_of(bits)
    return (1 << 256) // (target + 1) if 0 < target < 1 << 256 else 0


def retarget(bits: int, timespan: int, pow_limit: int) -> int:
    """Bits of the next period, after one that began with `bits` and took `timespan` seconds.

    That is from its first header to its last, 2015 intervals (Core CalculateNextWorkRequired).
    """
    timespan = min(max(timespan, TIMESPAN // MAX_CHANGE), TIMESPAN * MAX_CHANGE)
    return bits_of(min(target_of(bits) * timespan // TIMESPAN, pow_limit))


def within_retarget(old_bits: int, new_bits: int, pow_limit: int) -> bool:
    """Whether some timespan takes a period of `old_bits` to one of `new_bits` (Core PermittedDifficultyTransition).

    Compared as targets, both ends of the range rounded through their compact form.
    """
    easiest = target_of(retarget(old_bits, TIMESPAN * MAX_CHANGE, pow_limit))
    hardest = target_of(retarget(old_bits, TIMESPAN // MAX_CHANGE, pow_limit))
    return hardest <= target_of(new_bits) <= easiest
