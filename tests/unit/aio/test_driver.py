"""The node machine on real sockets and threads, seen from the wire: the remote is a bare socket or a peer of ours."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headway.aio.dial import connect, open_connection
from headway.aio.node import Node
from headway.errors import ConfigError
from headway.network import Network, Timing
from headway.peer.events import PeerState
from headway.store import Store
from headway.testing.chain import store_chain
from headway.types import Address, BlockId, BlockRequest
from headway.wire import messages as m
from tests.loopback import RawRemote, ToyServer, listen, on_loop
from tests.sealednet import SEALED, sealed_chain
from tests.socks import SocksProxy
from tests.toynet import BLOCK, GENESIS, GENESIS_BLOCK, TOYNET, toy_chain, toy_hash, toy_headers, toynet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHAIN = toy_chain(30)


@asynccontextmanager
async def serving(datadir: Path, network: Network = TOYNET) -> AsyncIterator[tuple[Node, Address]]:
    """A node that has CHAIN and serves it."""
    with Store.open(datadir, TOYNET) as store:
        store.append_headers(store.tree.add(toy_headers(CHAIN), time.time()).raw)
        for block in CHAIN:
            store.put_block(toy_hash(block), block)
    async with Node(network=network, peers=0, datadir=datadir, bind=Address("127.0.0.1", 0)) as node:
        assert node.listening is not None
        yield node, node.listening


def lose_blocks(datadir: Path) -> None:
    for file in datadir.glob("blocks/blk*.dat"):
        file.write_bytes(b"")


# What it serves.


@on_loop
async def test_answers_come_before_the_pong_of_the_ping_behind_the_question(tmp_path: Path) -> None:
    """Both arrive in one read; a remote takes our pong for the end of our answers."""
    async with serving(tmp_path) as (_, address), connect(address, network=TOYNET) as peer:
        for _ in range(20):
            assert len(await peer.request_headers(GENESIS, fence=True)) == len(CHAIN)


@on_loop
async def test_blocks_are_served_from_the_store_and_genesis_from_the_network(tmp_path: Path) -> None:
    async with serving(tmp_path) as (node, address), connect(address, network=TOYNET) as peer:
        wanted = [GENESIS.hash, toy_hash(CHAIN[4]), b"\1" * 32]
        stream = peer.request_blocks(wanted)
        assert [bytes(block) async for block in stream] == [GENESIS_BLOCK, CHAIN[4]]
        assert [request.hash for request in stream.missing] == wanted[2:]
        (info,) = node.peers()
        assert (info.inbound, info.connection_type, info.addr) == (True, "inbound", str(peer._bound))


@on_loop
async def test_block_that_the_store_has_lost_is_not_found_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as (_, address), connect(address, network=TOYNET) as peer:
        lose_blocks(tmp_path)
        stream = peer.request_blocks([toy_hash(CHAIN[4])])
        assert [block async for block in stream] == []
        assert len(stream.missing) == 1
    assert "is lost, and fetched again" in caplog.text


@on_loop
async def test_headers_that_a_chain_has_to_read_do_not_wait_for_blocks_that_are_read(tmp_path: Path) -> None:
    chain, reading, go_on = sealed_chain(5), threading.Event(), threading.Event()
    header_of = SEALED.codec.parser.block_header
    wanted = BlockRequest(header_of(chain[2]), 3)

    class SlowStore(Store):
        def get_block(self, block: int | bytes) -> bytes | None:
            reading.set()
            go_on.wait()
            return super().get_block(block)

    with Store.open(tmp_path, SEALED) as store:
        list(store_chain(store, chain, network=SEALED))
    anywhere = Address("127.0.0.1", 0)
    async with Node(network=SEALED, peers=0, datadir=tmp_path, bind=anywhere, open_store=SlowStore.open) as node:
        assert node.listening is not None
        async with connect(node.listening, network=SEALED) as peer:
            first = asyncio.ensure_future(anext(aiter(peer.request_blocks([wanted]))))
            try:
                assert await asyncio.to_thread(reading.wait, 10.0)
                headers = await asyncio.wait_for(peer.request_headers(GENESIS), 10.0)
                assert not first.done()
            finally:
                go_on.set()
            assert bytes(await first) == chain[2]
    assert [header.raw for header in headers] == [header_of(block).raw for block in chain]


@on_loop
async def test_new_blocks_are_announced_to_who_is_connected(tmp_path: Path) -> None:
    longer = toy_chain(2, parent=CHAIN[-1])
    async with (
        ToyServer(CHAIN) as source,
        Node(network=TOYNET, connect=[source.address], datadir=tmp_path, bind=Address("127.0.0.1", 0)) as node,
    ):
        await node.synced()
        assert node.listening is not None
        async with connect(node.listening, network=TOYNET) as peer:
            arriving = peer.messages()
            first = asyncio.create_task(anext(arriving))
            await peer.ping()
            source.chain.extend(longer)
            source.announce()
            assert await first == m.Inv((m.InvEntry(BLOCK, toy_hash(longer[-1])),))
            await arriving.aclose()


@on_loop
async def test_who_asks_for_much_and_reads_nothing_is_dropped_and_the_node_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as (node, address):
        with await open_connection(address) as sock:
            remote = RawRemote(sock)
            await remote.shake()
            questions = [m.GetHeaders((BlockId(-1, GENESIS.hash),))] * 100

            async def ask() -> None:
                while True:
                    await remote.say(*questions)

            with pytest.raises(ConnectionError):  # hung up on
                await ask()
            assert node.peers() == []
        async with connect(address, network=TOYNET) as peer:
            assert len(await peer.request_headers(GENESIS)) == len(CHAIN)


@on_loop
async def test_for_an_inbound_peer_beyond_the_limit_another_one_is_hung_up_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as (node, address), AsyncExitStack() as stack:
        most = node.machine.config.max_inbound
        for _ in range(most):
            stack.enter_context(await open_connection(address))
        await node.until(lambda: len(node.machine.peer_ids) == most)
        with await open_connection(address):
            await node.until(lambda: max(node.machine.peer_ids) > most)
            await node.until(lambda: len(node.machine.peer_ids) == most)


# How it ends.


@on_loop
async def test_close_ends_peers_in_every_state(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with serving(tmp_path) as (node, address):
            silent = stack.enter_context(await open_connection(address))
            shaking = stack.enter_context(await open_connection(address))
            await RawRemote(shaking).say(m.Version(2, 0, 0, 1, "/raw/", 0))
            ready = await stack.enter_async_context(connect(address, network=TOYNET))
            await node.until(lambda: len(node.machine.peer_ids) == 3)
        receive = asyncio.get_running_loop().sock_recv
        assert await receive(silent, 1) == b""
        assert await RawRemote(shaking).drain(1 << 20) > 0
        await asyncio.wait([ready._connection.closed])
        assert ready.state is PeerState.CLOSED


@on_loop
async def test_close_gives_up_bytes_that_a_remote_does_not_read(tmp_path: Path) -> None:
    network = toynet(timing=replace(Timing(), close_timeout=0.05))
    async with AsyncExitStack() as stack:  # noqa: SIM117  # the node ends before the socket does
        async with serving(tmp_path, network) as (node, address):
            await RawRemote(stack.enter_context(await open_connection(address))).shake()
            await node.until(lambda: node.status().peers == 1)
            (number,) = node.machine.peer_ids
            machine, now = node.machine.peer(number), asyncio.get_running_loop().time()
            assert machine is not None
            for _ in range(10):
                machine.send(m.Unknown("toy200", bytes(1_000_000)), now)
            node.machine.handle_writable(number, 0, now)  # so that it looks at what its peer has to send
            node.driver.after_input()


# Who is told.


@on_loop
async def test_peers_come_and_go_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "headway.aio.driver"):
        async with (
            ToyServer(CHAIN, user_agent="/source:1/") as source,
            Node(network=TOYNET, connect=[source.address]) as node,
        ):
            await node.synced()
    assert caplog.messages == [
        f"= 1 {source.address} READY /source:1/",
        f"x 1 {source.address} REQUESTED: we are closing",
    ]


@on_loop
async def test_reorganisation_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "headway.aio.driver"):
        async with ToyServer(CHAIN) as source, Node(network=TOYNET, connect=[source.address]) as node:
            await node.synced()
            fork = [*CHAIN[:27], *toy_chain(4, salt=1, parent=CHAIN[26])]
            source.chain[:] = fork
            source.announce()
            await node.until(lambda: node.status().tip.hash == toy_hash(fork[-1]))
    assert any("reorganisation, 3 headers deep" in line for line in caplog.messages)


# A node that dials itself.


@on_loop
async def test_node_that_dials_itself_finds_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    listener, address = listen()
    listener.close()
    with caplog.at_level(logging.INFO, "headway.aio.driver"):
        async with Node(network=TOYNET, connect=[address], datadir=tmp_path, bind=address) as node:
            await node.until(lambda: any("self-connection" in line for line in caplog.messages))
            assert node.status().peers == 0


# Whom it dials, and how.

ONION = "x" * 56 + ".onion"


@on_loop
async def test_peers_are_reached_through_the_proxy_each_under_its_own_login() -> None:
    async with ToyServer(CHAIN) as server:
        routes = {"peer.example": server.address, ONION: server.address, "192.31.196.1": server.address}
        async with (
            SocksProxy(routes) as proxy,
            Node(network=TOYNET, connect=[f"{host}:7" for host in routes], proxy=proxy.address) as node,
        ):
            await node.until(lambda: node.status().peers == 3)
            await node.synced()
            assert {info.addr for info in node.peers()} == {f"{host}:7" for host in routes}
    assert {(asked.kind, asked.host) for asked in proxy.asked} == {(3, "peer.example"), (3, ONION), (1, "192.31.196.1")}
    assert len({asked.username for asked in proxy.asked}) == len(proxy.asked) == 3


@on_loop
async def test_seeds_behind_a_proxy_are_dialled_by_name_and_no_resolver_hears_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def getaddrinfo(host: str, *_hints: object) -> list[object]:
        asked.append(host)
        raise OSError

    network = replace(TOYNET, port=7, dns_seeds=("seed.example",), seed_filter=9)
    async with ToyServer(CHAIN, network) as server, SocksProxy({"seed.example": server.address}) as proxy:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        async with Node(network=network, peers=1, proxy=proxy.address) as node:
            await node.synced()
        monkeypatch.undo()
    assert [(seen.host, seen.port) for seen in proxy.asked] == [("seed.example", 7)]
    assert asked == []


@on_loop
async def test_seed_that_gives_nothing_is_told_with_the_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_hints: object) -> list[object]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with Node(network=replace(TOYNET, dns_seeds=("seed.example",)), peers=1) as node:
        await node.until(lambda: bool(node.last_errors()))
        assert node.last_errors() == ["seed.example: Temporary failure in name resolution"]


@on_loop
async def test_without_dns_no_name_is_looked_up_and_the_fixed_seeds_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host: str, *_hints: object) -> list[object]:
        pytest.fail(f"our resolver was asked for {host}")

    async with ToyServer(CHAIN) as server:
        network = replace(TOYNET, dns_seeds=("seed.example",), fixed_seeds=(server.address,))
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        async with Node(network=network, peers=1, dnsseed=False) as node:
            await node.synced()
            assert node.last_errors() == []
        monkeypatch.undo()


@on_loop
async def test_dead_proxy_is_told_as_the_proxys_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="headway")
    listener, proxy = listen()
    listener.close()
    async with Node(network=TOYNET, connect=[f"{ONION}:7"], onion=proxy) as node:
        await node.until(lambda: bool(node.last_errors()))
    assert f"{ONION}:7 PROXY_FAILED: the proxy {proxy} cannot be reached: connection refused" in caplog.text


@on_loop
async def test_onlynet_holds_for_every_address_but_those_that_the_user_names(tmp_path: Path) -> None:
    async with ToyServer(CHAIN) as server, SocksProxy() as proxy:
        (tmp_path / "peers").write_text(f"{server.address}\n192.31.196.1:7\n")
        async with Node(network=TOYNET, peers_file=tmp_path / "peers", proxy=proxy.address, onlynet=["onion"]) as node:
            await node.until(lambda: len(node.last_errors()) == 2)
            assert sorted(node.last_errors()) == [
                f"{server.address}: onlynet keeps us from {server.address}",
                "192.31.196.1:7: onlynet keeps us from 192.31.196.1:7",
            ]
        assert proxy.asked == []
        async with Node(network=TOYNET, connect=[server.address], proxy=proxy.address, onlynet=["onion"]) as node:
            await node.synced()


@on_loop
async def test_peer_to_whom_there_is_no_way_is_refused_when_the_user_names_it_else_it_is_a_failure(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match=r"no way to .*\.onion:7: "):
        Node(network=TOYNET, connect=[f"{ONION}:7"])
    (tmp_path / "peers").write_text(f"{ONION}:7\n")
    async with Node(network=TOYNET, peers_file=tmp_path / "peers") as node:
        await node.until(lambda: bool(node.last_errors()))
        assert node.last_errors()[0].startswith(f"{ONION}:7: there is no way to ")
