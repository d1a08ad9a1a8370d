"""Bitcoin headers, a whole message at a time: hashes, works and every rule of theirs. Pure reference, see `face`.

Also the contexts that the rules start from, complete or not: `context_from` and `skip_to` have no native twin.
Called by networks/bitcoin through `headway.kernel`. A call needs about 500 bytes of memory a header: give it messages,
not chains.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from struct import Struct
from typing import Final, Literal

from headway.kernel.difficulty import PERIOD, work_of
from headway.kernel.face import MEDIAN_SPAN, HeaderCheck, HeaderContext, HeaderParams
from headway.kernel.hash import sha256d, sha256d_each
from headway.kernel.header_rules import RULES, Run, period_bits_of
from headway.types import Raw

HEADER_SIZE: Final = 80

_VERSION_AT: Final = 0
_PREV_HASH_AT: Final = 4
_TIME_AT: Final = 68
_BITS_AT: Final = 72
_TIME_AND_BITS: Final = Struct("<68xII4x")


def header_hashes(raw: Raw, stride: int) -> bytes:
    """Hashes of the headers in `raw`, one every `stride` bytes. Raises ValueError for a torn header."""
    count = _count(raw, stride)
    return b"".join(sha256d_each(bytes(raw), range(0, count * stride, stride), HEADER_SIZE))


def restore_headers(raw: Raw) -> tuple[bytes, list[int]]:
    """Hashes and works of a linked run that was judged before: no rules. Raises ValueError for a torn header.

    Each header names the hash of the one before, so only the last is hashed.
    """
    data = _back_to_back(raw, HEADER_SIZE)
    named = [data[at : at + 32] for at in range(HEADER_SIZE + _PREV_HASH_AT, len(data), HEADER_SIZE)]
    hashes = b"".join([*named, sha256d(data[-HEADER_SIZE:])]) if data else b""
    column = _numbers(data, "I", _BITS_AT)
    works = {bits: work_of(bits) for bits in set(column)}
    return hashes, [works[bits] for bits in column]


def check_headers(raw: Raw, stride: int, params: HeaderParams, context: HeaderContext, wall_time: int) -> HeaderCheck:
    """Judge the headers in `raw`, one every `stride` bytes, that follow `context`. `HeaderCheck` lists the rules.

    `wall_time`: unix seconds. Raises ValueError when `raw` is no whole number of headers; for their content, never.
    """
    run = _read_run(raw, stride, params, context, wall_time)
    accepted, rule, detail = len(run), "", ""
    for name, refuse in RULES:
        fault = refuse(run)
        if fault is not None and fault[0] < accepted:
            (accepted, detail), rule = fault, name
    works = {bits: work_of(bits) for bits in set(run.bits[:accepted])}
    return HeaderCheck(
        accepted,
        b"".join(run.hashes[:accepted]),
        [works[bits] for bits in run.bits[:accepted]],
        rule,
        detail,
        run.context_after(accepted),
        run.unchecked_before(accepted),
    )


def context_from(params: HeaderParams, height: int, recent: Sequence[bytes], first: bytes | None) -> HeaderContext:
    """The context after the header at `height`.

    `recent`: the raw headers that end there, oldest first, as many of the last 11 as are known; `first`: the raw first
    header of its period, if known. With all of them the context is complete, with none only the height is known.
    """
    fields = [_TIME_AND_BITS.unpack(raw) for raw in recent[-MEDIAN_SPAN:]]
    times, bits = tuple(time for time, _ in fields), tuple(bits for _, bits in fields)
    if first is not None:
        first_time, period_bits = _TIME_AND_BITS.unpack(first)
    else:
        first_time, period_bits = None, period_bits_of(bits[-1 - height % PERIOD :], params)
    last_hash = sha256d(recent[-1]) if recent else None
    return HeaderContext(height, last_hash, times, bits[-1] if bits else None, first_time, period_bits)


def skip_to(context: HeaderContext, height: int) -> HeaderContext:
    """The context of the header at `height` when those between `context` and it are missing (sparse records).

    What the rules carry across the gap stays: within one period, its first time and its bits. Raises ValueError when
    `height` does not lie ahead.
    """
    last = height - 1
    if last == context.height:
        return context
    if last < context.height:
        raise ValueError(f"height {height} is not after {context.height}")
    if context.height < 0 or last // PERIOD != context.height // PERIOD:
        return HeaderContext(last, None, (), None, None, None)
    return HeaderContext(last, None, (), None, context.first_time, context.period_bits)


def _read_run(raw: Raw, stride: int, params: HeaderParams, context: HeaderContext, wall_time: int) -> Run:
    """The columns of a call. They hold numbers and bytes only: a tuple for each header would keep Python's collector
    busy, at a tenth of the whole check."""
    data = _back_to_back(raw, stride)
    return Run(
        params,
        context,
        wall_time,
        hashes=sha256d_each(data, range(0, len(data), HEADER_SIZE), HEADER_SIZE),
        versions=_numbers(data, "i", _VERSION_AT),
        prev_hashes=[data[at : at + 32] for at in range(_PREV_HASH_AT, len(data), HEADER_SIZE)],
        times=_numbers(data, "I", _TIME_AT),
        bits=_numbers(data, "I", _BITS_AT),
    )


def _back_to_back(raw: Raw, stride: int) -> bytes:
    """The headers without what lies between them."""
    count = _count(raw, stride)
    if stride == HEADER_SIZE:
        return bytes(raw)
    records = bytearray(raw)
    for width in range(stride, HEADER_SIZE, -1):
        del records[HEADER_SIZE::width]  # one byte behind each header
    assert len(records) == count * HEADER_SIZE, "every byte between headers is gone"
    return bytes(records)


def _numbers(data: bytes, kind: Literal["i", "I"], offset: int) -> list[int]:
    """The signed or unsigned 32-bit number at `offset` of each header."""
    words = array(kind, data)[offset // 4 :: HEADER_SIZE // 4]
    if sys.byteorder == "big":
        words.byteswap()
    return words.tolist()


def _count(raw: Raw, stride: int) -> int:
    gap = stride - HEADER_SIZE  # what follows each header, the last one perhaps not
    count, rest = divmod(len(raw) + gap, max(stride, HEADER_SIZE))
    if gap < 0 or rest not in {0, gap}:
        raise ValueError(f"{len(raw)} bytes are no whole number of headers, one every {stride} bytes")
    return count
