"""A connection through a SOCKS5 proxy: the handshake of `ways.socks5` over a connected socket. Called by `dial`."""

from __future__ import annotations

import secrets
import time
from math import inf
from typing import TYPE_CHECKING

from headway.blocking.connection import words
from headway.ways.socks5 import Socks5

if TYPE_CHECKING:
    import socket

    from headway.types import Address


def greeting(proxy: Address, target: Address) -> Socks5:
    """A handshake under a name that was never used before: it keeps Tor from joining this connection with others."""
    return Socks5(proxy, target, username=secrets.token_hex(16).encode(), password=secrets.token_hex(16).encode())


def shake(connected: socket.socket, handshake: Socks5, until: float = inf) -> None:
    """Do the handshake, to its end. Takes the socket, which is closed unless it has become the peer's.

    Raises the failure of the handshake, and TimeoutError when it is `until` on the monotonic clock first.
    """
    is_done = False
    try:
        while handshake.wanted:
            try:
                _patient_until(until, connected)
                connected.sendall(handshake.data_to_send())
                _patient_until(until, connected)
                if data := connected.recv(handshake.wanted):
                    handshake.receive_data(data)
                else:
                    handshake.receive_eof()
            except OSError as error:
                if isinstance(error, TimeoutError) and error.errno is None:  # ours; the system's own has a number
                    raise
                handshake.receive_eof(f"broke off: {words(error)}")
        is_done = handshake.failure is None
    finally:
        if not is_done:
            connected.close()
    if handshake.failure is not None:
        raise handshake.failure


def _patient_until(until: float, connected: socket.socket) -> None:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connected.settimeout(None if left == inf else left)
