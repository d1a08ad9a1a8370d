"""The rules that a Bitcoin header can break, each one a function over the columns of a run.

A run is one message: its fields lie in columns (tuples), and a rule tells the first header that it refuses. So each
rule is written once, for complete and for partial contexts, stands alone, and runs at the speed of a comprehension.
Headers before the one that a rule refuses count as unchecked where it could not look; what comes after does not
matter, so a rule may read anything there.
Called by `headers` only. The rules: Core CheckBlockHeader, ContextualCheckBlockHeader (validation.cpp).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from headway.kernel.difficulty import PERIOD, bits_of, retarget, target_of, within_retarget
from headway.kernel.face import HEIGHT_UNKNOWN, MEDIAN_SPAN, HeaderContext, HeaderParams

MAX_FUTURE: Final = 2 * 3600
"""Seconds that a header may lie ahead of our clock (Core MAX_FUTURE_BLOCK_TIME)."""
MIN_DIFFICULTY_GAP: Final = 20 * 60
"""Seconds after the parent beyond which a min_difficulty network demands pow_limit (twice nPowTargetSpacing)."""
MAX_TIMEWARP: Final = 600
"""Seconds that a period's first header may lie before its parent (BIP94, Core MAX_TIMEWARP)."""

Fault: TypeAlias = tuple[int, str]
"""Index of the first header that a rule refuses, and why."""


@dataclass(slots=True)
class Run:
    """The columns of one call, and what is known before them."""

    params: HeaderParams
    context: HeaderContext
    wall_time: int
    hashes: Sequence[bytes]
    versions: Sequence[int]
    prev_hashes: Sequence[bytes]
    times: Sequence[int]
    bits: Sequence[int]
    unchecked: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Name of a rule -> indices of the headers to which it could not be applied in full."""

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def height_known(self) -> bool:
        return self.context.height != HEIGHT_UNKNOWN

    @property
    def first_height(self) -> int:
        """Height of the first header."""
        return self.context.height + 1

    @property
    def limit(self) -> int:
        """The bits of pow_limit."""
        return bits_of(self.params.pow_limit)

    def time_before(self, at: int) -> int | None:
        """Time of the header before the one at index `at`."""
        if at:
            return self.times[at - 1]
        return self.context.times[-1] if self.context.times else None

    def context_after(self, count: int) -> HeaderContext:
        """The context after the first `count` headers."""
        if count == 0:
            return self.context
        known = self.context
        times = (*known.times, *self.times[max(0, count - MEDIAN_SPAN) : count])[-MEDIAN_SPAN:]
        block_hash, bits = self.hashes[count - 1], self.bits[count - 1]
        if not self.height_known:
            return HeaderContext(HEIGHT_UNKNOWN, block_hash, times, bits, None, None)
        height = known.height + count
        first = count - 1 - height % PERIOD  # index of the period's first header
        first_time, period_bits = known.first_time, known.period_bits
        if first >= 0:
            first_time, period_bits = self.times[first], self.bits[first]
        elif period_bits is None:
            period_bits = period_bits_of(self.bits[:count], self.params)
        return HeaderContext(height, block_hash, times, bits, first_time, period_bits)

    def unchecked_before(self, count: int) -> dict[str, int]:
        """How many of the first `count` headers each rule could not be applied to."""
        counts = {rule: sum(at < count for at in indices) for rule, indices in self.unchecked.items()}
        return {rule: number for rule, number in counts.items() if number}


def period_bits_of(bits: Sequence[int], params: HeaderParams) -> int | None:
    """What headers of one period tell of its first header's bits: see `HeaderContext.period_bits`."""
    if params.min_difficulty:
        limit = bits_of(params.pow_limit)
        return next((value for value in bits if value != limit), None)
    return bits[-1] if bits else None


def refuse_link(run: Run) -> Fault | None:
    """Each header names the hash of the one before."""
    parents = [run.context.hash, *run.hashes][: len(run)]
    if run.context.hash is None and parents:
        run.unchecked["link"].append(0)
        parents[0] = run.prev_hashes[0]
    if parents == list(run.prev_hashes):
        return None
    at = next(at for at, parent in enumerate(parents) if parent != run.prev_hashes[at])
    return at, "it does not name the header before it"


def refuse_work(run: Run) -> Fault | None:
    """The hash is at most the target, and the bits encode one up to pow_limit (Core CheckProofOfWork)."""
    targets = {}
    for bits in set(run.bits):
        target = target_of(bits)
        # As big-endian bytes, like the reversed hash. Bits without a target get none, above which is every hash.
        targets[bits] = target.to_bytes(32, "big") if 0 < target <= run.params.pow_limit else b""
    if len(targets) == 1 and max([each[::-1] for each in run.hashes]) <= next(iter(targets.values())):
        return None  # as for nearly every run there is, without a turn of the loop for each header
    for at, (block_hash, bits) in enumerate(zip(run.hashes, run.bits, strict=True)):
        if block_hash[::-1] > targets[bits]:
            return at, f"the hash is above what bits {bits:08x} allow"
    return None


def refuse_bits(run: Run) -> Fault | None:
    """Bits are those that the chain before demands (Core GetNextWorkRequired)."""
    if not run.params.retarget:  # all have those of genesis, and genesis has the limit
        return _first_other(run, 0, len(run), run.limit)
    if not run.height_known:
        run.unchecked["bits"] += range(len(run))
        return None
    at, fault = 0, None
    while at < len(run) and fault is None:
        before = run.context_after(at)
        place = (before.height + 1) % PERIOD
        if place == 0:
            fault = _refuse_boundary(run, at, before)
            at += 1
        else:
            stop = min(at + PERIOD - place, len(run))
            fault = _refuse_in_period(run, at, stop, before)
            at = stop
    return fault


def _refuse_boundary(run: Run, at: int, before: HeaderContext) -> Fault | None:
    """The first header of a period: retargeted by the time that the ended one took, from its bits.

    From those of its last header, that is, which on a min_difficulty network may be the minimum, unless BIP94 holds.
    """
    if before.height < 0:
        return _first_other(run, at, at + 1, run.limit)
    params, bits = run.params, run.bits[at]
    may_be_minimum = params.min_difficulty and not params.bip94
    base = before.bits if may_be_minimum else before.period_bits
    if base is not None and before.first_time is not None and before.times:
        required = retarget(base, before.times[-1] - before.first_time, params.pow_limit)
        return _first_other(run, at, at + 1, required)
    run.unchecked["retarget"].append(at)
    bases = [before.period_bits, run.limit] if may_be_minimum and base is None else [base]
    if any(value is None or within_retarget(value, bits, params.pow_limit) for value in bases):
        return None
    return at, f"bits {bits:08x} move the target by more than a factor of four"


def _refuse_in_period(run: Run, start: int, stop: int, before: HeaderContext) -> Fault | None:
    """Headers `start` to `stop` of one period, its first not among them: its bits again, or the minimum where due."""
    period_bits = before.period_bits
    if not run.params.min_difficulty:
        if period_bits is None:
            run.unchecked["bits"].append(start)
            period_bits = run.bits[start]
        return _first_other(run, start, stop, period_bits)
    limit, time_before = run.limit, run.time_before(start)
    for at in range(start, stop):
        bits, time = run.bits[at], run.times[at]
        allowed: tuple[int | None, ...] = (limit, period_bits)
        if time_before is not None:
            allowed = (limit,) if time > time_before + MIN_DIFFICULTY_GAP else (period_bits,)
        if bits not in allowed and None not in allowed:
            return at, _wrong_bits(bits, allowed[-1])
        if None in allowed or allowed == (limit, period_bits) != (limit, limit):
            run.unchecked["bits"].append(at)
        if period_bits is None and bits != limit:
            period_bits = bits
        time_before = time
    return None


def refuse_median(run: Run) -> Fault | None:
    """The time is above the median of the 11 headers before, so far as those are known."""
    known, first_height = run.context.times, run.first_height if run.height_known else MEDIAN_SPAN
    if len(known) < min(MEDIAN_SPAN, first_height):
        run.unchecked["median-time"] += range(min(MEDIAN_SPAN - len(known), len(run)))
    times = (*known, *run.times)
    newest = max(known, default=-1)
    for at, time in enumerate(run.times):
        if time > newest:  # nearly always; then it is above any median
            newest = time
            continue
        window = sorted(times[max(0, at + len(known) - MEDIAN_SPAN) : at + len(known)])
        span = min(MEDIAN_SPAN, first_height + at)
        too_many = span - span // 2  # with so many of `span` times at or above it, so is their median
        if len(window) >= too_many and time <= window[-too_many]:
            return at, f"time {time} is not above the median"
    return None


def refuse_timewarp(run: Run) -> Fault | None:
    """BIP94: the first header of a period is not much older than its parent."""
    if not run.params.bip94:
        return None
    if not run.height_known:
        run.unchecked["timewarp"] += range(len(run))
        return None
    for at in range(-run.first_height % PERIOD, len(run), PERIOD):
        time, time_before = run.times[at], run.time_before(at)
        if time_before is not None and time < time_before - MAX_TIMEWARP:
            return at, f"time {time} is too long before its parent's, at the start of a period"
        if time_before is None and run.first_height + at > 0:
            run.unchecked["timewarp"].append(at)
    return None


def refuse_future(run: Run) -> Fault | None:
    """The time is not too far ahead of our clock."""
    latest = run.wall_time + MAX_FUTURE
    if max(run.times, default=latest) <= latest:
        return None
    at = next(at for at, time in enumerate(run.times) if time > latest)
    return at, f"time {run.times[at]} is {run.times[at] - latest} s too far ahead of the clock"


def refuse_version(run: Run) -> Fault | None:
    """Versions that soft forks made obsolete from a height on."""
    if not run.height_known:
        run.unchecked["version"] += range(len(run))
        return None
    gates = (2, run.params.bip34_height), (3, run.params.bip66_height), (4, run.params.bip65_height)
    refused = []
    for oldest, height in gates:
        start = max(0, height - run.first_height)
        if min(run.versions[start:], default=oldest) < oldest:
            refused.append(next(at for at in range(start, len(run)) if run.versions[at] < oldest))
    if not refused:
        return None
    at = min(refused)
    oldest = max(oldest for oldest, height in gates if height <= run.first_height + at)
    return at, f"version {run.versions[at]}, at least {oldest} at this height"


RULES: Final[Sequence[tuple[str, Callable[[Run], Fault | None]]]] = (
    ("bad-prevblk", refuse_link),
    ("high-hash", refuse_work),
    ("bad-diffbits", refuse_bits),
    ("time-too-old", refuse_median),
    ("time-timewarp-attack", refuse_timewarp),
    ("time-too-new", refuse_future),
    ("bad-version", refuse_version),
)
"""In the order in which Core judges one header: of two rules that refuse the same header, the first is told."""


def _first_other(run: Run, start: int, stop: int, required: int) -> Fault | None:
    """The first of headers `start` to `stop` that has other bits than those."""
    if run.bits[start:stop].count(required) == stop - start:
        return None
    at = next(at for at in range(start, stop) if run.bits[at] != required)
    return at, _wrong_bits(run.bits[at], required)


def _wrong_bits(bits: int, required: int | None) -> str:
    return f"bits {bits:08x}, required {required or 0:08x}"
