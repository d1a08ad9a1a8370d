"""The whole node in virtual time: several peers, faults, and what comes of them."""

from __future__ import annotations

import random
import sys
from dataclasses import replace

from headway.chain.headers import HeaderTree
from headway.networks import network_named
from headway.node.config import NodeConfig
from headway.node.machine import NodeMachine
from headway.node.orders import BlockConnected, BlockDisconnected, PeerLost, PeerReady, TipChanged
from headway.peer.events import Reason
from headway.sync.allowance import START
from headway.sync.headers import FUTURE_RETRY
from headway.testing.chain import regtest_chain
from headway.types import Address, BlockId, BookRecords
from headway.wire.messages import GetData, InvEntry, InvType, Ping, Verack, Version
from tests.toynet import TOYNET, toy_block, toy_chain, toy_hash
from tests.virtual import WALL, Fault, World, network_with

CHAIN = toy_chain(300)


def addresses(*names: str) -> tuple[Address, ...]:
    return tuple(Address.parse(name) for name in names)


def test_a_node_brings_a_whole_chain_from_one_peer() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(connect=addresses("1.0.0.1:1"))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert node.tree.tip.hash == toy_hash(CHAIN[-1])
    assert node.store.blocks == dict(enumerate(CHAIN, 1))
    connected = [event.id.height for event in node.events_of(BlockConnected)]
    assert connected == list(range(1, 301))
    counters = node.machine.counters
    assert (counters.headers, counters.blocks) == (300, 300)
    assert counters.block_bytes == sum(map(len, CHAIN))


def test_blocks_come_from_all_peers_at_once_and_none_twice() -> None:
    world = World()
    servers = [world.node(CHAIN, at=f"1.0.0.{n}:1") for n in range(1, 5)]
    node = world.node(connect=addresses(*(f"1.0.0.{n}:1" for n in range(1, 5))))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert sum(server.served for server in servers) == 300
    assert all(server.served > 30 for server in servers)


def test_the_same_address_named_twice_is_connected_twice() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.1:1"))
    world.run(5)
    assert node.machine.ready_count == 2
    assert len(node.events_of(PeerReady)) == 2


def test_a_peer_that_leaves_half_way_costs_nothing_but_its_share() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1", fault=Fault(leaves_after=40))
    honest = world.node(CHAIN, at="1.0.0.2:1")
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.2:1"))
    assert world.run(60, until=lambda: node.store.blocks.keys() == set(range(1, 301)))
    assert world.now < 30
    assert 260 <= honest.served <= 260 + START  # what was on its way when it left is brought again, no more
    lost = node.events_of(PeerLost)[0]
    assert (lost.was_ready, lost.reason) == (True, Reason.REMOTE_CLOSED)


def test_near_the_tip_a_staller_costs_little_and_what_it_owed_goes_to_others() -> None:
    world = World(network_with(batch_timeout=20.0))
    world.node(CHAIN, at="1.0.0.1:1", fault=Fault(stalls_after=10))
    world.node(CHAIN, at="1.0.0.2:1")
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.2:1"))
    assert world.run(60, until=lambda: node.store.blocks.keys() == set(range(1, 301)))
    assert world.now < 2.0
    assert node.machine.counters.stalls == 1
    assert node.events_of(PeerLost) == []


def test_a_peer_that_brings_nothing_more_ends_itself_by_its_progress_clock() -> None:
    world = World(network_with(batch_timeout=20.0))
    world.node(CHAIN, at="1.0.0.1:1", fault=Fault(stalls_after=10))
    world.node(CHAIN, at="1.0.0.2:1")
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.2:1"))
    assert world.run(60, until=lambda: bool(node.events_of(PeerLost)))
    assert 20.0 < world.now < 22.0
    assert node.events_of(PeerLost)[0].reason is Reason.STALLED
    assert node.machine.counters.stalls == 1


def test_a_staller_that_wakes_up_is_asked_again_for_what_it_still_owes() -> None:
    world = World()
    staller = world.node(CHAIN, at="1.0.0.1:1", fault=Fault(stalls_after=10))
    helper = world.node(CHAIN, at="1.0.0.2:1")
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.2:1"))
    assert world.run(60, until=lambda: node.machine.counters.stalls == 1)
    helper.leave()
    staller.fault.stalls_after = None
    staller.resume()
    assert world.run(60, until=lambda: node.store.blocks.keys() == set(range(1, 301)))
    assert node.events_of(PeerLost)[0].address == helper.address


def test_the_only_peer_is_not_called_a_staller_while_its_clock_runs() -> None:
    world = World(network_with(batch_timeout=20.0))
    world.node(CHAIN, at="1.0.0.1:1", fault=Fault(stalls_after=10))
    node = world.node(connect=addresses("1.0.0.1:1"))
    world.run(15)
    assert node.machine.counters.stalls == 0
    assert node.events_of(PeerLost) == []


def test_a_corrupt_block_is_asked_elsewhere_and_its_sender_is_not_dialled_again() -> None:
    world = World()
    liar = world.node(CHAIN, at="1.0.0.1:1", fault=Fault(corrupts=5))
    world.node(CHAIN, at="1.0.0.2:1")
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.2:1"))
    world.run(600)
    assert node.store.blocks == dict(enumerate(CHAIN, 1))
    lost = node.events_of(PeerLost)
    assert [(event.address, event.reason) for event in lost] == [(liar.address, Reason.MISBEHAVED)]
    assert "bad-check" in lost[0].message
    assert node.machine.counters.misbehaved == 1
    assert node.machine.ready_count == 1


def test_when_every_named_peer_serves_invalid_data_the_node_says_so() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1", fault=Fault(corrupts=5))
    node = world.node(connect=addresses("1.0.0.1:1"))
    world.run(600)
    assert node.machine.slots.all_discouraged
    assert not node.machine.is_at_tip


def test_an_invalid_block_is_remembered_and_the_other_chain_is_followed() -> None:
    world = World()
    good = CHAIN[:20]
    parent = good[10]
    bad = toy_block(toy_hash(parent), int.from_bytes(parent[36:40], "little") + 10, transactions=[b"bad money"])
    long_bad = [*good[:11], bad, *toy_chain(30, parent=bad)]
    world.node(long_bad, at="1.0.0.1:1")
    world.node(good, at="1.0.0.2:1")
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.2:1"))
    world.run(120)
    assert node.store.invalid == [toy_hash(bad)]
    assert node.tree.tip.hash == toy_hash(good[-1])
    assert node.machine.sync.chain.tip == node.tree.tip
    assert node.machine.is_at_tip


def test_notfound_sends_a_block_elsewhere_without_blame() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1", fault=Fault(loses=frozenset({3, 4, 5})))
    world.node(CHAIN, at="1.0.0.2:1")
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.2:1"))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert node.events_of(PeerLost) == []


def test_a_deaf_peer_does_not_hold_up_the_headers_of_the_others() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1", fault=Fault(deaf=True))
    world.node(CHAIN, at="1.0.0.2:1")
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.2:1"))
    assert world.run(20, until=lambda: len(node.store.blocks) == 300)


def test_the_tip_is_not_reached_before_every_ready_peer_was_heard() -> None:
    world = World()
    world.node(CHAIN[:200], at="1.0.0.1:1")
    world.node(CHAIN, at="1.0.0.2:1")
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.2:1"))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert node.tree.tip.height == 300
    assert len(node.store.blocks) == 300


def test_a_silent_peer_is_dropped_and_does_not_keep_us_from_the_tip_for_ever() -> None:
    world = World(network_with(headers_timeout=30.0))
    world.node(CHAIN, at="1.0.0.1:1")
    world.node(CHAIN, at="1.0.0.2:1", fault=Fault(deaf=True))
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.2:1"))
    assert world.run(200, until=lambda: node.machine.is_at_tip)
    assert world.now > 30
    assert node.events_of(PeerLost)[0].reason is Reason.STALLED


def test_new_blocks_are_followed_as_they_are_announced() -> None:
    world = World()
    server = world.node(CHAIN[:250], at="1.0.0.1:1")
    node = world.node(connect=addresses("1.0.0.1:1"))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    for height in range(250, 260):
        server.grow(CHAIN[height : height + 1])
        assert world.run(2, until=lambda: node.machine.is_stored_to(height + 1))  # noqa: B023  (used at once)
    assert node.events_of(BlockConnected)[-1].id.height == 260


def test_what_a_node_caught_up_with_it_announces_so_that_others_can_follow() -> None:
    """Blocks come to it in several parts, of which it is at the tip after the last alone."""
    world = World(network_named("regtest"))
    chain = list(regtest_chain(90, sizes=(0, 0)))
    source = world.node(chain[:30], at="1.0.0.1:1")
    relay = world.node(connect=addresses("1.0.0.1:1"), at="1.0.0.2:1")
    client = world.node(connect=addresses("1.0.0.2:1"))
    assert world.run(60, until=lambda: client.machine.is_stored_to(30))
    for height in (50, 70, 90):
        source.grow(chain[relay.tree.tip.height : height])
        assert world.run(10, until=lambda: client.machine.is_stored_to(height))  # noqa: B023  (used at once)


def test_a_reorganisation_is_followed_and_told_in_order() -> None:
    world = World()
    server = world.node(CHAIN[:100], at="1.0.0.1:1")
    node = world.node(connect=addresses("1.0.0.1:1"))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    node.events.clear()
    rival = toy_chain(11, salt=1, parent=CHAIN[89])
    server.grow(rival)
    assert world.run(10, until=lambda: node.machine.is_at_tip and node.tree.tip.height == 101)
    assert node.machine.sync.chain.tip is not None
    assert node.machine.sync.chain.tip.hash == toy_hash(rival[-1])
    assert [event.id.height for event in node.events_of(BlockDisconnected)] == list(range(100, 90, -1))
    assert [event.id.hash for event in node.events_of(BlockConnected)] == [toy_hash(block) for block in rival]
    assert [event.disconnected for event in node.events_of(TipChanged)] == [10]
    assert node.machine.counters.reorgs == 1


def test_headers_only_brings_no_block() -> None:
    world = World()
    server = world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(connect=addresses("1.0.0.1:1"), floor=None)
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert (node.tree.tip.height, server.served, node.store.blocks) == (300, 0, {})


def test_a_floor_brings_blocks_from_there_on() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(connect=addresses("1.0.0.1:1"), floor=290)
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert sorted(node.store.blocks) == list(range(290, 301))


def test_a_ceiling_brings_no_block_beyond_it() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(connect=addresses("1.0.0.1:1"), ceiling=123)
    assert world.run(60, until=lambda: node.machine.is_stored_to(123))
    world.run(60)
    assert sorted(node.store.blocks) == list(range(1, 124))
    assert node.machine.is_at_tip
    assert node.machine.sync.chain.tip == node.tree.id(123)


def test_a_node_resumes_from_what_it_has() -> None:
    world = World()
    server = world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(CHAIN[:200], connect=addresses("1.0.0.1:1"))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert server.served == 100
    assert b"".join(node.store.headers) == b"".join(block[:44] for block in CHAIN[200:])


def test_addresses_come_from_seeds_then_from_gossip() -> None:
    world = World(replace(TOYNET, dns_seeds=("seed.toy",)))
    world.names["seed.toy"] = addresses("1.0.0.1:1", "1.0.0.9:9")
    world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(dns=True, peers=2)
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert world.resolved == [("seed.toy",)]


def test_without_dns_the_fixed_seeds_are_used_and_no_name_is_asked_for() -> None:
    world = World(replace(TOYNET, dns_seeds=("seed.toy",), fixed_seeds=addresses("1.0.0.1:1")))
    world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(dns=True, dnsseed=False, peers=1)
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert world.resolved == [()]


def test_dial_that_failed_at_the_proxy_is_told_as_such() -> None:
    world = World()
    node = world.node(connect=addresses("1.0.0.1:1"))
    node.machine.handle_connect_failed(node.machine.peer_ids[0], "the proxy is dead", 0.0, at_proxy=True)
    node.settle()
    (lost,) = node.events_of(PeerLost)
    assert (lost.reason, lost.message) == (Reason.PROXY_FAILED, "the proxy is dead")


def test_a_peers_file_is_used_before_any_seed() -> None:
    world = World(replace(TOYNET, dns_seeds=("seed.toy",)))
    world.node(CHAIN, at="1.0.0.1:1")
    world.names["seed.toy"] = addresses("1.0.0.2:1")
    node = world.node(dns=True, peers=1, peers_file=addresses("1.0.0.1:1"), book=BookRecords(bytes(32)))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert world.resolved == []


def test_when_all_of_the_peers_file_fail_the_seeds_are_asked() -> None:
    world = World(replace(TOYNET, dns_seeds=("seed.toy",)))
    world.node(CHAIN, at="1.0.0.1:1")
    world.names["seed.toy"] = addresses("1.0.0.1:1")
    node = world.node(dns=True, peers=1, peers_file=addresses("1.0.0.8:1", "1.0.0.9:1"), book=BookRecords(bytes(32)))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert world.resolved[0] == ("seed.toy",)


def test_more_inbound_peers_than_allowed_are_turned_away() -> None:
    world = World()
    server = world.node(CHAIN, at="1.0.0.1:1", max_inbound=2)
    nodes = [world.node(connect=addresses("1.0.0.1:1")) for _ in range(4)]
    world.run(3)
    assert len(server.machine.peer_ids) == 2
    assert sum(node.machine.ready_count for node in nodes) == 2


def test_closing_leaves_all_tables_empty() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1")
    world.node(CHAIN, at="1.0.0.2:1")
    node = world.node(connect=addresses("1.0.0.1:1", "1.0.0.2:1"))
    world.run(1)
    node.give("close")
    world.run(60)
    machine = node.machine
    assert machine.peer_ids == ()
    assert machine.get_timer() is None
    assert machine.ready_count == 0
    assert machine.sync.blocks.in_flight == 0
    assert not machine._outbox._waiting
    assert not machine.slots._slots
    assert not machine._server._clients


def test_the_same_machine_brings_a_bitcoin_chain_and_follows_its_reorganisation() -> None:
    regtest = network_named("regtest")
    chain = list(regtest_chain(60, sizes=(1_000, 3_000)))
    rival = list(regtest_chain(11, salt=1, parent=chain[49], sizes=(1_000, 3_000)))
    world = World(regtest)
    server = world.node(chain, at="1.0.0.1:18444")
    world.node(chain, at="1.0.0.2:18444", fault=Fault(corrupts=5))
    node = world.node(connect=addresses("1.0.0.1:18444", "1.0.0.2:18444"))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert node.store.blocks == dict(enumerate(chain, 1))
    assert node.machine.counters.misbehaved == 1
    server.grow(rival)
    assert world.run(60, until=lambda: node.machine.is_at_tip and node.machine.counters.reorgs == 1)
    assert node.tree.tip == BlockId(61, regtest.rules.parse_header(rival[-1][:80]).hash)


def calls_of_one_input(peers: int) -> int:
    """Function calls that a ping of one peer costs a node with so many."""
    world = World()
    server = world.node(CHAIN, at="1.0.0.1:1", max_inbound=peers)
    for _ in range(peers):
        world.node(CHAIN, connect=addresses("1.0.0.1:1"))
    assert world.run(5, until=lambda: server.machine.ready_count == peers)
    world.run(5)
    server.machine.orders()
    ping = TOYNET.codec.open(inbound=False).encode(Ping(7))[0]
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    server.machine.receive_data(server.machine.peer_ids[0], ping, world.now)
    sys.setprofile(None)
    return calls


def test_the_cost_of_an_input_does_not_grow_with_the_number_of_peers() -> None:
    assert calls_of_one_input(100) == calls_of_one_input(2) > 10


def test_each_line_of_the_trace_names_its_peer() -> None:
    lines: list[str] = []
    config = NodeConfig(TOYNET, connect=addresses("1.0.0.1:1", "1.0.0.2:1"), dns=False)
    machine = NodeMachine(config, HeaderTree(TOYNET), rng=random.Random(1), log=lines.append)
    machine.start(0.0, 0.0)
    for peer in machine.peer_ids:
        machine.handle_connected(peer, 0.0)
    assert sorted(line.split()[0] for line in lines if line.endswith("= HANDSHAKING")) == ["1.0.0.1:1", "1.0.0.2:1"]


def test_why_a_dial_failed_is_made_harmless() -> None:
    node = World().node(connect=addresses("1.0.0.1:1"))
    [peer] = node.machine.peer_ids
    node.give("handle_connect_failed", peer, "refused\x1b[2J")
    [lost] = node.events_of(PeerLost)
    assert lost.message == "refused?[2J"


def test_a_peer_that_asks_for_more_than_it_reads_is_lost_like_any_other() -> None:
    world = World()
    server = world.node(CHAIN[:5], at="1.0.0.1:1")
    peer = server.give("handle_inbound", Address("10.0.0.1", 1))
    wire = TOYNET.codec.open(inbound=False)
    asked = GetData((InvEntry(InvType.BLOCK, toy_hash(CHAIN[0])),) * 30_000)
    for message in (Version(2, 0, 0, 1, "/far:1/", 0), Verack(), asked, asked):
        server.give("receive_data", peer, b"".join(bytes(chunk) for chunk in wire.encode(message)))
    [lost] = server.events_of(PeerLost)
    assert (lost.reason, lost.was_ready) == (Reason.NOT_READING, True)
    assert server.machine.peer_ids == ()
    assert server.machine.ready_count == 0
    assert server.machine._server._clients == {}


def test_a_peer_that_shakes_hands_and_breaks_the_protocol_in_one_breath_is_asked_for_nothing() -> None:
    world = World()
    node = world.node(peers_file=addresses("1.0.0.1:1"))  # found, not named: such a peer is asked for addresses
    [peer] = node.machine.peer_ids
    node.give("handle_connected", peer)
    wire = TOYNET.codec.open(inbound=True)
    shake = [bytes(chunk) for each in (Version(2, 9, 0, 1, "/far:1/", 0), Verack()) for chunk in wire.encode(each)]
    node.give("receive_data", peer, b"".join(shake) + b"garbage")
    [lost] = node.events_of(PeerLost)
    assert (lost.reason, lost.was_ready) == (Reason.PROTOCOL, True)
    assert node.machine.peer_ids == ()


# Clocks that jump.


def test_a_wall_clock_that_jumps_in_the_middle_of_a_sync_disturbs_nobody() -> None:
    years = 10 * 365 * 86_400.0
    world = World()
    world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(connect=addresses("1.0.0.1:1"))
    for stored, jump in ((50, years), (100, -years), (150, 3_600), (200, -7_200)):
        assert world.run(60, until=lambda stored=stored: len(node.store.blocks) >= stored)  # type: ignore[misc]
        node.machine.handle_clock(WALL + world.now + jump, world.now)
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    assert world.now < 10
    assert len(node.store.blocks) == 300
    assert node.events_of(PeerLost) == []
    assert node.machine.counters.misbehaved == 0


def test_headers_ahead_of_a_clock_that_is_wrong_come_once_it_is_right_and_nobody_is_blamed() -> None:
    world = World()
    world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(connect=addresses("1.0.0.1:1"))
    node.machine.handle_clock(1_000_000_000.0, world.now)
    world.run(60)
    assert (node.tree.tip.height, node.store.headers) == (0, [])
    assert node.machine.ready_count == 1
    node.machine.handle_clock(WALL + world.now, world.now)
    assert world.run(FUTURE_RETRY + 60, until=lambda: len(node.store.blocks) == 300)
    assert node.events_of(PeerLost) == []
    assert node.machine.counters.misbehaved == 0
