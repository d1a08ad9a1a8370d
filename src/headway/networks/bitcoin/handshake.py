"""Bitcoin's handshake policy: whom we accept, and what is said between version and verack.

Facts only, no state: the order of the steps and their timeouts are the peer machine's, which calls this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headway.errors import HandshakeRejected
from headway.network import OnDuplicate
from headway.types import Services
from headway.wire.messages import (
    Feature,
    Message,
    SendAddrV2,
    SendCmpct,
    SendHeaders,
    SendTxRcncl,
    Version,
    WtxidRelay,
)

MIN_PEER_VERSION: Final = 31800
"""Protocol version that first had getheaders [MIN_PEER_PROTO_VERSION]."""
NEGOTIATION_VERSION: Final = 70016
"""From here on peers know wtxidrelay (BIP339), and Core sends sendaddrv2 (BIP155) [WTXID_RELAY_VERSION]."""
LIMITED_BLOCKS: Final = 288 - 2
"""Newest blocks that a limited node is asked for: two less than it promises, for the blocks that may come meanwhile
[NODE_NETWORK_LIMITED_MIN_BLOCKS, FindNextBlocks]."""
SENDHEADERS_VERSION: Final = 70012
"""Protocol version that knows sendheaders [SENDHEADERS_VERSION]."""
SHORT_IDS_VERSION: Final = 70014
"""Protocol version that knows compact blocks [SHORT_IDS_BLOCKS_VERSION]."""


class BitcoinHandshake:
    """As Core: duplicates and early messages are ignored, late negotiation disconnects."""

    on_duplicate: OnDuplicate = OnDuplicate.IGNORE
    ignores_early_messages: bool = True

    def speaks_first(self, *, inbound: bool) -> bool:
        return not inbound

    def awaits_verack(self, theirs: Version) -> bool:
        del theirs
        return False

    def check(self, ours: Version, theirs: Version, *, required_services: int) -> None:
        """Raises HandshakeRejected for an obsolete peer, or one without a required service."""
        del ours  # a connection to ourselves is seen by its nonce, which the peer machine knows
        if theirs.protocol < MIN_PEER_VERSION:
            raise HandshakeRejected(f"obsolete protocol version {theirs.protocol}, at least {MIN_PEER_VERSION}")
        missing = required_services & ~theirs.services
        if missing:
            raise HandshakeRejected(f"services missing: {_service_names(missing)}")

    def keeps(self, theirs: Version) -> int | None:
        """A limited node (BIP159) has the newest ones alone."""
        is_limited = theirs.services & Services.NETWORK_LIMITED and not theirs.services & Services.NETWORK
        return LIMITED_BLOCKS if is_limited else None

    def before_verack(self, theirs: Version) -> Sequence[Message]:
        return (WtxidRelay(), SendAddrV2()) if theirs.protocol >= NEGOTIATION_VERSION else ()

    def after_verack(self, theirs: Version) -> Sequence[Message]:
        """sendheaders (BIP130), and sendcmpct (BIP152), in the version that names transactions with their witness: so
        we give blocks to who asks for them. To us they are to be announced by their headers."""
        if theirs.protocol < SENDHEADERS_VERSION:
            return ()
        return (SendHeaders(), SendCmpct(announce=False, version=2))[: 1 + (theirs.protocol >= SHORT_IDS_VERSION)]

    def is_negotiation(self, message: Message) -> bool:
        """wtxidrelay, sendaddrv2, sendtxrcncl and feature: Core disconnects whoever sends them after verack."""
        return isinstance(message, WtxidRelay | SendAddrV2 | SendTxRcncl | Feature)


def _service_names(bits: int) -> str:
    """`NETWORK, WITNESS`; a bit without a name is written as its number."""
    named = [service.name or "" for service in Services if service & bits]
    unnamed = bits & ~sum(Services)
    return ", ".join(named + [f"bit {n}" for n in range(unnamed.bit_length()) if unnamed >> n & 1])
