"""Header presync: a chain shows that it has enough work before any header of it is kept (Core HeadersSyncState).

The peer sends its chain twice. The first time (COMMITTING) every header is judged, its work is added up, and of each
`commitment_period`-th one bit of a salted hash stays: nothing else. When the work is enough the chain is sent again
(COMPARING): the bits are compared, and headers wait until `redownload_buffer` others lie on top of them, or until the
work is reached. Only then they are given out, for the tree.

# Security
Work can be shown once and something else be sent the second time; but the bits, and which headers have one, are secret:
each is guessed with even odds, and for a header to be given out some `redownload_buffer` / `commitment_period` of them
must be guessed (mainnet: 23.7). What a peer can make us hold: a bit a period, of no more headers than can have been
mined (`MAX_RATE`), and the buffer, with two messages above its size. For mainnet from genesis that is 0.7 MB of bits at
most (190 bytes for the honest chain) and 1.5 MB of headers.

Not here: the tree, peers, whom to ask when. Called by `sync.lowwork`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from headway.chain import records
from headway.errors import FutureHeader, InvalidHeader
from headway.types import BlockId

if TYPE_CHECKING:
    import random

    from headway.chain.headers import HeaderTree
    from headway.network import Headers, HeaderVerdict, Network
    from headway.types import Hash

MAX_RATE: Final = 6
"""Blocks a second that a chain can have at most: the median of 11 times must rise by a second (Core)."""
MAX_AHEAD: Final = 2 * 3600
"""Seconds that a header's time may be ahead of ours (Core MAX_FUTURE_BLOCK_TIME)."""
REORG_ALLOWANCE: Final = 144
"""Blocks of the tip's work that a chain may lack, and still is kept without presync (Core GetAntiDoSWorkThreshold)."""
MEDIAN_SPAN: Final = 11
HASH_SIZE: Final = 32


class Phase(Enum):
    COMMITTING = auto()
    """Core's PRESYNC."""
    COMPARING = auto()
    """Core's REDOWNLOAD."""


class Outcome(Enum):
    """What a message of the peer came to. All but the first end the presync."""

    MORE = auto()
    """Ask for what follows `Presync.tip`."""
    DONE = auto()
    """The chain has the work, and everything so far is given out."""
    TOO_LITTLE_WORK = auto()
    """The chain ended before it had."""
    TOO_LONG = auto()
    """It has more headers than can have been mined."""
    UNCONNECTED = auto()
    """The headers follow something else than what came before. The peer may have left its branch."""
    INCOMPLETE = auto()
    """The second time the chain ended too early."""
    CHANGED = auto()
    """The second time it was another chain."""
    INVALID = auto()
    """A header broke a rule."""


@dataclass(frozen=True, slots=True)
class Step:
    outcome: Outcome
    released: tuple[Headers, ...] = ()
    """Headers for the tree, in order; they follow those that were released before, at first the start."""
    error: InvalidHeader | None = None
    """Of INVALID."""


@dataclass(frozen=True, slots=True)
class ChainStart:
    """A header of our tree from which a peer's chain goes on."""

    id: BlockId
    chainwork: int
    median_time: int
    """Of the last 11 headers, unix seconds."""
    context: Any
    """What the rules want to know to judge the next header."""

    @classmethod
    def at(cls, tree: HeaderTree, network: Network, position: int) -> ChainStart:
        branch = tree.branch(position)
        lowest = max(tree.root.height, branch.height + 1 - MEDIAN_SPAN)
        raws = (branch.header(height) for height in range(lowest, branch.height + 1))
        times = sorted(network.rules.parse_header(raw).time for raw in raws)
        context = tree.header_context(position)
        return cls(tree.id(position), tree.chainwork(position), times[len(times) // 2], context)


def enough_work(tree: HeaderTree, network: Network) -> int:
    """What a chain must have to be kept without presync: the network's minimum, or nearly what our tip has (Core
    GetAntiDoSWorkThreshold)."""
    tip = tree.tip_position
    work, parent = tree.chainwork(tip), tree.parent(tip)
    of_tip = work - tree.chainwork(parent) if parent >= 0 else work
    return max(network.minimum_chainwork, work - REORG_ALLOWANCE * of_tip)


class Presync:
    """One chain of one peer."""

    def __init__(self, network: Network, start: ChainStart, goal: int, *, rng: random.Random, wall_time: float) -> None:
        """`goal`: work that the chain must have. `wall_time`: unix seconds."""
        assert network.presync is not None, "who makes one has looked"
        self._network = network
        self._period = network.presync.commitment_period
        self._buffer_size = network.presync.redownload_buffer
        self.start = start
        self.goal = goal
        self._salt = rng.randbytes(16)
        self._offset = rng.randrange(self._period)
        seconds = max(wall_time - start.median_time, 0.0) + MAX_AHEAD
        self._max_bits = int(MAX_RATE * seconds) // self._period
        self._bits = Bits()
        self._compared = 0
        self._buffer: deque[tuple[int, bytes]] = deque()  # messages as records, and how many headers each has
        self.buffered = 0
        """Headers in the buffer."""
        self._begin(Phase.COMMITTING)

    def _begin(self, phase: Phase) -> None:
        """The chain comes from its start."""
        self.phase = phase
        self.tip: BlockId = self.start.id
        """The last header so far: the peer is to be asked for what follows it."""
        self.work = self.start.chainwork
        self._context = self.start.context
        self.share = 0.0
        """How much of the chain has come in this phase, 0 to 1: by the blocks that it should have by now."""

    @property
    def committed(self) -> int:
        """How many bits are kept."""
        return len(self._bits)

    def receive(self, headers: Headers, wall_time: float, *, is_full: bool) -> Step:
        """Take the peer's answer to a question for what follows `tip`. `is_full`: it may have more."""
        if not len(headers):
            return self._after(is_full=False)
        if headers[0].prev_hash != self.tip.hash:
            return Step(Outcome.UNCONNECTED)
        verdict = self._network.rules.check_headers(headers, self._context, wall_time)
        assert not verdict.proofs, "a chain whose headers bring proofs has no presync"
        if verdict.error is not None and not isinstance(verdict.error, FutureHeader):
            return Step(Outcome.INVALID, error=verdict.error)
        if verdict.accepted < len(headers):
            headers, is_full = headers.part(0, verdict.accepted), False
        fault = self._take(headers, verdict, wall_time) if len(headers) else None
        return self._after(is_full=is_full) if fault is None else Step(fault)

    # How.

    def _take(self, headers: Headers, verdict: HeaderVerdict, wall_time: float) -> Outcome | None:
        """Note headers that passed their rules. The end that it comes to, if it does."""
        if self.phase is Phase.COMMITTING:
            self._commit(verdict)
            if len(self._bits) > self._max_bits:
                return Outcome.TOO_LONG
        elif not self._compare(verdict):
            return Outcome.CHANGED
        else:
            self._keep(headers)
        tip: Hash = verdict.hashes[-HASH_SIZE:]
        self.tip = BlockId(self.tip.height + verdict.accepted, tip)
        self.work += sum(verdict.works)
        self._context = verdict.context
        done = self.tip.height - self.start.id.height
        left = max(wall_time - headers[len(headers) - 1].time, 0.0) / self._network.block_interval
        self.share = done / (done + left)
        return None

    def _after(self, *, is_full: bool) -> Step:
        """What to do once a message was taken."""
        has_work = self.work >= self.goal
        if self.phase is Phase.COMMITTING:
            if has_work:
                self._begin(Phase.COMPARING)
                return Step(Outcome.MORE)
            return Step(Outcome.MORE if is_full else Outcome.TOO_LITTLE_WORK)
        released = self._release(down_to=0 if has_work else self._buffer_size)
        if has_work:
            return Step(Outcome.DONE, released)
        return Step(Outcome.MORE if is_full else Outcome.INCOMPLETE, released)

    def _commit(self, verdict: HeaderVerdict) -> None:
        for at in self._places(verdict.accepted):
            self._bits.append(self._bit(verdict, at))

    def _compare(self, verdict: HeaderVerdict) -> bool:
        """Whether the bits are those of the first time. Not beyond the header that completes the work: the chain may
        have grown since."""
        count = verdict.accepted
        if self.work + sum(verdict.works) >= self.goal:
            totals = accumulate(verdict.works, initial=self.work)
            count = next(at for at, total in enumerate(totals) if total >= self.goal) - 1
        for at in self._places(count):
            if self._compared == len(self._bits) or self._bits[self._compared] != self._bit(verdict, at):
                return False
            self._compared += 1
        return True

    def _places(self, count: int) -> range:
        """Which of the next `count` headers are committed to."""
        return range((self._offset - self.tip.height - 1) % self._period, count, self._period)

    def _bit(self, verdict: HeaderVerdict, at: int) -> int:
        """A keyed hash: without the key its bits cannot be told from random ones. One is needed every period, so its
        speed does not matter."""
        header_hash = verdict.hashes[at * HASH_SIZE : (at + 1) * HASH_SIZE]
        return blake2b(header_hash, digest_size=1, key=self._salt).digest()[0] & 1

    def _keep(self, headers: Headers) -> None:
        """Whole headers, although each names the hash of the one before: to leave that out would save 0.5 MB, and cost
        another hash of each."""
        self._buffer.append((len(headers), records.pack(headers, self._network.rules.header_size)))
        self.buffered += len(headers)

    def _release(self, down_to: int) -> tuple[Headers, ...]:
        """Messages with at least `down_to` headers on top of them."""
        released = []
        while self._buffer and self.buffered - self._buffer[0][0] >= down_to:
            count, raw = self._buffer.popleft()
            self.buffered -= count
            released.append(records.unpack(raw, self._network))
        return tuple(released)


class Bits:
    """A list of bits, eight to the byte."""

    __slots__ = ("_bytes", "_count")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> int:
        """Raises IndexError beyond the last byte."""
        return self._bytes[at >> 3] >> (at & 7) & 1

    def append(self, bit: int) -> None:
        if not self._count & 7:
            self._bytes.append(0)
        self._bytes[-1] |= bit << (self._count & 7)
        self._count += 1
