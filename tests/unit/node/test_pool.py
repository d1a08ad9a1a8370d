"""Connections made, kept and replaced."""

from __future__ import annotations

import random
from collections import Counter

from headway.chain.headers import HeaderTree
from headway.node.config import NodeConfig
from headway.node.orders import Connect, Order, Resolve, SeedAnswer
from headway.node.outbox import Outbox
from headway.node.pool import DEAD_AFTER, MAX_PER_HOST, MAX_SHAKING, SHAKE_PATIENCE, Pool
from headway.node.table import PeerTable
from headway.peer.events import PeerState
from headway.sync.scheduler import SyncScheduler
from headway.types import Address
from headway.wire.messages import Verack, Version
from tests.toynet import PROTOCOL, toynet

A, B, C = (Address(f"1.{n}.0.1", 4444) for n in (1, 2, 3))
NETWORK = toynet()


class Scene:
    """A pool, and what it ordered."""

    def __init__(self, **config: object) -> None:
        self.outbox = Outbox()
        self.peers = PeerTable()
        settings = NodeConfig(NETWORK, **{"dns": False, **config})  # type: ignore[arg-type]
        rng = random.Random(1)
        self.tree = HeaderTree(NETWORK)
        self.sync = SyncScheduler(NETWORK, self.tree, floor=0, rng=rng)
        self.pool = Pool(settings, self.tree, self.sync, self.peers, self.outbox, rng=rng, log=None)

    def orders(self) -> list[Order]:
        return self.outbox.take()

    def call(self, *addresses: Address, shake: bool = True, now: float = 0.0) -> list[bool]:
        """Each dials us, in turn, and is let in or not."""
        said = []
        for address in addresses:
            said.append(self.pool.admits(address, now))
            if said[-1]:
                number = self.pool.add_peer(address, kind=None)
                peer = self.peers.get(number)
                assert peer is not None
                peer.machine.handle_connected(now, 0.0)
                self.pool.peer_came(number, now)
                if shake:
                    self.pool.peer_ready(number, peer, 0, now)
        return said

    def states(self) -> Counter[PeerState]:
        found = (self.peers.get(number) for number in self.peers)
        return Counter(peer.machine.state for peer in found if peer is not None)

    def is_settling(self) -> bool:
        return self.pool.is_settling

    def dialled(self) -> set[Address]:
        return {order.address for order in self.orders() if isinstance(order, Connect)}


def test_it_dials_those_of_the_peers_file_up_to_its_target() -> None:
    scene = Scene(peers=1, peers_file=(A, B, C))
    scene.pool.fill(0.0)
    dialled = scene.dialled()
    assert len(dialled) == 2, "the one that is wanted, and one that races it"
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
    scene = Scene(peers=1, peers_file=(A, B, C))
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


def strangers(count: int, first: int = 1) -> list[Address]:
    """Each of a group of its own."""
    return [Address(f"{20 + n // 200}.{n % 200 + 1}.0.1", 50_000) for n in range(first, first + count)]


def test_when_all_inbound_slots_are_taken_one_with_less_reason_to_stay_has_to_go() -> None:
    scene = Scene(serve=True, max_inbound=60)
    assert all(scene.call(*strangers(60)))
    assert scene.call(*strangers(1, 100)) == [True]
    assert scene.states()[PeerState.CLOSED] == 1
    few = Scene(serve=True, max_inbound=10)
    few.call(*strangers(10))
    assert few.call(*strangers(1, 100)) == [False], "each of so few has its reason to stay"


def test_one_host_and_one_group_get_no_more_than_their_share() -> None:
    scene = Scene(serve=True, max_inbound=40)
    host = [Address("30.1.0.1", port) for port in range(1, MAX_PER_HOST + 2)]
    assert scene.call(*host) == [True] * MAX_PER_HOST + [False]
    group = [Address(f"40.1.{n}.1", 1) for n in range(12)]
    assert scene.call(*group) == [True] * 10 + [False] * 2
    own = [Address("127.0.0.1", port) for port in range(1, 21)]
    assert all(scene.call(*own)), "our own machine may come as often as it likes"


def test_who_takes_its_time_with_the_handshake_makes_room_for_others() -> None:
    scene = Scene(serve=True, max_inbound=1_000)
    assert all(scene.call(*strangers(MAX_SHAKING + 1), shake=False)), "many may come at once"
    assert scene.states()[PeerState.HANDSHAKING] == MAX_SHAKING + 1
    assert scene.call(*strangers(1, 300), shake=False, now=SHAKE_PATIENCE) == [True]
    first = scene.peers.get(1)
    assert first is not None
    assert first.machine.state is PeerState.CLOSED
    assert scene.states()[PeerState.HANDSHAKING] == MAX_SHAKING + 1


def test_who_is_banned_is_not_let_in() -> None:
    scene = Scene(serve=True)
    (stranger,) = strangers(1)
    scene.pool.book.bans.ban(f"{stranger.host}/32", until=1 << 40, created=0)
    assert scene.call(stranger) == [False]


def ready_pool(*addresses: Address, **config: object) -> tuple[Scene, list[int]]:
    """A pool whose peers have shaken hands at 0 s."""
    scene = Scene(connect=addresses, **config)
    scene.pool.fill(0.0)
    for number in scene.peers:
        peer = scene.peers.get(number)
        assert peer is not None
        peer.machine.handle_connected(0.0, 0.0)
        wire = NETWORK.codec.open(inbound=True)
        for message in (Version(PROTOCOL, 9, 0, 5, "/remote/", 0), Verack()):
            for chunk in wire.encode(message):
                peer.machine.receive_data(chunk, 0.0)
        scene.peers.mark_ready(peer)
        assert scene.pool.peer_ready(number, peer, 9, 0.0)
    return scene, list(scene.peers)


def test_a_peer_can_be_done_without_while_another_is_ready_or_to_be_had() -> None:
    scene, [first, second] = ready_pool(A, B)
    assert scene.pool.has_other(first, 1.0)
    assert scene.pool.has_other(second, 1.0)
    scene, [only] = ready_pool(A)
    assert not scene.pool.has_other(only, 1.0)


def is_kept(scene: Scene, number: int, *, asked_at: float) -> bool:
    """Whether a question for headers that goes unanswered leaves the peer connected."""
    peer = scene.peers.get(number)
    assert peer is not None
    peer.machine.request_headers((NETWORK.rules.root,), asked_at)
    peer.machine.handle_timer(asked_at + NETWORK.timing.headers_timeout)
    return peer.machine.state is PeerState.READY


def test_the_only_peer_is_kept_though_it_does_not_answer_until_it_seems_dead() -> None:
    scene, [only] = ready_pool(A)
    assert is_kept(scene, only, asked_at=1.0)
    assert is_kept(scene, only, asked_at=100.0)
    assert not is_kept(scene, only, asked_at=DEAD_AFTER)
    scene, [first, _] = ready_pool(A, B)
    assert not is_kept(scene, first, asked_at=1.0)


def test_a_node_that_wants_no_peers_dials_nobody_however_old_its_tip_is() -> None:
    """It has a book of those whom it knew when it brought the chain."""
    scene = Scene(peers=0, peers_file=(A, B, C))
    for now in (0.0, 1.0, 7_200.0, 7_201.0):
        scene.pool.tick(now)
    assert scene.orders() == []
