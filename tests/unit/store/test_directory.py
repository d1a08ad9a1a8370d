"""The data directory as a whole: made, locked, refused, read while it is written, and brought back after a kill."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from headway.errors import StoreError
from headway.store import DamagedFile, DiskFull, Durability, Store
from headway.store.disk import Disk
from headway.types import Hash
from tests.crashes import FailingDisk, abandon, final_state
from tests.toynet import HEADER_SIZE, TOYNET, toy_chain, toy_hash

CHAIN = toy_chain(6)
HASHES = [toy_hash(block) for block in CHAIN]
OTHER = replace(TOYNET, name="othernet", magic=b"Ot")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "toynet"


def add_headers(store: Store, chain: list[bytes]) -> None:
    raw = b"".join(block[:HEADER_SIZE] for block in chain)
    store.tree.restore(raw)
    store.append_headers(raw)


def filled(path: Path) -> Path:
    """A directory with six headers and four blocks."""
    with Store.open(path, TOYNET) as store:
        add_headers(store, CHAIN)
        for number in (3, 0, 5, 1):
            store.put_block(HASHES[number], CHAIN[number])
    return path


def test_an_absent_directory_is_made_with_its_parents(path: Path) -> None:
    with Store.open(path, TOYNET) as store:
        assert store.tree.tip.height == 0
        assert list(store.stored_positions()) == []
        assert store.repairs == ()
    names = sorted(str(entry.relative_to(path)) for entry in path.rglob("*"))
    assert names == ["blocks", "blocks/index.bin", "headers.bin", "headway.lock"]


def test_an_empty_directory_is_as_good_as_none(tmp_path: Path) -> None:
    with Store.open(tmp_path, TOYNET) as store:
        add_headers(store, CHAIN)
    assert (tmp_path / "headers.bin").exists()


def test_empty_files_are_made_anew(path: Path) -> None:
    (path / "blocks").mkdir(parents=True)
    for name in ("headers.bin", "headway.lock", "blocks/index.bin", "blocks/blk00000.dat"):
        (path / name).touch()
    filled(path)
    with Store.open(path, TOYNET) as store:
        assert list(store.stored_positions()) == [1, 2, 4, 6]


def test_stray_files_are_left_alone(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "notes").write_text("mine")
    (path / "addrbook.sqlite").write_text("another's")
    filled(path)
    assert (path / "notes").read_text() == "mine"


def test_what_was_stored_is_there_again(path: Path) -> None:
    filled(path)
    with Store.open(path, TOYNET) as store:
        assert store.tree.tip.hash == HASHES[-1]
        assert list(store.stored_positions()) == [1, 2, 4, 6]
        assert store.get_block(HASHES[3]) == store.get_block(4) == CHAIN[3]
        assert store.has_block(4)
        assert store.has_block(HASHES[3])
        assert not store.has_block(3)
        assert not store.has_block(bytes(32))
        assert store.get_block(3) is None
        assert store.get_block(bytes(32)) is None


def test_blocks_may_be_put_by_position_or_by_hash(path: Path) -> None:
    with Store.open(path, TOYNET) as store:
        add_headers(store, CHAIN)
        store.put_block(2, CHAIN[1])
        store.put_block(HASHES[2], memoryview(CHAIN[2]))
        assert list(store.stored_positions()) == [2, 3]
        with pytest.raises(StoreError, match="header is not in the tree"):
            store.put_block(bytes(32), CHAIN[0])


def test_an_invalid_block_stays_invalid_with_its_descendants(path: Path) -> None:
    filled(path)
    with Store.open(path, TOYNET) as store:
        store.mark_invalid(HASHES[3])
    with Store.open(path, TOYNET) as store:
        assert store.tree.tip.height == 3
        assert [store.tree.is_valid(position) for position in range(7)] == [True] * 4 + [False] * 3


def test_no_headers_are_no_batch(path: Path) -> None:
    with Store.open(path, TOYNET) as store:
        store.append_headers(b"")
    assert (path / "headers.bin").stat().st_size == 96


def test_a_second_writer_is_refused_and_the_first_goes_on(path: Path) -> None:
    with Store.open(path, TOYNET) as store:
        with pytest.raises(StoreError, match=rf"in use by another headway \(process {os.getpid()}\)"):
            Store.open(path, TOYNET)
        add_headers(store, CHAIN)
    Store.open(path, TOYNET).close()


def test_another_network_is_refused_with_what_to_do_and_leaves_no_lock(path: Path) -> None:
    filled(path)
    with pytest.raises(
        StoreError, match="toynet holds toynet, not othernet: use --network toynet, or another --datadir"
    ):
        Store.open(path, OTHER)
    with pytest.raises(StoreError, match="use --network toynet"):
        Store.open(path, OTHER, readonly=True)
    Store.open(path, TOYNET).close()


def test_a_newer_format_of_either_file_is_refused(path: Path) -> None:
    filled(path)
    for name in ("headers.bin", "blocks/index.bin"):
        whole = (path / name).read_bytes()
        (path / name).write_bytes(whole[:16] + b"\x09" + whole[17:])
        with pytest.raises(StoreError, match="newer headway"):
            Store.open(path, TOYNET)
        (path / name).write_bytes(whole)
    Store.open(path, TOYNET).close()


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot open"):
        Store.open(tmp_path / "file", TOYNET)


@pytest.mark.parametrize("readonly", [False, True])
def test_a_directory_that_the_system_refuses_is_refused(tmp_path: Path, readonly: bool) -> None:
    with pytest.raises(StoreError, match="File name too long"):
        Store.open(tmp_path / ("x" * 300), TOYNET, readonly=readonly)


def test_a_directory_that_may_not_be_written_is_refused_with_what_to_do(path: Path) -> None:
    class ForeignDisk(Disk):
        def make_directory(self, path: Path) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with pytest.raises(StoreError, match=r"Permission denied .*check its owner and its permissions"):
        Store.open(path, TOYNET, disk=ForeignDisk())


def test_damage_in_the_middle_of_the_header_log_costs_the_headers_behind_it_and_no_block(path: Path) -> None:
    with Store.open(path, TOYNET) as store:
        add_headers(store, CHAIN[:2])
        add_headers(store, CHAIN[2:4])
        add_headers(store, CHAIN[4:])
        for block in CHAIN:
            store.put_block(toy_hash(block), block)
    whole = (path / "headers.bin").read_bytes()
    (path / "headers.bin").write_bytes(whole[:250] + bytes([whole[250] ^ 1]) + whole[251:])
    damaged = (path / "headers.bin").read_bytes()
    with pytest.raises(DamagedFile, match=r"headers\.bin is damaged at byte 201, .*: the next `headway sync` fetches"):
        Store.open(path, TOYNET, readonly=True)
    assert (path / "headers.bin").read_bytes() == damaged
    with Store.open(path, TOYNET) as store:
        assert store.tree.tip.height == 2
        assert list(store.stored_positions()) == [1, 2]
        assert store.repairs == (
            f"{path / 'headers.bin'} was damaged: its last {len(whole) - 201} bytes of headers will be fetched again",
        )
        raw = b"".join(block[:HEADER_SIZE] for block in CHAIN[2:])
        store.tree.restore(raw)
        assert store.append_headers(raw) == (3, 4, 5, 6)
        assert [store.get_block(toy_hash(block)) for block in CHAIN] == CHAIN
        assert store.append_headers(b"") == ()
    with Store.open(path, TOYNET) as store:
        assert store.repairs == ()
        assert list(store.stored_positions()) == [1, 2, 3, 4, 5, 6]


def test_the_damaged_head_of_either_file_is_written_anew(path: Path) -> None:
    filled(path)
    for name in ("headers.bin", "blocks/index.bin"):
        whole = (path / name).read_bytes()
        (path / name).write_bytes(whole[:50] + bytes([whole[50] ^ 4]) + whole[51:])
        with Store.open(path, TOYNET) as store:
            assert store.repairs == ("wrote the damaged beginning of a file anew",)
            assert list(store.stored_positions()) == [1, 2, 4, 6]
        assert (path / name).read_bytes()[:96] == whole[:96]


@pytest.mark.parametrize("hashes", [[HASHES[0]], [bytes(32)]])
def test_a_log_that_makes_no_sense_is_refused(path: Path, hashes: list[Hash]) -> None:
    with Store.open(path, TOYNET) as store:
        for each in hashes:
            store.mark_invalid(each)
    with pytest.raises(StoreError, match="does not make sense at byte 96: an invalid block whose header is not there"):
        Store.open(path, TOYNET)


def test_a_run_without_its_parent_is_refused(path: Path) -> None:
    with Store.open(path, TOYNET) as store:
        store.append_headers(CHAIN[1][:HEADER_SIZE])
    with pytest.raises(StoreError, match="does not make sense at byte 96: a header run without its parent"):
        Store.open(path, TOYNET)


def test_repairs_are_told(path: Path) -> None:
    filled(path)
    for name in ("headers.bin", "blocks/index.bin", "blocks/blk00000.dat"):
        (path / name).write_bytes((path / name).read_bytes() + b"torn")
    index = bytearray((path / "blocks/index.bin").read_bytes())
    index[100] ^= 1
    (path / "blocks/index.bin").write_bytes(index)
    with Store.open(path, TOYNET) as store:
        assert [repair.split(" off ")[0] for repair in store.repairs] == [
            "cut 4 bytes of an unfinished write",
            "cut 8 bytes of an unfinished write",
            "1 stored blocks are missing or damaged on disk and will be fetched again",
        ]
        assert list(store.stored_positions()) == [1, 2, 6]
    with Store.open(path, TOYNET) as store:
        assert store.repairs == ()
        assert list(store.stored_positions()) == [1, 2, 6]


def test_headers_that_come_back_bring_their_blocks_back(path: Path) -> None:
    filled(path)
    (path / "headers.bin").rename(path / "damaged.bin")
    with Store.open(path, TOYNET) as store:
        assert list(store.stored_positions()) == []
        add_headers(store, CHAIN)
    with Store.open(path, TOYNET) as store:
        assert list(store.stored_positions()) == [1, 2, 4, 6]


def test_a_reader_needs_no_lock_and_sees_what_is_whole(path: Path) -> None:
    with Store.open(path, TOYNET) as writer:
        add_headers(writer, CHAIN[:4])
        writer.put_block(1, CHAIN[0])
        with Store.open(path, TOYNET, readonly=True) as reader:
            assert reader.tree.tip.height == 4
            assert reader.get_block(1) == CHAIN[0]
            writer.put_block(2, CHAIN[1])
            add_headers(writer, CHAIN[4:])
            assert not reader.has_block(2)
        with Store.open(path, TOYNET, readonly=True) as reader:
            assert final_state(reader) == final_state(writer)


def test_a_reader_changes_nothing_and_makes_nothing(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"is no data directory of headway: there is no headers\.bin"):
        Store.open(path, TOYNET, readonly=True)
    assert list(tmp_path.iterdir()) == []
    filled(path)
    (path / "headers.bin").write_bytes((path / "headers.bin").read_bytes()[:-1])
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.rglob("*") if file.is_file()}
    with Store.open(path, TOYNET, readonly=True) as store:
        assert store.tree.tip.height == 0
    assert before == {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.rglob("*") if file.is_file()}


def test_a_full_disk_leaves_what_was_reported_and_the_store_goes_on_when_there_is_room(path: Path) -> None:
    filled(path)
    disk = FailingDisk(errno.ENOSPC, room=len(str(os.getpid())) + 1)
    with Store.open(path, TOYNET, disk=disk) as store:
        for room in range(0, 100, 9):
            disk.room = room
            with pytest.raises(
                DiskFull, match=r"No space left on device .*bytes were to be written, .*free some space"
            ):
                store.put_block(3, CHAIN[2] * 2)
            with pytest.raises(DiskFull, match="No space left on device"):
                store.append_headers(toy_chain(3, parent=CHAIN[-1])[0][:HEADER_SIZE])
        disk.room = 10_000
        store.put_block(3, CHAIN[2])
    with Store.open(path, TOYNET) as store:
        assert store.repairs == ()
        assert list(store.stored_positions()) == [1, 2, 3, 4, 6]
        assert store.get_block(3) == CHAIN[2]


class NotingDisk(Disk):
    """Notes what was flushed."""

    def __init__(self) -> None:
        self.flushed: list[str] = []

    def sync(self, fd: int) -> None:
        self.flushed.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        super().sync(fd)

    def sync_directory(self, path: Path) -> None:
        self.flushed.append(path.name)
        super().sync_directory(path)


NOTED = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks the system for the names of open files")


@NOTED
def test_sync_and_close_flush_what_is_dirty_names_before_blocks_before_their_index(path: Path) -> None:
    filled(path)
    disk = NotingDisk()
    with Store.open(path, TOYNET, disk=disk) as store:
        store.put_block(3, CHAIN[2])
        store.sync()
        assert disk.flushed == ["toynet", "deep", "blocks", "blk00000.dat", "index.bin"]
        disk.flushed.clear()
        add_headers(store, toy_chain(1, parent=CHAIN[-1]))
    assert disk.flushed == ["headers.bin", "index.bin"]  # the mark
    disk.flushed.clear()
    with Store.open(path, TOYNET, disk=disk):
        pass
    assert disk.flushed == ["toynet", "deep", "blocks"]


@NOTED
@pytest.mark.parametrize(
    ("durability", "written", "at_the_end"),
    [
        (Durability.NONE, [], []),
        (Durability.BATCH, [], ["headers.bin", "toynet", "deep", "blocks", "blk00000.dat", "index.bin"]),
        (
            Durability.BLOCK,
            ["headers.bin", "toynet", "deep", "blocks", *["blk00000.dat", "index.bin"] * 2, "headers.bin"],
            [],
        ),
    ],
)
def test_what_is_flushed_when_is_the_policys(
    path: Path, durability: Durability, written: list[str], at_the_end: list[str]
) -> None:
    filled(path)
    disk, more = NotingDisk(), toy_chain(2, parent=CHAIN[-1])
    with Store.open(path, TOYNET, disk=disk, durability=durability) as store:
        add_headers(store, more)
        for block in more:
            store.put_block(toy_hash(block), block)
        store.mark_invalid(toy_hash(more[0]))
        assert disk.flushed == written
        disk.flushed.clear()
    assert disk.flushed == at_the_end
    with Store.open(path, TOYNET) as store:
        assert store.get_block(8) == more[1]


def test_a_flush_that_fails_is_told_and_the_lock_is_given_back(path: Path) -> None:
    disk = FailingDisk(errno.EIO)
    store = Store.open(path, TOYNET, disk=disk)
    add_headers(store, CHAIN)
    disk.cannot_sync = True
    with pytest.raises(StoreError, match="the disk reports errors"):
        store.close()
    Store.open(path, TOYNET).close()


def test_a_directory_that_cannot_be_flushed_is_named(path: Path) -> None:
    disk = FailingDisk(errno.EIO)
    with Store.open(path, TOYNET, disk=disk) as store:
        disk.cannot_sync_directory = True
        with pytest.raises(StoreError, match=r"cannot write .*/toynet: "):
            store.sync()
        disk.cannot_sync_directory = False


def test_closing_twice_is_closing_once(path: Path) -> None:
    store = Store.open(path, TOYNET)
    store.close()
    store.close()


def test_a_killed_process_holds_no_lock(path: Path) -> None:
    store = Store.open(path, TOYNET)
    add_headers(store, CHAIN)
    abandon(store)
    with Store.open(path, TOYNET) as again:
        assert again.tree.tip.hash == HASHES[-1]


def test_a_dropped_block_can_be_put_again_and_nothing_else_changes(path: Path) -> None:
    filled(path)
    with Store.open(path, TOYNET) as store:
        store.drop_block(HASHES[3])
        store.drop_block(bytes(32))
        store.drop_block(3)  # not stored
        assert list(store.stored_positions()) == [1, 2, 6]
        store.put_block(4, CHAIN[3])
    with Store.open(path, TOYNET) as store:
        assert [store.get_block(position) for position in (1, 2, 4, 6)] == [CHAIN[0], CHAIN[1], CHAIN[3], CHAIN[5]]


def test_a_store_prunes_as_it_was_told_when_it_was_opened(path: Path) -> None:
    size = len(CHAIN[0]) + 8
    with Store.open(path, TOYNET, prune=2 * size) as store:
        add_headers(store, CHAIN)
        for block in CHAIN:
            store.put_block(toy_hash(block), block)
        store.prune(4)
        assert store.pruned_below == 4
        assert list(store.stored_positions()) == [4, 5, 6]
        store.prune(100)
        assert list(store.stored_positions()) == [5, 6]
    with Store.open(path, TOYNET) as store:
        store.prune(100)
        assert (store.pruned_below, store.prune_size) == (5, None)
        assert list(store.stored_positions()) == [5, 6]


def test_a_directory_that_keeps_all_is_not_pruned(path: Path) -> None:
    filled(path)
    with Store.open(path, TOYNET) as store:
        store.prune(100)
        assert store.pruned_below == 0
        assert list(store.stored_positions()) == [1, 2, 4, 6]
