"""What of the address book must be told to the database: which entries have changed, and which are gone.

What was never kept leaves no trace when it goes, so however much comes and goes between two saves, there is never more
to tell than the book holds and the database has. Called by `addrbook`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.node.entry import Entry
    from headway.types import Address, PeerRecord


class Ledger:
    def __init__(self) -> None:
        self._changed: dict[Entry, None] = {}
        self._gone: dict[Address, None] = {}

    def note(self, entry: Entry) -> None:
        """It is new, or has changed."""
        if not entry.manual:
            self._changed[entry] = None
            if entry.address in self._gone:  # it is back, and the database has not been told of its end
                del self._gone[entry.address]
                entry.is_kept = True

    def forget(self, entry: Entry) -> None:
        """It is gone."""
        self._changed.pop(entry, None)
        if entry.is_kept:
            self._gone[entry.address] = None

    def take(self) -> tuple[tuple[PeerRecord, ...], tuple[Address, ...]]:
        """What has changed and what is gone, since the last time."""
        changed, self._changed = self._changed, {}
        gone, self._gone = self._gone, {}
        for entry in changed:
            entry.is_kept = True
        return tuple(entry.record() for entry in changed), tuple(gone)
