"""The handshake of one connection: whose version, whose verack, and what may be said in between.

Order as in BITCOIN.md 1.2 and the Neo document; where chains differ, `network.handshake` decides. It sends by returning
messages. Not here: the deadline and the disconnect (`peer.machine`), what makes a peer acceptable (the policy).
Called by `peer.machine` only; dropped once complete.

# Security
Nothing but a version leaves before theirs has come and pleased us, nothing but negotiation and verack before their
verack: whoever cannot shake hands learns nothing else. A wrong first message never completes a handshake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.errors import HandshakeRejected, UnexpectedMessage
from headway.network import OnDuplicate
from headway.types import printable
from headway.wire.messages import Message, Verack, Version

if TYPE_CHECKING:
    from headway.peer.config import PeerConfig
    from headway.types import Address


def our_version(config: PeerConfig, nonce: int, remote: Address, wall_time: float) -> Version:
    """Who we are on this connection, as the network's codec will dress it."""
    protocol = config.protocol_version
    return Version(
        protocol=config.network.codec.protocol_version if protocol is None else protocol,
        services=config.services,
        wall_time=int(wall_time),
        nonce=nonce,
        user_agent=config.user_agent,
        start_height=config.start_height(),
        relay=config.relay,
        port=config.port,
        remote=remote,
    )


class Handshake:
    """One handshake, from the connection to both veracks."""

    __slots__ = ("_config", "_ours", "_ours_sent", "complete", "inbound", "negotiated", "theirs")

    def __init__(self, config: PeerConfig, ours: Version, *, inbound: bool) -> None:
        self._config = config
        self._ours = ours
        self._ours_sent = False
        self.inbound = inbound
        self.theirs: Version | None = None
        """Their version, once it was accepted."""
        self.negotiated: frozenset[str] = frozenset()
        """Commands of the negotiation messages that they sent; the policy decides which these can be."""
        self.complete = False

    @property
    def awaited(self) -> str:
        """The command that we are waiting for."""
        return "version" if self.theirs is None else "verack"

    def open(self) -> list[Message]:
        """What to send at once."""
        if not self._config.network.handshake.speaks_first(inbound=self.inbound):
            return []
        self._ours_sent = True
        return [self._ours]

    def receive(self, message: Message) -> list[Message]:
        """Take a message and return the replies. Raises HandshakeRejected or UnexpectedMessage when it must end."""
        if isinstance(message, Version):
            return self._receive_version(message)
        if self.theirs is None:
            return self.receive_early(message)
        if isinstance(message, Verack):
            self.complete = True
            return list(self._config.network.handshake.after_verack(self.theirs))
        if self._config.network.handshake.is_negotiation(message):
            self.negotiated |= {message.command}
            return []
        return self.receive_early(message)

    def receive_early(self, message: Message) -> list[Message]:
        """A message whose time has not come: ignored until the timeout (Core), or the end (Neo)."""
        if not self._config.network.handshake.ignores_early_messages:
            raise HandshakeRejected(f"{printable(message.command, 32)} where a {self.awaited} belongs")
        return []

    def _receive_version(self, theirs: Version) -> list[Message]:
        policy = self._config.network.handshake
        if self.theirs is not None:
            if policy.on_duplicate is OnDuplicate.DISCONNECT:
                raise UnexpectedMessage("second version")
            return []
        if self.inbound and self._config.is_own_nonce(theirs.nonce):
            raise HandshakeRejected("self-connection")
        policy.check(self._ours, theirs, required_services=self._config.required_services)
        self.theirs = theirs
        replies: list[Message] = [] if self._ours_sent else [self._ours]
        self._ours_sent = True
        replies.extend(policy.before_verack(theirs))
        replies.append(Verack())
        return replies
