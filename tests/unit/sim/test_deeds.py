"""What happens on cue, seen in the hosts, the chains and the node that it happens to."""

from __future__ import annotations

from typing import Any

import pytest

from headway.sim.deeds import perform
from headway.sim.invariants import Broken
from headway.sim.scenario import MAIN, NODE, ChainPlan, Cue, Deed, Role, Run, Scenario
from headway.testing.simulated import run_of

OTHER = "other"
SCENE = Scenario(
    "a scene",
    "Two peers, and one that refuses.",
    {"peer": Role(count=2, options={"height": 20}), "shy": Role(refuses=True)},
    {MAIN: ChainPlan(30), OTHER: ChainPlan(40, of=MAIN, at=10)},
    node={"floor": 5},
)


@pytest.fixture
def run() -> Run:
    """A run that has begun, and has all that there is so far."""
    begun = run_of(SCENE, 1)
    begun.node.start()
    begun.simulation.run(10.0)
    assert begun.node.tree.tip.height == 20
    assert len(begun.internet.connections) == 2
    return begun


def do(run: Run, deed: Deed, who: str = "peer", **fields: Any) -> None:
    perform(run, Cue((0.0, 0.0), deed, who, **fields))


def test_all_of_a_role_grow_and_switch(run: Run) -> None:
    do(run, "grow", to=25)
    assert [each.actor.height for each in run.actors["peer"]] == [25, 25]
    do(run, "switch", to=OTHER)
    assert all(each.actor.chain is run.chains[OTHER] and each.actor.height == 50 for each in run.actors["peer"])
    run.simulation.run(10.0)
    assert run.node.tree.tip == run.chains[OTHER].tip


def test_one_of_a_role_or_everyone_goes_dark_and_comes_back(run: Run) -> None:
    do(run, "dark")
    assert sorted(each.host.is_dark for each in run.actors["peer"]) == [False, True]
    do(run, "dark", everyone=True)
    assert all(each.host.is_dark for each in run.actors["peer"])
    do(run, "light", everyone=True)
    assert not any(each.host.is_dark for each in run.actors["peer"])
    (shy,) = run.actors["shy"]
    assert shy.host.listener is None
    do(run, "light", "shy")
    assert shy.host.listener is shy


def test_broken_connections_are_known_at_both_ends_and_vanished_ones_at_one(run: Run) -> None:
    do(run, "vanish", everyone=True)
    run.simulation.run(5.0)
    assert run.internet.connections == ()
    assert run.node.machine.ready_count == 2
    do(run, "light", everyone=True)
    do(run, "break", NODE)
    assert run.node.machine.ready_count == 2


def test_break_ends_the_connections_of_its_host(run: Run) -> None:
    do(run, "break", everyone=True)
    run.simulation.run(0.001)
    assert run.node.machine.ready_count == 0
    run.simulation.run(30.0)
    assert run.node.machine.ready_count == 2
    do(run, "break", NODE)
    run.simulation.run(0.001)
    assert run.node.machine.ready_count == 0


def test_partition_parts_and_heals(run: Run) -> None:
    do(run, "split")
    assert {each.host.side for each in run.actors["peer"]} == {1}
    do(run, "heal", "")
    assert {each.host.side for each in run.actors["peer"]} == {0}
    do(run, "split", NODE)
    assert run.node.host.side == 1


def test_restarted_node_has_what_was_stored_and_the_same_clock(run: Run) -> None:
    before = run.node
    do(run, "clock", NODE, to=-7.0)
    do(run, "restart", NODE)
    assert run.node is not before
    assert run.node.clock_skew == -7.0
    assert run.node.tree.tip.height == 20
    assert not before.is_up
    assert run.node.is_up


def test_full_disk_stops_the_node_and_an_empty_one_lets_it_go_on(run: Run) -> None:
    do(run, "fill disk", NODE, to=10)
    do(run, "grow", to=30)
    run.simulation.run(20.0)
    assert run.node.machine.failure is not None
    do(run, "empty disk", NODE)
    run.simulation.run(20.0)
    assert run.node.tree.tip.height == 30
    assert run.has_everything()


def test_node_that_goes_on_with_a_full_disk_is_found_out(run: Run) -> None:
    with pytest.raises(Broken, match="the disk was full, and the node went on"):
        do(run, "empty disk", NODE)


def test_blocks_may_be_wanted_from_another_height_on(run: Run) -> None:
    assert len(run.node.store.blocks) == 16
    do(run, "want", NODE, to=2)
    run.simulation.run(10.0)
    assert len(run.node.store.blocks) == 19


@pytest.mark.parametrize(("deed", "who"), [("grow", NODE), ("restart", "peer")])
def test_nobody_does_what_he_cannot(run: Run, deed: Deed, who: str) -> None:
    with pytest.raises(ValueError, match=f"does not {deed}"):
        do(run, deed, who)
