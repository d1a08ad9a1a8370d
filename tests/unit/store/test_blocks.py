"""Block files: Core's framing, an index, and what happens when the two do not agree."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from headway.errors import StoreError
from headway.network import Limits
from headway.store import blocks as blocks_module
from headway.store.blocks import BlockFiles, Location
from headway.store.disk import Disk
from headway.types import Hash
from tests.crashes import FailingDisk
from tests.toynet import TOYNET, toy_chain, toy_hash

CHAIN = toy_chain(6, transaction_size=100)
HASHES = [toy_hash(block) for block in CHAIN]
FRAME, HEAD, RECORD = 8, 96, 48


def find(block_hash: Hash) -> int | None:
    """As a tree would: genesis is 0, the chain follows."""
    return HASHES.index(block_hash) + 1 if block_hash in HASHES else None


def load(path: Path, *, disk: Disk | None = None, readonly: bool = False) -> BlockFiles:
    files = BlockFiles(path, TOYNET, disk or Disk(), readonly=readonly)
    files.load(find)
    return files


def write(path: Path, numbers: Sequence[int] = range(6)) -> None:
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
    assert files.locate(5) == Location(HASHES[4], 0, FRAME, len(CHAIN[4]))
    files.close()


def test_a_block_that_is_stored_is_not_stored_twice(tmp_path: Path) -> None:
    write(tmp_path, [0, 0])
    write(tmp_path, [0])
    assert (tmp_path / "index.bin").stat().st_size == HEAD + RECORD


def test_a_block_longer_than_any_is_refused(tmp_path: Path) -> None:
    small = replace(TOYNET, limits=Limits(max_block_size=100))
    files = BlockFiles(tmp_path, small, Disk())
    files.load(find)
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
    files.load(lambda _hash: None)
    assert list(files.positions()) == []
    assert (files.torn, files.passed_over) == (0, 0)
    files.close()
    assert stored(tmp_path) == [1, 2, 3, 4, 5, 6]


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


def test_a_damaged_frame_is_told_and_not_served(tmp_path: Path) -> None:
    write(tmp_path)
    for at in (0, 3, 4, 7):
        flip(tmp_path / "blk00000.dat", at)
        files = load(tmp_path, readonly=True)
        with pytest.raises(StoreError, match=r"blk00000\.dat is damaged at byte 8: run `headway verify"):
            files.get(1)
        assert files.get(2) == CHAIN[1]
        files.close()
        flip(tmp_path / "blk00000.dat", at)


def test_damage_that_comes_while_the_store_is_open_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    files = load(tmp_path)
    flip(tmp_path / "index.bin", HEAD + 3)
    with pytest.raises(StoreError, match="damaged at record 1"):
        files.get(1)
    (tmp_path / "blk00000.dat").unlink()
    with pytest.raises(StoreError, match="cannot read"):
        files.get(2)
    files.close()


def test_a_directory_that_goes_away_is_told(tmp_path: Path) -> None:
    (tmp_path / "blocks").mkdir()
    files = BlockFiles(tmp_path / "blocks", TOYNET, Disk())
    (tmp_path / "blocks").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"cannot read .*blocks: No such file"):
        files.load(find)
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
