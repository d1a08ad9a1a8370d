"""The one way in which the data directory is changed.

Every file made, written, cut, removed and flushed passes `Disk`, so that a test can stop the store after any of these
steps and cut any write in two. `AppendFile` is a file that grows at its end alone. What is durable when: `Durability`.
Not here: what the bytes mean. Called by the modules of `store` only.
"""

from __future__ import annotations

import errno
import os
from enum import Enum
from typing import TYPE_CHECKING, Final

from headway.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headway.types import Raw


class Durability(Enum):
    """When a store waits until the medium has what was written. A kill of the process loses nothing with any of them:
    this is about a loss of power. Whatever it damages is seen, and fetched again."""

    NONE = "none"
    """Never; the system writes back when it likes. A loss of power may take the last minute, and damage any file."""
    BATCH = "batch"
    """When the owner says so, which a node does at most once a second, and at the end. A loss of power takes what came
    since: about a second."""
    BLOCK = "block"
    """With each block and each message of headers. A loss of power takes nothing that was reported stored."""


class DamagedFile(StoreError):
    """Bytes on the disk are not those that were written there."""

    def __init__(self, message: str, found: bytes = b"") -> None:
        super().__init__(message)
        self.found = found
        """What stands in place of a block, as long as that was."""


class DiskFull(StoreError):
    """There is no room for what was to be written. All that was stored before is intact."""


_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""No space, no quota, or the limit on the size of files (`ulimit -f`)."""


_SLICE: Final = 1 << 16
"""Bytes looked through at a time for the end of what was written."""


class Disk:
    """The system calls that change a disk. All raise OSError."""

    def make_directory(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)

    def open(self, path: Path) -> int:
        """Open for reading and writing; the file is made when it is absent."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def write(self, fd: int, parts: Sequence[Raw], offset: int) -> int:
        """Write at `offset`, perhaps less than all; returns how many bytes."""
        return os.pwritev(fd, parts, offset)

    def allocate(self, fd: int, offset: int, length: int) -> None:
        """Have room for these bytes, which are zeros until they are written. Nothing happens where it cannot be had."""
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, offset, length)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def sync(self, fd: int) -> None:
        """Wait until the content is on the medium."""
        os.fdatasync(fd) if hasattr(os, "fdatasync") else os.fsync(fd)

    def sync_directory(self, path: Path) -> None:
        """Wait until the names of new files are on the medium."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class AppendFile:
    """A file that grows at its end alone, with `size` as its known good end. Errors are StoreErrors that name the file.

    A write that fails leaves `size` where it was: what was appended before is intact, and the torn rest is cut off, or
    overwritten by the next append, or found by the reader's checks.
    """

    def __init__(self, path: Path, disk: Disk, *, readonly: bool = False) -> None:
        self.path = path
        self._disk = disk
        self._dirty = False
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if readonly else disk.open(path)
            self.size = os.fstat(self._fd).st_size
        except OSError as error:
            raise failure("open", path, error) from error
        self._reserved: int | None = self.size
        """Up to where the disk has room for us; None once it gave none."""

    def read(self, offset: int, length: int) -> bytes:
        """Bytes at `offset`, fewer at the end of the file. Any thread may call it."""
        try:
            return os.pread(self._fd, length, offset)
        except OSError as error:
            raise failure("read", self.path, error) from error

    def written_behind(self, start: int) -> int:
        """Bytes from `start` on, without the zeros at the end: those are room that was had and not used."""
        end = self.size
        while end > start:
            at = max(end - _SLICE, start)
            if piece := self.read(at, end - at).rstrip(b"\0"):
                return at + len(piece) - start
            end = at
        return 0

    def append(self, *parts: Raw) -> int:
        """Write the parts one after another at the end; returns the offset of the first."""
        start = self.size
        try:
            self.size += self._write(parts, start)
        except OSError as error:
            self._roll_back(start)
            raise failure("write", self.path, error, wanted=sum(map(len, parts))) from error
        return start

    def reserve(self, needed: int, end: int) -> None:
        """Have room up to `needed`; where it must be asked for, up to `end`. Nothing happens if the disk has none.

        Until `trim` the file is longer than `size` by zeros.
        """
        if self._reserved is None or needed <= self._reserved:
            return
        start = max(self._reserved, self.size)
        try:
            self._disk.allocate(self._fd, start, end - start)
        except OSError:
            self._reserved = (
                None  # it does not do that, or is nearly full: what still fits will be written all the same
            )
            self._roll_back(self.size)
        else:
            self._reserved = end
            self._dirty = True

    def trim(self) -> None:
        """Cut off what was reserved and is not used."""
        if self._reserved is not None and self._reserved > self.size:
            self.truncate(self.size)

    def overwrite(self, offset: int, data: bytes) -> None:
        """Replace bytes before the end. A kill may leave them half replaced: only for what is of no use as it is."""
        try:
            self._write((data,), offset)
        except OSError as error:
            raise failure("write", self.path, error) from error

    def truncate(self, size: int) -> None:
        """Cut everything from `size` on."""
        try:
            self._disk.truncate(self._fd, size)
        except OSError as error:
            raise failure("write", self.path, error) from error
        self.size = self._reserved = size
        self._dirty = True

    def sync(self) -> None:
        """Wait until all that was appended is on the medium; nothing to wait for when nothing was."""
        if not self._dirty:
            return
        try:
            self._disk.sync(self._fd)
        except OSError as error:
            raise failure("write", self.path, error) from error
        self._dirty = False

    def close(self) -> None:
        """Close without a flush: what must be durable is synced before."""
        os.close(self._fd)

    def _write(self, parts: Sequence[Raw], offset: int) -> int:
        """Write all of the parts; returns how many bytes they are. Raises OSError when the disk takes only some."""
        self._dirty = True
        written, total = self._disk.write(self._fd, parts, offset), sum(map(len, parts))
        while written < total:  # a signal, or a disk that is nearly full: then the next write says so
            rest = b"".join(parts)[written:]
            more = self._disk.write(self._fd, (rest,), offset + written)
            if more <= 0:
                raise OSError(errno.EIO, "the disk takes no more bytes")
            written += more
        return written

    def _roll_back(self, size: int) -> None:
        try:
            self._disk.truncate(self._fd, size)
        except OSError:
            return  # the torn rest lies beyond `size`, where the next append or the next open meets it
        if self._reserved is not None:
            self._reserved = size


def sync_directory(path: Path, disk: Disk) -> None:
    """Wait until the names of new files in it are on the medium. Raises StoreError."""
    try:
        disk.sync_directory(path)
    except OSError as error:
        raise failure("write", path, error) from error


def failure(action: str, path: Path, error: OSError, *, wanted: int = 0) -> StoreError:
    """The StoreError that tells what could not be done to which file, and what helps. `wanted`: bytes to be written."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return DiskFull(f"cannot {action} {path}: {reason} ({_missing(path, wanted)}{_ROOM[error.errno]}: {_INTACT})")
    advice = {
        errno.EIO: "the disk reports errors: check it before you go on",
        errno.EACCES: "check its owner and its permissions, or use another --datadir",
        errno.EROFS: "the file system is read-only: use another --datadir",
    }.get(error.errno or 0)
    return StoreError(f"cannot {action} {path}: {reason}" + (f" ({advice})" if advice else ""))


_ROOM: Final = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EDQUOT: "free some space or have your quota raised, and run the same command again",
    errno.EFBIG: "raise the limit on the size of files, `ulimit -f`, and run the same command again",
}
_INTACT: Final = "what was stored before is intact"


def _missing(path: Path, wanted: int) -> str:
    """How much was to be written, and how much would fit."""
    if not wanted:
        return ""
    try:
        system = os.statvfs(path.parent)
    except OSError:
        return f"{wanted:,} bytes were to be written; "
    return f"{wanted:,} bytes were to be written, {system.f_bavail * system.f_frsize:,} are free; "
