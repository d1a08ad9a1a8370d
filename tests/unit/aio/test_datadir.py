"""A node and its data directory over real sockets and files: pruning, damage, a full disk, and clocks that jump."""

from __future__ import annotations

import errno
import functools
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from headway.aio.dial import connect
from headway.aio.node import Node
from headway.chain.blocks import KEPT
from headway.cli.verify.directory import judge_directory
from headway.cli.verify.report import Report
from headway.errors import ConfigError, StoreError
from headway.node.orders import BlockConnected, BlockDisconnected
from headway.store import DiskFull, Durability, Store
from headway.store.disk import Disk
from headway.types import Address, Services
from tests.crashes import FailingDisk
from tests.loopback import ToyServer, on_loop
from tests.toynet import GENESIS_BLOCK, TOYNET, toy_chain, toy_hash

CHAIN = toy_chain(700, transaction_size=100)
SIZE = len(CHAIN[0]) + 8
"""Bytes that a block takes on disk."""
SHORT = CHAIN[:120]


def node(server: ToyServer, datadir: Path, **options: Any) -> Node:
    return Node(network=TOYNET, connect=[server.address], datadir=datadir, **options)


async def heights(events: AsyncIterator[BlockConnected | BlockDisconnected], count: int) -> list[int]:
    """Of the next events, minus one block's taken back."""
    return [(await anext(events)).id.height for _ in range(count)]


def heights_stored(datadir: Path) -> list[int]:
    with Store.open(datadir, TOYNET, readonly=True) as store:
        return sorted(store.tree.height(position) for position in store.stored_positions())


def room_taken(datadir: Path) -> int:
    return sum(file.stat().st_size for file in datadir.glob("blocks/blk*.dat"))


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


# Pruning.


@on_loop
async def test_a_pruned_sync_keeps_the_last_blocks_in_about_the_room_that_it_was_given(tmp_path: Path) -> None:
    room = 320 * SIZE
    async with ToyServer(CHAIN[:650]) as server:
        async with node(server, tmp_path, prune=room) as ours:
            await ours.synced()
            assert ours.status().tip.height == 650
        kept = heights_stored(tmp_path)
        assert set(kept) >= set(range(650 - KEPT + 1, 651))
        assert room_taken(tmp_path) <= room + 80 * SIZE  # files are an eighth of the room, and only whole ones go
        server.chain.extend(CHAIN[650:])
        async with node(server, tmp_path, prune=room) as ours:
            await ours.synced()
            assert (ours.status().blocks, ours.status().tip.height) == (50, 700)
        assert set(heights_stored(tmp_path)) >= set(range(700 - KEPT + 1, 701))
        async with node(server, tmp_path) as ours:  # one that keeps all fetches nothing that was pruned
            await ours.synced()
            assert ours.status().blocks == 0
    report = Report()
    judge_directory(tmp_path, TOYNET, time.time(), report)
    assert (report.headers, report.blocks) == (700, len(heights_stored(tmp_path)))
    assert 0 < report.pruned_below <= 700 - KEPT + 1


@on_loop
async def test_what_was_pruned_cannot_be_followed_and_what_was_not_can(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server:
        async with node(server, tmp_path, prune=1, durability="none") as ours:
            await ours.synced()
            await ours.until(lambda: ours.machine.sync.chain.pruned_below == 700 - KEPT + 1)
            first = ours.machine.sync.chain.pruned_below
            with pytest.raises(StoreError, match=f"blocks below height {first} were pruned: follow from there on"):
                await anext(ours.follow(first - 1))
            async with aclosing(ours.follow(first)) as events:
                assert await heights(events, KEPT) == list(range(first, 701))
        assert heights_stored(tmp_path) == list(range(first, 701))


@on_loop
async def test_nothing_is_pruned_that_a_follower_has_not_read(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server, node(server, tmp_path, prune=1, durability="none") as ours:
        chain = ours.machine.sync.chain
        async with aclosing(ours.follow()) as events:
            assert await heights(events, 1) == [0]
            await ours.synced()
            assert chain.pruned_below == 0
            assert await heights(events, 500) == list(range(1, 501))
            await ours.until(lambda: chain.pruned_below > 0)
            assert chain.pruned_below <= 501 - KEPT
            assert await heights(events, 200) == list(range(501, 701))
        await ours.until(lambda: chain.pruned_below > 700 - 2 * KEPT)


@on_loop
async def test_a_follower_that_ended_may_go_on_where_it_was(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server:
        async with node(server, tmp_path, prune=1, durability="none") as ours:
            async with aclosing(ours.follow()) as events:
                await heights(events, 450)
            await ours.synced()
            async with aclosing(ours.follow(450)) as events:
                assert await heights(events, 3) == [450, 451, 452]
        async with node(server, tmp_path, prune=1, durability="none") as ours:
            ours.driver.after_input()  # nobody has asked for anything yet
            assert ours.machine.sync.chain.keep_from == 0
            async with aclosing(ours.follow(453)) as events:
                assert await heights(events, 2) == [453, 454]


@on_loop
async def test_a_pruned_node_says_that_it_has_the_last_blocks_only(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server, node(server, tmp_path, prune=1, durability="none") as ours:
        await ours.synced()
        await ours.until(lambda: ours.machine.sync.chain.pruned_below == 700 - KEPT + 1)
    anywhere = Address("127.0.0.1", 0)
    async with Node(network=TOYNET, peers=0, datadir=tmp_path, bind=anywhere) as serving:
        assert serving.listening is not None
        async with connect(serving.listening, network=TOYNET) as peer:
            assert int(peer.info.services, 16) == Services.NETWORK_LIMITED | Services.WITNESS
            stream = peer.request_blocks([toy_hash(CHAIN[height - 1]) for height in (5, 600, 700)])
            assert [bytes(block) async for block in stream] == [CHAIN[599], CHAIN[699]]
            assert [request.hash for request in stream.missing] == [toy_hash(CHAIN[4])]
    async with Node(
        network=TOYNET, peers=0, datadir=tmp_path / "new", bind=anywhere, prune=1, durability="none"
    ) as serving:
        assert serving.listening is not None
        async with connect(serving.listening, network=TOYNET) as peer:
            assert int(peer.info.services, 16) == Services.NETWORK_LIMITED | Services.WITNESS


# Damage.


@on_loop
async def test_a_block_that_is_damaged_is_fetched_again_when_it_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with ToyServer(SHORT) as server, node(server, tmp_path) as ours:
        await ours.synced()
        for number in (3, 50):
            flip(tmp_path / "blocks/blk00000.dat", number * SIZE + 60)
        async with aclosing(ours.follow()) as events:
            followed = [await anext(events) for _ in range(121)]
        assert [event.id.height for event in followed] == list(range(121))
        assert [bytes(event.block) for event in followed if event.block] == [GENESIS_BLOCK, *SHORT]  # type: ignore[union-attr]
        assert ours.status().blocks == 122
        assert caplog.text.count("is lost, and fetched again") == 2
    report = Report()
    judge_directory(tmp_path, TOYNET, time.time(), report)
    assert report.blocks == 120


@on_loop
async def test_a_file_of_blocks_that_is_gone_is_fetched_again(tmp_path: Path) -> None:
    async with ToyServer(SHORT) as server, node(server, tmp_path) as ours:
        await ours.synced()
        (tmp_path / "blocks/blk00000.dat").unlink()
        async with aclosing(ours.follow(100)) as events:
            assert await heights(events, 21) == list(range(100, 121))


@on_loop
async def test_a_block_that_is_damaged_is_not_served_and_fetched_again(tmp_path: Path) -> None:
    async with ToyServer(SHORT) as server, node(server, tmp_path, bind=Address("127.0.0.1", 0)) as ours:
        await ours.synced()
        assert ours.listening is not None
        flip(tmp_path / "blocks/blk00000.dat", 3 * SIZE + 60)
        async with connect(ours.listening, network=TOYNET) as peer:
            stream = peer.request_blocks([toy_hash(SHORT[3])])
            assert [block async for block in stream] == []
            await ours.until(lambda: ours.status().blocks == 121)
            stream = peer.request_blocks([toy_hash(SHORT[3])])
            assert [bytes(block) async for block in stream] == [SHORT[3]]


@on_loop
async def test_headers_behind_damage_are_fetched_again_and_their_blocks_are_not(tmp_path: Path) -> None:
    async with ToyServer(SHORT[:60]) as server:
        for _ in range(2):
            async with node(server, tmp_path) as ours:
                await ours.synced()
            server.chain[:] = SHORT
        flip(tmp_path / "headers.bin", 150)
        async with node(server, tmp_path, headers_only=True) as ours:  # else it may ask for blocks before it has looked
            assert "will be fetched again" in ours.repairs[0]
            await ours.synced()
            assert (ours.status().headers, ours.status().header_tip.height) == (120, 120)
        async with node(server, tmp_path) as ours:
            assert ours.repairs == ()
            await ours.synced()
            assert ours.status().blocks == 0
    assert heights_stored(tmp_path) == list(range(1, 121))


@on_loop
async def test_blocks_whose_headers_come_back_are_found_in_the_same_run(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server:
        async with node(server, tmp_path) as ours:
            await ours.synced()
        room = room_taken(tmp_path)
        flip(tmp_path / "headers.bin", 150)
        async with node(server, tmp_path) as ours:
            await ours.synced()
            assert ours.status().headers == 700
    assert heights_stored(tmp_path) == list(range(1, 701))
    assert room_taken(tmp_path) == room  # blocks that were asked for before the store had looked are not stored twice


# A full disk.


@on_loop
async def test_a_full_disk_ends_the_node_and_the_next_goes_on_where_it_ended(tmp_path: Path) -> None:
    async with ToyServer(SHORT) as server:
        disk = FailingDisk(errno.ENOSPC, room=10_000)
        with pytest.raises(DiskFull, match=r"bytes were to be written, [\d,]+ are free; free some space"):
            async with node(server, tmp_path, open_store=functools.partial(Store.open, disk=disk)) as ours:
                await ours.synced()
        stored = len(heights_stored(tmp_path))
        assert 0 < stored < 120
        async with node(server, tmp_path) as ours:
            assert ours.repairs == ()
            await ours.synced()
            assert ours.status().blocks == 120 - stored


@on_loop
async def test_a_flush_that_fails_ends_the_node_though_nothing_is_written_any_more(tmp_path: Path) -> None:
    disk = FailingDisk(errno.EIO)
    async with ToyServer(SHORT) as server:
        with pytest.raises(StoreError, match="the disk reports errors"):  # noqa: PT012  # closing it raises, too
            async with node(server, tmp_path, open_store=functools.partial(Store.open, disk=disk)) as ours:
                await ours.synced()
                disk.cannot_sync = True
                await ours.until(lambda: False)


# When the medium is waited for.


class Flushes(Disk):
    def __init__(self) -> None:
        self.count = 0

    def sync(self, fd: int) -> None:
        self.count += 1
        super().sync(fd)


@pytest.mark.parametrize(
    ("durability", "least", "most"),
    [(Durability.NONE, 0, 0), (Durability.BATCH, 3, 12), (Durability.BLOCK, 240, 260)],
)
@on_loop
async def test_how_often_the_medium_is_waited_for_is_a_matter_of_durability(
    tmp_path: Path, durability: Durability, least: int, most: int
) -> None:
    disk = Flushes()
    open_store = functools.partial(Store.open, disk=disk, durability=durability)
    async with ToyServer(SHORT) as server:
        started = time.monotonic()
        async with node(server, tmp_path, open_store=open_store) as ours:
            await ours.synced()
        seconds = time.monotonic() - started
    assert least <= disk.count <= most + (3 * seconds if most else 0)  # three files a second


@on_loop
async def test_what_was_written_is_on_the_medium_a_second_later_though_nothing_more_comes(tmp_path: Path) -> None:
    disk = Flushes()
    async with (
        ToyServer(SHORT) as server,
        node(server, tmp_path, open_store=functools.partial(Store.open, disk=disk)) as ours,
    ):
        await ours.synced()
        before = disk.count
        server.chain.extend(CHAIN[120:121])
        server.announce()
        await ours.until(lambda: disk.count >= before + 3)  # headers, blocks, index: looked at after each of its ticks


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"durability": "always"}, "durability is one of none, batch, block, not 'always'"), ({"prune": 0}, "not 0")],
)
def test_a_policy_that_there_is_not_is_a_config_error_at_once(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Node(network=TOYNET, **options)


# Clocks that jump.


@on_loop
async def test_a_wall_clock_that_jumps_to_and_fro_disturbs_no_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    clock = itertools.cycle([now, now + 3e8, 1_650_000_000.0, now - 86_400, now + 7_200])  # all behind the chain's end
    monkeypatch.setattr(time, "time", lambda: next(clock))
    async with ToyServer(SHORT[:100]) as server:
        async with node(server, tmp_path) as ours:
            await ours.synced()
            server.chain.extend(SHORT[100:])
            server.announce()
            await ours.until(lambda: ours.status().tip.height == 120)
            assert (ours.status().misbehaved, ours.status().stalls, ours.status().peers) == (0, 0, 1)
        async with node(server, tmp_path) as ours:
            await ours.synced()
            assert ours.status().blocks == 0
    assert heights_stored(tmp_path) == list(range(1, 121))
