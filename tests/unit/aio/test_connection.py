"""One connection: back-pressure in both directions, and that a socket is closed whatever happens."""

from __future__ import annotations

import asyncio
import errno
import socket
from dataclasses import replace

import pytest

from headway.aio.config import LocalConfig
from headway.aio.connection import Connection, endpoints, shared_scratch, words
from headway.network import Timing
from headway.peer.events import PeerState, Reason
from headway.wire import messages as m
from tests.loopback import on_loop, raw_pair, socket_pair
from tests.toynet import TOYNET, toynet

PLAIN = LocalConfig(network=TOYNET)
MEGABYTE = m.Unknown("toy200", bytes(1_000_000))
FRAME = 1_000_008


@on_loop
async def test_endpoints_are_both_ends() -> None:
    dialled, accepted = await socket_pair()
    with dialled, accepted:
        assert endpoints(dialled) == endpoints(accepted)[::-1]


def test_words_are_those_of_the_system() -> None:
    assert words(ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed")) == "connection refused"
    assert words(socket.gaierror(socket.EAI_NONAME, "Name or service not known")) == "Name or service not known"
    assert words(OSError()) == "OSError"


@on_loop
async def test_connections_of_one_loop_share_their_scratch_buffer() -> None:
    assert shared_scratch() is shared_scratch()


# Sending to a remote that does not read.


@on_loop
async def test_five_megabytes_to_a_remote_that_reads_late_all_arrive() -> None:
    async with raw_pair(PLAIN) as (peer, remote):
        for _ in range(5):
            peer.send(MEGABYTE)
        assert peer.state is PeerState.READY
        assert await remote.drain(5 * FRAME) >= 5 * FRAME


@on_loop
async def test_remote_that_never_reads_is_dropped_at_the_bound_and_nothing_is_left() -> None:
    async with raw_pair(PLAIN) as (peer, _):
        sent = 0
        while peer.disconnected is None:
            peer.send(MEGABYTE)
            sent += FRAME
        assert peer.disconnected.reason is Reason.NOT_READING
        limit = TOYNET.limits.max_unread
        assert limit < sent <= limit + 16_000_000  # what the two sockets hold is not with us
        await peer.close()


@on_loop
async def test_close_waits_for_what_is_queued_but_not_for_ever() -> None:
    network = toynet(timing=replace(Timing(), close_timeout=0.05))
    async with raw_pair(LocalConfig(network=network)) as (peer, _):
        for _ in range(8):
            peer.send(MEGABYTE)
        await peer.close()
        assert peer.state is PeerState.CLOSED


@on_loop
async def test_what_was_queued_before_a_close_arrives() -> None:
    async with raw_pair(PLAIN) as (peer, remote):
        for _ in range(8):
            peer.send(MEGABYTE)
        closed = peer.close()
        assert await remote.drain(9 * FRAME) >= 8 * FRAME
        await closed


# Receiving more than we take.


@on_loop
async def test_slow_reader_of_ours_stops_the_socket_and_loses_nothing() -> None:
    async with raw_pair(PLAIN) as (peer, remote):
        arriving = peer.messages()
        first = asyncio.create_task(anext(arriving))
        await remote.say(m.GetAddr())
        await first
        sending = asyncio.create_task(remote.say(*[MEGABYTE] * 60))
        transport = peer._connection._transport
        assert transport is not None
        while transport.is_reading():  # noqa: ASYNC110  # asyncio tells nobody
            await asyncio.sleep(0)
        assert not sending.done()  # the bytes wait at the remote
        held = sum(size for reader in peer._consumers._readers for _, size in reader._items or ())
        assert held < 16_000_000 + 2 * FRAME
        for _ in range(60):
            assert await anext(arriving) == MEGABYTE
        await sending
        await arriving.aclose()


# Faults of our own.


class Deaf:
    """A receiver that fails when it is told of its connection."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def handle_connected(self, now: float, wall_time: float) -> None:
        del now, wall_time
        raise ZeroDivisionError

    def receive_buffer(self) -> memoryview:
        return shared_scratch()

    def receive_buffered(self, n: int, now: float) -> None: ...
    def receive_eof(self, now: float) -> None: ...
    def handle_writable(self, queued_bytes: int, now: float) -> None: ...

    def handle_connection_lost(self, message: str, now: float) -> None:
        del now
        self.lost.append(message)


@on_loop
async def test_error_of_the_receiver_at_the_start_comes_out_of_attach_and_the_socket_is_closed() -> None:
    dialled, accepted = await socket_pair()
    with accepted:
        receiver = Deaf()
        connection = Connection(receiver, lambda: None)
        with pytest.raises(ZeroDivisionError):
            await connection.attach(dialled)
        await connection.closed
        assert receiver.lost == ["closed"]
        assert dialled.fileno() == -1


@on_loop
async def test_attach_that_is_cancelled_ends_the_connection() -> None:
    dialled, accepted = await socket_pair()
    with accepted:
        connection = Connection(Deaf(), lambda: None)
        attaching = asyncio.create_task(connection.attach(dialled))
        attaching.cancel()
        await asyncio.wait([attaching])
        assert not connection.closed.done()  # it never began, so its socket is still the caller's
        dialled.close()


@on_loop
async def test_attach_to_a_closed_socket_ends_the_connection() -> None:
    dialled, accepted = await socket_pair()
    accepted.close()
    dialled.close()
    told: list[int] = []
    receiver = Deaf()
    connection = Connection(receiver, lambda: told.append(1))
    with pytest.raises(OSError, match="descriptor"):
        await connection.attach(dialled)
    assert receiver.lost == ["bad file descriptor"]
    assert connection.closed.done()
    connection.write([b"nobody reads this"])
    connection.pause_reading()
    connection.resume_reading()
    assert connection.remote is None
    assert told == [1]
