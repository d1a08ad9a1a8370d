"""The table of peers: timers with lazy deletion, numbers, nonces."""

from __future__ import annotations

import random

from headway.node.table import MAX_GONE, SLACK, Peer, PeerTable
from headway.peer.config import PeerConfig
from headway.peer.machine import PeerMachine
from headway.types import Address
from tests.toynet import TOYNET


def peer(*, inbound: bool = False, seed: int = 1, connected_at: float | None = None) -> Peer:
    address = Address("1.0.0.1", 1)
    config = PeerConfig(TOYNET, is_own_nonce=lambda _nonce: False)
    machine = PeerMachine(config, inbound=inbound, address=address, rng=random.Random(seed))
    if connected_at is not None:
        machine.handle_connected(connected_at, 0.0)
    return Peer(machine, address, inbound)


def test_numbers_are_never_used_again() -> None:
    table = PeerTable()
    first = table.add(peer())
    table.remove(first)
    assert table.add(peer()) == first + 1
    assert table.get(first) is None


def test_the_next_timer_is_the_earliest_of_all() -> None:
    table = PeerTable()
    timeout = TOYNET.timing.handshake_timeout
    for at in (30.0, 10.0, 20.0):
        made = peer(connected_at=at)
        table.rearm(table.add(made), made)
    assert table.next_due() == 10.0 + timeout


def test_a_timer_that_has_moved_or_whose_peer_has_gone_does_not_count() -> None:
    table = PeerTable()
    gone, moved = peer(connected_at=0.0), peer(connected_at=1.0)
    number = table.add(gone)
    table.rearm(number, gone)
    other = table.add(moved)
    table.rearm(other, moved)
    table.remove(number)
    moved.due = None
    assert table.next_due() is None
    table.rearm(other, moved)
    assert table.next_due() == 1.0 + TOYNET.timing.handshake_timeout


def test_firing_runs_what_is_due_and_nothing_else() -> None:
    table = PeerTable()
    timeout = TOYNET.timing.handshake_timeout
    early, late = peer(connected_at=0.0), peer(connected_at=5.0)
    numbers = [table.add(early), table.add(late)]
    for number, made in zip(numbers, (early, late), strict=True):
        table.rearm(number, made)
    table.fire(timeout - 1)
    assert table.next_touched() is None
    table.fire(timeout)
    assert table.next_touched() == numbers[0]
    assert table.next_touched() is None
    assert early.machine.events_received()
    assert not late.machine.events_received()


def test_rearming_an_unchanged_timer_does_not_grow_the_heap() -> None:
    table = PeerTable()
    made = peer(connected_at=0.0)
    number = table.add(made)
    for _ in range(100):
        table.rearm(number, made)
    assert len(table._timers) == 1


def test_a_timer_that_moves_with_every_input_does_not_grow_the_heap_without_bound() -> None:
    table = PeerTable()
    made = peer(connected_at=0.0)
    number = table.add(made)
    made.machine.handle_paused(0.0)
    for at in range(1, 1_000):
        made.machine.handle_resumed(float(at))
        table.rearm(number, made)
        made.machine.handle_paused(float(at))
    assert len(table._timers) <= 2 + SLACK
    made.machine.handle_resumed(1_000.0)
    table.rearm(number, made)
    assert table.next_due() == TOYNET.timing.handshake_timeout + 1_000.0


def test_the_timers_of_those_that_have_gone_do_not_stay() -> None:
    table = PeerTable()
    first = peer(connected_at=0.0)
    table.rearm(table.add(first), first)
    numbers = []
    for _ in range(500):
        made = peer(connected_at=1.0)
        numbers.append(table.add(made))
        table.rearm(numbers[-1], made)
    for number in numbers:
        table.remove(number)
        assert len(table._timers) <= 2 * len(table) + SLACK
    assert table.next_due() == TOYNET.timing.handshake_timeout


def test_our_own_dials_are_known_by_their_nonce_until_the_handshake_is_complete() -> None:
    table = PeerTable()
    made, inbound = peer(seed=1), peer(seed=2, inbound=True)
    number = table.add(made)
    table.add(inbound)
    assert table.is_own_nonce(made.machine.nonce)
    assert table.dialled_with(made.machine.nonce) == number
    assert not table.is_own_nonce(inbound.machine.nonce)
    assert table.dialled_with(inbound.machine.nonce) is None
    table.mark_ready(made)
    assert not table.is_own_nonce(made.machine.nonce)


def test_ready_and_inbound_peers_are_counted() -> None:
    table = PeerTable()
    made, inbound = peer(), peer(inbound=True)
    numbers = [table.add(made), table.add(inbound)]
    table.mark_ready(inbound)
    assert (len(table), table.inbound, table.ready) == (2, 1, 1)
    table.mark_ended(inbound)
    table.mark_ended(inbound)
    table.remove(numbers[1])
    assert (len(table), table.inbound, table.ready) == (1, 0, 0)
    assert list(table) == [numbers[0]]


def test_the_addresses_of_those_that_have_gone_are_kept_for_a_while() -> None:
    table = PeerTable()
    dialled, inbound = table.add(peer()), table.add(peer(inbound=True))
    assert [table.dialled_address(number) for number in (dialled, inbound, 99)] == [Address("1.0.0.1", 1), None, None]
    table.remove(dialled)
    table.remove(inbound)
    assert table.dialled_address(dialled) == Address("1.0.0.1", 1)
    assert [table.forget(number) for number in (dialled, dialled, inbound)] == [Address("1.0.0.1", 1), None, None]
    liar = peer()
    liar.discourage = True
    number = table.add(liar)
    table.remove(number)
    assert table.forget(number) is None
    for _ in range(MAX_GONE + 1):
        table.remove(table.add(peer()))
    assert len(table._gone) == MAX_GONE
