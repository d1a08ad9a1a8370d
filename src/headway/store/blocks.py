"""Stored blocks: `blocks/blk00000.dat` and so on in Core's framing, and the `index` that says where each lies.

A blk file is blocks one after another, each as magic 4, length u32, raw block; a new file begins at 128 MiB. The one
that grows is longer than its blocks: room is had in chunks, as zeros, and what is not used is cut off when the file is
full and at the end. First the block is written, then its record: it is stored once both are there. At open, records
without their block and bytes without their record, at the ends, are what a kill left, and are cut off; a record in the
middle that is damaged, or whose block is gone, is passed over, and its block fetched again. Blocks behind the last mark
are read then: a loss of power may have taken what was not on the medium. Pruning says so in a mark, then removes the
oldest files. In memory a block costs 4 bytes: the number of its record, in a column by the position of its header in
the tree. Not here: whether a block is right (it was verified before; `headway verify` does it again). Called by
`directory`.
"""

from __future__ import annotations

import errno
import struct
from array import array
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zlib import crc32

from headway.errors import StoreError
from headway.store.disk import AppendFile, DamagedFile, Durability, failure, sync_directory
from headway.store.files import file_name, file_sizes
from headway.store.index import INDEX_NAME, BlockIndex, Location, Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from headway.network import Network
    from headway.store.disk import Disk
    from headway.types import Hash, Height, Raw

MAX_FILE_SIZE: Final = 0x8000000
"""Bytes of a blk file, 128 MiB (Core MAX_BLOCKFILE_SIZE)."""
CHUNK: Final = 0x1000000
"""Bytes for which room is had at a time, 16 MiB (Core BLOCKFILE_CHUNK_SIZE): few pieces on the medium, and a flush that
has no new size to note down."""
FRAME: Final = struct.Struct("<4sI")
"""Magic and length before each block in a blk file (Core BLOCK_SERIALIZATION_HEADER_SIZE)."""
_NO_RECORD: Final = 0
"""In the column of record numbers, which therefore count from 1."""


@dataclass(slots=True)
class _File:
    """What a blk file holds."""

    end: int = 0
    """Bytes of its blocks."""
    last: int = 0
    """Number of its last record."""
    top: Height = -1
    """Greatest height of its blocks, as far as their headers are known."""


class BlockFiles:
    """The directory `blocks/`. `load` it before anything else; one thread writes, any thread reads."""

    def __init__(
        self,
        directory: Path,
        network: Network,
        disk: Disk,
        *,
        readonly: bool = False,
        durability: Durability = Durability.BATCH,
        file_size: int = MAX_FILE_SIZE,
    ) -> None:
        """`file_size`: bytes at which a file is full, if less than usual."""
        self._directory = directory
        self._magic = network.magic
        self._disk = disk
        self._readonly = readonly
        self._durability = durability
        self._file_size = file_size
        self._max_block = network.limits.max_block_size
        self._current: AppendFile | None = None  # the blk file that grows
        self._file_number = 0
        self._files: dict[int, _File] = {}
        self._records = array("I")  # by position in the tree: number of the index record, or _NO_RECORD
        self._pruned_to = _NO_RECORD  # records up to this one are of blocks that were removed
        self._mark = Mark(0, 0)
        self._unknown: dict[Hash, int] = {}  # number of the record of a block whose header is not in the tree
        self._gone: list[int] = []  # numbers of the records of blocks whose file is gone
        self._height: Callable[[int], Height]
        self._has_new_name = True  # a file that was begun
        self._is_doubtful = False  # a flush failed: the next may succeed without having done its work
        self.passed_over = 0
        """Index records before the last good one whose block is not stored any more; known after `load`."""
        self.torn = 0
        """Bytes that a kill left behind the last whole record and behind its block; known after `load`."""
        self._index = BlockIndex(directory / INDEX_NAME, network, disk, readonly=readonly)
        try:
            if is_new := self._index.is_new:
                self._refuse_blocks()
            self._index.open()
            if is_new and not readonly:  # it is there before the first block: neither kill nor power takes it alone
                self._flush()
        except BaseException:
            self._index.close()
            raise

    @property
    def was_damaged(self) -> bool:
        """The head of the index was, and is whole again."""
        return self._index.was_damaged

    @property
    def pruned_below(self) -> Height:
        """No block below this height need be there."""
        return self._mark.pruned_below

    @property
    def size(self) -> int:
        """Bytes of all blk files."""
        return sum(file.end for file in self._files.values())

    def load(self, find: Callable[[Hash], int | None], height: Callable[[int], Height]) -> None:
        """Read the index, and cut off what a kill left behind.

        `find` gives the position of a hash in the tree, `height` the height of a position. A block whose header is not
        in the tree is left alone: it counts again once its header is there (`recognise`, or an open).
        """
        self._height = height
        sizes = file_sizes(self._directory)
        marked, self._mark = self._index.last_mark()
        last, last_number = None, marked
        damaged: list[int] = []
        gone: list[tuple[int, int]] = []  # number of the record, and position
        for number, record in self._index.records():
            if record is None:
                damaged.append(number)
            elif isinstance(record, Mark):
                continue
            elif record.file < self._mark.first_file:
                self._pruned_to = number
            elif record.end > sizes.get(record.file, 0):
                if (position := find(record.hash)) is not None:
                    gone.append((number, position))
            elif number > marked and not self._readonly and not self._is_whole(record):
                damaged.append(number)
            else:
                last, last_number = record, max(number, marked)
                self._reference(find(record.hash), number, record)
        damaged = [number for number in damaged if self._pruned_to < number < last_number]
        self._gone = [number for number, position in gone if number < last_number and position not in self]
        self.passed_over = len(damaged) + len(self._gone)
        self._settle_tail(last, last_number, sizes)
        self._index.is_marked = marked == len(self._index)
        if not self._readonly:
            for number in damaged:
                self._index.make_void(number)

    def __contains__(self, position: int) -> bool:
        return position < len(self._records) and self._records[position] > self._pruned_to

    def positions(self) -> Iterator[int]:
        """Positions of the stored blocks, rising."""
        return (position for position, number in enumerate(self._records) if number > self._pruned_to)

    def recognise(self, block_hash: Hash, position: int) -> bool:
        """The header of this hash is in the tree now, there. Returns whether its block was stored before."""
        number = self._unknown.pop(block_hash, _NO_RECORD)
        record = self._index.record(number) if number > self._pruned_to else None
        if not isinstance(record, Location) or position in self:
            return False
        self._reference(position, number, record)
        return True

    @property
    def has_unknown(self) -> bool:
        """There are blocks whose header is not in the tree."""
        return bool(self._unknown)

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
        location = Location(block_hash, self._file_number, start + FRAME.size, len(raw), crc32(raw))
        try:
            number = self._index.append(location)
        except StoreError:
            file.truncate(start)
            raise
        if self._durability is Durability.BLOCK:
            self._flush()
        self._reference(position, number, location)

    def get(self, position: int) -> bytes | None:
        """The raw block, None when it is not stored. Raises DamagedFile when the bytes on disk are not it any more."""
        try:
            location = self.locate(position)
            return None if location is None else self._read(location)
        except DamagedFile:
            if position in self:
                raise
            return None  # it was removed meanwhile

    def locate(self, position: int) -> Location | None:
        """Where a block lies, None when it is not stored. Raises DamagedFile for a damaged record."""
        if position not in self:
            return None
        number = self._records[position]
        record = self._index.record(number)
        if isinstance(record, Location):
            return record
        raise DamagedFile(f"{self._index.path} is damaged at record {number}")

    def drop(self, position: int) -> None:
        """Let a block that is damaged count as not stored, now and at every open."""
        if position in self:
            number, self._records[position] = self._records[position], _NO_RECORD
            self._index.make_void(number)
            if self._current and not self._current.path.exists():  # somebody took it away under us
                self._begin_next()

    def drop_gone(self) -> int:
        """The same for all whose file was gone when the index was read; until then they come back with it."""
        for number in self._gone:
            self._index.make_void(number)
        count, self._gone = len(self._gone), []
        return count

    def prune(self, target: int, keep_from: Height) -> None:
        """Remove the oldest files until all together have at most `target` bytes.

        None that has a block from height `keep_from` up, and not the one that grows.
        """
        size, below = self.size, self._mark.pruned_below
        going: list[int] = []
        for number in sorted(self._files):
            file = self._files[number]
            if size <= target or number == self._file_number or file.top >= keep_from:
                break
            size, below = size - file.end, max(below, file.top + 1)
            going.append(number)
        if not going:
            return
        self._flush()
        mark = Mark(going[-1] + 1, below)
        self._index.append_mark(mark, must=True)
        self._mark, self._pruned_to = mark, self._files[going[-1]].last
        self._flush()  # or a loss of power could bring the records back without the files
        for number in going:
            del self._files[number]
        self._remove(going)

    def sync(self) -> None:
        """Wait until every stored block is on the medium, if that is wanted, and note that it is."""
        self._flush()
        if not self._index.is_marked and not self._is_doubtful:
            self._index.append_mark(self._mark)

    def close(self) -> None:
        """Give back the room that was not used. What must be durable is synced before."""
        try:
            if self._current:
                with closing(self._current):
                    self._current.trim()
        finally:
            self._index.close()

    def _flush(self) -> None:
        """Blocks before their records, names of files before both."""
        if self._durability is Durability.NONE:
            return
        try:
            if self._has_new_name:
                sync_directory(self._directory, self._disk)
                self._has_new_name = False
            if self._current:
                self._current.sync()
            self._index.sync()
        except StoreError:
            self._is_doubtful = True
            raise

    def _reference(self, position: int | None, number: int, location: Location) -> None:
        file = self._files.setdefault(location.file, _File())
        file.end, file.last = location.end, number
        if position is None:
            self._unknown[location.hash] = number
            return
        file.top = max(file.top, self._height(position))
        missing = position + 1 - len(self._records)
        if missing > 0:
            self._records.frombytes(bytes(missing * self._records.itemsize))
        self._records[position] = number

    def _read(self, location: Location) -> bytes:
        path = self._path(location.file)
        try:
            with path.open("rb", buffering=0) as file:  # for each read: nothing to bound, nothing to share
                file.seek(location.offset - FRAME.size)
                frame = file.read(FRAME.size)
                raw = file.read(location.length)
        except OSError as error:
            told = failure("read", path, error)
            raise (DamagedFile(str(told)) if error.errno in {errno.ENOENT, errno.EIO} else told) from error
        if frame != FRAME.pack(self._magic, location.length) or not location.is_of(raw):
            raise DamagedFile(f"{path} is damaged at byte {location.offset}", raw)
        return raw

    def _is_whole(self, location: Location) -> bool:
        try:
            self._read(location)
        except DamagedFile:
            return False
        return True

    def _settle_tail(self, last: Location | None, number: int, sizes: dict[int, int]) -> None:
        """Cut the index behind its last good record, which has this number, and the blk files behind their blocks."""
        first = self._mark.first_file
        self._file_number, end = (last.file, last.end) if last else (first, 0)
        ends = {file: end if file == self._file_number else 0 for file in sizes if file >= self._file_number}
        torn = {file: self._written_behind(file, start) for file, start in ends.items()}
        self.torn = self._index.torn_behind(number) + sum(torn.values())
        if self._readonly:
            return
        for file, size in torn.items():
            if size and file > self._file_number + 1:  # two files are never begun without a record in between
                raise self._unknown_to_index(file)
        self._index.cut_behind(number)
        for file, start in ends.items():
            if sizes[file] > start:
                with closing(AppendFile(self._path(file), self._disk)) as longer:
                    longer.truncate(start)
        self._remove([file for file in sorted(sizes) if file < first])

    def _written_behind(self, file: int, start: int) -> int:
        with closing(AppendFile(self._path(file), self._disk, readonly=True)) as opened:
            return opened.written_behind(start)

    def _file_for(self, size: int) -> AppendFile:
        """The blk file that takes the next `size` bytes; a full one is flushed, and what the index says of it."""
        if self._current is None:
            self._current, self._has_new_name = AppendFile(self._path(self._file_number), self._disk), True
        full_at = min(self._file_size, MAX_FILE_SIZE)
        if self._current.size and self._current.size + size > full_at:
            self._current.trim()
            self._flush()
            self._current = self._begin_next()
        needed = self._current.size + size
        self._current.reserve(needed, max(needed, min(needed + CHUNK, full_at)))
        return self._current

    def _begin_next(self) -> AppendFile:
        """Have done with the file that grew."""
        following = AppendFile(self._path(self._file_number + 1), self._disk)
        if self._current:
            self._current.close()
        self._current, self._has_new_name = following, True
        self._file_number += 1
        return following

    def _remove(self, files: list[int]) -> None:
        """Remove pruned files, the oldest first."""
        for number in files:
            try:
                self._disk.remove(self._path(number))
            except OSError as error:
                raise failure("remove", self._path(number), error) from error

    def _refuse_blocks(self) -> None:
        for file, size in file_sizes(self._directory).items():
            if size:
                raise self._unknown_to_index(file)

    def _unknown_to_index(self, file: int) -> StoreError:
        return StoreError(
            f"{self._path(file)} holds blocks that {self._index.path} does not know: "
            "put the index that belongs to it back, or move the file away"
        )

    def _path(self, number: int) -> Path:
        return self._directory / file_name(number)
