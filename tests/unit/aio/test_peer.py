"""One peer over real loopback TCP, against another of ours: requests, their ends, and that nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace
from typing import Any

import pytest

from headway.aio.config import LocalConfig
from headway.aio.peer import Peer
from headway.errors import HandshakeRejected, LocalProtocolError, PeerGone, RequestTimeout
from headway.network import Timing
from headway.peer.events import PeerDisconnected, PeerState, Reason, RequestKind
from headway.types import Address, BlockId
from headway.wire import messages as m
from tests.loopback import ADDRESS, TRANSACTION, RawRemote, on_loop, peers, serving, socket_pair
from tests.toynet import GENESIS, TOYNET, toy_chain, toy_hash, toynet

CHAIN = toy_chain(40)
SILENT = LocalConfig(network=TOYNET)
"""A remote that shakes hands and answers pings, and nothing else."""


def config(**timing: float) -> LocalConfig:
    return LocalConfig(network=toynet(timing=replace(Timing(), **timing)))


async def everything(peer: Peer) -> list[Any]:
    """One outstanding request of each kind; exceptions where they fail."""

    async def blocks() -> list[m.Block]:
        return [block async for block in peer.request_blocks([toy_hash(CHAIN[0])])]

    asked = (peer.request_headers(GENESIS), blocks(), peer.request_addresses(), peer.request_transaction(bytes(32)))
    return list(await asyncio.gather(*asked, return_exceptions=True))


async def waiting_for_everything(peer: Peer) -> asyncio.Task[list[Any]]:
    """Once all four questions have arrived at a remote that does not answer them."""
    waiting = asyncio.create_task(everything(peer))
    await peer.ping()
    await peer.ping()  # this one stands behind them
    return waiting


# Handshake.


@on_loop
async def test_both_sides_are_ready_after_run() -> None:
    async with peers(LocalConfig(network=TOYNET, user_agent="/ours:1/"), serving(CHAIN)) as (ours, theirs):
        assert ours.state is theirs.state is PeerState.READY
        assert ours.id != theirs.id
        assert theirs.version is not None
        assert theirs.version.user_agent == "/ours:1/"
        assert theirs.info.user_agent == "/ours:1/"
        assert (ours.info.inbound, theirs.info.inbound) == (False, True)
        assert ours.info.addrbind == theirs.info.addr


@on_loop
async def test_remote_of_an_obsolete_version_is_rejected_and_nothing_is_left() -> None:
    dialled, accepted = await socket_pair()
    ours = Peer(dialled, config=SILENT)
    theirs = Peer(accepted, inbound=True, config=replace(SILENT, protocol_version=1))
    results = await asyncio.gather(ours.run(), theirs.run(), return_exceptions=True)
    assert isinstance(results[0], HandshakeRejected)
    assert "obsolete version 1" in str(results[0])
    assert isinstance(results[1], HandshakeRejected)
    assert ours.state is theirs.state is PeerState.CLOSED


@on_loop
async def test_remote_that_hangs_up_in_the_handshake_is_a_rejection_that_says_so() -> None:
    dialled, accepted = await socket_pair()
    accepted.close()
    with pytest.raises(HandshakeRejected, match="before its version"):
        await Peer(dialled, config=SILENT).run()


@on_loop
async def test_cancelled_handshake_leaves_nothing() -> None:
    dialled, accepted = await socket_pair()
    with accepted:
        running = asyncio.create_task(Peer(dialled, config=SILENT).run())
        assert await asyncio.get_running_loop().sock_recv(accepted, 1)  # it has said its version
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert dialled.fileno() == -1


@on_loop
async def test_handshake_that_is_done_in_the_moment_of_its_cancellation_leaves_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The call is cancelled in one turn of the loop, just before the rest of the handshake is read in the same turn."""
    loop = asyncio.get_running_loop()
    dialled, accepted = await socket_pair()
    with accepted:
        running = asyncio.create_task(Peer(dialled, config=SILENT).run())
        assert await loop.sock_recv(accepted, 1)
        await RawRemote(accepted).shake()
        loop.call_soon(running.cancel)
        with pytest.raises(asyncio.CancelledError):
            await running
        assert dialled.fileno() == -1
    assert caplog.records == []


@on_loop
async def test_peer_that_we_close_in_its_handshake_is_gone() -> None:
    dialled, accepted = await socket_pair()
    with accepted:
        peer = Peer(dialled, config=SILENT)
        running = asyncio.create_task(peer.run())
        assert await asyncio.get_running_loop().sock_recv(accepted, 1)
        await peer.close()
        with pytest.raises(PeerGone, match="closed by us"):
            await running


@on_loop
async def test_error_in_start_height_comes_out_of_run() -> None:
    def start_height() -> int:
        raise ZeroDivisionError

    dialled, accepted = await socket_pair()
    with accepted, pytest.raises(ZeroDivisionError):
        await Peer(dialled, config=replace(SILENT, start_height=start_height)).run()


@on_loop
async def test_socket_that_is_no_connection_any_more_is_peer_gone() -> None:
    with pytest.raises(PeerGone):
        Peer(socket.socket(), config=SILENT)


@on_loop
async def test_running_twice_is_the_callers_mistake() -> None:
    async with peers() as (ours, _):
        with pytest.raises(LocalProtocolError):
            await ours.run()


@on_loop
async def test_request_before_run_is_the_callers_mistake_and_close_then_closes_the_socket() -> None:
    dialled, accepted = await socket_pair()
    with accepted:
        peer = Peer(dialled, config=SILENT)
        with pytest.raises(LocalProtocolError):
            await peer.ping()
        await peer.close()
        assert dialled.fileno() == -1
        with pytest.raises(PeerGone):
            await peer.ping()


# Requests.


@on_loop
async def test_each_request_is_settled_by_its_own_reply() -> None:
    async with peers(theirs=serving(CHAIN)) as (ours, _):
        headers = await ours.request_headers(GENESIS)
        assert [header.hash for header in headers] == [toy_hash(block) for block in CHAIN]
        assert len(await ours.request_headers(headers[9].hash)) == len(CHAIN) - 10
        assert len(await ours.request_headers((BlockId(40, toy_hash(CHAIN[-1])), GENESIS))) == 0
        assert await ours.request_addresses() == (ADDRESS, Address("192.0.2.8", 4444))
        assert await ours.request_transaction(TRANSACTION.txid) == TRANSACTION
        assert await ours.request_transaction(bytes(32)) is None
        assert 0 < await ours.ping() < 60


@on_loop
async def test_requests_of_different_kinds_overlap_and_of_one_kind_queue() -> None:
    async with peers(theirs=serving(CHAIN)) as (ours, _):
        starts = [toy_hash(block) for block in CHAIN[:10]]
        several = asyncio.gather(*(ours.request_headers(start) for start in starts))
        transaction, _ = await asyncio.gather(ours.request_transaction(TRANSACTION.txid), ours.ping())
        assert transaction == TRANSACTION
        assert [len(headers) for headers in await several] == [39 - number for number in range(10)]


@on_loop
async def test_fenced_request_is_empty_where_the_remote_says_nothing() -> None:
    async with peers() as (ours, _):
        assert len(await ours.request_headers(GENESIS, fence=True)) == 0


@on_loop
async def test_fenced_request_is_settled_by_what_the_callback_of_the_remote_sends() -> None:
    """The pong must not overtake it, though it is the machine that answers pings and a callback that sends headers."""
    async with peers(theirs=serving(CHAIN)) as (ours, _):
        assert len(await ours.request_headers(GENESIS, fence=True)) == len(CHAIN)


@on_loop
async def test_cancelled_request_makes_room_for_the_next_of_its_kind() -> None:
    asked = asyncio.Event()
    theirs = replace(serving(CHAIN), on_getaddr=lambda _peer, _message: asked.set())
    async with peers(theirs=theirs) as (ours, remote):
        first = asyncio.create_task(ours.request_addresses())
        second = asyncio.create_task(ours.request_addresses())
        await asked.wait()
        asked.clear()
        first.cancel()
        await asked.wait()
        remote.send(m.Addr((ADDRESS, ADDRESS)))
        assert await second == (ADDRESS, ADDRESS)
        assert first.cancelled()


@on_loop
async def test_send_reaches_the_remote_without_waiting() -> None:
    async with peers() as (ours, theirs):
        arriving = theirs.messages()
        first = asyncio.create_task(anext(arriving))
        await ours.ping()  # and so the reader over there has begun
        ours.send(m.GetAddr())
        assert await first == m.GetAddr()
        await arriving.aclose()


# The end.


@on_loop
async def test_everything_that_waits_fails_at_once_when_the_remote_goes() -> None:
    async with peers() as (ours, theirs):
        waiting = await waiting_for_everything(ours)
        await theirs.close()
        failures = await waiting
        assert [type(failure) for failure in failures] == [PeerGone] * 4
        assert "the remote closed the connection" in str(failures[0])
        assert ours.disconnected is not None
        assert ours.disconnected.reason is Reason.REMOTE_CLOSED


@on_loop
async def test_everything_that_waits_fails_at_once_when_the_connection_breaks() -> None:
    async with peers() as (ours, theirs):
        waiting = await waiting_for_everything(ours)
        linger = b"\x01\0\0\0\0\0\0\0"  # on, 0 s: closing sends a reset
        theirs._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        theirs._connection.close()
        assert [type(failure) for failure in await waiting] == [PeerGone] * 4


@on_loop
async def test_everything_that_waits_fails_at_once_when_we_close() -> None:
    async with peers() as (ours, _):
        waiting = await waiting_for_everything(ours)
        await ours.close()
        assert [type(failure) for failure in await waiting] == [PeerGone] * 4
        with pytest.raises(PeerGone, match="closed by us"):
            await ours.request_headers(GENESIS)
        with pytest.raises(PeerGone):
            ours.send(m.GetAddr())


@on_loop
async def test_unanswered_headers_time_out_and_what_else_waited_is_gone() -> None:
    async with peers(config(headers_timeout=0.05)) as (ours, _):
        headers, *others = await everything(ours)
        assert isinstance(headers, RequestTimeout)
        assert [type(other) for other in others] == [PeerGone] * 3
        assert ours.disconnected is not None
        assert ours.disconnected.reason is Reason.STALLED


@on_loop
async def test_unanswered_blocks_time_out() -> None:
    async with peers(config(batch_timeout=0.05)) as (ours, _):
        _, blocks, *_ = await everything(ours)
        assert isinstance(blocks, RequestTimeout)


@on_loop
async def test_unanswered_addresses_time_out_and_the_peer_stays() -> None:
    async with peers(config(addresses_timeout=0.05)) as (ours, _):
        with pytest.raises(RequestTimeout):
            await ours.request_addresses()
        assert await ours.ping() > 0


@on_loop
async def test_remote_that_breaks_the_protocol_is_named_as_the_cause() -> None:
    async with peers() as (ours, theirs):
        waiting = await waiting_for_everything(ours)
        theirs._connection.write([b"garbage"])
        failure = (await waiting)[0]
        assert isinstance(failure, PeerGone)
        assert "wrong magic" in str(failure.__cause__)


@on_loop
async def test_fifty_peers_dropped_at_once_leave_nothing() -> None:
    async with contextlib.AsyncExitStack() as stack:
        pairs = [await stack.enter_async_context(peers()) for _ in range(50)]
        waiting = [asyncio.create_task(ours.request_headers(GENESIS)) for ours, _ in pairs]
        await asyncio.gather(*(ours.ping() for ours, _ in pairs))
        for _, theirs in pairs:
            theirs._connection.close()
        failures = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(failure) for failure in failures} == {PeerGone}


@on_loop
async def test_peer_that_nobody_closed_ends_with_its_loop() -> None:
    """`on_loop` would find its socket; asyncio.run cancels its task."""
    dialled, accepted = await socket_pair()
    ours, theirs = Peer(dialled, config=SILENT), Peer(accepted, inbound=True, config=SILENT)
    await asyncio.gather(ours.run(), theirs.run())
    for peer in (ours, theirs):
        assert peer._life is not None
        peer._life.cancel()
        await asyncio.wait([peer._life])
        await asyncio.wait([peer._connection.closed])
    assert dialled.fileno() == accepted.fileno() == -1


# messages()


@on_loop
async def test_messages_come_in_order_and_end_when_we_close() -> None:
    async with peers() as (ours, theirs):
        arriving = ours.messages()
        first = asyncio.create_task(anext(arriving))
        await ours.ping()
        for number in range(100):
            theirs.send(m.Unknown("toy200", bytes([number])))
        received = [await first] + [await anext(arriving) for _ in range(99)]
        assert received == [m.Unknown("toy200", bytes([number])) for number in range(100)]
        await ours.close()
        with pytest.raises(StopAsyncIteration):
            await anext(arriving)


@on_loop
async def test_messages_give_the_rest_and_then_fail_when_the_remote_goes() -> None:
    async with peers() as (ours, theirs):
        arriving = ours.messages()
        first = asyncio.create_task(anext(arriving))
        await ours.ping()
        theirs.send(m.GetAddr())
        theirs.send(m.Unknown("toy200", b"last"))
        await theirs.close()
        assert await first == m.GetAddr()
        assert await anext(arriving) == m.Unknown("toy200", b"last")
        with pytest.raises(PeerGone):
            await anext(arriving)
        with pytest.raises(PeerGone):
            await anext(ours.messages())


@on_loop
async def test_stats_are_those_of_the_connection_and_stay_after_its_end() -> None:
    async with peers(theirs=serving(CHAIN)) as (ours, theirs):
        taken = [await ours.ping(), await ours.ping()]
        await ours.request_headers(GENESIS)
        stats = ours.stats
        assert stats.received["pong"].messages == stats.sent["ping"].messages == 2
        assert stats.sent["ping"].bytes == theirs.stats.received["ping"].bytes
        assert (stats.round_trips.last, stats.round_trips.least) == (taken[1], min(taken))
        assert stats.round_trips.average == sum(taken) / 2
        assert stats.requests[RequestKind.HEADERS].settled == 1
        assert ours.info.headway.ended is None
    assert ours.stats is stats
    assert (stats.ended, stats.message) == (Reason.REQUESTED, "closed by us")
    with pytest.raises(AttributeError):
        ours.stats = stats  # type: ignore[misc]


@on_loop
async def test_disconnect_is_told_once_and_last() -> None:
    told: list[object] = []
    ours = LocalConfig(
        network=TOYNET,
        on_addr=lambda _peer, message: told.append(message),
        on_disconnect=lambda _peer, event: told.append(event),
    )
    async with peers(ours) as (peer, theirs):
        theirs.send(m.Addr((ADDRESS,)))
        await theirs.close()
        assert peer._life is not None
        await asyncio.wait([peer._life])
    assert told == [m.Addr((ADDRESS,)), PeerDisconnected(Reason.REMOTE_CLOSED, "the remote closed the connection")]
