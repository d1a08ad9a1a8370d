"""Headers between checkpoints, a range from each peer at a time.

A network's value may name blocks of its chain (`Network.checkpoints`). What lies between two of them can be asked of
any peer, out of order: whoever ends at the second with headers that follow the first has brought the right ones. They
are held as they came and judged in order, by every rule, once the range is whole and its start is in the tree.
A checkpoint is a hint and never a proof: a range that nobody can bring, or that breaks a rule, closes the ranges, and
headers are asked for from our tip on, as on a network without checkpoints.

# Security
Nothing of a range is judged before its last hash is the checkpoint's, so that low-work chains get nowhere, and need no
presync to be kept out. All that is asked for and held lies within `MAX_HELD` above our tip.

Not here: who waits for a question (`sync.headers`), judging (`sync.intake`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple

from headway.types import ZERO_HASH, BlockId

if TYPE_CHECKING:
    from headway.chain.headers import HeaderTree
    from headway.network import Headers, Network
    from headway.types import Hash, Instant, Locator

MAX_HELD: Final = 24_000_000
"""Bytes of headers above our tip within which ranges are asked for: 300,000 of Bitcoin's."""
MAX_FORK: Final = 2_000
"""Headers by which the first range may begin below our tip, if that is not on the chain of the checkpoints."""
VARYING_SIZE: Final = 1_000
"""Bytes of a header where they vary: more than most."""
MANY_PEERS: Final = 4
"""From so many on each range ends at the next checkpoint."""
MAX_FAILURES: Final = 3
"""Peers that may fail at one range before we doubt the checkpoints."""
TAKEOVER: Final = 3.0
"""Seconds that the holder of a range may take for one message before a peer that is idle is asked for it as well."""


class Question(NamedTuple):
    locator: Locator
    stop: Hash


class Arrived(Enum):
    """What became of a message."""

    MORE = auto()
    """Ask its sender on: `Ranges.question`."""
    WHOLE = auto()
    """Its range is whole: look into `Ranges.ready`."""
    USELESS = auto()
    """It does not belong where we asked for it."""
    LATE = auto()
    """Another peer was faster with the same."""


class _Asked(NamedTuple):
    after: Hash
    at: Instant


@dataclass(slots=True, eq=False)
class _Range:
    start: BlockId
    end: BlockId
    at: BlockId
    """The last header that we have of it."""
    parts: deque[tuple[int, Headers]] = field(default_factory=deque)
    """Who sent what, in order."""
    holders: dict[int, _Asked] = field(default_factory=dict)
    """Who is asked for it: two at most."""
    failures: int = 0

    @property
    def is_whole(self) -> bool:
        return self.at == self.end

    def clear(self) -> None:
        self.at = self.start
        self.parts.clear()


class Ranges:
    def __init__(self, network: Network, tree: HeaderTree, *, max_held: int = MAX_HELD) -> None:
        self._tree = tree
        self._full = network.limits.full_headers
        self._max_ahead = max_held // (network.rules.header_size or VARYING_SIZE)
        self._checkpoints = deque(BlockId(height, block) for height, block in sorted(network.checkpoints))
        self._ranges: deque[_Range] = deque()  # in order, those that were begun; the first starts in our tree
        self._of: dict[int, _Range] = {}  # by peer
        self._unfit: set[int] = set()  # peers that failed
        self.is_shared = False
        """Some peer has shown headers of our chain: others may be asked for more."""
        self._skip_known()

    @property
    def is_open(self) -> bool:
        """There are ranges to be brought."""
        return bool(self._ranges or self._checkpoints)

    @property
    def held(self) -> int:
        """Headers that wait for those before them."""
        return sum(len(headers) for each in self._ranges for _, headers in each.parts)

    def is_asked(self, peer: int) -> bool:
        """Whether its answer belongs to a range."""
        return peer in self._of

    def take(self, peer: int, now: Instant, *, peers: int = MANY_PEERS) -> Question | None:
        """Give this peer, one of so many, a range: the next that nobody has, or one that another is slow with. None:
        nothing for it."""
        if peer in self._unfit:
            return None
        found = next((each for each in self._ranges if not each.holders and not each.is_whole), None)
        found = found or self._begin(peers) or self._slow(now)
        if found is None:
            return None
        self._of[peer] = found
        return self.question(peer, now)

    def question(self, peer: int, now: Instant) -> Question:
        """What to ask this peer now."""
        found = self._of[peer]
        found.holders[peer] = _Asked(found.at.hash, now)
        if self._is_at_our_tip(found):
            return Question(self._tree.locator(), found.end.hash)  # it may know our chain from further down only
        return Question((found.at,), found.end.hash)

    def receive(self, peer: int, headers: Headers) -> Arrived:
        """An answer to `question`. Unless it says MORE, this peer has no range any more."""
        found = self._of[peer]
        asked = found.holders[peer]
        prev_hash = headers[0].prev_hash if len(headers) else ZERO_HASH
        if found not in self._ranges or (prev_hash == asked.after != found.at.hash):
            self._release(peer)
            return Arrived.LATE
        if not self._follows(found, prev_hash):
            return self._fail(peer)
        count = min(len(headers), found.end.height - found.at.height)
        at = BlockId(found.at.height + count, headers[count - 1].hash)
        if at.height == found.end.height and at.hash != found.end.hash:
            found.clear()
            return self._fail(peer)
        found.parts.append((peer, headers if count == len(headers) else headers.part(0, count)))
        found.at = at
        self.is_shared = True
        if not found.is_whole:
            return Arrived.MORE if len(headers) >= self._full else self._fail(peer)
        self._release(peer)
        return Arrived.WHOLE

    @property
    def has_next(self) -> bool:
        """The lowest range is whole."""
        return bool(self._ranges) and self._ranges[0].is_whole

    def next(self) -> tuple[int, Headers]:
        """The next message of the lowest range, and who sent it. Follow with `judged`."""
        return self._ranges[0].parts.popleft()

    def judged(self, *, holds: bool) -> None:
        """The last `next` was judged: it is in the tree, or it breaks a rule."""
        if not self._ranges:
            return  # closed meanwhile
        first = self._ranges[0]
        if not holds:
            first.clear()
            self._doubt(first)
        elif not first.parts:
            self._ranges.popleft()

    def drop_peer(self, peer: int) -> None:
        """It has gone. What it sent is kept."""
        self._unfit.discard(peer)
        self.release(peer)

    def release(self, peer: int) -> None:
        """It is asked for its range no more, if it has one."""
        if peer in self._of:
            self._release(peer)

    def close(self) -> None:
        """No more of this. What is still to be answered comes late."""
        self._ranges.clear()
        self._checkpoints.clear()

    # How.

    def _release(self, peer: int) -> None:
        del self._of.pop(peer).holders[peer]

    def _fail(self, peer: int) -> Arrived:
        """It has not what we asked for."""
        found = self._of[peer]
        self._release(peer)
        self._unfit.add(peer)
        self._doubt(found)
        return Arrived.USELESS

    def _doubt(self, found: _Range) -> None:
        found.failures += 1
        if found.failures >= MAX_FAILURES:
            self.close()

    def _skip_known(self) -> None:
        """Leave out what our best chain has."""
        height = self._tree.height(self._tree.tip_position)
        while self._checkpoints and self._checkpoints[0].height <= height:
            self._checkpoints.popleft()

    def _begin(self, peers: int) -> _Range | None:
        """The next range that nobody was asked for. For few peers it goes past several checkpoints, as long as some
        ranges are left for each: the last message of a range is seldom full. Not the first, while others connect."""
        if not self._ranges:
            self._skip_known()
        tip = self._tree.tip
        if not self._checkpoints or self._checkpoints[0].height - tip.height > self._max_ahead:
            return None
        start = self._ranges[-1].end if self._ranges else tip
        passed = min(MANY_PEERS // peers, len(self._checkpoints) // (2 * peers)) - 1
        for _ in range(passed if self.is_shared else 0):
            if self._checkpoints[1].height - tip.height <= self._max_ahead:
                self._checkpoints.popleft()
        found = _Range(start, self._checkpoints.popleft(), start)
        self._ranges.append(found)
        return found

    def _slow(self, now: Instant) -> _Range | None:
        """The lowest range whose only holder takes long."""
        for each in self._ranges:
            since = [asked.at for asked in each.holders.values()]
            if len(since) == 1 and now >= since[0] + TAKEOVER and not each.is_whole:
                return each
        return None

    def _is_at_our_tip(self, found: _Range) -> bool:
        return found is self._ranges[0] and found.at == found.start

    def _follows(self, found: _Range, prev_hash: Hash) -> bool:
        if prev_hash == found.at.hash:
            return True
        if not self._is_at_our_tip(found):
            return False
        position = self._tree.find(prev_hash)
        if position is None or not 0 <= found.start.height - self._tree.height(position) <= MAX_FORK:
            return False
        found.at = self._tree.id(position)  # our tip is not on the chain of the checkpoints
        return True
