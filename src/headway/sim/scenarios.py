"""The scenarios, by name."""

from headway.sim.scenario import MAIN, ChainPlan, Role, Scenario

_ALL = [
    Scenario("quiet", "All is well.", {"honest": Role(count=6)}),
    Scenario("quiet-long", "All is well.", {"honest": Role(count=6)}, {MAIN: ChainPlan(2200)}),
    Scenario("neo3", "All is well.", {"honest": Role(count=6)}, {MAIN: ChainPlan(300)}, family="neo3"),
    Scenario("neo2", "All is well.", {"honest": Role(count=6)}, {MAIN: ChainPlan(300)}, family="neo2"),
    Scenario("servers", "All is well.", {"honest": Role(None, count=3)}),
]
SCENARIOS = {each.name: each for each in _ALL}


def scenario_for(seed: int) -> Scenario:
    """The scenario that a seed plays where none is named."""
    return _ALL[seed % len(_ALL)]
