"""A scenario as data: who is cast and where, what happens on cue, and when it has ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headway.node import orders as do
from headway.sim.actor import Honest
from headway.sim.deeds import perform
from headway.sim.invariants import Broken
from headway.sim.scenario import MAIN, NODE, ChainPlan, Cue, Deed, Families, Outcome, Role, Run, Scenario
from headway.testing.simulated import run_of, simulate
from headway.types import Address

LENGTH = 60


def scenario(*cues: Cue, cast: dict[str, Role] | None = None, family: Families = "regtest", **options: Any) -> Scenario:
    options.setdefault("chains", {MAIN: ChainPlan(LENGTH)})
    return Scenario("test", "", cast or {"peer": Role(count=3)}, cues=cues, family=family, **options)


def play(of: Scenario, seed: int = 1) -> tuple[Run, Outcome]:
    run = run_of(of, seed)
    return run, run.play()


def at(seconds: float, deed: Deed, who: str = "", to: Any = None) -> Cue:
    return Cue((seconds, seconds), deed, who, to)


# ------------------------------------------------------------------------------------------------------------- the cast


def test_the_node_ends_with_the_whole_best_chain() -> None:
    run, outcome = play(scenario())
    assert outcome == Outcome("test", 1, outcome.seconds, outcome.events, LENGTH, LENGTH)
    assert 0.1 < outcome.seconds < 30.0
    assert run.node.tree.tip == run.chains[MAIN].tip
    assert run.has_best_chain()
    assert run.done


def test_every_family_of_networks_is_played() -> None:
    for family in ("regtest", "neo2", "neo3"):
        run, outcome = play(scenario(family=family))
        assert (outcome.headers, outcome.blocks) == (LENGTH, LENGTH)
        assert run.network.rules.final == (family != "regtest")


def test_each_host_has_an_address_in_a_network_of_its_own() -> None:
    run = run_of(scenario(cast={"peer": Role(count=250), "many": Role(addresses=3)}), seed=1)
    addresses = [address for each in run._everybody() for address in each.host.addresses]
    assert len(addresses) == len(set(addresses)) == 253
    assert len({address.host.rsplit(".", 2)[0] for address in addresses}) == 253


def test_the_seed_decides_what_the_scenario_leaves_open() -> None:
    of = scenario(cast={"peer": Role(latency=(0.1, 0.2), jitter=0.05, rate=(1e5, 2e5))}, rate=(1e6, 2e6))
    paths = set()
    for seed in range(5):
        run = run_of(of, seed)
        host = run.actors["peer"][0].host
        assert 0.1 <= host.path.latency <= 0.2
        assert host.path.jitter == 0.05
        assert 1e5 <= host.up.rate <= 2e5
        assert 1e6 <= run.node.host.down.rate <= 2e6
        paths.add(host.path.latency)
    assert len(paths) == 5


def test_a_role_without_an_actor_is_a_node_of_ours_that_serves() -> None:
    run, outcome = play(scenario(cast={"server": Role(None, count=2)}))
    assert len(run.servers) == 2
    assert outcome.blocks == LENGTH
    assert all(server.machine.slots.target == 0 for server in run.servers)


def test_those_whom_the_node_is_not_told_of_it_finds_by_others() -> None:
    cast = {"known": Role(Silent), "unknown": Role(known=False)}
    run, outcome = play(scenario(cast=cast, named=False))
    assert outcome.blocks == LENGTH
    assert run.actors["unknown"][0].host.addresses[0] in {order.address for _, order in run.node.dials}


class Silent(Honest):
    """Has no chain, and tells addresses."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "height": 0})


def test_those_who_dial_reach_a_node_that_serves() -> None:
    cast = {"peer": Role(), "caller": Role(known=False, dials=2.0, count=2)}
    run, _ = play(scenario(cast=cast, node={"serve": True, "port": 8333}))
    ready = [event for event in run.node.events if isinstance(event, do.PeerReady)]
    assert sum(event.inbound for event in ready) == 2


def test_options_reach_the_actor_the_network_and_the_node() -> None:
    timing = run_of(scenario(), 1).network.timing
    of = scenario(
        cast={"peer": Role(options={"height": 25})},
        network={"timing": replace(timing, ping_interval=7.0)},
        node={"floor": None},
        clock_skew=(100.0, 100.0),
    )
    run, outcome = play(of)
    assert (outcome.headers, outcome.blocks) == (25, 0)
    assert run.network.timing.ping_interval == 7.0
    assert run.node.wall_time - run.simulation.wall_time == 100.0


def test_a_ceiling_is_where_blocks_end_and_headers_go_on() -> None:
    _, outcome = play(scenario(node={"ceiling": 20}, chains={MAIN: ChainPlan(30, headers_only=50)}))
    assert (outcome.headers, outcome.blocks) == (80, 20)


def test_long_chains_are_told_from_short_ones() -> None:
    assert not scenario().is_long
    assert not scenario(chains={MAIN: ChainPlan(1_000, headers_only=1_500)}).is_long
    assert not scenario(chains={MAIN: ChainPlan(1_500)}).is_long
    assert scenario(chains={MAIN: ChainPlan(1_100, headers_only=1_000)}).is_long


# ----------------------------------------------------------------------------------------------------------------- cues


def test_cues_are_performed_at_moments_that_the_seed_decides() -> None:
    moments = set()
    for seed in range(4):
        lines: list[str] = []
        of = scenario(Cue((5.0, 9.0), "break", NODE))
        run_of(of, seed, trace=lines.append).play()
        (line,) = [line for line in lines if "# " in line]
        assert line.endswith("# break node")
        moments.add(float(line.split()[0]))
    assert len(moments) == 4
    assert all(5.0 <= moment <= 9.0 for moment in moments)


def test_honest_peers_grow_and_the_node_follows() -> None:
    run, outcome = play(
        scenario(
            at(3.0, "grow", "peer", 50), at(6.0, "grow", "peer", LENGTH), cast={"peer": Role(options={"height": 40})}
        )
    )
    tips = [event.tip.height for event in run.node.events if isinstance(event, do.TipChanged)]
    assert tips[-1] == LENGTH
    assert {40, 50} <= set(tips)
    assert outcome.seconds > 6.0


def test_peers_switch_to_a_better_branch_and_the_node_reorganises() -> None:
    chains = {MAIN: ChainPlan(LENGTH), "better": ChainPlan(20, MAIN, LENGTH - 10)}
    run, outcome = play(scenario(at(20.0, "switch", "peer", "better"), chains=chains))
    assert outcome.headers == LENGTH + 10
    assert run.node.tree.tip == run.chains["better"].tip
    assert sum(isinstance(event, do.BlockDisconnected) for event in run.node.events) == 10


@pytest.mark.parametrize("deed", ["break", "restart"])
def test_a_node_that_is_broken_off_or_restarted_ends_with_everything(deed: Deed) -> None:
    run, outcome = play(scenario(at(0.5, deed, NODE)))
    assert outcome.blocks == LENGTH
    first = run.node.events[0]
    assert isinstance(first, do.PeerReady)


def test_a_restarted_node_has_what_it_had_stored() -> None:
    run = run_of(scenario(at(20.0, "restart", NODE)), 1)
    before = run.node
    run.play()
    assert run.node is not before
    assert run.node.store is before.store
    assert not [event for event in run.node.events if isinstance(event, do.BlockConnected)]


def test_a_node_that_was_parted_goes_on_when_it_is_healed() -> None:
    run, outcome = play(scenario(at(0.3, "split", NODE), at(40.0, "heal")))
    assert outcome.blocks == LENGTH
    assert outcome.seconds > 40.0
    assert run.node.host.side == 0


def test_peers_that_go_dark_vanish_or_are_parted_cannot_be_reached() -> None:
    cast = {"peer": Role()}
    for deed in ("dark", "vanish", "split"):
        run = run_of(scenario(cast=cast), 1)
        assert run.is_honest_reachable()
        perform(run, at(0.0, deed, "peer"))
        assert not run.is_honest_reachable()
    run = run_of(scenario(cast=cast), 1)
    perform(run, at(0.0, "dark", "peer"))
    perform(run, at(0.0, "light", "peer"))
    assert run.is_honest_reachable()


def test_a_peer_that_vanishes_leaves_the_node_half_open_until_its_clock_ends_it() -> None:
    run, _ = play(scenario(at(10.0, "vanish", "peer"), cast={"peer": Role(count=2)}))
    assert run.node.tree.tip.height == LENGTH
    lost = [event for event in run.node.events if isinstance(event, do.PeerLost)]
    assert [event.message for event in lost if "closing" not in event.message] == []


def test_a_deed_that_its_doer_cannot_do_is_an_error() -> None:
    for who, deed in ((NODE, "grow"), ("peer", "restart")):
        with pytest.raises(ValueError, match=f"does not {deed}"):
            perform(run_of(scenario(), 1), at(0.0, deed, who))  # type: ignore[arg-type]  # on purpose


def test_a_scenario_that_cannot_end_well_breaks() -> None:
    with pytest.raises(Broken, match="the sync did not end in time"):
        simulate(scenario(cast={"peer": Role(Deaf)}, within=200.0), seed=1)


class Deaf(Honest):
    """Takes connections and hears nothing."""

    def receive(self, talk: Any, data: bytes) -> None:
        """Nothing."""


def test_who_is_honest_decides_which_chain_is_the_best() -> None:
    class Rogue(Honest):
        is_honest = False

    chains = {MAIN: ChainPlan(LENGTH), "longer": ChainPlan(LENGTH + 10)}
    run = run_of(scenario(cast={"peer": Role(), "rogue": Role(Rogue, chain="longer")}, chains=chains), 1)
    assert run.best_height() == LENGTH
    assert run.actors["rogue"][0].actor.height == LENGTH + 10
    assert Address("9.9.9.9", 8333) in run.node.host.addresses
