"""Neo N3's handshake policy: whom we accept. Nothing is said between version and verack.

Facts only, no state: the order of the steps and their timeouts are the peer machine's, which calls this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from headway.errors import HandshakeRejected
from headway.network import OnDuplicate
from headway.types import Services
from headway.wire.messages import Message, Version

KNOWN_NETWORKS: Final[Mapping[int, str]] = {
    860_833_102: "neo3",
    894_710_606: "neo3-testnet",
    7_630_401: "neo2",
    1_953_787_457: "neo2-testnet",
}
"""Magic number -> network, for the words of an error. Nothing else depends on it."""


@dataclass(frozen=True, slots=True)
class Neo3Handshake:
    """Strict, as the Neo document has it."""

    magic: int
    """The network's number. Frames have none, so a version of another network gets this far."""

    @property
    def on_duplicate(self) -> OnDuplicate:
        return OnDuplicate.DISCONNECT

    @property
    def ignores_early_messages(self) -> bool:
        return False

    def speaks_first(self, *, inbound: bool) -> bool:
        """The dialler waits, as in Neo Legacy: two of us cannot wait for each other, as one is always dialled."""
        return inbound

    def awaits_verack(self, theirs: Version) -> bool:
        del theirs
        return False

    def check(self, ours: Version, theirs: Version, *, required_services: int) -> None:
        """Raises HandshakeRejected for a peer of another network, or that is no full node where that is required."""
        del ours
        if theirs.magic != self.magic:
            raise HandshakeRejected(f"wrong magic {_named(theirs.magic)}, not {_named(self.magic)}: another network")
        missing = required_services & ~theirs.services
        if missing:
            raise HandshakeRejected(f"services missing: {Services(missing).name}")

    def keeps(self, theirs: Version) -> int | None:
        """One without ArchivalNode may have dropped old ones, and does not say from where on."""
        del theirs
        return None

    def before_verack(self, theirs: Version) -> Sequence[Message]:
        del theirs
        return ()

    def after_verack(self, theirs: Version) -> Sequence[Message]:
        del theirs
        return ()

    def is_negotiation(self, message: Message) -> bool:
        del message
        return False


def _named(magic: int) -> str:
    """`860833102 (neo3)`, or the number alone."""
    name = KNOWN_NETWORKS.get(magic)
    return f"{magic} ({name})" if name else str(magic)
