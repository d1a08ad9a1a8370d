"""Which addresses are told: a share of the book, the same for a day; our own only when asked to."""

from __future__ import annotations

import random
from typing import Final

import pytest

from headway.node.addrbook import AddressBook
from headway.node.answer import TellAddresses
from headway.node.handout import ANNOUNCE_INTERVAL, LIFETIME, MAX_TOLD, SHARE, SPREAD, Handout, SelfAnnouncer
from headway.types import Address

NOW: Final = 1_700_000_000.0
HERE: Final = Address("198.51.100.7", 8333)
ASKING: Final = Address("8.8.8.8", 50_000)


def book_of(count: int) -> AddressBook:
    made = AddressBook(random.Random(1))
    made.handle_clock(NOW, 0.0)
    for n in range(count):
        made.add(Address(f"{1 + n // 250 % 90}.{n // 22_500}.{n % 250}.1", 8333, 9, int(NOW) - 3_600), "9.9.9.9")
    return made


def handout(count: int = 500) -> Handout:
    return Handout(book_of(count), rng=random.Random(1))


@pytest.mark.parametrize("count", [0, 4, 100, 500])
def test_no_more_than_its_share_of_the_book(count: int) -> None:
    made = book_of(count)
    assert len(Handout(made, rng=random.Random(1)).answer(ASKING, 0.0)) == int(len(made) * SHARE)


def test_no_more_than_a_message_holds() -> None:
    made = AddressBook(random.Random(1))
    made.add_all(Address(f"{a}.{b}.{c}.1", 8333) for a in range(1, 100) for b in range(10) for c in range(20))
    assert len(made) * SHARE > MAX_TOLD
    assert len(Handout(made, rng=random.Random(1)).answer(ASKING, 0.0)) == MAX_TOLD


def test_the_answer_stays_the_same_for_21_hours_and_is_another_after_27() -> None:
    made = handout()
    first = made.answer(ASKING, 0.0)
    assert made.answer(Address("9.9.9.9", 1), LIFETIME - 1) == first
    assert set(made.answer(ASKING, LIFETIME + SPREAD)) != set(first)


def test_each_kind_of_network_has_an_answer_of_its_own() -> None:
    """Or our addresses on two of them could be told to be one node's."""
    made = handout()
    answers = {made.answer(Address(host, 1), 0.0) for host in ("8.8.8.8", "2001:4860::1", "127.0.0.1")}
    assert len(answers) == 3


def test_whom_the_user_named_who_is_of_no_use_or_not_public_is_not_told() -> None:
    made = AddressBook(random.Random(1))
    made.handle_clock(NOW, 0.0)
    made.add_manual(Address("5.5.5.5", 8333))
    made.add(Address("10.0.0.1", 8333))
    made.add(Address("6.6.6.6", 8333, 0, int(NOW) - 40 * 86_400))  # not seen for forty days
    made.add(Address("7.7.7.7", 8333, 0, int(NOW) - 60))
    assert made.tellable(0.0) == [Address("7.7.7.7", 8333)]


def told(announcer: SelfAnnouncer) -> list[tuple[int, tuple[tuple[str, int, int, int], ...]]]:
    return [
        (each.peer, tuple((a.host, a.port, a.services, a.last_seen) for a in each.addresses))
        for each in announcer.take()
        if isinstance(each, TellAddresses)
    ]


def test_we_are_announced_at_once_and_about_once_a_day() -> None:
    made = SelfAnnouncer((HERE,), 1033, rng=random.Random(1))
    made.add_peer(3, NOW, 0.0)
    assert told(made) == [(3, ((HERE.host, HERE.port, 1033, int(NOW)),))]
    hours = 0
    for hour in range(1, 24 * 200):
        made.tick(NOW + hour * 3600, hour * 3600.0)
        hours += len(told(made))
    assert 150 < hours < 250
    assert ANNOUNCE_INTERVAL == 24 * 3600
    made.drop_peer(3)
    made.tick(NOW + 1e9, 1e9)
    assert told(made) == []


def test_nobody_is_told_of_us_unless_the_user_says_so() -> None:
    made = SelfAnnouncer((), 1, rng=random.Random(1))
    made.add_peer(3, NOW, 0.0)
    made.tick(NOW + 1e9, 1e9)
    assert told(made) == []
