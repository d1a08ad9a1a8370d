"""The file that is judged: its bytes from the start, as often as needed, unpacked where it is .xz.

Everything is read in pieces of the caller's size, and a packed file is unpacked as it is read, with a bound on the
memory of the unpacking: a small file that unpacks to terabytes costs time until its first fault, and no memory.
Called by `verify` and its judges.
"""

from __future__ import annotations

import io
import lzma
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from headway.cli.verify.report import Fault, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from _typeshed import WriteableBuffer

    from headway.network import Network

_XZ_MAGIC: Final = b"\xfd7zXZ\0"
_MAX_XZ_MEMORY: Final = 128 << 20
"""Bytes that unpacking may take: twice what `xz -9` needs."""
_PIECE: Final = 1 << 16
"""Bytes read from the file at a time, and unpacked at a time."""


class Source:
    """One regular file. Reading raises Unreadable for the system's errors, Fault for a damaged .xz."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists() and not path.is_file():
            raise Unreadable(f"{path} is neither a file nor a directory")

    def head(self, length: int) -> bytes:
        """The first bytes, all of them where there are fewer."""
        with self.open() as file:
            return file.read(length)

    def pieces(self, split: Callable[[BinaryIO, Network], Iterator[bytes]], network: Network) -> Iterator[bytes]:
        """What `split` makes of the content, which is open as long as the pieces are wanted."""
        with self.open() as file:
            yield from split(file, network)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The content from its start. `read(n)` gives fewer than n bytes at the end only."""
        try:
            with self._path.open("rb") as file:
                packed = file.read(len(_XZ_MAGIC)) == _XZ_MAGIC
                file.seek(0)
                yield cast("BinaryIO", io.BufferedReader(_Unpacked(file), _PIECE)) if packed else file
        except OSError as error:
            raise Unreadable(f"cannot read {self._path}: {error.strerror or error}") from error


class _Unpacked(io.RawIOBase):
    """The content of an .xz file: one or more streams, one after another."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = _new_stream()
        self._packed = b""  # read, and not yet given to the stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._unpack(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def _unpack(self, length: int) -> bytes:
        """Up to `length` bytes of content, none at the end."""
        while True:
            if self._stream.eof:
                self._packed = self._stream.unused_data
                if not self._fill():
                    return b""
                if not self._packed.startswith(_XZ_MAGIC):
                    raise Fault("trailing-bytes", "the .xz goes on behind its end")
                self._stream = _new_stream()
            if self._stream.needs_input and not self._fill():
                raise Fault("truncated", "the .xz ends before its content does")
            if piece := self._decompress(length):
                return piece

    def _fill(self) -> bool:
        """Have packed bytes ready; False at the end of the file."""
        self._packed = self._packed or self._file.read(_PIECE)
        return bool(self._packed)

    def _decompress(self, length: int) -> bytes:
        packed, self._packed = self._packed, b""
        try:
            return self._stream.decompress(packed, length)
        except lzma.LZMAError as error:
            if "memory" in str(error).lower():
                raise Unreadable(f"the .xz needs more than {_MAX_XZ_MEMORY >> 20} MiB to unpack") from error
            raise Fault("damaged-xz", str(error)) from error


def _new_stream() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_XZ_MEMORY)
