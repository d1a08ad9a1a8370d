"""The twelve faults of the ancestors (the 2019 Neo peer package and the Akka tutorial), each shown not to be ours."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from headway.aio.config import LocalConfig
from headway.aio.dial import open_connection
from headway.aio.node import Node
from headway.aio.peer import Peer
from headway.errors import CodecError, HandshakeRejected, PeerGone, RequestTimeout
from headway.network import Limits, Network, Timing
from headway.networks.bitcoin import REGTEST
from headway.node.orders import BlockConnected, PeerLost
from headway.peer import events as e
from headway.peer.events import PeerDisconnected, PeerState, Reason, RequestKind
from headway.peer.machine import PeerMachine
from headway.types import Address, BlockId
from headway.wire import messages as m
from tests.link import (
    Remote,
    block_of,
    blocks_of,
    genesis_of,
    headers_of,
    only,
    quiet,
    ready,
    requests_of,
)
from tests.loopback import RawRemote, listen, on_loop, peers, socket_pair
from tests.scene import WORLDS, Scene
from tests.toynet import GENESIS, NEO_MANNERS, TOYNET, toy_chain, toy_hash, toynet
from tests.virtual import Fault, World, network_with

CHAIN = toy_chain(300)
FIRST, SECOND = Address("1.0.0.1", 1), Address("1.0.0.2", 1)


# 1. The stall detector was armed only when the write FAILED, so it never fired.


@pytest.mark.parametrize(
    ("kind", "ask"),
    [
        (RequestKind.HEADERS, lambda peer, network: peer.request_headers((genesis_of(network),), 1.0)),
        (RequestKind.BLOCKS, lambda peer, network: peer.request_blocks(requests_of(network, CHAIN[:1]), 1.0)),
        (RequestKind.PING, lambda peer, _network: peer.ping(1.0)),
    ],
)
def test_a_question_that_was_written_well_and_is_not_answered_ends_the_peer(
    kind: RequestKind, ask: Callable[[PeerMachine, Network], object]
) -> None:
    """Ancestors' fault 1."""
    network = toynet(limits=Limits(typical_block_size=1_000), timing=quiet(TOYNET, ping_timeout=60.0).timing)
    remote = ready(network)
    ask(remote.peer, network)
    assert len(remote.commands()) == 1
    remote.peer.handle_writable(0, 1.0)  # all of it was taken
    assert remote.timer() == 61.0
    remote.peer.handle_timer(61.0)
    expired, ended = remote.events()
    assert isinstance(expired, e.RequestTimedOut)
    assert (expired.kind, expired.ends_peer) == (kind, True)
    assert isinstance(ended, PeerDisconnected)
    assert ended.reason in {Reason.STALLED, Reason.PING_TIMEOUT}


# 2. Deadlines keyed by command: a second `getheaders` overwrote the first, and any one block cleared the deadline of
# all the others.


def test_a_second_headers_request_waits_for_the_first_and_has_its_own_deadline(network: Network) -> None:
    """Ancestors' fault 2."""
    remote, blocks = ready(quiet(network)), blocks_of(network, 4)
    first = remote.peer.request_headers((genesis_of(network),), 1.0)
    tip = BlockId(2, requests_of(network, blocks)[1].hash)
    second = remote.peer.request_headers((tip, genesis_of(network)), 2.0)
    assert remote.commands() == ["getheaders"]
    assert remote.timer() == 61.0
    remote.says(headers_of(network, blocks[:2]), now=50.0)
    assert only(e.HeadersReceived, remote.events()).request == first
    assert remote.commands() == ["getheaders"]
    assert remote.timer() == 110.0
    remote.says(headers_of(network, blocks[2:]), now=51.0)
    assert only(e.HeadersReceived, remote.events()).request == second
    assert remote.peer.get_timer() is None


def test_one_block_does_not_excuse_the_others(network: Network) -> None:
    """Ancestors' fault 2."""
    remote = ready(quiet(replace(network, limits=Limits(typical_block_size=1_000))))
    blocks = blocks_of(network, 16)
    batch = remote.peer.request_blocks(requests_of(network, blocks), 0.0)
    for number in range(1, 16):
        at = number * 10.0
        remote.peer.handle_timer(at)
        if remote.peer.state is not PeerState.READY:
            break
        remote.says(block_of(network, blocks[number]), now=at)
    assert remote.peer.since == 120.0
    disconnected = remote.ended()
    assert disconnected.reason is Reason.STALLED
    assert "too slow: a block is overdue" in disconnected.message
    assert requests_of(network, blocks)[0].hash in batch.in_flight


# 3. A wrong first message completed the handshake "successfully".


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("inbound", [False, True])
def test_no_first_message_but_a_version_completes_a_handshake(world: str, *, inbound: bool) -> None:
    """Ancestors' fault 3."""
    scene = Scene.of(world)
    for number, first in enumerate(scene.messages(Remote(scene.network, inbound=inbound))):
        remote = Remote(scene.network, inbound=inbound)
        remote.connect()
        remote.says(scene.messages(remote)[number], m.Verack(), now=1.0)
        if not isinstance(first, m.Version):
            assert remote.peer.state is not PeerState.READY, first
            assert remote.peer.version is None


@on_loop
async def test_run_raises_when_the_first_message_is_wrong_by_neos_manners() -> None:
    """Ancestors' fault 3."""
    dialled, accepted = await socket_pair()
    with accepted:
        running = asyncio.create_task(Peer(dialled, config=LocalConfig(network=toynet(handshake=NEO_MANNERS))).run())
        await RawRemote(accepted).say(m.Verack())
        with pytest.raises(HandshakeRejected, match="verack where a version belongs"):
            await running


# 4. A constant nonce: self-connections could not be seen.


def test_two_machines_have_two_nonces_and_none_is_zero(network: Network) -> None:
    """Ancestors' fault 4."""
    nonces = {Remote(network, seed=seed).peer.nonce for seed in range(100)}
    assert len(nonces) == 100
    assert 0 not in nonces


@on_loop
async def test_two_connections_of_one_config_have_two_nonces() -> None:
    """Ancestors' fault 4."""
    config = LocalConfig(network=TOYNET)
    async with peers(config, config) as (ours, theirs):
        assert ours.version is not None
        assert theirs.version is not None
        assert ours.version.nonce != theirs.version.nonce


# 5. A request after the disconnect blocked for ever.


@on_loop
async def test_every_question_after_the_end_fails_at_once() -> None:
    """Ancestors' fault 5."""
    async with peers() as (ours, theirs):
        await theirs.close()
        with pytest.raises(PeerGone):
            await ours.request_headers(GENESIS)  # it waits for the end, or comes after it
        questions: list[Awaitable[object]] = [
            ours.request_headers(GENESIS),
            anext(aiter(ours.request_blocks([toy_hash(CHAIN[0])]))),
            ours.request_addresses(),
            ours.request_transaction(bytes(32)),
            ours.ping(),
            anext(ours.messages()),
        ]
        for question in questions:
            with pytest.raises(PeerGone, match="the remote closed the connection"):
                await question
        with pytest.raises(PeerGone):
            ours.send(m.GetAddr())


# 6. A handshake timeout left the socket open and a reader running. (`on_loop` looks for what a test left behind.)


@on_loop
async def test_silent_remote_is_a_request_timeout_and_its_socket_is_closed() -> None:
    """Ancestors' fault 6."""
    config = LocalConfig(network=toynet(timing=replace(Timing(), handshake_timeout=0.05)))
    dialled, accepted = await socket_pair()
    with accepted, pytest.raises(RequestTimeout, match=r"no version in 0\.05 s"):
        await Peer(dialled, config=config).run()
    assert dialled.fileno() == -1


async def everything_from(sock: socket.socket) -> bytes:
    """What a far end reads until we close."""
    data = b""
    while chunk := await asyncio.get_running_loop().sock_recv(sock, 1 << 16):
        data += chunk
    return data


@on_loop
async def test_a_node_closes_the_socket_of_whoever_does_not_shake_hands_in_time(tmp_path: Path) -> None:
    """Ancestors' fault 6. Of one that it dialled, and of one that dialled it."""
    network = toynet(timing=replace(Timing(), handshake_timeout=0.05))
    listener, address = listen()
    with listener:
        node = Node(network=network, connect=[address], datadir=tmp_path, bind=Address("127.0.0.1", 0))
        async with node:
            accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
            assert node.listening is not None
            dialled = await open_connection(node.listening)
            with accepted, dialled:
                assert b"/headway" in await everything_from(accepted)
                assert await everything_from(dialled) == b""
            await node.until(lambda: node.machine.peer_ids == () and node.peers() == [])


# 7. `Services()` returned OUR services.


def test_version_holds_what_they_said_and_not_what_we_did(network: Network) -> None:
    """Ancestors' fault 7."""
    remote = Remote(network, services=0)
    remote.shake(services=1, start_height=123_456)
    assert remote.peer.version is not None
    assert (remote.peer.version.services, remote.peer.version.start_height) == (1, 123_456)


@on_loop
async def test_info_tells_the_services_of_the_remote() -> None:
    """Ancestors' fault 7."""
    async with peers(LocalConfig(network=TOYNET, services=1), LocalConfig(network=TOYNET, services=8)) as (
        ours,
        theirs,
    ):
        assert (ours.info.services, ours.info.servicesnames) == ("0000000000000008", ("WITNESS",))
        assert (theirs.info.services, theirs.info.servicesnames) == ("0000000000000001", ("NETWORK",))


# 8. `peer.height - block.height` underflowed once the chain grew past the start height.


def test_a_chain_that_grows_past_the_start_height_of_its_peer_is_followed() -> None:
    """Ancestors' fault 8. What a peer claimed at the start counts for nothing."""
    world = World()
    server = world.node(CHAIN[:10], at=str(FIRST))
    node = world.node(connect=(FIRST,))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    for height in (11, 12, 40, 300):
        server.grow(CHAIN[:height][node.tree.tip.height :])
        assert world.run(10, until=lambda: node.machine.is_stored_to(height))  # noqa: B023  (used at once)
    peer = node.machine.peer(node.machine.peer_ids[0])
    assert peer is not None
    assert peer.version is not None
    assert peer.version.start_height == 10
    assert node.events_of(BlockConnected)[-1].id.height == 300


# 9. More than 20 re-queued blocks on a disconnect were lost.


def test_forty_eight_blocks_owed_by_peers_that_leave_at_once_are_all_brought_by_another() -> None:
    """Ancestors' fault 9."""
    world = World()
    addresses = [Address("1.0.1.1", number) for number in (1, 2, 3)]
    silent = [world.node(CHAIN, at=str(address), fault=Fault(stalls_after=0)) for address in addresses]
    node = world.node(connect=(*addresses, FIRST))
    assert world.run(1.0, until=lambda: node.machine.sync.blocks.in_flight == 48)
    for each in silent:
        each.leave()
    assert world.run(1.0, until=lambda: node.machine.sync.blocks.in_flight == 0)
    honest = world.node(CHAIN, at=str(FIRST))
    assert world.run(60.0, until=lambda: node.machine.is_stored_to(300))
    assert node.store.blocks == dict(enumerate(CHAIN, 1))
    assert honest.served == 300


# 10. No ping timeout; no payload bound; incoming magic unchecked.


def test_a_missing_pong_a_payload_too_long_and_a_wrong_magic_each_end_the_peer() -> None:
    """Ancestors' fault 10."""
    mute, boaster, stranger = ready(REGTEST), ready(REGTEST), ready(REGTEST)
    mute.peer.ping(1.0)
    for minute in range(1, 21):  # it talks all the time, and never answers
        mute.says(m.GetAddr(), now=60.0 * minute)
    mute.events()
    mute.peer.handle_timer(1_201.0)
    assert mute.ended().reason is Reason.PING_TIMEOUT
    boaster.peer.receive_data(REGTEST.magic + b"tx".ljust(12, b"\0") + b"\xff\xff\xff\x7f" + bytes(4), 1.0)
    stranger.peer.receive_data(bytes.fromhex("f9beb4d9") + b"ping", 1.0)
    for remote, words in ((boaster, "2147483647 bytes"), (stranger, "wrong magic f9beb4d9")):
        events = remote.events()
        error = only(e.PeerMisbehaved, events).error
        assert isinstance(error, CodecError)
        assert words in error.message
        assert only(PeerDisconnected, events).reason is Reason.PROTOCOL


# 11. A whole-batch barrier: the sync asked nobody for headers while blocks were loading.


def test_new_headers_are_asked_for_while_blocks_are_loading() -> None:
    """Ancestors' fault 11."""
    world = World(network_with(batch_timeout=600.0))
    server = world.node(CHAIN[:100], at=str(FIRST), fault=Fault(stalls_after=5))
    node = world.node(connect=(FIRST,))
    assert world.run(1.0, until=lambda: server.served == 5)
    assert node.machine.sync.blocks.in_flight > 0
    server.grow(CHAIN[:101][100:])
    assert world.run(1.0, until=lambda: node.tree.tip.height == 101)
    assert server.served == 5
    assert node.machine.sync.blocks.in_flight > 0


# 12. A failed address was burnt for ever, and nothing went back to the seeds when all peers were lost.


def test_a_failed_address_is_tried_again_after_waits_that_grow() -> None:
    """Ancestors' fault 12."""
    world = World()
    node = world.node(connect=(FIRST,))
    world.run(100)
    attempts = [event for event in node.events_of(PeerLost) if event.reason is Reason.CONNECT_FAILED]
    assert 5 <= len(attempts) <= 8
    assert node.machine.pool.discovery.hopeless
    world.node(CHAIN, at=str(FIRST))
    assert world.run(400, until=lambda: node.machine.is_at_tip)
    assert not node.machine.pool.discovery.hopeless


def test_an_address_that_failed_for_a_day_is_still_tried_at_least_once_in_an_hour_and_a_quarter() -> None:
    """Ancestors' fault 12. One that nobody named, too. Nobody else is there: so it is tried once a minute."""
    world = World()
    node = world.node(dns=True, peers=1, peers_file=(FIRST,))
    tried_at: list[float] = []
    while world.now < 86_400.0:
        count = len(node.events_of(PeerLost))
        assert world.run(4_500.0, until=lambda: len(node.events_of(PeerLost)) > count)  # noqa: B023  (used at once)
        tried_at.append(world.now)
    waits = [later - earlier for earlier, later in pairwise(tried_at)]
    assert min(waits) >= 1.0
    assert max(waits) < 100.0
    world.node(CHAIN, at=str(FIRST))
    assert world.run(4_500.0, until=lambda: node.machine.is_at_tip)


def test_when_all_peers_are_lost_the_node_goes_back_to_the_seeds() -> None:
    """Ancestors' fault 12."""
    world = World(replace(TOYNET, dns_seeds=("seed.toy",)))
    world.names["seed.toy"] = (FIRST,)
    server = world.node(CHAIN, at=str(FIRST))
    node = world.node(dns=True, peers=2)
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    asked = len(world.resolved)
    server.leave()
    world.names["seed.toy"] = (SECOND,)
    world.node(CHAIN, at=str(SECOND))
    assert world.run(1, until=lambda: node.machine.ready_count == 0)
    assert world.run(120, until=lambda: node.machine.ready_count == 1)
    assert len(world.resolved) > asked
