"""A loss of power at any moment of a sync: what each durability promises is there, and nothing is silently wrong.

The disk keeps what was flushed, and of the rest whatever chance will have it: pages here and there, files that come or
go. See `tests.crashes.PowerDisk`.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from headway.cli.verify.directory import judge_directory
from headway.cli.verify.report import Report
from headway.errors import StoreError
from headway.store import DamagedFile, Durability, Store
from headway.types import Hash
from tests.crashes import (
    Action,
    AddHeaders,
    CutDisk,
    Flush,
    MarkInvalid,
    PowerDisk,
    Prune,
    PutBlock,
    Script,
    abandon,
    final_state,
    live,
    restore,
)
from tests.toynet import HEADER_SIZE, TOYNET, toy_chain, toy_hash

CHAIN = toy_chain(12, transaction_size=60)
FORK = toy_chain(4, salt=1, parent=CHAIN[8], transaction_size=60)
TRUTH = {toy_hash(block): block for block in (*CHAIN, *FORK)}
KEPT = 5
TRIES = 15


def headers(chain: list[bytes]) -> AddHeaders:
    return AddHeaders(b"".join(block[:HEADER_SIZE] for block in chain))


def put(block: bytes) -> PutBlock:
    return PutBlock(toy_hash(block), block)


ACTIONS: list[Action] = [
    headers(CHAIN[:4]),
    *map(put, (CHAIN[1], CHAIN[0])),
    Flush(),
    *map(put, CHAIN[2:4]),
    headers(CHAIN[4:]),
    *map(put, CHAIN[4:9]),
    Prune(3),
    put(CHAIN[9]),
    Flush(),
    MarkInvalid(toy_hash(CHAIN[11])),
    headers(FORK),
    *map(put, (FORK[0], CHAIN[10], *FORK[1:])),
    Prune(KEPT),
]


def script(count: int = len(ACTIONS)) -> Script:
    """The sync, as far as it goes: `prune` is small enough that each file holds one block."""
    return Script(TOYNET, ACTIONS[:count], prune=1_000)


def promised(reported: list[Action], durability: Durability) -> list[Action]:
    """What must be there: all with the strictest, and else what was reported before the last flush."""
    if durability is Durability.NONE:
        return []
    if durability is Durability.BLOCK:
        return reported
    flushes = [number for number, action in enumerate(reported) if isinstance(action, Flush)]
    return reported[: flushes[-1]] if flushes else []


def lost_power(path: Path, count: int, durability: Durability) -> tuple[PowerDisk, list[Action]]:
    """The disk once so many actions were done, and those."""
    disk, life = PowerDisk(), script(count)
    store = Store.open(path, TOYNET, disk=disk, prune=life.prune, durability=durability)
    life.run(store)
    abandon(store)
    return disk, life.reported


def read_all(store: Store) -> set[Hash]:
    """As a node reads: what is damaged is told, and dropped. Nothing is anything else than it was."""
    found = set()
    for position in tuple(store.stored_positions()):
        block_hash = store.tree.hash(position)
        try:
            assert store.get_block(position) == TRUTH[block_hash]
            found.add(block_hash)
        except DamagedFile:
            store.drop_block(position)
    return found


@pytest.fixture(scope="module")
def end(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    path = tmp_path_factory.mktemp("end") / "never"
    assert live(path, script(), CutDisk())
    with script().open(path) as store:
        return final_state(store, KEPT)


@pytest.mark.parametrize("count", range(1, len(ACTIONS) + 1))
@pytest.mark.parametrize("durability", [Durability.BATCH, Durability.BLOCK])
def test_what_was_promised_is_there_and_the_rest_is_fetched_again(
    tmp_path: Path, end: tuple[object, ...], durability: Durability, count: int
) -> None:
    disk, reported = lost_power(tmp_path / "lost", count, durability)
    rng = random.Random(count)
    for number in range(TRIES):
        path = restore(tmp_path / str(number), disk.after_power_loss(tmp_path / "lost", rng))
        with script().open(path) as store:
            found = read_all(store)
            for action in promised(reported, durability):
                match action:
                    case AddHeaders(raw):
                        assert store.tree.find(toy_hash(raw[-HEADER_SIZE:])) is not None
                    case PutBlock(block_hash):
                        position = store.tree.find(block_hash)
                        assert position is not None
                        assert block_hash in found or store.tree.height(position) < store.pruned_below
                    case MarkInvalid(block_hash):
                        position = store.tree.find(block_hash)
                        assert position is not None
                        assert not store.tree.is_valid(position)
                    case _:
                        pass
            script().run(store)
            assert final_state(store, KEPT) == end
        judge_directory(path, TOYNET, 2e9, Report())


@pytest.mark.parametrize("count", range(1, len(ACTIONS) + 1, 3))
def test_without_flushes_anything_may_be_lost_and_nothing_is_silently_wrong(
    tmp_path: Path, end: tuple[object, ...], count: int
) -> None:
    disk, _ = lost_power(tmp_path / "lost", count, Durability.NONE)
    rng = random.Random(count)
    went_on = 0
    for number in range(TRIES):
        path = restore(tmp_path / str(number), disk.after_power_loss(tmp_path / "lost", rng))
        try:
            store = script().open(path)
        except StoreError as refusal:  # blocks whose index is gone: only a person can tell whose they are
            assert "move " in str(refusal)  # noqa: PT017
            continue
        with store:
            for _ in range(2):  # what is damaged of blocks whose headers were lost shows once these are there again
                read_all(store)
                script().run(store)
            assert final_state(store, KEPT) == end
        went_on += 1
    assert went_on >= TRIES / 3
