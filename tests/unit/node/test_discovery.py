"""Where addresses come from, and when."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from headway.node.addrbook import AddressBook
from headway.node.config import NodeConfig
from headway.node.discovery import EMPTY_ROUNDS, FEW_KNOWN, SEED_INTERVAL, SEED_PATIENCE, Discovery
from headway.node.slots import Kind, PeerSlots
from headway.node.troubles import GIVE_UP_AFTER
from headway.peer.events import Reason
from headway.types import Address, Services
from tests.toynet import TOYNET

SEEDED = replace(TOYNET, dns_seeds=("a.toy", "b.toy"))
A, B = Address("1.0.0.1", 1), Address("1.9.0.2", 1)


class Story:
    """Discovery, with the book and the slots that it serves."""

    def __init__(self, known: Sequence[Address] = (), **config: Any) -> None:
        settings = NodeConfig(**{"network": SEEDED, "peers": 2, **config})
        self.book = AddressBook(random.Random(1))
        self.slots = PeerSlots(settings, self.book)
        self.discovery = Discovery(settings, self.book, self.slots)
        self.book.add_all(known)
        self._number = 0

    def dial(self, now: float = 0.0) -> list[int]:
        begun = []
        while (dial := self.slots.dial(now)) is not None:
            self._number += 1
            self.slots.dialled(self._number, dial)
            begun.append(self._number)
        return begun

    def is_hopeless(self) -> bool:
        return self.discovery.hopeless

    def asks(self) -> bool:
        """Whether peers are asked for addresses."""
        return self.discovery.wants_addresses

    def fail(self, number: int, now: float) -> None:
        self.slots.ended(number, Reason.CONNECT_FAILED, "refused", now, discourage=False)


def test_seeds_are_asked_at_once_when_nobody_is_known_and_once_at_a_time() -> None:
    story = Story()
    assert story.discovery.seeds_due(0.0) == ("a.toy", "b.toy")
    assert story.discovery.seeds_due(0.0) is None


def test_who_is_known_is_tried_before_the_seeds_are_asked() -> None:
    """Such as those of the initial peers file: strangers need not hear that we start."""
    story = Story([A, B])
    assert story.discovery.seeds_due(0.0) is None
    story.slots.tick(0.0)
    begun = story.dial(0.0)
    assert story.discovery.seeds_due(1.0) is None, "dials are under way"
    for number in begun:
        story.fail(number, 2.0)
    assert story.discovery.seeds_due(2.0) == ("a.toy", "b.toy")


def test_seeds_are_asked_as_well_when_those_that_are_known_do_not_answer_soon() -> None:
    story = Story([Address(f"3.{n}.0.1", 1) for n in range(1, 200)])
    story.slots.tick(0.0)
    story.dial(0.0)
    assert story.discovery.seeds_due(SEED_PATIENCE - 0.1) is None
    assert story.discovery.seeds_due(SEED_PATIENCE) == ("a.toy", "b.toy")


def test_seeds_are_left_alone_while_every_peer_that_we_want_is_here() -> None:
    story = Story([A, B])
    for number in story.dial():
        story.slots.ready(number, 0, 0.0)
    story.slots.tick(0.0)
    assert story.discovery.seeds_due(10_000.0) is None


def test_after_everything_failed_the_seeds_are_asked_less_and_less_often() -> None:
    story = Story()
    story.discovery.seeds_due(0.0)
    story.discovery.resolved({"a.toy": [A]}, 0.0)
    (number,) = story.dial()
    story.slots.ready(number, 0, 0.0)
    story.slots.ended(number, Reason.REMOTE_CLOSED, "closed", 100.0, discourage=True)
    story.slots.tick(100.0)
    asked: list[float] = []
    now = 100.0
    while len(asked) < 5:
        if story.discovery.seeds_due(now) is not None:
            asked.append(now)
            story.discovery.resolved({"a.toy": [A]}, now)
        now += 1.0
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert gaps[0] >= SEED_INTERVAL
    assert all(later > earlier for earlier, later in pairwise(gaps))


def test_fixed_seeds_stand_in_when_the_names_answer_nothing() -> None:
    story = Story(network=replace(SEEDED, fixed_seeds=(B,)))
    story.discovery.seeds_due(0.0)
    story.discovery.resolved({"a.toy": [A], "b.toy": ()}, 0.0)
    assert story.book.get(B) is None
    story.discovery.resolved({"a.toy": (), "b.toy": ()}, 0.0)
    assert story.book.get(B) is not None


def test_a_network_without_seed_names_turns_to_its_fixed_seeds() -> None:
    story = Story(network=replace(TOYNET, fixed_seeds=(B,)))
    assert story.discovery.seeds_due(0.0) == ()
    story.discovery.resolved({}, 0.0)
    assert len(story.dial()) == 1


def test_a_round_at_the_seeds_has_the_seed_nodes_asked_again() -> None:
    story = Story(seednode=(A,))
    (first,) = story.dial()
    assert story.slots.kind(first) is Kind.ADDR_FETCH
    story.fail(first, 0.0)
    assert story.dial() == []
    story.discovery.seeds_due(0.0)
    story.discovery.resolved({"a.toy": ()}, 0.0)
    (again,) = story.dial()
    assert story.slots.kind(again) is Kind.ADDR_FETCH


def test_without_dns_or_with_named_peers_no_seed_is_asked() -> None:
    assert Story(dns=False).discovery.seeds_due(0.0) is None
    assert Story(connect=(A,)).discovery.seeds_due(0.0) is None


def test_named_addresses_that_all_keep_failing_are_hopeless_until_one_answers() -> None:
    story = Story(connect=(A,))
    now = 0.0
    for _ in range(GIVE_UP_AFTER):
        assert not story.is_hopeless()
        (number,) = story.dial(now)
        story.fail(number, now)
        now += 10.0
    assert story.is_hopeless()
    (number,) = story.dial(now)
    story.slots.ready(number, 0, now)
    story.fail(number, now)
    assert not story.is_hopeless()


def test_seeds_that_never_answer_are_hopeless_after_some_rounds() -> None:
    story = Story()
    now = 0.0
    for _ in range(EMPTY_ROUNDS):
        assert not story.is_hopeless()
        while story.discovery.seeds_due(now) is None:
            now += 1.0
        story.discovery.resolved({"a.toy": ()}, now)
    assert story.is_hopeless()


def test_peers_are_asked_for_addresses_while_few_are_known() -> None:
    story = Story()
    assert story.asks()
    story.book.add_all(Address(f"{n // 200 + 11}.{n % 200 + 1}.0.1", 1) for n in range(2 * FEW_KNOWN))
    assert len(story.book) >= FEW_KNOWN
    assert not story.asks()
    assert not Story(connect=(A,)).discovery.wants_addresses


def test_gossip_cannot_make_us_dial_our_own_network() -> None:
    story = Story()
    own = ("127.0.0.1", "10.1.2.3", "[::1]:22", "x.onion", "0.0.0.0")
    story.discovery.learnt([Address.parse(text, 8333) for text in own], A, 0.0)
    assert len(story.book) == 0
    story.discovery.learnt([Address("8.8.8.8", 8333), Address("2a01:4f8::1", 8333)], A, 0.0)
    assert len(story.book) == 2


def test_of_gossip_those_are_remembered_who_offer_what_we_need_or_know_others() -> None:
    need = Services.NETWORK | Services.WITNESS
    story = Story(network=replace(SEEDED, required_services=need))
    offers = {"8.8.8.1": need, "8.9.8.2": Services.NETWORK_LIMITED, "8.10.8.3": Services.WITNESS, "8.11.8.4": 0}
    story.discovery.learnt([Address(host, 8333, services) for host, services in offers.items()], A, 0.0)
    assert [entry.address.host for entry in story.book.entries()] == ["8.8.8.1", "8.9.8.2"]


def test_gossip_is_not_listened_to_where_the_user_named_the_peers() -> None:
    story = Story(connect=(A,))
    story.discovery.learnt([Address("8.8.8.8", 8333)], A, 0.0)
    assert len(story.book) == 1
