"""Everything that headway raises, in one tree; the consequence for the remote stands on the class.

HeadwayError
├── RemoteProtocolError      the remote broke a rule
│   ├── CodecError           bytes that are no message
│   │   └── OversizedMessage a list longer than the protocol allows: no honest peer sends it
│   ├── UnexpectedMessage    a message at the wrong moment
│   ├── HandshakeRejected    not the peer that we want: obsolete, services missing, other network
│   │   └── SelfConnection   we have dialled ourselves
│   ├── UnwantedChain        a chain that we do not follow: too little work, or not the same one twice
│   ├── InvalidHeader        a header breaks a rule of its chain
│   │   ├── FutureHeader     too far ahead of our clock: retried later, nobody is blamed
│   │   └── CondemnedHeader  of a chain that our own rules found invalid: the peer follows others
│   ├── InvalidBlock         a block breaks a rule, whatever copy one holds
│   ├── MutatedBlock         these bytes are not the block that was asked for
│   └── InvalidCompactBlock  a compact block, or what belongs to one, that cannot be
├── LocalProtocolError       the caller used a machine wrongly
├── RequestFailed            a request will not be answered
│   ├── RequestTimeout       not in time
│   ├── PeerGone             its peer has gone
│   └── ProxyFailed          the proxy does not do its work: no fault of the peer behind it
├── ExpectationFailed        a peer under test did not do what a test expected; an AssertionError, too
├── StoreError               the data directory: locked, damaged, of another network, of a newer format
└── ConfigError              an option or a file of the user is wrong
"""

from __future__ import annotations

from enum import Enum, auto
from typing import ClassVar

from headway.types import BlockId


class Consequence(Enum):
    """What follows for a remote that caused an error."""

    NOTHING = auto()
    """Not its fault."""
    DISCONNECT = auto()
    """This connection ends; the address may be tried again after a backoff."""
    DISCOURAGE = auto()
    """This connection ends and its address is not chosen again for a day."""


class HeadwayError(Exception):
    """Root of the tree: catch this to catch everything that headway raises by intent."""


class RemoteProtocolError(HeadwayError):
    """The remote broke a rule. `peer` names it (host:port) when it is known."""

    consequence: ClassVar[Consequence] = Consequence.DISCONNECT

    def __init__(self, message: str, *, peer: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.peer = peer

    def __str__(self) -> str:
        return f"{self.message} (peer {self.peer})" if self.peer else self.message


class CodecError(RemoteProtocolError):
    """Bytes that are no message: wrong magic, too long, a count out of bounds, an encoding that is not canonical."""


class OversizedMessage(CodecError):
    """More headers, inventory or addresses in a message than the protocol allows (Core: Misbehaving)."""

    consequence = Consequence.DISCOURAGE


class UnexpectedMessage(RemoteProtocolError):
    """A well-formed message that is not allowed in this state."""


class HandshakeRejected(RemoteProtocolError):
    """The handshake ended: our own connection, obsolete version, missing services, another network, closed early."""


class SelfConnection(HandshakeRejected):
    """Their version came with a nonce of ours: we have dialled ourselves. `nonce` tells by which dial."""

    def __init__(self, nonce: int, *, peer: str = "") -> None:
        super().__init__("self-connection", peer=peer)
        self.nonce = nonce


class UnwantedChain(RemoteProtocolError):
    """A chain that we do not follow, although no header of it breaks a rule: it has too little work for its network, or
    the peer sent another one the second time than the first."""


class _RuleBroken(RemoteProtocolError):
    """A header or block against the rules of its chain.

    `rule` is a short stable name (Bitcoin Core's reject reason where it has one), `block` the id of the offender.
    """

    def __init__(self, rule: str, block: BlockId, detail: str = "", *, peer: str = "") -> None:
        super().__init__(f"{self._noun} {block}: {rule}" + (f" ({detail})" if detail else ""), peer=peer)
        self.rule = rule
        self.block = block
        self.detail = detail

    _noun: ClassVar[str] = "block"


class InvalidHeader(_RuleBroken):
    consequence = Consequence.DISCOURAGE
    _noun = "header"


class FutureHeader(InvalidHeader):
    consequence = Consequence.NOTHING


class CondemnedHeader(InvalidHeader):
    """A header of a chain that holds a block which our own rules found invalid. The peer may be honest and follow other
    rules; when all peers do, it may be we who are wrong. So its address is not put aside for a day."""

    consequence = Consequence.DISCONNECT


class InvalidBlock(_RuleBroken):
    consequence = Consequence.DISCOURAGE


class MutatedBlock(_RuleBroken):
    consequence = Consequence.DISCOURAGE


class InvalidCompactBlock(RemoteProtocolError):
    """A compact block, or what belongs to one, that cannot be (BIP152)."""

    consequence = Consequence.DISCOURAGE


class LocalProtocolError(HeadwayError):
    """The caller's own mistake: a request on a closed peer, a hash where a height is needed, a value out of range."""


class RequestFailed(HeadwayError):
    """A request that will not be answered."""


class RequestTimeout(RequestFailed):
    """The remote did not answer in time; its connection has ended or is ending."""


class PeerGone(RequestFailed):
    """The peer went before it answered; the message says why it went."""


class ProxyFailed(RequestFailed):
    """The proxy on the way cannot be reached, or does not do its work. Nothing is known of the peer behind it."""


class ExpectationFailed(HeadwayError, AssertionError):
    """A peer under test did not do what a test expected (`headway.testing`). The message says what it did instead."""


class StoreError(HeadwayError):
    """The data directory cannot be used; the message says what to do."""


class ConfigError(HeadwayError):
    """An option, a file or an environment variable of the user is wrong."""
