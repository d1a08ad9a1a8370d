"""What the database must be told."""

from __future__ import annotations

from headway.node.entry import Entry
from headway.node.ledger import Ledger
from headway.types import Address

A = Address("8.8.8.8", 1)


def test_what_has_changed_is_told_once_as_it_is_then() -> None:
    ledger, entry = Ledger(), Entry(A)
    ledger.note(entry)
    entry.missed = 3
    ledger.note(entry)
    assert ledger.take() == ((entry.record(),), ())
    assert entry.record().missed == 3
    assert ledger.take() == ((), ())


def test_the_end_is_told_of_what_was_kept_alone() -> None:
    ledger, entry, other = Ledger(), Entry(A), Entry(Address("8.8.4.4", 1))
    ledger.note(entry)
    ledger.take()
    ledger.note(other)
    for each in (entry, other):
        ledger.forget(each)
    assert ledger.take() == ((), (A,))


def test_what_comes_back_is_not_gone() -> None:
    ledger = Ledger()
    ledger.forget(Entry(A, is_kept=True))
    again = Entry(A)
    ledger.note(again)
    assert ledger.take() == ((again.record(),), ())


def test_what_comes_back_and_goes_again_is_gone() -> None:
    ledger = Ledger()
    ledger.forget(Entry(A, is_kept=True))
    again = Entry(A)
    ledger.note(again)
    ledger.forget(again)
    assert ledger.take() == ((), (A,))


def test_what_the_user_named_is_not_kept() -> None:
    ledger = Ledger()
    ledger.note(Entry(A, manual=True))
    assert ledger.take() == ((), ())
