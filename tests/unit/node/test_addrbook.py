"""Addresses, and when each may be tried again."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from headway.node.addrbook import DISCOURAGED_FOR, MAX_ADDRESSES, MAX_BACKOFF, AddressBook
from headway.types import Address

A, B, C = (Address(f"1.0.0.{n}", 8333) for n in (1, 2, 3))


def book(*addresses: Address) -> AddressBook:
    made = AddressBook(random.Random(1))
    for address in addresses:
        made.add(address)
    return made


def test_an_address_is_known_once() -> None:
    made = book(A)
    assert not made.add(Address("1.0.0.1", 8333, services=9, last_seen=5))
    assert made.add(Address("1.0.0.1", 8334))
    assert len(made) == 2


def test_an_address_in_use_is_not_taken_again_until_released() -> None:
    made = book(A)
    assert made.take(0.0, manual=False) == A
    assert made.take(0.0, manual=False) is None
    made.release(A)
    assert made.take(0.0, manual=False) == A


def test_a_manual_address_named_twice_is_taken_twice() -> None:
    made = book()
    made.add_manual(A)
    made.add_manual(A)
    assert [made.take(0.0, manual=True) for _ in range(3)] == [A, A, None]
    assert made.take(0.0, manual=False) is None


def test_each_failure_doubles_the_wait_and_an_hour_is_the_most() -> None:
    made = book(A)
    now, waits = 0.0, []
    for _ in range(16):
        assert made.take(now, manual=False) == A
        made.release(A)
        made.failed(A, "refused", now)
        due = made.next_due(manual=False)
        assert due is not None
        assert made.take(due - 0.001, manual=False) is None
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
    made.failed(A, "lost", 0.0)
    due = made.next_due(manual=False)
    assert due is not None
    assert due <= 1.25


def test_addresses_that_failed_less_come_first() -> None:
    made = book(A, B, C)
    made.failed(A, "refused", 0.0)
    made.failed(B, "refused", 0.0)
    assert made.take(1_000.0, manual=False) == C


def test_a_discouraged_address_rests_for_a_day_and_is_not_burnt_for_ever() -> None:
    made = book(A)
    made.discourage(A, "bad-diffbits", 0.0)
    assert made.take(DISCOURAGED_FOR - 1, manual=False) is None
    assert made.take(DISCOURAGED_FOR, manual=False) == A


def test_the_book_is_bounded_and_what_failed_makes_room_first() -> None:
    made = AddressBook(random.Random(1))
    made.add_manual(A)
    for number in range(MAX_ADDRESSES):
        made.add(Address(f"2.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1))
    failing = Address("2.0.0.7", 1)
    made.failed(failing, "refused", 0.0)
    made.add(B)
    assert len(made) == MAX_ADDRESSES
    assert made.get(failing) is None
    assert made.get(A) is not None
    assert made.get(B) is not None


def test_addresses_in_use_are_not_dropped_for_room() -> None:
    made = AddressBook(random.Random(1))
    for number in range(MAX_ADDRESSES):
        made.add(Address(f"2.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1))
    used = made.take(0.0, manual=False)
    assert used is not None
    for number in range(500):
        made.add(Address("3.0.0.1", number + 1))
    assert len(made) == MAX_ADDRESSES
    assert made.get(used) is not None


def test_an_address_that_the_user_names_later_is_his_and_makes_no_room() -> None:
    made = book(A, B)
    made.failed(A, "refused", 0.0)
    made.add_manual(A)
    made.add_manual(B)
    for number in range(MAX_ADDRESSES + 10):
        made.add(Address(f"2.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1))
    assert len(made) == MAX_ADDRESSES
    assert [made.take(0.0, manual=True) for _ in range(3)].count(None) == 1


def test_a_book_whose_addresses_are_all_in_use_turns_new_ones_away() -> None:
    made = AddressBook(random.Random(1))
    for number in range(MAX_ADDRESSES):
        made.add_manual(Address(f"2.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1))
    assert not made.add(A)
    assert len(made) == MAX_ADDRESSES


@pytest.mark.timeout(60)  # no timing: a look at the whole book for each new address would take minutes
def test_a_flood_of_addresses_costs_no_more_because_the_book_is_full() -> None:
    made = AddressBook(random.Random(1))
    for number in range(100_000):
        assert made.add(Address("2.0.0.1", number))
        made.failed(Address("2.0.0.1", number), "refused", 0.0)
    assert len(made) == MAX_ADDRESSES


def test_what_is_not_known_is_ignored() -> None:
    made = book()
    made.failed(A, "refused", 0.0)
    made.discourage(A, "bad", 0.0)
    made.succeeded(A)
    made.release(A)
    assert len(made) == 0
    assert made.next_due(manual=False) is None
