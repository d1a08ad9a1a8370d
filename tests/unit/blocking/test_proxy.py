"""The handshake over a real socket. What it says and takes is told in `ways/test_socks5.py`."""

from __future__ import annotations

import time

import pytest

from headway.blocking.proxy import greeting, shake
from headway.errors import ProxyFailed
from headway.types import Address
from tests.farend import FarEnd, socket_pair

PROXY = Address("127.0.0.1", 9050)
TARGET = Address("peer.example", 8333)


def test_socket_is_the_peers_after_the_handshake() -> None:
    ours, theirs = socket_pair()
    with ours, theirs:
        theirs.sendall(b"\x05\x00\x05\x00\x00\x01" + bytes(6) + b"what the peer says")
        shake(ours, greeting(PROXY, TARGET))
        assert ours.recv(100) == b"what the peer says"
        assert theirs.recv(100).startswith(b"\x05\x02\x00\x02")


def test_socket_is_closed_when_the_handshake_fails() -> None:
    ours, theirs = socket_pair()
    with theirs:
        theirs.sendall(b"no")
        with pytest.raises(ProxyFailed, match="speaks no SOCKS5"):
            shake(ours, greeting(PROXY, TARGET))
        assert ours.fileno() == -1


def test_reset_is_told_in_the_systems_words() -> None:
    ours, theirs = socket_pair()
    FarEnd(theirs).reset()
    with pytest.raises(ProxyFailed, match=r"broke off: (connection reset by peer|broken pipe)"):
        shake(ours, greeting(PROXY, TARGET))
    assert ours.fileno() == -1


@pytest.mark.parametrize("seconds", [-1.0, 0.02])
def test_silence_ends_with_the_time(seconds: float) -> None:
    ours, theirs = socket_pair()
    with theirs, pytest.raises(TimeoutError):
        shake(ours, greeting(PROXY, TARGET), time.monotonic() + seconds)
    assert ours.fileno() == -1


def test_no_two_greetings_have_the_same_login() -> None:
    logins = {greeting(PROXY, TARGET)._login for _ in range(16)}
    assert len(logins) == 16
