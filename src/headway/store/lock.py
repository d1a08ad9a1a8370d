"""The lock of a data directory: one writer at a time, readers whenever they like.

`headway.lock` is locked with flock, which the kernel releases when the process ends, however it ends; the process id in
it is for people. The file stays: to remove it would let two processes hold two locks. Called by `directory` and
`verify`.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Final

from headway.errors import StoreError
from headway.store.disk import failure

if TYPE_CHECKING:
    from pathlib import Path

    from headway.store.disk import Disk

LOCK_NAME: Final = "headway.lock"


class Lock:
    """Held from the moment that it is made until `close`. Raises StoreError when another process holds it."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        path = directory / LOCK_NAME
        try:
            self._fd = disk.open(path)
        except OSError as error:
            raise failure("open", path, error) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            disk.truncate(self._fd, 0)
            disk.write(self._fd, (b"%d\n" % os.getpid(),), 0)
        except BaseException as error:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._fd)
            if isinstance(error, BlockingIOError):
                who = f"another headway (process {holder})"
                raise StoreError(f"{directory} is in use by {who}: stop it, or use another --datadir") from error
            if isinstance(error, OSError):
                raise failure("lock", path, error) from error
            raise

    def close(self) -> None:
        os.close(self._fd)


def is_locked(directory: Path) -> bool:
    """Whether a writer has the directory open now.

    Asks for a shared lock and gives it back at once: a writer that starts in this very instant is refused.
    """
    try:
        fd = os.open(directory / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
