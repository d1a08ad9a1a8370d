"""The lock: one writer, named to the second; readers see whether there is one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from headway.errors import StoreError
from headway.store.disk import Disk
from headway.store.lock import LOCK_NAME, Lock, is_locked
from tests.crashes import CutDisk, FailingDisk, Killed


def test_a_second_writer_is_told_who_the_first_is_and_what_to_do(tmp_path: Path) -> None:
    lock = Lock(tmp_path, Disk())
    with pytest.raises(
        StoreError, match=rf"in use by another headway \(process {os.getpid()}\): stop it, or use another"
    ):
        Lock(tmp_path, Disk())
    assert (tmp_path / LOCK_NAME).read_text() == f"{os.getpid()}\n"
    lock.close()
    Lock(tmp_path, Disk()).close()


def test_a_lock_without_a_process_id_still_locks(tmp_path: Path) -> None:
    lock = Lock(tmp_path, Disk())
    (tmp_path / LOCK_NAME).write_text("")
    with pytest.raises(StoreError, match="process unknown"):
        Lock(tmp_path, Disk())
    lock.close()


def test_a_lock_left_by_a_dead_process_is_taken(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("999999999999\n")
    Lock(tmp_path, Disk()).close()
    assert (tmp_path / LOCK_NAME).read_text() == f"{os.getpid()}\n"


def test_readers_see_a_writer_and_only_a_writer(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    lock = Lock(tmp_path, Disk())
    assert is_locked(tmp_path)
    lock.close()
    assert not is_locked(tmp_path)


def test_a_lock_that_fails_half_way_is_not_held(tmp_path: Path) -> None:
    for stop_at in range(3):
        (tmp_path / str(stop_at)).mkdir()
        with pytest.raises(Killed):
            Lock(tmp_path / str(stop_at), CutDisk(stop_at))
        assert not is_locked(tmp_path / str(stop_at))
    with pytest.raises(StoreError, match=r"cannot lock .*headway\.lock: No space left"):
        Lock(tmp_path, FailingDisk(errno.ENOSPC, room=0))
    assert not is_locked(tmp_path)
    with pytest.raises(StoreError, match="cannot open"):
        Lock(tmp_path / "absent", Disk())
