"""The append-only file: its size is its known good end, whatever the disk does."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from headway.errors import StoreError
from headway.store.disk import AppendFile, Disk
from tests.crashes import FailingDisk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_parts_are_appended_one_after_another(path: Path) -> None:
    file = AppendFile(path, Disk())
    assert file.append(b"ab", memoryview(b"cde")) == 0
    assert file.append(b"f") == 5
    assert file.size == 6
    assert file.read(0, 100) == b"abcdef"
    assert file.read(2, 2) == b"cd"
    assert path.read_bytes() == b"abcdef"


def test_an_opened_file_goes_on_at_its_end(path: Path) -> None:
    path.write_bytes(b"abc")
    file = AppendFile(path, Disk())
    assert file.append(b"d") == 3
    file.truncate(2)
    assert file.append(b"e") == 2
    assert path.read_bytes() == b"abe"


def test_a_short_write_goes_on_where_it_stopped(path: Path) -> None:
    class SlowDisk(Disk):
        def write(self, fd: int, parts: object, offset: int) -> int:
            del parts
            return super().write(fd, (b"abcdefgh"[offset : offset + 3],), offset)

    file = AppendFile(path, SlowDisk())
    file.append(b"abcd", b"efgh")
    assert path.read_bytes() == b"abcdefgh"
    assert file.size == 8


def test_a_full_disk_keeps_what_was_there_and_says_what_to_do(path: Path) -> None:
    disk = FailingDisk(room=5)
    file = AppendFile(path, disk)
    file.append(b"abc")
    with pytest.raises(StoreError, match=r"cannot write .*file: No space left .*free some space"):
        file.append(b"defg")
    assert path.read_bytes() == b"abc"
    disk.room = 100
    assert file.append(b"xy") == 3
    assert path.read_bytes() == b"abcxy"


def test_a_torn_rest_that_cannot_be_cut_off_is_overwritten(path: Path) -> None:
    disk = FailingDisk(errno.EIO, room=5)
    disk.cannot_truncate = True
    file = AppendFile(path, disk)
    file.append(b"abc")
    with pytest.raises(StoreError, match="the disk reports errors"):
        file.append(b"defg")
    assert path.read_bytes() == b"abcde"
    disk.room = 100
    assert file.append(b"xyz") == 3
    assert path.read_bytes() == b"abcxyz"


def test_a_disk_that_takes_nothing_is_an_error_not_a_loop(path: Path) -> None:
    class DeadDisk(Disk):
        def write(self, fd: int, parts: object, offset: int) -> int:
            del fd, parts, offset
            return 0

    with pytest.raises(StoreError, match="takes no more bytes"):
        AppendFile(path, DeadDisk()).append(b"abc")


def test_bytes_before_the_end_can_be_replaced(path: Path) -> None:
    disk = FailingDisk(errno.EIO)
    file = AppendFile(path, disk)
    file.append(b"abcdef")
    file.overwrite(2, b"XY")
    assert path.read_bytes() == b"abXYef"
    assert file.size == 6
    disk.room = 0
    with pytest.raises(StoreError, match="cannot write"):
        file.overwrite(2, b"cd")


def test_a_flush_that_fails_is_told_and_tried_again(path: Path) -> None:
    disk = FailingDisk(errno.EIO)
    file = AppendFile(path, disk)
    file.append(b"abc")
    disk.cannot_sync = True
    for _ in range(2):
        with pytest.raises(StoreError, match="cannot write"):
            file.sync()
    disk.cannot_sync = False
    file.sync()
    disk.cannot_sync = True
    file.sync()  # nothing was written since


def test_a_file_that_cannot_be_opened_or_cut_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot open .*absent"):
        AppendFile(tmp_path / "absent", Disk(), readonly=True)
    with pytest.raises(StoreError, match="cannot open"):
        AppendFile(tmp_path, Disk())
    disk = FailingDisk(errno.EROFS)
    disk.cannot_truncate = True
    with pytest.raises(StoreError, match="read-only"):
        AppendFile(tmp_path / "file", disk).truncate(0)


def test_reading_a_closed_file_is_a_store_error(path: Path) -> None:
    file = AppendFile(path, Disk())
    file.close()
    with pytest.raises(StoreError, match="cannot read"):
        file.read(0, 1)
