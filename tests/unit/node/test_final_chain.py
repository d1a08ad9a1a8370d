"""Whole nodes on a chain that is final, is proved by seals, is asked by height, and answers with silence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headway.network import Network
from headway.node.orders import ConflictSeen, PeerLost
from headway.peer.events import Reason
from headway.types import BlockId
from tests.sealednet import PARSER, SEALED, SealedCodec, seal, sealed_chain, trusted_at
from tests.toynet import HEADER_SIZE, TOYNET, toy_chain, toy_hash
from tests.virtual import VirtualNode, World

CHAIN = sealed_chain(300)
SOURCE = "10.0.0.2:1"


def synced(world: World, **config: Any) -> VirtualNode:
    """A node that has brought all that the first one has."""
    client = world.node(connect=(next(iter(world.listening)),), **config)
    assert world.run(600.0, until=lambda: client.machine.is_at_tip)
    return client


def tip_of(node: VirtualNode) -> int:
    return node.tree.height(node.machine.sync.chain.tip_position)


def test_headers_and_blocks_come_by_height_and_silence_ends_the_asking() -> None:
    world = World(SEALED)
    world.node(CHAIN, at=SOURCE)
    client = synced(world)
    assert tip_of(client) == 300
    assert client.store.blocks == dict(enumerate(CHAIN, 1))
    assert client.events_of(PeerLost) == []
    assert world.now < 5.0


def test_silence_settles_a_question_where_no_ping_can_stand_behind_it() -> None:
    network: Network = replace(SEALED, codec=SealedCodec(answers_pings=False))
    world = World(network)
    world.node(CHAIN[:40], at=SOURCE)
    client = synced(world)
    assert tip_of(client) == 40
    assert client.events_of(PeerLost) == []
    assert network.timing.headers_timeout <= world.now < 3 * network.timing.headers_timeout


def test_new_blocks_are_announced_and_brought() -> None:
    world = World(SEALED)
    source = world.node(CHAIN[:100], at=SOURCE)
    client = synced(world)
    source.grow(CHAIN[:105])
    assert world.run(60.0, until=lambda: tip_of(client) == 105)


def test_headers_that_are_given_on_have_been_proved() -> None:
    """Who lets a few seals stand for all stores what was not proved; he does not serve it to others."""
    world = World(SEALED)
    world.node(sealed_chain(60, seals=[b"ok"] * 20 + [b"no"] + [b"ok"] * 39), at=SOURCE)
    client = world.node(connect=(next(iter(world.listening)),))
    assert not world.run(100.0, until=lambda: client.tree.tip.height > 20)
    assert client.tree.tip.height == 20


def test_a_seal_that_is_no_proof_discourages_who_gave_it() -> None:
    world = World(SEALED)
    liar = world.node(CHAIN[:50], at=SOURCE)
    liar.store.blocks[50] = sealed_chain(50, seals=[b"no"])[49]
    client = world.node(connect=(next(iter(world.listening)),))
    world.run(30.0)
    # the liar itself finds the seal when it is to serve the header, so it is never given
    assert client.tree.tip.height == 49


def test_a_conflict_is_an_alarm_and_no_reorganisation() -> None:
    world = World(SEALED)
    rival = [seal(block, b"ok") for block in toy_chain(5, salt=1, parent=CHAIN[28][:HEADER_SIZE])]
    world.node([*CHAIN[:29], *rival], at=SOURCE)
    node = world.node(CHAIN[:30], connect=tuple(world.listening))
    assert world.run(100.0, until=lambda: bool(node.events_of(ConflictSeen)))
    alarm = node.events_of(ConflictSeen)[0]
    assert (alarm.block, alarm.ours) == (BlockId(30, PARSER.block_header(rival[0]).hash), node.tree.tip)
    assert node.tree.tip == BlockId(30, PARSER.block_header(CHAIN[29]).hash)
    assert node.events_of(PeerLost) == []


def test_a_sync_may_begin_at_a_block_that_the_user_trusts() -> None:
    world = World(SEALED)
    world.node(CHAIN, at=SOURCE)
    root = BlockId(200, PARSER.block_header(CHAIN[199]).hash)
    client = synced(world, network=trusted_at(root))
    assert (tip_of(client), client.tree.root) == (300, root)
    assert client.store.blocks == dict(enumerate(CHAIN[200:], 1))
    assert client.machine.sync.chain.floor == 201


@pytest.mark.parametrize("network", [SEALED, TOYNET], ids=["by height", "by hash"])
def test_a_peer_of_another_genesis_is_named_and_never_taken_for_an_empty_one(network: Network) -> None:
    """The same magic, and a network file that is wrong: its chain follows nothing that we know."""
    world = World(network)
    world.node(CHAIN[:50] if network is SEALED else toy_chain(50), at=SOURCE)
    block = toy_chain(1, salt=77)[0]
    rules = replace(network.rules, root=BlockId(0, toy_hash(block)), genesis=block[:HEADER_SIZE])  # type: ignore[type-var]
    client = world.node(network=replace(network, rules=rules), connect=(next(iter(world.listening)),))
    assert not world.run(2.0, until=lambda: client.machine.is_at_tip)
    lost = client.events_of(PeerLost)
    assert lost
    assert lost[0].reason is Reason.HANDSHAKE_REJECTED
    assert lost[0].message.startswith("another chain: its headers follow no block that we know")
