"""Blocks and headers on demand, over real loopback sockets: from the store, from peers, and what nobody has."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from headway.aio.node import Node
from headway.errors import LocalProtocolError, RequestFailed
from headway.types import BlockId
from tests.loopback import ToyServer, on_loop
from tests.toynet import GENESIS_BLOCK, TOYNET, toy_chain, toy_hash

CHAIN = toy_chain(120)
FORK = [*CHAIN[:110], *toy_chain(15, salt=1, parent=CHAIN[109])]


def node(*servers: ToyServer, datadir: Path | None = None, **options: Any) -> Node:
    return Node(network=TOYNET, connect=[each.address for each in servers], datadir=datadir, **options)


@on_loop
async def test_a_block_is_had_by_height_by_hash_and_by_both_and_none_besides_is_brought() -> None:
    async with ToyServer(CHAIN) as server, node(server) as ours:
        for which in (100, toy_hash(CHAIN[99]), BlockId(100, toy_hash(CHAIN[99]))):
            assert bytes(await ours.block(which)) == CHAIN[99]
        assert bytes(await ours.block(0)) == GENESIS_BLOCK
        assert ours.status().blocks == 0
        assert len(ours.machine.sync.fetches) == 0


@on_loop
async def test_a_node_that_brings_headers_only_has_blocks_on_demand_all_the_same() -> None:
    async with ToyServer(CHAIN) as server, node(server, headers_only=True) as ours:
        assert [bytes(block) async for block in ours.blocks(90)] == CHAIN[89:]


@on_loop
async def test_a_range_comes_in_order_from_several_peers() -> None:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(ToyServer(CHAIN)) for _ in range(3)]
        ours = await stack.enter_async_context(node(*servers))
        await ours.until(lambda: ours.machine.ready_count == len(servers))
        assert [bytes(block) async for block in ours.blocks(5, 104)] == CHAIN[4:104]
        machines = [ours.machine.peer(number) for number in ours.machine.peer_ids]
        assert all(machine is not None and machine.stats.blocks > 0 for machine in machines)


@on_loop
async def test_what_is_stored_is_read_and_needs_no_peer(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server, node(server, datadir=tmp_path) as ours:
        await ours.synced()
    async with Node(network=TOYNET, peers=0, datadir=tmp_path) as ours:
        assert bytes(await ours.block(70)) == CHAIN[69]
        assert [bytes(block) async for block in ours.blocks(1, 120)] == CHAIN
        assert [header.hash async for header in ours.headers(1, 120)] == [toy_hash(block) for block in CHAIN]


@on_loop
async def test_headers_are_given_as_far_as_they_are_asked_or_come() -> None:
    async with ToyServer(CHAIN) as server, node(server, headers_only=True) as ours:
        hashes = [toy_hash(block) for block in (GENESIS_BLOCK, *CHAIN)]
        assert [header.hash async for header in ours.headers()] == hashes
        assert [header.hash async for header in ours.headers(10, 12)] == hashes[10:13]


@on_loop
async def test_what_is_on_no_chain_is_refused_with_the_reason() -> None:
    async with ToyServer(CHAIN) as server, node(server) as ours:
        with pytest.raises(LocalProtocolError, match="height 121 is above the tip, which is at 120"):
            await ours.block(121)
        with pytest.raises(LocalProtocolError, match="the chain begins at height 0, and -1 is below"):
            await ours.block(-1)
        with pytest.raises(LocalProtocolError, match="is on no chain that we know"):
            await ours.block(bytes(32))
        with pytest.raises(LocalProtocolError, match="is at height 100, not 99"):
            await ours.block(BlockId(99, toy_hash(CHAIN[99])))
        with pytest.raises(LocalProtocolError, match="is above the tip"):
            await anext(ours.blocks(100, 200))
        with pytest.raises(LocalProtocolError, match="-3 is below"):
            await anext(ours.headers(-3))


@on_loop
async def test_a_block_that_no_peer_gives_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.sync.fetch.PAUSE", 0.0)
    async with ToyServer(CHAIN) as server, node(server) as ours:
        await ours.until(lambda: ours.machine.sync.has_all_headers)
        server.chain[99:] = []
        with pytest.raises(RequestFailed, match=r"no peer gives block .* all that have its header were asked"):
            await ours.block(100)
        assert len(ours.machine.sync.fetches) == 0


@on_loop
async def test_a_range_is_of_the_chain_that_was_best_when_it_began_whatever_comes() -> None:
    async with ToyServer(CHAIN) as server, ToyServer(CHAIN) as other, node(server, other) as ours:
        blocks = ours.blocks(100, 120)
        assert bytes(await anext(blocks)) == CHAIN[99]
        server.chain[:] = FORK
        server.announce()
        await ours.until(lambda: ours.machine.tree.tip.height == len(FORK))
        assert [bytes(block) async for block in blocks] == CHAIN[100:]
        assert bytes(await ours.block(120)) == FORK[119]


@on_loop
async def test_who_leaves_a_range_leaves_nothing_behind() -> None:
    async with ToyServer(CHAIN) as server, node(server) as ours:
        blocks = ours.blocks(1)
        await anext(blocks)
        await blocks.aclose()
        assert len(ours.machine.sync.fetches) == 0
        waiting = asyncio.create_task(ours.block(1_000))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises((asyncio.CancelledError, LocalProtocolError)):
            await waiting
