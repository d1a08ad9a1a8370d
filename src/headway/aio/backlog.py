"""What waits for a slow consumer of ours, and can be awaited: a full backlog makes its peer stop reading the socket.

One for the callbacks of a peer and one for each `messages()`. Called by `peer` only.
"""

from __future__ import annotations

import asyncio

from headway.peer.inbox import Inbox, Item


class Backlog(Inbox[Item]):
    __slots__ = ("_arrival", "_ended", "_error", "consumer")

    def __init__(self) -> None:
        super().__init__()
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

    async def get(self) -> Item | None:
        """The oldest item, awaited if need be; None at the end."""
        self.consumer = asyncio.current_task()
        while not self:
            if self._ended:
                if self._error is not None:
                    raise self._error
                return None
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        return self.take()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
