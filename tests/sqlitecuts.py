"""How the tests of the address book end SQLite at any instant: its system calls, counted, stopped and cut.

`tests.crashes.CutDisk` for a library that writes by itself: SQLite on Unix lets its system calls be replaced
(sqlite3_vfs.xSetSystemCall). From one of them on nothing reaches the disk any more, and that one, if it is a write,
only in part. Files are copied then, and opened by an untouched SQLite: that is what a kill leaves. Shared memory
(`-shm`) is rebuilt by whoever opens first, and left out.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import c_char_p, c_int, c_long, c_size_t, c_ssize_t, c_void_p
from pathlib import Path
from typing import Any, Final

from tests.data import absent

_SQLITE_OK: Final = 0
_NOT_OURS: Final = 16
"""Pointers between `mxPathname` and `xSetSystemCall`: names, and what a file system does."""
_SET_CALL: Final = ctypes.CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p)


class _Vfs(ctypes.Structure):
    """struct sqlite3_vfs, version 3, as far as we need it."""

    _fields_ = (
        *(("iVersion", c_int), ("szOsFile", c_int), ("mxPathname", c_int)),
        ("others", c_void_p * _NOT_OURS),
        ("xSetSystemCall", _SET_CALL),
    )


class Cut:
    """SQLite's steps on the disk: files made, writes, truncations, removals."""

    def __init__(self, stop_at: int | None = None, keep: int = 0) -> None:
        """It dies in step number `stop_at`, of which, if it is a write, the first `keep` bytes arrive."""
        self.steps: list[int] = []
        """Bytes of each step so far; 0 for those that write none."""
        self.is_dead = False
        self._stop_at = stop_at
        self._keep = keep

    def allows(self, size: int) -> bool:
        """Whether the next step happens as a whole."""
        if not self.is_dead:
            self.steps.append(size)
            self.is_dead = len(self.steps) - 1 == self._stop_at
            return not self.is_dead
        self._keep = 0
        return False

    # The system calls.

    def write(self, fd: int, data: int, size: int, offset: int | None = None) -> int:
        content = ctypes.string_at(data, size)
        whole = self.allows(size)
        part = content if whole else content[: self._keep]
        written = 0
        if part:
            written = os.write(fd, part) if offset is None else os.pwrite(fd, part, offset)
        return written if whole else _fail()

    def truncate(self, fd: int, size: int) -> int:
        if not self.allows(0):
            return _fail()
        os.ftruncate(fd, size)
        return 0

    def unlink(self, name: bytes) -> int:
        if self.is_dead if name.endswith(b"-shm") else not self.allows(0):
            return _fail()
        try:
            Path(os.fsdecode(name)).unlink()
        except OSError as error:
            return _fail(error.errno or errno.EIO)
        return 0

    def open(self, name: bytes, flags: int, mode: int) -> int:
        is_new = flags & os.O_CREAT and not Path(os.fsdecode(name)).exists()
        if is_new and not name.endswith(b"-shm") and not self.allows(0):
            return _fail()
        try:
            return os.open(name, flags, mode)
        except OSError as error:
            return _fail(error.errno or errno.EIO)


def _fail(number: int = errno.EIO) -> int:
    ctypes.set_errno(number)
    return -1


@contextmanager
def applied(cut: Cut) -> Iterator[Cut]:
    """SQLite writes through `cut` within. Skips where the library cannot be reached."""
    try:
        library: Any = ctypes.CDLL(_sqlite3.__file__)  # itself, or what it is linked with
        find = library.sqlite3_vfs_find
    except (AttributeError, OSError):
        absent("no way to the system calls of this Python's SQLite")
    find.restype, find.argtypes = ctypes.POINTER(_Vfs), (c_char_p,)
    vfs = find(None)

    def function(result: Any, action: Callable[..., int], *arguments: Any) -> Any:
        return ctypes.CFUNCTYPE(result, *arguments, use_errno=True)(action)

    pwrite = function(c_ssize_t, cut.write, c_int, c_void_p, c_size_t, c_long)
    calls = {
        b"write": function(c_ssize_t, cut.write, c_int, c_void_p, c_size_t),
        **dict.fromkeys((b"pwrite", b"pwrite64"), pwrite),
        b"ftruncate": function(c_int, cut.truncate, c_int, c_long),
        b"unlink": function(c_int, cut.unlink, c_char_p),
        b"open": function(c_int, cut.open, c_char_p, c_int, c_int),
    }
    try:
        for name, call in calls.items():
            pointer = ctypes.cast(call, c_void_p)
            assert vfs.contents.xSetSystemCall(ctypes.cast(vfs, c_void_p), name, pointer) == _SQLITE_OK, name
        yield cut
    finally:
        vfs.contents.xSetSystemCall(ctypes.cast(vfs, c_void_p), None, None)


def copy(directory: Path, to: Path) -> Path:
    """What the disk has of a database, for another process to open."""
    to.mkdir()
    for path in directory.iterdir():
        if not path.name.endswith("-shm"):
            shutil.copyfile(path, to / path.name)
    return to
