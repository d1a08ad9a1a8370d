"""Virtual time: one order of events, decided by their instants and, at one instant, by when they were planned."""

from __future__ import annotations

import pytest

from headway.sim.simulation import EPOCH, Simulation


class Diary:
    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.lines: list[tuple[float, str]] = []

    def write(self, what: str) -> None:
        self.lines.append((self.simulation.now, what))


@pytest.fixture
def simulation() -> Simulation:
    return Simulation(seed=1)


@pytest.fixture
def diary(simulation: Simulation) -> Diary:
    return Diary(simulation)


def test_events_happen_in_the_order_of_their_instants(simulation: Simulation, diary: Diary) -> None:
    for delay in (3.0, 1.0, 2.0):
        simulation.later(delay, diary.write, str(delay))
    assert simulation.run(10.0) is False
    assert diary.lines == [(1.0, "1.0"), (2.0, "2.0"), (3.0, "3.0")]
    assert (simulation.now, simulation.events) == (10.0, 3)


def test_events_of_one_instant_happen_in_the_order_in_which_they_were_planned(
    simulation: Simulation, diary: Diary
) -> None:
    simulation.at(1.0, diary.write, "first")
    simulation.later(1.0, diary.write, "second")
    simulation.at(1.0, lambda: simulation.later(0.0, diary.write, "planned meanwhile"))
    simulation.at(1.0, diary.write, "third")
    simulation.run(1.0)
    assert diary.lines == [(1.0, "first"), (1.0, "second"), (1.0, "third"), (1.0, "planned meanwhile")]


def test_what_is_planned_for_the_past_happens_now_and_behind_what_was_planned_for_now(
    simulation: Simulation, diary: Diary
) -> None:
    def at_five() -> None:
        simulation.later(0.0, diary.write, "now")
        simulation.at(2.0, diary.write, "too late")

    simulation.at(5.0, at_five)
    simulation.run(10.0)
    assert diary.lines == [(5.0, "now"), (5.0, "too late")]


def test_a_run_ends_with_its_time_and_the_next_goes_on_from_there(simulation: Simulation, diary: Diary) -> None:
    simulation.later(1.0, diary.write, "in time")
    simulation.later(1.5, diary.write, "after it")
    simulation.run(1.0)
    assert diary.lines == [(1.0, "in time")]
    assert simulation.now == 1.0
    simulation.run(1.0)
    assert diary.lines[1:] == [(1.5, "after it")]
    assert simulation.now == 2.0


def test_a_run_ends_at_the_event_that_makes_its_condition_true(simulation: Simulation, diary: Diary) -> None:
    for delay in (1.0, 2.0, 3.0):
        simulation.later(delay, diary.write, "")
    assert simulation.run(10.0, until=lambda: len(diary.lines) == 2) is True
    assert simulation.now == 2.0
    assert simulation.run(10.0, until=lambda: len(diary.lines) == 2) is True, "it holds already"
    assert simulation.events == 2


def test_after_each_event_the_watcher_looks(simulation: Simulation, diary: Diary) -> None:
    simulation.after_event = lambda: diary.write("look")
    simulation.later(1.0, diary.write, "one")
    simulation.later(2.0, diary.write, "two")
    simulation.run(5.0)
    assert [what for _, what in diary.lines] == ["one", "look", "two", "look"]


def test_a_random_source_is_decided_by_the_seed_and_its_name() -> None:
    def draws(seed: int, name: str) -> list[float]:
        rng = Simulation(seed).rng(name)
        return [rng.random() for _ in range(3)]

    assert draws(1, "a") == draws(1, "a")
    assert draws(1, "a") != draws(1, "b")
    assert draws(1, "a") != draws(2, "a")


def test_the_trace_says_when_and_costs_nothing_where_nobody_reads_it(simulation: Simulation) -> None:
    lines: list[str] = []
    traced = Simulation(1, trace=lines.append)
    traced.later(1.5, traced.trace, "something")
    traced.run(2.0)
    assert lines == ["      1.500000 something"]
    assert traced.is_traced
    assert not simulation.is_traced
    simulation.trace("nothing")


def test_a_right_clock_shows_the_wall_time(simulation: Simulation) -> None:
    simulation.run(12.5)
    assert simulation.wall_time == EPOCH + 12.5
