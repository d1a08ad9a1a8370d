"""The address book on disk: what was saved is there again, and what cannot be read costs no more than itself."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headway.errors import StoreError
from headway.networks import network_named
from headway.store import peers
from headway.store.peers import NAME, PeerStore
from headway.types import Address, Ban, BookChanges, BookRecords, PeerMerit, PeerRecord
from tests.toynet import TOYNET

KEY = bytes(range(32))
A = PeerRecord(Address("8.8.8.8", 8333, 1 << 63, 1_700_000_000), "9.9.9.9", buckets=(3, 1_023), missed=2)
B = PeerRecord(
    Address("2a01::1", 8333),
    tried=True,
    last_tried=7,
    last_success=8,
    other_chain=True,
    merit=PeerMerit("/far:1/", 70_016, 800_000, 0.05, 12.5, (("STALLED", 2), ("IDLE", 1))),
)
C = PeerRecord(Address("b" * 52 + ".b32.i2p", 0))
BAN, SHUN = Ban("1.2.3.0/24", 200, 100, reason="mine"), Ban("8.8.8.8", 300, 100, by_operator=False, reason="bad")


def save(directory: Path, **changes: Any) -> None:
    with PeerStore.open(directory, TOYNET) as store:
        store.save(BookChanges(KEY, **changes))


def load(directory: Path) -> BookRecords:
    with PeerStore.open(directory, TOYNET) as store:
        assert store.repairs == ()
        return store.load()


def corrupted(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob(f"{NAME}*") if "corrupt" in path.name)


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The file of a saved book, opened behind our back."""
    save(tmp_path, peers=(A, B, C), bans=(BAN, SHUN), anchors=(A.address,))
    with closing(sqlite3.connect(tmp_path / NAME, isolation_level=None)) as connection:
        yield connection


def test_what_was_saved_is_there_again(tmp_path: Path) -> None:
    save(tmp_path, peers=(A, B, C), bans=(BAN, SHUN), anchors=(B.address, A.address))
    found = load(tmp_path)
    assert set(found.peers) == {A, B, C}
    services = {record.address.host: (record.address.services, record.address.last_seen) for record in found.peers}
    assert services["8.8.8.8"] == (1 << 63, 1_700_000_000)
    assert set(found.bans) == {BAN, SHUN}
    assert found.anchors == (B.address, A.address)


def test_the_file_keeps_one_secret_of_its_own(tmp_path: Path) -> None:
    keys = {load(tmp_path).key, load(tmp_path).key}
    save(tmp_path, peers=(A,))
    assert {load(tmp_path).key} == keys
    (tmp_path / "other").mkdir()
    assert load(tmp_path / "other").key not in keys


def test_changes_take_the_place_of_what_was_and_what_is_gone_goes(tmp_path: Path) -> None:
    save(tmp_path, peers=(A, B, C), bans=(BAN, SHUN))
    newer = PeerRecord(Address("8.8.8.8", 8333, 1), "9.9.9.9", missed=3)
    longer = Ban("1.2.3.0/24", 900, 100)
    save(tmp_path, peers=(newer,), gone=(C.address, Address("7.7.7.7", 1)), bans=(longer,), lifted=(SHUN,))
    found = load(tmp_path)
    assert set(found.peers) == {newer, B}
    assert found.bans == (longer,)


def test_anchors_are_told_once(tmp_path: Path) -> None:
    save(tmp_path, anchors=(A.address,))
    assert load(tmp_path).anchors == (A.address,)
    assert load(tmp_path).anchors == ()


def test_anchors_stay_until_somebody_says_otherwise(tmp_path: Path) -> None:
    with PeerStore.open(tmp_path, TOYNET) as store:
        store.save(BookChanges(KEY, anchors=(A.address,)))
        store.save(BookChanges(KEY, peers=(A,)))
        store.save(BookChanges(KEY, anchors=(B.address,)))
    assert load(tmp_path).anchors == (B.address,)


def test_a_book_of_another_network_is_refused(tmp_path: Path) -> None:
    save(tmp_path, peers=(A,))
    with pytest.raises(StoreError, match="holds toynet, not regtest: use --network toynet"):
        PeerStore.open(tmp_path, network_named("regtest"))
    assert set(load(tmp_path).peers) == {A}


def test_a_book_of_a_newer_headway_is_refused_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "VERSION", 7)
    save(tmp_path, peers=(A,))
    monkeypatch.undo()
    with pytest.raises(StoreError, match=r"of a newer headway \(format 7, and this one reads 1\): upgrade"):
        PeerStore.open(tmp_path, TOYNET)
    assert corrupted(tmp_path) == []


# Damage.


@pytest.mark.parametrize("content", [b"nonsense" * 200, b"SQLite format 3\0" + bytes(100), b"\0" * 4_096])
def test_what_is_no_database_is_set_aside_and_a_new_one_begun(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with PeerStore.open(tmp_path, TOYNET) as store:
        assert store.load().peers == ()
        (repair,) = store.repairs
        store.save(BookChanges(KEY, peers=(A,)))
    assert f"aside as {NAME}.corrupt-1 and began a new one" in repair
    assert (tmp_path / f"{NAME}.corrupt-1").read_bytes() == content
    assert load(tmp_path).peers == (A,)


def test_each_damaged_file_is_kept_by_a_name_of_its_own(tmp_path: Path) -> None:
    for content in (b"first damage", b"second damage"):
        (tmp_path / NAME).write_bytes(content)
        PeerStore.open(tmp_path, TOYNET).close()
    assert corrupted(tmp_path) == [f"{NAME}.corrupt-1", f"{NAME}.corrupt-2"]


def test_the_log_of_a_file_that_is_gone_is_no_damage(tmp_path: Path) -> None:
    """A kill while a damaged file was set aside leaves one."""
    (tmp_path / f"{NAME}-wal").write_bytes(b"its log")
    assert load(tmp_path).peers == ()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE peers",
        "DROP TABLE head",
        "DELETE FROM head",
        "UPDATE head SET bytes = 'text'",
        "UPDATE head SET bytes = zeroblob(96)",
        "INSERT INTO head SELECT bytes FROM head",
        "DELETE FROM secret",
        "UPDATE secret SET bytes = x'00'",
        "ALTER TABLE peers DROP COLUMN missed",
        "ALTER TABLE bans RENAME TO bands",
    ],
)
def test_a_database_that_is_not_ours_any_more_is_set_aside(
    tmp_path: Path, raw: sqlite3.Connection, statement: str
) -> None:
    raw.execute(statement)
    raw.close()
    with PeerStore.open(tmp_path, TOYNET) as store:
        assert store.load().peers == ()
        assert "aside" in store.repairs[0]
    assert len(corrupted(tmp_path)) == 1


def test_rows_that_make_no_sense_are_passed_over_and_counted(tmp_path: Path, raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE peers SET port = 99999 WHERE host = '8.8.8.8'")
    raw.execute("UPDATE bans SET until = 'never' WHERE by_operator")
    raw.execute("UPDATE peers SET user_agent = CAST(x'ff1b' AS TEXT) WHERE host = '2a01::1'")
    raw.execute("UPDATE anchors SET host = ''")
    raw.close()
    with PeerStore.open(tmp_path, TOYNET) as store:
        found = store.load()
        assert store.repairs == (f"passed over 3 rows of {tmp_path / NAME} that make no sense",)
    assert [record.address for record in found.peers] == [B.address, C.address]
    assert found.peers[0].merit.user_agent == "\ufffd?"
    assert found.bans == (SHUN,)
    assert found.anchors == ()


def test_any_flipped_byte_leaves_a_book_that_opens(tmp_path: Path) -> None:
    save(tmp_path, peers=(A, B, C), bans=(BAN, SHUN), anchors=(A.address,))
    whole = (tmp_path / NAME).read_bytes()
    outcomes = set()
    for at in range(0, len(whole), 311):
        directory = tmp_path / str(at)
        directory.mkdir()
        damaged = bytearray(whole)
        damaged[at] ^= 0x5A
        (directory / NAME).write_bytes(damaged)
        with PeerStore.open(directory, TOYNET) as store:
            assert len(store.load().peers) <= 3
            store.save(BookChanges(KEY, peers=(A,)))
            outcomes.add(tuple(repair.split()[0] for repair in store.repairs))
    assert {(), ("set",)} <= outcomes


def test_any_length_that_a_file_was_cut_to_leaves_a_book_that_opens(tmp_path: Path) -> None:
    save(tmp_path, peers=(A, B, C), bans=(BAN, SHUN))
    whole = (tmp_path / NAME).read_bytes()
    for length in range(0, len(whole), 811):
        directory = tmp_path / str(length)
        directory.mkdir()
        (directory / NAME).write_bytes(whole[:length])
        with PeerStore.open(directory, TOYNET) as store:
            found = store.load().peers
            assert set(found) == {A, B, C} or (found == () and bool(store.repairs) == (length > 0))


# What keeps it from its file.


def test_a_file_that_another_program_holds_is_a_store_error(
    tmp_path: Path, raw: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "BUSY_TIMEOUT", 0.01)
    raw.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another program has it open"):
        PeerStore.open(tmp_path, TOYNET)
    raw.execute("ROLLBACK")
    raw.close()
    assert len(load(tmp_path).peers) == 3


def test_a_reader_keeps_nobody_from_writing(tmp_path: Path, raw: sqlite3.Connection) -> None:
    raw.execute("BEGIN")
    (before,) = raw.execute("SELECT count(*) FROM peers").fetchone()
    save(tmp_path, gone=(A.address,))
    (still,) = raw.execute("SELECT count(*) FROM peers").fetchone()
    raw.execute("ROLLBACK")
    (after,) = raw.execute("SELECT count(*) FROM peers").fetchone()
    assert (before, still, after) == (3, 3, 2)


def test_a_directory_that_is_not_there_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot open .*addrbook\.sqlite: unable to open database file \(check"):
        PeerStore.open(tmp_path / "absent", TOYNET)


def test_a_damaged_file_that_cannot_be_renamed_is_a_store_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).write_bytes(b"damage" * 1_000)

    def refuse(_path: Path, _target: Path) -> Path:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StoreError, match=r"cannot set aside .*Permission denied"):
        PeerStore.open(tmp_path, TOYNET)


def test_a_full_disk_is_a_store_error_and_costs_only_what_is_new(tmp_path: Path) -> None:
    save(tmp_path, peers=(A, B, C))
    many = tuple(PeerRecord(Address(f"8.8.{n >> 8}.{n & 255}", 1)) for n in range(5_000))
    with PeerStore.open(tmp_path, TOYNET) as store:
        store._connection.execute("PRAGMA max_page_count = 12")
        with pytest.raises(StoreError, match=r"full \(free some space"):
            store.save(BookChanges(KEY, peers=many))
        store.save(BookChanges(KEY, gone=(A.address,)))
    assert set(load(tmp_path).peers) == {B, C}


def test_closing_twice_does_nothing(tmp_path: Path) -> None:
    store = PeerStore.open(tmp_path, TOYNET)
    store.close()
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]  # what SQLite keeps beside it is gone
