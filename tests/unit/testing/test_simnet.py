"""Networks in a test: played by name or as data, and what is told when one of them breaks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.errors import ConfigError
from headway.sim.actor import Honest, Talk
from headway.sim.hostile.silence import Staller
from headway.sim.invariants import Broken
from headway.sim.scenario import MAIN, ChainPlan, Cue, Role, Scenario
from headway.testing.simnet import SHOWN, SimNet
from headway.testing.simulated import simulate
from headway.types import Hash

OWN = Scenario(
    "stalled",
    "Half of the peers give three blocks and no more, and the chain grows meanwhile.",
    {"honest": Role(count=2, options={"height": 40}), "stallers": Role(Staller, count=2, options={"after": 3})},
    {MAIN: ChainPlan(50)},
    cues=(Cue((5.0, 10.0), "grow", "honest", 50),),
)


class Empty(Honest):
    """Shows headers, and has no block behind them, though it is said to be honest."""

    def block_for(self, talk: Talk, block: Hash) -> bytes | None:
        del talk, block
        return None


def test_a_scenario_is_played_by_its_name() -> None:
    assert SimNet()("quiet", 3) == simulate("quiet", 3)
    assert SimNet()("quiet").seed == 0


def test_a_scenario_of_ones_own_is_played_as_its_seed_has_it() -> None:
    simnet = SimNet()
    first = simnet(OWN, seed=1)
    assert (first.scenario, first.seed, first.headers, first.blocks) == ("stalled", 1, 50, 50)
    assert simnet(OWN, seed=1) == first
    assert simnet(OWN, seed=2).seconds != first.seconds


def test_one_can_look_around_in_a_run_that_was_played() -> None:
    run = SimNet().run(OWN, seed=1)
    assert run.node.tree.tip.height == 50
    assert {name: len(hosts) for name, hosts in run.actors.items()} == {"honest": 2, "stallers": 2}


def test_what_breaks_is_told_with_the_end_of_its_history() -> None:
    broken = replace(OWN, cast={"honest": Role(Empty, count=2)}, cues=(), within=500.0)
    with pytest.raises(Broken, match="'stalled', seed 4, after") as failure:
        SimNet()(broken, seed=4)
    [history] = failure.value.__notes__
    lines = history.splitlines()
    assert len(lines) == SHOWN
    assert any("getdata" in line for line in lines)


class Moody(Honest):
    """What it does is decided by something else than the seed."""

    played = 0

    def opened(self, talk: Talk) -> None:
        Moody.played += 1
        if Moody.played == 1:
            raise ZeroDivisionError
        super().opened(talk)


def test_a_fault_of_an_actor_comes_out_and_that_it_does_not_come_again_is_said() -> None:
    with pytest.raises(ZeroDivisionError) as failure:
        SimNet()(replace(OWN, cast={"honest": Role(Moody)}, cues=()))
    assert failure.value.__notes__ == ["the second time it held: something in this scenario is not decided by its seed"]


def test_a_name_that_there_is_not_says_where_names_are() -> None:
    with pytest.raises(ConfigError, match=r"no scenario is named 'stalers'; `headway simulate --list` tells all names"):
        SimNet()("stalers")
