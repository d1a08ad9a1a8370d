"""The twins agree on hashes, headers and the index: on real data, on real data damaged, and on data made up.

They agree on all that they return, and on the errors that they raise.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel import hash as hashing
from headway.kernel import headers, index
from headway.kernel.difficulty import PERIOD, retarget
from headway.kernel.face import INTERFACE, HeaderContext, HeaderParams
from headway.networks.bitcoin.params import MAINNET, REGTEST, SIGNET, TESTNET3, BitcoinParams
from tests import chain_builder as build
from tests.data import read
from tests.twins import native, outcome, require_native

BEFORE_GENESIS: Final = HeaderContext(-1, bytes(32), (), None, None, None)
LATE: Final = 4_294_967_295
"""A wall time before which every header lies."""
HEADER: Final = 80


@pytest.fixture(scope="module", autouse=True)
def _native_is_installed() -> None:
    require_native()


# --- Hashes.


@given(st.binary(max_size=300), st.integers(0, 5000))
def test_hashes_agree(data: bytes, more: int) -> None:
    for message in (data, data * (1 + more // 300), memoryview(data), bytearray(data), memoryview(data)[::2]):
        plain = bytes(message)
        assert native.sha256d(message) == hashing.sha256d(plain)
        assert native.checksum(message) == hashing.checksum(plain)


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40), st.integers(0, 40))
def test_merkle_roots_and_mutations_agree(leaves: list[bytes], repeated: int) -> None:
    hashes = b"".join([*leaves, *leaves[len(leaves) - min(repeated, len(leaves)) :]])
    assert native.merkle_root(hashes) == hashing.merkle_root(hashes)


@given(st.binary(max_size=1000), st.integers(0, 200))
def test_hashes_of_headers_agree_on_whole_and_torn_ones(raw: bytes, stride: int) -> None:
    assert outcome(native.header_hashes, raw, stride) == outcome(headers.header_hashes, raw, stride)


@given(
    st.lists(st.tuples(st.binary(min_size=72, max_size=72), st.integers(0, 2**32 - 1)), max_size=20), st.integers(0, 1)
)
def test_restored_works_agree_for_any_bits(records: list[tuple[bytes, int]], torn: int) -> None:
    raw = b"".join(head + bits.to_bytes(4, "little") + bytes(4) for head, bits in records) + bytes(torn)
    assert outcome(native.restore_headers, raw) == outcome(headers.restore_headers, raw)


# --- Headers.


def both_headers(
    raw: bytes | memoryview, stride: int, params: HeaderParams, context: HeaderContext, wall_time: int = LATE
) -> Any:
    """What the reference says, once the twin has said the same."""
    assert context.complete
    expected = outcome(headers.check_headers, raw, stride, params, context, wall_time)
    found = outcome(native.check_headers, raw, stride, params, context, wall_time)
    assert found == expected
    return expected


def context_at(raw: bytes, first: int, at: int, params: HeaderParams) -> HeaderContext:
    """The context before record `at` of a run that begins at height `first`, complete where it reaches back so far."""
    if first == at == 0:
        return BEFORE_GENESIS
    height = first + at - 1
    records = [raw[i : i + HEADER] for i in range(max(0, at - 11) * HEADER, at * HEADER, HEADER)]
    start = (height - height % PERIOD - first) * HEADER
    return headers.context_from(params, height, records, raw[start : start + HEADER] if start >= 0 else None)


RUNS: Final[Sequence[tuple[str, int, BitcoinParams]]] = (
    ("mainnet-headers-0-10236.bin.xz", 0, MAINNET),
    ("mainnet-headers-822528-830592.bin.xz", 822_528, MAINNET),
    ("testnet3-headers-0-9999.bin.xz", 0, TESTNET3),
    ("signet-headers-0-2015.bin.xz", 0, SIGNET),
)


@pytest.mark.parametrize(("name", "first", "params"), RUNS, ids=[name for name, _, _ in RUNS])
def test_real_headers_agree_in_messages_of_all_sizes(name: str, first: int, params: BitcoinParams) -> None:
    raw = read("bitcoin", name)
    at = 0 if first == 0 else 11
    context, size = context_at(raw, first, at, params.header), 1
    while at * HEADER < len(raw):
        records = [raw[i : i + HEADER] for i in range(at * HEADER, min((at + size) * HEADER, len(raw)), HEADER)]
        check = both_headers(b"\0".join(records), HEADER + 1, params.header, context)
        assert check.rule == "", check
        at, size, context = at + len(records), size % 2000 * 3 + 1, check.context
    assert native.restore_headers(raw) == headers.restore_headers(raw)


@cache
def real_runs() -> list[tuple[bytes, int, HeaderParams]]:
    return [(read("bitcoin", name), first, params.header) for name, first, params in RUNS]


Edit = tuple[str, int, int]
edits = st.tuples(
    st.sampled_from(["flip", "time", "bits", "version", "swap", "repeat", "cut"]),
    st.integers(0, 2**16),
    st.integers(0, 2**32 - 1),
)


def edited(raw: bytes, edit: Edit) -> bytes:
    """Headers with one thing wrong."""
    kind, place, value = edit
    data, at = bytearray(raw), place % (len(raw) // HEADER) * HEADER
    if kind == "flip":
        data[at + value % HEADER] ^= 1 << value % 8
    elif kind == "swap":
        data[at : at + 2 * HEADER] = data[at + HEADER : at + 2 * HEADER] + data[at : at + HEADER]
    elif kind == "repeat":
        data[at:at] = data[at : at + HEADER]
    elif kind == "cut":
        del data[len(data) - 1 - value % 100 :]
    else:
        field = {"version": 0, "time": 68, "bits": 72}[kind]
        data[at + field : at + field + 4] = value.to_bytes(4, "little")
    return bytes(data)


@given(run=st.integers(0, 3), place=st.integers(0, 2**16), count=st.integers(1, 30), edit=edits)
def test_damaged_real_headers_agree(run: int, place: int, count: int, edit: Edit) -> None:
    raw, first, params = real_runs()[run]
    at = 11 + place % (len(raw) // HEADER - 11 - count)
    context = context_at(raw, first, at, params)
    both_headers(edited(raw[at * HEADER : (at + count) * HEADER], edit), HEADER, params, context)


params_changes = st.fixed_dictionaries(
    {},
    optional={
        "pow_limit": st.sampled_from([0, 1, (1 << 224) - 1, (1 << 255) - 1, (1 << 256) - 1]),
        "retarget": st.booleans(),
        "min_difficulty": st.booleans(),
        "bip94": st.booleans(),
        "bip34_height": st.integers(-1, 900_000),
        "bip66_height": st.integers(0, 12_000),
        "bip65_height": st.integers(0, 12_000),
    },
)
context_changes = st.fixed_dictionaries(
    {},
    optional={
        "height": st.one_of(st.integers(11, 12_000), st.integers(1, 5).map(lambda n: n * PERIOD - 1)),
        "bits": st.integers(0, 2**32 - 1),
        "first_time": st.integers(0, 2**32 - 1),
        "period_bits": st.one_of(st.just(0x1D00FFFF), st.integers(0, 2**32 - 1)),
    },
)


@given(
    run=st.integers(0, 3),
    place=st.integers(0, 2**16),
    params_change=params_changes,
    context_change=context_changes,
    shift=st.one_of(st.just(0), st.integers(-10_000, 10_000)),
    ahead=st.integers(-10_000, 10_000),
)
def test_real_headers_agree_on_other_networks_and_after_other_chains(
    run: int,
    place: int,
    params_change: dict[str, Any],
    context_change: dict[str, Any],
    shift: int,
    ahead: int,
) -> None:
    """Their work is real, so what is changed around them reaches the later rules."""
    raw, first, params = real_runs()[run]
    at = 11 + place % (len(raw) // HEADER - 31)
    context = context_at(raw, first, at, params)._replace(**context_change)
    context = context._replace(times=tuple(max(0, time + shift) for time in context.times))
    records = raw[at * HEADER : (at + 20) * HEADER]
    wall_time = int.from_bytes(records[68:72], "little") - 7200 + ahead
    both_headers(records, HEADER, params._replace(**params_change), context, wall_time)


EASY: Final = REGTEST.header._replace(retarget=True, bip34_height=5, bip66_height=2020, bip65_height=10_000)
LIMIT_BITS: Final = 0x207FFFFF
STEPS: Final = st.tuples(
    st.one_of(st.just(600), st.integers(-9_000, 9_000), st.sampled_from([0, 1, -600, -601, 1200, 1201])),
    st.sampled_from(["due", "due", "due", "limit", "other"]),
    st.one_of(st.just(4), st.just(4), st.integers(-1, 5)),
)
"""Seconds after the header before, which bits, and the version."""


def bits_to_try(which: str, params: HeaderParams, before: HeaderContext) -> list[int]:
    """The bits of a made-up header; where they should be those that are due, all that may be."""
    if which != "due":
        return [LIMIT_BITS if which == "limit" else 0x201FFFFF]
    took = before.times[-1] - (before.first_time or 0)
    bases = [bits for bits in (before.period_bits, before.bits) if bits]
    return [*(retarget(bits, took, params.pow_limit) for bits in bases), *bases, LIMIT_BITS]


@given(
    height=st.one_of(st.integers(10, 30), st.integers(2004, 2016), st.integers(4020, 4032)),
    flags=st.tuples(st.booleans(), st.booleans()),
    period_bits=st.sampled_from([LIMIT_BITS, 0x203FFFFF, 0x1F7FFFFF]),
    last_bits=st.sampled_from([LIMIT_BITS, 0x203FFFFF]),
    span=st.integers(-1_000, 6_000_000),
    ages=st.lists(st.integers(-100, 8_000), min_size=11, max_size=11),
    steps=st.lists(STEPS, min_size=1, max_size=14),
)
def test_made_up_headers_with_real_work_agree(
    height: int,
    flags: tuple[bool, bool],
    period_bits: int,
    last_bits: int,
    span: int,
    ages: list[int],
    steps: list[tuple[int, str, int]],
) -> None:
    params = EASY._replace(min_difficulty=flags[0], bip94=flags[1])
    now = 1_600_000_000
    times = tuple(now - age for age in ages)
    context = HeaderContext(height, bytes(32), times, last_bits, max(0, times[-1] - span), period_bits)
    batch: list[bytes] = []
    before, time = context, times[-1]
    for spacing, which, version in steps:
        time = max(0, time + spacing)
        head = (
            version.to_bytes(4, "little", signed=True) + (before.hash or b"") + bytes(32) + time.to_bytes(4, "little")
        )
        for bits in bits_to_try(which, params, before):
            record = build.mined(head + bits.to_bytes(4, "little"), bits)
            check = headers.check_headers(record, HEADER, params, before, LATE)
            if check.rule != "bad-diffbits":
                break
        batch.append(record)
        before = check.context if check.accepted else before._replace(hash=hashing.sha256d(record))
    both_headers(b"".join(batch), HEADER, params, context, now)
    both_headers(b"\xff".join(batch), HEADER + 1, params, context, now)
    both_headers(memoryview(b"".join(batch)), HEADER, params, context)


def test_a_context_with_gaps_is_refused() -> None:
    complete = HeaderContext(20, bytes(32), tuple(range(11)), 1, 1, 1)
    for gap in (
        {"hash": None}, {"bits": None}, {"first_time": None}, {"period_bits": None}, {"times": (1,)}, {"height": -2},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="not complete"):
            native.check_headers(b"", HEADER, MAINNET.header, complete._replace(**gap), 0)


# --- The index.

OPERATIONS: Final = st.lists(
    st.tuples(
        st.integers(0, 5),  # headers
        st.integers(-2, 20),  # parent
        st.integers(0, 30),  # the number in the first hash; the next ones count up
        st.lists(st.integers(0, 2**100), min_size=5, max_size=5),
        st.sampled_from(["linked", "linked", "linked", "unlinked", "short"]),
    ),
    max_size=12,
)


def number_hash(number: int) -> bytes:
    return hashing.sha256d(bytes([number]))


@given(size=st.sampled_from([80, 80, 0, 7, 36, 200]), operations=OPERATIONS)
def test_indexes_agree(size: int, operations: list[tuple[int, int, int, list[int], str]]) -> None:
    model, twin = index.HeaderIndex(size), native.HeaderIndex(size)
    for count, parent, number, works, kind in operations:
        hashes = [number_hash(n) for n in range(number, number + count)]
        before = [model.hash(parent) if 0 <= parent < len(model) else bytes(32), *hashes]
        if kind == "unlinked":
            before = [bytes([n % 256]) * 32 for n in range(number, number + count)]
        records = b"".join((b"head" + link + b"rest" * 50)[:size] for link in before[:count])
        arguments = records[: len(records) - (kind == "short")], b"".join(hashes), parent, works[:count]
        assert outcome(twin.extend, *arguments) == outcome(model.extend, *arguments)
        assert len(twin) == len(model)
    for at in range(len(model)):
        for column in ("hash", "raw", "parent", "height", "chainwork"):
            assert getattr(twin, column)(at) == getattr(model, column)(at), column
    for n in range(40):
        assert twin.find(number_hash(n)) == model.find(number_hash(n))
    assert twin.find(b"no hash") == model.find(b"no hash") == -1


def test_index_positions_that_do_not_exist_are_refused() -> None:
    twin = native.HeaderIndex(80)
    for column in ("hash", "raw", "parent", "height", "chainwork"):
        for position in (0, -1, 2**31, 2**63 - 1):
            with pytest.raises(IndexError):
                getattr(twin, column)(position)
    with pytest.raises(OverflowError):
        native.HeaderIndex(0).extend(b"", bytes(64), -1, [2**127, 2**127])


def test_the_interface_number_is_ours() -> None:
    assert native.INTERFACE == INTERFACE
