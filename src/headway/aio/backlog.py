"""What waits for a slow consumer of ours, bounded: a full backlog makes its peer stop reading the socket.

One for the callbacks of a peer and one for each `messages()`. Called by `peer` only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from headway.wire.messages import Addr, Block, GetData, Headers, Inv, NotFound, Tx, Unknown

if TYPE_CHECKING:
    from headway.peer.events import PeerDisconnected
    from headway.wire.messages import Message

MAX_MESSAGES: Final = 1_000
MAX_BYTES: Final = 16_000_000
"""Four of the largest messages. What was read already may go over it, by one scratch buffer or one block."""

Item = TypeVar("Item")


class Backlog(Generic[Item]):
    __slots__ = ("_arrival", "_bytes", "_ended", "_error", "_items", "consumer", "is_full")

    def __init__(self) -> None:
        self._items: deque[tuple[Item, int]] | None = None  # made when something comes: most peers are idle
        self._bytes = 0
        self.is_full = False
        """From reaching a bound until half of it was taken."""
        self._ended = False
        self._error: Exception | None = None
        self._arrival: asyncio.Future[None] | None = None
        self.consumer: asyncio.Task[object] | None = None
        """The task that took the last item."""

    def __len__(self) -> int:
        return len(self._items) if self._items else 0

    def put(self, item: Item, size: int) -> None:
        """`size`: about how many bytes it holds."""
        if not self._ended:
            if self._items is None:
                self._items = deque()
            self._items.append((item, size))
            self._bytes += size
            self.is_full = self.is_full or self._bytes >= MAX_BYTES or len(self._items) >= MAX_MESSAGES
            self._wake()

    def clear(self) -> None:
        """Drop what waits; it may go on."""
        self._items = None
        self._bytes = 0
        self.is_full = False

    def end(self, error: Exception | None = None) -> None:
        """Nothing more comes: once the rest is taken, `get` gives None, or raises `error`."""
        self._ended = True
        self._error = error
        self._wake()

    async def get(self) -> Item | None:
        """The oldest item, awaited if need be; None at the end."""
        self.consumer = asyncio.current_task()
        while not self._items:
            if self._ended:
                if self._error is not None:
                    raise self._error
                return None
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        item, size = self._items.popleft()
        self._bytes -= size
        if self._bytes <= MAX_BYTES // 2 and len(self._items) <= MAX_MESSAGES // 2:
            self.is_full = False
        return item

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


def size_of(message: Message | PeerDisconnected) -> int:
    """About how much memory a received message holds, in bytes."""
    match message:
        case Headers() | Block() | Tx():
            return 200 + len(message.raw)
        case Inv() | GetData() | NotFound():
            return 200 + 150 * len(message.entries)
        case Addr():
            return 200 + 300 * len(message.addresses)
        case Unknown():
            return 200 + len(message.payload)
        case _:
            return 5_000  # a locator of 101 hashes at most
