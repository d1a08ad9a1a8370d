"""Block files: Core's framing, an index, and what happens when the two do not agree."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from headway.errors import StoreError
from headway.network import Limits
from headway.store import blocks as blocks_module
from headway.store.blocks import BlockFiles
from headway.store.disk import DamagedFile, Disk, Durability
from headway.store.index import Location
from headway.types import Hash
from tests.crashes import FailingDisk
from tests.toynet import TOYNET, toy_chain, toy_hash

CHAIN = toy_chain(6, transaction_size=100)
HASHES = [toy_hash(block) for block in CHAIN]
FRAME, HEAD, RECORD = 8, 96, 52


def find(block_hash: Hash) -> int | None:
    """As a tree would: genesis is 0, the chain follows."""
    return HASHES.index(block_hash) + 1 if block_hash in HASHES else None


def height(position: int) -> int:
    """A chain without a fork."""
    return position


def load(path: Path, *, disk: Disk | None = None, readonly: bool = False, **options: Any) -> BlockFiles:
    files = BlockFiles(path, TOYNET, disk or Disk(), readonly=readonly, **options)
    files.load(find, height)
    return files


def write(path: Path, numbers: Sequence[int] = range(6)) -> None:
    """As a process that is killed once it has written: no mark, and no room given back."""
    files = load(path)
    for number in numbers:
        files.put(number + 1, HASHES[number], CHAIN[number])
    files.close()


def stored(path: Path) -> list[int]:
    files = load(path, readonly=True)
    positions = list(files.positions())
    assert all(files.get(position) == CHAIN[position - 1] for position in positions)
    files.close()
    return positions


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def add_to(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


def test_a_block_file_is_frames_as_core_writes_them(tmp_path: Path) -> None:
    write(tmp_path)
    frames = b"".join(b"Ty\0\0" + len(block).to_bytes(4, "little") + block for block in CHAIN)
    assert (tmp_path / "blk00000.dat").read_bytes() == frames
    assert (tmp_path / "index.bin").stat().st_size == HEAD + RECORD * len(CHAIN)


def test_blocks_come_back_by_position_in_whatever_order_they_came(tmp_path: Path) -> None:
    write(tmp_path, [4, 0, 2])
    assert stored(tmp_path) == [1, 3, 5]
    files = load(tmp_path)
    assert 1 in files
    assert 2 not in files
    assert 1_000_000 not in files
    assert files.get(2) is None
    assert files.locate(2) is None
    assert files.locate(5) == Location(HASHES[4], 0, FRAME, len(CHAIN[4]), crc32(CHAIN[4]))
    files.close()


def test_a_block_that_is_stored_is_not_stored_twice(tmp_path: Path) -> None:
    write(tmp_path, [0, 0])
    write(tmp_path, [0])
    assert (tmp_path / "index.bin").stat().st_size == HEAD + RECORD


def test_a_block_longer_than_any_is_refused(tmp_path: Path) -> None:
    small = replace(TOYNET, limits=Limits(max_block_size=100))
    files = BlockFiles(tmp_path, small, Disk())
    files.load(find, height)
    with pytest.raises(ValueError, match="have at most 100"):
        files.put(1, HASHES[0], CHAIN[0])
    files.close()


def test_a_full_file_is_followed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "MAX_FILE_SIZE", 2 * (FRAME + len(CHAIN[0])))
    write(tmp_path, [0, 1, 2])
    write(tmp_path, [3, 4])
    assert sorted(path.name for path in tmp_path.glob("blk*")) == ["blk00000.dat", "blk00001.dat", "blk00002.dat"]
    assert stored(tmp_path) == [1, 2, 3, 4, 5]


def test_a_block_larger_than_a_file_still_gets_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "MAX_FILE_SIZE", 10)
    write(tmp_path)
    assert len(list(tmp_path.glob("blk*"))) == len(CHAIN)
    assert stored(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_records_without_their_whole_block_are_dropped(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / "blk00000.dat"
    whole, frame = file.read_bytes(), FRAME + len(CHAIN[0])
    for size in range(len(whole) - frame - 1, len(whole), 7):
        file.write_bytes(whole[:size])
        files = load(tmp_path, readonly=True)
        assert list(files.positions()) == list(range(1, 1 + size // frame))
        files.close()


def test_what_a_kill_left_is_cut_off_and_the_next_block_follows_what_is_whole(tmp_path: Path) -> None:
    write(tmp_path, [0, 1])
    add_to(tmp_path / "blk00000.dat", b"Ty\0\0\xff\0\0\0half a block")
    add_to(tmp_path / "index.bin", b"half a record")
    files = load(tmp_path)
    assert files.torn == 20 + 13
    assert files.passed_over == 0
    files.close()
    write(tmp_path, [2])
    assert stored(tmp_path) == [1, 2, 3]
    assert (tmp_path / "blk00000.dat").stat().st_size == 3 * (FRAME + len(CHAIN[0]))


def test_blocks_whose_records_a_loss_of_power_took_are_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "MAX_FILE_SIZE", 4 * (FRAME + len(CHAIN[0])))
    write(tmp_path)
    index = (tmp_path / "index.bin").read_bytes()
    for records in (5, 3, 1, 0):
        (tmp_path / "index.bin").write_bytes(index[: HEAD + records * RECORD])
        load(tmp_path).close()
        assert stored(tmp_path) == list(range(1, 1 + records))
        assert sum(path.stat().st_size for path in tmp_path.glob("blk*")) == records * (FRAME + len(CHAIN[0]))


def test_a_reader_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, [0, 1])
    add_to(tmp_path / "blk00000.dat", b"torn")
    add_to(tmp_path / "index.bin", b"torn too")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    files = load(tmp_path, readonly=True)
    assert files.torn == 12
    files.close()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_damaged_record_in_the_middle_costs_its_block_alone_and_once(tmp_path: Path) -> None:
    write(tmp_path)
    flip(tmp_path / "index.bin", HEAD + 2 * RECORD + 5)
    files = load(tmp_path)
    assert files.passed_over == 1
    assert list(files.positions()) == [1, 2, 4, 5, 6]
    files.close()
    files = load(tmp_path)
    assert files.passed_over == 0
    files.put(3, HASHES[2], CHAIN[2])
    assert files.get(3) == CHAIN[2]
    files.close()
    assert stored(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_a_reader_counts_damaged_records_and_leaves_them(tmp_path: Path) -> None:
    write(tmp_path)
    flip(tmp_path / "index.bin", HEAD)
    for _ in range(2):
        files = load(tmp_path, readonly=True)
        assert files.passed_over == 1
        files.close()


def test_a_file_that_is_gone_costs_its_blocks_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "MAX_FILE_SIZE", 2 * (FRAME + len(CHAIN[0])))
    write(tmp_path)
    (tmp_path / "blk00001.dat").rename(tmp_path / "elsewhere")
    assert stored(tmp_path) == [1, 2, 5, 6]
    assert passed_over(tmp_path) == 2
    write(tmp_path, [2])
    assert stored(tmp_path) == [1, 2, 3, 5, 6]
    assert passed_over(tmp_path) == 1
    (tmp_path / "elsewhere").rename(tmp_path / "blk00001.dat")
    assert stored(tmp_path) == [1, 2, 3, 4, 5, 6]
    assert passed_over(tmp_path) == 0


def passed_over(path: Path) -> int:
    files = load(path, readonly=True)
    files.close()
    return files.passed_over


def test_blocks_of_unknown_headers_are_left_alone_until_their_header_is_there(tmp_path: Path) -> None:
    write(tmp_path)
    files = BlockFiles(tmp_path, TOYNET, Disk())
    files.load(lambda _hash: None, height)
    assert list(files.positions()) == []
    assert (files.torn, files.passed_over) == (0, 0)
    unknown = [files.has_unknown]
    assert [files.recognise(HASHES[number], number + 1) for number in (2, 2, 4)] == [True, False, True]
    assert not files.recognise(bytes(32), 9)
    assert list(files.positions()) == [3, 5]
    assert files.get(5) == CHAIN[4]
    for number in (0, 1, 3, 5):
        assert files.recognise(HASHES[number], number + 1)
    assert [*unknown, files.has_unknown] == [True, False]
    files.close()
    assert stored(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_a_block_that_was_put_before_it_was_recognised_stays_as_it_was_put(tmp_path: Path) -> None:
    write(tmp_path, [0])
    files = BlockFiles(tmp_path, TOYNET, Disk())
    files.load(lambda _hash: None, height)
    files.put(1, HASHES[0], CHAIN[0])
    assert not files.recognise(HASHES[0], 1)
    assert files.get(1) == CHAIN[0]
    files.close()


def foreign(path: Path) -> None:
    (path.parent / "blk00007.dat").write_bytes(b"somebody's blocks")


def without_index(path: Path) -> None:
    (path.parent / "index.bin").unlink()


@pytest.mark.parametrize("happens", [foreign, without_index])
def test_bytes_that_no_kill_can_have_left_are_not_cut_off(tmp_path: Path, happens: Callable[[Path], None]) -> None:
    write(tmp_path)
    happens(tmp_path / "blk00000.dat")
    before = {path: path.read_bytes() for path in tmp_path.glob("blk*")}
    for _ in range(2):
        with pytest.raises(
            StoreError, match=r"blk0000\d\.dat holds blocks that .*index\.bin does not know: put the index"
        ):
            load(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.glob("blk*")} == before


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    for name in (
        "notes.txt",
        "blk.dat",
        "blk1.dat",
        "blk00000.dat.bak",
        "blkabcde.dat",
        "rev00000.dat",
        "blk0000².dat",
    ):
        (tmp_path / name).write_bytes(b"stray")
    write(tmp_path)
    assert stored(tmp_path) == [1, 2, 3, 4, 5, 6]
    assert (tmp_path / "blk1.dat").read_bytes() == b"stray"


def test_a_damaged_block_is_told_and_not_served_whichever_byte_it_is(tmp_path: Path) -> None:
    write(tmp_path)
    for at in range(FRAME + len(CHAIN[0])):
        flip(tmp_path / "blk00000.dat", at)
        files = load(tmp_path, readonly=True)
        with pytest.raises(DamagedFile, match=r"blk00000\.dat is damaged at byte 8$"):
            files.get(1)
        assert files.get(2) == CHAIN[1]
        files.close()
        flip(tmp_path / "blk00000.dat", at)


def test_damage_that_comes_while_the_store_is_open_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    files = load(tmp_path)
    flip(tmp_path / "index.bin", HEAD + 3)
    with pytest.raises(DamagedFile, match="damaged at record 1"):
        files.get(1)
    (tmp_path / "blk00000.dat").unlink()
    with pytest.raises(DamagedFile, match="cannot read"):
        files.get(2)
    files.close()


def test_a_damaged_block_that_was_dropped_can_be_put_again(tmp_path: Path) -> None:
    write(tmp_path)
    flip(tmp_path / "blk00000.dat", 100)
    files = load(tmp_path)
    files.drop(1)
    files.drop(1)
    assert 1 not in files
    assert files.get(1) is None
    files.close()
    assert stored(tmp_path) == [2, 3, 4, 5, 6]
    write(tmp_path, [0])
    assert stored(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_a_file_that_somebody_takes_away_is_written_no_further(tmp_path: Path) -> None:
    files = load(tmp_path)
    for number in (0, 1):
        files.put(number + 1, HASHES[number], CHAIN[number])
    (tmp_path / "blk00000.dat").unlink()
    files.drop(1)
    files.put(1, HASHES[0], CHAIN[0])
    assert files.get(1) == CHAIN[0]
    files.close()
    assert numbers(tmp_path) == ["00001"]
    files = load(tmp_path)
    assert (list(files.positions()), files.passed_over) == ([1], 1)
    files.close()


def test_a_directory_that_goes_away_is_told(tmp_path: Path) -> None:
    (tmp_path / "blocks").mkdir()
    files = BlockFiles(tmp_path / "blocks", TOYNET, Disk())
    (tmp_path / "blocks").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"cannot read .*blocks: No such file"):
        files.load(find, height)
    files.close()


def test_a_block_whose_record_does_not_fit_leaves_no_bytes(tmp_path: Path) -> None:
    frame = FRAME + len(CHAIN[0])
    disk = FailingDisk(room=HEAD + frame + RECORD + frame + RECORD - 1)
    files = load(tmp_path, disk=disk)
    files.put(1, HASHES[0], CHAIN[0])
    with pytest.raises(StoreError, match=r"cannot write .*index\.bin: No space left"):
        files.put(2, HASHES[1], CHAIN[1])
    assert 2 not in files
    assert (tmp_path / "blk00000.dat").stat().st_size == frame
    disk.room = 10_000
    files.put(2, HASHES[1], CHAIN[1])
    assert files.get(2) == CHAIN[1]
    files.close()
    assert stored(tmp_path) == [1, 2]


def test_readers_in_other_threads_see_every_block_that_was_put(tmp_path: Path) -> None:
    files = load(tmp_path)
    wrong: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            wrong.extend(position for position in range(1, 7) if files.get(position) not in (None, CHAIN[position - 1]))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in (5, 3, 1, 0, 2, 4):
        files.put(number + 1, HASHES[number], CHAIN[number])
        assert files.get(number + 1) == CHAIN[number]
    done.set()
    for reader in readers:
        reader.join()
    files.close()
    assert wrong == []


def test_memory_is_four_bytes_a_block(tmp_path: Path) -> None:
    files = load(tmp_path)
    files.put(999_999, HASHES[0], CHAIN[0])
    assert files._records.buffer_info()[1] * files._records.itemsize == 4 * 1_000_000
    files.close()


# Room that is had beforehand.


def test_room_is_had_in_chunks_and_given_back_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "CHUNK", 10_000)
    frame, file = FRAME + len(CHAIN[0]), tmp_path / "blk00000.dat"
    files = load(tmp_path)
    files.put(1, HASHES[0], CHAIN[0])
    assert file.stat().st_size == frame + 10_000
    for number in range(1, 6):
        files.put(number + 1, HASHES[number], CHAIN[number])
    assert file.stat().st_size == frame + 10_000
    assert file.read_bytes()[6 * frame :] == bytes(10_000 - 5 * frame)
    files.close()
    assert file.stat().st_size == 6 * frame


def test_no_file_has_more_room_than_it_may_fill(tmp_path: Path) -> None:
    frame = FRAME + len(CHAIN[0])
    files = load(tmp_path, file_size=4 * frame + 10)
    for number in range(6):
        files.put(number + 1, HASHES[number], CHAIN[number])
    sizes = [path.stat().st_size for path in sorted(tmp_path.glob("blk*"))]
    assert sizes == [4 * frame, 4 * frame + 10]
    files.close()
    assert stored(tmp_path) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("readonly", [True, False])
def test_room_that_a_kill_left_unused_is_no_damage(tmp_path: Path, readonly: bool) -> None:
    write(tmp_path)
    add_to(tmp_path / "blk00000.dat", bytes(200_000))
    (tmp_path / "blk00001.dat").write_bytes(bytes(100_000))  # the next one had just been begun
    (tmp_path / "blk00007.dat").write_bytes(bytes(10))
    files = load(tmp_path, readonly=readonly)
    assert (files.torn, files.passed_over) == (0, 0)
    files.close()
    if not readonly:
        assert (tmp_path / "blk00000.dat").stat().st_size == 6 * (FRAME + len(CHAIN[0]))
        assert (tmp_path / "blk00001.dat").stat().st_size == 0
    assert stored(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_a_torn_write_in_front_of_unused_room_is_counted_without_it(tmp_path: Path) -> None:
    write(tmp_path)
    add_to(tmp_path / "blk00000.dat", b"Ty\0\0\xff\0\0\0half" + bytes(200_000))
    assert load(tmp_path, readonly=True).torn == 12


# What a loss of power may take.


def test_blocks_behind_the_last_mark_are_looked_at_when_the_store_is_opened(tmp_path: Path) -> None:
    frame = FRAME + len(CHAIN[0])
    files = load(tmp_path)
    for number in (0, 1):
        files.put(number + 1, HASHES[number], CHAIN[number])
    files.sync()
    for number in (2, 3, 4):
        files.put(number + 1, HASHES[number], CHAIN[number])
    files.close()
    for at in (0, 3):  # one before the mark, and one in the middle behind it
        flip(tmp_path / "blk00000.dat", at * frame + 50)
    files = load(tmp_path)
    assert files.passed_over == 1
    assert list(files.positions()) == [1, 2, 3, 5]
    with pytest.raises(DamagedFile):
        files.get(1)
    files.put(4, HASHES[3], CHAIN[3])
    files.close()
    files = load(tmp_path)
    assert files.passed_over == 0
    assert [files.get(position) for position in (2, 3, 4, 5)] == CHAIN[1:5]
    files.close()


def test_zeros_in_place_of_the_last_blocks_are_cut_off_with_their_records(tmp_path: Path) -> None:
    frame = FRAME + len(CHAIN[0])
    write(tmp_path, [0, 1, 2, 3])
    whole = (tmp_path / "blk00000.dat").read_bytes()
    (tmp_path / "blk00000.dat").write_bytes(whole[: 2 * frame] + bytes(2 * frame))
    files = load(tmp_path)
    assert (files.torn, files.passed_over) == (2 * RECORD, 0)
    assert list(files.positions()) == [1, 2]
    files.close()
    assert (tmp_path / "blk00000.dat").stat().st_size == 2 * frame
    assert stored(tmp_path) == [1, 2]


def test_a_mark_is_made_once_for_what_was_written(tmp_path: Path) -> None:
    write(tmp_path, [0])
    size = (tmp_path / "index.bin").stat().st_size
    for _ in range(3):
        files = load(tmp_path)
        files.sync()
        files.sync()
        files.close()
    assert (tmp_path / "index.bin").stat().st_size == size + RECORD
    files = load(tmp_path)
    files.put(2, HASHES[1], CHAIN[1])
    files.sync()
    files.close()
    assert (tmp_path / "index.bin").stat().st_size == size + 3 * RECORD


def test_nothing_is_marked_once_a_flush_has_failed(tmp_path: Path) -> None:
    disk = FailingDisk(errno.EIO)
    files = load(tmp_path, disk=disk)
    files.put(1, HASHES[0], CHAIN[0])
    disk.cannot_sync = True
    with pytest.raises(StoreError, match="the disk reports errors"):
        files.sync()
    disk.cannot_sync = False
    files.sync()  # the system has forgotten what it could not write
    files.close()
    assert (tmp_path / "index.bin").stat().st_size == HEAD + RECORD


def test_a_disk_that_is_full_has_no_room_for_a_mark_which_is_no_error(tmp_path: Path) -> None:
    disk = FailingDisk()
    files = load(tmp_path, disk=disk)
    files.put(1, HASHES[0], CHAIN[0])
    disk.room = RECORD - 1
    files.sync()
    files.close()
    assert stored(tmp_path) == [1]


class Flushes(Disk):
    """Counts how often the medium was waited for."""

    def __init__(self) -> None:
        self.files = 0
        self.directories = 0

    def sync(self, fd: int) -> None:
        self.files += 1
        super().sync(fd)

    def sync_directory(self, path: Path) -> None:
        self.directories += 1
        super().sync_directory(path)


@pytest.mark.parametrize(
    ("durability", "put", "synced"),
    [(Durability.NONE, (0, 0), (0, 0)), (Durability.BATCH, (0, 0), (2, 1)), (Durability.BLOCK, (12, 1), (12, 1))],
)
def test_how_often_the_medium_is_waited_for(
    tmp_path: Path, durability: Durability, put: tuple[int, int], synced: tuple[int, int]
) -> None:
    disk = Flushes()
    files = load(tmp_path, disk=disk, durability=durability)
    assert (disk.files, disk.directories) == ((0, 0) if durability is Durability.NONE else (1, 1))  # the new index
    disk.files = disk.directories = 0
    for number in range(6):
        files.put(number + 1, HASHES[number], CHAIN[number])
    assert (disk.files, disk.directories) == put
    files.sync()
    assert (disk.files, disk.directories) == synced
    files.sync()
    assert disk.files - synced[0] <= 1  # the mark
    files.close()


def test_a_full_file_is_flushed_unless_nobody_waits_for_the_medium(tmp_path: Path) -> None:
    for durability, expected in ((Durability.NONE, 0), (Durability.BATCH, 10)):
        disk = Flushes()
        (tmp_path / durability.value).mkdir()
        files = load(tmp_path / durability.value, disk=disk, durability=durability, file_size=10)
        disk.files = 0
        for number in range(6):
            files.put(number + 1, HASHES[number], CHAIN[number])
        assert disk.files == expected
        files.close()


# Pruning.


def filled(path: Path, *, per_file: int = 1, disk: Disk | None = None) -> BlockFiles:
    """Six blocks, in so many files."""
    files = load(path, disk=disk, file_size=per_file * (FRAME + len(CHAIN[0])))
    for number in range(6):
        files.put(number + 1, HASHES[number], CHAIN[number])
    return files


def numbers(path: Path) -> list[str]:
    return sorted(file.name[3:8] for file in path.glob("blk*.dat"))


def test_pruning_removes_the_oldest_files_until_the_rest_fits(tmp_path: Path) -> None:
    files, frame = filled(tmp_path), FRAME + len(CHAIN[0])
    assert files.size == 6 * frame
    files.prune(6 * frame, 100)
    assert (files.pruned_below, len(numbers(tmp_path))) == (0, 6)
    files.prune(4 * frame, 100)
    assert numbers(tmp_path) == ["00002", "00003", "00004", "00005"]
    assert (files.pruned_below, files.size) == (3, 4 * frame)
    assert list(files.positions()) == [3, 4, 5, 6]
    assert [files.get(position) for position in range(1, 7)] == [None, None, *CHAIN[2:]]
    files.close()
    files = load(tmp_path)
    assert (files.pruned_below, files.passed_over, files.torn, files.size) == (3, 0, 0, 4 * frame)
    assert list(files.positions()) == [3, 4, 5, 6]
    files.prune(2 * frame, 100)
    assert (files.pruned_below, numbers(tmp_path)) == (5, ["00004", "00005"])
    files.close()
    assert stored(tmp_path) == [5, 6]


def test_pruning_keeps_blocks_from_a_height_up_and_the_file_that_grows(tmp_path: Path) -> None:
    files = filled(tmp_path, per_file=2)
    files.prune(1, 4)
    assert (files.pruned_below, numbers(tmp_path)) == (3, ["00001", "00002"])  # 3 and 4 lie in one file
    files.prune(1, 100)
    assert (files.pruned_below, numbers(tmp_path)) == (5, ["00002"])
    files.put(1, HASHES[0], CHAIN[0])
    assert files.get(1) == CHAIN[0]
    files.close()
    assert stored(tmp_path) == [1, 5, 6]


def test_a_block_that_is_kept_keeps_the_files_behind_it(tmp_path: Path) -> None:
    """Files go in the order in which they were filled, so that one number says which are gone."""
    files = load(tmp_path, file_size=1)
    for number in (3, 0, 1, 2, 4):
        files.put(number + 1, HASHES[number], CHAIN[number])
    files.prune(1, 3)
    assert len(numbers(tmp_path)) == 5
    files.prune(1, 5)
    assert (files.pruned_below, numbers(tmp_path)) == (5, ["00004"])
    files.close()


def test_files_that_pruning_left_are_removed_at_the_next_open(tmp_path: Path) -> None:
    filled(tmp_path).close()
    before = {path: path.read_bytes() for path in tmp_path.glob("blk*")}
    files = load(tmp_path)
    files.prune(1, 4)
    files.close()
    for path, content in before.items():
        path.write_bytes(content)
    assert stored(tmp_path) == [4, 5, 6]  # a reader leaves them
    assert len(numbers(tmp_path)) == 6
    load(tmp_path).close()
    assert numbers(tmp_path) == ["00003", "00004", "00005"]


def test_damaged_records_of_pruned_blocks_are_nobodys_loss(tmp_path: Path) -> None:
    files = filled(tmp_path)
    files.prune(1, 4)
    files.close()
    flip(tmp_path / "index.bin", HEAD + 5)
    files = load(tmp_path)
    assert (files.passed_over, files.pruned_below) == (0, 4)
    files.close()


def test_a_damaged_mark_is_told_again_by_the_one_before(tmp_path: Path) -> None:
    files = filled(tmp_path)
    files.prune(1, 4)
    files.sync()
    files.put(1, HASHES[0], CHAIN[0])
    files.sync()
    files.close()
    size = (tmp_path / "index.bin").stat().st_size
    flip(tmp_path / "index.bin", size - 10)
    files = load(tmp_path)
    assert files.pruned_below == 4
    assert list(files.positions()) == [1, 4, 5, 6]
    files.close()


def test_a_file_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    class Sticky(Disk):
        def remove(self, path: Path) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    files = filled(tmp_path, disk=Sticky())
    with pytest.raises(StoreError, match=r"cannot remove .*blk00000\.dat: Permission denied"):
        files.prune(1, 4)
    files.close()
    assert stored(tmp_path) == [4, 5, 6]


def test_what_a_reader_is_about_to_read_may_be_pruned_under_it(tmp_path: Path) -> None:
    files, pruning = filled(tmp_path), threading.Event()
    wrong: list[bytes | None] = []

    def read() -> None:
        while not pruning.is_set():
            wrong.extend(got for number in range(6) if (got := files.get(number + 1)) not in (None, CHAIN[number]))

    reader = threading.Thread(target=read)
    reader.start()
    for keep_from in (2, 3, 4, 5, 6):
        files.prune(1, keep_from)
    pruning.set()
    reader.join()
    assert wrong == []
    files.close()
