"""Who may be dialled now, and when the others may: so that no question about it needs a look at the whole book.

Those who may be dialled stand in a list for each network, from which a random one costs the same always. Those who
wait stand in a heap by the time that ends it, with lazy deletion: an item counts only while it equals its entry's
`next_try_at`. Those who have all their connections stand in neither. Called by `addrbook`.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection

    from headway.node.entry import Entry
    from headway.types import Instant, Net

MAX_PICKS: Final = 100
"""Entries looked at to find one that suits."""
SLACK: Final = 64
"""Stale items that the heap may hold beside one for each entry that waits, before it is built anew."""


class Rota:
    def __init__(self) -> None:
        self._idle: dict[Net, list[Entry]] = {}
        self._resting: list[tuple[Instant, int, Entry]] = []
        self._waiting = 0  # items that count
        self._number = 0  # of the next item: entries have no order
        self._now: Instant = 0.0

    def update(self, entry: Entry) -> None:
        """Put an entry where it belongs, after anything about its times or connections has changed."""
        if entry.idle_at >= 0:
            self._leave(entry)
        if entry.is_full:
            return
        if entry.next_try_at <= self._now:
            idle = self._idle.setdefault(entry.net, [])
            entry.idle_at = len(idle)
            idle.append(entry)
            return
        self._number += 1
        heapq.heappush(self._resting, (entry.next_try_at, self._number, entry))
        if len(self._resting) > 2 * self._waiting + SLACK:
            counted = {id(item[2]): item for item in self._resting if self._counts(item)}
            self._resting = list(counted.values())
            self._waiting = len(self._resting)
            heapq.heapify(self._resting)

    def wake(self, now: Instant) -> None:
        """Time passes: who has waited long enough may be dialled."""
        self._now = max(self._now, now)
        while self._resting and self._resting[0][0] <= now:
            item = heapq.heappop(self._resting)
            if self._counts(item):
                self.update(item[2])

    def idle(self, nets: Collection[Net]) -> int:
        """How many of these networks may be dialled."""
        return sum(len(self._idle.get(net, ())) for net in nets)

    def pick(self, rng: random.Random, nets: Collection[Net]) -> Entry | None:
        """A random one of those, each as likely as any other."""
        count = self.idle(nets)
        number = rng.randrange(count) if count else 0
        for net in nets:
            idle = self._idle.get(net, ())
            if number < len(idle):
                return idle[number]
            number -= len(idle)
        return None

    def search(self, rng: random.Random, suits: Callable[[Entry], bool], nets: Collection[Net]) -> Entry | None:
        """One of those who suits, where few of many may be dialled; None when so many were looked at in vain."""
        picked = (self.pick(rng, nets) for _ in range(MAX_PICKS))
        return next((entry for entry in picked if entry is not None and suits(entry)), None)

    def hurry(self, within: float, now: Instant, rng: random.Random) -> None:
        """Whoever failed, and would have to wait longer, waits no more than so many seconds. Looks at all who wait."""
        for entry in self._waiters():
            if entry.failures and entry.next_try_at > now + within:
                entry.next_try_at = now + rng.uniform(0.0, within)
                self.update(entry)

    def hurry_one(self, now: Instant, nets: Collection[Net]) -> None:
        """Whoever of these networks waits for the shortest time waits no more. Looks at all who wait."""
        waiters = (entry for entry in self._waiters() if entry.net in nets)
        if (entry := min(waiters, key=lambda entry: entry.next_try_at, default=None)) is not None:
            entry.next_try_at = now
            self.wake(now)
            self.update(entry)

    def _waiters(self) -> list[Entry]:
        """Those who wait for their time, but the discouraged: these have earned it."""
        found = {id(item[2]): item[2] for item in self._resting if self._counts(item)}
        return [entry for entry in found.values() if not entry.discouraged]

    def next_due(self, nets: Collection[Net]) -> Instant | None:
        """When the next may be dialled: 0 when one of these networks may now; None when nobody waits."""
        if self.idle(nets):
            return 0.0
        while self._resting and not self._counts(self._resting[0]):
            heapq.heappop(self._resting)
        return self._resting[0][0] if self._resting else None

    @staticmethod
    def _counts(item: tuple[Instant, int, Entry]) -> bool:
        at, _, entry = item
        return entry.next_try_at == at and entry.idle_at < 0 and not entry.is_full

    def _leave(self, entry: Entry) -> None:
        idle = self._idle[entry.net]
        last = idle.pop()
        if last is not entry:
            idle[entry.idle_at] = last
            last.idle_at = entry.idle_at
        entry.idle_at = -1
