"""The figures of a node at one moment."""

from __future__ import annotations

from headway.node.snapshot import snapshot_of
from headway.peer.events import PeerState, Reason, RequestKind
from headway.sync.scheduler import Phase
from headway.types import Address, Net
from tests.toynet import toy_chain
from tests.virtual import WALL, Fault, VirtualNode, World

CHAIN = toy_chain(100)


def addresses(*numbers: int) -> tuple[Address, ...]:
    return tuple(Address(f"1.0.0.{number}", 1) for number in numbers)


def bytes_of(node: VirtualNode, what: str) -> int:
    return sum(each.bytes for each in getattr(snapshot_of(node.machine, WALL).tally, what).values())


def test_a_node_that_has_a_chain_tells_where_it_is_and_what_it_took() -> None:
    world = World()
    server = world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(connect=addresses(1))
    world.run(60, until=lambda: node.machine.is_at_tip)
    ours, theirs = snapshot_of(node.machine, WALL), snapshot_of(server.machine, WALL)
    assert (ours.network, ours.phase, theirs.phase) == ("toynet", Phase.CURRENT, Phase.HEADERS)
    assert (ours.peers, ours.connections) == ({(Net.IPV4, False): 1}, {(PeerState.READY, False): 1})
    assert (theirs.peers, theirs.connections) == ({(Net.UNROUTABLE, True): 1}, {(PeerState.READY, True): 1})
    assert (ours.header_height, ours.block_height, ours.headers, ours.blocks) == (100, 100, 100, 100)
    assert (ours.headers_held, ours.blocks_held, theirs.blocks_held) == (101, 101, 101)
    assert ours.block_bytes == sum(map(len, CHAIN))
    assert (ours.blocks_asked, ours.blocks_in_hand, ours.bytes_in_hand) == (0, 0, 0)
    assert (ours.addresses, ours.discouraged, ours.transactions) == (1, 0, 0)
    assert ours.tally.received["block"].messages == theirs.tally.sent["block"].messages == 100
    assert ours.tally.requests[RequestKind.BLOCKS].settled > 0


def test_what_gone_peers_did_stays_in_the_sums() -> None:
    world = World()
    server = world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(connect=addresses(1))
    world.run(60, until=lambda: node.machine.is_at_tip)
    before, sent = bytes_of(node, "received"), bytes_of(server, "sent")
    server.leave()
    world.run(5)
    after = snapshot_of(node.machine, WALL)
    assert after.peers == {}
    assert bytes_of(node, "received") == before == sent
    assert after.tally.ended[False, Reason.REMOTE_CLOSED] == 1
    assert after.tally.ended[False, Reason.CONNECT_FAILED] >= 1
    assert snapshot_of(server.machine, WALL).tally.ended == {(True, Reason.REQUESTED): 1}


def test_what_is_under_way_is_told_and_who_was_discouraged() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1", fault=Fault(stalls_after=0))
    world.node(CHAIN, at="1.0.0.2:1", fault=Fault(corrupts=1))
    node = world.node(connect=addresses(1, 2, 3))
    world.run(2)
    snapshot = snapshot_of(node.machine, WALL + world.now)
    assert (snapshot.phase, snapshot.block_height) == (Phase.BLOCKS, 0)
    assert snapshot.blocks_asked > 0
    assert (snapshot.misbehaved, snapshot.discouraged) == (1, 1)
    assert snapshot_of(node.machine, WALL + 10 * 86_400.0).discouraged == 0
    assert snapshot.connections[PeerState.READY, False] == 1


def test_a_node_of_headers_has_no_block_height() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(connect=addresses(1), floor=None)
    world.run(60, until=lambda: node.machine.is_at_tip)
    assert (snapshot_of(node.machine, WALL).header_height, snapshot_of(node.machine, WALL).block_height) == (100, None)
    node.give("broadcast", b"a transaction", 1)
    assert snapshot_of(node.machine, WALL).transactions == 1
