"""Callbacks: in order of arrival, one after another; also when they are slow, fail, or wait for their own peer."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from headway.aio.config import LocalConfig
from headway.aio.consumers import CALLBACK_OF, Consumers
from headway.aio.peer import Peer
from headway.errors import LocalProtocolError, PeerGone
from headway.peer.events import PeerDisconnected, Reason
from headway.peer.inbox import MAX_MESSAGES
from headway.types import Address, BlockId
from headway.wire import messages as m
from tests.loopback import ADDRESS, TRANSACTION, on_loop, peers, serving
from tests.toynet import GENESIS, PARSER, TOYNET, TX, toy_chain, toy_hash, toy_headers

CHAIN = toy_chain(3)
START = BlockId(-1, GENESIS.hash)
EVERY: list[m.Message] = [
    toy_headers(CHAIN),
    m.Block(CHAIN[0], PARSER),
    m.Inv((m.InvEntry(TX, TRANSACTION.txid),)),
    TRANSACTION,
    m.Addr((ADDRESS,)),
    m.GetHeaders((START,)),
    m.GetData((m.InvEntry(TX, TRANSACTION.txid),)),
    m.GetAddr(),
    m.GetBlocks((START,)),
]
"""One message for each callback."""


async def ended(peer: Peer) -> PeerDisconnected:
    """Wait until nothing of a peer is left; why it ended."""
    assert peer._life is not None
    await asyncio.wait([peer._life])
    assert peer.disconnected is not None
    return peer.disconnected


@on_loop
async def test_each_callback_gets_its_message_in_order_of_arrival() -> None:
    got: list[tuple[str, Any]] = []

    def noting(name: str) -> Any:
        def plain(peer: Peer, message: Any) -> None:
            assert isinstance(peer, Peer)
            got.append((name, message))

        async def asynchronous(peer: Peer, message: Any) -> None:
            await asyncio.sleep(0)
            plain(peer, message)

        return asynchronous if len(name) % 2 else plain

    config: dict[str, Any] = {name: noting(name) for name in CALLBACK_OF.values()}
    async with peers(LocalConfig(network=TOYNET, **config)) as (ours, theirs):
        for message in EVERY:
            theirs.send(message)
        await theirs.close()
        event = await ended(ours)
    assert got == [(CALLBACK_OF[type(message)], message) for message in EVERY] + [("on_disconnect", event)]


@on_loop
async def test_reply_settles_its_request_and_runs_the_callback_too() -> None:
    seen = asyncio.get_running_loop().create_future()
    ours = LocalConfig(network=TOYNET, on_headers=lambda _peer, headers: seen.set_result(headers))
    async with peers(ours, serving(CHAIN)) as (peer, _):
        assert await peer.request_headers(GENESIS) == await seen


@on_loop
async def test_callback_may_await_replies_of_its_own_peer() -> None:
    got = asyncio.get_running_loop().create_future()

    async def on_addr(peer: Peer, _message: m.Addr) -> None:
        headers = await peer.request_headers(GENESIS)
        got.set_result([block.hash async for block in peer.request_blocks(headers)])

    async with peers(LocalConfig(network=TOYNET, on_addr=on_addr), serving(CHAIN)) as (_, theirs):
        theirs.send(m.Addr((ADDRESS,)))
        assert await got == [toy_hash(block) for block in CHAIN]


@on_loop
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_exception_in_a_callback_is_logged_and_ends_its_peer(
    caplog: pytest.LogCaptureFixture, asynchronous: bool
) -> None:
    called = []

    def fails(_peer: Peer, message: Any) -> None:
        called.append(message)
        raise ZeroDivisionError

    async def fails_later(peer: Peer, message: Any) -> None:
        fails(peer, message)

    config = LocalConfig(
        network=TOYNET,
        on_addr=fails_later if asynchronous else fails,
        on_disconnect=lambda _peer, event: called.append(event),
    )
    with caplog.at_level(logging.ERROR, "headway"):
        async with peers(config) as (ours, theirs):
            waiting = asyncio.create_task(ours.request_transaction(bytes(32)))
            theirs.send(m.Addr((ADDRESS,)))
            theirs.send(m.Addr((ADDRESS, ADDRESS)))
            event = await ended(ours)
            with pytest.raises(PeerGone, match="ZeroDivisionError in a callback"):
                await waiting
    assert event.reason is Reason.CALLBACK_FAILED
    assert called == [m.Addr((ADDRESS,)), event]  # what stood behind it was not called, but the end was told
    assert "ZeroDivisionError" in caplog.text


@on_loop
async def test_callback_whose_peer_goes_while_it_waits_for_it_is_not_a_failed_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = asyncio.Event()

    async def on_addr(peer: Peer, _message: m.Addr) -> None:
        await peer.request_transaction(bytes(32))

    remote = LocalConfig(network=TOYNET, on_getdata=lambda _peer, _message: asked.set())
    async with peers(LocalConfig(network=TOYNET, on_addr=on_addr), remote) as (ours, theirs):
        theirs.send(m.Addr((ADDRESS,)))
        await asked.wait()
        await theirs.close()
        assert (await ended(ours)).reason is Reason.REMOTE_CLOSED
    assert caplog.text == ""


@on_loop
async def test_callback_may_close_its_own_peer() -> None:
    async def on_addr(peer: Peer, _message: m.Addr) -> None:
        await peer.close()

    async with peers(LocalConfig(network=TOYNET, on_addr=on_addr)) as (ours, theirs):
        theirs.send(m.Addr((ADDRESS,)))
        assert (await ended(ours)).reason is Reason.REQUESTED


@on_loop
async def test_full_backlog_stops_the_socket_and_all_arrives_in_the_end() -> None:
    """The remote's bytes wait at the remote, not with us."""
    go_on = asyncio.Event()
    got: list[int] = []

    async def on_addr(_peer: Peer, message: m.Addr) -> None:
        await go_on.wait()
        got.append(message.addresses[0].port)

    async with peers(LocalConfig(network=TOYNET, on_addr=on_addr)) as (ours, theirs):
        count = 40_000
        for number in range(count):
            theirs.send(m.Addr((Address("192.0.2.1", number + 1),)))
            if number % 1_000 == 0:
                await asyncio.sleep(0)
        await until_stopped(ours)
        one_read_more = 256 * 1024 // 20
        assert len(ours._consumers._calls) < MAX_MESSAGES + one_read_more
        go_on.set()
        await theirs.ping()  # the pong stands behind all callbacks
        assert got == list(range(1, count + 1))


async def until_stopped(peer: Peer) -> None:
    """Wait until a peer's socket is not read any more."""
    transport = peer._connection._transport
    assert transport is not None
    while transport.is_reading():  # noqa: ASYNC110  # asyncio tells nobody
        await asyncio.sleep(0)


@on_loop
async def test_one_who_awaits_a_reply_behind_his_own_full_backlog_is_told_so() -> None:
    async with peers() as (ours, theirs):
        arriving = ours.messages()
        first = asyncio.create_task(anext(arriving))
        await ours.ping()
        theirs.send(m.GetAddr())
        await first
        for _ in range(MAX_MESSAGES + 10):
            theirs.send(m.GetAddr())
        arriving_again = asyncio.create_task(one_of_two(arriving, ours))
        with pytest.raises(LocalProtocolError, match="another task"):
            await arriving_again
        await arriving.aclose()
        assert await ours.ping() > 0  # who does not read any more does not stop anybody


async def one_of_two(arriving: Any, peer: Peer) -> None:
    """Takes one message and then, without taking the others, waits for what comes behind them."""
    await anext(arriving)
    await peer.request_transaction(bytes(32))


@on_loop
async def test_message_that_is_read_costs_the_peer_nothing_unless_it_makes_room() -> None:
    """What iterating over a thousand messages asked of the machine for each of them was most of its price."""
    changes: list[int] = []
    consumers = Consumers(LocalConfig(network=TOYNET), lambda: changes.append(1))
    arriving = consumers.messages()
    first = asyncio.create_task(anext(arriving))
    await asyncio.sleep(0)
    for _ in range(MAX_MESSAGES - 1):
        consumers.deliver(m.GetAddr())
    await first
    for _ in range(MAX_MESSAGES - 2):
        await anext(arriving)
    assert changes == []
    await arriving.aclose()
    assert changes == [1]  # who reads no more may have been what stopped the socket
