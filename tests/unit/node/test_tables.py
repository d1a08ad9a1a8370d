"""The two tables: who gets a place, who yields, and that entries and places always agree."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from headway.node.buckets import BUCKET_SIZE
from headway.node.entry import HORIZON, MAX_PLACES, Entry
from headway.node.tables import MAX_COLLISIONS, Tables
from headway.types import OURSELVES, Address

WALL = 1_700_000_000.0
SEED = "seed.example"


class Story:
    def __init__(self) -> None:
        self.dropped: list[Entry] = []
        self.tables = Tables(bytes(32), None, self.dropped.append)

    def entry(self, host: str, source: str = "9.9.9.9", *, seen: float = 3_600, port: int = 1) -> Entry:
        return Entry(Address(host, port, 0, int(WALL - seen)), source)

    def insert(self, entry: Entry, source: str | None = None) -> bool:
        return self.tables.insert(entry, entry.source if source is None else source, WALL)

    def full_place(self) -> tuple[Entry, Entry]:
        """Two entries that one source puts into one place; the first stands there."""
        seen: dict[int, Entry] = {}
        for number in range(1_000):
            entry = self.entry(f"8.8.{number >> 8}.{number & 255}")
            place, _ = self.tables._find_place(entry, entry.source)
            if place in seen:
                assert self.insert(seen[place])
                return seen[place], entry
            seen[place] = entry
        raise AssertionError("a bucket has 64 places")


def test_who_stands_in_a_place_keeps_it_while_it_is_of_use() -> None:
    story = Story()
    holder, newcomer = story.full_place()
    assert not story.insert(newcomer)
    assert (newcomer.places, story.dropped) == ((), [])
    holder.address = Address("8.8.8.8", 1, 0, int(WALL - HORIZON - 1))
    assert story.insert(newcomer)
    assert (holder.places, story.dropped) == ((), [holder])


def test_one_that_has_another_place_yields_and_stays_known() -> None:
    story = Story()
    holder, newcomer = story.full_place()
    assert story.insert(holder, "7.7.7.7")
    before = holder.places
    assert story.insert(newcomer)
    assert (len(before), len(holder.places), story.dropped) == (2, 1, [])


def test_an_entry_is_not_put_twice_into_one_place() -> None:
    story = Story()
    entry = story.entry("8.8.8.8")
    assert story.insert(entry)
    assert not story.insert(entry)
    assert len(entry.places) == 1


def test_only_what_we_were_given_looks_for_room_in_several_buckets() -> None:
    for source, found in ((OURSELVES, 200), (SEED, 200), ("9.9.9.9", 64)):
        story = Story()
        entries = [story.entry(f"8.8.8.{n}", source) for n in range(200)]
        kept = sum(map(story.insert, entries))
        assert kept <= found
        assert kept > 0.9 * found


def test_what_we_were_given_is_spread_over_all_buckets_and_what_the_seeds_told_over_their_own() -> None:
    buckets = {}
    for source in (OURSELVES, SEED):
        story = Story()
        entries = [story.entry(f"{n >> 8}.{n & 255}.8.8", source) for n in range(2_560, 6_000)]
        assert sum(map(story.insert, entries)) > 0.9 * len(entries)
        buckets[source] = {place // BUCKET_SIZE for entry in entries for place in entry.places}
    assert len(buckets[OURSELVES]) > 900
    assert len(buckets[SEED]) <= 64


def test_a_tried_entry_leaves_the_new_table() -> None:
    story = Story()
    entry = story.entry("8.8.8.8")
    story.insert(entry)
    story.insert(entry, "7.7.7.7")
    story.tables.promote(entry)
    story.tables.promote(entry)
    assert (entry.tried, len(entry.places), story.tables.counts()) == (True, 1, (0, 1))


def test_those_that_wait_for_a_place_in_the_tried_table_are_few() -> None:
    story = Story()
    waiting = 0
    for number in range(3_000):
        entry = story.entry(f"8.8.{number >> 8}.{number & 255}", OURSELVES)
        story.insert(entry)
        story.tables.promote(entry)
        waiting += not entry.tried
    assert waiting > 1_000
    assert len(story.tables._collisions) == MAX_COLLISIONS


def test_an_entry_that_is_taken_out_waits_for_nothing() -> None:
    story = Story()
    for number in range(3_000):
        entry = story.entry(f"8.8.{number >> 8}.{number & 255}", OURSELVES)
        story.insert(entry)
        story.tables.promote(entry)
    for entry in tuple(story.tables._collisions):
        story.tables.remove(entry)
        assert entry.places == ()
    assert story.tables.collision(random.Random(1)) is None
    assert story.dropped == []


def test_draws_come_from_both_tables_alike() -> None:
    story = Story()
    tried = story.entry("8.8.8.8")
    story.insert(tried)
    rng = random.Random(1)
    assert story.tables.draw(rng, only_new=False) is tried
    story.tables.promote(tried)
    assert story.tables.draw(rng, only_new=True) is None
    assert story.tables.draw(rng, only_new=False) is tried
    for number in range(50):
        story.insert(story.entry(f"8.{number}.8.8"))
    drawn = [story.tables.draw(rng, only_new=False) for _ in range(1_000)]
    assert 400 < sum(entry is tried for entry in drawn) < 600
    assert all(story.tables.draw(rng, only_new=True) is not tried for _ in range(100))


def test_what_was_kept_goes_back_to_its_places_or_finds_another() -> None:
    story = Story()
    entry = story.entry("8.8.8.8")
    story.insert(entry)
    story.insert(entry, "7.7.7.7")
    places = entry.places
    buckets = tuple(place // BUCKET_SIZE for place in places)
    again = Story()
    restored = again.entry("8.8.8.8")
    assert again.tables.restore(restored, (*buckets, *buckets, 5_000, -1))
    assert restored.places == places
    lost = again.entry("8.8.8.9")
    assert again.tables.restore(lost, ())
    assert len(lost.places) == 1
    assert not again.tables.restore(again.entry("8.8.8.8"), buckets)  # taken: by itself, for all we know


def test_of_two_tried_ones_with_one_place_the_second_goes_to_the_new_table() -> None:
    story = Story()
    entries: dict[int, Entry] = {}
    for number in range(3_000):
        entry = story.entry(f"8.8.{number >> 8}.{number & 255}", OURSELVES)
        entry.tried = True
        assert story.tables.restore(entry, ())
        if not entry.tried:
            break
        entries[entry.places[0]] = entry
    assert not entry.tried
    assert len(entry.places) == 1


def _crowded() -> list[str]:
    """Thirty hosts for which one source has eight places, and the tried table not many more."""
    tables, found = Tables(bytes(32), None, lambda _entry: None), []
    for number in range(20_000):
        entry = Entry(Address(f"8.8.{number >> 8 & 255}.{number & 255}", 1))
        (new, _), tried = tables._find_place(entry, "9.9.9.9"), tables._tried_place(entry)
        if new % BUCKET_SIZE < 8 and tried % BUCKET_SIZE < 4:
            found.append(entry.address.host)
    return found[:30]


CROWDED = _crowded()
ACTIONS = st.tuples(
    st.sampled_from(["insert", "insert", "insert", "promote", "remove", "age", "resolve", "use", "release"]),
    st.integers(0, 29),
    st.sampled_from(["9.9.9.9", "7.7.7.7", "5.5.5.5", OURSELVES, SEED]),
)


@given(st.lists(ACTIONS, max_size=120))
def test_entries_and_places_always_agree(story: list[tuple[str, int, str]]) -> None:
    """The tables against a set of who is known."""
    dropped: list[Entry] = []
    tables = Tables(bytes(32), None, dropped.append)
    everybody = [Entry(Address(host, 1, 0, int(WALL)), "9.9.9.9") for host in CROWDED]
    known: set[Entry] = set()
    clock = WALL
    for what, number, source in story:
        entry = everybody[number]
        if what == "insert" and not entry.tried and len(entry.places) < MAX_PLACES:
            known |= {entry} if tables.insert(entry, source, clock) or entry in known else set()
        elif what == "promote" and entry in known:
            entry.last_success = entry.last_tried = clock
            tables.promote(entry)
        elif what == "remove" and entry in known:
            tables.remove(entry)
            known.discard(entry)
        elif what == "age":
            clock += 3_600 * number
        elif what == "resolve":
            tables.resolve_collisions(clock)
        elif what == "use":
            entry.in_use = 1
        else:
            entry.in_use = 0
        assert not any(each.in_use and each in known and not each.tried for each in dropped)
        known -= set(dropped)
        dropped.clear()
        new = {place: each for each in known if not each.tried for place in each.places}
        tried = {place: each for each in known if each.tried for place in each.places}
        assert all(each.places for each in known)
        assert not any(each.places or each.tried for each in set(everybody) - known)
        assert tables.counts() == (len(new), len(tried))
        assert all(tables._new.at(place) is each for place, each in new.items())
        assert all(tables._tried.at(place) is each for place, each in tried.items())
        assert set(tables._collisions) <= {each for each in known if not each.tried}
