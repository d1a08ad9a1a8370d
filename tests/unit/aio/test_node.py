"""The whole node over real loopback sockets, threads and files; the remote is a toy server that the test steers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import headway
from headway.aio.dial import connect
from headway.aio.node import Node
from headway.aio.peer import Peer
from headway.errors import ConfigError, LocalProtocolError, StoreError
from headway.networks import network_named
from headway.networks.bitcoin import REGTEST
from headway.node.orders import BlockConnected, BlockDisconnected
from headway.store import Store
from headway.store.peers import PeerStore
from headway.types import Address, Services
from headway.wire.messages import Addr
from tests.loopback import ToyServer, listen, on_loop
from tests.toynet import GENESIS_BLOCK, TOYNET, toy_block, toy_chain, toy_hash, toynet

CHAIN = toy_chain(120)
FORK = [*CHAIN[:110], *toy_chain(15, salt=1, parent=CHAIN[109])]
"""Leaves CHAIN ten blocks below its tip, and is five blocks longer."""
NO_SEEDS = toynet(fixed_seeds=())


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


# What it brings.


@on_loop
async def test_synced_means_every_block_is_stored_and_a_second_run_brings_nothing(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server:
        async with node(server, tmp_path) as ours:
            await ours.synced()
            status = ours.status()
            assert (status.headers, status.blocks, status.tip.height) == (120, 120, 120)
            assert status.tip.hash == toy_hash(CHAIN[-1])
            assert status.phase == "current"
            assert 0 < status.seconds < 60
        async with node(server, tmp_path) as ours:
            await ours.synced()
            assert (ours.status().headers, ours.status().blocks, ours.status().tip.height) == (0, 0, 120)
    with Store.open(tmp_path, TOYNET, readonly=True) as store:
        assert [store.get_block(toy_hash(block)) for block in CHAIN] == CHAIN


@on_loop
async def test_address_named_twice_is_connected_twice() -> None:
    async with (
        ToyServer(CHAIN) as server,
        Node(network=TOYNET, connect=[server.address, str(server.address)]) as ours,
    ):
        await ours.synced()
        assert ours.status().peers == 2
        infos = ours.peers()
        assert {info.addr for info in infos} == {str(server.address)}
        assert {(info.synced_headers, info.connection_type) for info in infos} == {(120, "manual")}


@on_loop
async def test_headers_only_brings_no_block_and_follows_none() -> None:
    async with ToyServer(CHAIN) as server, node(server, headers_only=True) as ours:
        await ours.synced()
        assert (ours.status().headers, ours.status().blocks, ours.status().tip.height) == (120, 0, 120)
        with pytest.raises(LocalProtocolError, match="headers only"):
            await anext(ours.follow())


@on_loop
async def test_stop_at_is_the_highest_block_that_is_brought() -> None:
    async with ToyServer(CHAIN) as server, node(server, stop_at=50) as ours:
        await ours.synced(50)
        assert (ours.status().blocks, ours.status().tip.height) == (50, 50)


@on_loop
async def test_peers_file_is_where_a_node_begins(tmp_path: Path) -> None:
    async with ToyServer(CHAIN, NO_SEEDS) as server:
        file = tmp_path / "peers.txt"
        file.write_text(f"# ours\n{server.address}  # a comment\n")
        async with Node(network=NO_SEEDS, peers=1, peers_file=file) as ours:
            await ours.synced()
            assert ours.status().tip.height == 120
            assert [info.connection_type for info in ours.peers()] == ["outbound-full-relay"]


@on_loop
async def test_named_peers_come_besides_those_that_are_found(tmp_path: Path) -> None:
    async with ToyServer(CHAIN, NO_SEEDS) as found, ToyServer(CHAIN, NO_SEEDS) as named:
        file = tmp_path / "peers.txt"
        file.write_text(f"{found.address}\n")
        async with Node(
            network=NO_SEEDS, peers=1, peers_file=file, addnode=[named.address, str(named.address)]
        ) as ours:
            await ours.until(lambda: ours.status().peers == 3)
            kinds = sorted((info.addr, info.connection_type) for info in ours.peers())
    assert kinds == sorted(
        [(str(found.address), "outbound-full-relay"), *[(str(named.address), "manual")] * 2],
    )


@on_loop
async def test_seednode_is_asked_for_addresses_and_left() -> None:
    async with (
        ToyServer(CHAIN, NO_SEEDS) as server,
        Node(network=NO_SEEDS, peers=1, seednode=[str(server.address)]) as ours,
    ):
        await ours.until(lambda: bool(ours.peers()))
        assert [info.connection_type for info in ours.peers()] == ["addr-fetch"]
        await ours.until(lambda: not ours.peers())


@on_loop
async def test_without_a_data_directory_nothing_stays_behind() -> None:
    async with ToyServer(CHAIN) as server, node(server) as ours:
        await ours.synced()
        directory = ours.driver._store.path
        assert directory.is_dir()
    assert not directory.exists()


# What it remembers of its peers.


def peers_file(tmp_path: Path, *servers: ToyServer) -> Path:
    file = tmp_path / "peers.txt"
    file.write_text("".join(f"{server.address}\n" for server in servers))
    return file


@on_loop
async def test_a_node_that_finds_its_peers_itself_finds_them_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with ToyServer(CHAIN, NO_SEEDS, user_agent="/source:1/") as server:
        async with Node(network=NO_SEEDS, peers=1, datadir=data, peers_file=peers_file(tmp_path, server)) as ours:
            await ours.synced()
        async with Node(network=NO_SEEDS, peers=1, datadir=data) as ours:
            assert ours.machine.slots.book.anchors == (server.address,)
            await ours.until(lambda: ours.status().peers == 1)
    with PeerStore.open(data, NO_SEEDS) as store:
        (record,) = store.load().peers
    assert (record.address, record.tried, record.merit.user_agent) == (server.address, True, "/source:1/")
    assert record.merit.ends == (("REQUESTED", 2),)


@on_loop
async def test_a_node_whose_peers_were_named_keeps_no_book_and_one_without_a_directory_neither(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server, node(server, tmp_path) as ours:
        await ours.synced()
        assert not (tmp_path / "addrbook.sqlite").exists()
        async with Node(network=NO_SEEDS, peers=1) as other:
            assert not list(other.driver._store.path.glob("addrbook*"))


@on_loop
async def test_a_damaged_book_is_told_among_the_repairs_and_keeps_nobody_from_starting(tmp_path: Path) -> None:
    (tmp_path / "addrbook.sqlite").write_bytes(b"damage" * 1_000)
    async with Node(network=NO_SEEDS, peers=1, datadir=tmp_path) as ours:
        (repair,) = ours.repairs
        assert "aside as addrbook.sqlite.corrupt-1" in repair


@on_loop
async def test_a_book_of_another_network_is_a_store_error_and_the_directory_is_let_go(tmp_path: Path) -> None:
    PeerStore.open(tmp_path, network_named("regtest")).close()
    for _ in range(2):
        with pytest.raises(StoreError, match="holds regtest, not toynet"):
            async with Node(network=NO_SEEDS, peers=1, datadir=tmp_path):
                pytest.fail("it is another's")


@on_loop
async def test_a_book_that_cannot_be_written_any_more_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "data"
    async with (
        ToyServer(CHAIN, NO_SEEDS) as server,
        Node(network=NO_SEEDS, peers=1, datadir=data, peers_file=peers_file(tmp_path, server)) as ours,
    ):
        driver = ours.driver
        assert driver._storage._peers is not None
        drop = functools.partial(driver._storage._peers._connection.executescript, "DROP TABLE peers")
        await asyncio.get_running_loop().run_in_executor(driver._writer, lambda: drop().close())
        await ours.synced()
        await ours.until(lambda: any("not kept any more" in line for line in caplog.messages))
        assert ours.status().tip.height == 120
    assert sum("not kept any more" in line for line in caplog.messages) == 1


# How it ends.


@on_loop
async def test_error_of_the_body_passes_by_as_it_is() -> None:
    async with ToyServer(CHAIN) as server:
        with pytest.raises(ZeroDivisionError):
            async with node(server):
                raise ZeroDivisionError


@on_loop
async def test_cancelled_in_the_middle_of_its_work_it_leaves_nothing(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server:
        began = asyncio.Event()

        async def work() -> None:
            async with node(server, tmp_path) as ours:
                events = ours.follow()
                await take(events, 10)
                began.set()
                await take(events, 1_000)

        task = asyncio.create_task(work())
        await began.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        with Store.open(tmp_path, TOYNET) as store:  # it has let go of the lock, and what it stored is whole
            assert store.get_block(toy_hash(CHAIN[8])) == CHAIN[8]


@on_loop
async def test_cancelled_while_it_opens_it_leaves_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with Node(network=NO_SEEDS, peers=1, datadir=tmp_path):
            pytest.fail("it was cancelled before")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    Store.open(tmp_path, TOYNET).close()


@on_loop
async def test_who_waits_for_a_node_that_is_closed_is_told() -> None:
    async with ToyServer(CHAIN) as server:
        async with node(server) as ours:
            waiting = asyncio.create_task(ours.synced(stop_at=1_000))
            await ours.synced()
        with pytest.raises(LocalProtocolError, match="not open"):
            await waiting
        with pytest.raises(LocalProtocolError, match="not open"):
            ours.status()


class FullDisk(Store):
    """A store whose disk is full after ten blocks."""

    written = 0

    def put_block(self, block: int | bytes, raw: bytes | memoryview) -> None:
        self.written += 1
        if self.written > 10:
            raise StoreError("no space left on device")
        super().put_block(block, raw)


@on_loop
async def test_store_that_fails_ends_all_who_wait_with_its_error() -> None:
    async with ToyServer(CHAIN) as server, node(server, open_store=FullDisk.open) as ours:
        events = ours.follow()
        synced = asyncio.create_task(ours.synced())
        with pytest.raises(StoreError, match="no space left"):
            await take(events, 1_000)
        with pytest.raises(StoreError, match="no space left"):
            await synced
        assert ours.status().peers == 0


class Broken(Store):
    """A store with a bug."""

    def put_block(self, block: int | bytes, raw: bytes | memoryview) -> None:
        raise ZeroDivisionError(block, raw)


@on_loop
async def test_bug_in_a_thread_ends_the_node_and_is_not_swallowed() -> None:
    async with ToyServer(CHAIN) as server:
        with pytest.raises(ExceptionGroup) as caught:
            async with node(server, open_store=Broken.open) as ours:
                await ours.synced()
        assert caught.group_contains(ZeroDivisionError)


# Remotes that are no good.


@on_loop
async def test_nobody_to_reach_is_hopeless_after_some_tries_and_says_why() -> None:
    listener, address = listen()
    listener.close()
    async with Node(network=TOYNET, connect=[address]) as ours:
        assert not ours.is_hopeless
        await ours.until(lambda: ours.is_hopeless)
        assert ours.last_errors() == [f"{address}: connection refused"]
        assert ours.status().connecting == 0


@on_loop
async def test_all_who_were_named_serving_invalid_data_is_hopeless_too() -> None:
    bad = toy_block(toy_hash(CHAIN[9]), 1_700_000_000, transactions=[b"bad"])
    async with ToyServer([*CHAIN[:10], bad]) as server, node(server) as ours:
        waiting = asyncio.create_task(ours.synced())
        await ours.until(lambda: ours.is_hopeless)
        assert ours.status().misbehaved == 1
        assert ours.status().tip.height == 10  # what was good before it is kept
        assert "bad-transaction" in ours.last_errors()[0]
        waiting.cancel()
        await asyncio.wait([waiting])


@on_loop
async def test_dials_that_hang_do_not_hold_up_the_end() -> None:
    listener, address = listen()
    with listener:
        listener.listen(0)
        async with Node(network=TOYNET, connect=[address] * 8) as ours:
            await ours.until(lambda: ours.status().connecting == 8)


# What cannot be.


@on_loop
async def test_data_directory_of_another_process_is_a_store_error(tmp_path: Path) -> None:
    async with Node(network=NO_SEEDS, peers=1, datadir=tmp_path):
        with pytest.raises(StoreError, match="in use by another"):
            async with Node(network=NO_SEEDS, peers=1, datadir=tmp_path):
                pytest.fail("it is locked")


@on_loop
async def test_what_was_repaired_is_told(tmp_path: Path) -> None:
    Store.open(tmp_path, TOYNET).close()
    with (tmp_path / "headers.bin").open("ab") as file:
        file.write(b"torn")
    async with Node(network=NO_SEEDS, peers=1, datadir=tmp_path) as ours:
        assert any("4 bytes" in sentence for sentence in ours.repairs)


@pytest.mark.parametrize(
    "options",
    [{"network": "regtset"}, {"connect": ["host:port"]}, {"bind": "[::1"}, {"network": "neo3", "tx_cache": 1}],
    ids=["network", "connect", "bind", "tx_cache"],
)
def test_bad_option_is_a_config_error_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        headway.Node(**options)


@on_loop
async def test_bad_peers_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the peers file"):
        async with Node(network=NO_SEEDS, peers_file=tmp_path / "absent"):
            pytest.fail("there is no such file")


@on_loop
async def test_address_where_one_cannot_listen_is_a_config_error(tmp_path: Path) -> None:
    listener, address = listen()
    with listener, pytest.raises(ConfigError, match=f"cannot listen on {address}: address already in use"):
        async with Node(network=NO_SEEDS, peers=0, datadir=tmp_path, bind=address):
            pytest.fail("it is taken")


@on_loop
async def test_node_serves_what_it_has_stored(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server, node(server, tmp_path) as ours:
        await ours.synced()
    async with Node(network=TOYNET, peers=0, datadir=tmp_path, bind="127.0.0.1:0") as serving:
        assert serving.listening is not None
        assert serving.listening.port > 0
        async with Node(network=TOYNET, connect=[serving.listening]) as ours:
            await ours.synced()
            assert ours.status().tip.hash == toy_hash(CHAIN[-1])
            assert [info.inbound for info in serving.peers()] == [True]


@on_loop
async def test_it_listens_at_several_places_and_tells_where_it_can_be_reached(tmp_path: Path) -> None:
    """Who has no IPv6 fails here: this machine must have its loopback."""
    where, ours = (Address("127.0.0.1", 0), Address("::1", 0)), Address("198.51.100.7", 4444)
    async with Node(
        network=REGTEST, peers=0, datadir=tmp_path, bind=where, externalip=[ours], maxuploadtarget=5_000
    ) as serving:
        assert [each.host for each in serving.bound] == ["127.0.0.1", "::1"]
        assert serving.listening == serving.bound[0]
        for each in serving.bound:
            told: list[Addr] = []

            def note(_: Peer, message: Addr, told: list[Addr] = told) -> None:
                told.append(message)

            async with connect(each, network=REGTEST, on_addr=note) as peer:
                await peer.ping()
            assert [(a.host, a.port, a.services) for each in told for a in each.addresses] == [
                (ours.host, ours.port, Services.NETWORK | Services.WITNESS)
            ]
