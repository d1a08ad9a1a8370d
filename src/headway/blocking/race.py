"""One connected socket out of several addresses of one name, whichever answers first (happy eyeballs, RFC 8305).

The same as `aio.race`, with a selector in the place of a loop. Called by `dial`.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Final

from headway.blocking.connection import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.types import Address

STAGGER: Final = 0.25
"""Seconds between two starts (RFC 8305, section 5: Connection Attempt Delay)."""


def first_connected(addresses: Sequence[Address], until: float = inf) -> socket.socket | dict[Address, str]:
    """A connected socket, which does not block; or, of each address, why it failed.

    Raises TimeoutError when it is `until` on the monotonic clock first.
    """
    waiting = deque(addresses)
    failures: dict[Address, str] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                if waiting:
                    address = waiting.popleft()
                    if why := _start(address, selector):
                        failures[address] = why
                        continue
                for key in _connected_or_failed(selector, until, STAGGER if waiting else inf):
                    assert isinstance(key.fileobj, socket.socket), "only sockets are registered"
                    selector.unregister(key.fileobj)
                    if not (number := key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                        return key.fileobj
                    key.fileobj.close()
                    failures[key.data] = os.strerror(number).lower()
        finally:
            for key in selector.get_map().values():
                assert isinstance(key.fileobj, socket.socket), "only sockets are registered"
                key.fileobj.close()
    return failures


def _start(address: Address, selector: selectors.BaseSelector) -> str:
    """Begin to dial. Tells why that failed at once, if it did."""
    dialled = None
    try:
        dialled = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET, socket.SOCK_STREAM)
        dialled.setblocking(False)
        number = dialled.connect_ex((address.host, address.port))
        if number in {0, errno.EINPROGRESS}:
            selector.register(dialled, selectors.EVENT_WRITE, address)
            dialled = None
            return ""
        return os.strerror(number).lower()
    except OSError as error:  # no socket of this family, or the scope of an address that this machine does not have
        return words(error)
    finally:
        if dialled is not None:
            dialled.close()


def _connected_or_failed(
    selector: selectors.BaseSelector, until: float, patience: float
) -> list[selectors.SelectorKey]:
    """Those of which something is known now; none when it is time for the next one to start."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    wait = min(left, patience)
    return [key for key, _ in selector.select(None if wait == inf else wait)]
