"""What of a peer waits for a consumer of ours, bounded, and what events look like to one who reads messages.

A full inbox makes its peer stop reading the socket; that is the driver's to do. Not here: how a consumer waits.
Called by `aio` and `blocking`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from headway.peer import events
from headway.wire import messages as m

if TYPE_CHECKING:
    from headway.peer.events import PeerDisconnected, PeerEvent
    from headway.wire.messages import Message

MAX_MESSAGES: Final = 1_000
MAX_BYTES: Final = 16_000_000
"""Four of the largest messages. What was read already may go over it, by one scratch buffer or one block."""

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """First in, first out. It takes all that it is given: whoever fills it heeds `is_full`."""

    __slots__ = ("_bytes", "_items", "is_full")

    def __init__(self) -> None:
        self._items: deque[tuple[Item, int]] | None = None  # made when something comes: most peers are idle
        self._bytes = 0
        self.is_full = False
        """From reaching a bound until half of it was taken."""

    def __len__(self) -> int:
        return len(self._items) if self._items else 0

    def put(self, item: Item, size: int) -> None:
        """`size`: about how many bytes it holds."""
        if self._items is None:
            self._items = deque()
        self._items.append((item, size))
        self._bytes += size
        self.is_full = self.is_full or self._bytes >= MAX_BYTES or len(self._items) >= MAX_MESSAGES

    def take(self) -> Item:
        """The oldest item. Raises IndexError when there is none."""
        if not self._items:
            raise IndexError("nothing waits")
        item, size = self._items.popleft()
        self._bytes -= size
        if self._bytes <= MAX_BYTES // 2 and len(self._items) <= MAX_MESSAGES // 2:
            self.is_full = False
        return item

    def clear(self) -> None:
        """Drop what waits; it may go on."""
        self._items = None
        self._bytes = 0
        self.is_full = False


def message_of(event: PeerEvent) -> Message | None:  # noqa: PLR0911  # one case for each event that tells of a message
    """The message that an event tells of; None where there is none to show."""
    match event:
        case events.HeadersReceived():
            return None if event.fenced else event.headers
        case events.BlockReceived():
            return event.block
        case events.BlocksNotFound():
            return m.NotFound(tuple(m.InvEntry(m.InvType.BLOCK, request.hash) for request in event.requests))
        case events.AddressesReceived():
            return m.Addr(event.addresses)
        case events.TransactionReceived():
            return event.transaction or m.NotFound((m.InvEntry(m.InvType.TX, event.txid),))
        case events.InvReceived():
            return m.Inv(event.entries)
        case events.MessageReceived():
            return event.message
        case _:
            return None


def size_of(message: Message | PeerDisconnected) -> int:
    """About how much memory a received message holds, in bytes."""
    held = _HELD.get(type(message))
    return 200 + held(message) if held else 5_000  # a locator of 101 hashes at most


def _held_by(transactions: Iterable[m.Tx]) -> int:
    return sum(300 + len(transaction.raw) for transaction in transactions)


# Every message that a remote can make larger than those few kilobytes.
_HELD: Final[Mapping[type, Callable[[Any], int]]] = {
    **dict.fromkeys((m.Headers, m.Block, m.Tx), lambda message: len(message.raw)),
    **dict.fromkeys((m.Inv, m.GetData, m.NotFound), lambda message: 150 * len(message.entries)),
    m.Addr: lambda addr: 300 * len(addr.addresses),
    m.AddrV2: lambda addr: sum(500 + len(entry.data) for entry in addr.entries),
    m.CmpctBlock: lambda block: (
        50 * len(block.short_ids) + 100 * len(block.prefilled) + _held_by(item.transaction for item in block.prefilled)
    ),
    m.GetBlockTxn: lambda request: 50 * len(request.indexes),
    m.BlockTxn: lambda answer: _held_by(answer.transactions),
    m.FilterLoad: lambda load: len(load.data),
    m.MerkleBlock: lambda block: 80 * len(block.hashes) + len(block.flags),
    m.CFilter: lambda answer: len(answer.filter),
    m.CFHeaders: lambda answer: 80 * len(answer.filter_hashes),
    m.CFCheckpt: lambda answer: 80 * len(answer.filter_headers),
    m.Reject: lambda reject: len(reject.reason) + len(reject.data),
    **dict.fromkeys((m.Alert, m.Unknown), lambda message: len(message.payload)),
}
