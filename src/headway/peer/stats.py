"""What one connection did, in numbers: traffic by command, round trips, requests, blocks, and why it ended.

Facts only: nothing is judged here, nothing is kept for each message but the last of what a remote states of itself.
Commands that the codec does not know share one entry, so a remote cannot make the tables grow. Filled by
`peer.machine`, read by owners, `observe` and the CLI.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headway.types import UNKNOWN_HEIGHT
from headway.wire.messages import Addr, AddrV2, FeeFilter, Message, Ping, Pong, SendCmpct, Unknown, Version

if TYPE_CHECKING:
    from headway.peer.events import Reason, RequestKind
    from headway.types import Instant

OTHER: Final = "*other*"
"""The entry of all commands that the codec does not know (the name that Core's getpeerinfo uses)."""
MAX_MONEY: Final = 21_000_000 * 100_000_000
"""Satoshis; a higher feefilter means nothing [MAX_MONEY]."""


@dataclass(slots=True)
class CommandStats:
    """One command in one direction."""

    messages: int = 0
    bytes: int = 0
    """On the wire, frame headers included."""
    last_at: Instant = 0.0


@dataclass(slots=True)
class RequestStats:
    """One kind of request. Asked is the sum of the others and of the one that is outstanding."""

    asked: int = 0
    settled: int = 0
    expired: int = 0
    cancelled: int = 0
    """By us, or ended with the connection."""
    quickest: float | None = None
    """Seconds, of those that were settled."""

    def note_settled(self, seconds: float) -> None:
        """One was settled so long after it was asked."""
        self.settled += 1
        seconds = max(seconds, 0.0)  # rounding may make it less than nothing
        self.quickest = seconds if self.quickest is None else min(self.quickest, seconds)


@dataclass(slots=True)
class RoundTrips:
    """Pings that were answered, in seconds."""

    count: int = 0
    total: float = 0.0
    last: float | None = None
    least: float | None = None

    def add(self, seconds: float) -> None:
        self.count += 1
        self.total += seconds
        self.last = seconds
        self.least = seconds if self.least is None else min(self.least, seconds)

    @property
    def average(self) -> float | None:
        return self.total / self.count if self.count else None


_NO_ROUND_TRIPS: Final = RoundTrips()
_NO_REQUESTS: Final[Mapping[RequestKind, RequestStats]] = {}
"""Never written, as the one above: for all peers that have not got so far, and an idle one is to be small."""


class PeerStats:
    """One connection. Instants are the driver's; 0.0 where the thing has not happened."""

    __slots__ = (
        "addresses",
        "addresses_ignored",
        "block_bytes",
        "blocks",
        "bytes_received",
        "bytes_sent",
        "bytes_whole",
        "connected_at",
        "download_seconds",
        "dropped_frames",
        "ended",
        "fee_filter",
        "height",
        "is_compact_from",
        "is_compact_to",
        "last_receive_at",
        "last_send_at",
        "message",
        "received",
        "requests",
        "round_trips",
        "sent",
    )

    def __init__(self) -> None:
        self.connected_at: Instant = 0.0
        self.bytes_sent = 0
        self.bytes_received = 0
        self.bytes_whole = 0
        """Of those received, in frames that are complete."""
        self.last_send_at: Instant = 0.0
        self.last_receive_at: Instant = 0.0
        self.sent: dict[str, CommandStats] = {}
        self.received: dict[str, CommandStats] = {}
        self.dropped_frames = 0
        """Frames with a wrong checksum or a command that is no text; their connection goes on."""
        self.round_trips = _NO_ROUND_TRIPS
        self.requests: Mapping[RequestKind, RequestStats] = _NO_REQUESTS
        self.blocks = 0
        """Blocks that we asked for and got."""
        self.block_bytes = 0
        self.download_seconds = 0.0
        """Time in which a block batch was out, up to its last block."""
        self.height = UNKNOWN_HEIGHT
        """The last that the remote stated, in its version or where its chain says it in pings; proves nothing."""
        self.addresses = 0
        """Received in all."""
        self.addresses_ignored = 0
        """Of them, by the owner, because they came too fast."""
        self.fee_filter = 0
        """Satoshis for 1,000 vbytes below which the remote wants to hear of no transaction (BIP133)."""
        self.is_compact_from = False
        """The remote wants new blocks from us as compact blocks, unasked (BIP152 high bandwidth)."""
        self.is_compact_to = False
        """We want that of the remote."""
        self.ended: Reason | None = None
        self.message = ""
        """For people: why it ended."""

    @property
    def blocks_per_second(self) -> float | None:
        """While a batch was out; None before the first block."""
        return self.blocks / self.download_seconds if self.download_seconds else None

    @property
    def is_mid_frame(self) -> bool:
        """A frame has begun to come, and has not ended."""
        return self.bytes_received > self.bytes_whole

    def of(self, kind: RequestKind) -> RequestStats:
        """The counters of one kind of request."""
        if kind not in self.requests:
            self.requests = {**self.requests, kind: RequestStats()}
        return self.requests[kind]

    def note_round_trip(self, seconds: float) -> None:
        """A ping of ours was answered."""
        if self.round_trips is _NO_ROUND_TRIPS:
            self.round_trips = RoundTrips()
        self.round_trips.add(seconds)

    def note_bytes(self, count: int, now: Instant) -> None:
        """Bytes came, whatever they mean."""
        self.bytes_received += count
        self.last_receive_at = now

    def note_received(self, message: Message, size: int, now: Instant) -> None:
        _note(self.received, message, size, now)
        if (note_fact := _FACTS.get(type(message))) is not None:
            note_fact(self, message)

    def note_sent(self, message: Message, size: int, now: Instant) -> None:
        self.bytes_sent += size
        self.last_send_at = now
        _note(self.sent, message, size, now)
        if isinstance(message, SendCmpct):
            self.is_compact_to = message.announce

    def note_block(self, size: int, seconds: float) -> None:
        """A block that we asked for, `seconds` after the one before it (or after the question)."""
        self.blocks += 1
        self.block_bytes += size
        self.download_seconds += seconds


def _note(table: dict[str, CommandStats], message: Message, size: int, now: Instant) -> None:
    command = OTHER if isinstance(message, Unknown) else message.command
    entry = table.get(command)
    if entry is None:
        entry = table[command] = CommandStats()
    entry.messages += 1
    entry.bytes += size
    entry.last_at = now


def _note_version(stats: PeerStats, version: Version) -> None:
    stats.height = version.start_height


def _note_height(stats: PeerStats, message: Ping | Pong) -> None:
    if message.height:  # 0 where the chain has no such field
        stats.height = message.height


def _note_addresses(stats: PeerStats, message: Addr | AddrV2) -> None:
    stats.addresses += len(message.addresses)


def _note_fee_filter(stats: PeerStats, message: FeeFilter) -> None:
    if 0 <= message.fee_rate <= MAX_MONEY:
        stats.fee_filter = message.fee_rate


def _note_compact(stats: PeerStats, message: SendCmpct) -> None:
    stats.is_compact_from = message.announce


_FACTS: Final[dict[type[Message], Callable[[PeerStats, Any], None]]] = {
    Version: _note_version,
    Ping: _note_height,
    Pong: _note_height,
    Addr: _note_addresses,
    AddrV2: _note_addresses,
    FeeFilter: _note_fee_filter,
    SendCmpct: _note_compact,
}
"""Messages by which a remote says something of itself."""
