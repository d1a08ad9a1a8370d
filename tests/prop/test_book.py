"""The address book against a naive one: who is known, who may be dialled, and what the database is told."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from headway.node.addrbook import MAX_ADDRESSES, AddressBook
from headway.types import Address, BookRecords, Net, PeerMerit, PeerRecord

WALL = 1_700_000_000
HOSTS = [f"8.{n}.{n}.{n}" for n in range(12)] + [f"8.8.8.{n}" for n in range(12)] + ["10.0.0.1", "fc00::1"]
ADDRESSES = [Address(host, port, 9, WALL - 1_000) for host in HOSTS for port in (1, 2)]
ADDRESS = st.sampled_from(ADDRESSES)
SOURCE = st.sampled_from([Address(f"9.{n}.9.9", 1) for n in range(4)])


class Book(RuleBasedStateMachine):
    """The naive book: what was added or learnt and is still there; who is in use; what a database would have."""

    @initialize(seed=st.integers(0, 99))
    def begin(self, seed: int) -> None:
        self.now = 0.0
        self.book = AddressBook(random.Random(seed))
        self.book.handle_clock(WALL, 0.0)
        self.told: set[Address] = set()
        self.manual: dict[Address, int] = {}
        self.in_use: dict[Address, int] = {}
        self.kept: dict[Address, PeerRecord] = {}

    # How it fills.

    @rule(address=ADDRESS)
    def add(self, address: Address) -> None:
        was = self.book.get(address) is not None
        assert self.book.add(address, now=self.now) is (not was)
        assert self.book.get(address) is not None, "of so few none is in another's way for those who look elsewhere"
        self.told.add(address)

    @rule(addresses=st.lists(ADDRESS, max_size=8), source=SOURCE)
    def learn(self, addresses: list[Address], source: Address) -> None:
        before = len(self.book)
        new = self.book.learn(addresses, source, self.now)
        assert 0 <= len(self.book) - before <= new
        self.told.update(addresses)

    @rule(address=ADDRESS)
    def name(self, address: Address) -> None:
        self.manual[address] = self.manual.get(address, 0) + 1
        if self.manual[address] == 1:
            self.in_use.pop(address, None)  # what was dialled before it was named is not counted as the user's
        self.book.add_manual(address)

    # Dialling.

    @rule(manual=st.booleans(), only_new=st.booleans(), nets=st.sampled_from([(Net.IPV4,), tuple(Net)]))
    def take(self, manual: bool, only_new: bool, nets: tuple[Net, ...]) -> None:
        address = self.book.take(self.now, manual=manual, only_new=only_new, nets=nets)
        if address is None:
            return
        entry = self.book.get(address)
        assert entry is not None
        assert (address in self.manual) == manual
        assert self.in_use.get(address, 0) < self.manual.get(address, 1)
        assert manual or (entry.net in nets and not (only_new and entry.tried))
        assert manual or not self.book.is_banned(address, self.now)
        assert manual or not self.book.is_discouraged(address, self.now)
        self.in_use[address] = self.in_use.get(address, 0) + 1

    @rule(address=ADDRESS)
    def claim(self, address: Address) -> None:
        if self.book.claim(address, self.now):
            assert not self.in_use.get(address)
            assert address not in self.manual
            self.in_use[address] = 1

    @rule(data=st.data(), how=st.sampled_from(["good", "failed", "discouraged", "of use", "other chain"]))
    def end(self, data: st.DataObject, how: str) -> None:
        """A dial or a connection ends; before, its peer was there or not."""
        used = [address for address, count in self.in_use.items() if count]
        if not used:
            return
        address = data.draw(st.sampled_from(used))
        self.in_use[address] -= 1
        if how in {"good", "of use"}:
            self.book.good(address, self.now, 9)
        self.book.met(address, PeerMerit("/far:1/", 1, ends=(("IDLE", 1),)), self.now)
        self.book.release(address)
        calls: dict[str, Any] = {
            "failed": lambda: self.book.failed(address, "refused", self.now),
            "discouraged": lambda: self.book.discourage(address, "bad", self.now),
            "of use": lambda: self.book.succeeded(address),
            "other chain": lambda: self.book.mark_other_chain(address, "no header of ours", self.now),
        }
        calls.get(how, lambda: None)()

    @rule(host=st.sampled_from(HOSTS), seconds=st.integers(1, 1_000))
    def ban(self, host: str, seconds: int) -> None:
        wall_time = WALL + int(self.now)
        self.book.bans.ban(host, created=wall_time, until=wall_time + seconds)

    @rule(seconds=st.sampled_from([0.5, 2.0, 60.0, 3_600.0, 90_000.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.book.resolve_collisions(self.now)

    # Keeping.

    @rule()
    def save(self) -> None:
        """What the database is told makes it agree with the book."""
        if (changes := self.book.take_changes()) is not None:
            for address in changes.gone:
                del self.kept[address]
            self.kept.update((record.address, record) for record in changes.peers)
        assert self.kept == {record.address: record for record in self.book.records().peers}

    @rule()
    def restart(self) -> None:
        """A new run finds all that the last one kept; only dials that were under way are no more."""
        self.save()
        records = self.book.records()
        self.book = AddressBook(random.Random(1), records=records)
        self.book.handle_clock(WALL + self.now, self.now)
        assert self.book.records() == records
        assert self.book.take_changes() is None
        self.in_use.clear()
        self.manual.clear()

    # What always holds.

    @invariant()
    def holds(self) -> None:
        known = {entry.address for entry in self.book.entries()}
        assert known <= self.told | self.manual.keys()
        assert self.manual.keys() <= known
        assert len(self.book) <= MAX_ADDRESSES
        for entry in self.book.entries():
            assert entry.in_use == self.in_use.get(entry.address, 0)
            assert bool(entry.places) != entry.manual
        assert {address for address, count in self.in_use.items() if count} <= known, "who is in use is not sent away"

    def teardown(self) -> None:
        """Everybody is disconnected: nothing is in use, and all that is not discouraged may be dialled again."""
        if not hasattr(self, "book"):
            return
        for address, count in self.in_use.items():
            for _ in range(count):
                self.book.release(address)
        assert all(not entry.in_use for entry in self.book.entries())
        later = self.now + 10 * 86_400
        names = {address.host for address in ADDRESSES}
        for host in names:
            self.book.bans.unban(host)
        taken: set[Address | None] = set()
        while None not in taken:
            taken.add(self.book.take(later, nets=tuple(Net)))
            later += 61.0  # so that no host is dialled too often
        taken.remove(None)
        assert taken == {entry.address for entry in self.book.entries() if not entry.manual}


Book.TestCase.settings = settings(stateful_step_count=40, deadline=None)
TestBook = Book.TestCase


def test_the_records_of_an_empty_book_are_empty() -> None:
    book = AddressBook(random.Random(1))
    assert book.records() == BookRecords(book.key)
