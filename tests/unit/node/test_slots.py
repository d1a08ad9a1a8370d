"""Which connections are wanted, of which kind, and whom to dial for them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from headway.node.addrbook import AddressBook
from headway.node.config import NodeConfig
from headway.node.slots import (
    CROWDED_AFTER,
    FEELER_INTERVAL,
    MAX_DIALS,
    PROVEN_AFTER,
    PROXY_PAUSE,
    RACE,
    WITNESS_TIMEOUT,
    Dial,
    Kind,
    PeerSlots,
)
from headway.peer.events import PeerState, Reason
from headway.types import Address, BookRecords, PeerMerit, PeerRecord
from headway.ways import Ways
from tests.toynet import TOYNET

A, B = Address("1.0.0.1", 1), Address("1.0.0.2", 1)
CLOSED = Reason.REMOTE_CLOSED


def many(count: int, first: int = 1) -> list[Address]:
    """Each in a group of its own."""
    return [Address(f"2.{n}.0.1", 1) for n in range(first, first + count)]


class Story:
    """Slots, and a book with some addresses in it."""

    def __init__(self, known: Sequence[Address] = (), *, records: BookRecords | None = None, **config: Any) -> None:
        self.book = AddressBook(random.Random(1), records=records)
        self.book.handle_clock(1_700_000_000.0, 0.0)
        self.slots = PeerSlots(NodeConfig(**{"network": TOYNET, "peers": 4, **config}), self.book)
        self.book.add_all(known)
        self.numbers: dict[int, Dial] = {}

    def dial(self, now: float = 0.0) -> list[int]:
        """Dial whoever is wanted; numbers of the dials."""
        begun = []
        while (dial := self.slots.dial(now)) is not None:
            number = len(self.numbers) + 1
            self.numbers[number] = dial
            self.slots.dialled(number, dial)
            begun.append(number)
        return begun

    def addresses(self, numbers: Sequence[int]) -> list[Address]:
        return [self.numbers[number].address for number in numbers]

    def kinds(self, numbers: Sequence[int]) -> Counter[Kind]:
        return Counter(self.numbers[number].kind for number in numbers)

    def ready(self, number: int, now: float = 0.0, services: int = 0) -> str:
        self.slots.connected(number)
        return self.slots.ready(number, services, now)

    def end(self, number: int, why: str = "closed", now: float = 0.0, *, reason: Reason = CLOSED, **how: Any) -> None:
        self.slots.ended(number, reason, why, now, **{"discourage": False, **how})

    def fill(self, now: float = 0.0) -> None:
        """Until every slot is taken by somebody who is ready."""
        for _ in range(20):
            for number in self.dial(now):
                if why := self.ready(number, now):
                    self.end(number, why, now, reason=Reason.REQUESTED)
        assert self.slots.missing == 0


def test_named_addresses_are_dialled_and_nothing_else() -> None:
    story = Story(many(9), peers=8, connect=(A, B, A))
    begun = story.dial()
    assert Counter(story.addresses(begun)) == Counter([A, A, B])
    assert story.kinds(begun) == {Kind.MANUAL: 3}
    assert story.slots.kind(1) is Kind.MANUAL


def test_those_named_besides_are_dialled_first_and_do_not_count() -> None:
    story = Story(many(20), peers=2, addnode=(A,))
    begun = story.dial()
    assert story.addresses(begun)[0] == A
    assert story.kinds(begun)[Kind.MANUAL] == 1
    story.ready(begun[0])
    assert story.slots.missing == 2


def test_a_fourth_of_the_peers_are_for_blocks_alone_and_two_at_most() -> None:
    for peers, for_blocks in ((3, 0), (4, 1), (8, 2), (40, 2)):
        story = Story(many(99), peers=peers)
        story.fill()
        kinds = Counter(slot.kind for _, slot in story.slots.ready_peers())
        assert kinds == Counter({Kind.FULL: peers - for_blocks, Kind.BLOCK_RELAY: for_blocks})


def test_dials_race_and_those_that_come_late_are_let_go() -> None:
    story = Story(many(40), peers=2)
    begun = story.dial()
    assert len(begun) == 4, "twice as many as wanted"
    assert [story.ready(number) for number in begun] == ["", "", "others were quicker", "others were quicker"]
    for late in begun[2:]:
        story.end(late, "others were quicker", reason=Reason.REQUESTED)
    assert story.slots.missing == 0
    assert story.dial() == []
    entry = story.book.get(story.numbers[begun[2]].address)
    assert entry is not None
    assert (entry.failures, entry.tried) == (0, True), "nobody is to blame for having been slower"


def test_few_dials_are_under_way_at_one_time() -> None:
    story = Story(many(100), peers=50)
    begun = story.dial()
    assert len(begun) == MAX_DIALS
    story.slots.connected(begun[0])
    assert len(story.dial()) == 1


def test_not_many_more_are_dialled_than_are_wanted() -> None:
    story = Story(many(100), peers=12)
    under_way = 0
    while begun := story.dial():
        for number in begun:
            story.slots.connected(number)
        under_way += len(begun)
    assert under_way == 10 + RACE + 2 * 2


def test_no_two_of_one_group_until_we_were_short_for_long_and_then_no_three() -> None:
    crowd = [Address(f"3.3.0.{n}", 1) for n in range(1, 30)]
    story = Story(crowd, peers=3)
    (first,) = story.dial()
    story.ready(first)
    story.slots.tick(0.0)
    assert story.dial(CROWDED_AFTER - 1.0) == []
    (second,) = story.dial(CROWDED_AFTER)
    story.ready(second)
    assert story.dial(CROWDED_AFTER + 1.0) == []
    story.end(first)
    assert len(story.dial(CROWDED_AFTER + 100.0)) == 1


def test_addresses_of_no_public_network_are_all_ones_own_and_may_be_many() -> None:
    story = Story([Address("10.0.0.1", port) for port in range(1, 9)], peers=3)
    story.fill()
    assert story.slots.count(PeerState.READY) == 3


def test_onion_services_are_dialled_only_where_there_is_a_way() -> None:
    name = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion"
    onion = Address(name, 1)
    assert Story([onion]).dial() == []
    ways = Ways.of(onion="127.0.0.1:9050")
    story = Story([onion], ways=ways)
    assert story.addresses(story.dial()) == [onion]


def test_a_peer_passes_from_connecting_over_handshaking_to_ready() -> None:
    story = Story(connect=(A,))
    story.dial()
    states = []
    for step in (
        lambda: None,
        lambda: story.slots.connected(1),
        lambda: story.slots.ready(1, 0, 0.0),
        lambda: story.end(1),
    ):
        step()
        states.append([story.slots.count(state) for state in (*PeerState,)])
    where = list(PeerState).index
    assert [row.index(1) if 1 in row else None for row in states] == [
        where(PeerState.CONNECTING), where(PeerState.HANDSHAKING), where(PeerState.READY), None,
    ]  # fmt: skip
    assert len(story.slots) == 0


def test_a_feeler_goes_out_now_and_then_once_all_are_here() -> None:
    story = Story(many(30), peers=2)
    story.fill()
    assert Kind.FEELER not in story.kinds(list(story.numbers))
    assert story.dial(10.0) == []
    (feeler,) = story.dial(10.0 + FEELER_INTERVAL)
    assert story.numbers[feeler].kind is Kind.FEELER
    assert story.dial(10.0 + FEELER_INTERVAL) == [], "one at a time"
    assert story.ready(feeler, 131.0) == "a feeler: somebody is there"
    story.end(feeler, "a feeler", 131.0, reason=Reason.REQUESTED)
    entry = story.book.get(story.numbers[feeler].address)
    assert entry is not None
    assert (entry.tried, entry.failures) == (True, 0)
    assert story.dial(140.0) == []
    assert len(story.dial(10.0 + 2 * FEELER_INTERVAL)) == 1


def test_a_feeler_that_finds_nobody_says_so_to_the_book() -> None:
    story = Story(many(30), peers=2)
    story.fill()
    story.dial(0.0)
    (feeler,) = story.dial(FEELER_INTERVAL)
    story.end(feeler, "connection refused", FEELER_INTERVAL, reason=Reason.CONNECT_FAILED)
    entry = story.book.get(story.numbers[feeler].address)
    assert entry is not None
    assert (entry.failures, entry.last_error) == (1, "connection refused")


def test_seed_nodes_are_asked_for_addresses_only_when_nobody_is_left_to_dial() -> None:
    story = Story(many(1), peers=2, seednode=(A, B))
    begun = story.dial()
    assert story.kinds(begun) == {Kind.FULL: 1, Kind.ADDR_FETCH: 1}
    assert story.dial() == [], "one at a time"
    fetcher = next(number for number in begun if story.numbers[number].kind is Kind.ADDR_FETCH)
    assert story.slots.fetchers() == (fetcher,)
    assert story.ready(fetcher) == ""
    assert story.slots.missing == 2, "it is no peer to be kept"
    story.end(fetcher)
    assert story.addresses(story.dial()) == [B]
    story.slots.ask_again((A, B))
    for number in story.slots.fetchers():
        story.end(number)
    assert story.addresses(story.dial()) == [A]


def test_first_dials_of_named_addresses_are_awaited() -> None:
    story = Story(connect=(A, B))
    awaited = [story.slots.awaits_first_dials]
    story.dial()
    awaited.append(story.slots.awaits_first_dials)
    story.ready(1)
    awaited.append(story.slots.awaits_first_dials)
    story.end(2, "refused")
    awaited.append(story.slots.awaits_first_dials)
    assert awaited == [True, True, True, False]


def test_a_spare_is_an_address_that_could_be_dialled_now() -> None:
    story = Story([A], peers=1)
    assert story.slots.has_spare(0.0)
    story.dial()
    assert not story.slots.has_spare(0.0)


def test_what_was_never_dialled_is_ignored() -> None:
    story = Story()
    story.slots.connected(7)
    assert story.slots.ready(7, 0, 0.0) == ""
    story.end(7)
    assert story.slots.kind(7) is None


def test_peers_of_the_last_run_are_dialled_first_and_for_blocks_alone() -> None:
    known = many(50)
    records = BookRecords(bytes(32), tuple(map(PeerRecord, known)), anchors=(known[7], A, known[3]))
    story = Story(records=records, peers=8)
    begun = story.dial()[:2]
    assert [story.numbers[number] for number in begun] == [
        (known[7], Kind.BLOCK_RELAY), (known[3], Kind.BLOCK_RELAY),
    ]  # fmt: skip  # one of the three is not in the book


def test_those_for_blocks_that_have_been_ready_longest_are_the_anchors_of_the_next_run() -> None:
    story = Story(many(40), peers=8)
    assert story.slots.anchors() == ()
    story.fill()
    relays = {slot.address for _, slot in story.slots.ready_peers() if slot.kind is Kind.BLOCK_RELAY}
    assert set(story.slots.anchors()) == relays
    (gone, *_) = (number for number, dial in story.numbers.items() if story.slots.kind(number) is Kind.BLOCK_RELAY)
    story.end(gone)
    first, second = story.slots.anchors()
    assert first in relays
    assert second not in relays


def test_peers_that_the_user_named_are_no_anchors() -> None:
    story = Story(connect=(A,))
    story.dial()
    story.ready(1)
    assert story.slots.anchors() == ()


def test_what_a_peer_was_like_is_remembered_in_the_book() -> None:
    story = Story([A], peers=1)
    story.dial()
    story.ready(1, services=9)
    story.end(1, now=5.0, merit=PeerMerit("/far:1/", 2, ends=(("REMOTE_CLOSED", 1),)))
    entry = story.book.get(A)
    assert entry is not None
    assert entry.merit.user_agent == "/far:1/"
    assert (entry.address.services, entry.tried) == (9, True)


def test_only_who_stayed_a_while_is_forgiven_its_failures() -> None:
    story = Story(connect=(A,))
    now, gaps = 0.0, []
    for stays in (1.0, 1.0, 1.0, PROVEN_AFTER + 1.0):
        (number,) = story.dial(now)
        story.ready(number, now)
        now += stays
        story.end(number, now=now)
        due = story.book.next_due(manual=True)
        assert due is not None
        gaps.append(due - now)
        now = due
    assert [0.75 * 2**power <= gap <= 1.25 * 2**power for power, gap in zip((0, 1, 2, 0), gaps, strict=True)] == [
        True
    ] * 4


def test_whom_the_proxy_failed_is_not_blamed_and_nothing_is_dialled_for_a_while() -> None:
    story = Story(many(20), peers=1)
    begun = story.dial()
    story.end(begun[0], "the proxy is dead", 10.0, reason=Reason.PROXY_FAILED)
    entry = story.book.get(story.numbers[begun[0]].address)
    assert entry is not None
    assert entry.failures == 0
    assert story.dial(10.0 + PROXY_PAUSE - 0.1) == []
    (second,) = story.dial(10.0 + PROXY_PAUSE)
    story.end(second, "the proxy is dead", 20.0, reason=Reason.PROXY_FAILED)
    assert (story.slots.proxy_failures, story.slots.proxy_error) == (
        2,
        f"{story.numbers[second].address}: the proxy is dead",
    )
    assert story.dial(20.0 + 2 * PROXY_PAUSE - 0.1) == []
    (third,) = story.dial(20.0 + 2 * PROXY_PAUSE)
    story.slots.connected(third)
    assert (story.slots.proxy_failures, story.slots.proxy_error) == (0, "")


def test_all_discouraged_is_said_of_named_peers_alone() -> None:
    for story, said in ((Story(connect=(A,)), True), (Story([A], peers=1), False)):
        story.dial()
        before = story.slots.all_discouraged
        story.end(1, "bad-check", discourage=True)
        assert (before, story.slots.all_discouraged) == (False, said)


def test_how_long_we_have_been_short_of_peers() -> None:
    story = Story(many(20), peers=1)
    story.slots.tick(5.0)
    assert story.slots.short_for(9.0) == 4.0
    story.fill(9.0)
    story.slots.tick(10.0)
    assert story.slots.short_for(99.0) == 0.0


def test_when_the_first_of_all_lost_peers_is_back_the_others_are_tried_soon() -> None:
    story = Story(many(3), peers=3)
    now = 0.0
    story.slots.tick(now)
    while now < 7_200.0:
        for number in story.dial(now):
            story.end(number, "no route to host", now, reason=Reason.CONNECT_FAILED)
        now += 10.0
    dues = {each: story.book.get(each) for each in many(3)}
    assert all(entry is not None and entry.failures > 8 for entry in dues.values())
    while not (begun := story.dial(now)):
        now += 10.0
    story.ready(begun[0], now)
    later = [number for second in range(61) for number in story.dial(now + second)]
    assert {story.numbers[number].address for number in (*begun, *later)} == set(many(3))


def test_who_has_nobody_tries_somebody_once_a_minute_however_long_each_has_to_wait() -> None:
    for story in (Story(many(4), peers=3), Story(connect=(A,))):
        dialled: list[float] = []
        for second in range(3 * 3_600):
            now = float(second)
            story.slots.tick(now)
            for number in story.dial(now):
                dialled.append(now)
                story.end(number, "no route to host", now, reason=Reason.CONNECT_FAILED)
        gaps = [later - earlier for earlier, later in pairwise(dialled)]
        assert max(gaps) <= 61.0
        assert len(dialled) <= 3 * 60 + 4 * 12


def test_one_more_is_dialled_when_somebody_is_to_be_replaced_and_it_is_no_race() -> None:
    """The quickest of two would be an attacker's."""
    story = Story(many(40), peers=2)
    story.fill()
    for number in [n for n in story.numbers if story.slots.kind(n) and n not in dict(story.slots.ready_peers())]:
        story.end(number)
    assert story.dial(1.0) == []
    story.slots.extra = 1
    begun = story.dial(1.0)
    assert story.kinds(begun) == {Kind.FULL: 1}
    assert story.ready(begun[0]) == ""
    assert story.slots.surplus == 1
    assert story.dial(2.0) == []


def test_the_network_may_ask_for_services() -> None:
    story = Story(network=replace(TOYNET, required_services=8), peers=4)
    story.book.add(Address("5.1.0.1", 1, services=1))
    story.book.add(Address("5.2.0.1", 1, services=9))
    story.book.add(Address("5.3.0.1", 1))
    assert {each.host for each in story.addresses(story.dial())} == {"5.2.0.1", "5.3.0.1"}


def test_the_tip_waits_for_three_of_those_that_are_dialled_and_not_for_ever() -> None:
    story = Story(many(3))
    first, second, third = story.dial()
    waits = [story.slots.awaits_witnesses]
    for number in (first, second):
        story.ready(number, 5.0)
        waits.append(story.slots.awaits_witnesses)
    assert waits == [False, True, True], "without anybody there is no tip to be at"
    story.end(third, "refused", 6.0, reason=Reason.CONNECT_FAILED)
    assert not story.slots.awaits_witnesses, "there is no third"
    story = Story(many(3))
    story.ready(story.dial()[0], 5.0)
    waits = []
    for now in (4.9 + WITNESS_TIMEOUT, 5.0 + WITNESS_TIMEOUT):
        story.slots.tick(now)
        waits.append(story.slots.awaits_witnesses)
    assert waits == [True, False]


def test_nobody_but_those_that_were_named_is_waited_for() -> None:
    story = Story(connect=(A, B))
    story.ready(story.dial()[0])
    assert not story.slots.awaits_witnesses
