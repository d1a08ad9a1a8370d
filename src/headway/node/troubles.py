"""Which addresses of the book failed, and whether there is any of which something may be hoped.

Called by `addrbook`.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headway.node.entry import Entry

GIVE_UP_AFTER: Final = 3
"""Failures in a row after which nothing is to be hoped of an address soon."""


class Troubles:
    def __init__(self) -> None:
        self._troubled: dict[Entry, None] = {}  # those with a `last_error`
        self.given_up = 0
        """Entries that failed so often, or are discouraged."""

    def note(self, entry: Entry, why: str) -> None:
        """It failed, or is discouraged; empty: all is well with it again."""
        entry.last_error = why
        self._troubled.pop(entry, None)
        if why:
            self._troubled[entry] = None
        given_up = entry.discouraged or entry.failures >= GIVE_UP_AFTER
        self.given_up += given_up - entry.given_up
        entry.given_up = given_up

    def forget(self, entry: Entry) -> None:
        """It is in the book no more."""
        self._troubled.pop(entry, None)
        self.given_up -= entry.given_up
        entry.given_up = False

    def last_errors(self, most: int) -> list[str]:
        """`address: why`, those that failed first at the front."""
        return [f"{entry.address}: {entry.last_error}" for entry in islice(self._troubled, most)]
