"""Bytes both ways between a machine and a socket, without meaning."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

import pytest

from headway.blocking.connection import Connection, endpoints, words
from headway.errors import PeerGone
from headway.peer.events import PeerDisconnected, PeerState, Reason
from headway.peer.machine import PeerMachine
from tests.farend import FarEnd, devour, meanwhile, socket_pair
from tests.link import WALL, machine
from tests.toynet import TOYNET


@contextmanager
def connection() -> Iterator[tuple[Connection, PeerMachine, FarEnd]]:
    dialled, accepted = socket_pair()
    peer = machine(TOYNET)
    ours = Connection(dialled, peer)
    peer.handle_connected(time.monotonic(), WALL)
    with accepted:
        yield ours, peer, FarEnd(accepted)
        ours.close()


def test_received_bytes_go_to_the_machine() -> None:
    with connection() as (ours, peer, far):
        far.shake()
        assert ours.exchange(inf) > 0
        assert peer.state is PeerState.READY


def test_nothing_comes_so_time_is_up() -> None:
    with connection() as (ours, _, _far):
        assert [ours.exchange(0.0), ours.exchange(0.01), ours.exchange(-1.0)] == [0, 0, 0]


def test_who_neither_reads_nor_has_bytes_to_send_does_not_wait() -> None:
    with connection() as (ours, peer, far):
        far.shake()
        assert ours.exchange(inf, reading=False) == 0
        assert peer.state is PeerState.HANDSHAKING
        assert ours.exchange(inf) > 0


def test_chunks_arrive_in_order_whatever_the_system_takes_at_once() -> None:
    chunks: list[bytes | memoryview] = [
        b"",
        b"a" * 3_000_000,
        memoryview(b"b" * 5),
        b"",
        *(bytes([n % 256]) * 999 for n in range(3_000)),
    ]
    received = bytearray()

    def read(sock: socket.socket) -> None:
        while data := sock.recv(1 << 16):
            received.extend(data)

    with connection() as (ours, _, far):
        ours.write(chunks, 0.0)
        assert 0 < ours.queued < sum(map(len, chunks))
        with meanwhile(lambda: read(far.sock)):
            while ours.queued:
                ours.exchange(inf)
            ours.close()
    assert received == b"".join(bytes(chunk) for chunk in chunks)


def test_machine_hears_of_what_the_remote_does_not_read() -> None:
    with connection() as (ours, peer, far):
        ours.write([bytes(TOYNET.limits.max_unread + 10_000_000)], 0.0)
        [event] = peer.events_received()
        assert isinstance(event, PeerDisconnected)
        assert event.reason is Reason.NOT_READING
        ours.close()
        assert ours.queued == 0
        assert devour(far.sock) < TOYNET.limits.max_unread + 10_000_000


def test_what_the_remote_said_last_is_heard_though_it_takes_no_bytes_any_more() -> None:
    with connection() as (ours, peer, far):
        far.shake()
        far.sock.close()
        for _ in range(3):  # one of them meets the reset
            ours.write([b"x"], 0.0)
        assert ours.queued == 0
        while peer.state is not PeerState.CLOSED:
            ours.exchange(1.0)
        assert [type(event).__name__ for event in peer.events_received()] == ["HandshakeCompleted", "PeerDisconnected"]


def test_reset_is_told_in_the_words_of_the_system() -> None:
    with connection() as (ours, peer, far):
        far.reset()
        assert ours.exchange(inf) == 0
        [event] = peer.events_received()
        assert isinstance(event, PeerDisconnected)
        assert "connection reset by peer" in event.message


def test_closing_twice_is_closing_once() -> None:
    with connection() as (ours, _, _far):
        was_closed = ours.is_closed
        ours.close()
        assert (was_closed, ours.is_closed) == (False, True)


def test_endpoints_are_both_ends() -> None:
    dialled, accepted = socket_pair()
    with dialled, accepted:
        assert endpoints(dialled) == endpoints(accepted)[::-1]


def test_socket_that_is_no_connection_any_more_is_closed() -> None:
    loose = socket.socket()
    with pytest.raises(PeerGone):
        endpoints(loose)
    assert loose.fileno() == -1


def test_words_are_those_of_the_system() -> None:
    assert words(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")) == "connection refused"
    assert words(OSError("it broke")) == "it broke"
