"""One connected socket out of several addresses of one name, whichever answers first (happy eyeballs, RFC 8305).

The addresses are tried in their order. The next one starts when one has failed, or has been silent for `STAGGER`; those
already started go on, and the first that connects ends the others. Whatever happens, one socket is left or none.
Called by `dial`.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import TYPE_CHECKING, Final

from headway.aio.connection import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.types import Address

STAGGER: Final = 0.25
"""Seconds between two starts (RFC 8305, section 5: Connection Attempt Delay)."""


async def first_connected(addresses: Sequence[Address]) -> socket.socket | dict[Address, str]:
    """A connected socket; or, of each address, why it failed."""
    waiting = deque(addresses)
    running: dict[asyncio.Task[socket.socket], Address] = {}
    failures: dict[Address, str] = {}
    try:
        while waiting or running:
            if waiting:
                address = waiting.popleft()
                running[asyncio.create_task(_connect(address))] = address
            done, _ = await asyncio.wait(
                running, timeout=STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                address = running.pop(task)
                try:
                    return task.result()
                except OSError as error:
                    failures[address] = words(error)
    finally:
        await _end(running)
    return failures


async def _connect(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
    except BaseException:
        sock.close()
        raise
    return sock


async def _end(running: dict[asyncio.Task[socket.socket], Address]) -> None:
    for task in running:
        task.cancel()
        task.add_done_callback(_close)
    if running:
        await asyncio.wait(running)


def _close(task: asyncio.Task[socket.socket]) -> None:
    """It has connected after all, too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
