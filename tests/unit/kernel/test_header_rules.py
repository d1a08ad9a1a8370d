"""Each rule of headers: what it refuses, and that it refuses nothing else, on chains with real work."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from headway.kernel import HeaderCheck, HeaderContext, HeaderParams
from headway.kernel.headers import check_headers, context_from, skip_to
from tests.chain_builder import BITS, mined
from tests.header_model import EASY, EASY_TESTNET3, EASY_TESTNET4, PERIOD, EasyChain, bits_of, time_of

BEFORE_GENESIS = HeaderContext(-1, bytes(32), (), None, None, None)
LATE = 4_000_000_000
"""A wall time before which every header of these tests lies."""


def judge(chain: EasyChain, *headers: bytes, wall_time: int = LATE) -> HeaderCheck:
    """What the rules say of `headers` after `chain`, with the whole chain in one call before them."""
    before = check_headers(chain.raw(), 80, chain.params, BEFORE_GENESIS, LATE)
    assert before.rule == "", before
    assert before.accepted == len(chain.headers)
    return check_headers(b"".join(headers), 80, chain.params, before.context, wall_time)


def changed(header: bytes, at: int, value: bytes, bits: int = BITS) -> bytes:
    """The header with other bytes at `at`, its work done anew."""
    return mined(header[:at] + value + header[at + len(value) :], bits)


@pytest.fixture(scope="module")
def chain() -> EasyChain:
    return EasyChain().grow(30)


@pytest.fixture(scope="module")
def period() -> EasyChain:
    """A whole period, four times too fast: the next one is four times harder."""
    return EasyChain().grow(PERIOD - 1, spacing=100)


@pytest.fixture(scope="module")
def testnet3() -> EasyChain:
    """Ten headers into a period that is harder than the limit."""
    return EasyChain(EASY_TESTNET3).grow(PERIOD - 1, spacing=100).grow(10)


# Link and work.


def test_link_must_name_the_header_before(chain: EasyChain) -> None:
    stranger = chain.next(time_of(chain.headers[-1]) + 600, parent=bytes(range(32)))
    check = judge(chain, stranger)
    assert (check.accepted, check.rule) == (0, "bad-prevblk")


def test_link_within_the_message_is_checked_too(chain: EasyChain) -> None:
    first = chain.next(time_of(chain.headers[-1]) + 600)
    check = judge(chain, first, chain.next(time_of(first) + 600))  # both follow the same parent
    assert (check.accepted, check.rule) == (1, "bad-prevblk")


def test_hash_above_the_target_is_refused(chain: EasyChain) -> None:
    header = chain.next(time_of(chain.headers[-1]) + 600)
    nonces = (header[:76] + nonce.to_bytes(4, "little") for nonce in range(100))
    unmined = next(raw for raw in nonces if chain.judge(raw, LATE) == "high-hash")
    check = judge(chain, unmined)
    assert (check.accepted, check.rule) == (0, "high-hash")


@pytest.mark.parametrize(
    "bits",
    [0, 0x0180_0001, 0x2080_0001, 0x0100_0000, 0x2100_FFFF, 0x2100_8000, 0xFF00_0001, 0x217F_FFFF, 0x2280_0000],
    ids=lambda bits: f"{bits:08x}",
)
def test_bits_that_encode_no_target_up_to_the_limit_are_high_hash(chain: EasyChain, bits: int) -> None:
    """Zero, negative, above pow_limit, overflowing: Core's CheckProofOfWork fails before the bits are compared."""
    header = chain.next(time_of(chain.headers[-1]) + 600)
    check = judge(chain, header[:72] + bits.to_bytes(4, "little") + header[76:])
    assert (check.accepted, check.rule) == (0, "high-hash")


# Bits.


def test_bits_stay_within_a_period(chain: EasyChain) -> None:
    harder = chain.next(time_of(chain.headers[-1]) + 600, bits=0x207FFFFE)
    check = judge(chain, harder)
    assert (check.accepted, check.rule) == (0, "bad-diffbits")
    assert "required 207fffff" in check.detail


def test_genesis_needs_the_bits_of_the_limit() -> None:
    wrong = mined(EasyChain().headers[0][:72] + (0x207FFFFE).to_bytes(4, "little"), 0x207FFFFE)
    check = check_headers(wrong, 80, EASY, BEFORE_GENESIS, LATE)
    assert (check.accepted, check.rule) == (0, "bad-diffbits")


def test_boundary_retargets_by_the_time_of_the_ended_period(period: EasyChain) -> None:
    header = period.next(time_of(period.headers[-1]) + 600)
    assert bits_of(header) == 0x201FFFFF
    assert judge(period, header).rule == ""
    unchanged = period.next(time_of(period.headers[-1]) + 600, bits=BITS)
    assert judge(period, unchanged).rule == "bad-diffbits"


def test_retarget_of_a_slow_period_stops_at_the_limit() -> None:
    chain = EasyChain().grow(PERIOD - 1, spacing=6_000)
    assert judge(chain, chain.next(time_of(chain.headers[-1]) + 600, bits=BITS)).rule == ""


def test_retarget_takes_2015_intervals_not_2016() -> None:
    """The well-known off-by-one of Bitcoin: last minus first header of the period."""
    chain = EasyChain().grow(PERIOD - 1, spacing=300)
    header = chain.next(time_of(chain.headers[-1]) + 600)
    assert judge(chain, header).rule == ""
    assert bits_of(header) < 0x203FFFFF  # 300 s * 2015 is less than half of two weeks


def test_a_message_may_span_a_boundary(period: EasyChain) -> None:
    longer = EasyChain()
    longer.headers = list(period.headers)
    longer.grow(5)
    check = check_headers(longer.raw(), 80, EASY, BEFORE_GENESIS, LATE)
    assert (check.accepted, check.rule) == (PERIOD + 5, "")
    assert set(check.works[PERIOD:]) == {8}
    assert set(check.works[:PERIOD]) == {2}


def test_without_retarget_bits_never_change() -> None:
    params = EASY._replace(retarget=False, min_difficulty=True)
    chain = EasyChain(params).grow(PERIOD - 1, spacing=100)
    assert judge(chain, chain.next(time_of(chain.headers[-1]) + 600)).rule == ""
    assert judge(chain, chain.next(time_of(chain.headers[-1]) + 6_000, bits=0x201FFFFF)).rule == "bad-diffbits"


def test_min_difficulty_is_due_after_twenty_minutes_not_before(testnet3: EasyChain) -> None:
    last = time_of(testnet3.headers[-1])
    assert bits_of(testnet3.headers[-1]) == 0x201FFFFF
    verdicts = {
        (gap, bits): judge(testnet3, testnet3.next(last + gap, bits=bits)).rule
        for gap in (1200, 1201)
        for bits in (0x201FFFFF, BITS)
    }
    assert verdicts == {
        (1200, 0x201FFFFF): "",
        (1200, BITS): "bad-diffbits",
        (1201, 0x201FFFFF): "bad-diffbits",
        (1201, BITS): "",
    }


def test_after_minimum_blocks_the_bits_of_the_period_return(testnet3: EasyChain) -> None:
    longer = EasyChain(EASY_TESTNET3)
    longer.headers = list(testnet3.headers)
    longer.grow(3, spacing=1_300)
    assert bits_of(longer.headers[-1]) == BITS
    header = longer.next(time_of(longer.headers[-1]) + 600)
    assert bits_of(header) == 0x201FFFFF
    assert judge(longer, header).rule == ""
    assert judge(longer, longer.next(time_of(longer.headers[-1]) + 600, bits=BITS)).rule == "bad-diffbits"


@pytest.mark.parametrize(("params", "bits"), [(EASY_TESTNET3, 0x201FFFFF), (EASY_TESTNET4, 0x2007FFFF)])
def test_a_minimum_block_at_the_end_of_a_period_resets_difficulty_unless_bip94(params: HeaderParams, bits: int) -> None:
    chain = EasyChain(params).grow(PERIOD - 1, spacing=100).grow(PERIOD - 1, spacing=100).grow(1, spacing=1_300)
    assert bits_of(chain.headers[-1]) == BITS
    header = chain.next(time_of(chain.headers[-1]) + 600)
    assert bits_of(header) == bits
    assert judge(chain, header).rule == ""


# Times.


def test_time_must_exceed_the_median_of_eleven(chain: EasyChain) -> None:
    median = time_of(chain.headers[-6])
    assert judge(chain, chain.next(median)).rule == "time-too-old"
    assert judge(chain, chain.next(median + 1)).rule == ""


def test_median_of_fewer_than_eleven_is_the_upper_middle() -> None:
    """Core takes element n // 2 of the sorted times: of two, the later."""
    chain = EasyChain().grow(1)
    assert judge(chain, chain.next(time_of(chain.headers[-1]))).rule == "time-too-old"
    assert judge(chain, chain.next(time_of(chain.headers[-1]) + 1)).rule == ""


def test_a_time_in_the_future_stays_in_the_window_and_no_longer(chain: EasyChain) -> None:
    """One header far ahead does not hold up those after it: the median forgets it."""
    ahead = EasyChain()
    ahead.headers = list(chain.headers)
    base = time_of(ahead.headers[-1])
    ahead.headers.append(ahead.next(base + 7_000))
    for step in range(1, 20):
        ahead.headers.append(ahead.next(base + step))
    assert check_headers(ahead.raw(), 80, EASY, BEFORE_GENESIS, LATE).rule == ""


def test_time_may_be_two_hours_ahead_of_the_clock_not_more(chain: EasyChain) -> None:
    header = chain.next(time_of(chain.headers[-1]) + 600)
    assert judge(chain, header, wall_time=time_of(header) - 7_200).rule == ""
    check = judge(chain, header, wall_time=time_of(header) - 7_201)
    assert (check.accepted, check.rule) == (0, "time-too-new")


@pytest.mark.parametrize(("params", "rule"), [(EASY_TESTNET4, "time-timewarp-attack"), (EASY_TESTNET3, "")])
def test_bip94_boundary_may_be_600_s_before_its_parent_not_more(params: HeaderParams, rule: str) -> None:
    chain = EasyChain(params).grow(PERIOD - 2).grow(1, spacing=6_000)
    last = time_of(chain.headers[-1])
    assert judge(chain, chain.next(last - 600)).rule == ""
    assert judge(chain, chain.next(last - 601)).rule == rule


def test_bip94_looks_at_boundaries_alone() -> None:
    chain = EasyChain(EASY_TESTNET4).grow(20).grow(1, spacing=6_000)
    assert judge(chain, chain.next(time_of(chain.headers[-1]) - 5_000)).rule == ""


# Versions.


NEVER = 1 << 30
NO_GATES = EASY._replace(bip34_height=NEVER, bip66_height=NEVER, bip65_height=NEVER)


@pytest.mark.parametrize(
    ("params", "oldest"),
    [
        (NO_GATES._replace(bip34_height=31), 2),
        (NO_GATES._replace(bip66_height=31), 3),
        (NO_GATES._replace(bip65_height=31), 4),
    ],
    ids=["BIP34", "BIP66", "BIP65"],
)
def test_old_versions_are_refused_from_their_height_on(params: HeaderParams, oldest: int) -> None:
    chain = EasyChain(params).grow(30)
    time = time_of(chain.headers[-1]) + 600
    assert judge(chain, chain.next(time, version=oldest)).rule == ""
    assert judge(chain, chain.next(time, version=oldest - 1)).rule == "bad-version"
    before = EasyChain(params).grow(29)
    assert judge(before, before.next(time_of(before.headers[-1]) + 600, version=oldest - 1)).rule == ""


def test_version_is_signed(chain: EasyChain) -> None:
    """0x80000000 and up are negative to Core, and so below every gate."""
    header = chain.next(time_of(chain.headers[-1]) + 600)
    assert judge(chain, changed(header, 0, b"\x04\0\0\x80")).rule == "bad-version"


# Several faults at once.


def test_first_header_at_fault_is_told_before_earlier_rules_of_later_ones(chain: EasyChain) -> None:
    longer = EasyChain()
    longer.headers = list(chain.headers)
    old = longer.next(time_of(longer.headers[-6]))  # time-too-old at 0
    longer.headers.append(old)
    stranger = longer.next(time_of(old) + 600, parent=bytes(32))  # bad-prevblk at 1
    check = judge(chain, old, stranger)
    assert (check.accepted, check.rule) == (0, "time-too-old")


def test_of_two_rules_broken_by_one_header_the_first_in_order_is_told(chain: EasyChain) -> None:
    last = time_of(chain.headers[-1])
    cases: Sequence[tuple[bytes, str]] = (
        (chain.next(last - 100_000, bits=0x207FFFFE, version=1, parent=bytes(32)), "bad-prevblk"),
        (chain.next(last - 100_000, bits=0x207FFFFE, version=1), "bad-diffbits"),
        (chain.next(last - 100_000, version=1), "time-too-old"),
        (chain.next(LATE + 7_201, version=1), "time-too-new"),
        (chain.next(last + 600, version=1), "bad-version"),
    )
    assert [judge(chain, header).rule for header, _ in cases] == [rule for _, rule in cases]


def test_what_was_accepted_before_the_fault_is_reported_in_full(chain: EasyChain) -> None:
    good = EasyChain()
    good.headers = list(chain.headers)
    good.grow(3)
    bad = good.next(time_of(good.headers[-1]) + 600, version=1)
    check = judge(chain, *good.headers[-3:], bad, good.headers[0])
    assert (check.accepted, check.rule, check.works) == (3, "bad-version", [2, 2, 2])
    assert check.context == judge(chain, *good.headers[-3:]).context
    assert len(check.hashes) == 96


# Partial contexts: nothing is refused that may be right, nothing passes that cannot be, and the rest is counted.


def unknown_before(height: int, params: HeaderParams = EASY) -> HeaderContext:
    return context_from(params, height - 1, [], None)


def test_file_that_starts_in_a_period_counts_what_it_cannot_check(chain: EasyChain) -> None:
    check = check_headers(chain.raw(5), 80, EASY, unknown_before(5), LATE)
    assert (check.accepted, check.rule) == (26, "")
    assert check.unchecked == {"link": 1, "bits": 1, "median-time": 11}


def test_a_short_file_counts_no_more_than_it_has(chain: EasyChain) -> None:
    check = check_headers(chain.raw(5, 8), 80, EASY, unknown_before(5), LATE)
    assert check.unchecked == {"link": 1, "bits": 1, "median-time": 3}


def test_unchecked_counts_stop_at_the_fault(chain: EasyChain) -> None:
    raw = chain.raw(5, 7) + bytes(80)
    check = check_headers(raw, 80, EASY, unknown_before(5), LATE)
    assert (check.accepted, check.rule) == (2, "bad-prevblk")
    assert check.unchecked == {"link": 1, "bits": 1, "median-time": 2}


def test_bits_of_a_period_hold_even_where_the_first_are_taken_on_trust(chain: EasyChain) -> None:
    odd = chain.next(time_of(chain.headers[-1]) + 600, bits=0x207FFFFE)
    check = check_headers(chain.raw(20) + odd, 80, EASY, unknown_before(20), LATE)
    assert (check.accepted, check.rule) == (11, "bad-diffbits")


def test_six_known_times_are_enough_to_refuse(chain: EasyChain) -> None:
    """Of eleven times before it six are at or above it, whatever the other five are."""
    known = chain.headers[-6:]
    context = context_from(EASY, len(chain.headers) - 1, known, None)
    assert check_headers(chain.next(time_of(known[0])), 80, EASY, context, LATE).rule == "time-too-old"
    lenient = check_headers(chain.next(time_of(known[0]) + 1), 80, EASY, context, LATE)
    assert (lenient.rule, lenient.unchecked["median-time"]) == ("", 1)


def test_boundary_with_unknown_start_keeps_the_factor_of_four(period: EasyChain) -> None:
    last, time = period.headers[-1], time_of(period.headers[-1]) + 600
    context = context_from(EASY, PERIOD - 1, [last], None)
    for bits, rule in ((0x201FFFFF, ""), (0x2023FFFF, ""), (0x201FFFFE, "bad-diffbits"), (0x2007FFFF, "bad-diffbits")):
        check = check_headers(period.next(time, bits=bits), 80, EASY, context, LATE)
        assert check.rule == rule
        assert check.unchecked.get("retarget", 0) == (rule == "")


def test_boundary_with_nothing_known_is_unchecked(period: EasyChain) -> None:
    header = period.next(time_of(period.headers[-1]) + 600, bits=0x2007FFFF)
    check = check_headers(header, 80, EASY, unknown_before(PERIOD), LATE)
    assert (check.rule, check.unchecked) == ("", {"link": 1, "retarget": 1, "median-time": 1})


def test_pair_around_a_boundary_is_retargeted_from_the_first_of_its_period(period: EasyChain) -> None:
    """Sparse records: the first header of a period, its last, and the one after."""
    context = check_headers(period.headers[0], 80, EASY, BEFORE_GENESIS, LATE).context
    context = skip_to(context, PERIOD - 1)
    last = check_headers(period.headers[-1], 80, EASY, context, LATE)
    assert (last.rule, last.unchecked) == ("", {"link": 1, "median-time": 1})
    time = time_of(period.headers[-1]) + 600
    for bits, rule in ((0x201FFFFF, ""), (BITS, "bad-diffbits")):
        check = check_headers(period.next(time, bits=bits), 80, EASY, last.context, LATE)
        assert (check.rule, "retarget" in check.unchecked) == (rule, False)


def test_minimum_difficulty_that_cannot_be_told_is_counted(testnet3: EasyChain) -> None:
    """Without the parent's time either of two bits may be due; no third."""
    height, last = len(testnet3.headers), time_of(testnet3.headers[-1])
    context = check_headers(testnet3.raw(), 80, EASY_TESTNET3, BEFORE_GENESIS, LATE).context
    gap = context._replace(hash=None, times=(), bits=None)
    outcomes = []
    for bits in (BITS, 0x201FFFFF, 0x203FFFFF):
        check = check_headers(testnet3.next(last + 600, bits=bits), 80, EASY_TESTNET3, gap, LATE)
        outcomes.append((check.rule, check.unchecked.get("bits", 0)))
    assert outcomes == [("", 1), ("", 1), ("bad-diffbits", 0)]
    assert gap.height == height - 1


def test_minimum_difficulty_after_twenty_minutes_needs_no_more_than_the_parent(testnet3: EasyChain) -> None:
    last = testnet3.headers[-1]
    easy = testnet3.next(time_of(last) + 1_201)
    longer = EasyChain(EASY_TESTNET3)
    longer.headers = [*testnet3.headers, easy]
    context = context_from(EASY_TESTNET3, len(longer.headers) - 1, [easy], None)
    due = check_headers(longer.next(time_of(easy) + 1_201, bits=BITS), 80, EASY_TESTNET3, context, LATE)
    assert (due.rule, due.unchecked.get("bits", 0)) == ("", 0)
    denied = check_headers(longer.next(time_of(easy) + 1_201, bits=0x201FFFFF), 80, EASY_TESTNET3, context, LATE)
    assert denied.rule == "bad-diffbits"
    unknown = check_headers(longer.next(time_of(easy) + 600), 80, EASY_TESTNET3, context, LATE)
    assert (unknown.rule, unknown.unchecked["bits"]) == ("", 1)


def test_bits_seen_off_the_minimum_are_the_period_s(testnet3: EasyChain) -> None:
    """One header off the minimum tells the bits of its whole period, on a min_difficulty network too."""
    context = context_from(EASY_TESTNET3, len(testnet3.headers) - 1, testnet3.headers[-2:], None)
    assert context.period_bits == 0x201FFFFF
    wrong = testnet3.next(time_of(testnet3.headers[-1]) + 600, bits=0x203FFFFF)
    assert check_headers(wrong, 80, EASY_TESTNET3, context, LATE).rule == "bad-diffbits"


def test_minimum_difficulty_boundary_keeps_the_factor_of_four_of_either() -> None:
    chain = EasyChain(EASY_TESTNET3).grow(PERIOD - 1, spacing=100).grow(PERIOD, spacing=100)
    context = check_headers(chain.raw(), 80, EASY_TESTNET3, BEFORE_GENESIS, LATE).context
    gap = context._replace(hash=None, times=(), bits=None)
    time = time_of(chain.headers[-1]) + 600
    outcomes = {
        bits: check_headers(chain.next(time, bits=bits), 80, EASY_TESTNET3, gap, LATE).rule
        for bits in (BITS, 0x2007FFFF, 0x2007FFFE)
    }
    assert outcomes == {BITS: "", 0x2007FFFF: "", 0x2007FFFE: "bad-diffbits"}


def test_bip94_without_the_parent_s_time_is_counted() -> None:
    chain = EasyChain(EASY_TESTNET4).grow(PERIOD - 1)
    header = chain.next(time_of(chain.headers[-1]) + 600)
    check = check_headers(header, 80, EASY_TESTNET4, unknown_before(PERIOD, EASY_TESTNET4), LATE)
    assert check.unchecked["timewarp"] == 1


def test_unknown_height_leaves_link_work_and_median(chain: EasyChain) -> None:
    nowhere = HeaderContext(-2, None, (), None, None, None)
    check = check_headers(chain.raw(5), 80, EASY_TESTNET4, nowhere, LATE)
    assert (check.accepted, check.rule) == (26, "")
    assert check.unchecked == {"link": 1, "bits": 26, "median-time": 11, "timewarp": 26, "version": 26}
    assert check.context.height == -2
    assert not check.context.complete
    old = chain.next(time_of(chain.headers[-6]))
    assert check_headers(chain.raw(5) + old, 80, EASY, nowhere, LATE).rule == "time-too-old"
    assert check_headers(chain.raw(5) + chain.raw(5, 6), 80, EASY, nowhere, LATE).rule == "bad-prevblk"
