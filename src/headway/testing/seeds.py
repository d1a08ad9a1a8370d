"""Many seeds, played in this process or in several: which held, and how to see again what did not.

    for played in play_all(range(1000), jobs=2):
        ...

Called by `headway simulate` and the tests. Not here: one run, and the chains that it needs (`simulated`).
"""

from __future__ import annotations

import os
import signal
import traceback
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import connection, get_context, parent_process
from threading import Thread
from typing import TYPE_CHECKING, Final

from headway.sim.invariants import Broken
from headway.sim.scenarios import SCENARIOS, scenario_for
from headway.testing.simulated import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from headway.sim.scenario import Outcome

AHEAD: Final = 4
"""Seeds given to each process before the first of its answers is taken: it never waits for us."""
_SIGNALS: Final = {signal.SIGINT, signal.SIGTERM}


@dataclass(frozen=True, slots=True)
class Played:
    """One run, and what became of it."""

    scenario: str
    seed: int
    outcome: Outcome | None
    """None: it broke."""
    message: str = ""
    """What broke."""
    fault: str = ""
    """The traceback, where it was no invariant that broke, but the engine."""

    @property
    def held(self) -> bool:
        return self.outcome is not None

    @property
    def replay(self) -> str:
        """The command that shows it again."""
        return f"headway simulate --scenario {self.scenario} --seed {self.seed} --trace"


def play(seed: int, scenario: str | None = None, *, trace: Callable[[str], None] | None = None) -> Played:
    """Play one seed, of the scenario that it stands for where none is named. Raises KeyError for an unknown scenario,
    and BrokenPipeError where the reader of the trace has enough."""
    played = scenario_for(seed) if scenario is None else SCENARIOS[scenario]
    name = played.name
    try:
        return Played(name, seed, simulate(played, seed, trace=trace))
    except Broken as broken:
        return Played(name, seed, None, str(broken))
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever the engine raises is what we are looking for
        return Played(name, seed, None, f"{type(error).__name__}: {error}", traceback.format_exc())


def play_all(seeds: Iterable[int], scenario: str | None = None, *, jobs: int = 1) -> Iterator[Played]:
    """Play them all, in their order; `jobs`: processes, 1 for this one alone."""
    if jobs == 1:
        for seed in seeds:
            yield play(seed, scenario)
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _prepare)
    try:
        answers = (_submit(pool, seed, scenario) for seed in seeds)
        running = deque(islice(answers, jobs * AHEAD))
        while running:
            played = running.popleft().result()
            running += islice(answers, 1)
            yield played
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, seed: int, scenario: str | None) -> Future[Played]:
    """This may start a process: a signal must not come in the middle, nor reach one that does not ignore it yet."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        return pool.submit(play, seed, scenario)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare() -> None:
    """In a process of the pool: Ctrl-C is for whoever started it, and with him it ends, however he does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    parent = parent_process()
    assert parent is not None, "it runs in a process of the pool"

    def follow() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    Thread(target=follow, daemon=True).start()
