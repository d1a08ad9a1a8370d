"""What the fixture `simnet` gives: a whole network in virtual time, played once, and what happened when it breaks.

    outcome = simnet("quiet", seed=7)                      # a scenario of headway, by its name
    outcome = simnet(Scenario(...), seed=7)                # one of your own
    run = simnet.run(Scenario(...), seed=7)                # to look around in it afterwards: run.node, run.actors

A seed decides everything that a scenario leaves open, and one seed is one history.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from headway.errors import ConfigError
from headway.sim.scenarios import SCENARIOS
from headway.testing.simulated import run_of

if TYPE_CHECKING:
    from headway.sim.scenario import Outcome, Run, Scenario

SHOWN: Final = 40
"""Last lines of the history that a failure shows."""


class SimNet:
    """Plays scenarios."""

    def __call__(self, scenario: str | Scenario, seed: int = 0) -> Outcome:
        """Play it. Raises `Broken` where something gave way that must always hold, with the end of the history."""
        return _play(_scenario(scenario), seed)[0]

    def run(self, scenario: str | Scenario, seed: int = 0) -> Run:
        """The same; the run as it is in the end."""
        return _play(_scenario(scenario), seed)[1]


def _scenario(scenario: str | Scenario) -> Scenario:
    """Raises ConfigError for a name that there is not."""
    if not isinstance(scenario, str):
        return scenario
    if scenario not in SCENARIOS:
        raise ConfigError(f"no scenario is named {scenario!r}; `headway simulate --list` tells all names")
    return SCENARIOS[scenario]


def _play(scenario: Scenario, seed: int) -> tuple[Outcome, Run]:
    run = run_of(scenario, seed)
    try:
        return run.play(), run
    except Exception as error:
        error.add_note(_history(scenario, seed))
        raise


def _history(scenario: Scenario, seed: int) -> str:
    """How it ends. A history is written only when somebody wants it; one seed has one."""
    last: deque[str] = deque(maxlen=SHOWN)
    try:
        run_of(scenario, seed, trace=last.append).play()
    except Exception:  # noqa: BLE001  # it is being told
        return "\n".join(last)
    return "the second time it held: something in this scenario is not decided by its seed"
