"""The address book on disk: one SQLite file, `addrbook.sqlite`, in the data directory.

    head       what the file is, in which format, and of which network (the 96 bytes of `format`)
    secret     32 bytes, by which addresses are put into buckets
    peers      one row an address (`types.PeerRecord`)
    bans       of the operator, and of who misbehaved (`types.Ban`)
    anchors    with whom to begin next time; they are forgotten once they have been read

`save` is one transaction: a kill at any instant leaves what one of the saves left, and loses at most the one that was
under way (docs/design/address-book.md). What cannot be read is set aside and made anew: addresses are found again, and
are no reason not to start. Nothing that is read is believed to be well formed. One thread at a time. Called by `aio`.
"""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Final

from headway.errors import StoreError
from headway.store import rows
from headway.store.disk import DamagedFile, failure
from headway.store.format import check_head, head
from headway.types import BookChanges, BookRecords

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from headway.network import Network

NAME: Final = "addrbook.sqlite"
VERSION: Final = 1
"""Raised whenever an older headway could not read what a newer one writes."""
KEY_SIZE: Final = 32
BUSY_TIMEOUT: Final = 5.0
"""Seconds that another process may hold the file, which is to look at it (the directory's lock lets one write)."""

_TO_READ: Final = ("PRAGMA cell_size_check = ON", "PRAGMA trusted_schema = OFF")
_TO_WRITE: Final = (
    "PRAGMA journal_mode = WAL",  # one write a save, without waiting for the medium; readers do not stop us
    "PRAGMA synchronous = NORMAL",  # the medium is waited for at checkpoints: a loss of power costs saves, not the file
    "PRAGMA journal_size_limit = 4194304",
    *_TO_READ,
)
_DAMAGE: Final = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR))
"""Result codes that say what is in the file makes no sense (SQLITE_ERROR: a table that is not there)."""


class PeerStore:
    """An `addrbook.sqlite`, by `open` or `look`. Every method may raise StoreError, whose message says what to do."""

    repairs: tuple[str, ...]
    """What was set aside or passed over at open, one sentence each."""

    def __init__(self, path: Path, network: Network, *, to_write: bool) -> None:
        self.path = path
        self.repairs = ()
        self._to_write = to_write
        expected = head("peers", 0, network, VERSION)
        try:
            self._records: BookRecords | None = self._open(expected)
        except DamagedFile as error:
            if not to_write:
                raise StoreError(f"cannot read {path}: {error}; `headway sync` sets it aside and begins anew") from None
            aside = _set_aside(path)
            self.repairs = (f"set {path} aside as {aside.name} and began a new one: {error}",)
            self._records = self._open(expected)

    @classmethod
    def open(cls, directory: Path, network: Network) -> Self:
        """The address book of `network` in its data directory, which must be locked (`store.Store`).

        It is made when absent; one that is damaged is set aside. Raises StoreError: of another network, of a newer
        format, unreadable.
        """
        return cls(directory / NAME, network, to_write=True)

    @classmethod
    def look(cls, directory: Path, network: Network) -> Self:
        """The same as it is at this moment, to be read alone: another process may have it open, and the lock.

        Raises StoreError: as `open`, and for one that is damaged.
        """
        return cls(directory / NAME, network, to_write=False)

    def load(self) -> BookRecords:
        """All that was kept, as it was at open; to be asked once.

        Rows that make no sense are left out. The anchors are forgotten on disk: a node that does not survive them
        begins with others next time.
        """
        records, self._records = self._records, None
        assert records is not None, "whoever opened it has asked before"
        return records

    def save(self, changes: BookChanges) -> None:
        """Keep these changes, all of them or none."""
        with self._transaction() as cursor:
            cursor.executemany(rows.DROP_PEER, map(rows.write_anchor, changes.gone))
            cursor.executemany(rows.PUT_PEER, map(rows.write_peer, changes.peers))
            cursor.executemany(rows.DROP_BAN, ((ban.subnet, int(ban.by_operator)) for ban in changes.lifted))
            cursor.executemany(rows.PUT_BAN, map(rows.write_ban, changes.bans))
            if changes.anchors is not None:
                cursor.execute("DELETE FROM anchors")
                cursor.executemany(rows.PUT_ANCHOR, map(rows.write_anchor, changes.anchors))

    def close(self) -> None:
        """A second call does nothing."""
        with self._translated("write"):
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, expected: bytes) -> BookRecords:
        with self._translated("open"):
            uri = f"{self.path.absolute().as_uri()}?mode={'rwc' if self._to_write else 'ro'}"
            self._connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
        try:
            with self._translated("read"):
                self._connection.text_factory = _text
                for pragma in _TO_WRITE if self._to_write else _TO_READ:
                    self._connection.execute(pragma)
                with self._transaction() as cursor:
                    key = self._check(cursor, expected)
                    return self._read(cursor, key)
        except BaseException:
            self._connection.close()
            raise

    def _check(self, cursor: sqlite3.Cursor, expected: bytes) -> bytes:
        """Make the tables of a new file; refuse one that is not ours. Returns its secret."""
        if not cursor.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            if not self._to_write:
                raise DamagedFile("there is nothing in it")
            for statement in rows.SCHEMA.split(";"):
                cursor.execute(statement)
            secret = secrets.token_bytes(KEY_SIZE)
            cursor.execute("INSERT INTO head VALUES (?)", (expected,))
            cursor.execute("INSERT INTO secret VALUES (?)", (secret,))
            return secret
        (verdict,) = cursor.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise DamagedFile(rows.words(verdict))
        heads = cursor.execute("SELECT bytes FROM head LIMIT 2").fetchall()
        keys = cursor.execute("SELECT bytes FROM secret LIMIT 2").fetchall()
        if len(heads) != 1 or not isinstance(heads[0][0], bytes):
            raise DamagedFile("it does not say what it is")
        check_head(self.path, heads[0][0], expected, "peers")
        if len(keys) != 1 or not isinstance(keys[0][0], bytes) or len(keys[0][0]) != KEY_SIZE:
            raise DamagedFile("its secret is not there")
        key: bytes = keys[0][0]
        return key

    def _read(self, cursor: sqlite3.Cursor, key: bytes) -> BookRecords:
        peers = [rows.read_peer(row) for row in cursor.execute(rows.GET_PEERS, (rows.MAX_PEERS,))]
        bans = [rows.read_ban(row) for row in cursor.execute(rows.GET_BANS, (rows.MAX_BANS,))]
        anchors = [rows.read_anchor(row) for row in cursor.execute(rows.GET_ANCHORS, (rows.MAX_ANCHORS,))]
        if self._to_write:
            cursor.execute("DELETE FROM anchors")
        if wrong := sum(each is None for each in (*peers, *bans, *anchors)):
            self.repairs += (f"passed over {wrong} rows of {self.path} that make no sense",)
        return BookRecords(
            key,
            tuple(each for each in peers if each is not None),
            tuple(each for each in bans if each is not None),
            tuple(each for each in anchors if each is not None),
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        """All that is done within is kept, or nothing of it."""
        with self._translated("write"):
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE" if self._to_write else "BEGIN")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self, action: str) -> Iterator[None]:
        """Errors of SQLite as ours."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is not None and code & 0xFF in _DAMAGE:
                raise DamagedFile(str(error)) from error
            raise StoreError(f"cannot {action} {self.path}: {error} ({_advice(code)})") from error


def _set_aside(path: Path) -> Path:
    """Rename a damaged file. Returns its new name. (A log that is left beside it is no danger to a new one: SQLite
    removes the log of an empty file.)"""
    aside = next(name for number in count(1) if not (name := path.with_name(f"{path.name}.corrupt-{number}")).exists())
    try:
        path.rename(aside)
    except OSError as error:
        raise failure("set aside", path, error) from error
    return aside


def _text(data: bytes) -> str:
    """Text of the file: damaged text is found out by those who check it, not by an exception in the middle."""
    return data.decode(errors="replace")


def _advice(code: int | None) -> str:
    primary = None if code is None else code & 0xFF
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return "another program has it open: close that, and run the same command again"
    if primary == sqlite3.SQLITE_FULL:
        return "free some space and run the same command again"
    return "check its owner, its permissions and the disk; it may be moved away: addresses are found again"
