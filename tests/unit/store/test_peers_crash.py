"""Crash safety of the address book: SQLite is ended in each step of a run, and the book must be there, as it was.

The steps are all changes of the disk that SQLite makes for a run with checkpoints in it (files made, writes,
truncations, removals); each is the last one in turn, and each write is cut in several places besides. See
`tests.sqlitecuts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from headway.errors import StoreError
from headway.store import peers
from headway.store.peers import PeerStore
from headway.types import Address, Ban, BookChanges, BookRecords, PeerMerit, PeerRecord
from tests.crashes import cuts
from tests.sqlitecuts import Cut, applied, copy
from tests.toynet import TOYNET

KEY = bytes(32)
AGENT = PeerMerit("/a user agent of some length, so that pages fill:1.0/", 70_016)


def record(number: int, missed: int = 0) -> PeerRecord:
    return PeerRecord(Address(f"8.8.{number}.8", 8333), "9.9.9.9", buckets=(number,), missed=missed, merit=AGENT)


SAVES = (
    BookChanges(KEY, peers=tuple(map(record, range(30)))),
    BookChanges(KEY, peers=tuple(map(record, range(30, 90))), bans=(Ban("1.2.3.4/32", 9),)),
    BookChanges(KEY, gone=tuple(record(number).address for number in range(20))),
    BookChanges(KEY, peers=tuple(record(number, missed=3) for number in range(25, 60)), lifted=(Ban("1.2.3.4/32", 9),)),
    BookChanges(KEY, peers=(record(200),), anchors=(record(200).address, record(50).address)),
)


def _states() -> list[dict[Address, PeerRecord]]:
    """What is in the book after each number of saves."""
    states: list[dict[Address, PeerRecord]] = [{}]
    for changes in SAVES:
        state = {address: kept for address, kept in states[-1].items() if address not in changes.gone}
        states.append(state | {kept.address: kept for kept in changes.peers})
    return states


STATES = _states()


@pytest.fixture(autouse=True)
def _many_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that they are among what is cut; and without waiting for the medium, which a kill does not care about."""
    pragmas = [pragma for pragma in peers._TO_WRITE if "synchronous" not in pragma]
    monkeypatch.setattr(peers, "_TO_WRITE", (*pragmas, "PRAGMA synchronous = OFF", "PRAGMA wal_autocheckpoint = 6"))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """Names of directories that do not exist yet."""
    return (tmp_path / str(number) for number in count())


def live(directory: Path, cut: Cut, saves: tuple[BookChanges, ...] = SAVES) -> int:
    """One life of a process: open, save again and again, close. How many saves were reported."""
    directory.mkdir(exist_ok=True)
    done = 0
    with applied(cut), suppress(StoreError), PeerStore.open(directory, TOYNET) as store:
        assert store.repairs == ()
        for changes in saves:
            store.save(changes)
            done += 1
            if cut.is_dead:  # the last step of a save may be one that it does not need
                break
    return done


def opened(directory: Path) -> BookRecords:
    with PeerStore.open(directory, TOYNET) as store:
        assert store.repairs == ()
        return store.load()


def saves_in(found: BookRecords) -> int:
    """After which save the book looks so; of two that look alike the later."""
    return max(number for number, state in enumerate(STATES) if state == {kept.address: kept for kept in found.peers})


def test_the_run_makes_files_writes_checkpoints_and_removals(fresh: Iterator[Path]) -> None:
    directory, cut = next(fresh), Cut()
    assert live(directory, cut) == len(SAVES)
    assert len(cut.steps) > 60
    assert cut.steps.count(0) >= 3  # the file, its log, the removal of the log
    assert [path.name for path in directory.iterdir()] == [peers.NAME]
    found = opened(directory)
    assert {kept.address: kept for kept in found.peers} == STATES[-1]
    assert found.anchors == (record(200).address, record(50).address)


def test_a_kill_in_any_step_leaves_a_book_that_opens_and_has_all_that_was_reported(fresh: Iterator[Path]) -> None:
    whole = Cut()
    live(next(fresh), whole)
    seen = set()
    for stop_at, keep in cuts(whole.steps, every=2_000):
        directory, cut = next(fresh), Cut(stop_at, keep)
        reported = live(directory, cut)
        assert cut.is_dead
        found = opened(copy(directory, next(fresh)))
        saved = saves_in(found)
        assert reported <= saved <= reported + 1
        assert found.anchors == (SAVES[-1].anchors if saved == len(SAVES) else ())
        assert len(found.bans) == (saved in {2, 3})
        seen.add((reported, saved))
    assert {(number, number) for number in range(len(SAVES) + 1)} <= seen


def test_a_kill_in_any_step_of_the_recovery_loses_nothing_either(fresh: Iterator[Path]) -> None:
    whole = Cut()
    live(next(fresh), whole)
    tried = 0
    for stop_at, keep in list(cuts(whole.steps, every=4_000))[::23]:
        directory = next(fresh)
        reported = live(directory, Cut(stop_at, keep))
        left = copy(directory, next(fresh))
        recovery = Cut()
        live(copy(left, next(fresh)), recovery, saves=())
        for again_at, again_keep in cuts(recovery.steps, every=4_000):
            again = copy(left, next(fresh))
            live(again, Cut(again_at, again_keep), saves=())
            saved = saves_in(opened(copy(again, next(fresh))))
            assert reported <= saved <= reported + 1
            tried += 1
    assert tried > 50


def test_a_book_that_is_killed_again_and_again_goes_on(fresh: Iterator[Path]) -> None:
    directory, saved, lives = next(fresh), 0, 0
    while saved < len(SAVES):
        live(directory, Cut(stop_at=22 + lives % 7, keep=lives * 977 % 4_000), SAVES[saved:])
        directory = copy(directory, next(fresh))
        saved = saves_in(opened(directory))
        lives += 1
        assert lives < 200, "every few lives must get further than those before"
    assert lives > 3
