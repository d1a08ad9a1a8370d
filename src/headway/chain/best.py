"""The best chain: which position of the tree stands at each height.

Headers that arrive in order have consecutive positions, so a chain is kept as straight pieces, most often a single one:
a million headers take no more memory, and no more time to add, than two thousand. A branch that takes over begins a
new piece. Called by `chain.headers` only.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right


class BestChain:
    """Positions by height, from genesis up. Empty until genesis is put on it."""

    __slots__ = ("_heights", "_length", "_positions")

    def __init__(self) -> None:
        self._length = 0
        self._heights = array("I")  # at which each piece begins, rising
        self._positions = array("i")  # what stands there

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, height: int) -> int:
        """The position at `height`. Raises IndexError for one that the chain does not have."""
        if not 0 <= height < self._length:
            raise IndexError(f"no height {height}")
        piece = bisect_right(self._heights, height) - 1
        return self._positions[piece] + height - self._heights[piece]

    @property
    def tip(self) -> int:
        """The position at the top."""
        return self._positions[-1] + self._length - 1 - self._heights[-1]

    def extend(self, first: int, count: int) -> None:
        """Put positions `first`, `first` + 1 ... on top, `count` of them, one at least."""
        if not self._length or first != self.tip + 1:
            self._heights.append(self._length)
            self._positions.append(first)
        self._length += count

    def cut(self, length: int) -> None:
        """Keep the lowest `length` headers."""
        while self._heights and self._heights[-1] >= length:
            self._heights.pop()
            self._positions.pop()
        self._length = length
