"""The handshake over a real socket. What it says and takes is told in `ways/test_socks5.py`."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from headway.aio.proxy import greeting, shake
from headway.errors import ProxyFailed
from headway.types import Address
from tests.loopback import on_loop, socket_pair

PROXY = Address("127.0.0.1", 9050)
TARGET = Address("peer.example", 8333)


@on_loop
async def test_socket_is_the_peers_after_the_handshake() -> None:
    ours, theirs = await socket_pair()
    with ours, theirs:
        theirs.send(b"\x05\x00\x05\x00\x00\x01" + bytes(6) + b"what the peer says")
        await shake(ours, greeting(PROXY, TARGET))
        assert await asyncio.get_running_loop().sock_recv(ours, 100) == b"what the peer says"
        theirs.setblocking(False)
        assert theirs.recv(100) == b"\x05\x02\x00\x02\x05\x01\x00\x03\x0cpeer.example\x20\x8d"


@on_loop
async def test_socket_is_closed_when_the_handshake_fails() -> None:
    ours, theirs = await socket_pair()
    with theirs:
        theirs.send(b"no")
        with pytest.raises(ProxyFailed, match="speaks no SOCKS5"):
            await shake(ours, greeting(PROXY, TARGET))
        assert ours.fileno() == -1


@on_loop
async def test_reset_is_told_in_the_systems_words() -> None:
    ours, theirs = await socket_pair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()
    with pytest.raises(ProxyFailed, match=r"broke off: (connection reset by peer|broken pipe)"):
        await shake(ours, greeting(PROXY, TARGET))
    assert ours.fileno() == -1


def test_no_two_greetings_have_the_same_login() -> None:
    logins = {greeting(PROXY, TARGET)._login for _ in range(16)}
    assert len(logins) == 16
