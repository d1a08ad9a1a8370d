"""The header log: every header that was accepted, in order of arrival, forks included, and the marks of invalid blocks.

`headers.bin` is a head (`format`) and then batches, one for each append: mark 4, kind u8, records u32, length u32,
payload, crc32 u32 over all before it; little endian. The payload of HEADERS is raw headers back to back (each with a
u32 length before it where the network's headers vary in size), that of INVALID one hash. Genesis is not in it. A batch
that is not whole at the end of the file was being written when the process ended, and is cut off; one that is not whole
and has whole ones behind it is damage. What is behind damage has lost its parents: `cut_damaged` lets it be fetched
again. Not here: the tree that is rebuilt from it. Called by `directory` and `verify`.
"""

from __future__ import annotations

import struct
from array import array
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from headway.chain.records import LENGTH_SIZE, unpack
from headway.store.disk import AppendFile, DamagedFile
from headway.store.format import HEAD_SIZE, open_head

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headway.network import Network
    from headway.store.disk import Disk
    from headway.types import Hash, Raw

_MARK: Final = b"\xfeHWB"
"""Begins a batch, so that whole batches can be found behind a damaged one."""
_BATCH: Final = struct.Struct("<4sBII")
_CRC: Final = struct.Struct("<I")
_SCAN_SLICE: Final = 1 << 20
"""Bytes looked through at a time behind a batch that is not whole."""


class Kind(IntEnum):
    HEADERS = 1
    INVALID = 2


class Batch(NamedTuple):
    """One append, as it was written."""

    offset: int
    kind: Kind
    records: int
    payload: bytes

    @property
    def end(self) -> int:
        return self.offset + _BATCH.size + len(self.payload) + _CRC.size


class HeaderLog:
    """One `headers.bin`. Read it with `replay` before the first append."""

    def __init__(self, path: Path, network: Network, disk: Disk, *, readonly: bool = False) -> None:
        self._network = network
        self._record_size = network.rules.header_size
        self._places = array("Q")  # where each header lies, in a log of varying ones; known after `replay`
        self._file = AppendFile(path, disk, readonly=readonly)
        self.torn = 0
        """Bytes behind the last whole batch, known after `replay`."""
        self._whole_to = 0  # how far `replay` came
        try:
            self.was_damaged = open_head(self._file, "headers", self._record_size, network, readonly=readonly)
            """The head was, and is whole again."""
        except BaseException:
            self._file.close()
            raise

    @property
    def path(self) -> Path:
        return self._file.path

    def replay(self) -> Iterator[Batch]:
        """Every whole batch in order. Raises DamagedFile for damage that has whole batches behind it."""
        offset = self._whole_to = min(HEAD_SIZE, self._file.size)
        while batch := self._batch_at(offset):
            if batch.kind is Kind.HEADERS:
                try:
                    self._note_places(batch.offset, batch.payload)
                except ValueError as error:
                    raise DamagedFile(f"{self.path} makes no sense at byte {offset}: {error}") from error
            yield batch
            offset = self._whole_to = batch.end
        if (behind := self._next_batch(offset)) is not None:
            advice = "the next `headway sync` fetches the headers behind it again"
            raise DamagedFile(f"{self.path} is damaged at byte {offset}, and whole again from byte {behind}: {advice}")
        self.torn = self._file.size - offset

    def cut_damaged(self) -> int:
        """Cut off everything from the damage on that ended `replay`; returns how many bytes."""
        cut = self._file.size - self._whole_to
        self._file.truncate(self._whole_to)
        return cut

    def cut_torn(self) -> None:
        """Cut off what `replay` found behind the last whole batch."""
        if self.torn:
            self._file.truncate(self._file.size - self.torn)
            self.torn = 0

    def append_headers(self, raw: Raw) -> None:
        """Append headers as `records` gives them. Raises ValueError for a torn last one."""
        count = len(unpack(raw, self._network))
        at = self._append(Kind.HEADERS, count, raw)
        self._note_places(at, raw)

    def read_header(self, number: int) -> bytes:
        """The whole header that was appended as the `number`-th, from 0. Raises IndexError; only where sizes vary."""
        at = self._places[number]
        size = int.from_bytes(self._file.read(at, LENGTH_SIZE), "little")
        return self._file.read(at + LENGTH_SIZE, size)

    def append_invalid(self, block_hash: Hash) -> None:
        """Append the mark that this block and its descendants are invalid."""
        self._append(Kind.INVALID, 1, block_hash)

    def sync(self) -> None:
        self._file.sync()

    def close(self) -> None:
        self._file.close()

    def _append(self, kind: Kind, count: int, payload: Raw) -> int:
        head = _BATCH.pack(_MARK, kind, count, len(payload))
        return self._file.append(head, payload, _CRC.pack(crc32(payload, crc32(head))))

    def _note_places(self, batch: int, payload: Raw) -> None:
        if not self._record_size:
            first = batch + _BATCH.size - LENGTH_SIZE
            self._places.extend(first + start for start in unpack(payload, self._network).starts)

    def _batch_at(self, offset: int) -> Batch | None:
        """The batch that begins at `offset`, None unless it is whole and right."""
        head = self._file.read(offset, _BATCH.size)
        if len(head) < _BATCH.size:
            return None
        mark, kind, count, length = _BATCH.unpack(head)
        if mark != _MARK or kind not in (Kind.HEADERS, Kind.INVALID) or offset + length > self._file.size:
            return None
        body = self._file.read(offset + _BATCH.size, length + _CRC.size)
        payload = body[:length]
        if len(body) < length + _CRC.size or _CRC.unpack_from(body, length)[0] != crc32(payload, crc32(head)):
            return None
        return Batch(offset, Kind(kind), count, payload)

    def _next_batch(self, offset: int) -> int | None:
        """Where the first whole batch behind `offset` begins, None when there is none."""
        at = offset + 1
        while piece := self._file.read(at, _SCAN_SLICE):
            found = piece.find(_MARK)
            while found >= 0:
                if self._batch_at(at + found):
                    return at + found
                found = piece.find(_MARK, found + 1)
            if at + len(piece) >= self._file.size:
                return None
            at += len(piece) - len(_MARK) + 1  # a mark may lie across two slices
        return None
