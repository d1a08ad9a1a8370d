"""Who reads a node's chain, and how far: what they have not read is not pruned.

Not here: what else is kept (`chain.blocks`). Called by `node`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.types import Height


class Readers:
    def __init__(self) -> None:
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

    def left(self, reader: object) -> None:
        self._unread = self._next.pop(reader)

    def none_comes(self) -> None:
        """All blocks were asked for by one who reads none. Who has read before may still go on."""
        if self._unread == 0 and not self._next:
            self._unread = None
