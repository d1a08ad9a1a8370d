"""Connections made, kept and replaced."""

from __future__ import annotations

import random

from headway.chain.headers import HeaderTree
from headway.node.config import NodeConfig
from headway.node.orders import Connect, Order, Resolve, SeedAnswer
from headway.node.outbox import Outbox
from headway.node.pool import Pool
from headway.node.table import PeerTable
from headway.peer.events import PeerState
from headway.types import Address
from tests.toynet import toynet

A, B, C = (Address(f"1.{n}.0.1", 4444) for n in (1, 2, 3))
NETWORK = toynet()


class Scene:
    """A pool, and what it ordered."""

    def __init__(self, **config: object) -> None:
        self.outbox = Outbox()
        self.peers = PeerTable()
        settings = NodeConfig(NETWORK, **{"dns": False, **config})  # type: ignore[arg-type]
        rng = random.Random(1)
        self.pool = Pool(settings, HeaderTree(NETWORK), self.peers, self.outbox, rng=rng, log=None)

    def orders(self) -> list[Order]:
        return self.outbox.take()

    def is_settling(self) -> bool:
        return self.pool.is_settling

    def dialled(self) -> set[Address]:
        return {order.address for order in self.orders() if isinstance(order, Connect)}


def test_it_dials_those_of_the_peers_file_up_to_its_target() -> None:
    scene = Scene(peers=2, peers_file=(A, B, C))
    scene.pool.fill(0.0)
    dialled = scene.dialled()
    assert len(dialled) == 2
    assert dialled < {A, B, C}
    assert len(scene.peers) == 2


def test_each_dial_has_a_machine_that_is_connecting() -> None:
    scene = Scene(connect=(A,))
    scene.pool.fill(0.0)
    (order,) = scene.orders()
    assert isinstance(order, Connect)
    peer = scene.peers.get(order.peer)
    assert peer is not None
    assert peer.address == A
    assert peer.machine.state is PeerState.CONNECTING


def test_what_the_seeds_say_is_dialled_at_once() -> None:
    scene = Scene(peers=1, dns=True)
    scene.pool.fill(0.0)
    (order,) = scene.orders()
    assert isinstance(order, Resolve)
    scene.outbox.settle(order.order, (SeedAnswer("seed", (A,)),), 1.0)
    assert scene.dialled() == {A}


def test_once_closed_it_dials_nobody_whatever_the_seeds_say() -> None:
    scene = Scene(peers=1, dns=True)
    scene.pool.fill(0.0)
    (order,) = scene.orders()
    assert isinstance(order, Resolve)
    scene.pool.close()
    scene.outbox.settle(order.order, (SeedAnswer("seed", (A,)),), 1.0)
    scene.pool.tick(100.0)
    assert scene.orders() == []


def test_a_peer_that_did_not_answer_for_headers_is_waited_for_until_another_had_time_to_connect() -> None:
    scene = Scene(peers=1, peers_file=(A, B))
    scene.pool.fill(0.0)
    assert not scene.is_settling()
    scene.pool.peer_expired(0.0)
    assert scene.is_settling()
    wait = NETWORK.timing.connect_timeout + 1.0
    scene.pool.tick(wait - 0.1)
    assert scene.is_settling()
    scene.pool.tick(wait)
    assert not scene.is_settling()


def test_a_peer_is_not_waited_for_when_nobody_could_take_its_place() -> None:
    scene = Scene(peers=1, peers_file=(A,))
    scene.pool.fill(0.0)
    scene.pool.peer_expired(0.0)
    assert not scene.is_settling()


def test_our_own_dial_ends_when_it_comes_out_at_our_own_door() -> None:
    scene = Scene(connect=(A,))
    scene.pool.fill(0.0)
    (order,) = scene.orders()
    assert isinstance(order, Connect)
    peer = scene.peers.get(order.peer)
    assert peer is not None
    scene.pool.met_ourselves(peer.machine.nonce, 0.0)
    assert peer.is_ourselves
    assert peer.machine.state is PeerState.CLOSED
    assert scene.peers.next_touched() == order.peer


def test_a_nonce_that_nobody_of_ours_has_ends_nothing() -> None:
    scene = Scene(connect=(A,))
    scene.pool.fill(0.0)
    (order,) = scene.orders()
    assert isinstance(order, Connect)
    scene.pool.met_ourselves(12345, 0.0)
    peer = scene.peers.get(order.peer)
    assert peer is not None
    assert peer.machine.state is PeerState.CONNECTING
