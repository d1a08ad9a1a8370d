"""What a peer machine reports: facts in the past tense, a closed union.

Every field is what happened at this peer alone; whoever needs to know which peer it was knows whose `events_received`
it read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from headway.errors import RemoteProtocolError
from headway.types import Address, BlockRequest, Hash, Height
from headway.wire.messages import Block, Headers, InvEntry, Message, Tx, Version


class PeerState(Enum):
    """One connection's life, in this order. `since` of the machine says when the present state began."""

    CONNECTING = auto()
    HANDSHAKING = auto()
    READY = auto()
    CLOSING = auto()
    """We decided to end it: queued bytes may still drain, nothing is read any more."""
    CLOSED = auto()


class RequestKind(Enum):
    """At most one outstanding request of each kind a peer; a second of the same kind queues."""

    HEADERS = auto()
    BLOCKS = auto()
    ADDRESSES = auto()
    TRANSACTION = auto()
    PING = auto()


class Reason(Enum):
    """Why a connection ended: a closed list, for statistics. `PeerDisconnected` has the words for people beside it."""

    REQUESTED = auto()
    """Our owner asked for it."""
    REMOTE_CLOSED = auto()
    CONNECT_FAILED = auto()
    PROXY_FAILED = auto()
    """The proxy on the way is dead, or does not do its work: nothing is known of the remote."""
    CONNECTION_LOST = auto()
    HANDSHAKE_TIMEOUT = auto()
    HANDSHAKE_REJECTED = auto()
    IDLE = auto()
    PING_TIMEOUT = auto()
    STALLED = auto()
    """A request that had to be answered was not, in time."""
    PROTOCOL = auto()
    """Bytes or messages against the protocol."""
    MISBEHAVED = auto()
    """Invalid headers or blocks: its address is discouraged."""
    REFUSED = auto()
    """It asked for what it cannot have of us: more history than we give away, or what we do not keep."""
    NOT_READING = auto()
    """It reads nothing while we owe it more than `Limits.max_unread`."""
    CALLBACK_FAILED = auto()
    """A callback of ours raised."""


@dataclass(frozen=True, slots=True)
class HandshakeCompleted:
    version: Version
    """The remote's version message."""


@dataclass(frozen=True, slots=True)
class HeadersReceived:
    headers: Headers
    """Unchecked. Empty: the remote has nothing after our locator."""
    request: int | None
    """Id of the headers request that this settles; None for an announcement or a late answer."""
    fenced: bool = False
    """True: no `headers` came; the pong behind the request came first, or silence was the answer. There is nothing
    more, and nobody is blamed."""


@dataclass(frozen=True, slots=True)
class BlockReceived:
    block: Block
    request: BlockRequest | None
    """The entry of our batch that this block answers; None for a block that nobody asked for (or no longer)."""


@dataclass(frozen=True, slots=True)
class BlocksNotFound:
    """The remote said notfound for blocks of our batch; they are no longer in flight here."""

    requests: tuple[BlockRequest, ...]


@dataclass(frozen=True, slots=True)
class BatchFinished:
    """A block batch has nothing left in flight: all received, not found, or finished by the requester."""

    request: int


@dataclass(frozen=True, slots=True)
class AddressesReceived:
    addresses: tuple[Address, ...]
    request: int | None


@dataclass(frozen=True, slots=True)
class TransactionReceived:
    transaction: Tx | None
    """None: the remote said notfound."""
    txid: Hash
    request: int | None


@dataclass(frozen=True, slots=True)
class PongReceived:
    round_trip: float
    """Seconds."""
    request: int | None
    """Id when the owner asked for this ping; None for a keepalive."""


@dataclass(frozen=True, slots=True)
class HeightStated:
    """A ping or pong said that the remote is higher than it said before. Proves nothing. (Neo; Bitcoin's say none.)"""

    height: Height


@dataclass(frozen=True, slots=True)
class InvReceived:
    entries: tuple[InvEntry, ...]


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """Any other message once READY (getheaders, getdata, getaddr, feefilter, Unknown ...), for the owner to answer."""

    message: Message


@dataclass(frozen=True, slots=True)
class RequestTimedOut:
    request: int
    kind: RequestKind
    ends_peer: bool
    """True: the remote had to answer, so its connection is ending (a `PeerDisconnected` follows). False: silence was
    lawful, or a pong without a nonce cancelled the ping (Core ProcessPong)."""


@dataclass(frozen=True, slots=True)
class PeerMisbehaved:
    """The remote broke the protocol; a `PeerDisconnected` follows. What comes of it stands on `error.consequence`."""

    error: RemoteProtocolError


@dataclass(frozen=True, slots=True)
class PeerDisconnected:
    """The last event of every machine. What was in flight has failed with it."""

    reason: Reason
    message: str
    """For people; text of the remote in it is already made harmless."""


PeerEvent: TypeAlias = (
    HandshakeCompleted
    | HeadersReceived
    | BlockReceived
    | BlocksNotFound
    | BatchFinished
    | AddressesReceived
    | TransactionReceived
    | PongReceived
    | HeightStated
    | InvReceived
    | MessageReceived
    | RequestTimedOut
    | PeerMisbehaved
    | PeerDisconnected
)
