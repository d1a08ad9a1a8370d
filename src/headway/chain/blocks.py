"""Which blocks we hold, and the chain of them that has been delivered in order.

Blocks are stored out of order and delivered in order. The delivered chain leaves its branch only when the blocks of
the better one are here and outweigh it: headers alone (a fork whose blocks nobody gives us) never take anything back.
Called by `sync`.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headway.chain.goal import Goal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.chain.headers import HeaderTree
    from headway.types import BlockId, Height

KEPT: Final = 288
"""Blocks that are never pruned, from the last one down (Core MIN_BLOCKS_TO_KEEP): a reorganisation may take them back,
and peers may ask a pruned node for them (BIP159)."""


@dataclass(frozen=True, slots=True)
class Advance:
    """How the delivered chain moved:

    blocks taken back, newest first, then blocks added, oldest first. Positions in the tree.
    """

    disconnected: tuple[int, ...] = ()
    connected: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.disconnected or self.connected)


class BlockChain:
    """Blocks from height `floor` up. The root is always held: the network gives it, or nobody does."""

    def __init__(self, tree: HeaderTree, stored: Iterable[int] = (), *, floor: Height = 0) -> None:
        self._tree = tree
        self.goal = Goal(tree)
        """The chain that it follows."""
        self._held = bytearray(len(tree))
        self._held[0] = 1
        for position in stored:
            self._held[position] = 1
        self._path = array("i")  # positions along the goal from the floor, as far as blocks are held without a gap
        self._tip = -1  # last delivered position; -1 before the first
        self.pruned_below: Height = 0
        """Blocks below this height were removed, and are not brought again."""
        self.needed: Height | None = None
        """Lowest height that somebody has still to read: it is kept, and what a reorganisation may put in the place of
        what he read last. None: nobody reads."""
        self.start_at(floor)

    def start_at(self, floor: Height) -> None:
        """Deliver from `floor` on: what is held already counts as delivered."""
        self.floor = max(floor, self._tree.first_block, self.pruned_below)
        self._path = array("i")
        self._extend_path()
        self._tip = self._path[-1] if self._path else -1

    def holds(self, position: int) -> bool:
        return position < len(self._held) and bool(self._held[position])

    def mark(self, position: int) -> None:
        """The block at `position` is stored."""
        if position >= len(self._held):
            self._held.extend(bytes(len(self._tree) - len(self._held)))
        self._held[position] = 1

    def forget(self, position: int) -> None:
        """The block at `position` turned out to be lost (a damaged file): it is wanted again. It stays delivered."""
        if self.holds(position):
            self._held[position] = 0
            if self._on_path(position):
                del self._path[self._tree.height(position) - self.floor :]

    def prune(self, below: Height) -> None:
        """The blocks below this height were removed: the chain begins here. They stay delivered."""
        if below <= self.pruned_below:
            return
        self.pruned_below = below
        if self._tip < 0 or self._tree.height(self._tip) < below:
            self.start_at(below)
        elif below > self.floor:
            gone = self._path[: below - self.floor]
            for position in gone:
                self._held[position] = position == 0
            del self._path[: len(gone)]
            self.floor = below
            self._extend_path()

    @property
    def keep_from(self) -> Height:
        """What lies below this height may be pruned: it was delivered, nobody reads it, and `KEPT` follow it."""
        last = self._tree.height(self._tip) if self._tip >= 0 else -1
        if self.needed is not None:
            last = min(last, self.needed - 1)
        return max(last + 1 - KEPT, 0)

    @property
    def held(self) -> int:
        """How many blocks are held, the root among them."""
        return self._held.count(1)

    @property
    def first_missing(self) -> Height:
        """Lowest height of the goal, from the floor up, whose block is not held."""
        return self.floor + len(self._path)

    @property
    def tip(self) -> BlockId | None:
        """The last delivered block."""
        return self._tree.id(self._tip) if self._tip >= 0 else None

    @property
    def tip_position(self) -> int:
        return self._tip

    def delivered(self, height: Height) -> int | None:
        """Position of the delivered block at `height`, None when none is."""
        if self._tip < 0 or not self.floor <= height <= self._tree.height(self._tip):
            return None
        index = self._tree.height(self._tip) - self.floor
        if index < len(self._path) and self._path[index] == self._tip:
            return self._path[height - self.floor]
        position = self._tip
        while self._tree.height(position) > height:
            position = self._tree.parent(position)
        return position

    def advance(self) -> Advance:
        """Bring the delivered chain up to date with the goal and the held blocks."""
        while self._path and not self.goal.has(self._path[-1]):
            self._path.pop()
        self._extend_path()
        top = self._path[-1] if self._path else -1
        if top == self._tip:
            return Advance()
        if self._tip >= 0 and self._tree.is_valid(self._tip) and not self._outweighs(top):
            return Advance()
        return self._switch(top)

    def _outweighs(self, top: int) -> bool:
        return top >= 0 and self._tree.chainwork(top) > self._tree.chainwork(self._tip)

    def _switch(self, top: int) -> Advance:
        disconnected = []
        position = self._tip
        while position >= 0 and not self._on_path(position):
            disconnected.append(position)
            position = self._tree.parent(position) if self._tree.height(position) > self.floor else -1
        start = self._tree.height(position) - self.floor + 1 if position >= 0 else 0
        self._tip = top
        return Advance(tuple(disconnected), tuple(self._path[start:]))

    def _on_path(self, position: int) -> bool:
        index = self._tree.height(position) - self.floor
        return 0 <= index < len(self._path) and self._path[index] == position

    def _extend_path(self) -> None:
        height, top = self.floor + len(self._path), self.goal.height
        while height <= top and self.holds(position := self.goal.at(height)):
            self._path.append(position)
            height += 1
