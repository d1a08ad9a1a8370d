"""Many seeds: each is played once and in turn, here or in other processes, and what broke says how to see it again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import active_children
from typing import Any

import pytest

from headway.sim.actor import Honest, Talk
from headway.sim.scenario import MAIN, ChainPlan, Outcome, Role, Scenario
from headway.sim.scenarios import SCENARIOS, scenario_for
from headway.testing.seeds import play, play_all
from headway.testing.simulated import simulate
from tests.data import REPOSITORY
from tests.processes import children, is_alive


class Deaf(Honest):
    def receive(self, talk: Talk, data: bytes) -> None:
        """It hears nothing."""


class Faulty(Honest):
    def opened(self, talk: Talk) -> None:
        del talk
        raise ZeroDivisionError("on purpose")


def scenario(name: str, actor: type[Honest], **options: Any) -> Scenario:
    return Scenario(name, "", {"peer": Role(actor)}, {MAIN: ChainPlan(20)}, **options)


@pytest.fixture(autouse=True)
def more_scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios = (scenario("short", Honest), scenario("deaf", Deaf, within=100.0), scenario("faulty", Faulty))
    for each in scenarios:
        monkeypatch.setitem(SCENARIOS, each.name, each)


def test_a_seed_that_holds_has_an_outcome() -> None:
    played = play(7, "short")
    assert played.held
    assert played.outcome == simulate("short", 7)
    assert (played.scenario, played.seed, played.message, played.fault) == ("short", 7, "", "")


def test_a_seed_without_a_scenario_plays_the_one_that_it_stands_for() -> None:
    for seed in range(3):
        assert play(seed).scenario == scenario_for(seed).name


def test_what_breaks_is_told_with_the_command_that_shows_it_again() -> None:
    played = play(7, "deaf")
    assert not played.held
    assert "the sync did not end in time" in played.message
    assert played.fault == ""
    assert played.replay == "headway simulate --scenario deaf --seed 7 --trace"


def test_what_the_engine_raises_is_told_with_its_traceback() -> None:
    played = play(7, "faulty")
    assert not played.held
    assert played.message == "ZeroDivisionError: on purpose"
    assert "in opened" in played.fault


def test_an_unknown_scenario_and_a_reader_that_has_enough_are_no_findings() -> None:
    with pytest.raises(KeyError, match="nothing"):
        play(7, "nothing")

    def closed(line: str) -> None:
        raise BrokenPipeError(line)

    with pytest.raises(BrokenPipeError):
        play(7, "short", trace=closed)


def test_seeds_are_played_in_turn_in_one_process() -> None:
    assert [(each.seed, each.held) for each in play_all([3, 1, 2], "short")] == [(3, True), (1, True), (2, True)]
    assert list(play_all([], "short")) == []


def test_several_processes_give_what_one_gives_in_the_same_order() -> None:
    (name, *_) = SCENARIOS
    seeds = range(12)

    def outcomes(jobs: int) -> list[Outcome | None]:
        return [each.outcome for each in play_all(seeds, name, jobs=jobs)]

    assert outcomes(2) == outcomes(1)


def test_who_has_seen_enough_of_several_processes_leaves_none_behind() -> None:
    (name, *_) = SCENARIOS
    every: Iterator[Any] = play_all(range(1_000_000), name, jobs=2)
    next(every)
    every.close()  # type: ignore[attr-defined]  # a generator
    assert active_children() == []


def test_processes_end_with_the_one_that_started_them_however_it_ends() -> None:
    program = (
        "from headway.testing.seeds import play_all\n"
        "from headway.sim.scenarios import SCENARIOS\n"
        "for each in play_all(range(10**6), next(iter(SCENARIOS)), jobs=2): print(each.seed, flush=True)\n"
    )
    script = "import sys\nif __name__ == '__main__':\n" + "".join(f"    {line}\n" for line in program.splitlines())
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        workers = children(process.pid)
        assert len(workers) >= 2
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20.0
    while any(map(is_alive, workers)):
        assert time.monotonic() < deadline, "they go on without it"
