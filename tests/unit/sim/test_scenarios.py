"""The scenarios by name, and which of them a seed plays."""

from __future__ import annotations

from headway.sim.scenarios import SCENARIOS, scenario_for


def test_every_scenario_is_played_by_some_seed() -> None:
    assert {scenario_for(seed).name for seed in range(100)} == set(SCENARIOS)
