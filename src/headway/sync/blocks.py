"""The block window: which blocks to ask of which peer, each asked once, none beyond what memory allows.

Blocks are asked along the best chain from the first missing one on, at most `WINDOW` ahead and at most `WINDOW_BYTES`
asked and not yet stored. What a lost peer owed returns to the heap at once. The cost of an input does not grow with
the number of peers: a peer that can take more stands in `_hungry`, and a peer for which nothing suitable was found
steps aside until that may have changed. Not here: deadlines (each peer machine keeps its own), verification, storage.
Called by `sync.scheduler`.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.chain.blocks import BlockChain
    from headway.chain.headers import HeaderTree
    from headway.types import BlockRequest, Height, Instant

WINDOW = 1024
"""Blocks ahead of the first missing one that may be asked (Core BLOCK_DOWNLOAD_WINDOW)."""
WINDOW_BYTES = 256 * 1024 * 1024
"""Bytes asked, received or being stored at one time, sizes of blocks still to come estimated."""
ALLOWANCE = 16
"""Blocks in flight at one peer (Core MAX_BLOCKS_IN_TRANSIT_PER_PEER)."""
REFILL = ALLOWANCE // 2
"""A peer is asked again once no more than this many are in flight, so that requests travel in groups."""
STALL_TIMEOUT = 2.0
MAX_STALL_TIMEOUT = 64.0
"""Seconds that the peer which holds the first missing block may bring nothing while another one idles (Core
BLOCK_STALLING_TIMEOUT). Doubled when it fires, as our own line may be slow; 15 % less with each stored block."""
MAX_LOOK = 16
"""Peers looked at to find an idle one, so that many peers do not make it dear."""
MAX_MISSING = 1024
"""Remembered notfound answers a peer; beyond it the peer is no source of blocks any more."""


@dataclass(frozen=True, slots=True)
class AskBlocks:
    peer: int
    requests: tuple[BlockRequest, ...]


@dataclass(slots=True)
class _Peer:
    height: Height = -1
    """Highest block of the best chain that it is known to have."""
    in_flight: set[int] = field(default_factory=set)
    missing: set[int] = field(default_factory=set)
    """Positions for which it said notfound, or sent something else."""
    stalled: bool = False
    """What it owed was given to others; it is asked for nothing more until it brings a block."""
    owed: set[int] = field(default_factory=set)
    """What was given to others and may still come from it: that counts against its allowance, too."""


class BlockScheduler:
    def __init__(
        self,
        tree: HeaderTree,
        chain: BlockChain,
        *,
        typical_size: int,
        ceiling: Height | None = None,
        max_in_flight: int = ALLOWANCE,
    ) -> None:
        """`ceiling`: highest block to ask for, None for no end. `max_in_flight`: of the network, at one peer."""
        self._tree = tree
        self._chain = chain
        self._ceiling = ceiling
        self._allowance = min(ALLOWANCE, max_in_flight)
        self._refill = min(REFILL, self._allowance // 2)
        self._peers: dict[int, _Peer] = {}
        self._hungry: dict[int, None] = {}  # peers that can take more
        self._behind: dict[int, None] = {}  # peers that could, but are not known to have what is to be asked next
        self._lacking: dict[int, None] = {}  # peers that could, but said notfound for all that is to be asked
        self._owner: dict[int, int] = {}  # position in flight -> peer
        self._in_hand: dict[int, int] = {}  # position received, not yet stored -> bytes
        self._in_hand_bytes = 0
        self._todo: list[Height] = []  # heap of heights to ask for, possibly stale (checked when popped)
        self._horizon: Height = 0  # next height that has never been in the heap
        self._size = float(typical_size)
        self._staller: int | None = None  # the peer that holds the first missing block while others idle
        self._staller_since: Instant = 0.0
        self._stall_timeout = STALL_TIMEOUT
        self.enabled = False

    # What others ask of it.

    @property
    def in_flight(self) -> int:
        return len(self._owner)

    @property
    def in_hand(self) -> int:
        return len(self._in_hand)

    @property
    def bytes_in_hand(self) -> int:
        return self._in_hand_bytes

    def is_wanted(self, position: int) -> bool:
        """A block that we lack, on the best chain, inside the window."""
        if self._chain.holds(position) or position in self._in_hand or not self._tree.on_best_chain(position):
            return False
        return self._chain.first_missing <= self._tree.height(position) < self._chain.first_missing + WINDOW

    # What happens.

    def reset(self) -> None:
        """The best chain or the floor has changed: look again from the first missing block on."""
        self._todo = []
        self._horizon = self._chain.first_missing
        for peer, state in self._peers.items():
            self._feed(peer, state)

    def know(self, peer: int, height: Height) -> None:
        """The peer has the best chain at least up to `height`."""
        state = self._peers.setdefault(peer, _Peer())
        state.height = height
        self._feed(peer, state)

    def drop_peer(self, peer: int) -> None:
        state = self._peers.pop(peer, None)
        self._unqueue(peer)
        if state is not None:
            self._disown(state)

    def received(self, peer: int, position: int, size: int) -> bool:
        """A block arrived.

        True: verify it. False: we have it, never wanted it, or did not ask for it and have no room (a late copy costs
        nobody anything).
        """
        state = self._peers.get(peer)
        if state is not None and state.stalled:
            state.stalled = False
            self._feed(peer, state)
        if peer == self._staller:
            self._staller = None
        if state is not None and position in state.owed:
            state.owed.discard(position)
            self._feed(peer, state)
        if state is not None and self._owner.get(position) == peer:
            del self._owner[position]
            state.in_flight.discard(position)
            self._feed(peer, state)
        elif not self.is_wanted(position) or not self._has_room():
            return False
        elif (owner := self._owner.pop(position, None)) is not None:
            self._peers[owner].in_flight.discard(position)  # the first answer wins; the other copy will be late
        if self._chain.holds(position) or position in self._in_hand:
            return False
        self._in_hand[position] = size
        self._in_hand_bytes += size
        self._size += (size - self._size) / 16
        return True

    def stored(self, position: int) -> None:
        self._release(position)
        self._stall_timeout = max(STALL_TIMEOUT, self._stall_timeout * 0.85)

    def rejected(self, position: int) -> None:
        """The copy in hand was no good, or could not be stored: ask again."""
        self._release(position)
        self._again(position)

    def refused(self, peer: int, positions: Iterable[int]) -> None:
        """The peer said notfound: these go to others, never to it again. That is an answer: it stalls no more."""
        state = self._peers.get(peer)
        if state is None:
            return
        for position in positions:
            state.stalled = False
            state.missing.add(position)
            state.owed.discard(position)
            if self._owner.get(position) == peer:
                del self._owner[position]
                state.in_flight.discard(position)
                self._again(position)
        if len(state.missing) > MAX_MISSING:
            state.height = -1
        self._feed(peer, state)

    def stalled(self, now: Instant) -> int | None:
        """The peer that has just been found to hold everybody up. What it owed may be asked of others now.

        It is not blamed here: if it brings nothing at all, its own clocks end it.
        """
        suspect = self._suspect()
        if suspect != self._staller:
            self._staller, self._staller_since = suspect, now
        if suspect is None or now < self._staller_since + self._stall_timeout:
            return None
        self._staller = None
        self._stall_timeout = min(2 * self._stall_timeout, MAX_STALL_TIMEOUT)
        state = self._peers[suspect]
        state.stalled = True
        state.owed |= state.in_flight
        self._unqueue(suspect)
        self._disown(state)
        return suspect

    def due(self) -> Instant | None:
        """When `stalled` may find somebody though nothing happens."""
        return None if self._staller is None else self._staller_since + self._stall_timeout

    def asks(self) -> list[AskBlocks]:
        """Requests that can go out now."""
        if not self.enabled:
            return []
        self._extend_todo()
        result = []
        while self._hungry and self._next_todo() is not None and self._has_room():
            peer = next(iter(self._hungry))
            del self._hungry[peer]
            if requests := self._choose(peer, self._peers[peer]):
                result.append(AskBlocks(peer, requests))
            else:
                self._step_aside(peer, self._peers[peer])
        return result

    # How.

    def _choose(self, peer: int, state: _Peer) -> tuple[BlockRequest, ...]:
        chosen, aside = [], []
        while self._has_room() and (height := self._next_todo()) is not None and height <= state.height:
            position = self._tree.at(height)
            is_full = len(state.in_flight) + len(state.owed) >= self._allowance
            if is_full and position not in state.owed:
                break
            heapq.heappop(self._todo)
            if position in state.missing:
                aside.append(height)
                continue
            state.owed.discard(position)
            state.in_flight.add(position)
            self._owner[position] = peer
            chosen.append(self._tree.request(position))
        for height in aside:
            heapq.heappush(self._todo, height)
        if chosen and len(state.in_flight) <= self._refill:
            self._hungry[peer] = None
        return tuple(chosen)

    def _next_todo(self) -> Height | None:
        """The lowest height to ask for; stale entries are dropped on the way."""
        while self._todo:
            height = self._todo[0]
            if height <= self._tree.height(self._tree.tip_position):
                position = self._tree.at(height)
                if not self._chain.holds(position) and position not in self._in_hand and position not in self._owner:
                    return height
            heapq.heappop(self._todo)
        return None

    def _extend_todo(self) -> None:
        first = self._chain.first_missing
        end = min(first + WINDOW, self._tree.height(self._tree.tip_position) + 1)
        if self._ceiling is not None:
            end = min(end, self._ceiling + 1)
        start = max(self._horizon, first)
        if start < end:
            for height in range(start, end):
                heapq.heappush(self._todo, height)
            self._horizon = end
            self._hungry.update(self._lacking)
            self._lacking.clear()

    def _has_room(self) -> bool:
        out = len(self._owner)
        return out + len(self._in_hand) == 0 or self._in_hand_bytes + (out + 1) * self._size <= WINDOW_BYTES

    def _suspect(self) -> int | None:
        """The owner of the first missing block, if all that may be asked is out and some peer has nothing to do."""
        if not self.enabled or self._next_todo() is not None:
            return None
        first = self._chain.first_missing
        if first > self._tree.height(self._tree.tip_position):
            return None
        owner = self._owner.get(self._tree.at(first))
        idle = any(peer != owner and not self._peers[peer].in_flight for peer in islice(self._hungry, MAX_LOOK))
        return owner if idle else None

    def _disown(self, state: _Peer) -> None:
        owed, state.in_flight = state.in_flight, set()
        for position in owed:
            del self._owner[position]
            self._again(position)

    def _release(self, position: int) -> None:
        self._in_hand_bytes -= self._in_hand.pop(position, 0)

    def _again(self, position: int) -> None:
        if self._tree.on_best_chain(position):
            heapq.heappush(self._todo, self._tree.height(position))
            for aside in (self._behind, self._lacking):
                self._hungry.update(aside)
                aside.clear()

    def _unqueue(self, peer: int) -> None:
        for line in (self._hungry, self._behind, self._lacking):
            line.pop(peer, None)

    def _feed(self, peer: int, state: _Peer) -> None:
        if len(state.in_flight) <= self._refill and not state.stalled:
            self._behind.pop(peer, None)
            self._lacking.pop(peer, None)
            self._hungry[peer] = None

    def _step_aside(self, peer: int, state: _Peer) -> None:
        """Nothing suits it now. Blocks further up help a peer that lacks these, never one that is behind."""
        height = self._next_todo()
        behind = height is not None and height > state.height
        (self._behind if behind else self._lacking)[peer] = None
