"""One peer of ours against bcoin and btcd: handshakes both ways, pings, ten thousand messages, and every kind of end.

What is said here of a connection is said by both ends: our statistics and the node's own figures must agree. A test
that leaves a task or a descriptor behind has failed.
"""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from headway import blocking
from headway.aio.config import LocalConfig
from headway.aio.dial import connect, open_connection
from headway.aio.peer import Peer
from headway.errors import PeerGone
from headway.networks.bitcoin import REGTEST
from headway.peer.events import PeerState, Reason, RequestKind
from headway.types import Address, BlockId, Services, hash_hex
from headway.wire import messages as m
from headway.wire.frames import HEADER_SIZE
from tests.farend import leaving_nothing, meanwhile
from tests.interop.nodes import Bcoin, Btcd, Link, Node
from tests.loopback import listen, on_loop

pytestmark = pytest.mark.interop

KINDS = ("bcoin", "btcd")
AGENT = "/ours:1/"
GENESIS = BlockId(0, REGTEST.rules.parse_header(REGTEST.rules.genesis).hash)
OURS = LocalConfig(network=REGTEST, user_agent=AGENT, services=Services.NETWORK | Services.WITNESS)
SERVICES = Services.NETWORK | Services.WITNESS
HEIGHT = 3
"""Blocks that every node has: btcd answers no getheaders while it has none."""
SLICE = 250
"""Pings sent before the next pong is awaited: nobody's queue grows for long."""


@contextmanager
def started(kind: str, directory: Path) -> Iterator[Node]:
    with Bcoin() if kind == "bcoin" else Btcd(directory) as node:
        node.mine(HEIGHT)
        yield node


@pytest.fixture(scope="module", params=KINDS)
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One that all tests share which do not end it. No connection of an earlier test is left."""
    with started(request.param, tmp_path_factory.mktemp(request.param)) as node:
        yield node


@pytest.fixture(params=KINDS)
def own_node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Node]:
    """One for this test alone."""
    with started(request.param, tmp_path) as node:
        yield node


async def become(node: Node, condition: Callable[[Sequence[Link]], bool]) -> list[Link]:
    """Wait until the node's connections are so."""

    def wait() -> list[Link]:
        found: list[Link] = []

        def is_not_yet() -> bool:
            found[:] = node.links()
            return not condition(found)

        assert node.wait_while(is_not_yet)
        return found

    return await asyncio.to_thread(wait)


async def alone(node: Node) -> None:
    """It has no connection (any more)."""
    await become(node, lambda links: not links)


@asynccontextmanager
async def dialled_by(node: Node) -> AsyncIterator[Peer]:
    """Our inbound peer, which the node has dialled."""
    listener, address = listen()
    with listener:
        node.connect(address.port)
        accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
        peer = Peer(accepted, inbound=True, config=OURS)
        try:
            await peer.run()
            yield peer
        finally:
            await peer.close()


def dialling(node: Node) -> AbstractAsyncContextManager[Peer]:
    return connect(node.address, network=REGTEST, user_agent=AGENT, services=SERVICES)


async def flood(peer: Peer, pings: int) -> None:
    """So many pings without waiting for each, then one whose pong comes behind all others."""
    for number in range(pings):
        peer.send(m.Ping(number + 1))
        if number % SLICE == SLICE - 1:
            await peer.ping()
    await peer.ping()


async def agree(peer: Peer, node: Node) -> Link:
    """Wait until both ends have counted the same bytes, as they must once all is said."""
    stats = peer.stats

    def counted() -> tuple[int, int]:
        unread = (stats.sent[command] for command in node.unknown if command in stats.sent)
        skipped = sum(entry.bytes - HEADER_SIZE * entry.messages for entry in unread)
        return stats.bytes_sent - skipped, stats.bytes_received

    [link] = await become(node, lambda links: [(x.received, x.sent) for x in links] == [counted()])
    return link


@on_loop
async def test_handshake_and_measured_pings_in_both_directions(node: Node) -> None:
    await alone(node)
    async with dialling(node) as peer:
        assert peer.state is PeerState.READY
        assert peer.version is not None
        assert peer.version.start_height == HEIGHT
        assert peer.version.services & SERVICES == SERVICES
        taken = [await peer.ping() for _ in range(20)]
        round_trips = peer.stats.round_trips
        assert (round_trips.count, round_trips.last, round_trips.least) == (20, taken[-1], min(taken))
        assert round_trips.average == pytest.approx(sum(taken) / 20)
        await asyncio.to_thread(node.ping)
        [link] = await become(node, lambda links: links[0].ping is not None)
        assert link.agent.endswith(AGENT)
        assert link.ping is not None
        assert 0 <= link.ping < 10
        assert peer.stats.sent["pong"].messages == peer.stats.received["ping"].messages >= 1


@on_loop
async def test_ten_thousand_messages_are_counted_alike_by_both(node: Node) -> None:
    await alone(node)
    async with dialling(node) as peer:
        await flood(peer, 4_500)
        for _ in range(600):
            headers = await peer.request_headers(GENESIS)
            assert len(headers) == HEIGHT
        blocks = [hash_hex(block.hash) async for block in peer.request_blocks(headers)]
        assert blocks == [hash_hex(header.hash) for header in headers]
        assert blocks[-1] == node.tip().hash
        sent, received = peer.stats.sent, peer.stats.received
        assert sum(entry.messages for entry in (*sent.values(), *received.values())) > 10_000
        assert received["pong"].messages == sent["ping"].messages == 4_500 + 4_500 // SLICE + 1
        assert received["headers"].messages == sent["getheaders"].messages == 600
        assert received["block"].messages == HEIGHT
        link = await agree(peer, node)
        if link.messages:
            assert link.messages == {command: entry.messages for command, entry in sent.items()}
        asked = peer.stats.requests[RequestKind.HEADERS]
        assert (asked.asked, asked.settled, asked.expired) == (600, 600, 0)
        assert peer.stats.blocks == HEIGHT
        assert peer.stats.blocks_per_second is not None
        assert peer.stats.dropped_frames == 0


@on_loop
async def test_node_that_dials_us_is_answered_pinged_and_sent_ten_thousand_messages(own_node: Node) -> None:
    node = own_node
    async with dialled_by(node) as peer:
        assert peer.version is not None
        assert (peer.info.inbound, peer.info.startingheight) == (True, HEIGHT)
        assert peer.version.user_agent.startswith(("/bcoin:", "/btcwire:"))
        assert 0 < await peer.ping() < 10
        await asyncio.to_thread(node.ping)
        await become(node, lambda links: links[0].ping is not None)
        assert peer.stats.received["ping"].messages == 1
        await flood(peer, 5_000)
        assert peer.stats.received["pong"].messages == peer.stats.sent["ping"].messages > 5_000
        link = await agree(peer, node)
        assert link.agent.endswith(AGENT)
        await peer.close()
        assert peer.stats.ended is Reason.REQUESTED
        await alone(node)


# The end.


async def everything(peer: Peer) -> list[Any]:
    """What comes of one request of each kind and of reading to the end; exceptions where they fail."""

    async def blocks() -> list[m.Block]:
        return [block async for block in peer.request_blocks([bytes(32)])]

    asked = (peer.request_headers(GENESIS), blocks(), peer.request_addresses(), peer.request_transaction(bytes(32)))
    return list(await asyncio.gather(*asked, peer.ping(), to_the_end(peer), return_exceptions=True))


async def to_the_end(peer: Peer) -> str:
    async for _ in peer.messages():
        pass
    return "a quiet end"


async def asked_of_who_cannot_answer(node: Node, peer: Peer) -> asyncio.Task[list[Any]]:
    """Everything is asked of a process that stands still."""
    await asyncio.to_thread(freeze, node)
    waiting = asyncio.create_task(everything(peer))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return waiting


def freeze(node: Node) -> None:
    """Stop the process, and wait until none of its threads runs any more."""
    node.signal(signal.SIGSTOP)
    threads = Path(f"/proc/{node.pid}/task")
    assert node.wait_while(
        lambda: any((thread / "stat").read_text().rpartition(")")[2].split()[0] != "T" for thread in threads.iterdir())
    )


async def farewell(node: Node, peer: Peer) -> str:
    """How the node logs that this connection has ended. (btcd has the same words for every end.)"""
    words = f"(hangup|ECONNRESET|Lost peer).*{re.escape(peer.info.addrbind)}"
    return (await asyncio.to_thread(node.wait_for_line, words))[1]


@on_loop
async def test_our_orderly_end_is_an_end_to_the_node_and_no_error(node: Node) -> None:
    await alone(node)
    async with dialling(node) as peer:
        await peer.ping()
    assert peer.stats.ended is Reason.REQUESTED
    assert await farewell(node, peer) != "ECONNRESET"
    await alone(node)


@on_loop
async def test_their_orderly_end_fails_what_waits_and_says_so(node: Node) -> None:
    await alone(node)
    async with dialling(node) as peer:
        waiting = [asyncio.create_task(each) for each in (peer.request_addresses(), to_the_end(peer))]
        await peer.ping()  # the question is with them, and silence is their answer
        await asyncio.to_thread(node.hang_up)
        for each in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(each, PeerGone)
        assert peer.disconnected is not None
        assert peer.disconnected.reason is peer.stats.ended is Reason.REMOTE_CLOSED
        with pytest.raises(PeerGone, match="the remote closed the connection"):
            await peer.ping()
    await alone(node)


@on_loop
async def test_reset_of_ours_fails_what_waits_and_the_node_goes_on(node: Node) -> None:
    await alone(node)
    sock = await open_connection(Address.parse(node.address))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # on, 0 s: its close is a reset
    peer = Peer(sock, config=OURS)
    await peer.run()
    waiting = await asked_of_who_cannot_answer(node, peer)
    await peer.close()
    assert all(isinstance(each, PeerGone) for each in (await waiting)[:-1])
    assert (await waiting)[-1] == "a quiet end"  # for we have closed
    node.signal(signal.SIGCONT)
    await farewell(node, peer)
    await alone(node)
    async with dialling(node) as another:
        assert await another.ping() > 0


@on_loop
async def test_killed_node_fails_everything_that_waits_for_it(own_node: Node) -> None:
    node = own_node
    async with dialling(node) as one, dialling(node) as other:
        waiting = [await asked_of_who_cannot_answer(node, peer) for peer in (one, other)]
        node.signal(signal.SIGKILL)
        for each in await asyncio.gather(*waiting):
            assert [type(error) for error in each] == [PeerGone] * 6
        for peer in (one, other):
            assert peer.stats.ended in {Reason.CONNECTION_LOST, Reason.REMOTE_CLOSED}
            assert peer.stats.requests[RequestKind.HEADERS].cancelled == 1
    await asyncio.to_thread(node.wait)
    with pytest.raises(PeerGone, match="connection refused"):
        async with dialling(node):
            pass


# Without asyncio.


def test_blocking_peer_asks_pings_and_ends(own_node: Node) -> None:
    node = own_node
    with leaving_nothing():
        with blocking.connect(node.address, network=REGTEST, user_agent=AGENT) as peer:
            for number in range(1_000):
                peer.send(m.Ping(number + 1))
            taken = [peer.ping() for _ in range(20)]
            assert peer.stats.round_trips.least == min(taken)
            headers = peer.request_headers(GENESIS)
            assert [block.hash for block in peer.request_blocks(headers)] == [header.hash for header in headers]
            assert peer.stats.received["pong"].messages == peer.stats.sent["ping"].messages == 1_020
        assert peer.stats.ended is Reason.REQUESTED
        peer = blocking.connect(node.address, network=REGTEST)
        freeze(node)
        with peer, meanwhile(lambda: node.signal(signal.SIGKILL)), pytest.raises(PeerGone):
            peer.ping()
