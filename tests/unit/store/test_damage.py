"""Flipped bits in every byte of every file of a data directory: seen, or of no consequence; and fetched again.

The directory has forks, a block that was found invalid, several files of blocks, marks, and was pruned. Each byte in
turn is changed; then the directory is judged, and opened by a sync which reads all blocks and brings what is missing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.cli.verify.directory import judge_directory
from headway.cli.verify.repair import repair_directory
from headway.cli.verify.report import Fault, Report, Unreadable
from headway.errors import StoreError
from headway.store import DamagedFile, Store
from headway.store.format import HEAD_SIZE
from headway.store.index import Location
from tests.crashes import (
    Action,
    AddHeaders,
    CutDisk,
    Flush,
    MarkInvalid,
    Prune,
    PutBlock,
    Script,
    Snapshot,
    final_state,
    live,
    restore,
    snapshot,
)
from tests.toynet import HEADER_SIZE, TOYNET, toy_chain, toy_hash

CHAIN = toy_chain(9, transaction_size=40)
FORK = toy_chain(4, salt=1, parent=CHAIN[6], transaction_size=40)
KEPT = 4
NOW = 2e9
FORMAT = range(16, 20)
"""Where the number of the format stands in a head: another one is believed."""


def headers(chain: list[bytes]) -> AddHeaders:
    return AddHeaders(b"".join(block[:HEADER_SIZE] for block in chain))


def put(block: bytes) -> PutBlock:
    return PutBlock(toy_hash(block), block)


def script() -> Script:
    actions: list[Action] = [
        headers(CHAIN[:5]),
        *map(put, CHAIN[:4]),
        Flush(),
        headers(CHAIN[5:]),
        MarkInvalid(toy_hash(CHAIN[8])),
        *map(put, (CHAIN[5], CHAIN[4], CHAIN[6])),
        Prune(KEPT),
        headers(FORK),
        *map(put, (FORK[1], FORK[0], CHAIN[7], *FORK[2:])),
        Prune(KEPT),
        Flush(),
    ]
    return Script(TOYNET, actions, prune=600)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    path = tmp_path_factory.mktemp("damage") / "sound"
    assert live(path, script(), CutDisk())
    with script().open(path) as store:
        assert 0 < store.pruned_below <= KEPT
    files = snapshot(path)
    assert sum(name.name.startswith("blk") for name in files) >= 8
    return files


def end(path: Path) -> tuple[object, ...]:
    with script().open(path) as store:
        return final_state(store, KEPT)


def is_sound(path: Path) -> bool:
    try:
        judge_directory(path, TOYNET, NOW, Report())
    except (Fault, Unreadable):
        return False
    return True


def read_all(store: Store) -> int:
    """As a node reads, which drops what is damaged; returns how many blocks were."""
    damaged = 0
    truth = {toy_hash(block): block for block in (*CHAIN, *FORK)}
    for position in tuple(store.stored_positions()):
        try:
            assert store.get_block(position) == truth[store.tree.hash(position)]
        except DamagedFile:
            store.drop_block(position)
            damaged += 1
    return damaged


def flipped(content: bytes, at: int, by: int) -> bytes:
    return content[:at] + bytes([content[at] ^ by]) + content[at + 1 :]


@pytest.mark.parametrize("whole", [False, True], ids=["a bit", "a byte"])
@pytest.mark.parametrize("part", range(4))
def test_no_damage_goes_unseen_and_all_of_it_is_fetched_again(
    tmp_path: Path, sound: Snapshot, part: int, whole: bool
) -> None:
    expected = end(restore(tmp_path / "sound", sound))
    seen = 0
    for name, content in sound.items():
        if name.name == "headway.lock":
            continue  # what stands there is for people
        for at in range(part, len(content), 20 if whole else 8):
            path = restore(tmp_path / f"{name.name} {at}", sound)
            (path / name).write_bytes(flipped(content, at, 0xFF if whole else 1 << at % 8))
            seen += not is_sound(path)
            if at in FORMAT and name.suffix == ".bin":
                with pytest.raises(StoreError, match=r"of (a newer|an older) headway"):
                    script().open(path)
                continue
            if whole and at < HEAD_SIZE and name.suffix == ".bin":
                with pytest.raises(StoreError, match=r"move it away|move the directory of this file away"):
                    script().open(path)  # a byte is more than what is mended by itself
                continue
            unseen = is_sound(path)
            with script().open(path) as store:
                damaged = read_all(store)
                assert not (unseen and (damaged or store.repairs))
                script().run(store)
                assert final_state(store, KEPT) == expected
            assert is_sound(path)
    assert seen > 50


def test_only_what_stands_for_pruned_blocks_may_change_unseen(tmp_path: Path, sound: Snapshot) -> None:
    with script().open(restore(tmp_path / "sound", sound)) as store:
        records = dict(store._blocks._index.records())
        first = store._blocks._mark.first_file
    pruned = {number for number, record in records.items() if isinstance(record, Location) and record.file < first}
    unseen = set()
    (index,) = (name for name in sound if name.name == "index.bin")
    for at in range(HEAD_SIZE, len(sound[index]), 7):
        path = restore(tmp_path / str(at), sound)
        (path / index).write_bytes(flipped(sound[index], at, 4))
        if is_sound(path):
            unseen.add((at - HEAD_SIZE) // 52 + 1)
    assert unseen
    assert unseen < pruned


def test_repair_takes_out_what_is_damaged_wherever_it_is(tmp_path: Path, sound: Snapshot) -> None:
    expected = end(restore(tmp_path / "sound", sound))
    for name, content in sound.items():
        if name.name == "headway.lock":
            continue
        for at in range(len(content) // 3, len(content), 40):
            path = restore(tmp_path / f"{name.name} {at}", sound)
            (path / name).write_bytes(flipped(content, at, 2))
            was_sound = is_sound(path)
            assert bool(repair_directory(path, TOYNET)) != was_sound
            assert is_sound(path)
            with script().open(path) as store:
                assert read_all(store) == 0
                script().run(store)
                assert final_state(store, KEPT) == expected
