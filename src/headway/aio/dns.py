"""Names to addresses.

A DNS seed is a stranger like any other: what it answers is bounded, and what is of no public network is dropped, or a
seed could make us dial into our own. All are asked in parallel, each with its own deadline. Behind a proxy none is:
our resolver would tell everybody on its way who we are. Then a seed's name is itself the address of a peer, which the
proxy looks up at its other end (as Core does); asked for addresses, that peer takes the place of the seed.
Called by `dial` for one name, by `driver` for the seeds of a network.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from typing import TYPE_CHECKING, Final

from headway.node.orders import SeedAnswer
from headway.types import Address, Net, ip_of, network_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from headway.node.orders import Resolve
    from headway.ways import Ways

logger = logging.getLogger(__name__)

MAX_ANSWERS: Final = 32
"""Addresses taken from one name, so that no seed fills the address book alone (Core nMaxIPs)."""
SEEDS_AT_ONCE: Final = 16
"""Lookups that run together, each in a thread. No network has more seeds; a configuration might."""
SEED_TIMEOUT: Final = 10.0
"""Seconds for one seed; the system's own resolver may wait much longer."""


async def lookup(host: str, port: int) -> tuple[Address, ...]:
    """Up to `MAX_ANSWERS` addresses of one name, as the system prefers them. Raises OSError when there is none."""
    if ip_of(host) is not None:
        return (Address(host, port),)
    return (await _ask_system(host, port))[:MAX_ANSWERS]


async def ask_seeds(order: Resolve, ways: Ways) -> tuple[SeedAnswer, ...]:
    """What each seed says, in the order of their names."""
    at_once = asyncio.Semaphore(SEEDS_AT_ONCE)

    async def ask(name: str) -> SeedAnswer:
        try:
            async with at_once, asyncio.timeout(SEED_TIMEOUT):
                return await _ask_seed(name, order, ways)
        except TimeoutError:
            return SeedAnswer(name, error=f"no answer within {SEED_TIMEOUT:g} s")

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(name)) for name in order.names]
    answers = tuple(task.result() for task in asked)
    for answer in answers:
        logger.info("seed %s: %s", answer.seed, answer.error or f"{len(answer.addresses)} addresses")
    return answers


async def _ask_seed(name: str, order: Resolve, ways: Ways) -> SeedAnswer:
    itself = Address(name, order.port)
    way = ways.to(itself)
    if not ways.is_reachable(itself) or way is None:
        return SeedAnswer(name, error="not asked: it knows addresses of IPv4 and IPv6 alone, and onlynet has neither")
    if way.proxy is not None:
        return SeedAnswer(name, (itself,))
    error = ""
    for services in dict.fromkeys((order.services, 0)):  # not every seed filters
        try:
            found = await _ask_system(f"x{services:x}.{name}" if services else name, order.port)
        except OSError as failure:
            error = failure.strerror or str(failure) or "no answer"
            continue
        good = [Address(each.host, each.port, services) for each in found if _is_of_use(each, ways)]
        if good:
            return SeedAnswer(name, tuple(good[:MAX_ANSWERS]))
        error = f"none of its {len(found)} addresses is of a public network that we may use"
    return SeedAnswer(name, error=error)


def _is_of_use(address: Address, ways: Ways) -> bool:
    return network_of(address) is not Net.UNROUTABLE and ways.is_reachable(address)


async def _ask_system(host: str, port: int) -> tuple[Address, ...]:
    """What the system's resolver says, without duplicates. Raises OSError when that is nothing.

    It cannot be stopped, and may take a minute. So it runs in a thread for which nobody waits, neither the loop's end
    nor the program's.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[Address, ...]] = loop.create_future()

    def tell(set_it: Callable[[], None]) -> None:
        if not answer.done():  # somebody still waits
            set_it()

    def run() -> None:
        try:
            found = socket.getaddrinfo(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
        except UnicodeError:
            error: OSError = socket.gaierror(socket.EAI_NONAME, "not a name of a host")
        except OSError as failure:
            error = failure
        else:
            addresses = tuple(dict.fromkeys(Address(str(info[4][0]), port) for info in found))
            with contextlib.suppress(RuntimeError):  # the loop has closed
                loop.call_soon_threadsafe(tell, lambda: answer.set_result(addresses))
            return
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, lambda: answer.set_exception(error))

    threading.Thread(target=run, name=f"lookup of {host}", daemon=True).start()
    return await answer
