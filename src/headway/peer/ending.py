"""Why a peer went, as the error that those get who wanted something of it. Called by `aio` and `blocking`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.errors import HandshakeRejected, HeadwayError, PeerGone, RequestTimeout
from headway.peer.events import PeerDisconnected, Reason

if TYPE_CHECKING:
    from headway.types import Address


def why_gone(address: Address, event: PeerDisconnected, fault: Exception | None) -> PeerGone:
    """`fault`: what the remote did, when that ended it."""
    error = PeerGone(f"peer {address} has gone: {event.message}")
    error.__cause__ = fault
    return error


def why_no_handshake(address: Address, event: PeerDisconnected, fault: Exception | None) -> HeadwayError:
    """The same for a peer that never became ready."""
    if event.reason is Reason.REQUESTED:
        return why_gone(address, event, fault)
    if event.reason is Reason.HANDSHAKE_TIMEOUT:
        return RequestTimeout(f"no handshake with {address}: {event.message}")
    return HandshakeRejected(event.message, peer=str(address))
