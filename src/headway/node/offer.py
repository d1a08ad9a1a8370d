"""Our chain, as others may have it: which headers and blocks of it we offer, and which we keep to ourselves.

Offered is what is stored: the chain of headers whose blocks are here (all headers, in a node that keeps none). A block
off our chain is offered only while it is fresh: who still has an old one tells when it was online, and so who it is.
Not here: answering (`serve`). Called by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headway.chain.headers import HeaderTree
    from headway.network import Network
    from headway.sync.scheduler import SyncScheduler
    from headway.types import Hash, Height, Locator

STALE_AGE: Final = 30 * 24 * 3600
"""Seconds by which a block off our chain may be older than our best header [STALE_RELAY_AGE_LIMIT]."""
HISTORICAL_AGE: Final = 7 * 24 * 3600
"""Seconds from which on a block is history: asked for by those who catch up, and the first to be refused where bytes
are short [HISTORICAL_BLOCK_AGE]."""
LIMITED_DEPTH: Final = 288 + 2
"""Blocks below its tip that a pruned node has in any case, and two that may have come meanwhile
[NODE_NETWORK_LIMITED_MIN_BLOCKS]."""


class Offer:
    def __init__(self, network: Network, tree: HeaderTree, sync: SyncScheduler) -> None:
        self._network = network
        self._rules = network.rules
        self._tree = tree
        self._sync = sync

    @property
    def top(self) -> int:
        """Position of the last block that we offer."""
        if not self._sync.wants_blocks:
            return self._tree.tip_position
        return max(self._sync.chain.tip_position, 0)

    @property
    def is_heavy_enough(self) -> bool:
        """Whether our chain has the least work that this network's has: before that it is nobody's business."""
        return self._tree.chainwork(self.top) >= self._network.minimum_chainwork

    def after(self, locator: Locator, stop: Hash, most: int) -> list[int]:
        """Positions after the first hash of the locator that lies on our chain (else the root), to `stop` or `most`."""
        top, root = self.top, self._tree.root.height
        start = next((h for entry in locator if (h := self._height_on(top, entry.hash)) is not None), root)
        positions = []
        for position in self.run(start + 1, most):
            positions.append(position)
            if self._tree.hash(position) == stop:
                break
        return positions

    def run(self, height: Height, most: int) -> Iterator[int]:
        """Positions on our chain from a height up, `most` of them."""
        branch = self._tree.branch(self.top)
        first = max(height, self._tree.root.height)
        return (branch.position(each) for each in range(first, min(height + most - 1, branch.height) + 1))

    def header(self, block: Hash) -> int | None:
        """Position of a header that is asked for by its hash alone; None when we have none to give."""
        position = self._tree.find(block)
        return position if position is not None and self._is_fresh(position) else None

    def block(self, block: Hash) -> int | None:
        """Position of a stored block that is offered; None when it is not. Genesis is 0, where it is known."""
        position = self._tree.find(block)
        if position is None or not self._has(position) or not self._is_fresh(position):
            return None
        return position

    def is_historical(self, position: int) -> bool:
        """Old enough that only those ask for it who catch up."""
        return self._age(position) > HISTORICAL_AGE

    def is_deep(self, position: int) -> bool:
        """Further below our tip than one may ask of a node that has pruned."""
        return self._tree.height(self.top) - self._tree.height(position) > LIMITED_DEPTH

    def _has(self, position: int) -> bool:
        return self._sync.chain.holds(position) if position else bool(self._rules.genesis_block)

    def _is_fresh(self, position: int) -> bool:
        """On our chain, or valid and not yet stale (Core BlockRequestAllowed)."""
        if self._height_on(self.top, self._tree.hash(position)) is not None:
            return True
        return self._tree.is_valid(position) and self._age(position) < STALE_AGE

    def _age(self, position: int) -> float:
        """Seconds before our best header, as the headers state it."""
        return self._time(self._tree.tip_position) - self._time(position)

    def _time(self, position: int) -> int:
        return self._rules.parse_header(self._tree.header(position)).time

    def _height_on(self, top: int, block: Hash) -> Height | None:
        """Height of a block if it lies on the chain that ends at `top`."""
        position = self._tree.find(block)
        if position is None or self._tree.height(position) > self._tree.height(top):
            return None
        height = self._tree.height(position)
        return height if self._tree.branch(top).position(height) == position else None
