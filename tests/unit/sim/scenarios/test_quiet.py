"""Each scenario of this theme, once."""

from __future__ import annotations

import pytest

from headway.sim.scenario import Scenario
from headway.sim.scenarios.quiet import SCENARIOS
from headway.testing.simulated import simulate

SEED = 0


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario_holds(scenario: Scenario) -> None:
    assert simulate(scenario, SEED).scenario == scenario.name
