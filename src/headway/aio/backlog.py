"""What waits for a slow consumer of ours, and can be awaited: a full backlog makes its peer stop reading the socket.

One for the callbacks of a peer and one for each `messages()`. Called by `peer` only.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from headway.peer.inbox import Inbox, Item

if TYPE_CHECKING:
    from collections.abc import Callable


class Backlog(Inbox[Item]):
    __slots__ = ("_arrival", "_ended", "_error", "_made_room", "consumer")

    def __init__(self, made_room: Callable[[], None]) -> None:
        """`made_room()` is called when it was full and takes more again."""
        super().__init__()
        self._made_room = made_room
        self._ended = False
        self._error: Exception | None = None
        self._arrival: asyncio.Future[None] | None = None
        self.consumer: asyncio.Task[object] | None = None
        """The task that took the last item."""

    def put(self, item: Item, size: int) -> None:
        """`size`: about how many bytes it holds. Nothing happens once it has ended."""
        if not self._ended:
            super().put(item, size)
            self._wake()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more comes: once the rest is taken, `get` gives None, or raises `error`."""
        self._ended = True
        self._error = error
        self._wake()

    def take(self) -> Item:
        was_full = self.is_full
        item = super().take()
        if was_full and not self.is_full:
            self._made_room()
        return item

    @property
    def is_over(self) -> bool:
        """It has ended, and the rest was taken."""
        return self._ended and not self

    async def get(self) -> Item | None:
        """The oldest item, awaited if need be; None at the end."""
        self.consumer = asyncio.current_task()
        while not self:
            if self._ended:
                if self._error is not None:
                    raise self._error
                return None
            await self.arrival()
        return self.take()

    def arrival(self) -> asyncio.Future[None]:
        """Done once an item is here, or none will come. The task that calls this is the one that takes."""
        self.consumer = asyncio.current_task()
        self._arrival = asyncio.get_running_loop().create_future()
        if self or self._ended:
            self._wake()
        return self._arrival

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
