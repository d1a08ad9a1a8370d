"""Whose turn it is to be asked for blocks.

Peers that can take more stand in one line. A peer for which nothing suits steps aside until that may have changed: it
reaches only to a height, it has nothing below one, it lacks all that is to be asked, or it has its part of that. The
first two wait in heaps by that height, so that no input costs more because there are more peers. Called by
`sync.sources`.
"""

from __future__ import annotations

import heapq
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headway.types import Height

SLACK: Final = 64
"""Stale entries that a heap may hold beside one for each peer, before it is built anew."""


class Turns:
    def __init__(self) -> None:
        self._line: dict[int, None] = {}
        self._lacking: dict[int, None] = {}
        self._sated: dict[int, None] = {}
        self._below: dict[int, Height] = {}  # peer -> the height to which it reaches
        self._above: dict[int, Height] = {}  # peer -> the height below which it has nothing for us
        self._below_heap: list[tuple[int, int]] = []  # minus the height, peer; possibly stale
        self._above_heap: list[tuple[int, int]] = []

    @property
    def useless(self) -> int:
        """Peers that have nothing of what is to be asked."""
        return len(self._lacking) + len(self._below) + len(self._above)

    def put(self, peer: int) -> None:
        """It can take more. Who stands in line already keeps his place."""
        self._forget(peer)
        self._line[peer] = None

    def drop(self, peer: int) -> None:
        """It is to be asked for nothing."""
        self._line.pop(peer, None)
        self._forget(peer)

    def next(self) -> int | None:
        """Who is first; he leaves the line."""
        if not self._line:
            return None
        peer = next(iter(self._line))
        del self._line[peer]
        return peer

    def first(self, most: int) -> Iterator[int]:
        """Up to `most` of those who could do something else: in line, then aside."""
        return islice(chain(self._line, self._below, self._sated, self._lacking, self._above), most)

    # Steps aside.

    def wait_below(self, peer: int, height: Height) -> None:
        """Until what is to be asked next lies at this height or below it."""
        self._below[peer] = height
        heapq.heappush(self._below_heap, (-height, peer))
        if len(self._below_heap) > 2 * len(self._below) + SLACK:
            self._below_heap = [(-height, peer) for peer, height in self._below.items()]
            heapq.heapify(self._below_heap)

    def wait_above(self, peer: int, height: Height) -> None:
        """Until what is to be asked next lies at this height or above it."""
        self._above[peer] = height
        heapq.heappush(self._above_heap, (height, peer))
        if len(self._above_heap) > 2 * len(self._above) + SLACK:
            self._above_heap = [(height, peer) for peer, height in self._above.items()]
            heapq.heapify(self._above_heap)

    def wait_lacking(self, peer: int) -> None:
        """It has nothing of what is to be asked: until something else is."""
        self._lacking[peer] = None

    def wait_sated(self, peer: int) -> None:
        """It has its part of what is to be asked: until there is more, or are fewer to share it."""
        self._sated[peer] = None

    # And back.

    def wake(self, lowest: Height | None) -> None:
        """`lowest` is to be asked next."""
        if lowest is None:
            return
        while self._below_heap and -self._below_heap[0][0] >= lowest:
            height, peer = heapq.heappop(self._below_heap)
            if self._below.get(peer) == -height:
                self.put(peer)
        while self._above_heap and self._above_heap[0][0] <= lowest:
            height, peer = heapq.heappop(self._above_heap)
            if self._above.get(peer) == height:
                self.put(peer)

    def wake_lacking(self) -> None:
        """Something else is to be asked."""
        lacking, self._lacking = self._lacking, {}
        self._line.update(lacking)
        self.wake_sated()

    def wake_sated(self) -> None:
        """There are fewer to share."""
        sated, self._sated = self._sated, {}
        self._line.update(sated)

    def _forget(self, peer: int) -> None:
        self._lacking.pop(peer, None)
        self._sated.pop(peer, None)
        self._below.pop(peer, None)
        self._above.pop(peer, None)
