"""The append-only file: its size is its known good end, whatever the disk does."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from headway.errors import StoreError
from headway.store.disk import AppendFile, Disk, DiskFull, failure
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


# Room that is had beforehand.


class CountingDisk(Disk):
    """Notes what was allocated."""

    def __init__(self) -> None:
        self.allocated: list[tuple[int, int]] = []
        self.error = 0

    def allocate(self, fd: int, offset: int, length: int) -> None:
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        self.allocated.append((offset, length))
        super().allocate(fd, offset, length)


def test_room_is_had_once_and_given_back(path: Path) -> None:
    disk = CountingDisk()
    file = AppendFile(path, disk)
    file.append(b"abc")
    file.reserve(5, 100)
    file.append(b"de")
    file.reserve(100, 200)
    assert disk.allocated == [(3, 97)]
    assert (file.size, path.stat().st_size) == (5, 100)
    file.reserve(101, 200)
    assert disk.allocated == [(3, 97), (100, 100)]
    file.trim()
    file.trim()
    assert path.read_bytes() == b"abcde"
    file.reserve(6, 10)
    assert path.read_bytes() == b"abcde" + bytes(5)
    file.truncate(2)
    file.trim()
    assert path.read_bytes() == b"ab"
    file.close()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EFBIG, errno.EOPNOTSUPP])
def test_a_disk_that_gives_no_room_beforehand_is_written_all_the_same(path: Path, error: int) -> None:
    disk = CountingDisk()
    file = AppendFile(path, disk)
    file.append(b"abc")
    file.reserve(4, 10)
    disk.error = error
    file.reserve(20, 100)
    file.reserve(20, 100)
    assert path.read_bytes() == b"abc"
    file.append(b"def")
    file.trim()
    assert path.read_bytes() == b"abcdef"
    file.close()


def test_room_behind_a_write_that_failed_is_given_back_with_it(path: Path) -> None:
    class Full(FailingDisk):
        def allocate(self, fd: int, offset: int, length: int) -> None:
            Disk.allocate(self, fd, offset, length)

    disk = Full(room=5)
    file = AppendFile(path, disk)
    file.append(b"abc")
    file.reserve(10, 50)
    with pytest.raises(DiskFull):
        file.append(b"defg")
    assert path.read_bytes() == b"abc"
    disk.room = 100
    file.reserve(7, 10)
    file.append(b"defg")
    assert path.read_bytes() == b"abcdefg" + bytes(3)
    file.close()


def test_zeros_at_the_end_are_not_what_was_written(path: Path) -> None:
    for content, start, written in (
        (b"abc", 3, 0),
        (b"abc" + bytes(200_000), 3, 0),
        (b"abc" + bytes(200_000), 0, 3),
        (b"abc" + bytes(100_000) + b"x" + bytes(100_000), 3, 100_001),
        (b"abc\0x", 3, 2),
        (b"", 0, 0),
        (b"abc", 9, 0),
    ):
        path.write_bytes(content)
        file = AppendFile(path, Disk(), readonly=True)
        assert file.written_behind(start) == written
        file.close()


# What is said of a full disk.


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (errno.ENOSPC, "free some space and run the same command again: what was stored before is intact"),
        (errno.EDQUOT, "have your quota raised, and run the same command again: what was stored before is intact"),
        (errno.EFBIG, "`ulimit -f`, and run the same command again: what was stored before is intact"),
    ],
)
def test_no_room_says_how_much_was_wanted_how_much_is_free_and_what_to_do(path: Path, error: int, advice: str) -> None:
    file = AppendFile(path, FailingDisk(error, room=0))
    with pytest.raises(DiskFull) as raised:
        file.append(bytes(1_234_000), b"x")
    assert re.search(r"\(1,234,001 bytes were to be written, [\d,]+ are free; ", str(raised.value))
    assert advice in str(raised.value)
    file.close()


def test_a_disk_that_has_gone_cannot_say_how_much_is_free(tmp_path: Path) -> None:
    error = failure("write", tmp_path / "gone" / "file", OSError(errno.ENOSPC, "No space left"), wanted=5)
    assert "No space left (5 bytes were to be written; free some space" in str(error)


def test_a_file_that_was_removed_is_removed(path: Path) -> None:
    path.touch()
    Disk().remove(path)
    Disk().remove(path)
    assert not path.exists()
