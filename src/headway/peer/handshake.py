"""The handshake of one connection: whose version, whose verack, and what may be said in between.

Order as in BITCOIN.md 1.2 and the Neo document; where chains differ, `network.handshake` decides. It sends by returning
messages. Not here: which message is part of it when (`peer.states`), the deadline and the disconnect (`peer.machine`),
what makes a peer acceptable (the policy).
Called by `peer.machine` only; dropped once complete.

# Security
Nothing but a version leaves before theirs has come and pleased us, nothing but negotiation and verack before their
verack: whoever cannot shake hands learns nothing else. A wrong first message never completes a handshake.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from headway.errors import SelfConnection
from headway.wire.messages import Message, Verack, Version

if TYPE_CHECKING:
    from headway.peer.config import PeerConfig
    from headway.types import Address

MAX_SHARED: Final = 64
"""Sets of negotiation commands kept for all connections: more than the subsets of the four that Bitcoin has."""


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
        self.negotiated = _shared(frozenset())
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
        """Take a message that is part of the handshake now (`peer.states`) and return the replies.

        Raises HandshakeRejected for a version that we do not want.
        """
        if isinstance(message, Version):
            return self._receive_version(message)
        assert self.theirs is not None, "before their version nothing else is part of the handshake"
        if isinstance(message, Verack):
            self.complete = True
            policy = self._config.network.handshake
            ours = [Verack()] if policy.awaits_verack(self.theirs) else []
            return [*ours, *policy.after_verack(self.theirs)]
        self.negotiated = _shared(self.negotiated | {message.command})
        return []

    def _receive_version(self, theirs: Version) -> list[Message]:
        policy = self._config.network.handshake
        if self._is_ours(theirs.nonce):
            raise SelfConnection(theirs.nonce)
        policy.check(self._ours, theirs, required_services=self._config.required_services)
        self.theirs = theirs
        replies: list[Message] = [] if self._ours_sent else [self._ours]
        self._ours_sent = True
        replies.extend(policy.before_verack(theirs))
        if not policy.awaits_verack(theirs):
            replies.append(Verack())
        return replies

    def _is_ours(self, nonce: int) -> bool:
        """That of a dial of ours, or the very one that we say here: a mirror, or ourselves with a configured nonce."""
        is_reflected = nonce == self._ours.nonce and nonce != 0  # zero: who says it has none
        return is_reflected or (self.inbound and self._config.is_own_nonce(nonce))


@lru_cache(MAX_SHARED)
def _shared(commands: frozenset[str]) -> frozenset[str]:
    """The one copy of such a set: thousands of idle peers have negotiated the same."""
    return commands
