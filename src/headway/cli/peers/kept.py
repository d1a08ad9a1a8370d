"""The address book of a data directory, opened by a command: locked, and changed as a whole or not at all.

Who only looks at it needs no lock.

Not here: what is done with it (the actions), how it lies on disk (`headway.store.peers`).
"""

from __future__ import annotations

import random
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from headway.cli.options import default_datadir
from headway.errors import StoreError
from headway.node.addrbook import AddressBook
from headway.store.disk import Disk, failure
from headway.store.lock import Lock
from headway.store.peers import NAME, PeerStore
from headway.types import BookChanges, BookRecords

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headway.cli.output import Output
    from headway.network import Network

NOW: Final = 0.0
"""The time of the book's own clock, which stands still while a command works; unix time is beside it."""


@contextmanager
def opened(network: Network, datadir: Path | None, output: Output, *, make: bool = False) -> Iterator[AddressBook]:
    """The book; what has become of it is kept at the end, unless an error leaves. `make` one where there is none.

    Raises StoreError: in use by another headway, not there, unreadable.
    """
    directory = datadir or default_datadir(network)
    _require(directory, network, make=make)
    with closing(Lock(directory, Disk())), PeerStore.open(directory, network) as store:
        for repair in store.repairs:
            output.note(f"repaired: {repair}")
        book = _book_of(store.load())
        unchanged = BookChanges(book.key, anchors=book.anchors)  # the store forgets them when it is opened
        try:
            yield book
        except BaseException:
            store.save(unchanged)
            raise
        store.save(replace(book.take_changes() or unchanged, anchors=book.anchors))


def looked_at(network: Network, datadir: Path | None, output: Output) -> AddressBook:
    """The book as it is at this moment, which a node may have open. Raises StoreError: not there, unreadable."""
    directory = datadir or default_datadir(network)
    _require(directory, network, make=False)
    with PeerStore.look(directory, network) as store:
        for repair in store.repairs:
            output.note(repair)
        return _book_of(store.load())


def _book_of(records: BookRecords) -> AddressBook:
    book = AddressBook(random.Random(), records=records)
    book.handle_clock(time.time(), NOW)
    return book


def _require(directory: Path, network: Network, *, make: bool) -> None:
    try:
        if make:
            directory.mkdir(parents=True, exist_ok=True)
        elif not (directory / NAME).is_file():
            fill = f"`headway sync --network {network.name}` makes one, and `headway peers import`"
            raise StoreError(f"there is no address book in {directory}: {fill}")
    except OSError as error:
        raise failure("open", directory, error) from error
