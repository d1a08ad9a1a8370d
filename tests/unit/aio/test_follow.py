"""The stream of a node's blocks, over real loopback sockets, threads and files: in order, reorganised, gone on with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from headway.aio.node import Node
from headway.errors import LocalProtocolError
from headway.node.orders import BlockConnected, BlockDisconnected
from headway.types import BlockId
from tests.loopback import ToyServer, on_loop
from tests.toynet import GENESIS_BLOCK, TOYNET, toy_chain, toy_hash

CHAIN = toy_chain(120)
FORK = [*CHAIN[:110], *toy_chain(15, salt=1, parent=CHAIN[109])]
"""Leaves CHAIN ten blocks below its tip, and is five blocks longer."""


def node(server: ToyServer, datadir: Path | None = None, **options: Any) -> Node:
    return Node(network=TOYNET, connect=[server.address], datadir=datadir, **options)


async def take(events: AsyncIterator[BlockConnected | BlockDisconnected], count: int) -> list[tuple[int, bytes | None]]:
    """Height and raw block of each event; None for a block taken back."""
    taken: list[tuple[int, bytes | None]] = []
    for _ in range(count):
        event = await anext(events)
        block = bytes(event.block) if isinstance(event, BlockConnected) and event.block is not None else None
        taken.append((event.id.height, block))
    return taken


def joined(chain: list[bytes], first: int = 0) -> list[tuple[int, bytes | None]]:
    """What `take` gives for the blocks of a chain from a height on."""
    blocks: list[bytes | None] = [GENESIS_BLOCK, *chain]
    return list(enumerate(blocks))[first:]


@on_loop
async def test_follow_gives_every_block_in_order_and_then_what_is_new() -> None:
    async with ToyServer(CHAIN[:100]) as server, node(server) as ours:
        events = ours.follow()
        assert await take(events, 101) == joined(CHAIN[:100])
        server.chain[:] = CHAIN
        server.announce()
        assert await take(events, 20) == joined(CHAIN, 101)
        await events.aclose()


@on_loop
async def test_follow_from_a_height_brings_no_block_below_it() -> None:
    async with ToyServer(CHAIN) as server, node(server) as ours:
        events = ours.follow(start=100)
        assert await take(events, 21) == joined(CHAIN, 100)
        assert ours.status().blocks == 21
        await events.aclose()


@on_loop
async def test_second_follower_may_start_lower_and_the_first_takes_nothing_back() -> None:
    async with ToyServer(CHAIN) as server, node(server) as ours:
        late, early = ours.follow(start=100), ours.follow(start=5)
        assert await take(late, 21) == joined(CHAIN, 100)
        assert await take(early, 116) == joined(CHAIN, 5)
        server.chain.extend(toy_chain(1, parent=CHAIN[-1]))
        server.announce()
        assert await take(late, 1) == await take(early, 1) == [(121, server.chain[-1])]
        for each in (late, early):
            await each.aclose()


@on_loop
async def test_follower_who_waits_is_given_nothing_back_when_another_starts_lower() -> None:
    """For a while then, the delivered chain ends far below the block that it was given last."""
    async with ToyServer(CHAIN) as server, node(server) as ours:
        late = ours.follow(start=100)
        await take(late, 21)
        waiting = asyncio.create_task(take(late, 1))
        early = ours.follow(start=5)
        assert await take(early, 116) == joined(CHAIN, 5)
        server.chain.extend(toy_chain(1, parent=CHAIN[-1]))
        server.announce()
        assert await waiting == [(121, server.chain[-1])]
        for each in (late, early):
            await each.aclose()


@on_loop
async def test_reorganisation_is_told_block_by_block_to_fast_and_slow_alike() -> None:
    async with ToyServer(CHAIN) as server, node(server) as ours:
        fast, slow, unaware = ours.follow(), ours.follow(), ours.follow()
        assert await take(fast, 121) == joined(CHAIN)
        assert await take(slow, 116) == joined(CHAIN[:115])
        assert await take(unaware, 100) == joined(CHAIN[:99])
        server.chain[:] = FORK
        server.announce()
        await ours.until(lambda: ours.status().tip.hash == toy_hash(FORK[-1]))
        back: list[tuple[int, bytes | None]] = [(height, None) for height in range(120, 110, -1)]
        assert await take(fast, 25) == [*back, *joined(FORK, 111)]
        assert await take(slow, 20) == [*back[5:], *joined(FORK, 111)]
        assert await take(unaware, 26) == joined(FORK, 100)  # it had none of what was taken back
        assert ours.status().reorgs == 1
        for each in (fast, slow, unaware):
            await each.aclose()


# Gone on with after a restart.


def at(chain: list[bytes], height: int) -> BlockId:
    return BlockId(height, toy_hash(chain[height - 1]))


async def stored(server: ToyServer, datadir: Path) -> None:
    async with node(server, datadir) as ours:
        await ours.synced()


@on_loop
async def test_it_goes_on_behind_the_last_block_that_was_processed(tmp_path: Path) -> None:
    """In its own directory, and in one that has nothing yet."""
    async with ToyServer(CHAIN) as server:
        await stored(server, tmp_path)
        for datadir in (tmp_path, None):
            async with node(server, datadir) as ours, aclosing(ours.follow(at(CHAIN, 100))) as events:
                assert await take(events, 20) == joined(CHAIN, 101)
                assert datadir is not None or ours.status().blocks == 20


@on_loop
async def test_a_block_that_was_reorganised_away_is_taken_back_down_to_the_fork(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server:
        await stored(server, tmp_path)
    async with ToyServer(FORK) as server:
        await stored(server, tmp_path)
        async with node(server, tmp_path) as ours, aclosing(ours.follow(at(CHAIN, 115))) as events:
            gone: list[tuple[int, bytes | None]] = [(height, None) for height in range(115, 110, -1)]
            assert await take(events, 5 + 15) == gone + joined(FORK, 111)


@on_loop
async def test_a_reorganisation_while_nobody_ran_is_told_too(tmp_path: Path) -> None:
    """The blocks of the fork are brought only now, and those that were left stay until they outweigh them."""
    async with ToyServer(CHAIN) as server:
        await stored(server, tmp_path)
    async with (
        ToyServer(FORK) as server,
        node(server, tmp_path) as ours,
        aclosing(ours.follow(at(CHAIN, 120))) as events,
    ):
        gone: list[tuple[int, bytes | None]] = [(height, None) for height in range(120, 110, -1)]
        assert await take(events, 10 + 15) == gone + joined(FORK, 111)


@on_loop
async def test_of_several_blocks_the_newest_that_is_known_counts_and_those_before_it_are_taken_back() -> None:
    """A directory that never saw the branch on which the consumer was."""
    blocks = (at(CHAIN, 120), at(CHAIN, 113), at(CHAIN, 108), at(CHAIN, 1))
    async with ToyServer(FORK) as server, node(server) as ours, aclosing(ours.follow(blocks)) as events:
        assert await take(events, 2 + 17) == [(120, None), (113, None), *joined(FORK, 109)]


@on_loop
async def test_a_block_that_nobody_knows_is_told_once_the_headers_are_current() -> None:
    async with ToyServer(FORK) as server, node(server) as ours:
        with pytest.raises(LocalProtocolError, match="at height 120 is on no chain that we know"):
            await anext(ours.follow(at(CHAIN, 120)))
        with pytest.raises(LocalProtocolError, match="no block to follow from"):
            await anext(ours.follow(()))


@on_loop
async def test_a_fork_below_where_it_went_on_is_followed_from_its_first_block_on() -> None:
    """Blocks are wanted from the last one processed on; the better chain leaves further down."""
    async with ToyServer(CHAIN) as server, node(server) as ours, aclosing(ours.follow(at(CHAIN, 118))) as events:
        assert await take(events, 2) == joined(CHAIN, 119)
        server.chain[:] = FORK
        server.announce()
        gone: list[tuple[int, bytes | None]] = [(height, None) for height in range(120, 110, -1)]
        assert await take(events, 10 + 15) == gone + joined(FORK, 111)
