"""Addresses that we could dial, and when each may be tried again. In memory; nothing here dials.

Every failure doubles the wait, up to an hour; success forgives all. A discouraged address rests for a day; no address
is burnt for ever. Called by `node.slots`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
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
"""About 2 MB. Beyond it an address that failed, else a random one, makes room."""


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


class AddressBook:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._entries: dict[Address, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self) -> Iterable[Entry]:
        return self._entries.values()

    def add(self, address: Address) -> bool:
        """Remember an address from gossip, a seed or a file. False when it was known."""
        if address in self._entries:
            return False
        if len(self._entries) >= MAX_ADDRESSES:
            self._make_room()
        self._entries[address] = Entry(address)
        return True

    def add_manual(self, address: Address) -> None:
        """Remember an address that the user named; naming it again asks for one more connection."""
        entry = self._entries.get(address)
        if entry is not None and entry.manual:
            entry.wanted += 1
        else:
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

    def failed(self, address: Address, why: str, now: Instant) -> None:
        """A dial or a handshake failed, or a ready peer was lost: it may be tried again after a wait that doubles."""
        if entry := self._entries.get(address):
            backoff = min(FIRST_BACKOFF * 2.0 ** min(entry.failures, 20), MAX_BACKOFF)
            entry.failures += 1
            entry.last_error = why
            entry.next_try_at = now + backoff * self._rng.uniform(0.75, 1.25)

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

    def _make_room(self) -> None:
        idle = [entry for entry in self._entries.values() if not entry.in_use and not entry.manual]
        worst = [entry for entry in idle if entry.failures] or idle
        del self._entries[self._rng.choice(worst).address]
