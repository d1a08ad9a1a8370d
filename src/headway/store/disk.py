"""The one way in which the data directory is changed.

Every file made, written, cut and flushed passes `Disk`, so that a test can stop the store after any of these steps and
cut any write in two. `AppendFile` is a file that grows at its end alone. What is durable when: see `headway.store`.
Not here: what the bytes mean. Called by the modules of `store` only.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from headway.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headway.types import Raw


class DamagedFile(StoreError):
    """Bytes on the disk are not those that were written there."""


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

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

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

    def read(self, offset: int, length: int) -> bytes:
        """Bytes at `offset`, fewer at the end of the file. Any thread may call it."""
        try:
            return os.pread(self._fd, length, offset)
        except OSError as error:
            raise failure("read", self.path, error) from error

    def append(self, *parts: Raw) -> int:
        """Write the parts one after another at the end; returns the offset of the first."""
        start = self.size
        try:
            self.size += self._write(parts, start)
        except OSError as error:
            self._roll_back(start)
            raise failure("write", self.path, error) from error
        return start

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
        self.size = size
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


def failure(action: str, path: Path, error: OSError) -> StoreError:
    """The StoreError that tells what could not be done to which file, and what helps."""
    reason = error.strerror or str(error)
    advice = {
        errno.ENOSPC: "free some space and run the same command again: what was stored before is intact",
        errno.EDQUOT: "free some space and run the same command again: what was stored before is intact",
        errno.EIO: "the disk reports errors: check it before you go on",
        errno.EACCES: "check its owner and its permissions, or use another --datadir",
        errno.EROFS: "the file system is read-only: use another --datadir",
    }.get(error.errno or 0)
    return StoreError(f"cannot {action} {path}: {reason}" + (f" ({advice})" if advice else ""))
