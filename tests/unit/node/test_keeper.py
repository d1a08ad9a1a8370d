"""When the book is told to the database."""

from __future__ import annotations

import random

from headway.errors import StoreError
from headway.node.addrbook import AddressBook
from headway.node.keeper import BookKeeper
from headway.node.orders import SavePeers
from headway.node.outbox import Outbox
from headway.types import Address

A, B, C = (Address(f"8.8.{n}.8", 1) for n in range(3))


class Story:
    def __init__(self, *, keeps: bool = True) -> None:
        self.book, self.outbox = AddressBook(random.Random(1)), Outbox()
        self.keeper = BookKeeper(self.book, self.outbox, keeps=keeps)

    def orders(self) -> list[SavePeers]:
        found = self.outbox.take()
        assert all(isinstance(each, SavePeers) for each in found)
        return [each for each in found if isinstance(each, SavePeers)]

    def told(self) -> list[list[Address]]:
        return [[record.address for record in order.changes.peers] for order in self.orders()]


def test_what_has_changed_within_a_second_is_one_order() -> None:
    story = Story()
    story.keeper.tick()
    assert story.told() == []
    story.book.add(A)
    story.book.add(B)
    story.keeper.tick()
    assert story.told() == [[A, B]]


def test_no_order_goes_out_before_the_last_one_has_been_carried_out() -> None:
    story = Story()
    story.book.add(A)
    story.keeper.tick()
    (order,) = story.orders()
    story.book.add(B)
    story.keeper.tick()
    assert story.told() == []
    story.outbox.settle(order.order, None, 1.0)
    story.keeper.tick()
    assert story.told() == [[B]]


def test_the_end_is_told_at_once_with_the_anchors_and_only_once() -> None:
    story = Story()
    story.book.add(A)
    story.keeper.tick()
    story.book.add(B)
    story.keeper.close((C,))
    story.keeper.close(())
    story.keeper.tick()
    first, last = story.orders()
    assert first.changes.anchors is None
    assert last.changes.anchors == (C,)
    assert [record.address for record in last.changes.peers] == [B]


def test_the_anchors_are_told_though_nothing_else_is_new() -> None:
    story = Story()
    story.keeper.close(())
    (order,) = story.orders()
    assert (order.changes.anchors, order.changes.key, order.changes.peers) == ((), story.book.key, ())


def test_a_database_that_cannot_be_written_is_left_alone() -> None:
    story = Story()
    story.book.add(A)
    story.keeper.tick()
    (order,) = story.orders()
    story.outbox.settle(order.order, StoreError("no space"), 1.0)
    story.book.add(B)
    story.keeper.tick()
    story.keeper.close(())
    assert story.orders() == []


def test_a_book_that_is_not_kept_is_told_to_nobody() -> None:
    story = Story(keeps=False)
    story.book.add(A)
    story.keeper.tick()
    story.keeper.close(())
    assert story.orders() == []
