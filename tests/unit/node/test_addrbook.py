"""The address book: who is in it, who is chosen, and when each may be tried again."""

from __future__ import annotations

import csv
import gc
import io
import random
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from headway.node.addrbook import (
    BAN_CHECK,
    DISCOURAGED_FOR,
    MAX_ADDRESSES,
    OTHER_CHAIN_FOR,
    AddressBook,
)
from headway.node.entry import HORIZON, MAX_BACKOFF, Entry
from headway.node.gossip import PENALTY, UNKNOWN_AGE
from headway.node.netgroup import group_of
from headway.node.pace import MAX_DIALS, WINDOW
from headway.node.troubles import GIVE_UP_AFTER
from headway.store.peers_file import read_peers_file
from headway.types import Address, BookRecords, Net, PeerMerit, PeerRecord
from headway.wire.host import locate
from tests.data import data_path, read

if TYPE_CHECKING:
    from _typeshed import TraceFunction

WALL = 1_700_000_000
SEED = "seed.example"
A, B, C = (Address(f"1.0.0.{n}", 8333) for n in (1, 2, 3))
TELLER = Address("9.9.9.9", 8333)
ONION = Address("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion", 8333)
I2P = Address("ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p", 0)


def book(*addresses: Address, seed: int = 1) -> AddressBook:
    made = AddressBook(random.Random(seed))
    made.handle_clock(WALL, 0.0)
    made.add_all(addresses)
    return made


def spread(count: int, first: int = 0) -> list[Address]:
    """Public addresses, each of another group, seen an hour ago."""
    return [Address(f"{20 + (n >> 8)}.{n & 255}.1.1", 8333, 9, WALL - 3_600) for n in range(first, first + count)]


def taken(made: AddressBook, now: float = 0.0, **wanted: object) -> set[Address]:
    """Everybody who can be taken at one time."""
    found = set()
    while (address := made.take(now, **wanted)) is not None:  # type: ignore[arg-type]
        found.add(address)
    return found


def entry_of(made: AddressBook, address: Address) -> Entry:
    entry = made.get(address)
    assert entry is not None
    return entry


# Who is in it.


def test_who_hurries_waits_for_nobody_longer_than_that_but_for_those_who_misbehaved() -> None:
    made = AddressBook(random.Random(1))
    good, bad, fine = (Address(f"8.{n}.0.1", 1) for n in range(3))
    made.add_all((good, bad, fine))
    for _ in range(12):
        made.failed(good, "refused", 0.0)
    made.discourage(bad, "bad-check", 0.0)
    made.hurry(60.0, 0.0)
    waits = {entry.address: entry.next_try_at for entry in made.entries()}
    assert waits[good] <= 60.0
    assert waits[bad] > 1_000.0
    assert waits[fine] == 0.0


def test_an_address_is_known_once() -> None:
    made = book(A)
    assert not made.add(Address("1.0.0.1", 8333, services=9, last_seen=5))
    assert made.add(Address("1.0.0.1", 8334))
    assert len(made) == 2


def test_none_of_a_file_of_one_network_is_lost() -> None:
    """Seven of 64 places would meet with probability 0.3: those that the user gives us look for room elsewhere."""
    for seed in range(50):
        assert len(book(*(Address(f"10.0.0.{n}", 10_333) for n in range(30)), seed=seed)) == 30
        seeded = book(seed=seed)
        assert seeded.add_all((Address(f"8.8.8.{n}", 10_333) for n in range(7)), SEED) == 7


def test_gossip_of_what_is_not_public_is_not_remembered() -> None:
    made = book()
    hosts = ("127.0.0.1", "10.1.2.3", "::1", "0.0.0.0", "x.onion", "seed.example", "224.0.0.1", "fe80::1")
    assert made.learn([Address(host, 8333) for host in hosts], TELLER, 0.0) == 0
    assert made.learn([Address("8.8.8.8", 0)], TELLER, 0.0) == 0
    assert made.learn([Address("8.8.8.8", 8333), ONION, I2P, Address("fc00::1", 8333)], TELLER, 0.0) == 4


def test_gossip_is_made_older_and_what_is_not_credible_counts_for_little() -> None:
    made = book()
    said = {"8.1.1.1": WALL - 100, "8.2.1.1": 0, "8.3.1.1": WALL + 601, "8.4.1.1": WALL + 599, "9.9.9.9": WALL - 100}
    made.learn([Address(host, 8333, 0, seen) for host, seen in said.items()], TELLER, 0.0)
    assert [WALL - entry.address.last_seen for entry in made.entries()] == [
        100 + PENALTY,
        UNKNOWN_AGE + PENALTY,
        UNKNOWN_AGE + PENALTY,
        PENALTY - 599,
        100,  # what somebody says of himself is believed
    ]


def test_what_is_heard_again_is_newer_and_offers_more() -> None:
    made = book()
    for services, seen in ((1, WALL - 90_000), (8, WALL - 50_000), (0, WALL - 80_000)):
        made.learn([Address("8.8.8.8", 8333, services, seen)], TELLER, 0.0)
    address = entry_of(made, Address("8.8.8.8", 8333)).address
    assert (address.services, address.last_seen) == (9, WALL - 50_000 - PENALTY)


def test_gossip_of_banned_and_discouraged_hosts_is_not_remembered() -> None:
    made = book()
    made.bans.ban("8.8.0.0/16", created=WALL)
    made.discourage(Address("7.7.7.7", 1), "bad", 0.0)
    assert made.learn([Address("8.8.8.8", 8333), Address("7.7.7.7", 8333)], TELLER, 0.0) == 0


def test_who_was_not_seen_for_a_month_gives_its_place_to_a_newcomer() -> None:
    """All of one group, of which one source tells, so all in one bucket."""
    made = book()
    old = [Address(f"8.8.{n >> 8}.{n & 255}", 8333, 0, WALL - HORIZON - 1) for n in range(500)]
    made.learn(old, TELLER, 0.0)
    assert len(made) == 64
    new = [Address(f"8.8.{n >> 8}.{n & 255}", 1, 0, WALL) for n in range(500)]
    made.learn(new, TELLER, 0.0)
    assert {entry.address.port for entry in made.entries()} == {1}
    made.learn([Address(f"8.8.{n >> 8}.{n & 255}", 2, 0, WALL) for n in range(500)], TELLER, 0.0)
    assert {entry.address.port for entry in made.entries()} == {1}


def test_one_in_use_keeps_its_place_though_others_would_have_it() -> None:
    made = book()
    made.learn([Address("8.8.8.8", 8333, 0, WALL - HORIZON - 1)], TELLER, 0.0)
    used = made.take(0.0)
    assert used is not None
    made.learn([Address(f"8.8.{n >> 8}.{n & 255}", 1, 0, WALL) for n in range(2_000)], TELLER, 100.0)
    assert made.get(used) is not None
    made.release(used)
    made.learn([Address(f"8.8.{n >> 8}.{n & 255}", 2, 0, WALL) for n in range(2_000)], TELLER, 100.0)
    assert made.get(used) is None


def test_overlays_are_kept_and_dialled_only_when_they_can_be_reached() -> None:
    made = book()
    made.learn([ONION, I2P], TELLER, 0.0)
    assert made.take(0.0) is None
    assert made.next_due(manual=False) is None
    assert made.next_due(manual=False, nets=(Net.I2P,)) == 0.0
    assert taken(made, nets=(Net.ONION,)) == {ONION}
    assert taken(made, nets=tuple(Net)) == {I2P}


# Choosing.


def test_an_address_in_use_is_not_taken_again_until_released() -> None:
    made = book(A)
    assert made.take(0.0) == A
    assert made.take(0.0) is None
    made.release(A)
    assert made.take(0.0) == A


def test_a_manual_address_named_twice_is_taken_twice() -> None:
    made = book()
    made.add_manual(A)
    made.add_manual(A)
    assert [made.take(0.0, manual=True) for _ in range(3)] == [A, A, None]
    assert made.take(0.0) is None


def test_an_address_that_the_user_names_later_is_his_and_makes_no_room() -> None:
    made = book(A, B)
    made.failed(A, "refused", 0.0)
    made.add_manual(A)
    made.add_manual(B)
    for number in range(3_000):
        made.add(Address(f"1.0.{number >> 8}.{number & 255}", 1), "1.0.0.1")
    assert taken(made, manual=True) == {A, B}
    assert made.last_errors(5) == []


def test_everybody_who_suits_is_found_and_nobody_else() -> None:
    near, far = spread(40), [Address(f"2a01:{n:x}::1", 8333, 1, WALL - 3_600) for n in range(1, 41)]
    made = book(*near, *far, ONION)
    for address in near[:10]:
        made.take(0.0)
        made.good(address, 0.0)
    for each in made.entries():
        each.in_use = 1
        made.release(each.address)
    groups = {made.group(address) for address in near[10:20]}
    found = taken(made, only_new=True, avoid=groups, nets=(Net.IPV4,), services=8)
    assert found == set(near[20:])
    assert taken(made, nets=(Net.IPV6,), services=8) == set()
    assert taken(made, nets=(Net.IPV6,), services=1) == set(far)
    assert taken(made) == set(near[:20])


def test_an_address_of_which_nobody_said_what_it_offers_may_offer_it() -> None:
    assert taken(book(A), services=9) == {A}


def test_those_that_failed_are_drawn_less() -> None:
    failing, sound = spread(50), spread(50, first=50)
    made, counts = book(*failing, *sound), Counter[bool]()
    for each in failing:
        entry_of(made, each).missed = 8
    for each in failing + sound:
        entry_of(made, each).last_tried = WALL - 10_000
    for _ in range(500):
        address = made.take(0.0)
        assert address is not None
        counts[address in failing] += 1
        made.release(address)
        entry_of(made, address).last_tried = WALL - 10_000
        made._pace._dials.clear()
    assert counts[True] < 0.1 * counts[False]


def test_those_that_were_dialled_within_ten_minutes_come_last() -> None:
    """Also those of the last run: a node that is started again and again does not hammer the same hosts."""
    many = spread(40)
    made = book(*many)
    for address in many[:20]:
        entry_of(made, address).last_tried = WALL - 30
    first = [made.take(0.0) for _ in range(15)]
    assert sum(address in many[:20] for address in first) <= 2
    assert taken(made) | set(first) == set(many)


def test_one_host_is_dialled_a_few_times_a_minute_whatever_its_port() -> None:
    made = book(*(Address("8.8.8.8", port) for port in range(1, 50)), *(Address("10.0.0.1", p) for p in range(1, 50)))
    found = taken(made)
    assert Counter(address.host for address in found) == {"8.8.8.8": MAX_DIALS, "10.0.0.1": 49}
    assert len(taken(made, WINDOW - 0.001)) == 0
    assert len(taken(made, WINDOW)) == MAX_DIALS


def test_a_claimed_address_is_taken_when_it_may_be() -> None:
    made = book(A, B)
    assert made.claim(A, 0.0)
    assert not made.claim(A, 0.0)  # in use
    assert not made.claim(C, 0.0)  # not known
    made.discourage(B, "bad", 0.0)
    assert not made.claim(B, 0.0)
    assert made.take(0.0) is None


# Waiting, and being forgiven.


def test_each_failure_doubles_the_wait_and_an_hour_is_the_most() -> None:
    local = Address("10.0.0.1", 8333)
    made = book(local)
    now, waits = 0.0, []
    for _ in range(16):
        assert made.take(now) == local
        made.release(local)
        made.failed(local, "refused", now)
        due = made.next_due(manual=False)
        assert due is not None
        assert made.take(due - 0.001) is None
        waits.append(due - now)
        now = due
    assert 0.75 <= waits[0] <= 1.25
    assert all(later > 1.1 * earlier for earlier, later in pairwise(waits[:11]))
    assert all(0.75 * MAX_BACKOFF <= wait <= 1.25 * MAX_BACKOFF for wait in waits[13:])


def test_success_forgives_all_failures() -> None:
    made = book(A)
    for _ in range(8):
        made.failed(A, "refused", 0.0)
    made.succeeded(A)
    assert made.last_errors(5) == []
    entry_of(made, A).next_try_at = 0.0
    made.failed(A, "lost", 0.0)
    due = made.next_due(manual=False)
    assert due is not None
    assert due <= 1.25


def test_dials_in_vain_count_once_while_nobody_at_all_is_reached() -> None:
    """Or a night without a line would make every address look dead."""
    made = book(*spread(20))
    for now in (0.0, 10_000.0, 20_000.0):
        for address in taken(made, now):
            made.release(address)
            made.failed(address, "network unreachable", now)
    assert {entry.missed for entry in made.entries()} == {1}
    one, other = spread(2)
    made.claim(one, 30_000.0)
    made.good(one, 30_000.0)
    made.claim(other, 30_001.0)
    made.failed(other, "refused", 30_001.0)
    assert (entry_of(made, one).missed, entry_of(made, other).missed) == (0, 2)


def test_a_peer_that_was_there_and_is_lost_was_no_dial_in_vain() -> None:
    made = book(A)
    made.take(0.0)
    made.good(A, 1.0)
    made.failed(A, "lost", 50.0)
    assert (entry_of(made, A).missed, entry_of(made, A).failures) == (0, 1)


def test_a_discouraged_address_rests_for_a_day_and_is_not_burnt_for_ever() -> None:
    made = book(A)
    made.discourage(A, "bad-diffbits", 0.0)
    assert made.is_discouraged(A, 0.0)
    assert made.take(DISCOURAGED_FOR - 1.0) is None
    assert made.take(float(DISCOURAGED_FOR)) == A


def test_with_a_host_all_its_ports_are_discouraged_and_of_manual_ones_each_alone() -> None:
    other = Address("1.0.0.1", 8334)
    made = book(A, other, B)
    made.discourage(A, "bad", 0.0)
    assert taken(made) == {B}
    assert made.next_due(manual=False) == pytest.approx(DISCOURAGED_FOR)
    made = book()
    for address in (A, other):
        made.add_manual(address)
    made.discourage(A, "bad", 0.0)
    assert taken(made, manual=True) == {other}


def test_who_dialled_us_and_misbehaved_is_discouraged_without_being_in_the_book() -> None:
    made = book()
    made.discourage(Address("1.0.0.1", 50_123), "bad", 0.0)
    assert made.is_discouraged(A, 0.0)
    assert len(made) == 0


def test_who_follows_another_chain_is_left_alone_for_a_week_and_may_come_back() -> None:
    made = book(A)
    made.mark_other_chain(A, "no header of ours", 0.0)
    assert entry_of(made, A).other_chain
    assert made.take(OTHER_CHAIN_FOR - 1.0) is None
    assert made.take(float(OTHER_CHAIN_FOR)) == A
    made.succeeded(A)
    assert not entry_of(made, A).other_chain
    made.mark_other_chain(B, "no header of ours", 0.0)
    assert made.is_discouraged(B, 0.0)


def test_a_banned_network_is_not_dialled_until_its_ban_ends_or_is_taken_back() -> None:
    made = book(A, Address("2.0.0.1", 8333))
    made.bans.ban("1.0.0.0/8", created=WALL, until=WALL + 1_000)
    assert made.is_banned(A, 0.0)
    assert taken(made) == {Address("2.0.0.1", 8333)}
    assert taken(made, 900.0) == set()
    made.bans.unban("1.0.0.0/8")
    assert taken(made, 900.0 + BAN_CHECK) == {A}


def test_nothing_is_hoped_of_a_book_whose_addresses_all_failed_several_times() -> None:
    made = book(A, B)
    for _ in range(GIVE_UP_AFTER):
        made.failed(A, "refused", 0.0)
    hopeless = [made.all_given_up]
    made.discourage(B, "bad", 0.0)
    hopeless.append(made.all_given_up)
    assert made.last_errors(5) == ["1.0.0.1:8333: refused", "1.0.0.2:8333: bad"]
    assert made.last_errors(1) == ["1.0.0.1:8333: refused"]
    made.succeeded(A)
    hopeless.append(made.all_given_up)
    for _ in range(GIVE_UP_AFTER):
        made.failed(A, "refused", 0.0)
    hopeless.append(made.all_given_up)
    made.add(C)
    hopeless.append(made.all_given_up)
    assert hopeless == [False, True, False, True, False]
    assert book().all_given_up


# What is known of each.


def test_what_a_peer_was_like_is_added_to_what_was_known() -> None:
    made = book(A)
    made.take(0.0)
    made.good(A, 1.0, services=1033)
    made.met(A, PeerMerit("/far:1/", 70016, 800_000, 0.05, 12.0, (("STALLED", 1),)), 100.0)
    made.met(A, PeerMerit(latency=0.04, ends=(("CONNECT_FAILED", 1), ("STALLED", 1))), 200.0)
    entry = entry_of(made, A)
    assert entry.merit == PeerMerit("/far:1/", 70016, 800_000, 0.04, 12.0, (("STALLED", 2), ("CONNECT_FAILED", 1)))
    assert (entry.address.services, entry.address.last_seen, entry.last_success) == (1033, WALL + 200, WALL + 1)


def test_a_dial_in_vain_is_no_sighting() -> None:
    made = book(A)
    made.take(0.0)
    made.met(A, PeerMerit(ends=(("CONNECT_FAILED", 1),)), 100.0)
    assert entry_of(made, A).address.last_seen == 0


def test_what_is_not_known_is_ignored() -> None:
    made = book()
    made.failed(A, "refused", 0.0)
    made.good(A, 0.0)
    made.met(A, PeerMerit(), 0.0)
    made.succeeded(A)
    made.release(A)
    assert len(made) == 0
    assert made.next_due(manual=False) is None
    assert made.next_due(manual=True) is None
    assert made.take_collision(0.0) is None


# Collisions in the tried table.


def collided() -> tuple[AddressBook, Address, Address]:
    """A book, one of its tried table, and one that answered and would have the same place."""
    made = book()
    made._tables.key = bytes(32)
    for number in range(2_000):
        address = Address(f"8.8.{number >> 8}.{number & 255}", 8333)
        made.add(address)
        made.good(address, 0.0)
        if not entry_of(made, address).tried:
            place = made._tables._tried_place(entry_of(made, address))
            holder = made._tables._tried.at(place)
            assert holder is not None
            return made, holder.address, address
    pytest.fail("two of so many meet")


def test_one_that_answers_keeps_its_place_in_the_tried_table() -> None:
    made, holder, other = collided()
    made.good(other, 4 * 3_600.0)
    made.resolve_collisions(4 * 3_600 + 1.0)  # nobody has tested it yet, and there is time
    assert made.take_collision(5 * 3_600.0) == holder
    assert made.take_collision(5 * 3_600.0) is None  # it is being tested
    made.good(holder, 5 * 3_600.0)
    made.release(holder)
    made.resolve_collisions(5 * 3_600.0 + 1)
    assert (entry_of(made, holder).tried, entry_of(made, other).tried) == (True, False)
    assert made.take_collision(6 * 3_600.0) is None


def test_one_that_does_not_answer_gives_its_place_to_the_other_and_is_not_forgotten() -> None:
    made, holder, other = collided()
    made.good(other, 5 * 3_600.0)
    assert made.take_collision(5 * 3_600.0) == holder
    made.resolve_collisions(5 * 3_600.0 + 60)
    assert entry_of(made, holder).tried  # a minute may pass
    made.release(holder)
    made.failed(holder, "refused", 5 * 3_600.0 + 61)
    made.resolve_collisions(5 * 3_600.0 + 61)
    assert (entry_of(made, holder).tried, entry_of(made, other).tried) == (False, True)
    assert entry_of(made, holder).places != ()


def test_one_that_cannot_be_tested_gives_its_place_in_the_end() -> None:
    made, holder, other = collided()
    made.good(other, 5 * 3_600.0)
    made.resolve_collisions(5 * 3_600.0 + 40 * 60)
    assert entry_of(made, holder).tried
    made.resolve_collisions(5 * 3_600.0 + 40 * 60 + 1)
    assert entry_of(made, other).tried


def test_without_tests_nobody_leaves_the_tried_table() -> None:
    made = book()
    tried = set()
    for number in range(5_000):
        address = Address(f"8.8.{number >> 8}.{number & 255}", 8333)
        made.add(address)
        made.good(address, 0.0)
        if entry_of(made, address).tried:
            tried.add(address)
    assert 300 < len(tried) <= 8 * 64
    assert all(entry_of(made, address).tried for address in tried)


# What is kept.


def test_a_book_made_of_its_records_is_the_same() -> None:
    made = book(A, B, *spread(30))
    made.learn([Address("8.8.8.8", 8333, 0, WALL), ONION], TELLER, 0.0)
    made.add_manual(C)
    for address in taken(made, 5.0):
        made.good(address, 6.0)
        made.release(address)
    made.failed(A, "lost", 7.0)
    made.mark_other_chain(B, "no header of ours", 8.0)
    made.bans.ban("1.2.3.0/24", created=WALL)
    records = made.records()
    again = AddressBook(random.Random(2), records=records)
    again.handle_clock(WALL + 100, 0.0)
    assert again.records() == records
    assert again.key == made.key
    assert again.get(C) is None
    assert again.take_changes() is None
    assert again.is_discouraged(B, 0.0)
    assert again.is_banned(Address("1.2.3.4", 1), 0.0)
    assert [entry.places for entry in again.entries()] == [e.places for e in made.entries() if not e.manual]


def test_changes_are_told_once() -> None:
    made = book(A)
    made.add_manual(C)
    first = made.take_changes()
    assert first is not None
    assert [record.address for record in first.peers] == [A]
    assert made.take_changes() is None
    made.take(10.0)
    second = made.take_changes()
    assert second is not None
    assert [(record.address, record.last_tried) for record in second.peers] == [(A, WALL + 10)]
    made.discourage(A, "bad", 20.0)
    third = made.take_changes()
    assert third is not None
    assert [ban.subnet for ban in third.bans] == ["1.0.0.1"]


def test_what_gives_up_its_place_is_told_to_be_gone_unless_it_was_never_kept() -> None:
    made = book()
    made.learn([Address("8.8.8.8", 8333, 0, WALL - HORIZON - 1)], TELLER, 0.0)
    kept = made.take_changes()
    assert kept is not None
    for port in (1, 2):
        made.learn([Address(f"8.8.{n >> 8}.{n & 255}", port, 0, WALL) for n in range(2_000)], TELLER, 0.0)
        for entry in made.entries():
            entry.missed = 3
    changes = made.take_changes()
    assert changes is not None
    assert changes.gone == (Address("8.8.8.8", 8333),)
    assert {record.address for record in changes.peers} == {entry.address for entry in made.entries()}


def test_another_book_is_taken_over_with_its_sources_and_what_it_knows_of_success() -> None:
    made = book(B)
    made.add_manual(C)
    theirs = (
        PeerRecord(A, "9.9.9.9", tried=True, last_success=WALL - 50, missed=2),
        PeerRecord(B, last_success=WALL - 60),
        PeerRecord(C, tried=True),
        PeerRecord(ONION, "9.9.9.9"),
    )
    assert made.merge(theirs, 0.0) == 2
    entry = entry_of(made, A)
    assert (entry.source, entry.tried, entry.last_success, entry.missed) == ("9.9.9.9", True, WALL - 50, 2)
    assert (entry_of(made, B).tried, entry_of(made, B).last_success) == (False, WALL - 60)
    assert not entry_of(made, C).tried
    assert made.merge(theirs, 0.0) == 0
    changes = made.take_changes()
    assert changes is not None
    assert {record.address for record in changes.peers} == {A, B, ONION}


def test_what_has_no_room_is_not_taken_over() -> None:
    """One source, one group: a bucket of 64."""
    made = book()
    theirs = [PeerRecord(Address(f"8.8.{n >> 8}.{n & 255}", 1, 0, WALL), "9.9.9.9") for n in range(1_000)]
    assert made.merge(theirs, 0.0) == len(made) <= 64


# An attacker.

VICTIMS = 4_000
"""Honest addresses in the book before the flood."""
FLOOD = 40_000


def besieged() -> AddressBook:
    """A book that many peers have filled, and some of whose addresses were tried."""
    made, rng = book(), random.Random(5)
    for number in range(VICTIMS):
        host = f"{rng.randrange(20, 100)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"
        teller = Address(f"{rng.randrange(20, 100)}.{rng.randrange(256)}.1.1", 8333)
        address = Address(host, 8333, 9, WALL - 3_600)
        made.learn([address], teller, 0.0)
        if number % 4 == 0:
            made.good(address, 0.0)
    return made


def one_source() -> Iterator[Address]:
    while True:
        yield Address("6.6.1.1", 8333)


def sources_of_one_group() -> Iterator[Address]:
    rng = random.Random(6)
    while True:
        yield Address(f"6.6.{rng.randrange(256)}.{rng.randrange(256)}", 8333)


def flood(made: AddressBook, sources: Iterator[Address], count: int, host: Callable[[int], str]) -> None:
    for number in range(0, count, 1_000):
        batch = [Address(host(n), 8333 + (n >> 16), 9, WALL) for n in range(number, number + 1_000)]
        made.learn(batch, next(sources), 1.0)


def of_one_network(number: int) -> str:
    return f"6.6.{number >> 8 & 255}.{number & 255}"


def of_the_whole_world(number: int) -> str:
    return f"{101 + number % 61}.{number * 7 % 256}.{number >> 8 & 255}.{number & 255}"


@pytest.mark.parametrize(
    ("sources", "host", "places"),
    [
        (one_source, of_one_network, 64),  # one bucket: one group, one source group
        (sources_of_one_group, of_one_network, 64),
        (one_source, of_the_whole_world, 64 * 64),
        (sources_of_one_group, of_the_whole_world, 64 * 64),
    ],
)
@pytest.mark.parametrize("count", [FLOOD, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_a_flood_from_one_network_gets_no_more_than_its_share(
    sources: Callable[[], Iterator[Address]], host: Callable[[int], str], places: int, count: int
) -> None:
    made = besieged()
    before = {entry.address for entry in made.entries()}
    tried = {entry.address for entry in made.entries() if entry.tried}
    flood(made, sources(), count, host)
    after = {entry.address: entry for entry in made.entries()}
    theirs = [entry for entry in after.values() if entry.address not in before]
    assert 0 < len(theirs) <= places
    assert len({place // 64 for entry in theirs for place in entry.places}) <= places // 64
    assert tried <= {address for address, entry in after.items() if entry.tried}
    assert before <= after.keys()  # nobody who is of use was sent away
    draws = [made._tables.draw(made._rng, only_new=False) for _ in range(20_000)]
    share = sum(entry is not None and entry.address not in before for entry in draws) / 20_000
    assert share < 0.5 * places / 64 / 1024 * 1.2 + 0.005  # half of the draws are of the tried table


@pytest.mark.soak
def test_a_million_addresses_of_gossip_keep_the_book_at_its_bound() -> None:
    """From a thousand peers of as many networks, so that every bucket fills. Memory is that of the process."""
    made, rng = book(), random.Random(2)
    before = resident()
    for _ in range(1_000):
        teller = Address(f"{rng.randrange(20, 100)}.{rng.randrange(256)}.{rng.randrange(256)}.1", 8333)
        told = [Address(anywhere(rng), 8333, 1033, WALL - rng.randrange(20 * 86_400)) for _ in range(1_000)]
        made.learn(told, teller, 1.0)
    grown = resident() - before
    assert 60_000 < len(made) <= 65_536 < MAX_ADDRESSES
    assert grown < 64_000_000, f"{grown} bytes"
    assert len(made._ledger._gone) == 0  # nothing was kept, so of nothing the end need be told


def anywhere(rng: random.Random) -> str:
    if rng.random() < 0.6:
        return f"{rng.randrange(101, 126)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"
    return f"2a01:{rng.randrange(65_536):x}:{rng.randrange(65_536):x}::{rng.randrange(65_536):x}"


def resident() -> int:
    """Bytes of this process that are in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


# The real network.


def seeds() -> tuple[Address, ...]:
    return read_peers_file(data_path("bitcoin", "p2p", "seeds-nodes_main.txt"), 8333)


def snapshot() -> list[Address]:
    """The reachable nodes of 14 September 2022."""
    rows = csv.DictReader(io.StringIO(read("bitcoin", "p2p", "reachable-nodes-1663113591.csv.xz").decode()))
    return [Address(row["address"], int(row["port"]), int(row["services"]), 1_663_113_591) for row in rows]


def test_cores_seeds_and_a_snapshot_of_the_network_are_all_known() -> None:
    made = AddressBook(random.Random(1))
    made.handle_clock(1_663_200_000, 0.0)
    assert made.add_all(seeds()) == 2_059
    made.add_all(snapshot())
    assert len(made) == len({*seeds(), *snapshot()}) == 16_380
    nets = Counter(entry.net for entry in made.entries())
    assert nets == {"ipv4": 6_344, "ipv6": 1_576, "onion": 7_937, "i2p": 512, "cjdns": 11}


def test_a_snapshot_told_by_one_peer_alone_gets_no_more_than_its_share() -> None:
    made = AddressBook(random.Random(1))
    made.handle_clock(1_663_200_000, 0.0)
    made.learn(snapshot(), TELLER, 0.0)
    assert 2_000 < len(made) <= 64 * 64
    share = sum(entry.net is Net.ONION for entry in made.entries()) / len(made)
    assert share < 0.4  # half of the snapshot, but of sixteen groups


# Cost.


def steps(action: Callable[[], object]) -> int:
    """Calls and lines of ours that run."""
    count = 0

    def trace(_frame: FrameType, event: str, _arg: object) -> TraceFunction:
        nonlocal count
        count += event in {"call", "line"}
        return trace

    locate.cache_clear()  # or what had been looked at before would count
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


def filled(count: int) -> AddressBook:
    made = book()
    made.add_all(spread(count))
    for address in spread(count)[: count // 4]:
        made.good(address, 0.0)
    made.take_changes()
    return made


@pytest.mark.parametrize(
    "action",
    [
        lambda made, _: made.take(1.0),
        lambda made, n: made.learn([Address(f"6.6.6.{n}", 8333, 9, WALL)], TELLER, 1.0),
        lambda made, n: made.failed(spread(1, first=n)[0], "refused", 1.0),
        lambda made, n: made.good(spread(1, first=n)[0], 1.0),
        lambda made, n: made.discourage(spread(1, first=n)[0], "bad", 1.0),
        lambda made, _: (made.next_due(manual=False), made.all_given_up, made.last_errors(5)),
        lambda made, _: made.take_changes(),
    ],
    ids=["take", "learn", "failed", "good", "discourage", "questions", "take_changes"],
)
def test_the_cost_of_an_operation_does_not_grow_with_the_book(action: Callable[[AddressBook, int], object]) -> None:
    def cost(made: AddressBook) -> float:
        return sum(steps(lambda n=n: action(made, n)) for n in range(60)) / 60  # type: ignore[misc]

    few, many = cost(filled(100)), cost(filled(12_000))
    assert many <= 1.5 * few + 30


def test_groups_are_those_of_the_map_that_was_given() -> None:
    made = AddressBook(random.Random(1), asn=lambda _address: 7)
    assert made.group(A) == group_of("1.0.0.1", lambda _address: 7)


def test_with_a_map_what_was_kept_looks_for_its_place_anew() -> None:
    """Buckets of the file may have been chosen by prefixes, or by an older map."""
    kept = PeerRecord(A, "9.9.9.9", buckets=(3, 5))
    by_map = AddressBook(random.Random(1), records=BookRecords(bytes(32), (kept,)), asn=lambda _address: 7)
    learnt = AddressBook(random.Random(1), records=BookRecords(bytes(32)), asn=lambda _address: 7)
    assert learnt.add(A, "9.9.9.9")
    assert [each.places for each in by_map.entries()] == [each.places for each in learnt.entries()]
    by_prefix = AddressBook(random.Random(1), records=BookRecords(bytes(32), (kept,)))
    assert [len(each.places) for each in by_prefix.entries()] == [2]
