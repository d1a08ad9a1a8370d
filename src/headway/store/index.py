"""The index of the stored blocks, `blocks/index.bin`: where each lies, how far all is on the medium, what was pruned.

Behind a head (`format`) records of 52 bytes in the order in which they were made, little endian: hash 32, file u32,
offset of the raw block u32, length u32, crc32 of the block u32, crc32 of all this u32. Files are filled one after
another, so their numbers rise. A record of length 0 is no block's. With an empty hash it is void: it stands in place of
one whose block counts as not stored any more. With the hash `MARK` it is a `Mark`; the last of them holds.
Not here: the blocks, and what to do about those that are damaged. Called by `blocks`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias
from zlib import crc32

from headway.store.disk import AppendFile, DiskFull
from headway.store.format import HEAD_SIZE, open_head

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headway.network import Network
    from headway.store.disk import Disk
    from headway.types import Hash, Height, Raw

INDEX_NAME: Final = "index.bin"
MARK: Final = b"headway mark".ljust(32, b"\0")
"""Stands in a mark where others have the hash of a block."""
_RECORD: Final = struct.Struct("<32sIIIII")
RECORD_SIZE: Final = _RECORD.size
_CRC_AT: Final = RECORD_SIZE - 4
_VOID: Final = bytes(_CRC_AT) + crc32(bytes(_CRC_AT)).to_bytes(4, "little")
_SLICE: Final = 16_384 * RECORD_SIZE
"""Bytes read at a time."""


class Location(NamedTuple):
    """Where a block lies."""

    hash: Hash
    file: int
    offset: int
    length: int
    crc: int
    """crc32 of the raw block. More than its own hash says: that does not cover all bytes of every chain's blocks."""

    @property
    def end(self) -> int:
        return self.offset + self.length

    def is_of(self, raw: Raw) -> bool:
        """Whether these are the bytes that were stored."""
        return len(raw) == self.length and crc32(raw) == self.crc


class Mark(NamedTuple):
    """Every block before it was on the medium when it was made, as far as the store's `Durability` waits for that.

    The others are looked at when the store is opened. Repeated in each: what was pruned until then.
    """

    first_file: int
    """Files below it are gone."""
    pruned_below: Height
    """No block below this height need be there."""


Record: TypeAlias = Location | Mark


class BlockIndex:
    """One `index.bin`. Records are numbered from 1. Errors are StoreErrors."""

    def __init__(self, path: Path, network: Network, disk: Disk, *, readonly: bool = False) -> None:
        self._file = AppendFile(path, disk, readonly=readonly)
        self._readonly = readonly
        self._network = network
        self.is_marked = True
        """Whether a mark is the last record."""
        self.was_damaged = False
        """Its head was, and is whole again; known once opened."""

    @property
    def path(self) -> Path:
        return self._file.path

    @property
    def is_new(self) -> bool:
        """It has no head yet, so no block was ever stored."""
        return self._file.size < HEAD_SIZE

    def open(self) -> None:
        """Check the head, and write it when it is not there yet. Raises StoreError for any file but ours."""
        self.was_damaged = open_head(self._file, "blocks", RECORD_SIZE, self._network, readonly=self._readonly)

    def __len__(self) -> int:
        """Number of the last whole record."""
        return max(self._file.size - HEAD_SIZE, 0) // RECORD_SIZE

    def records(self) -> Iterator[tuple[int, Record | None]]:
        """Every whole record with its number; None for a damaged one, nothing for one that is void."""
        at, number, end = HEAD_SIZE, 0, max(HEAD_SIZE, self._file.size)
        while piece := self._file.read(at, min(_SLICE, end - at)):  # not what a writer adds meanwhile
            for start in range(0, len(piece) - RECORD_SIZE + 1, RECORD_SIZE):
                number += 1
                record = piece[start : start + RECORD_SIZE]
                if record != _VOID:
                    yield number, _unpack(record)
            at += len(piece)

    def last_mark(self) -> tuple[int, Mark]:
        """The mark that holds, and its number; where there is none, one that says nothing, and 0."""
        for number in range(len(self), 0, -1):
            record = self.record(number)
            if isinstance(record, Mark):
                return number, record
        return 0, Mark(0, 0)

    def record(self, number: int) -> Record | None:
        """One record by its number; None for one that is damaged or void. Any thread may call it."""
        record = self._file.read(_at(number), RECORD_SIZE)
        return None if record == _VOID or len(record) < RECORD_SIZE else _unpack(record)

    def append(self, location: Location) -> int:
        """Returns the number of the new record."""
        self._append(*location)
        self.is_marked = False
        return len(self)

    def append_mark(self, mark: Mark, *, must: bool = False) -> None:
        """`must`: also where the disk is full, which is an error then. Without it, blocks are looked at once more."""
        try:
            self._append(MARK, mark.first_file, mark.pruned_below, 0, 0)
        except DiskFull:
            if must:
                raise
        else:
            self.is_marked = True

    def make_void(self, number: int) -> None:
        self._file.overwrite(_at(number), _VOID)

    def torn_behind(self, number: int) -> int:
        """Bytes behind a record."""
        return self._file.size - min(_at(number + 1), self._file.size)

    def cut_behind(self, number: int) -> None:
        """Let this record be the last one."""
        if self.torn_behind(number):
            self._file.truncate(_at(number + 1))

    def sync(self) -> None:
        self._file.sync()

    def close(self) -> None:
        self._file.close()

    def _append(self, *fields: bytes | int) -> None:
        packed = _RECORD.pack(*fields, 0)[:_CRC_AT]
        self._file.append(packed, crc32(packed).to_bytes(4, "little"))


def _at(number: int) -> int:
    return HEAD_SIZE + (number - 1) * RECORD_SIZE


def _unpack(record: bytes) -> Record | None:
    """None for a record that is damaged."""
    first, file, offset, length, block_crc, crc = _RECORD.unpack(record)
    if crc != crc32(record[:_CRC_AT]):
        return None
    if length:
        return Location(first, file, offset, length, block_crc)
    return Mark(file, offset) if first == MARK else None
