"""Blocks of the best header chain that nobody gives, and what is brought in the meantime.

Headers are cheap to show. Where the first missing block cannot be had (its peers said notfound, went, or bring nothing)
while another peer has a chain that outweighs what we have, that one becomes the goal. The heavier one is not given up:
whoever shows it is asked for the block, and when that comes, we turn back to it. Called by `sync.blocks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headway.chain.headers import NOT_KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.chain.blocks import BlockChain
    from headway.chain.headers import HeaderTree
    from headway.sync.sources import Sources
    from headway.types import Instant

PATIENCE: Final = 5.0
"""Seconds that the first missing block may be had from nobody, and between two looks for somebody who has it."""
MAX_WITHHELD: Final = 16
"""Blocks remembered as withheld; the oldest is forgotten for a further one, and may then be waited for once more."""


class Withheld:
    def __init__(self, tree: HeaderTree, chain: BlockChain, sources: Sources) -> None:
        self._tree = tree
        self._chain = chain
        self._sources = sources
        self._positions: dict[int, bool] = {}  # and whether somebody failed to give it, who had been asked
        self._waits_for: int | None = None
        self._since: Instant = 0.0
        self._looked_at: Instant = 0.0

    def __bool__(self) -> bool:
        return bool(self._positions)

    def due(self) -> Instant | None:
        """When something is to be done though nothing happens."""
        times = [self._since + PATIENCE] if self._waits_for is not None else []
        if self._positions:
            times.append(self._looked_at + PATIENCE)
        return min(times, default=None)

    @property
    def is_coming(self) -> bool:
        """Those who were asked for a withheld block may only be slow."""
        return not all(self._positions.values())

    def watch(self, position: int, since: Instant, now: Instant, *, is_owed: bool) -> bool:
        """Everything waits for this block, which nobody has brought `since`, and which nobody else can be asked for.

        `is_owed`: somebody was asked. True: it is withheld, and there is another chain to bring.
        """
        if position != self._waits_for:
            self._waits_for, self._since = position, now
        self._since = max(self._since, since)
        if now < self._since + PATIENCE:
            return False
        self._since = now
        if not any(self._is_other(tip, position) for tip in self._shown()):
            return False
        self._positions[position] = not is_owed
        self._looked_at = now
        if len(self._positions) > MAX_WITHHELD:
            del self._positions[next(iter(self._positions))]
        return True

    def rest(self) -> None:
        """All is well."""
        self._waits_for = None

    def failed(self, position: int) -> None:
        """Who was asked for this block does not give it."""
        if position in self._positions:
            self._positions[position] = True

    def hurry(self) -> None:
        """Somebody has shown something new: look at once for who gives one."""
        self._looked_at = -PATIENCE

    def discard(self, position: int) -> bool:
        """The block is here. True: it was withheld."""
        return self._positions.pop(position, None) is not None

    def renew(self) -> None:
        """A part of the tree may have been condemned."""
        self._positions = {each: failed for each, failed in self._positions.items() if self._tree.is_valid(each)}

    def best_goal(self) -> int | None:
        """The end of the heaviest chain of which no block is withheld; None: the best header chain."""
        if not self.is_on(self._tree.tip_position):
            return None
        tips = [tip for tip in {*self._shown(), self._chain.goal.tip} if not self.is_on(tip)]
        return max(tips, key=lambda tip: (self._tree.chainwork(tip), -tip), default=None)

    def is_on(self, tip: int) -> bool:
        """Whether the chain that ends at `tip` has a withheld block."""
        return bool(self._positions) and self._goes_through(tip, self._positions)

    def probes(self, now: Instant) -> list[tuple[int, int]]:
        """Peers and withheld blocks for which they are to be asked now: each time one peer a block, and another."""
        if not self._positions or now < self._looked_at + PATIENCE:
            return []
        self._looked_at = now
        found = []
        for position in self._positions:
            for peer, source in self._sources:
                can_be_asked = source.best > NOT_KNOWN and not source.is_slow and source.can_be_asked(position)
                if can_be_asked and self._goes_through(source.best, (position,)):
                    found.append((peer, position))
                    break
        return found

    def _shown(self) -> list[int]:
        """Tips that peers have shown."""
        tips = {source.best for _, source in self._sources if source.best > NOT_KNOWN}
        return [tip for tip in tips if self._tree.is_valid(tip)]

    def _is_other(self, tip: int, position: int) -> bool:
        """A chain that outweighs what we have, and does not need this block."""
        delivered = self._chain.tip_position
        outweighs = delivered < 0 or self._tree.chainwork(tip) > self._tree.chainwork(delivered)
        return outweighs and not self._goes_through(tip, (*self._positions, position))

    def _goes_through(self, tip: int, positions: Iterable[int]) -> bool:
        branch = self._tree.branch(tip)
        heights = ((self._tree.height(position), position) for position in positions)
        return any(height <= branch.height and branch.position(height) == position for height, position in heights)
