"""Who reads a node's chain, and how far: what they have not read is not pruned.

Not here: what else is kept (`chain.blocks`). Called by `node`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from headway.types import Height


class Readers:
    def __init__(self, keep: Callable[[Height | None], None]) -> None:
        """`keep(needed)` is called whenever `needed` may have changed."""
        self._keep = keep
        self._next: dict[object, Height] = {}
        self._unread: Height | None = 0

    @property
    def needed(self) -> Height | None:
        """The lowest height that somebody has still to read; where the last one ended, as he may go on there. 0 before
        the first, who may begin anywhere; None once nobody is to come."""
        return min(self._next.values(), default=self._unread)

    def read_on(self, reader: object, height: Height) -> None:
        """He reads the block at this height next."""
        self._next[reader] = height
        self._keep(self.needed)

    def left(self, reader: object) -> None:
        self._unread = self._next.pop(reader)
        self._keep(self.needed)

    def none_comes(self) -> None:
        """All blocks were asked for by one who reads none. Who has read before may still go on."""
        if self._unread == 0 and not self._next:
            self._unread = None
            self._keep(None)
