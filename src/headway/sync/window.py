"""The block window: what is to be asked, what is asked, and what is in hand, bounded in blocks and in bytes.

Blocks are asked along the goal from the first missing one on, at most `WINDOW` ahead of it and at most `WINDOW_BYTES`
asked and not yet stored. What comes back to be asked again lies in one heap with the rest, lowest first. Not here: who
is asked. Called by `sync.blocks`.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headway.chain.blocks import BlockChain
    from headway.chain.headers import HeaderTree
    from headway.types import Height

WINDOW: Final = 1024
"""Blocks ahead of the first missing one that may be asked (Core BLOCK_DOWNLOAD_WINDOW)."""
WINDOW_BYTES: Final = 256 * 1024 * 1024
"""Bytes asked, received or being stored at one time, sizes of blocks still to come estimated."""
MANY: Final = 1_000_000
"""Blocks: more than anybody is asked for at a time."""
SIZES: Final = 16
"""Blocks that the running average of sizes goes back, about."""


class Window:
    def __init__(self, tree: HeaderTree, chain: BlockChain, *, typical_size: int, ceiling: Height | None) -> None:
        """`typical_size`: bytes of a block before one was seen; `ceiling`: highest block to ask for, None for all."""
        self._tree = tree
        self._chain = chain
        self._ceiling = ceiling
        self.mean_size = float(typical_size)
        """Bytes of a block, of late."""
        self._sizes = 0  # that it is made of
        self.asked: dict[int, int] = {}
        """Position in flight -> the peer that is to bring it."""
        self.in_hand: dict[int, int] = {}
        """Position received, not yet stored -> bytes."""
        self.bytes_in_hand = 0
        self._todo: list[Height] = []  # heap of heights to ask for, possibly stale (checked when looked at)
        self._horizon: Height = 0  # next height that has never been in the heap

    # What others ask of it.

    @property
    def capacity(self) -> float:
        """Blocks that fit into it."""
        return min(WINDOW, WINDOW_BYTES / self.mean_size)

    @property
    def left(self) -> int:
        """Blocks that are to come until all are here, asked for or not, about; many while the window is not there."""
        return len(self._todo) + len(self.asked) if self._horizon > self._end else MANY

    @property
    def has_room(self) -> bool:
        """One more block may be asked for. One always may, however large."""
        out = len(self.asked)
        busy = out + len(self.in_hand)
        return not busy or (busy < WINDOW and self.bytes_in_hand + (out + 1) * self.mean_size <= WINDOW_BYTES)

    @property
    def is_full(self) -> bool:
        """Something more could be asked for, were it not for the bounds. (Guesses of sizes fill nothing.)"""
        if self.next() is not None:
            return self._sizes > 0 and not self.has_room
        return self._horizon >= self._chain.first_missing + WINDOW and self._horizon <= self._end

    @property
    def first(self) -> int | None:
        """Position of the first missing block, for which all later ones wait; None when nothing is missing."""
        height = self._chain.first_missing
        return self._chain.goal.at(height) if height <= self._end else None

    def wants(self, position: int) -> bool:
        """A block that we lack, on the goal, inside the window."""
        if self._chain.holds(position) or position in self.in_hand or not self._chain.goal.has(position):
            return False
        return self._chain.first_missing <= self._tree.height(position) < self._chain.first_missing + WINDOW

    def next(self) -> Height | None:
        """The lowest height to ask for; stale entries are dropped on the way."""
        todo, goal = self._todo, self._chain.goal
        while todo:
            height = todo[0]
            if height <= goal.height:
                position = goal.at(height)
                if position not in self.asked and position not in self.in_hand and not self._chain.holds(position):
                    return height
            heapq.heappop(todo)
        return None

    # What happens.

    def reset(self) -> None:
        """The goal or the floor has changed: look again from the first missing block on."""
        self._todo = []
        self._horizon = self._chain.first_missing

    def extend(self) -> bool:
        """Take in what has come into reach since. True: something has."""
        first = self._chain.first_missing
        start, end = max(self._horizon, first), min(first + WINDOW, self._end + 1)
        for height in range(start, end):
            heapq.heappush(self._todo, height)
        self._horizon = max(start, end)
        return start < end

    def pop(self) -> None:
        """Take out what `next` has told."""
        heapq.heappop(self._todo)

    def push(self, height: Height) -> None:
        """Put it in again."""
        heapq.heappush(self._todo, height)

    def again(self, position: int) -> None:
        """It is to be asked for again."""
        if self._chain.goal.has(position):
            self.push(self._tree.height(position))

    def receive(self, position: int, size: int) -> None:
        self.in_hand[position] = size
        self.bytes_in_hand += size
        self._sizes = min(self._sizes + 1, SIZES)
        self.mean_size += (size - self.mean_size) / self._sizes

    def release(self, position: int) -> None:
        """It is stored, or lost."""
        self.bytes_in_hand -= self.in_hand.pop(position, 0)

    @property
    def _end(self) -> Height:
        """The highest block that is wanted."""
        top = self._chain.goal.height
        return top if self._ceiling is None else min(top, self._ceiling)
