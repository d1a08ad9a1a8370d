"""When the address book is told to the database: at most once a second, one order at a time, and at the end.

So a kill loses what happened within the last second. A database that cannot be written costs us what we learn in this
run, and nothing else: the book goes on in memory. Called by `machine`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headway.node.orders import SavePeers
from headway.types import BookChanges

if TYPE_CHECKING:
    from headway.errors import StoreError
    from headway.node.addrbook import AddressBook
    from headway.node.outbox import Outbox
    from headway.types import Address, Instant


class BookKeeper:
    def __init__(self, book: AddressBook, outbox: Outbox, *, keeps: bool) -> None:
        """`keeps`: there is a database."""
        self._book = book
        self._outbox = outbox
        self._keeps = keeps
        self._is_out = False

    def tick(self) -> None:
        """A second has passed."""
        if self._keeps and not self._is_out and (changes := self._book.take_changes()) is not None:
            self._order(changes)

    def close(self, anchors: tuple[Address, ...]) -> None:
        """The last order, once everybody has been disconnected: what has changed, and with whom to begin next time."""
        if self._keeps:
            self._keeps = False
            changes = self._book.take_changes() or BookChanges(self._book.key)
            self._order(replace(changes, anchors=anchors))

    def _order(self, changes: BookChanges) -> None:
        self._is_out = True
        self._outbox.ask(lambda number: SavePeers(number, changes), self._saved)

    def _saved(self, failure: StoreError | None, _now: Instant) -> None:
        self._is_out = False
        self._keeps = self._keeps and failure is None
