"""Names to addresses, the system's resolver played by the test."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from headway.aio import dns
from headway.aio.dns import MAX_ANSWERS, SEEDS_AT_ONCE, ask_seeds, lookup
from headway.node.orders import Resolve, SeedAnswer
from headway.types import Address
from headway.ways import DIRECT, Ways
from tests.loopback import TOO_LONG, on_loop

Resolver = Callable[[str], list[str]]

ONE = "192.31.196.1"
TWO = "192.31.196.2"
NEW = "2620:4f:8000::1"
"""Of the public internet, and nobody's (RFC 7535)."""


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


def table(answers: dict[str, list[str]]) -> Resolver:
    return lambda name: answers[name] if name in answers else unknown(name)


async def ask(*names: str, services: int = 0, ways: Ways = DIRECT) -> tuple[SeedAnswer, ...]:
    return await ask_seeds(Resolve(1, names, 8333, services), ways)


# One name.


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
async def test_no_name_gives_more_than_the_cap(resolver: Callable[[Resolver], None]) -> None:
    resolver(lambda _name: [f"192.0.{high}.{low}" for high in range(4) for low in range(250)])
    assert len(await lookup("seed.example", 8333)) == MAX_ANSWERS


@on_loop
@pytest.mark.parametrize("name", ["unknown.example", "x" * 64 + ".example", ".."])
async def test_name_without_an_address_is_an_os_error(name: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011  # its words are the system's
        await lookup(name, 8333)


def test_resolver_that_hangs_keeps_neither_its_caller_nor_the_loop_from_ending(
    resolver: Callable[[Resolver], None],
) -> None:
    go_on, gone = threading.Event(), threading.Event()

    def answer(_name: str) -> list[str]:
        go_on.wait(TOO_LONG)
        gone.set()
        return [ONE]

    resolver(answer)

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await lookup("slow.example", 8333)

    asyncio.run(story())  # it ends, while the resolver still hangs
    assert not gone.is_set()
    go_on.set()
    assert gone.wait(TOO_LONG)  # its answer comes to a loop that is no more, and does no harm


# Seeds.


@on_loop
async def test_seeds_that_fail_do_not_keep_the_others_from_answering(resolver: Callable[[Resolver], None]) -> None:
    resolver(table({"good": [ONE], "same": [ONE, NEW]}))
    assert await ask("bad", "good", "same") == (
        SeedAnswer("bad", error="Name or service not known"),
        SeedAnswer("good", (Address(ONE, 8333),)),
        SeedAnswer("same", (Address(ONE, 8333), Address(NEW, 8333))),
    )
    assert await ask() == ()


@on_loop
async def test_seed_is_asked_by_services_and_plainly_where_it_does_not_know_them(
    resolver: Callable[[Resolver], None],
) -> None:
    asked: list[str] = []
    answers = table({"x9.one": [ONE], "one": [TWO], "two": [TWO], "x9.three": ["127.0.0.1"], "three": [TWO]})

    def answer(name: str) -> list[str]:
        asked.append(name)
        return answers(name)

    resolver(answer)
    told = await ask("one", "two", "three", services=9)
    assert [(each.seed, [(a.host, a.services) for a in each.addresses]) for each in told] == [
        ("one", [(ONE, 9)]),
        ("two", [(TWO, 0)]),
        ("three", [(TWO, 0)]),
    ]
    assert sorted(asked) == ["three", "two", "x9.one", "x9.three", "x9.two"]


@on_loop
@pytest.mark.parametrize(("services", "prefix"), [(1, "x1."), (9, "x9."), (0x40D, "x40d.")])
async def test_services_stand_in_front_of_the_name_in_hex(
    resolver: Callable[[Resolver], None], services: int, prefix: str
) -> None:
    resolver(table({f"{prefix}seed": [ONE]}))
    (answer,) = await ask("seed", services=services)
    assert answer.addresses == (Address(ONE, 8333),)


@on_loop
async def test_no_seed_leads_into_our_own_network(resolver: Callable[[Resolver], None]) -> None:
    near = ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.1.1", "0.0.0.0", "::1", "fd00::1", "fe80::1"]
    resolver(table({"hostile": near, "mixed": [*near, ONE]}))
    hostile, mixed = await ask("hostile", "mixed")
    assert hostile.addresses == ()
    assert hostile.error == "none of its 8 addresses is of a public network that we may use"
    assert mixed.addresses == (Address(ONE, 8333),)


@on_loop
async def test_no_seed_gives_more_than_the_cap(resolver: Callable[[Resolver], None]) -> None:
    resolver(lambda _name: [f"192.31.{high}.{low}" for high in range(196, 200) for low in range(250)])
    (answer,) = await ask("seed")
    assert len(answer.addresses) == MAX_ANSWERS


@on_loop
async def test_only_networks_that_the_user_wants_are_taken(resolver: Callable[[Resolver], None]) -> None:
    resolver(table({"seed": [ONE, NEW]}))
    for net, host in (("ipv4", ONE), ("ipv6", NEW)):
        (answer,) = await ask("seed", ways=Ways.of(onlynet=[net]))
        assert answer.addresses == (Address(host, 8333),)


@on_loop
async def test_behind_a_proxy_no_seed_is_looked_up_and_its_name_is_a_peer(resolver: Callable[[Resolver], None]) -> None:
    resolver(lambda name: pytest.fail(f"our resolver was asked for {name}"))
    assert await ask("one", "two", services=9, ways=Ways.of(proxy="127.0.0.1:9050")) == (
        SeedAnswer("one", (Address("one", 8333),)),
        SeedAnswer("two", (Address("two", 8333),)),
    )


@on_loop
async def test_no_seed_is_asked_for_what_it_cannot_know(resolver: Callable[[Resolver], None]) -> None:
    resolver(lambda name: pytest.fail(f"our resolver was asked for {name}"))
    (answer,) = await ask("seed", ways=Ways.of(proxy="127.0.0.1:9050", onlynet=["onion"]))
    assert answer.addresses == ()
    assert answer.error.startswith("not asked: ")


def test_seed_that_does_not_answer_in_time_says_so(
    resolver: Callable[[Resolver], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(dns, "SEED_TIMEOUT", 0.05)

    def answer(name: str) -> list[str]:
        if name == "slow":
            go_on.wait(TOO_LONG)
        return [ONE]

    resolver(answer)

    @on_loop
    async def story() -> None:
        assert await ask("slow", "fast") == (
            SeedAnswer("slow", error="no answer within 0.05 s"),
            SeedAnswer("fast", (Address(ONE, 8333),)),
        )
        go_on.set()

    story()


def test_all_seeds_are_asked_together_up_to_the_cap(resolver: Callable[[Resolver], None]) -> None:
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
        await ask(*(f"seed{number}" for number in range(3 * SEEDS_AT_ONCE)))

    story()
    assert most == SEEDS_AT_ONCE
