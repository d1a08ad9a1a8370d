"""The first seeds, each a test: a seed that fails is named, with the command that shows its history.

`make sim` plays many more of them.
"""

from __future__ import annotations

from typing import Final

import pytest

from headway.sim.scenarios import scenario_for
from headway.testing.seeds import play

SEEDS: Final = range(100)


@pytest.mark.parametrize("seed", [pytest.param(seed, id=f"{seed} {scenario_for(seed).name}") for seed in SEEDS])
def test_everything_holds(seed: int) -> None:
    played = play(seed)
    assert played.held, f"{played.message}\n{played.fault}{played.replay}"
