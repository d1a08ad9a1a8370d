"""One socket of a test peer: bytes out and in, and the ends that TCP has."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

import pytest

from headway.errors import PeerGone
from headway.networks.bitcoin import REGTEST
from headway.testing.conversation import Closed
from headway.testing.endpoint import Endpoint
from headway.types import Instant
from headway.wire.messages import Ping, Verack
from tests.farend import devour, leaving_nothing, socket_pair
from tests.tape import BEGIN, Tape


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    with leaving_nothing():
        yield


@pytest.fixture
def ends() -> Iterator[tuple[Endpoint, socket.socket]]:
    dialled, far = socket_pair()
    endpoint = Endpoint(dialled)
    with far:
        yield endpoint, far
    endpoint.drop()


def readable(endpoint: Endpoint) -> None:
    """Wait until something has come."""
    assert select.select([endpoint], [], [], 10.0)[0]


def test_addresses_are_those_of_the_connection(ends: tuple[Endpoint, socket.socket]) -> None:
    endpoint, far = ends
    assert (endpoint.ours.host, endpoint.ours.port) == far.getpeername()
    assert (endpoint.theirs.host, endpoint.theirs.port) == far.getsockname()


def test_bytes_go_at_once_and_come_when_they_are_looked_for(ends: tuple[Endpoint, socket.socket]) -> None:
    endpoint, far = ends
    endpoint.send(b"hello")
    assert far.recv(10) == b"hello"
    tape = Tape()
    endpoint.read_into(tape.talk, BEGIN)
    assert not tape.talk.unread
    far.sendall(b"".join(map(bytes, REGTEST.codec.open(inbound=True).encode(Verack()))))
    readable(endpoint)
    endpoint.read_into(tape.talk, BEGIN)
    assert [heard.message for heard in tape.talk.unread] == [Verack()]


def test_what_the_system_does_not_take_waits(ends: tuple[Endpoint, socket.socket]) -> None:
    endpoint, far = ends
    data = bytes(20_000_000)
    endpoint.send(data)
    assert 0 < endpoint.queued < len(data)
    endpoint.half_close()  # behind what waits
    total = 0
    while endpoint.queued:
        total += len(far.recv(1 << 20))
        endpoint.flush()
    assert total + devour(far) == len(data)


def test_a_half_closed_connection_can_still_be_read(ends: tuple[Endpoint, socket.socket]) -> None:
    endpoint, far = ends
    endpoint.half_close()
    assert far.recv(10) == b""
    far.sendall(b"".join(map(bytes, REGTEST.codec.open(inbound=True).encode(Ping(7)))))
    readable(endpoint)
    tape = Tape(auto_pong=False)
    endpoint.read_into(tape.talk, BEGIN)
    assert [heard.message for heard in tape.talk.unread] == [Ping(7)]


def test_a_close_is_a_fin_even_with_bytes_unread(ends: tuple[Endpoint, socket.socket]) -> None:
    endpoint, far = ends
    far.sendall(b"never read")
    readable(endpoint)
    endpoint.close()
    assert far.recv(10) == b""
    assert (endpoint.fileno(), endpoint.has_ended) == (-1, True)
    endpoint.close()
    endpoint.drop()


def test_a_drop_is_a_reset(ends: tuple[Endpoint, socket.socket]) -> None:
    endpoint, far = ends
    endpoint.drop()
    with pytest.raises(ConnectionResetError):
        far.recv(10)


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_the_remotes_end_is_told(ends: tuple[Endpoint, socket.socket], how: str) -> None:
    endpoint, far = ends
    if how == "reset":
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    far.close()
    readable(endpoint)
    tape = Tape()
    endpoint.read_into(tape.talk, BEGIN + 2)
    assert tape.talk.closed == Closed("remote", how, 2.0)
    assert endpoint.has_ended


class Deaf:
    """Who does not want to hear, for a while."""

    is_reading = False

    def receive(self, data: bytes, now: Instant) -> None: ...
    def ended(self, now: Instant) -> None: ...


def deaf() -> tuple[Tape, Deaf]:
    tape, audience = Tape(), Deaf()
    tape.talk.open_to(audience, BEGIN)
    return tape, audience


def test_who_does_not_want_to_hear_hears_nothing_until_he_does(ends: tuple[Endpoint, socket.socket]) -> None:
    endpoint, far = ends
    far.sendall(b"".join(map(bytes, REGTEST.codec.open(inbound=True).encode(Verack()))))
    readable(endpoint)
    tape, audience = deaf()
    endpoint.read_into(tape.talk, BEGIN)
    assert (len(tape.talk.unread), tape.talk.closed) == (0, None)
    audience.is_reading = True
    endpoint.read_into(tape.talk, BEGIN)
    assert [heard.message for heard in tape.talk.unread] == [Verack()]


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_the_remotes_end_is_seen_behind_what_is_not_read(ends: tuple[Endpoint, socket.socket], how: str) -> None:
    endpoint, far = ends
    far.sendall(bytes(100))
    if how == "reset":
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    far.close()
    readable(endpoint)
    tape, _ = deaf()
    endpoint.read_into(tape.talk, BEGIN + 2)
    assert tape.talk.closed == Closed("remote", how, 2.0)
    assert (len(tape.talk.unread), endpoint.has_ended) == (0, True)


def test_what_cannot_be_sent_is_dropped_and_the_end_is_told_by_reading(ends: tuple[Endpoint, socket.socket]) -> None:
    endpoint, far = ends
    far.close()
    deadline = time.monotonic() + 10
    while not endpoint._failure:  # the first write wakes the far system, whose answer fails a later one
        endpoint.send(b"x")
        assert time.monotonic() < deadline
    endpoint.send(b"more")
    assert endpoint.queued == 0
    tape = Tape()
    endpoint.read_into(tape.talk, BEGIN)
    assert tape.talk.closed is not None
    assert tape.talk.closed.by == "remote"


def test_a_socket_that_is_no_connection_is_refused_and_closed() -> None:
    with pytest.raises(PeerGone, match="ended before it was used"):
        Endpoint(socket.socket())
