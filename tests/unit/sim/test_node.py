"""A whole node on a simulated host: what the machine orders is carried out, and what comes of it is given back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headway.errors import StoreError
from headway.networks.bitcoin import REGTEST
from headway.node import orders as do
from headway.node.config import NodeConfig
from headway.peer.events import Reason
from headway.sim.chain import Chain
from headway.sim.internet import Host, Internet
from headway.sim.link import Path
from headway.sim.node import MemoryStore, SimNode
from headway.sim.scenario import MAIN, ChainPlan
from headway.sim.simulation import EPOCH, Simulation
from headway.sync.output import WriteBlock, WriteHeaders, WriteInvalid
from headway.testing.simulated import cast_chains
from headway.types import Address
from headway.wire.messages import Version
from tests.recorder import Recorder

HERE, THERE = Address("9.0.0.1", 8333), Address("2.0.0.1", 8333)
TIMING = replace(REGTEST.timing, connect_timeout=7.0, handshake_timeout=20.0)
NETWORK = replace(REGTEST, timing=TIMING)
LENGTH = 60


def chain() -> Chain:
    return cast_chains("regtest", ((MAIN, ChainPlan(LENGTH)),))[1][MAIN]


class Scene:
    """A node at HERE, which is told of the peer THERE."""

    def __init__(self, *, store: MemoryStore | None = None, skew: float = 0.0, **config: Any) -> None:
        self.lines: list[str] = []
        self.simulation = Simulation(1, trace=self.lines.append)
        self.internet = Internet(self.simulation)
        self.host = self.internet.add(Host("node", (HERE,), Path(0.05)))
        self.there = self.internet.add(Host("there", (THERE,), Path(0.05)))
        self.config = NodeConfig(**{"network": NETWORK, "connect": (THERE,), "dns": False, **config})
        self.node = SimNode(self.internet, self.host, self.config, store=store, clock_skew=skew)

    def serve(self, store: MemoryStore | None = None) -> SimNode:
        """Another node THERE, which serves a whole chain."""
        config = NodeConfig(network=NETWORK, peers=0, dns=False, serve=True, port=8333)
        server = SimNode(self.internet, self.there, config, store=store or MemoryStore.of(chain()))
        server.start()
        return server

    def record(self) -> Recorder:
        """A party THERE that only listens."""
        recorder = Recorder(self.simulation)
        self.there.listener = recorder
        return recorder

    def run(self, seconds: float = 100.0) -> None:
        self.simulation.run(seconds)

    def sync(self) -> None:
        self.node.start()
        assert self.simulation.run(100.0, until=lambda: self.node.machine.is_at_tip)

    def lost(self) -> list[Reason]:
        return [each.reason for each in self.node.events if isinstance(each, do.PeerLost)]


# ------------------------------------------------------------------------------------------------------ the whole of it


def test_a_node_brings_a_chain_from_another_node() -> None:
    scene = Scene()
    scene.serve()
    scene.sync()
    assert scene.node.tree.tip == chain().tip
    assert [scene.node.block_at(height) for height in range(1, LENGTH + 1)] == chain().blocks
    assert scene.node.block_at(0) == REGTEST.rules.genesis_block
    assert scene.node.block_at(LENGTH + 1) is None
    delivered = [each.id for each in scene.node.events if isinstance(each, do.BlockConnected)]
    assert delivered == [chain().id(height) for height in range(1, LENGTH + 1)]
    assert [order.address for _, order in scene.node.dials] == [THERE]


def test_its_trace_is_that_of_the_protocol_and_of_what_its_owner_hears() -> None:
    scene = Scene()
    scene.serve()
    scene.sync()
    said = "\n".join(scene.lines)
    for words in (
        "      0.000000 node 2.0.0.1:8333 > dial",
        "node 2.0.0.1:8333 = READY",
        "node ! 2.0.0.1:8333 ready",
        f"node 2.0.0.1:8333 < headers [{LENGTH}]",
        f"node ! tip {LENGTH}:",
    ):
        assert words in said
    scene.node.close()
    scene.run()
    assert "node ! 2.0.0.1:8333 lost: requested we are closing" in "\n".join(scene.lines)


def test_orders_are_carried_out_one_after_another_whatever_they_bring_about() -> None:
    """What a send brings about (it is told at once how much waits) comes behind the orders that are there already."""
    scene = Scene()
    nodes = [scene.node, scene.serve()]
    deepest, depth = 0, {id(node): 0 for node in nodes}

    def counting(node: SimNode) -> None:
        carry_out = node._carry_out

        def counted(order: do.Order) -> None:
            nonlocal deepest
            depth[id(node)] += 1
            deepest = max(deepest, depth[id(node)])
            carry_out(order)
            depth[id(node)] -= 1

        node._carry_out = counted  # type: ignore[method-assign]  # to look at it

    for node in nodes:
        counting(node)
    scene.sync()
    assert deepest == 1


# ------------------------------------------------------------------------------------------------ dials and connections


def test_a_dial_that_hangs_fails_at_its_deadline() -> None:
    scene = Scene()
    scene.there.is_dark = True
    scene.node.start()
    scene.run(6.9)
    assert scene.lost() == []
    scene.run(0.2)
    assert scene.lost() == [Reason.CONNECT_FAILED]
    assert scene.node.events[0].message == "no answer within 7 s"  # type: ignore[union-attr]
    assert scene.node._connections == {}


def test_a_dial_that_is_answered_does_not_fail_at_its_deadline() -> None:
    scene = Scene()
    scene.serve()
    scene.node.start()
    scene.run(30.0)
    assert scene.lost() == []


def test_a_refused_dial_fails_after_the_way_there_and_back() -> None:
    scene = Scene()
    scene.node.start()
    scene.run(0.19)
    assert scene.lost() == []
    scene.run(0.02)
    assert scene.lost() == [Reason.CONNECT_FAILED]


def test_a_node_that_closes_while_it_dials_tells_nobody() -> None:
    scene = Scene()
    remote = scene.record()
    scene.node.start()
    scene.node.close()
    scene.run()
    assert remote.told == []
    assert scene.internet.connections == ()


def test_a_silent_remote_is_dropped_at_the_deadline_of_the_handshake() -> None:
    scene = Scene()
    remote = scene.record()
    scene.node.start()
    scene.run(50.0)
    assert remote.when("accept")[0] == 0.2
    assert remote.when("eof")[0] == pytest.approx(0.2 + 20.0 + 0.1)
    assert remote.all("lost") == []


def test_the_end_of_the_remote_and_a_break_are_told() -> None:
    for how, reason in (("close", Reason.REMOTE_CLOSED), ("reset", Reason.CONNECTION_LOST)):
        scene = Scene()
        remote = scene.record()
        scene.node.start()
        scene.run(1.0)
        getattr(remote.end, how)()
        scene.run(1.0)
        assert scene.lost() == [reason]
        assert scene.node._connections == {}


def test_inbound_peers_are_taken_up_to_the_limit() -> None:
    scene = Scene(connect=(), peers=0, serve=True, max_inbound=2)
    scene.node.start()
    callers = [Recorder(scene.simulation) for _ in range(3)]
    for caller in callers:
        scene.internet.dial(scene.there, HERE, caller)
    scene.run(1.0)
    assert [caller.all("eof") for caller in callers] == [[], [], [None]]
    assert len(scene.node.machine.peer_ids) == 2


def test_a_node_that_does_not_serve_refuses_who_dials() -> None:
    scene = Scene()
    caller = Recorder(scene.simulation)
    scene.internet.dial(scene.there, HERE, caller)
    scene.run(1.0)
    assert caller.all("failed") == ["connection refused"]


def test_a_remote_that_does_not_read_is_told_to_the_machine() -> None:
    scene = Scene()
    remote = scene.record()
    scene.node.start()
    scene.run(1.0)
    assert remote.end is not None
    remote.end.set_reading(reading=False)
    (peer,) = scene.node.machine.peer_ids
    remote_of = scene.node._connections[peer]
    assert remote_of.end is not None
    for _ in range(40):
        remote_of.end.send(bytes(500_000))
    assert scene.lost() == [Reason.NOT_READING]


def test_seeds_are_asked_where_nothing_else_is_known() -> None:
    network = replace(NETWORK, dns_seeds=("seed.example",), port=8333)
    scene = Scene(network=network, connect=(), peers=2, dns=True)
    scene.internet.names["seed.example"] = (THERE,)
    scene.serve()
    scene.sync()
    assert [order.address for _, order in scene.node.dials] == [THERE]


# ------------------------------------------------------------------------------------------------------ clock and timer


def test_a_wrong_clock_shows_in_the_version() -> None:
    scene = Scene(skew=-7200.0)
    remote = scene.record()
    scene.node.start()
    scene.run(1.0)
    wire = NETWORK.codec.open(inbound=True)
    wire.receive_data(remote.received)
    version = next(wire.decode(frame) for frame in wire.frames())
    assert isinstance(version, Version)
    assert abs(version.wall_time - (EPOCH - 7200.0)) < 2.0


def test_the_timer_is_set_anew_for_what_is_due_earlier() -> None:
    """A tick a second, and between them the deadline of the dial."""
    scene = Scene()
    scene.there.is_dark = True
    scene.node.start()
    scene.run(7.5)
    assert scene.node.machine.get_timer() is not None
    assert scene.node._timer_at == scene.node.machine.get_timer()


# ------------------------------------------------------------------------------------------------------------ the store


def test_the_store_keeps_what_is_written_until_it_is_full() -> None:
    store = MemoryStore(room=10)
    store.write(WriteHeaders(1, b"12345", 1))
    store.write(WriteBlock(1, 3, b"", memoryview(b"678")))
    store.write(WriteInvalid(b"h" * 32))
    with pytest.raises(StoreError, match="the disk is full"):
        store.write(WriteBlock(1, 4, b"", b"too long"))
    assert (store.headers, store.blocks, store.invalid, store.room) == ([b"12345"], {3: b"678"}, [b"h" * 32], 2)


def test_a_node_ends_when_its_disk_is_full() -> None:
    scene = Scene(store=MemoryStore(room=LENGTH * 80 + 5_000))
    scene.serve()
    scene.node.start()
    scene.run(10.0)
    assert isinstance(scene.node.machine.failure, StoreError)
    assert scene.node.machine.peer_ids == ()
    assert 0 < len(scene.node.store.blocks) < LENGTH


def test_a_node_goes_on_from_the_store_of_the_one_that_was_killed() -> None:
    scene = Scene()
    scene.serve()
    scene.node.start()
    assert scene.simulation.run(100.0, until=lambda: len(scene.node.store.blocks) > LENGTH // 2)
    scene.node.stop()
    written = dict(scene.node.store.blocks)
    scene.run(10.0)
    assert scene.node.store.blocks == written, "nothing is written any more"
    assert scene.internet.connections == ()
    killed, scene.node = scene.node, SimNode(scene.internet, scene.host, scene.config, store=scene.node.store)
    assert scene.node.tree.tip == chain().tip
    scene.sync()
    assert scene.node.store.blocks == {height: chain().block(height) for height in range(1, LENGTH + 1)}
    assert not killed.is_up


def test_a_restart_knows_what_was_found_invalid() -> None:
    store = MemoryStore.of(chain())
    store.invalid.append(chain().hashes[50])
    assert Scene(store=store).node.tree.tip.height == 49


def test_a_killed_node_takes_no_connection_that_it_had_dialled() -> None:
    scene = Scene()
    remote = scene.record()
    scene.node.start()
    scene.node.stop()
    scene.run(10.0)
    assert [what for _, what, _ in remote.told] == ["accept", "eof"]
    assert scene.node.give("handle_timer") is None
