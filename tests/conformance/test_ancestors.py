"""The twelve faults of the ancestors (the 2019 Neo peer package and the Akka tutorial), each shown not to be ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.aio.config import LocalConfig
from headway.aio.peer import Peer
from headway.errors import RequestTimeout
from headway.network import Limits, Network, Timing
from headway.node.orders import PeerLost
from headway.peer import events as e
from headway.peer.events import PeerState, Reason
from headway.types import Address, BlockId
from tests.link import Remote, block_of, blocks_of, genesis_of, headers_of, only, quiet, ready, requests_of
from tests.loopback import on_loop, socket_pair
from tests.toynet import TOYNET, toy_chain, toynet
from tests.virtual import World

CHAIN = toy_chain(300)
FIRST, SECOND = Address("1.0.0.1", 1), Address("1.0.0.2", 1)


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


def test_two_machines_have_two_nonces_and_none_is_zero(network: Network) -> None:
    """Ancestors' fault 4."""
    nonces = {Remote(network, seed=seed).peer.nonce for seed in range(100)}
    assert len(nonces) == 100
    assert 0 not in nonces


@on_loop
async def test_silent_remote_is_a_request_timeout_and_its_socket_is_closed() -> None:
    """Ancestors' fault 6."""
    config = LocalConfig(network=toynet(timing=replace(Timing(), handshake_timeout=0.05)))
    dialled, accepted = await socket_pair()
    with accepted, pytest.raises(RequestTimeout, match=r"no version in 0\.05 s"):
        await Peer(dialled, config=config).run()
    assert dialled.fileno() == -1


def test_version_holds_what_they_said_and_not_what_we_did(network: Network) -> None:
    """Ancestors' fault 7."""
    remote = Remote(network, services=0)
    remote.shake(services=9, start_height=123_456)
    assert remote.peer.version is not None
    assert (remote.peer.version.services, remote.peer.version.start_height) == (9, 123_456)


def test_a_failed_address_is_tried_again_after_waits_that_grow() -> None:
    """Ancestors' fault 12."""
    world = World()
    node = world.node(connect=(FIRST,))
    world.run(100)
    attempts = [event for event in node.events_of(PeerLost) if event.reason is Reason.CONNECT_FAILED]
    assert 5 <= len(attempts) <= 8
    assert node.machine.slots.hopeless
    world.node(CHAIN, at=str(FIRST))
    assert world.run(400, until=lambda: node.machine.is_at_tip)
    assert not node.machine.slots.hopeless


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
    assert world.run(7200, until=lambda: node.machine.ready_count == 1)
    assert len(world.resolved) > asked
