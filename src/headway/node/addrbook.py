"""Addresses that we could dial, and when each may be tried again. In memory; nothing here dials.

Every failure doubles the wait, up to an hour; success forgives all. A discouraged address rests for a day; no address
is burnt for ever. Called by `node.slots`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from headway.types import Address, Instant

FIRST_BACKOFF = 1.0
MAX_BACKOFF = 3600.0
"""Seconds between tries of an address that keeps failing."""
DISCOURAGED_FOR = 86_400.0
"""Seconds (Core's default ban time; its discouragement lasts until restart)."""
MAX_ADDRESSES = 10_000
"""About 2 MB. Beyond it the address that failed first, else a random one, makes room."""
MAX_DRAWS = 32
"""Random addresses looked at to find one that is not in use, before a new one is turned away."""


def is_public(address: Address) -> bool:
    """An IP address of the public internet: what strangers may make us dial. (Overlay names need ways of their own.)"""
    try:
        return ipaddress.ip_address(address.host).is_global
    except ValueError:
        return False


@dataclass(slots=True)
class Entry:
    address: Address
    manual: bool = False
    """Named by the user: never dropped for room."""
    failures: int = 0
    """Since the last success."""
    attempts: int = 0
    next_try_at: Instant = 0.0
    discouraged_until: Instant = 0.0
    in_use: int = 0
    """Connections and dials now."""
    wanted: int = 1
    """How many connections the user asked for at this address."""
    last_error: str = ""
    place: int = -1
    """Where it stands among those that may make room; -1 for one that the user named."""


class AddressBook:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._entries: dict[Address, Entry] = {}
        self._places: list[Address] = []  # of those that may make room, in no order: to draw one costs the same always
        self._failed: dict[Address, None] = {}  # those of them that failed since they last were of use

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self) -> Iterable[Entry]:
        return self._entries.values()

    def add(self, address: Address) -> bool:
        """Remember an address from gossip, a seed or a file. False when it was known, or there is no room."""
        if address in self._entries or (len(self._entries) >= MAX_ADDRESSES and not self._make_room()):
            return False
        self._entries[address] = Entry(address, place=len(self._places))
        self._places.append(address)
        return True

    def add_manual(self, address: Address) -> None:
        """Remember an address that the user named; naming it again asks for one more connection."""
        entry = self._entries.get(address)
        if entry is not None and entry.manual:
            entry.wanted += 1
            return
        if entry is not None:
            self._drop(entry)
        self._entries[address] = Entry(address, manual=True)

    def get(self, address: Address) -> Entry | None:
        return self._entries.get(address)

    def take(self, now: Instant, *, manual: bool) -> Address | None:
        """A random address that may be dialled now, counted as in use; None when there is none."""
        due = [e for e in self._entries.values() if e.manual == manual and e.in_use < e.wanted and self._is_due(e, now)]
        if not due:
            return None
        fewest = min(entry.failures for entry in due)
        entry = self._rng.choice([entry for entry in due if entry.failures == fewest])
        entry.in_use += 1
        entry.attempts += 1
        return entry.address

    def succeeded(self, address: Address) -> None:
        """It proved to be of use: what failed before is forgiven."""
        if entry := self._entries.get(address):
            entry.failures = 0
            entry.last_error = ""
            self._failed.pop(address, None)

    def failed(self, address: Address, why: str, now: Instant) -> None:
        """A dial or a handshake failed, or a ready peer was lost: it may be tried again after a wait that doubles."""
        if entry := self._entries.get(address):
            backoff = min(FIRST_BACKOFF * 2.0 ** min(entry.failures, 20), MAX_BACKOFF)
            entry.failures += 1
            entry.last_error = why
            entry.next_try_at = now + backoff * self._rng.uniform(0.75, 1.25)
            if not entry.manual:
                self._failed[address] = None

    def discourage(self, address: Address, why: str, now: Instant) -> None:
        if entry := self._entries.get(address):
            entry.discouraged_until = now + DISCOURAGED_FOR
            entry.last_error = why

    def release(self, address: Address) -> None:
        """The connection or dial has ended."""
        if entry := self._entries.get(address):
            entry.in_use -= 1

    def next_due(self, *, manual: bool) -> Instant | None:
        """When the next idle address may be dialled."""
        times = (
            max(e.next_try_at, e.discouraged_until)
            for e in self._entries.values()
            if e.manual == manual and e.in_use < e.wanted
        )
        return min(times, default=None)

    @staticmethod
    def _is_due(entry: Entry, now: Instant) -> bool:
        return entry.next_try_at <= now and entry.discouraged_until <= now

    def _make_room(self) -> bool:
        """Forget an address that is not in use. The cost does not grow with the book: gossip comes by the thousand."""
        drawn = (self._rng.choice(self._places) for _ in range(MAX_DRAWS)) if self._places else ()
        for address in chain(self._failed, drawn):
            entry = self._entries[address]
            if not entry.in_use:
                self._drop(entry)
                return True
        return False

    def _drop(self, entry: Entry) -> None:
        last = self._places.pop()
        if last != entry.address:
            self._places[entry.place] = last
            self._entries[last].place = entry.place
        self._failed.pop(entry.address, None)
        del self._entries[entry.address]
