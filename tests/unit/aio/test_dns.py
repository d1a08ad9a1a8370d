"""Names to addresses, the system's resolver played by the test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from headway.aio import dns
from headway.aio.dns import MAX_ANSWERS, SEEDS_AT_ONCE, lookup, resolve
from headway.types import Address
from tests.loopback import on_loop

Resolver = Callable[[str], list[str]]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[[Resolver], None]:
    """Puts a resolver of the test in the place of the system's."""

    def install(answer: Resolver) -> None:
        def getaddrinfo(host: str, port: int, *_hints: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in answer(host)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return install


def unknown(_name: str) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@on_loop
@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::1"])
async def test_address_is_itself_and_nobody_is_asked(resolver: Callable[[Resolver], None], host: str) -> None:
    resolver(unknown)
    assert await lookup(host, 8333) == (Address(host, 8333),)


@on_loop
async def test_name_gives_its_addresses_once_each_in_their_order(resolver: Callable[[Resolver], None]) -> None:
    resolver(lambda _name: ["192.0.2.2", "192.0.2.1", "192.0.2.2"])
    assert await lookup("seed.example", 8333) == (Address("192.0.2.2", 8333), Address("192.0.2.1", 8333))


@on_loop
async def test_no_seed_gives_more_than_the_cap(resolver: Callable[[Resolver], None]) -> None:
    resolver(lambda _name: [f"192.0.{high}.{low}" for high in range(4) for low in range(250)])
    assert len(await lookup("seed.example", 8333)) == MAX_ANSWERS


@on_loop
@pytest.mark.parametrize("name", ["unknown.example", "x" * 64 + ".example", ".."])
async def test_name_without_an_address_is_an_os_error(name: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011  # its words are the system's
        await lookup(name, 8333)


@on_loop
async def test_seeds_that_fail_do_not_keep_the_others_from_answering(resolver: Callable[[Resolver], None]) -> None:
    answers: dict[str, Resolver] = {"good": lambda _: ["192.0.2.1"], "same": lambda _: ["192.0.2.1", "192.0.2.2"]}
    resolver(lambda name: answers.get(name, unknown)(name))
    assert await resolve(("bad", "good", "same"), 1) == (Address("192.0.2.1", 1), Address("192.0.2.2", 1))
    assert await resolve(("bad",), 1) == ()
    assert await resolve((), 1) == ()


def test_seed_that_does_not_answer_in_time_counts_as_none(
    resolver: Callable[[Resolver], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(dns, "SEED_TIMEOUT", 0.05)

    def answer(name: str) -> list[str]:
        if name == "slow":
            go_on.wait()
        return ["192.0.2.1"]

    resolver(answer)

    @on_loop
    async def story() -> None:
        assert await resolve(("slow", "fast"), 1) == (Address("192.0.2.1", 1),)
        go_on.set()

    story()


def test_no_more_seeds_are_asked_at_once_than_the_cap(resolver: Callable[[Resolver], None]) -> None:
    running = 0
    most = 0
    lock = threading.Lock()
    enough = threading.Barrier(SEEDS_AT_ONCE)

    def answer(_name: str) -> list[str]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        enough.wait()  # so that as many as may run together do
        with lock:
            running -= 1
        return []

    resolver(answer)

    @on_loop
    async def story() -> None:
        await resolve([f"seed{number}" for number in range(3 * SEEDS_AT_ONCE)], 1)

    story()
    assert most == SEEDS_AT_ONCE
