"""The two tables of the book: addresses that somebody told us of, and addresses at which we have been.

The rules are those of Bitcoin Core's addrman. An address goes to the one place that key, groups and hash give it; who
is there yields only when it is of no use any more, or has other places. Nobody leaves the tried table before it has
been dialled once more in vain (`collisions`). Not here: times to dial, bans, what is kept. Called by `addrbook`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headway.node.buckets import (
    NEW_BUCKETS,
    TRIED_BUCKETS,
    Table,
    address_key,
    new_bucket,
    place_in,
    tried_bucket,
)
from headway.node.entry import MAX_PLACES
from headway.node.netgroup import NAMES, group_of
from headway.types import OURSELVES

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from headway.node.entry import Entry
    from headway.node.netgroup import AsNumber

TURNS: Final = 8
"""Places in which we look for room for an address that `OURSELVES` or a DNS seed told of: of a file with seven hosts of
one network none may get lost because two fall into one place. A stranger has one."""
MAX_DRAWS: Final = 100
"""Entries drawn to find one that suits [ThreadOpenConnections]."""
MAX_COLLISIONS: Final = 10
"""Addresses that wait for a place in the tried table [ADDRMAN_SET_TRIED_COLLISION_SIZE]."""
REPLACEMENT: Final = 4 * 3600
"""Seconds in which one that answered keeps its place there, and one that did not loses it [ADDRMAN_REPLACEMENT]."""
TEST_WINDOW: Final = 40 * 60
"""Seconds after which the one that could not be tested loses it [ADDRMAN_TEST_WINDOW]."""
MAX_TEST: Final = 60
"""Seconds that a test is given."""


class Tables:
    def __init__(self, key: bytes, asn: AsNumber | None, drop: Callable[[Entry], None]) -> None:
        """`drop(entry)` is called for whoever has no place any more."""
        self.key = key
        self._asn = asn
        self._drop = drop
        self._new: Table[Entry] = Table(NEW_BUCKETS)
        self._tried: Table[Entry] = Table(TRIED_BUCKETS)
        self._collisions: dict[Entry, None] = {}

    def group(self, host: str) -> bytes:
        return group_of(host, self._asn)

    def insert(self, entry: Entry, source: str, wall_time: float) -> bool:
        """Give an entry the place in the new table that this source may fill. False when it is another's."""
        place, holder = self._find_place(entry, source)
        if holder is not None:
            if holder is entry or not holder.yields_to(entry, wall_time):
                return False
            self._clear_new(holder, place)
        self._put_new(entry, place)
        return True

    def restore(self, entry: Entry, buckets: tuple[int, ...]) -> bool:
        """Put back an entry that was kept: into the tried table, or into these buckets of the new one. What has no
        place there looks for another that is free; with a map of autonomous systems each does. False when there is
        none."""
        if entry.tried:
            place = self._tried_place(entry)
            if self._tried.at(place) is None:
                self._tried.put(place, entry)
                entry.places = (place,)
                return True
            entry.tried = False
        kept = () if self._asn else buckets[:MAX_PLACES]  # by which map they were chosen is not known
        for bucket in (each for each in kept if 0 <= each < NEW_BUCKETS):
            place = place_in(self.key, bucket, address_key(entry.address), tried=False)
            if self._new.at(place) is None:
                self._put_new(entry, place)
        if not entry.places:
            place, holder = self._find_place(entry, entry.source)
            if holder is None:
                self._put_new(entry, place)
        return bool(entry.places)

    def promote(self, entry: Entry) -> None:
        """We have been connected to it: it belongs in the tried table. Who stands in its place is tested first."""
        if entry.tried:
            return
        if self._tried.at(self._tried_place(entry)) is None:
            self._move_to_tried(entry)
        elif len(self._collisions) < MAX_COLLISIONS:
            self._collisions[entry] = None

    def resolve_collisions(self, wall_time: float) -> None:
        """Decide those about which enough is known [Core ResolveCollisions_]. Called whenever somebody was tested."""
        for entry in tuple(self._collisions):
            if entry not in self._collisions:  # it lost its place to one that was decided about just now
                continue
            holder = self._tried.at(self._tried_place(entry))
            if holder is None or self._loses(holder, entry, wall_time):
                self._move_to_tried(entry)
            elif wall_time - holder.last_success >= REPLACEMENT:
                continue
            self._collisions.pop(entry, None)

    def collision(self, rng: random.Random) -> Entry | None:
        """One of the tried table in whose place another would be: to be dialled, to see whether it is still there."""
        if not self._collisions:
            return None
        return self._tried.at(self._tried_place(rng.choice(tuple(self._collisions))))

    def pick(
        self, rng: random.Random, suits: Callable[[Entry], bool], wall_time: float, *, only_new: bool
    ) -> Entry | None:
        """One of those drawn who suits, sooner one that failed seldom; None when many draws find nobody
        [Core Select_]."""
        patience = 1.0
        for _ in range(MAX_DRAWS):
            entry = self.draw(rng, only_new=only_new)
            if entry is not None and suits(entry) and rng.random() < patience * entry.chance(wall_time):
                return entry
            patience *= 1.2
        return None

    def draw(self, rng: random.Random, *, only_new: bool) -> Entry | None:
        """Somebody at random, out of either table as likely as out of the other."""
        if only_new or not len(self._tried):
            return self._new.draw(rng)
        return (self._tried if not len(self._new) or rng.getrandbits(1) else self._new).draw(rng)

    def remove(self, entry: Entry) -> None:
        """Take an entry out of its table. `drop` is not called."""
        table = self._tried if entry.tried else self._new
        for place in entry.places:
            table.clear(place)
        entry.places, entry.tried = (), False
        self._collisions.pop(entry, None)

    def counts(self) -> tuple[int, int]:
        """Places taken in the new and in the tried table."""
        return len(self._new), len(self._tried)

    @staticmethod
    def _loses(holder: Entry, other: Entry, wall_time: float) -> bool:
        if wall_time - holder.last_success < REPLACEMENT:
            return False
        if wall_time - holder.last_tried < REPLACEMENT:
            return wall_time - holder.last_tried > MAX_TEST  # it was dialled, and did not answer
        return wall_time - other.last_success > TEST_WINDOW

    def _move_to_tried(self, entry: Entry) -> None:
        place = self._tried_place(entry)
        holder = self._tried.at(place)
        self.remove(entry)
        if holder is not None:
            self.remove(holder)
            self._put_back(holder)
        self._tried.put(place, entry)
        entry.tried, entry.places = True, (place,)

    def _put_back(self, entry: Entry) -> None:
        """Into the new table, whoever stands there: we have been at this one."""
        place, holder = self._find_place(entry, entry.source)
        if holder is not None and holder.in_use:
            self._drop(entry)
            return
        if holder is not None:
            self._clear_new(holder, place)
        self._put_new(entry, place)

    def _find_place(self, entry: Entry, source: str) -> tuple[int, Entry | None]:
        """A place of the new table that this source may fill, a free one if there is one, and who stands there."""
        address, group = address_key(entry.address), self.group(entry.address.host)
        source_group = self.group(source) if source != OURSELVES else address  # a source of its own: any bucket
        turns = TURNS if source == OURSELVES or source_group[0] == NAMES else 1
        place, holder = -1, None
        for turn in range(turns):
            bucket = new_bucket(self.key, group, source_group, turn)
            place = place_in(self.key, bucket, address, tried=False)
            holder = self._new.at(place)
            if holder is None:
                break
        return place, holder

    def _put_new(self, entry: Entry, place: int) -> None:
        self._new.put(place, entry)
        entry.places += (place,)

    def _clear_new(self, holder: Entry, place: int) -> None:
        self._new.clear(place)
        holder.places = tuple(each for each in holder.places if each != place)
        if not holder.places:
            self._collisions.pop(holder, None)
            self._drop(holder)

    def _tried_place(self, entry: Entry) -> int:
        key = address_key(entry.address)
        return place_in(self.key, tried_bucket(self.key, key, self.group(entry.address.host)), key, tried=True)
