"""Block batches of one peer, and the two clocks that watch them.

The progress clock is set again by each block of the batch: when it runs out the remote sends nothing. The deadline of
each block is settled by that block alone, so one that arrives does not excuse the fifteen that do not (the fault of
the 2019 Neo detector), and no arrival puts it off: `asked at + block_timeout + bytes asked ahead / min_rate`. Sizes
are unknown beforehand, so this peer's own running average stands for them. Where one block needs more than a timeout at
the least rate that we put up with, it has that time instead.
Not here: which peer is asked for which block (`sync`), what a block must obey. Called by `peer.machine` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from headway.errors import CodecError, LocalProtocolError
from headway.peer.deadlines import NEVER, Cause, Deadlines
from headway.peer.events import RequestKind
from headway.peer.requests import Request, require_hashes

if TYPE_CHECKING:
    from headway.network import Limits, Timing, Wire
    from headway.types import BlockRequest, Hash, Instant
    from headway.wire.messages import Message

SIZE_WEIGHT: Final = 1 / 8
"""Part of the running average that the newest block is."""
MAX_DAMAGED: Final = 16
"""Blocks in a row that may come damaged, each of which is asked for again: a line that damages more brings nothing."""


class BlockBatch(Request):
    """Blocks asked of one peer together. Its owner may add to it and ends it (the Bitcoin document: GetBlocksFinished).

    It ends by itself when nothing is left in flight. Once `is_finished`, what stands in `in_flight` was not delivered.
    """

    __slots__ = ("_asked", "_extend", "_finish", "in_flight", "is_finished", "progress_at")
    kind = RequestKind.BLOCKS
    cause = Cause.PROGRESS
    must_answer = True

    def __init__(self, request_id: int, messages: list[Message], extend: Extend, finish: Finish) -> None:
        super().__init__(request_id, messages)
        self.in_flight: dict[Hash, BlockRequest] = {}
        """Asked and not answered. (Of a batch that waits behind another: to be asked.)"""
        self.is_finished = False
        self.progress_at: Instant = 0.0
        """When it was asked, or gave its last block, on the clock that stands still during a pause."""
        self._asked: dict[Hash, tuple[Instant, float]] = {}  # when, and how many bytes were ahead
        self._extend = extend
        self._finish = finish

    def extend(self, requests: Sequence[BlockRequest], now: Instant) -> None:
        """Ask for more blocks. Raises LocalProtocolError as `PeerMachine.request_blocks`, and when it is finished."""
        self._extend(self, requests, now)

    def finish(self, now: Instant) -> None:
        """Want no more of it: what is still owed is cancelled without blame, and comes as nobody's if it comes."""
        self._finish(self, now)

    def note_asked(self, requests: Iterable[BlockRequest], at: Instant, ahead: float, size: float) -> None:
        """Asked at `at` on the standing clock, `ahead` bytes before the first of them, about `size` bytes each."""
        for request in requests:
            self._asked[request.hash] = (at, ahead)
            ahead += size

    def take(self, block_hash: Hash) -> BlockRequest | None:
        """A block is no longer in flight."""
        self._asked.pop(block_hash, None)
        return self.in_flight.pop(block_hash, None)

    def earliest_deadline(self, block_timeout: float, min_rate: float) -> Instant:
        """Of the blocks that are in flight."""
        if not block_timeout:
            return NEVER
        return min((at + ahead / min_rate for at, ahead in self._asked.values()), default=NEVER) + block_timeout


def asking(
    wire: Wire, limits: Limits, in_flight: Mapping[Hash, BlockRequest], requests: Sequence[BlockRequest]
) -> list[Message]:
    """Messages that ask for these. Raises LocalProtocolError unless they can be asked for beside what is in flight:
    each once, and not too many."""
    hashes = {request.hash for request in requests}
    require_hashes(hashes)
    if not hashes:
        raise LocalProtocolError("no blocks to ask for")
    if len(hashes) < len(requests) or not hashes.isdisjoint(in_flight):
        raise LocalProtocolError("a block is asked for twice")
    if len(in_flight) + len(requests) > limits.max_blocks_in_flight:
        raise LocalProtocolError(
            f"{len(in_flight) + len(requests)} blocks of one peer, at most {limits.max_blocks_in_flight}"
        )
    pieces = range(0, len(requests), limits.max_getdata)
    return [each for at in pieces for each in wire.ask_blocks(requests[at : at + limits.max_getdata])]


Extend: TypeAlias = Callable[[BlockBatch, Sequence["BlockRequest"], "Instant"], None]
Finish: TypeAlias = Callable[[BlockBatch, "Instant"], None]


class Downloads:
    """What one peer's batches share: the usual size of its blocks, and those that may still come though unwanted."""

    __slots__ = ("_damaged", "_deadlines", "_late", "_max_late", "_timing", "block_size", "min_rate")

    def __init__(self, deadlines: Deadlines, limits: Limits, timing: Timing) -> None:
        self.block_size: float = limits.typical_block_size
        """Running average of this peer's blocks, bytes."""
        self.min_rate: float = limits.min_rate
        self._deadlines = deadlines
        self._timing = timing
        self._late: dict[Hash, None] = {}  # asked in a batch that was finished; the remote may be sending them
        self._max_late = limits.max_blocks_in_flight
        self._damaged = 0  # blocks since the last whole one

    def start(self, batch: BlockBatch, now: Instant) -> None:
        """A batch goes out, with all that is in it."""
        self._ask(batch, list(batch.in_flight.values()), 0, now)
        self._set_progress(batch, now)

    def extend(self, batch: BlockBatch, requests: Sequence[BlockRequest], now: Instant) -> None:
        """More is asked in a batch that is out."""
        self._ask(batch, requests, len(batch.in_flight) - len(requests), now)

    def receive(self, batch: BlockBatch | None, block_hash: Hash, size: int, now: Instant) -> BlockRequest | None:
        """A block came: the request that it answers, None when nobody wants it (any more)."""
        request = batch.take(block_hash) if batch else None
        if request is None and block_hash not in self._late:
            return None
        self.block_size += (size - self.block_size) * SIZE_WEIGHT
        self._damaged = 0
        if batch:
            self._set_progress(batch, now)
        if request is None:
            del self._late[block_hash]
        else:
            self._late.clear()  # answers come in the order of the questions: nothing older is on its way
        return request

    def miss(self, batch: BlockBatch | None, block_hash: Hash, now: Instant) -> BlockRequest | None:
        """The remote does not have it: the request that this answers."""
        self._late.pop(block_hash, None)
        request = batch.take(block_hash) if batch else None
        if batch and request:
            self._set_progress(batch, now)
        return request

    def lose(self, batch: BlockBatch, now: Instant) -> BlockRequest:
        """A block came damaged; which one cannot be known. Blocks come in the order of the questions, so it is the one
        that is out for the longest time, and returned to be asked for again. Raises CodecError when too many came so.
        """
        self._damaged += 1
        if self._damaged >= MAX_DAMAGED:
            raise CodecError(f"{self._damaged} blocks in a row came damaged")
        request = next(iter(batch.in_flight.values()))
        batch.take(request.hash)
        batch.in_flight[request.hash] = request
        self._ask(batch, [request], len(batch.in_flight) - 1, now)
        return request

    def end(self, batch: BlockBatch) -> None:
        """A batch that was out is over."""
        self._deadlines.disarm(Cause.PROGRESS)
        self._deadlines.disarm(Cause.BLOCK)
        self._late |= dict.fromkeys(batch.in_flight)
        while len(self._late) > self._max_late:
            del self._late[next(iter(self._late))]

    def close(self) -> None:
        """The connection has ended: nothing is on its way any more."""
        self._late.clear()

    def overdue(self, batch: BlockBatch, now: Instant) -> str:
        """A clock has run out: says what the remote failed to do, or nothing when there is time left after all.

        The clocks are set low and read again here: so the earliest deadline of a thousand blocks is not sought anew for
        each block that comes, and a `min_rate` that has fallen since is honoured.
        """
        progress = self._progress_deadline(batch)
        if self._deadlines.has_passed(progress, now):
            waited = self._deadlines.clock(now) - batch.progress_at
            return f"no block for {waited:.0f} s, {len(batch.in_flight)} in flight"
        earliest = batch.earliest_deadline(self._at_least(self._timing.block_timeout), self._rate)
        if self._deadlines.has_passed(earliest, now):
            return f"too slow: a block is overdue, {len(batch.in_flight)} in flight"
        self._deadlines.arm_at(Cause.PROGRESS, progress)
        self._deadlines.arm_at(Cause.BLOCK, earliest)
        return ""

    @property
    def _rate(self) -> float:
        return max(self.min_rate, 1.0)  # bytes a second; never zero, however slow our own line is

    def _ask(self, batch: BlockBatch, requests: Sequence[BlockRequest], before: int, now: Instant) -> None:
        at, ahead = self._deadlines.clock(now), (before + len(self._late)) * self.block_size
        batch.note_asked(requests, at, ahead, self.block_size)
        if timeout := self._at_least(self._timing.block_timeout):
            first = at + ahead / self._rate + timeout
            self._deadlines.arm_at(Cause.BLOCK, min(first, self._deadlines.at(Cause.BLOCK)))

    def _set_progress(self, batch: BlockBatch, now: Instant) -> None:
        batch.progress_at = self._deadlines.clock(now)
        self._deadlines.arm_at(Cause.PROGRESS, self._progress_deadline(batch))

    def _progress_deadline(self, batch: BlockBatch) -> Instant:
        timeout = self._at_least(self._timing.batch_timeout)
        return batch.progress_at + timeout if timeout else NEVER

    def _at_least(self, timeout: float) -> float:
        """The timeout, or what one block needs; 0 stays 0."""
        return max(timeout, self.block_size / self._rate) if timeout else 0.0
