"""A data directory judged again: sound ones, damaged ones, and one that is being written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from headway.chain import records
from headway.cli.verify.directory import _stored, judge_directory
from headway.cli.verify.headers import HeaderJudge
from headway.cli.verify.repair import repair_directory
from headway.cli.verify.report import Fault, Report, Unreadable
from headway.cli.verify.work import Workers
from headway.network import Limits
from headway.networks import network_named
from headway.store import Store
from headway.store.blocks import BlockFiles
from headway.store.disk import Disk
from headway.store.format import HEAD_SIZE
from headway.testing.chain import store_chain
from headway.testing.neo_chain import NeoChain, neo_network, validators
from headway.types import BlockId
from tests.chain_builder import GENESIS, SPACING, assemble, block_hash, block_time, coinbase, regtest_chain
from tests.sealednet import PARSER, SEALED, seal, sealed_chain, sealed_headers
from tests.toynet import toy_chain

REGTEST = network_named("regtest")
CHAIN = regtest_chain(12, transactions_per_block=1)
FORK = regtest_chain(8, parent=CHAIN[5], salt=1)
"""From height 7 to 14."""
NOW = block_time(FORK[-1])
STATIC = REGTEST.rules.static_unchecked


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A directory with a chain of 12, a longer fork at height 6, and eight blocks out of order."""
    with Store.open(tmp_path, REGTEST) as store:
        append(store, CHAIN[:9])
        append(store, CHAIN[9:])
        append(store, FORK)
        for block in (CHAIN[3], FORK[7], CHAIN[11], CHAIN[0], *CHAIN[4:7], FORK[0]):
            store.put_block(block_hash(block), block)
    return tmp_path


def append(store: Store, blocks: list[bytes]) -> None:
    raw = b"".join(block[:80] for block in blocks)
    store.tree.restore(raw)
    store.append_headers(raw)


def judged(path: Path, *, wall_time: float = NOW) -> Report:
    report = Report()
    judge_directory(path, REGTEST, wall_time, report)
    return report


def refused(path: Path) -> str:
    with pytest.raises(Fault) as caught:
        judged(path)
    return str(caught.value)


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_every_header_and_every_stored_block_is_judged(path: Path) -> None:
    report = judged(path)
    assert (report.headers, report.blocks) == (20, 8)
    assert report.tip is not None
    assert (report.tip.height, report.tip.hash) == (14, block_hash(FORK[-1]))
    assert report.unchecked == dict.fromkeys(STATIC, 8)


def test_a_directory_with_genesis_alone_is_sound(tmp_path: Path) -> None:
    Store.open(tmp_path, REGTEST).close()
    report = judged(tmp_path)
    assert (report.headers, report.blocks) == (0, 0)
    assert report.tip is not None
    assert report.tip.hash == block_hash(GENESIS)


@pytest.mark.parametrize(
    ("block", "rule"),
    [
        (assemble(block_hash(CHAIN[8]), block_time(CHAIN[3]), [coinbase(10)]), "time-too-old"),
        (
            assemble(block_hash(CHAIN[8]), block_time(CHAIN[8]) + SPACING, [coinbase(10)], bits=0x207FFFFE),
            "bad-diffbits",
        ),
        (assemble(block_hash(CHAIN[8]), block_time(CHAIN[8]) + SPACING, [coinbase(10)], version=1), "bad-version"),
    ],
    ids=["time", "bits", "version"],
)
def test_headers_are_judged_not_just_restored(tmp_path: Path, block: bytes, rule: str) -> None:
    with Store.open(tmp_path, REGTEST) as store:
        append(store, CHAIN[:9])
        append(store, [block])
    assert refused(tmp_path).startswith(f"block 10:{block_hash(block)[::-1].hex()}: {rule}")


def test_a_header_ahead_of_the_clock_is_told_apart(path: Path) -> None:
    with pytest.raises(Fault) as caught:
        judged(path, wall_time=NOW - 7_201)
    assert caught.value.only_time


@pytest.mark.parametrize("at", [100, 200, -1])
def test_a_stored_block_that_changed_is_refused(path: Path, at: int) -> None:
    """Not the frame: that is damage of the file."""
    file = path / "blocks" / "blk00000.dat"
    flip(file, 8 + at if at >= 0 else file.stat().st_size - 1)
    height = 4 if at >= 0 else 7
    assert refused(path).startswith(f"block {height}:")


def test_a_stored_block_is_held_to_the_median_time_of_its_parent(tmp_path: Path) -> None:
    with Store.open(tmp_path, REGTEST) as store:
        append(store, CHAIN)
        store.put_block(12, CHAIN[11])
    assert "lock-time-median" not in judged(tmp_path).unchecked


def torn_log(path: Path) -> None:
    (path / "headers.bin").write_bytes((path / "headers.bin").read_bytes()[:-1])


def torn_index(path: Path) -> None:
    (path / "blocks" / "index.bin").write_bytes((path / "blocks" / "index.bin").read_bytes() + b"torn")


def torn_block(path: Path) -> None:
    (path / "blocks" / "blk00000.dat").write_bytes((path / "blocks" / "blk00000.dat").read_bytes() + b"torn")


@pytest.mark.parametrize("tear", [torn_log, torn_index, torn_block])
def test_an_unfinished_write_is_a_fault_unless_it_is_under_way(path: Path, tear: Callable[[Path], None]) -> None:
    with Store.open(path, REGTEST):
        tear(path)
        assert judged(path).valid
    assert "truncated (" in refused(path)
    Store.open(path, REGTEST).close()
    assert judged(path).valid


def test_it_may_be_judged_while_another_writes(path: Path) -> None:
    with Store.open(path, REGTEST) as store:
        store.put_block(block_hash(CHAIN[1]), CHAIN[1])
        assert judged(path).blocks == 9


def damaged_log(path: Path) -> None:
    flip(path / "headers.bin", HEAD_SIZE + 50)


def damaged_head(path: Path) -> None:
    flip(path / "headers.bin", 70)


def damaged_index(path: Path) -> None:
    flip(path / "blocks" / "index.bin", HEAD_SIZE + 50)


def damaged_frame(path: Path) -> None:
    flip(path / "blocks" / "blk00000.dat", 4)


@pytest.mark.parametrize("damage", [damaged_log, damaged_head, damaged_index, damaged_frame])
def test_damage_is_a_fault(path: Path, damage: Callable[[Path], None]) -> None:
    damage(path)
    assert "damaged (" in refused(path)


def test_blocks_that_are_gone_are_a_fault(path: Path) -> None:
    (path / "blocks" / "blk00000.dat").write_bytes(b"")
    assert "damaged (8 stored blocks are gone" in refused(path)


def test_condemned_blocks_are_counted_and_not_judged(path: Path) -> None:
    with Store.open(path, REGTEST) as store:
        store.mark_invalid(block_hash(FORK[2]))
    report = judged(path)
    assert report.unchecked["blocks-marked-invalid"] == 6
    assert report.blocks == 7
    assert report.tip is not None
    assert report.tip.hash == block_hash(CHAIN[-1])


def test_blocks_whose_header_is_gone_are_counted(path: Path) -> None:
    (path / "headers.bin").unlink()
    with Store.open(path, REGTEST) as store:
        append(store, CHAIN)
    report = judged(path)
    assert report.blocks == 6
    assert report.unchecked["blocks-without-header"] == 2


@pytest.mark.parametrize(
    ("batches", "reason"),
    [
        ([CHAIN[:3], CHAIN[1:4]], "duplicate (2 headers are in the log twice)"),
        ([CHAIN[:3], CHAIN[:3]], "duplicate (3 headers are in the log twice)"),
        ([CHAIN[:3], CHAIN[4:]], "bad-prevblk (its parent is not in the log)"),
    ],
)
def test_a_log_that_makes_no_sense_is_refused(tmp_path: Path, batches: list[list[bytes]], reason: str) -> None:
    with Store.open(tmp_path, REGTEST) as store:
        for batch in batches:
            store.append_headers(b"".join(block[:80] for block in batch))
    assert reason in refused(tmp_path)


def test_a_mark_on_an_unknown_block_is_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path, REGTEST) as store:
        store.mark_invalid(bytes(32))
    assert "a block is marked invalid whose header is not in the log" in refused(tmp_path)


def test_another_network_another_directory_and_none_are_no_verdict(path: Path) -> None:
    with pytest.raises(Unreadable, match="use --network regtest"):
        judge_directory(path, network_named("signet"), NOW, Report())
    with pytest.raises(Unreadable, match="is no data directory of headway"):
        judged(path / "blocks")
    with pytest.raises(Unreadable, match="is no data directory of headway"):
        judged(path / "absent")


def test_as_many_headers_as_there_are_are_judged_whatever_their_work(path: Path) -> None:
    demanding = replace(REGTEST, minimum_chainwork=1 << 200, limits=Limits(max_low_work_headers=1))
    report = Report()
    judge_directory(path, demanding, NOW, report)
    assert report.headers == 20


def sealed_directory(path: Path, headers: list[bytes], blocks: list[bytes]) -> Path:
    """With the headers of some sealed blocks and with others of them whole."""
    with Store.open(path, SEALED) as store:
        for batch in (headers[:7], headers[7:]):
            raw = records.pack(sealed_headers(batch), 0)
            store.tree.restore(raw)
            store.append_headers(raw)
        for block in blocks:
            store.put_block(PARSER.block_header(block).hash, block)
    return path


def judged_sealed(path: Path) -> Report:
    report = Report()
    judge_directory(path, SEALED, 2e9, report)
    return report


def test_headers_with_proofs_and_blocks_with_their_own_are_checked_in_full(tmp_path: Path) -> None:
    chain = sealed_chain(20)
    other_copy = seal(toy_chain(5)[4], b"ok, and another one than in the log")
    report = judged_sealed(sealed_directory(tmp_path, chain, [chain[9], other_copy, chain[3]]))
    assert (report.headers, report.blocks) == (20, 3)
    assert report.tip is not None
    assert report.tip.height == 20
    assert report.unchecked == {"everything": 3}


@pytest.mark.parametrize("at", [0, 6, 7, 19])
def test_a_header_in_the_log_without_a_proof_is_refused(tmp_path: Path, at: int) -> None:
    chain = sealed_chain(20)
    chain[at] = seal(toy_chain(at + 1)[at], b"garbage")
    with pytest.raises(Fault, match="bad-witness") as caught:
        judged_sealed(sealed_directory(tmp_path, chain, []))
    assert caught.value.block is not None
    assert caught.value.block.height == at + 1


def test_a_stored_block_without_a_proof_is_refused(tmp_path: Path) -> None:
    chain = sealed_chain(20)
    with pytest.raises(Fault, match="bad-seal"):
        judged_sealed(sealed_directory(tmp_path, chain, [chain[2], seal(toy_chain(5)[4], b"garbage")]))


def test_a_second_chain_in_the_log_of_a_final_one_is_a_conflict(tmp_path: Path) -> None:
    directory = sealed_directory(tmp_path, sealed_chain(8), [])
    rival = sealed_chain(2, salt=1)
    with Store.open(directory, SEALED) as store:
        store.append_headers(records.pack(sealed_headers(rival), 0))
    with pytest.raises(Fault, match="conflict") as caught:
        judged_sealed(directory)
    assert caught.value.block == BlockId(1, PARSER.block_header(rival[0]).hash)


def test_records_that_are_no_headers_are_damage(tmp_path: Path) -> None:
    directory = sealed_directory(tmp_path, sealed_chain(8), [])
    with Store.open(directory, SEALED) as store:
        store.append_headers((5).to_bytes(4, "little") + b"small")
    with pytest.raises(Fault, match="damaged"):
        judged_sealed(directory)


def pruned(path: Path, keep_from: int = 4) -> Path:
    """A directory with a chain of 12, pruned."""
    with Store.open(path, REGTEST, prune=1) as store:
        append(store, CHAIN)
        for block in CHAIN:
            store.put_block(block_hash(block), block)
        store.prune(keep_from)
    return path


def test_a_pruned_directory_is_valid_and_says_from_where(tmp_path: Path) -> None:
    report = judged(pruned(tmp_path))
    assert (report.headers, report.blocks, report.pruned_below) == (12, 9, 4)
    assert report.data()["pruneheight"] == 4
    assert list(report.data()) == ["valid", "headers", "blocks", "tip", "pruneheight", "unchecked", "error"]
    assert "blocks     9 (pruned: those from height 4 on are kept)" in report.text()


def test_files_that_pruning_has_not_removed_yet_are_no_fault(tmp_path: Path) -> None:
    with Store.open(tmp_path, REGTEST, prune=1) as store:
        append(store, CHAIN)
        for block in CHAIN:
            store.put_block(block_hash(block), block)
    before = {file: file.read_bytes() for file in tmp_path.glob("blocks/blk*.dat")}
    with Store.open(tmp_path, REGTEST, prune=1) as store:
        store.prune(4)
    for file, content in before.items():
        file.write_bytes(content)
    assert judged(tmp_path).blocks == 9


def test_a_file_of_a_pruned_directory_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    pruned(tmp_path)
    (tmp_path / "blocks/blk00005.dat").unlink()
    assert "damaged (1 stored blocks are gone" in refused(tmp_path)


def test_what_another_process_prunes_meanwhile_is_no_fault_and_what_it_loses_is(tmp_path: Path) -> None:
    pruned(tmp_path)

    def judged_while(happens: Callable[[Store], None]) -> Report:
        report = Report()
        with (
            Store.open(tmp_path, REGTEST, prune=1) as store,
            closing(BlockFiles(tmp_path / "blocks", REGTEST, Disk(), readonly=True)) as blocks,
            Workers(REGTEST) as workers,
        ):
            judge = HeaderJudge(REGTEST, NOW, report, workers)
            blocks.load(store.tree.find, store.tree.height)
            happens(store)
            for _ in _stored(blocks, store.tree, judge, tmp_path):
                report.blocks += 1
        return report

    report = judged_while(lambda store: store.prune(7))
    assert (report.blocks, report.unchecked["blocks-pruned-meanwhile"]) == (6, 3)
    with pytest.raises(Fault, match="damaged"):
        judged_while(lambda _: (tmp_path / "blocks/blk00008.dat").unlink())


def test_damage_that_breaks_no_rule_is_told_by_its_sum(tmp_path: Path) -> None:
    """Witnesses of Neo's transactions lie outside every hash."""
    signers = validators(4)
    network = neo_network("neo3", signers)
    chain = list(NeoChain(network, signers, transactions=(1, 3)).blocks(5))
    with Store.open(tmp_path, network) as store:
        list(store_chain(store, chain, network=network))
    file = tmp_path / "blocks/blk00000.dat"
    flip(file, file.read_bytes().index(chain[2]) + len(chain[2]) - 1)
    report = Report()
    with pytest.raises(Fault) as caught:
        judge_directory(tmp_path, network, 2e9, report)
    assert (caught.value.rule, caught.value.block and caught.value.block.height) == ("damaged", 3)
    assert "blk00000.dat is damaged at byte" in caught.value.detail
    (done,) = repair_directory(tmp_path, network)
    assert done.startswith("took out 1 damaged blocks, 3:")
