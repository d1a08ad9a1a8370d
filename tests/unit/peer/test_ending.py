"""Why a peer went, as an error."""

from __future__ import annotations

import pytest

from headway.errors import CodecError, HandshakeRejected, PeerGone, RequestTimeout
from headway.peer.ending import why_gone, why_no_handshake
from headway.peer.events import PeerDisconnected, Reason
from headway.types import Address

ADDRESS = Address("192.0.2.7", 4444)


def test_peer_that_went_is_named_with_its_reason_and_its_fault() -> None:
    fault = CodecError("wrong magic")
    error = why_gone(ADDRESS, PeerDisconnected(Reason.PROTOCOL, "it spoke Klingon"), fault)
    assert str(error) == "peer 192.0.2.7:4444 has gone: it spoke Klingon"
    assert error.__cause__ is fault


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (Reason.REQUESTED, PeerGone),
        (Reason.HANDSHAKE_TIMEOUT, RequestTimeout),
        (Reason.HANDSHAKE_REJECTED, HandshakeRejected),
        (Reason.REMOTE_CLOSED, HandshakeRejected),
        (Reason.PROTOCOL, HandshakeRejected),
    ],
)
def test_handshake_that_failed_tells_whose_doing_it_was(reason: Reason, error: type[Exception]) -> None:
    found = why_no_handshake(ADDRESS, PeerDisconnected(reason, "the words"), None)
    assert type(found) is error
    assert "the words" in str(found)
    assert "192.0.2.7:4444" in str(found)
