"""Compact numbers, work and retargets, with the values of Core's own tests (arith_uint256_tests, pow_tests)."""

from __future__ import annotations

import pytest

from headway.kernel.difficulty import bits_of, retarget, target_of, within_retarget, work_of

LIMIT = (1 << 224) - 1


@pytest.mark.parametrize(
    ("bits", "target"),
    [
        (0x00000000, 0),
        (0x00123456, 0),
        (0x01003456, 0),
        (0x02000056, 0),
        (0x03000000, 0),
        (0x01123456, 0x12),
        (0x02123456, 0x1234),
        (0x03123456, 0x123456),
        (0x04123456, 0x12345600),
        (0x05009234, 0x92340000),
        (0x20123456, 0x123456 << 232),
        (0x1D00FFFF, 0xFFFF << 208),
        (0x207FFFFF, 0x7FFFFF << 232),
    ],
    ids=lambda value: f"{value:x}",
)
def test_target_of_compact_bits(bits: int, target: int) -> None:
    assert target_of(bits) == target


@pytest.mark.parametrize("bits", [0x01FEDCBA, 0x04923456, 0x01803456, 0x00923456], ids=lambda bits: f"{bits:08x}")
def test_negative_bits_encode_no_target(bits: int) -> None:
    assert target_of(bits) == 0


@pytest.mark.parametrize(
    ("target", "bits"),
    [
        (0, 0),
        (0x12, 0x01120000),
        (0x80, 0x02008000),
        (0x1234, 0x02123400),
        (0x92340000, 0x05009234),
        (LIMIT, 0x1D00FFFF),
    ],
)
def test_bits_of_a_target_keep_the_sign_bit_free(target: int, bits: int) -> None:
    assert bits_of(target) == bits


def test_work_of_difficulty_one_is_that_of_the_genesis_block() -> None:
    assert work_of(0x1D00FFFF) == 0x100010001


@pytest.mark.parametrize("bits", [0, 0x1D80FFFF, 0x2200FFFF], ids=["zero", "negative", "overflow"])
def test_work_of_bits_without_target_is_nothing(bits: int) -> None:
    assert work_of(bits) == 0


@pytest.mark.parametrize(
    ("first", "last", "bits", "required"),
    [
        (1261130161, 1262152739, 0x1D00FFFF, 0x1D00D86A),  # blocks 30240 to 32255
        (1231006505, 1233061996, 0x1D00FFFF, 0x1D00FFFF),  # blocks 0 to 2015, held by the limit
        (1279008237, 1279297671, 0x1C05A3F4, 0x1C0168FD),  # blocks 66528 to 68543, held by the factor of four
        (1263163443, 1269211443, 0x1C387F6F, 0x1D00E1FD),  # held by the factor of four the other way
    ],
)
def test_retarget_gives_the_bits_of_core(first: int, last: int, bits: int, required: int) -> None:
    assert retarget(bits, last - first, LIMIT) == required
    assert within_retarget(bits, required, LIMIT)


def test_a_timespan_below_zero_counts_as_the_shortest() -> None:
    assert retarget(0x1C05A3F4, -5, LIMIT) == retarget(0x1C05A3F4, 0, LIMIT) == 0x1C0168FD


def test_more_than_a_factor_of_four_is_no_retarget() -> None:
    """Core's pow_tests: one step of the mantissa beyond either end."""
    assert not within_retarget(0x1C05A3F4, 0x1C0168FD - 1, LIMIT)
    assert not within_retarget(0x1C387F6F, 0x1D00E1FD + 1, LIMIT)


def test_no_retarget_goes_above_the_limit() -> None:
    assert within_retarget(0x1D00FFFF, 0x1D00FFFF, LIMIT)
    assert not within_retarget(0x1D00FFFF, 0x1D010000, LIMIT)
