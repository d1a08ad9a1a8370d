"""Blocks of one peer: in order of arrival, no more ahead than agreed, and what is missing at the end."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from headway.aio.config import LocalConfig
from headway.aio.peer import Peer
from headway.errors import LocalProtocolError, PeerGone
from headway.types import BlockId
from headway.wire import messages as m
from tests.loopback import on_loop, peers, serving
from tests.toynet import BLOCK, PARSER, TOYNET, toy_chain, toy_hash, toy_headers, toy_requests, toynet

CHAIN = toy_chain(120)
HASHES = [toy_hash(block) for block in CHAIN]


def counting(asked: list[int], **identity: Any) -> LocalConfig:
    """A remote that serves CHAIN and notes how many blocks each getdata asks for."""
    config = serving(CHAIN, **identity)
    serve = config.on_getdata
    assert serve is not None

    def on_getdata(peer: Peer, message: m.GetData) -> None:
        asked.append(len(message.entries))
        serve(peer, message)

    return serving(CHAIN, on_getdata=on_getdata)


@on_loop
@pytest.mark.parametrize(
    "wanted",
    [
        HASHES[:40],
        toy_headers(CHAIN)[:40],
        toy_requests(CHAIN)[:40],
        [BlockId(height, each) for height, each in enumerate(HASHES[:40], 1)],
    ],
    ids=["hashes", "headers", "requests", "ids"],
)
async def test_blocks_may_be_named_in_any_way(wanted: Any) -> None:
    async with peers(theirs=serving(CHAIN)) as (ours, _):
        stream = ours.request_blocks(wanted)
        assert [bytes(block) async for block in stream] == CHAIN[:40]
        assert stream.missing == ()


@on_loop
async def test_what_the_remote_does_not_have_is_missing_at_the_end() -> None:
    async with peers(theirs=serving(CHAIN)) as (ours, _):
        stream = ours.request_blocks([HASHES[0], b"\1" * 32, HASHES[1], b"\2" * 32])
        assert [block.hash async for block in stream] == HASHES[:2]
        assert [request.hash for request in stream.missing] == [b"\1" * 32, b"\2" * 32]


@on_loop
async def test_no_blocks_asked_ends_at_once_and_twice_the_same_is_once() -> None:
    async with peers(theirs=serving(CHAIN)) as (ours, _):
        assert [block async for block in ours.request_blocks([])] == []
        assert len([block async for block in ours.request_blocks([HASHES[0], HASHES[0]])]) == 1


@on_loop
async def test_nothing_is_asked_before_iteration_begins() -> None:
    asked: list[int] = []
    async with peers(theirs=counting(asked)) as (ours, _):
        ours.request_blocks(HASHES)
        await ours.ping()
        assert asked == []


@on_loop
async def test_slow_consumer_is_not_sent_more_than_was_asked_ahead() -> None:
    asked: list[int] = []
    network = toynet(limits=replace(TOYNET.limits, max_blocks_in_flight=16))
    async with peers(LocalConfig(network=network), counting(asked)) as (ours, _):
        blocks = aiter(ours.request_blocks(HASHES))
        await anext(blocks)
        for _ in range(3):
            await ours.ping()
        assert sum(asked) == 16
        for _ in range(119):
            await anext(blocks)
        assert sum(asked) == 120
        with pytest.raises(StopAsyncIteration):
            await anext(blocks)


@on_loop
async def test_leaving_the_loop_early_cancels_what_is_owed_and_the_peer_goes_on() -> None:
    async with peers(theirs=serving(CHAIN)) as (ours, _):
        async for block in ours.request_blocks(HASHES):
            assert block.hash == HASHES[0]
            break
        assert len([block async for block in ours.request_blocks(HASHES[10:30])]) == 20
        assert ours._feeds == ()


@on_loop
async def test_two_streams_of_one_peer_share_it_and_each_gets_its_own() -> None:
    async with peers(theirs=serving(CHAIN)) as (ours, _):

        async def hashes(wanted: list[bytes]) -> list[bytes]:
            return [block.hash async for block in ours.request_blocks(wanted)]

        both = list(await asyncio.gather(hashes(HASHES[:50]), hashes(HASHES[50:])))
        assert both == [HASHES[:50], HASHES[50:]]


@on_loop
async def test_peer_that_goes_gives_what_came_and_then_fails_naming_what_is_missing() -> None:
    def on_getdata(peer: Peer, _message: m.GetData) -> None:
        for each in CHAIN[:5]:
            peer.send(m.Block(each, PARSER))

    async with peers(theirs=serving(CHAIN, on_getdata=on_getdata)) as (ours, theirs):
        stream = ours.request_blocks(HASHES[:8])
        blocks = aiter(stream)
        first = await anext(blocks)
        await ours.ping()
        await theirs.close()
        assert [first.hash] + [(await anext(blocks)).hash for _ in range(4)] == HASHES[:5]
        with pytest.raises(PeerGone):
            await anext(blocks)
        assert [request.hash for request in stream.missing] == HASHES[5:8]


@on_loop
async def test_stream_of_a_peer_that_has_gone_fails_at_once() -> None:
    async with peers(theirs=serving(CHAIN)) as (ours, _):
        stream = ours.request_blocks(HASHES)
        await ours.close()
        with pytest.raises(PeerGone):
            await anext(aiter(stream))
        assert len(stream.missing) == len(HASHES)


@on_loop
async def test_stream_before_the_handshake_is_the_callers_mistake() -> None:
    async with peers() as (ours, _):
        stream = ours.request_blocks([b"short"])
        with pytest.raises(LocalProtocolError, match="32 bytes"):
            await anext(aiter(stream))


@on_loop
async def test_block_that_nobody_asked_for_is_no_part_of_a_stream() -> None:
    def on_getdata(peer: Peer, message: m.GetData) -> None:
        peer.send(m.Block(CHAIN[99], PARSER))
        for entry in message.entries:
            assert entry.type == BLOCK
            peer.send(m.Block(CHAIN[HASHES.index(entry.hash)], PARSER))

    unasked: list[m.Block] = []
    ours = LocalConfig(network=TOYNET, on_block=lambda _peer, block: unasked.append(block))
    async with peers(ours, serving(CHAIN, on_getdata=on_getdata)) as (peer, _):
        async with aclosing(aiter(peer.request_blocks(HASHES[:3]))) as blocks:  # type: ignore[type-var]
            assert [block.hash async for block in blocks] == HASHES[:3]
        await peer.ping()
        assert [block.hash for block in unasked] == [HASHES[99], *HASHES[:3]]  # callbacks see all that comes
