"""The header log: what is appended is replayed; a torn tail is dropped; damage before whole batches is refused."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from headway.errors import StoreError
from headway.network import Network
from headway.store.disk import DamagedFile, Disk
from headway.store.format import HEAD_SIZE
from headway.store.headers import HeaderLog, Kind
from tests.sealednet import SEALED
from tests.toynet import HEADER_SIZE, TOYNET, ToyRules, toy_chain

RAW = [block[:HEADER_SIZE] for block in toy_chain(9)]
BATCHES = [b"".join(RAW[:4]), RAW[4], b"".join(RAW[5:])]
OVERHEAD = 17


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "headers.bin"


def write(path: Path, *, network: Network = TOYNET) -> None:
    log = HeaderLog(path, network, Disk())
    list(log.replay())
    for raw in BATCHES:
        log.append_headers(raw)
    log.close()


def replayed(path: Path) -> tuple[list[bytes], int]:
    """Payloads of the whole batches, and how many bytes behind them are torn."""
    log = HeaderLog(path, TOYNET, Disk(), readonly=True)
    payloads = [batch.payload for batch in log.replay()]
    log.close()
    return payloads, log.torn


def test_batches_come_back_in_order_with_what_they_are(path: Path) -> None:
    write(path)
    log = HeaderLog(path, TOYNET, Disk())
    list(log.replay())
    log.append_invalid(b"h" * 32)
    batches = list(log.replay())
    assert [(batch.kind, batch.records) for batch in batches] == [
        (Kind.HEADERS, 4),
        (Kind.HEADERS, 1),
        (Kind.HEADERS, 4),
        (Kind.INVALID, 1),
    ]
    assert [batch.payload for batch in batches] == [*BATCHES, b"h" * 32]
    assert batches[0].offset == HEAD_SIZE
    assert [batch.offset for batch in batches[1:]] == [batch.end for batch in batches[:-1]]
    assert path.stat().st_size == batches[-1].end
    log.close()


def test_memory_views_are_written_too(path: Path) -> None:
    log = HeaderLog(path, TOYNET, Disk())
    log.append_headers(memoryview(BATCHES[0]))
    assert [batch.payload for batch in log.replay()] == [BATCHES[0]]
    log.close()


def test_a_tail_cut_anywhere_leaves_the_batches_before_it(path: Path) -> None:
    write(path)
    whole = path.read_bytes()
    for size in range(HEAD_SIZE, len(whole)):
        path.write_bytes(whole[:size])
        payloads, torn = replayed(path)
        assert payloads == BATCHES[: len(payloads)]
        assert HEAD_SIZE + sum(len(payload) + OVERHEAD for payload in payloads) + torn == size
        assert torn < len(BATCHES[len(payloads)]) + OVERHEAD


def test_garbage_behind_the_last_batch_is_torn_and_can_be_cut_off(path: Path) -> None:
    write(path)
    whole = path.read_bytes()
    for garbage in (b"\0", b"\0" * 4096, b"\xfeHWB" * 100, whole[HEAD_SIZE : HEAD_SIZE + 60]):
        path.write_bytes(whole + garbage)
        assert replayed(path) == (BATCHES, len(garbage))
        log = HeaderLog(path, TOYNET, Disk())
        list(log.replay())
        log.cut_torn()
        assert log.torn == 0
        log.append_headers(RAW[0])
        assert [batch.payload for batch in log.replay()] == [*BATCHES, RAW[0]]
        log.close()


def test_a_flipped_byte_in_the_last_batch_costs_that_batch(path: Path) -> None:
    write(path)
    whole = path.read_bytes()
    last = len(BATCHES[-1]) + OVERHEAD
    for at in range(len(whole) - last, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        assert replayed(path) == (BATCHES[:-1], last)


def test_a_flipped_byte_in_the_middle_is_refused_and_says_where_and_what_to_do(path: Path) -> None:
    write(path)
    whole = path.read_bytes()
    last = len(BATCHES[-1]) + OVERHEAD
    for at in range(HEAD_SIZE, len(whole) - last):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        with pytest.raises(StoreError, match=r"headers\.bin is damaged at byte \d+, and whole again from byte"):
            replayed(path)


def test_damage_is_found_however_far_the_next_whole_batch_is(path: Path) -> None:
    write(path)
    whole = path.read_bytes()
    hole = bytes((1 << 20) - 3)  # so that the mark behind it lies across two slices of the search
    path.write_bytes(whole[: HEAD_SIZE + 10] + hole + whole[HEAD_SIZE + len(BATCHES[0]) + OVERHEAD :])
    with pytest.raises(StoreError, match="damaged at byte 96, and whole again from byte"):
        replayed(path)


def test_headers_that_are_torn_are_never_appended(path: Path) -> None:
    log = HeaderLog(path, TOYNET, Disk())
    with pytest.raises(ValueError, match="no whole number of headers, one every 44 bytes"):
        log.append_headers(RAW[0][:-1])
    assert list(log.replay()) == []
    log.close()


def test_headers_of_varying_size_carry_their_lengths(path: Path) -> None:
    varying = replace(TOYNET, rules=ToyRules(header_size=0))
    records = b"".join(len(raw).to_bytes(4, "little") + raw for raw in (b"a", b"bcd", b""))
    log = HeaderLog(path, varying, Disk())
    log.append_headers(records)
    assert [(batch.records, batch.payload) for batch in log.replay()] == [(3, records)]
    for torn in (records[:-1], records + b"\x01\0\0\0", records + b"\xff\xff\xff\xff"):
        with pytest.raises(ValueError, match="is torn"):
            log.append_headers(torn)
    log.close()


def test_a_log_of_another_network_is_closed_and_refused(path: Path) -> None:
    write(path)
    with pytest.raises(StoreError, match="use --network toynet"):
        HeaderLog(path, replace(TOYNET, name="other", magic=b"Ot"), Disk())


def test_a_whole_batch_whose_records_make_no_sense_is_damage(path: Path) -> None:
    with closing(HeaderLog(path, SEALED, Disk())) as log:
        list(log.replay())
        log.append_headers((3).to_bytes(4, "little") + b"abc")
        log._append(Kind.HEADERS, 1, b"\x09\0\0\0torn")  # as no version of ours wrote it
    with closing(HeaderLog(path, SEALED, Disk(), readonly=True)) as log:
        batches = log.replay()
        assert next(batches).records == 1
        with pytest.raises(DamagedFile, match="makes no sense"):
            next(batches)
