"""Crash safety by construction: the store is ended in each step of a sync, and must go on as if it had not been.

The steps are all changes of the disk that a scripted sync makes (files made, writes, truncations); each is the last one
in turn, and each write is cut at every 48th byte besides. See `tests.crashes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from headway.cli.verify.directory import judge_directory
from headway.cli.verify.report import Report
from headway.networks import network_named
from headway.store import DiskFull, Store, blocks
from tests.chain_builder import block_hash, block_time, regtest_chain
from tests.crashes import (
    Action,
    AddHeaders,
    CutDisk,
    Flush,
    FullDisk,
    Killed,
    MarkInvalid,
    Prune,
    PutBlock,
    Script,
    Snapshot,
    abandon,
    cuts,
    final_state,
    live,
    restore,
    snapshot,
)

REGTEST = network_named("regtest")
TRUNK = regtest_chain(14)
FORK = regtest_chain(9, parent=TRUNK[7], salt=1)


KEPT = 8
"""Height from which on the pruned sync keeps all blocks."""


def scripted_sync() -> Script:
    """14 headers in two messages, most of their blocks out of order, one block found invalid, and a longer fork."""
    actions: list[Action] = [
        headers(TRUNK[:6]),
        *map(put, (TRUNK[2], TRUNK[0], TRUNK[1], TRUNK[5])),
        headers(TRUNK[6:]),
        *map(put, (TRUNK[4], TRUNK[9], TRUNK[3], TRUNK[8])),
        MarkInvalid(block_hash(TRUNK[12])),
        headers(FORK[:1]),
        headers(FORK[1:]),
        *map(put, (FORK[0], FORK[8], TRUNK[7])),
    ]
    return Script(REGTEST, actions)


def pruned_sync() -> Script:
    """The same with pruning as it goes, files of two blocks, and a flush now and then."""
    actions = list(scripted_sync().actions)
    between: list[tuple[int, Action]] = [(3, Flush()), (5, Prune(2)), (7, Prune(3)), (9, Prune(6)), (11, Prune(7))]
    for at, action in reversed(between):
        actions.insert(at, action)
    actions += [Prune(KEPT), Flush(), *map(put, FORK[1:8]), Prune(KEPT)]
    return Script(REGTEST, actions, prune=3_400)


SYNCS = pytest.mark.parametrize("sync", [scripted_sync, pruned_sync])


def headers(chain: list[bytes]) -> AddHeaders:
    return AddHeaders(b"".join(block[:80] for block in chain))


def put(block: bytes) -> PutBlock:
    return PutBlock(block_hash(block), block)


@pytest.fixture(autouse=True)
def _small_block_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few blocks fill one, and the step to the next is among those that are cut."""
    monkeypatch.setattr(blocks, "MAX_FILE_SIZE", 1_200)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """Names of directories that do not exist yet."""
    return (tmp_path / str(number) for number in count())


def steps_of(path: Path, script: Script) -> list[int]:
    disk = CutDisk()
    assert live(path, script, disk)
    return disk.steps


def end_of(store: Store) -> tuple[object, ...]:
    return final_state(store, KEPT if store.prune_size else 0)


def expected(path: Path, script: Script) -> tuple[object, ...]:
    with script.open(path) as store:
        return end_of(store)


def recover_and_finish(path: Path, killed: Script, sync: Callable[[], Script], end: tuple[object, ...]) -> None:
    """Open after a kill: what was reported is there, and the script goes on to the same end, with nothing to repair."""
    with killed.open(path) as store:
        killed.check(store)
        sync().run(store)
        assert end_of(store) == end
    with killed.open(path) as store:
        assert end_of(store) == end
        assert store.repairs == ()
    assert_nothing_between_blocks(path)


def assert_it_verifies(path: Path, script: Script) -> None:
    report = Report()
    judge_directory(path, REGTEST, block_time(FORK[-1]), report)
    assert report.headers == len(TRUNK) + len(FORK)
    if script.prune:
        assert 2 <= report.pruned_below <= KEPT
        assert sum(file.stat().st_size for file in path.glob("blocks/blk*.dat")) <= script.prune + 3 * 400
    else:
        assert (report.blocks, report.pruned_below) == (11, 0)


def assert_nothing_between_blocks(path: Path) -> None:
    """The blk files are what any reader of Core's format expects: frames, one after another, to the end."""
    for file in path.glob("blocks/blk*.dat"):
        content, at = file.read_bytes(), 0
        while at < len(content):
            magic, length = blocks.FRAME.unpack_from(content, at)
            assert magic == REGTEST.magic
            at += blocks.FRAME.size + length
        assert at == len(content)


def test_the_script_rolls_block_files_reorganises_and_marks_a_block_invalid(fresh: Iterator[Path]) -> None:
    path = next(fresh)
    assert len(steps_of(path, scripted_sync())) >= 40
    assert len(list(path.glob("blocks/blk*.dat"))) >= 3
    with Store.open(path, REGTEST) as store:
        assert store.tree.tip.hash == block_hash(FORK[-1])
        invalid = [position for position in range(len(store.tree)) if not store.tree.is_valid(position)]
        assert [store.tree.hash(position) for position in invalid] == [block_hash(TRUNK[12]), block_hash(TRUNK[13])]


def test_the_pruned_script_prunes_step_by_step_and_keeps_what_it_must(fresh: Iterator[Path]) -> None:
    path = next(fresh)
    disk = CutDisk()
    assert live(path, pruned_sync(), disk)
    assert disk.removed >= 3
    assert disk.allocated >= 5
    with Store.open(path, REGTEST) as store:
        assert 2 <= store.pruned_below <= KEPT
        heights = {store.tree.height(position) for position in store.stored_positions()}
        assert heights >= set(range(KEPT, 17)) - {11, 12, 13, 14}
        assert min(heights) >= 2


@SYNCS
def test_a_kill_in_any_step_of_a_sync_loses_nothing_that_was_reported(
    fresh: Iterator[Path], sync: Callable[[], Script]
) -> None:
    path = next(fresh)
    steps = steps_of(path, sync())
    end = expected(path, sync())
    for stop_at, keep in cuts(steps, every=48):
        path, script = next(fresh), sync()
        assert not live(path, script, CutDisk(stop_at, keep))
        recover_and_finish(path, script, sync, end)
        assert_it_verifies(path, script)


@SYNCS
def test_a_kill_in_any_step_of_the_recovery_loses_nothing_either(
    fresh: Iterator[Path], sync: Callable[[], Script]
) -> None:
    path = next(fresh)
    steps = steps_of(path, sync())
    end = expected(path, sync())
    seen: list[Snapshot] = []
    for stop_at, keep in cuts(steps, every=64):
        path, script = next(fresh), sync()
        live(path, script, CutDisk(stop_at, keep))
        left = snapshot(path)
        if left in seen:
            continue
        seen.append(left)
        for again_at, again_keep in cuts(recovery_steps(restore(next(fresh), left), script), every=64):
            path = restore(next(fresh), left)
            with pytest.raises(Killed):
                script.open(path, CutDisk(again_at, again_keep))
            recover_and_finish(path, script, sync, end)
    assert len(seen) > 60


def recovery_steps(path: Path, script: Script) -> list[int]:
    disk = CutDisk()
    abandon(script.open(path, disk))
    return disk.steps


@SYNCS
def test_a_store_that_is_killed_again_and_again_still_gets_to_the_end(
    fresh: Iterator[Path], sync: Callable[[], Script]
) -> None:
    path = next(fresh)
    steps_of(path, sync())
    end = expected(path, sync())
    path, script = next(fresh), sync()
    lives = 1
    while not live(path, script, CutDisk(stop_at=8 + lives % 4, keep=lives * 7 % 50)):
        lives += 1
        assert lives < 200, "every life must get further than the one before"
    recover_and_finish(path, script, sync, end)
    assert lives > 5


@SYNCS
def test_a_disk_that_is_full_in_any_step_leaves_what_was_reported_and_it_goes_on_when_there_is_room(
    fresh: Iterator[Path], sync: Callable[[], Script]
) -> None:
    path = next(fresh)
    steps = steps_of(path, sync())
    end = expected(path, sync())
    refusals = 0
    for stop_at, keep in cuts(steps, every=48):
        path, script, disk = next(fresh), sync(), FullDisk(stop_at, keep)
        while not lives(path, script, disk):
            disk.has_room = True
            with script.open(path) as store:
                assert store.repairs == ()
                script.check(store)
        refusals += disk.refused
        with script.open(path) as store:
            assert end_of(store) == end
            assert store.repairs == ()
        assert_nothing_between_blocks(path)
        assert_it_verifies(path, script)
    assert refusals > len(steps) / 3


def lives(path: Path, script: Script, disk: FullDisk) -> bool:
    """One life of a process; False when there was no room, which it says."""
    try:
        with script.open(path, disk) as store:
            script.run(store)
            script.check(store)
    except DiskFull:
        return False
    return True
