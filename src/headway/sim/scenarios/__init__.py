"""The scenarios, by name, and which of them a seed plays.

Each module holds those of one theme. What the engine cannot do yet is written here all the same, and marked with what
it `needs`; it is switched on by adding that word to `MET_NEEDS`, and never deleted.
"""

from __future__ import annotations

from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Final

from headway.sim.scenarios import (
    attacks,
    faults,
    growth,
    inbound,
    invalid,
    pool,
    poor,
    presync,
    quiet,
    zoo,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headway.sim.scenario import Needs, Scenario

MET_NEEDS: Final[frozenset[Needs]] = frozenset({"", "pool", "presync"})
"""What the engine can do."""

_ALL: Final = [
    *quiet.SCENARIOS,
    *poor.SCENARIOS,
    *growth.SCENARIOS,
    *faults.SCENARIOS,
    *invalid.SCENARIOS,
    *attacks.SCENARIOS,
    *inbound.SCENARIOS,
    *zoo.SCENARIOS,
    *pool.SCENARIOS,
    *presync.SCENARIOS,
]
SCENARIOS: Final[Mapping[str, Scenario]] = {each.name: each for each in _ALL}
assert len(SCENARIOS) == len(_ALL), "two scenarios have one name"
PLAYED: Final = tuple(each for each in _ALL if each.needs in MET_NEEDS)
"""Those that can hold today."""
_UP_TO: Final = tuple(accumulate(each.weight for each in PLAYED))


def scenario_for(seed: int) -> Scenario:
    """The scenario that a seed plays where none is named: each as often as its weight has it."""
    (chosen,) = Random(f"{seed} of all scenarios").choices(PLAYED, cum_weights=_UP_TO)
    return chosen
