"""The chain whose blocks are brought: the best header chain, or another one while nobody gives that one's blocks.

Positions by height, as `HeaderTree.at` has them of the best chain. Which chain it is to be is not decided here
(`sync.withheld` does). Called by `chain.blocks` and `sync`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.chain.headers import HeaderTree, TreeBranch
    from headway.types import Height


class Goal:
    """At first, and as long as nobody turns it, the best chain."""

    def __init__(self, tree: HeaderTree) -> None:
        self._tree = tree
        self._branch: TreeBranch | None = None  # None: the best chain
        self._tip: int | None = None  # of the branch

    @property
    def is_best(self) -> bool:
        """It is the best header chain, however that grows."""
        return self._branch is None

    @property
    def tip(self) -> int:
        """Position of its last header."""
        return self._tree.tip_position if self._tip is None else self._tip

    @property
    def height(self) -> Height:
        """Of its last header."""
        return self._tree.height(self.tip) if self._branch is None else self._branch.height

    def at(self, height: Height) -> int:
        """Position on it. Raises IndexError beyond its tip, and below the root."""
        if self._branch is None:
            return self._tree.at(height)
        if height > self._branch.height:
            raise IndexError(f"no height {height}")
        return self._branch.position(height)

    def has(self, position: int) -> bool:
        """Whether this header lies on it."""
        if self._branch is None:
            return self._tree.on_best_chain(position)
        height = self._tree.height(position)
        return height <= self._branch.height and self._branch.position(height) == position

    def fork(self, position: int, known: int = -1) -> int:
        """Position of the last common ancestor (itself when it lies on it).

        `known`: a position where the search may end, should it come by.
        """
        while position != known and not self.has(position):
            position = self._tree.parent(position)
        return position

    def turn(self, tip: int | None) -> None:
        """Make it the chain that ends at `tip`; None: the best chain."""
        self._tip = tip
        self._branch = None if tip is None else self._tree.branch(tip)

    def renew(self) -> None:
        """The best chain has changed branch."""
        self.turn(self._tip)
