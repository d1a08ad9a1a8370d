"""Several addresses, one socket: who wins, and that nobody else is left."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from headway.blocking import race
from headway.blocking.race import first_connected
from headway.types import Address


@contextmanager
def black_hole() -> Iterator[Address]:
    """Where no dial is answered: the one place in the queue of the listener is taken."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        yield Address(*full.getsockname())


@contextmanager
def listener() -> Iterator[tuple[socket.socket, Address]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening, Address(*listening.getsockname())


def nowhere() -> Address:
    with listener() as (_, address):
        return address


def connected(*addresses: Address) -> Address:
    """Where the winner's socket leads."""
    found = first_connected(addresses)
    assert isinstance(found, socket.socket)
    with found:
        return Address(*found.getpeername()[:2])


def test_silent_address_does_not_hold_up_the_next() -> None:
    with listener() as (_, address), black_hole() as silent:
        began = time.monotonic()
        assert connected(silent, address) == address
        assert time.monotonic() - began >= race.STAGGER


def test_next_one_waits_no_longer_than_the_one_before_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "STAGGER", 1e6)
    with listener() as (_, address):
        assert connected(nowhere(), nowhere(), address) == address


def test_address_that_cannot_be_dialled_at_all_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "STAGGER", 1e6)
    with listener() as (_, address):
        assert connected(Address("2001:db8::1%nowhere", 1), Address("255.255.255.255", 1), address) == address


def test_second_is_not_dialled_when_the_first_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "STAGGER", 1e6)
    with listener() as (_, address), listener() as (second, other):
        assert connected(address, other) == address
        with pytest.raises(BlockingIOError):
            second.accept()


def test_of_two_that_answer_at_once_one_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "STAGGER", 0.0)
    with listener() as (first, address), listener() as (second, other):
        winner = first_connected([address, other])
        assert isinstance(winner, socket.socket)
        winner.close()
        ended = 0
        for each in (first, second):
            try:
                accepted, _ = each.accept()
            except BlockingIOError:
                continue  # it was not dialled any more
            accepted.setblocking(True)
            assert accepted.recv(1) == b""
            accepted.close()
            ended += 1
        assert ended


def test_when_all_fail_each_says_why() -> None:
    addresses = [nowhere(), nowhere()]
    assert first_connected(addresses) == dict.fromkeys(addresses, "connection refused")
    assert first_connected([]) == {}


@pytest.mark.parametrize("seconds", [-1.0, 0.05])
def test_time_is_for_all_of_them_together(seconds: float) -> None:
    with black_hole() as one, black_hole() as two, pytest.raises(TimeoutError):
        first_connected([one, two], time.monotonic() + seconds)
