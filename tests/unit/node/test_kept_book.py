"""Whole nodes and their address book: what one run learns, the next one knows."""

from __future__ import annotations

from itertools import pairwise

from headway.node.orders import PeerLost, PeerReady
from headway.types import Address, Ban, BookChanges, BookRecords, PeerRecord
from tests.stranger import Stranger
from tests.toynet import toy_chain
from tests.virtual import Fault, VirtualNode, World

CHAIN = toy_chain(60)
KEY = bytes(range(32))
EMPTY = BookRecords(KEY)


def served(world: World, count: int, **faults: Fault) -> list[Address]:
    """So many nodes of different networks that serve the chain; `h3=...`: what is wrong with the third."""
    for number in range(1, count + 1):
        world.node(CHAIN, at=f"8.{number}.0.1:1", fault=faults.get(f"h{number}"))
    return [Address(f"8.{number}.0.1", 1) for number in range(1, count + 1)]


def kept(saved: list[tuple[float, BookChanges]], before: BookRecords = EMPTY, until: float = 1e9) -> BookRecords:
    """What a database has after the changes that were ordered up to a time."""
    peers = {record.address: record for record in before.peers}
    bans = {(ban.subnet, ban.by_operator): ban for ban in before.bans}
    anchors: tuple[Address, ...] = ()
    for at, changes in saved:
        if at > until:
            break
        for address in changes.gone:
            del peers[address]
        peers.update((record.address, record) for record in changes.peers)
        for ban in changes.lifted:
            del bans[ban.subnet, ban.by_operator]
        bans.update(((ban.subnet, ban.by_operator), ban) for ban in changes.bans)
        anchors = anchors if changes.anchors is None else changes.anchors
    return BookRecords(before.key, tuple(peers.values()), tuple(bans.values()), anchors)


def ready(node: VirtualNode) -> list[Address]:
    return [event.address for event in node.events_of(PeerReady)]


def test_what_one_run_learns_the_next_one_knows() -> None:
    world = World()
    found = served(world, 6)
    first = world.node(peers=4, peers_file=tuple(found), book=EMPTY)
    assert world.run(60, until=lambda: first.machine.is_at_tip)
    world.run(5)
    first.give("close")
    records = kept(first.store.saved)
    assert {record.address for record in records.peers} == set(found)
    tried = {record.address for record in records.peers if record.tried}
    assert tried >= set(ready(first)), "and those who were there, but slower"
    assert {record.merit.user_agent for record in records.peers if record.tried} == {"/headway:0.1.0/"}
    assert all(record.last_success > 0 for record in records.peers if record.tried)
    second = world.node(peers=4, book=records)
    assert world.run(60, until=lambda: second.machine.is_at_tip)


def test_the_database_is_told_at_most_once_a_second_and_of_everything_older_than_that() -> None:
    world = World()
    found = served(world, 6, h2=Fault(leaves_after=5), h4=Fault(deaf=True))
    node = world.node(peers=6, peers_file=tuple(found), book=EMPTY)
    before: dict[Address, PeerRecord] = {}
    for second in range(1, 60):
        world.run(1.0)
        there = {record.address: record for record in kept(node.store.saved).peers}
        for address, record in before.items():
            assert there[address].last_success >= record.last_success
            assert there[address].missed >= record.missed
            assert there[address].merit.ends[: len(record.merit.ends)] or not record.merit.ends
        before = {record.address: record for record in node.machine.slots.book.records().peers}
        assert len(node.store.saved) <= second + 1
    assert all(later - earlier >= 0.999 for (earlier, _), (later, _) in pairwise(node.store.saved))
    assert len(node.store.saved) > 5


def test_peers_of_the_last_run_are_dialled_first_in_the_next() -> None:
    world = World()
    found = served(world, 12)
    first = world.node(peers=3, peers_file=tuple(found), book=EMPTY)
    world.run(30)
    first.give("close")
    records = kept(first.store.saved)
    assert len(records.anchors) == 2
    assert set(records.anchors) <= set(ready(first))
    second = world.node(peers=2, book=records)
    world.run(5)
    assert set(ready(second)) == set(records.anchors)


def test_who_served_invalid_data_is_left_alone_in_the_next_run_too() -> None:
    world = World()
    (liar,) = served(world, 1, h1=Fault(corrupts=5))
    first = world.node(peers=1, peers_file=(liar,), book=EMPTY)
    world.run(30)
    first.give("close")
    records = kept(first.store.saved)
    assert [(ban.subnet, ban.by_operator) for ban in records.bans] == [(liar.host, False)]
    second = world.node(peers=1, peers_file=(liar,), book=records)
    world.run(600)
    assert (ready(second), second.events_of(PeerLost)) == ([], [])
    world.run(86_400)
    assert ready(second) == [liar]


def test_who_is_banned_is_neither_dialled_nor_let_in() -> None:
    world = World()
    found = served(world, 2)
    records = BookRecords(KEY, tuple(map(PeerRecord, found)), (Ban("8.1.0.0/16", 1 << 40), Ban("10.0.0.1/32", 1 << 40)))
    node = world.node(peers=2, book=records)
    world.run(30)
    assert ready(node) == [found[1]]
    serving = world.node(CHAIN, at="9.9.9.9:1", book=records)
    stranger = Stranger(world)
    assert stranger.call(serving, source="8.1.200.7:50000") is None
    assert stranger.call(serving, source="8.2.200.7:50000") is not None


def test_a_book_that_is_not_kept_is_told_to_nobody() -> None:
    world = World()
    node = world.node(peers=1, peers_file=tuple(served(world, 1)))
    world.run(30)
    node.give("close")
    assert node.store.saved == []
