"""Several addresses, one socket: who wins, and that nobody else is left."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from headway.aio import race
from headway.aio.race import first_connected
from headway.types import Address
from tests.loopback import listen, on_loop


@contextmanager
def black_hole() -> Iterator[Address]:
    """Where no dial is answered: the one place in the queue of the listener is taken."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        yield Address(*full.getsockname())


def nowhere() -> Address:
    listener, address = listen()
    listener.close()
    return address


async def connected(*addresses: Address) -> Address:
    """Where the winner's socket leads."""
    found = await first_connected(addresses)
    assert isinstance(found, socket.socket)
    with found:
        return Address(*found.getpeername()[:2])


@on_loop
async def test_silent_address_does_not_hold_up_the_next() -> None:
    listener, address = listen()
    with listener, black_hole() as silent:
        began = asyncio.get_running_loop().time()
        assert await connected(silent, address) == address
        assert asyncio.get_running_loop().time() - began >= race.STAGGER


@on_loop
async def test_next_one_waits_no_longer_than_the_one_before_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "STAGGER", 1e6)
    listener, address = listen()
    with listener:
        assert await connected(nowhere(), nowhere(), address) == address


@on_loop
async def test_second_is_not_dialled_when_the_first_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "STAGGER", 1e6)
    (first, address), (second, other) = listen(), listen()
    with first, second:
        assert await connected(address, other) == address
        with pytest.raises(BlockingIOError):
            second.accept()


@on_loop
async def test_of_two_that_answer_at_once_one_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "STAGGER", 0.0)
    (first, address), (second, other) = listen(), listen()
    with first, second:
        winner = await first_connected([address, other])
        assert isinstance(winner, socket.socket)
        loop = asyncio.get_running_loop()
        loser = second if winner.getpeername() == first.getsockname() else first
        winner.close()
        with (await loop.sock_accept(loser))[0] as accepted:
            assert await loop.sock_recv(accepted, 1) == b""


@on_loop
async def test_when_all_fail_each_says_why() -> None:
    addresses = [nowhere(), nowhere()]
    assert await first_connected(addresses) == dict.fromkeys(addresses, "connection refused")
    assert await first_connected([]) == {}


@on_loop
async def test_cancelled_race_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "STAGGER", 0.0)
    with black_hole() as one, black_hole() as two:
        racing = asyncio.create_task(first_connected([one, two]))
        for _ in range(10):
            await asyncio.sleep(0)
        racing.cancel()
        await asyncio.wait([racing])
        assert racing.cancelled()


@on_loop
async def test_one_that_is_silent_is_waited_for_after_the_others_have_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "STAGGER", 0.0)
    with black_hole() as silent, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await first_connected([silent, nowhere()])


@on_loop
async def test_one_that_connects_in_the_moment_of_its_end_is_closed() -> None:
    listener, address = listen()
    with listener:
        late = asyncio.create_task(race._connect(address))
        await asyncio.wait([late])
        await race._end({late: address})
        assert late.result().fileno() == -1
