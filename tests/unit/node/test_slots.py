"""The first pool: how many peers, and where they come from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from headway.node.addrbook import GIVE_UP_AFTER
from headway.node.slots import MAX_DIALS, PROVEN_AFTER, SEED_INTERVAL, PeerSlots
from headway.peer.events import PeerState
from headway.types import Address, BookRecords, PeerMerit, PeerRecord, Services
from tests.toynet import TOYNET

SEEDED = replace(TOYNET, dns_seeds=("a.toy", "b.toy"))
A, B = Address("1.0.0.1", 1), Address("1.0.0.2", 1)


def pool(peers: int = 4, connect: Sequence[Address] = (), *, dns: bool = True) -> PeerSlots:
    return PeerSlots(SEEDED, random.Random(1), peers=peers, connect=connect, dns=dns)


def dial_all(slots: PeerSlots, now: float = 0.0, first: int = 1) -> list[Address]:
    dialled: list[Address] = []
    while (address := slots.dial(now)) is not None:
        slots.dialled(first + len(dialled), address)
        dialled.append(address)
    return dialled


def many(count: int) -> list[Address]:
    return [Address(f"2.0.0.{n}", 1) for n in range(1, count + 1)]


def test_named_addresses_are_dialled_and_nothing_else() -> None:
    slots = pool(peers=8, connect=[A, B, A])
    slots.book.add(Address("9.9.9.9", 1))
    assert sorted(map(str, dial_all(slots))) == ["1.0.0.1:1", "1.0.0.1:1", "1.0.0.2:1"]
    assert slots.seeds_due(0.0) is None
    assert slots.is_manual(1)
    assert not slots.wants_addresses()


def test_no_more_peers_than_wanted_are_dialled() -> None:
    slots = pool(peers=3)
    slots.resolved({"a.toy": many(20)}, 0.0)
    assert len(dial_all(slots)) == 3


def test_few_dials_are_under_way_at_one_time() -> None:
    slots = pool(peers=50)
    slots.resolved({"a.toy": many(100)}, 0.0)
    assert len(dial_all(slots)) == MAX_DIALS
    slots.connected(1)
    assert len(dial_all(slots, first=100)) == 1


def test_a_peer_passes_from_connecting_over_handshaking_to_ready() -> None:
    slots = pool(connect=[A])
    dial_all(slots)
    assert slots.count(PeerState.CONNECTING) == 1
    slots.connected(1)
    assert slots.count(PeerState.HANDSHAKING) == 1
    slots.ready(1, 0, 0.0)
    assert slots.count(PeerState.READY) == 1
    slots.ended(1, "closed", 0.0, discourage=False)
    assert slots.count(PeerState.READY) == 0


def test_seeds_are_asked_only_when_nothing_is_left_to_dial() -> None:
    slots = pool(peers=2)
    assert slots.seeds_due(0.0) == ("a.toy", "b.toy")
    assert slots.seeds_due(0.0) is None  # the answer is awaited
    slots.resolved({"a.toy": [A, B]}, 0.0)
    assert slots.seeds_due(1_000.0) is None
    dial_all(slots)
    assert slots.seeds_due(1_000.0) is None  # no slot is free


def test_after_everything_failed_the_pool_goes_back_to_the_seeds_less_and_less_often() -> None:
    slots = pool(peers=2)
    slots.seeds_due(0.0)
    slots.resolved({"a.toy": [A]}, 0.0)
    dial_all(slots)
    slots.ready(1, 0, 0.0)
    slots.ended(1, "closed", 100.0, discourage=True)
    asked: list[float] = []
    now = 100.0
    while len(asked) < 5:
        if slots.seeds_due(now) is not None:
            asked.append(now)
            slots.resolved({"a.toy": [A]}, now)
        now += 1.0
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert gaps[0] >= SEED_INTERVAL
    assert all(later > earlier for earlier, later in pairwise(gaps))


def test_fixed_seeds_stand_in_when_the_names_answer_nothing() -> None:
    slots = PeerSlots(replace(SEEDED, fixed_seeds=(B,)), random.Random(1), peers=2, connect=(), dns=True)
    slots.seeds_due(0.0)
    slots.resolved({"a.toy": ()}, 0.0)
    assert slots.dial(0.0) == B


def test_without_dns_no_seed_is_asked() -> None:
    assert pool(dns=False).seeds_due(0.0) is None


def test_named_addresses_that_all_keep_failing_are_hopeless_until_one_answers() -> None:
    slots = pool(connect=[A])
    now = 0.0
    for number in range(1, GIVE_UP_AFTER + 1):
        assert not slots.hopeless
        assert slots.dial(now) == A
        slots.dialled(number, A)
        slots.ended(number, "connection refused", now, discourage=False)
        now += 10.0
    assert slots.hopeless
    assert slots.last_errors() == ["1.0.0.1:1: connection refused"]
    assert slots.dial(now) == A
    slots.dialled(9, A)
    slots.ready(9, 0, now)
    slots.ended(9, "closed", now, discourage=False)
    assert not slots.hopeless


def test_seeds_that_never_answer_are_hopeless_after_some_rounds() -> None:
    slots = pool()
    now = 0.0
    for _ in range(GIVE_UP_AFTER):
        assert not slots.hopeless
        while slots.seeds_due(now) is None:
            now += 1.0
        slots.resolved({"a.toy": ()}, now)
    assert slots.hopeless


def test_all_discouraged_is_said_of_named_peers_alone() -> None:
    for slots, said in ((pool(connect=[A]), True), (pool(), False)):
        slots.resolved({"a.toy": [A]}, 0.0)
        dial_all(slots)
        before = slots.all_discouraged
        slots.ended(1, "bad-check", 0.0, discourage=True)
        assert (before, slots.all_discouraged) == (False, said)


def test_first_dials_of_named_addresses_are_awaited() -> None:
    slots = pool(connect=[A, B])
    awaited = [slots.awaits_first_dials]
    dial_all(slots)
    awaited.append(slots.awaits_first_dials)
    slots.ready(1, 0, 0.0)
    awaited.append(slots.awaits_first_dials)
    slots.ended(2, "refused", 0.0, discourage=False)
    awaited.append(slots.awaits_first_dials)
    assert awaited == [True, True, True, False]


def test_a_spare_is_an_address_that_could_be_dialled_now() -> None:
    slots = pool(peers=1)
    slots.resolved({"a.toy": [A]}, 0.0)
    assert slots.has_spare(0.0)
    dial_all(slots)
    assert not slots.has_spare(0.0)


def test_what_was_never_dialled_is_ignored() -> None:
    slots = pool()
    slots.connected(7)
    slots.ready(7, 0, 0.0)
    slots.ended(7, "closed", 0.0, discourage=False)
    assert not slots.is_manual(7)


def test_gossip_cannot_make_us_dial_our_own_network() -> None:
    slots = pool()
    own = ("127.0.0.1", "10.1.2.3", "[::1]:22", "x.onion", "0.0.0.0")
    slots.learnt([Address.parse(text, 8333) for text in own], A, 0.0)
    assert len(slots.book) == 0
    slots.learnt([Address("8.8.8.8", 8333), Address("2a01:4f8::1", 8333)], A, 0.0)
    assert len(slots.book) == 2


def test_of_gossip_those_are_remembered_who_offer_what_we_need_or_know_others() -> None:
    need = Services.NETWORK | Services.WITNESS
    slots = PeerSlots(replace(SEEDED, required_services=need), random.Random(1), peers=4, connect=(), dns=True)
    offers = {"8.8.8.1": need, "8.9.8.2": Services.NETWORK_LIMITED, "8.10.8.3": Services.WITNESS, "8.11.8.4": 0}
    slots.learnt([Address(host, 8333, services) for host, services in offers.items()], A, 0.0)
    assert [entry.address.host for entry in slots.book.entries()] == ["8.8.8.1", "8.9.8.2"]


def test_peers_of_the_last_run_are_dialled_first() -> None:
    records = BookRecords(bytes(32), tuple(map(PeerRecord, many(50))), anchors=(many(50)[7], A, many(50)[3]))
    slots = PeerSlots(SEEDED, random.Random(1), peers=4, connect=(), dns=True, records=records)
    assert dial_all(slots)[:2] == [many(50)[7], many(50)[3]]  # the third is not in the book


def test_those_that_have_been_ready_longest_are_the_anchors_of_the_next_run() -> None:
    slots = pool(peers=4)
    slots.resolved({"a.toy": many(20)}, 0.0)
    dialled = dial_all(slots)
    assert slots.anchors() == ()
    for peer in (3, 1, 4):
        slots.ready(peer, 0, 10.0 - peer)
    assert slots.anchors() == (dialled[3], dialled[2])
    slots.ended(4, "closed", 20.0, discourage=False)
    assert slots.anchors() == (dialled[2], dialled[0])


def test_peers_that_the_user_named_are_no_anchors() -> None:
    slots = pool(connect=[A])
    dial_all(slots)
    slots.ready(1, 0, 0.0)
    assert slots.anchors() == ()


def test_what_a_peer_was_like_is_remembered_in_the_book() -> None:
    slots = pool(peers=1)
    slots.resolved({"a.toy": [A]}, 0.0)
    dial_all(slots)
    slots.ready(1, 9, 0.0)
    slots.ended(1, "closed", 5.0, discourage=False, merit=PeerMerit("/far:1/", 2, ends=(("REMOTE_CLOSED", 1),)))
    entry = slots.book.get(A)
    assert entry is not None
    assert entry.merit.user_agent == "/far:1/"
    assert (entry.address.services, entry.tried) == (9, True)


def test_gossip_is_not_listened_to_where_the_user_named_the_peers() -> None:
    slots = pool(connect=[A])
    slots.learnt([Address("8.8.8.8", 8333)], A, 0.0)
    assert len(slots.book) == 1


def test_a_network_without_seed_names_turns_to_its_fixed_seeds() -> None:
    slots = PeerSlots(replace(TOYNET, fixed_seeds=(B,)), random.Random(1), peers=2, connect=(), dns=True)
    assert slots.seeds_due(0.0) == ()
    slots.resolved({}, 0.0)
    assert slots.dial(0.0) == B


def test_only_who_stayed_a_while_is_forgiven_its_failures() -> None:
    slots = pool(connect=[A])
    now, gaps = 0.0, []
    for number, stays in enumerate((1.0, 1.0, 1.0, PROVEN_AFTER + 1.0), 1):
        assert slots.dial(now) == A
        slots.dialled(number, A)
        slots.ready(number, 0, now)
        now += stays
        slots.ended(number, "closed", now, discourage=False)
        due = slots.book.next_due(manual=True)
        assert due is not None
        gaps.append(due - now)
        now = due
    assert [0.75 * 2**power <= gap <= 1.25 * 2**power for power, gap in zip((0, 1, 2, 0), gaps, strict=True)] == [
        True
    ] * 4
