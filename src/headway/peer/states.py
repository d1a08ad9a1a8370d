"""The state machine of one connection as data: which step leads where, and which message is legal when.

`peer.machine` works from these tables and has no other opinion: a step that is not in `TRANSITIONS` is an assertion,
and each message has the fate that `LEGALITY` gives it. docs/design/peer-states.md is drawn from them.
Not here: what a handshake or a request does with a message that is legal (`handshake`, `exchange`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from headway.errors import HandshakeRejected, RemoteProtocolError, UnexpectedMessage
from headway.network import OnDuplicate
from headway.peer.events import PeerState
from headway.types import printable
from headway.wire import messages as m

if TYPE_CHECKING:
    from headway.network import HandshakePolicy


class Step(Enum):
    """What moves a connection from one state to the next; the value says which inputs cause it."""

    CONNECTED = "the driver has connected"
    SHAKEN = "their verack comes"
    LEFT = "we leave, and bytes of ours are queued"
    ENDED = "the connection is lost, the remote is at fault or out of time, or we leave and nothing is queued"
    DRAINED = "nothing is queued any more, the time to close is over, or the connection is lost"


TRANSITIONS: Final[Mapping[tuple[PeerState, Step], PeerState]] = {
    (PeerState.CONNECTING, Step.CONNECTED): PeerState.HANDSHAKING,
    (PeerState.CONNECTING, Step.ENDED): PeerState.CLOSED,
    (PeerState.HANDSHAKING, Step.SHAKEN): PeerState.READY,
    (PeerState.HANDSHAKING, Step.LEFT): PeerState.CLOSING,
    (PeerState.HANDSHAKING, Step.ENDED): PeerState.CLOSED,
    (PeerState.READY, Step.LEFT): PeerState.CLOSING,
    (PeerState.READY, Step.ENDED): PeerState.CLOSED,
    (PeerState.CLOSING, Step.DRAINED): PeerState.CLOSED,
}
"""Where a step leads from a state. What is not here cannot happen."""


class Fate(Enum):
    """What becomes of a message; the value says it to people."""

    HANDSHAKE = "part of the handshake"
    EXCHANGE = "legal"
    EARLY = "ignored, or ends the peer: `ignores_early_messages`"
    DUPLICATE = "ignored, or ends the peer: `on_duplicate`"
    LATE = "ends the peer"


class Legality(NamedTuple):
    """The fate of one class of message at each moment at which messages are read.

    Before the connection there are none, and in CLOSING and CLOSED nothing is read.
    """

    before_version: Fate
    """HANDSHAKING, and their version has not come."""
    before_verack: Fate
    """HANDSHAKING, and their version was accepted."""
    ready: Fate


class Kind(Enum):
    """The classes of messages that the state of a connection tells apart; the value names them to people."""

    VERSION = "version"
    VERACK = "verack"
    NEGOTIATION = "negotiation"
    """What the network's policy calls so (`is_negotiation`)."""
    OTHER = "any other"


LEGALITY: Final[Mapping[Kind, Legality]] = {
    Kind.VERSION: Legality(Fate.HANDSHAKE, Fate.DUPLICATE, Fate.DUPLICATE),
    Kind.VERACK: Legality(Fate.EARLY, Fate.HANDSHAKE, Fate.DUPLICATE),
    Kind.NEGOTIATION: Legality(Fate.EARLY, Fate.HANDSHAKE, Fate.LATE),
    Kind.OTHER: Legality(Fate.EARLY, Fate.EARLY, Fate.EXCHANGE),
}

_OF_TYPE: Final[Mapping[type[m.Message], Legality]] = {
    m.Version: LEGALITY[Kind.VERSION],
    m.Verack: LEGALITY[Kind.VERACK],
    **dict.fromkeys(
        (m.Ping, m.Pong, m.Headers, m.Block, m.Tx, m.NotFound, m.Addr, m.AddrV2, m.Inv), LEGALITY[Kind.OTHER]
    ),
}
"""Types of which every chain says the same. One look-up a message: floods of small ones pass here."""


def legality(message: m.Message, policy: HandshakePolicy) -> Legality:
    """The row of `LEGALITY` that governs a message."""
    found = _OF_TYPE.get(type(message))
    if found is None:
        return LEGALITY[Kind.NEGOTIATION if policy.is_negotiation(message) else Kind.OTHER]
    return found


def objection(fate: Fate, message: m.Message, policy: HandshakePolicy, awaited: str) -> RemoteProtocolError | None:
    """Why a message that is not legal now ends the peer; None: it is ignored. `awaited`: the command that was due."""
    if fate is Fate.EARLY and not policy.ignores_early_messages:
        return HandshakeRejected(f"{printable(message.command, 32)} where a {awaited} belongs")
    if fate is Fate.DUPLICATE and policy.on_duplicate is OnDuplicate.DISCONNECT:
        return UnexpectedMessage(f"second {message.command}")
    if fate is Fate.LATE:
        return UnexpectedMessage(f"{printable(message.command, 32)} after the handshake")
    return None
