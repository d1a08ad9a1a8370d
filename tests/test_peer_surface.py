"""What a user asks of a peer and tells it: every form of a question, every field of his config, and after the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeVar

import pytest

from headway import blocking
from headway.aio.config import LocalConfig
from headway.aio.peer import Peer
from headway.errors import HandshakeRejected, PeerGone
from headway.networks.bitcoin import REGTEST
from headway.peer.config import PeerConfig
from headway.peer.events import PeerDisconnected, Reason
from headway.types import BlockId, Locator
from headway.wire import messages as m
from tests.farend import FarEnd
from tests.farend import socket_pair as plain_pair
from tests.loopback import TRANSACTION, on_loop, peers, serving, socket_pair
from tests.toynet import GENESIS, TOYNET, toy_chain, toy_hash, toynet

CHAIN = toy_chain(40)
SECOND = toy_hash(CHAIN[1])
T = TypeVar("T")


async def first_of(items: AsyncGenerator[T, None]) -> T:
    async for item in items:
        return item
    raise AssertionError("it ended without one")


# Questions.


@on_loop
@pytest.mark.parametrize(
    "start",
    [SECOND, BlockId(2, SECOND), (BlockId(2, SECOND), GENESIS), (BlockId(-1, bytes(32)), BlockId(2, SECOND))],
    ids=["hash", "id", "locator", "locator that begins elsewhere"],
)
async def test_headers_follow_a_hash_an_id_or_a_locator(start: Locator | BlockId | bytes) -> None:
    async with peers(theirs=serving(CHAIN)) as (ours, _):
        headers = await ours.request_headers(start)
        assert [header.hash for header in headers] == [toy_hash(block) for block in CHAIN[2:]]


@on_loop
async def test_every_reader_gets_every_message_replies_included() -> None:
    async with peers(theirs=serving(CHAIN)) as (ours, theirs):
        readers = [asyncio.create_task(first_two(ours)) for _ in range(2)]
        await ours.ping()
        headers = await ours.request_headers(GENESIS)
        theirs.send(m.GetAddr())
        assert await asyncio.gather(*readers) == [[headers, m.GetAddr()]] * 2


async def first_two(peer: Peer) -> list[m.Message]:
    arriving = peer.messages()
    found = [await anext(arriving), await anext(arriving)]
    await arriving.aclose()
    return found


@on_loop
async def test_reader_that_leaves_its_loop_stops_nobody() -> None:
    async with peers() as (ours, theirs):
        reading = asyncio.create_task(first_of(ours.messages()))
        await ours.ping()
        theirs.send(m.GetAddr())
        assert await reading == m.GetAddr()
        await asyncio.sleep(0)
        for _ in range(5_000):
            theirs.send(m.GetAddr())
        assert await ours.ping() > 0


@on_loop
async def test_requests_that_wait_for_their_turn_fail_with_those_that_are_out() -> None:
    async with peers() as (ours, theirs):
        waiting = [asyncio.create_task(ours.request_headers(GENESIS)) for _ in range(5)]
        await ours.ping()
        await theirs.close()
        assert [type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)] == [PeerGone] * 5


QUESTIONS: dict[str, Callable[[Peer], Awaitable[Any]]] = {
    "ping": Peer.ping,
    "request_headers": lambda peer: peer.request_headers(GENESIS),
    "request_blocks": lambda peer: anext(aiter(peer.request_blocks([SECOND]))),
    "request_addresses": Peer.request_addresses,
    "request_transaction": lambda peer: peer.request_transaction(TRANSACTION.txid),
    "messages": lambda peer: anext(peer.messages()),
}


@on_loop
@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
async def test_whatever_is_asked_of_a_peer_that_has_gone_fails_at_once(
    question: Callable[[Peer], Awaitable[Any]],
) -> None:
    """The ancestor's request after a disconnect blocked for ever."""
    async with peers() as (ours, _):
        await ours.close()
        with pytest.raises(PeerGone, match="closed by us"):
            await question(ours)
        with pytest.raises(PeerGone, match="closed by us"):
            ours.send(m.GetAddr())


# Who we are.


@on_loop
async def test_remote_is_told_what_the_config_says() -> None:
    """Over Bitcoin, whose version has a place for all but the port."""
    heights = iter((7, 8))
    config = LocalConfig(
        network=REGTEST,
        user_agent="/mine:1/",
        services=9,
        nonce=5,
        protocol_version=70_015,
        relay=True,
        start_height=lambda: next(heights),
    )
    for height in (7, 8):  # asked anew for each connection
        async with peers(config, LocalConfig(network=REGTEST)) as (_, theirs):
            told = theirs.version
            assert told is not None
            assert (told.user_agent, told.services, told.nonce) == ("/mine:1/", 9, 5)
            assert (told.protocol, told.relay, told.start_height) == (70_015, True, height)


@on_loop
async def test_nonce_is_fresh_for_each_connection_unless_the_config_names_one() -> None:
    nonces = []
    for _ in range(3):
        async with peers(LocalConfig(network=REGTEST), LocalConfig(network=REGTEST)) as (_, theirs):
            assert theirs.version is not None
            nonces.append(theirs.version.nonce)
    assert len({*nonces, 0}) == 4


@on_loop
async def test_ids_are_unique_and_stable_also_among_blocking_peers() -> None:
    async with peers() as one, peers() as other:
        ids = [peer.id for peer in (*one, *other)]
        dialled, accepted = plain_pair()
        with accepted, blocking.Peer(dialled, config=PeerConfig(TOYNET)) as plain:
            FarEnd(accepted).shake()
            plain.handshake()
            ids.append(plain.id)
    assert ids[:4] == [peer.id for peer in (*one, *other)]
    assert [one[0].info.id, plain.info.id] == [ids[0], ids[4]]
    assert sorted(set(ids)) == ids  # one count for all, so that a line of the trace belongs to one connection


# The end of a handshake.


@on_loop
async def test_disconnect_is_told_also_when_the_handshake_never_was_done() -> None:
    told: list[PeerDisconnected] = []
    config = LocalConfig(network=toynet(), on_disconnect=lambda _peer, event: told.append(event))
    dialled, accepted = await socket_pair()
    peer = Peer(dialled, config=config)
    accepted.close()
    with pytest.raises(HandshakeRejected, match="before its version"):
        await peer.run()
    assert [event.reason for event in told] == [Reason.REMOTE_CLOSED]
