"""A connection through a SOCKS5 proxy: the handshake of `ways.socks5` over a connected socket. Called by `dial`."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from headway.aio.connection import words
from headway.ways.socks5 import Socks5

if TYPE_CHECKING:
    import socket

    from headway.types import Address


def greeting(proxy: Address, target: Address) -> Socks5:
    """A handshake under a name that was never used before: it keeps Tor from joining this connection with others."""
    return Socks5(proxy, target, username=secrets.token_hex(16).encode(), password=secrets.token_hex(16).encode())


async def shake(sock: socket.socket, handshake: Socks5) -> None:
    """Do the handshake, to its end. Takes the socket, which is closed unless it has become the peer's.

    Raises the failure of the handshake.
    """
    loop = asyncio.get_running_loop()
    is_done = False
    try:
        while handshake.wanted:
            try:
                if data := handshake.data_to_send():
                    await loop.sock_sendall(sock, data)
                if data := await loop.sock_recv(sock, handshake.wanted):
                    handshake.receive_data(data)
                else:
                    handshake.receive_eof()
            except OSError as error:
                handshake.receive_eof(f"broke off: {words(error)}")
        is_done = handshake.failure is None
    finally:
        if not is_done:
            sock.close()
    if handshake.failure is not None:
        raise handshake.failure
