"""Each scenario of this theme, once; those that need what is not there yet are set up, and not played."""

from __future__ import annotations

import pytest

from headway.sim.scenario import Scenario
from headway.sim.scenarios import MET_NEEDS
from headway.sim.scenarios.pool import SCENARIOS
from headway.testing.simulated import run_of, simulate

SEED = 0


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario_holds(scenario: Scenario) -> None:
    if scenario.needs in MET_NEEDS:
        assert simulate(scenario, SEED).scenario == scenario.name
    else:
        run = run_of(scenario, SEED)
        assert run.best_height() > 0
        assert not run.has_everything()
