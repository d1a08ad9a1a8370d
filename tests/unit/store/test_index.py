"""The index of stored blocks: records, marks, and what is damaged of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.errors import StoreError
from headway.store.disk import Disk, DiskFull
from headway.store.index import BlockIndex, Location, Mark
from tests.crashes import FailingDisk
from tests.toynet import TOYNET

HEAD, RECORD = 96, 52
WHERE = [Location(bytes([number]) * 32, number // 3, 8 + 100 * number, 90, number) for number in range(5)]


def opened(path: Path, *, disk: Disk | None = None, readonly: bool = False) -> BlockIndex:
    index = BlockIndex(path / "index.bin", TOYNET, disk or Disk(), readonly=readonly)
    index.open()
    return index


def filled(path: Path) -> BlockIndex:
    """Two records, a mark, three records."""
    index = opened(path)
    for location in WHERE[:2]:
        index.append(location)
    index.append_mark(Mark(0, 0))
    for location in WHERE[2:]:
        index.append(location)
    return index


def flip(path: Path, at: int) -> None:
    content = bytearray((path / "index.bin").read_bytes())
    content[at] ^= 1
    (path / "index.bin").write_bytes(content)


def test_records_are_numbered_from_1_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    index = opened(tmp_path)
    assert (index.is_new, len(index), list(index.records())) == (False, 0, [])
    assert [index.append(location) for location in WHERE[:2]] == [1, 2]
    index.append_mark(Mark(3, 7))
    assert index.append(WHERE[2]) == 4
    expected = [(1, WHERE[0]), (2, WHERE[1]), (3, Mark(3, 7)), (4, WHERE[2])]
    assert list(index.records()) == expected
    assert [(number, index.record(number)) for number in range(1, 5)] == expected
    assert index.record(5) is None
    index.close()
    again = opened(tmp_path, readonly=True)
    assert list(again.records()) == expected
    again.close()


def test_the_last_mark_holds_whatever_follows_it(tmp_path: Path) -> None:
    index = opened(tmp_path)
    assert index.last_mark() == (0, Mark(0, 0))
    index.append(WHERE[0])
    assert index.last_mark() == (0, Mark(0, 0))
    for mark in (Mark(1, 2), Mark(3, 4)):
        index.append_mark(mark)
    index.append(WHERE[1])
    assert index.last_mark() == (3, Mark(3, 4))
    index.close()


def test_it_knows_whether_a_mark_is_the_last_record(tmp_path: Path) -> None:
    index = opened(tmp_path)
    marked = [index.is_marked]
    index.append(WHERE[0])
    marked.append(index.is_marked)
    index.append_mark(Mark(0, 0))
    assert [*marked, index.is_marked] == [True, False, True]
    index.close()


def test_a_full_disk_takes_no_mark_and_that_is_an_error_only_where_it_must(tmp_path: Path) -> None:
    disk = FailingDisk()
    index = opened(tmp_path, disk=disk)
    index.append(WHERE[0])
    disk.room = RECORD - 1
    index.append_mark(Mark(0, 0))
    assert (len(index), index.is_marked) == (1, False)
    disk.room = RECORD - 1
    with pytest.raises(DiskFull):
        index.append_mark(Mark(0, 0), must=True)
    assert list(index.records()) == [(1, WHERE[0])]
    index.close()


@pytest.mark.parametrize("at", range(RECORD))
def test_whichever_bit_flips_in_a_record_it_is_damaged_and_the_others_are_not(tmp_path: Path, at: int) -> None:
    filled(tmp_path).close()
    for number in (2, 3):
        flip(tmp_path, HEAD + (number - 1) * RECORD + at)
    index = opened(tmp_path, readonly=True)
    assert list(index.records()) == [(1, WHERE[0]), (2, None), (3, None), (4, WHERE[2]), (5, WHERE[3]), (6, WHERE[4])]
    assert (index.record(2), index.record(3), index.record(4)) == (None, None, WHERE[2])
    assert index.last_mark() == (0, Mark(0, 0))
    index.close()


def test_a_void_record_is_no_record(tmp_path: Path) -> None:
    index = filled(tmp_path)
    index.make_void(2)
    assert [number for number, _ in index.records()] == [1, 3, 4, 5, 6]
    assert index.record(2) is None
    assert len(index) == 6
    index.close()


def test_what_is_torn_behind_a_record_is_cut(tmp_path: Path) -> None:
    filled(tmp_path).close()
    with (tmp_path / "index.bin").open("ab") as file:
        file.write(b"torn")
    index = opened(tmp_path)
    assert len(index) == 6
    assert [index.torn_behind(number) for number in (6, 5, 0)] == [4, 4 + RECORD, 4 + 6 * RECORD]
    index.cut_behind(5)
    assert (index.torn_behind(5), len(index)) == (0, 5)
    size = (tmp_path / "index.bin").stat().st_size
    index.cut_behind(5)
    assert (tmp_path / "index.bin").stat().st_size == size == HEAD + 5 * RECORD
    index.close()


def test_an_index_without_a_head_is_new_and_a_reader_leaves_it_so(tmp_path: Path) -> None:
    (tmp_path / "index.bin").touch()
    index = BlockIndex(tmp_path / "index.bin", TOYNET, Disk(), readonly=True)
    index.open()
    assert (index.is_new, len(index), list(index.records()), index.torn_behind(0)) == (True, 0, [], 0)
    index.close()
    assert (tmp_path / "index.bin").read_bytes() == b""


def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.bin").write_bytes(b"x" * 200)
    index = BlockIndex(tmp_path / "index.bin", TOYNET, Disk())
    with pytest.raises(StoreError, match="is no blocks file of headway"):
        index.open()
    index.close()


def test_a_block_is_told_by_its_length_and_its_sum() -> None:
    where = Location(bytes(32), 0, 8, 5, 0x3610A686)
    assert where.end == 13
    assert where.is_of(b"hello")
    assert not where.is_of(b"hellO")
    assert not where.is_of(b"hell")
