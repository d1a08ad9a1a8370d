"""Batches of headers: strides, results, and the contexts between batches. What is refused is in test_header_rules."""

from __future__ import annotations

import pytest

from headway.kernel import HeaderContext
from headway.kernel.headers import check_headers, context_from, header_hashes, restore_headers, skip_to
from tests.chain_builder import BITS, block_hash
from tests.header_model import EASY, EASY_TESTNET3, PERIOD, EasyChain, time_of

BEFORE_GENESIS = HeaderContext(-1, bytes(32), (), None, None, None)
LATE = 4_000_000_000


@pytest.fixture(scope="module")
def chain() -> EasyChain:
    """A bit more than a period, the second one harder."""
    return EasyChain().grow(PERIOD - 1, spacing=100).grow(20)


# Layout.


@pytest.mark.parametrize("stride", [80, 81, 84])
def test_any_stride_gives_the_same_result_with_or_without_the_last_gap(chain: EasyChain, stride: int) -> None:
    gap = b"\xaa" * (stride - 80)
    spread = gap.join(chain.headers)
    straight = check_headers(chain.raw(), 80, EASY, BEFORE_GENESIS, LATE)
    assert straight.accepted == len(chain.headers)
    assert check_headers(spread, stride, EASY, BEFORE_GENESIS, LATE) == straight
    assert check_headers(spread + gap, stride, EASY, BEFORE_GENESIS, LATE) == straight
    assert header_hashes(spread, stride) == header_hashes(spread + gap, stride) == straight.hashes


@pytest.mark.parametrize(("size", "stride"), [(79, 80), (81, 80), (79, 81), (82, 81), (161, 84), (80, 79), (0, 0)])
def test_a_torn_header_is_the_caller_s_mistake(size: int, stride: int) -> None:
    with pytest.raises(ValueError, match="no whole number of headers"):
        check_headers(bytes(size), stride, EASY, BEFORE_GENESIS, LATE)
    with pytest.raises(ValueError, match="no whole number of headers"):
        header_hashes(bytes(size), stride)


def test_no_headers_change_nothing() -> None:
    check = check_headers(b"", 81, EASY, BEFORE_GENESIS, LATE)
    assert check == (0, b"", [], "", "", BEFORE_GENESIS, {})
    assert restore_headers(b"") == (b"", [])


def test_a_view_of_the_bytes_will_do(chain: EasyChain) -> None:
    view = memoryview(b"xx" + chain.raw())[2:]
    assert check_headers(view, 80, EASY, BEFORE_GENESIS, LATE).accepted == len(chain.headers)
    assert restore_headers(view) == restore_headers(chain.raw())


# Results.


def test_hashes_and_works_are_those_of_the_headers(chain: EasyChain) -> None:
    check = check_headers(chain.raw(), 80, EASY, BEFORE_GENESIS, LATE)
    assert check.hashes == b"".join(map(block_hash, chain.headers))
    assert check.works == [2] * PERIOD + [8] * 20
    assert restore_headers(chain.raw()) == (check.hashes, check.works)


def test_restoring_judges_nothing() -> None:
    _, works = restore_headers(bytes(80) + b"\xff" * 80)
    assert works == [0, 0]


def test_restored_hashes_are_what_the_next_header_names_and_only_the_last_is_computed() -> None:
    hashes, _ = restore_headers(bytes(80) + b"\xff" * 80)
    assert hashes == b"\xff" * 32 + block_hash(b"\xff" * 80)
    assert restore_headers(b"\xff" * 80)[0] == block_hash(b"\xff" * 80)


def test_context_after_a_batch_is_that_of_its_last_headers(chain: EasyChain) -> None:
    context = check_headers(chain.raw(), 80, EASY, BEFORE_GENESIS, LATE).context
    assert context.complete
    assert context == HeaderContext(
        PERIOD + 19,
        block_hash(chain.headers[-1]),
        tuple(map(time_of, chain.headers[-11:])),
        0x201FFFFF,
        time_of(chain.headers[PERIOD]),
        0x201FFFFF,
    )


@pytest.mark.parametrize("size", [1, 7, 11, 12, 500])
def test_any_division_into_batches_ends_in_the_same_context(chain: EasyChain, size: int) -> None:
    whole = check_headers(chain.raw(), 80, EASY, BEFORE_GENESIS, LATE)
    context, hashes = BEFORE_GENESIS, b""
    for start in range(0, len(chain.headers), size):
        check = check_headers(chain.raw(start, start + size), 80, EASY, context, LATE)
        assert check.rule == ""
        assert check.unchecked == {}
        context, hashes = check.context, hashes + check.hashes
    assert (context, hashes) == (whole.context, whole.hashes)


# Contexts.


@pytest.mark.parametrize("height", [0, 1, 10, 11, PERIOD - 1, PERIOD, PERIOD + 12])
def test_context_from_a_chain_is_the_one_that_checking_it_leaves(chain: EasyChain, height: int) -> None:
    recent = chain.headers[max(0, height - 10) : height + 1]
    first = chain.headers[height - height % PERIOD]
    checked = check_headers(chain.raw(0, height + 1), 80, EASY, BEFORE_GENESIS, LATE).context
    assert context_from(EASY, height, recent, first) == checked
    assert checked.complete


def test_context_from_more_than_eleven_headers_takes_the_last(chain: EasyChain) -> None:
    first = chain.headers[0]
    assert context_from(EASY, 50, chain.headers[20:51], first) == context_from(EASY, 50, chain.headers[40:51], first)


def test_context_from_nothing_knows_the_height_alone() -> None:
    assert context_from(EASY, 4711, [], None) == (4711, None, (), None, None, None)


def test_context_without_the_period_s_first_header_takes_its_bits_from_the_others(chain: EasyChain) -> None:
    """Not from headers of the period before, and on a min_difficulty network not from the minimum."""
    recent = chain.headers[PERIOD - 5 : PERIOD + 4]
    assert context_from(EASY, PERIOD + 3, recent, None).period_bits == 0x201FFFFF
    assert context_from(EASY, PERIOD - 1, chain.headers[PERIOD - 5 : PERIOD], None).period_bits == BITS
    assert context_from(EASY_TESTNET3, PERIOD - 1, chain.headers[PERIOD - 5 : PERIOD], None).period_bits is None
    assert context_from(EASY_TESTNET3, PERIOD + 3, recent, None).period_bits == 0x201FFFFF


def test_skipping_nothing_is_no_gap() -> None:
    context = HeaderContext(10, bytes(32), (1,), 2, 3, 4)
    assert skip_to(context, 11) is context


def test_skipping_within_a_period_keeps_what_belongs_to_it() -> None:
    context = HeaderContext(PERIOD, bytes(32), (1,), 2, 3, 4)
    for height in (PERIOD + 2, 2 * PERIOD):
        assert skip_to(context, height) == (height - 1, None, (), None, 3, 4)


def test_skipping_over_the_end_of_a_period_leaves_nothing() -> None:
    context = HeaderContext(PERIOD, bytes(32), (1,), 2, 3, 4)
    assert skip_to(context, 2 * PERIOD + 1) == (2 * PERIOD, None, (), None, None, None)
    assert skip_to(BEFORE_GENESIS, 5) == (4, None, (), None, None, None)


@pytest.mark.parametrize("height", [0, 10])
def test_skipping_back_is_the_caller_s_mistake(height: int) -> None:
    with pytest.raises(ValueError, match="is not after 10"):
        skip_to(HeaderContext(10, bytes(32), (1,), 2, 3, 4), height)
