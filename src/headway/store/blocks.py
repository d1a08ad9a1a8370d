"""Stored blocks: `blocks/blk00000.dat` and so on in Core's framing, and `blocks/index.bin`, which says where each lies.

A blk file is blocks one after another, each as magic 4, length u32, raw block; a new file begins at 128 MiB. An index
record is hash 32, file u32, offset of the raw block u32, length u32, crc32 of these u32; little endian, behind a head
(`format`). First the block is written, then its record: it is stored once both are there. At open, records without
their block and bytes without their record, at the ends, are what a kill left, and are cut off; a record in the middle
that is damaged, or whose block is gone, is passed over, and its block fetched again. In memory a block costs 4 bytes:
the number of its record, in a column by the position of its header in the tree.
Not here: whether a block is right (it was verified before; `headway verify` does it again). Called by `directory`.
"""

from __future__ import annotations

import struct
from array import array
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from headway.errors import StoreError
from headway.store.disk import AppendFile, DamagedFile, failure
from headway.store.format import HEAD_SIZE, open_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from headway.network import Network
    from headway.store.disk import Disk
    from headway.types import Hash, Raw

MAX_FILE_SIZE: Final = 0x8000000
"""Bytes of a blk file, 128 MiB (Core MAX_BLOCKFILE_SIZE)."""
FRAME: Final = struct.Struct("<4sI")
"""Magic and length before each block in a blk file (Core BLOCK_SERIALIZATION_HEADER_SIZE)."""
_RECORD: Final = struct.Struct("<32sIIII")
_CRC_AT: Final = _RECORD.size - 4
_SLICE: Final = 16_384 * _RECORD.size
"""Bytes of index records read at a time."""
_NO_RECORD: Final = 0
"""In the column of record numbers, which therefore count from 1."""
_VOID: Final = _RECORD.pack(bytes(32), 0, 0, 0, crc32(bytes(_CRC_AT)))
"""What a damaged record is replaced with, once its block counts as not stored: no block is empty."""


class Location(NamedTuple):
    """Where a block lies: the content of an index record."""

    hash: Hash
    file: int
    offset: int
    length: int

    @property
    def end(self) -> int:
        return self.offset + self.length


class BlockFiles:
    """The directory `blocks/`. `load` it before anything else; one thread writes, any thread reads."""

    def __init__(self, directory: Path, network: Network, disk: Disk, *, readonly: bool = False) -> None:
        self._directory = directory
        self._magic = network.magic
        self._disk = disk
        self._readonly = readonly
        self._max_block = network.limits.max_block_size
        self._index = AppendFile(directory / "index.bin", disk, readonly=readonly)
        self._current: AppendFile | None = None  # the blk file that grows
        self._file_number = 0
        self._records = array("I")  # by position in the tree: number of the index record, or _NO_RECORD
        self.passed_over = 0
        """Index records before the last good one whose block is not stored any more; known after `load`."""
        self.torn = 0
        """Bytes that a kill left behind the last whole record and behind its block; known after `load`."""
        try:
            if self._index.size < HEAD_SIZE:  # it is made before the first block: no kill leaves blocks without it
                self._refuse_blocks()
            open_head(self._index, "blocks", _RECORD.size, network, readonly=readonly)
        except BaseException:
            self._index.close()
            raise

    def load(self, find: Callable[[Hash], int | None]) -> None:
        """Read the index, and cut off what a kill left behind. `find` gives the position of a hash in the tree.

        A block whose header is not in the tree is left alone: it counts again once its header is there at an open.
        """
        sizes = self._file_sizes()
        last, last_number = None, 0
        damaged: list[int] = []
        gone: list[tuple[int, int]] = []  # number of the record, and position
        for number, location in self._read_index():
            if location is None:
                damaged.append(number)
            elif location.length:
                position = find(location.hash)
                if location.end <= sizes.get(location.file, 0):
                    last, last_number = location, number
                    self._reference(position, number)
                elif position is not None:
                    gone.append((number, position))
        damaged = [number for number in damaged if number < last_number]
        self.passed_over = len(damaged)
        self.passed_over += sum(number < last_number and position not in self for number, position in gone)
        self._settle_tail(last, last_number, sizes)
        if not self._readonly:
            for number in damaged:
                self._index.overwrite(HEAD_SIZE + (number - 1) * _RECORD.size, _VOID)

    def __contains__(self, position: int) -> bool:
        return position < len(self._records) and self._records[position] != _NO_RECORD

    def positions(self) -> Iterator[int]:
        """Positions of the stored blocks, rising."""
        return (position for position, number in enumerate(self._records) if number != _NO_RECORD)

    def put(self, position: int, block_hash: Hash, raw: Raw) -> None:
        """Append a block and its index record. Does nothing for one that is stored.

        Raises ValueError for one that is longer than a block can be.
        """
        if position in self:
            return
        if len(raw) > self._max_block:
            raise ValueError(f"a block of {len(raw)} bytes; this network's have at most {self._max_block}")
        file = self._file_for(FRAME.size + len(raw))
        start = file.append(FRAME.pack(self._magic, len(raw)), raw)
        fields = (block_hash, self._file_number, start + FRAME.size, len(raw))
        packed = _RECORD.pack(*fields, 0)[:_CRC_AT]
        try:
            at = self._index.append(packed, crc32(packed).to_bytes(4, "little"))
        except StoreError:
            file.truncate(start)
            raise
        self._reference(position, (at - HEAD_SIZE) // _RECORD.size + 1)

    def get(self, position: int) -> bytes | None:
        """The raw block, None when it is not stored. Raises StoreError when the bytes on disk are not it any more."""
        location = self.locate(position)
        return None if location is None else self.read(location)

    def locate(self, position: int) -> Location | None:
        """Where a block lies, None when it is not stored. Raises StoreError for a damaged record."""
        if position not in self:
            return None
        number = self._records[position]
        location = _unpack(self._index.read(HEAD_SIZE + (number - 1) * _RECORD.size, _RECORD.size))
        if location is None:
            raise DamagedFile(f"{self._index.path} is damaged at record {number}: restart to fetch its block again")
        return location

    def read(self, location: Location) -> bytes:
        """The raw block at a location. Raises StoreError unless it stands there in its frame."""
        path = self._path(location.file)
        try:
            with path.open("rb", buffering=0) as file:  # for each read: nothing to bound, nothing to share
                file.seek(location.offset - FRAME.size)
                frame = file.read(FRAME.size)
                raw = file.read(location.length)
        except OSError as error:
            raise failure("read", path, error) from error
        if frame != FRAME.pack(self._magic, location.length) or len(raw) < location.length:
            advice = f"run `headway verify {self._directory.parent}`"
            raise DamagedFile(f"{path} is damaged at byte {location.offset}: {advice}")
        return raw

    def sync(self) -> None:
        """Wait until every stored block is on the medium, blocks before their records."""
        if self._current:
            self._current.sync()
        self._index.sync()

    def close(self) -> None:
        if self._current:
            self._current.close()
        self._index.close()

    def _reference(self, position: int | None, number: int) -> None:
        if position is None:
            return
        missing = position + 1 - len(self._records)
        if missing > 0:
            self._records.frombytes(bytes(missing * self._records.itemsize))
        self._records[position] = number

    def _read_index(self) -> Iterator[tuple[int, Location | None]]:
        """Every complete record with its number; None for one that is damaged."""
        at, number = HEAD_SIZE, 0
        while piece := self._index.read(at, min(_SLICE, self._index.size - at)):  # not what a writer adds meanwhile
            for start in range(0, len(piece) - _RECORD.size + 1, _RECORD.size):
                number += 1
                yield number, _unpack(piece[start : start + _RECORD.size])
            at += len(piece)

    def _settle_tail(self, last: Location | None, number: int, sizes: dict[int, int]) -> None:
        """Cut the index behind its last good record, which has this number, and the blk files behind its block."""
        good_end = min(HEAD_SIZE, self._index.size) + number * _RECORD.size
        self._file_number, end = (last.file, last.end) if last else (0, 0)
        excess = {file: size for file, size in sizes.items() if file > self._file_number and size}
        if sizes.get(self._file_number, 0) > end:
            excess[self._file_number] = sizes[self._file_number] - end
        self.torn = self._index.size - good_end + sum(excess.values())
        if self._readonly:
            return
        for file in excess:
            if file > self._file_number + 1:  # two files are never begun without a record in between
                raise self._unknown_to_index(file)
        if good_end < self._index.size:
            self._index.truncate(good_end)
        for file in excess:
            with closing(AppendFile(self._path(file), self._disk)) as torn:
                torn.truncate(end if file == self._file_number else 0)

    def _file_for(self, size: int) -> AppendFile:
        """The blk file that takes the next `size` bytes; a full one is flushed, and what the index says of it."""
        if self._current is None:
            self._current = AppendFile(self._path(self._file_number), self._disk)
        if self._current.size and self._current.size + size > MAX_FILE_SIZE:
            full, self._current = self._current, AppendFile(self._path(self._file_number + 1), self._disk)
            self._file_number += 1
            try:
                full.sync()
                self._index.sync()
            finally:
                full.close()
        return self._current

    def _file_sizes(self) -> dict[int, int]:
        """Size of each blk file by its number; other files are not ours to judge."""
        sizes = {}
        try:
            for entry in self._directory.iterdir():
                digits = entry.name.removeprefix("blk").removesuffix(".dat")
                if digits.isascii() and digits.isdigit() and entry.name == _file_name(int(digits)):
                    sizes[int(digits)] = entry.stat().st_size
        except OSError as error:
            raise failure("read", self._directory, error) from error
        return sizes

    def _refuse_blocks(self) -> None:
        for file, size in self._file_sizes().items():
            if size:
                raise self._unknown_to_index(file)

    def _unknown_to_index(self, file: int) -> StoreError:
        return StoreError(
            f"{self._path(file)} holds blocks that {self._index.path} does not know: "
            "put the index that belongs to it back, or move the file away"
        )

    def _path(self, number: int) -> Path:
        return self._directory / _file_name(number)


def _file_name(number: int) -> str:
    return f"blk{number:05}.dat"


def _unpack(record: bytes) -> Location | None:
    """None for a record that is damaged."""
    block_hash, file, offset, length, crc = _RECORD.unpack(record)
    if crc != crc32(record[:_CRC_AT]):
        return None
    return Location(block_hash, file, offset, length)
