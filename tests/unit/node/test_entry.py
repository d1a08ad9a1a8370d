"""One address of the book: when it is of no use any more, how likely it is taken, and what is kept of it."""

from __future__ import annotations

import pytest

from headway.node.entry import AHEAD, HORIZON, MAX_FAILURES, MIN_FAIL, RETRIES, Entry
from headway.types import Address, Net, PeerMerit, PeerRecord

WALL = 1_700_000_000.0


def seen(ago: float = 3_600, **fields: float) -> Entry:
    entry = Entry(Address("8.8.8.8", 8333, 9, int(WALL - ago)))
    for name, value in fields.items():
        setattr(entry, name, value)
    return entry


@pytest.mark.parametrize(
    ("entry", "terrible"),
    [
        (seen(), False),
        (seen(HORIZON), False),
        (seen(HORIZON + 1), True),
        (seen(HORIZON + 1, last_tried=WALL - 60), False),  # what comes of its dial is not known yet
        (seen(HORIZON + 1, last_tried=WALL + 5), True),  # our clock was set back
        (seen(-AHEAD), False),
        (seen(-AHEAD - 1), True),
        (seen(WALL), False),  # 0: nobody said when
        (seen(WALL, missed=RETRIES), True),
        (seen(missed=RETRIES - 1), False),
        (seen(missed=RETRIES), True),
        (seen(missed=RETRIES, last_success=WALL - MIN_FAIL - 1), False),
        (seen(missed=MAX_FAILURES, last_success=WALL - MIN_FAIL), False),
        (seen(missed=MAX_FAILURES, last_success=WALL - MIN_FAIL - 1), True),
    ],
)
def test_who_is_of_no_use_any_more(entry: Entry, terrible: bool) -> None:
    assert entry.is_terrible(WALL) is terrible


@pytest.mark.parametrize(
    ("entry", "chance"),
    [
        (seen(), 1.0),
        (seen(missed=1), 0.66),
        (seen(missed=8), 0.66**8),
        (seen(missed=99), 0.66**8),
        (seen(last_tried=WALL - 599), 0.01),
        (seen(last_tried=WALL - 600), 1.0),
        (seen(last_tried=WALL + 1), 1.0),
    ],
)
def test_how_likely_it_is_taken(entry: Entry, chance: float) -> None:
    assert entry.chance(WALL) == pytest.approx(chance)


def test_a_place_is_given_up_by_who_has_others_or_is_of_no_use_and_not_in_use() -> None:
    newcomer, settled = seen(), seen()
    settled.places = (7,)
    assert not seen().yields_to(newcomer, WALL)
    assert seen(HORIZON + 1).yields_to(settled, WALL)
    assert not seen(HORIZON + 1, in_use=1).yields_to(settled, WALL)
    spread = seen()
    spread.places = (1, 2)
    assert spread.yields_to(newcomer, WALL)
    assert not spread.yields_to(settled, WALL)


def test_the_wait_doubles_up_to_an_hour() -> None:
    assert [seen(failures=n).backoff() for n in (0, 1, 2, 11, 12, 50)] == [1, 2, 4, 2048, 3600, 3600]


@pytest.mark.parametrize(
    ("told", "services", "last_seen", "outcome"),
    [
        (Address("8.8.8.8", 8333, 4, int(WALL) - 100_000), 13, int(WALL) - 3_600, (True, False)),
        (Address("8.8.8.8", 8333, 1, int(WALL) - 3_600), 9, int(WALL) - 3_600, (False, False)),
        (Address("8.8.8.8", 8333, 0, int(WALL) - 1), 9, int(WALL) - 3_600, (False, True)),  # within an hour: no news
        (Address("8.8.8.8", 8333, 0, int(WALL) + 1), 9, int(WALL) + 1, (True, True)),
    ],
)
def test_what_is_told_again(told: Address, services: int, last_seen: int, outcome: tuple[bool, bool]) -> None:
    entry = seen()
    assert entry.freshen(told, WALL) == outcome
    assert (entry.address.services, entry.address.last_seen) == (services, last_seen)


def test_of_one_that_was_seen_long_ago_a_day_is_no_news() -> None:
    entry = seen(10 * 86_400)
    assert entry.freshen(Address("8.8.8.8", 8333, 0, int(WALL) - 9 * 86_400), WALL) == (False, True)
    assert entry.freshen(Address("8.8.8.8", 8333, 0, int(WALL) - 9 * 86_400 + 1), WALL) == (True, True)


def test_an_entry_may_spread_up_to_eight_places_and_not_from_the_tried_table() -> None:
    found = []
    for places, tried in ((0, False), (7, False), (8, False), (1, True)):
        entry = seen()
        entry.places, entry.tried = tuple(range(places)), tried
        found.append(entry.may_spread)
    assert found == [False, True, False, False]


def test_what_is_kept_of_it_comes_back() -> None:
    record = PeerRecord(
        Address("8.8.8.8", 8333, 9, 5), "9.9.9.9", tried=True, last_tried=7, last_success=8, missed=2, other_chain=True,
        merit=PeerMerit("/x/"),
    )  # fmt: skip
    entry = Entry.restored(record)
    assert entry.record() == record
    assert entry.is_kept
    entry.tried, entry.places = False, (64 * 5 + 3, 64 * 9)
    assert entry.record().buckets == (5, 9)
    assert entry.net is Net.IPV4
