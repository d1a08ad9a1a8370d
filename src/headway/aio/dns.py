"""Names to addresses.

Seeds are asked in parallel, each with its own deadline, and what they answer is bounded: a DNS seed is a stranger like
any other. Called by `connection` for one name, by `node` for the seeds of a network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from typing import TYPE_CHECKING, Final

from headway.types import Address

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

MAX_ANSWERS: Final = 32
"""Addresses taken from one name, so that no seed fills the address book alone (Core nMaxIPs)."""
SEEDS_AT_ONCE: Final = 3
"""Lookups that run together; each holds a thread (Core DNSSEEDS_TO_QUERY_AT_ONCE)."""
SEED_TIMEOUT: Final = 10.0
"""Seconds for one seed; the system's own resolver may wait much longer."""


async def lookup(host: str, port: int) -> tuple[Address, ...]:
    """Up to `MAX_ANSWERS` addresses of one name, as the system prefers them. Raises OSError when there is none."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return (Address(host, port),)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a name of a host") from None
    addresses = dict.fromkeys(Address(str(info[4][0]), port) for info in found)
    return tuple(addresses)[:MAX_ANSWERS]


async def resolve(names: Sequence[str], port: int) -> tuple[Address, ...]:
    """The addresses of all seeds that answer in time, without duplicates; empty when none does."""
    at_once = asyncio.Semaphore(SEEDS_AT_ONCE)

    async def ask(name: str) -> tuple[Address, ...]:
        try:
            async with at_once, asyncio.timeout(SEED_TIMEOUT):
                return await lookup(name, port)
        except OSError as error:  # TimeoutError is one
            logger.info("seed %s gave no address: %s", name, error or "no answer in time")
            return ()

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(name)) for name in names]
    return tuple(dict.fromkeys(address for task in asked for address in task.result()))
