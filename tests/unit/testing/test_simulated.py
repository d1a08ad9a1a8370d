"""Runs by name or by value, with chains that are made once: the same arguments give the same history."""

from __future__ import annotations

import pytest

from headway.chain.headers import HeaderTree
from headway.chain.records import pack
from headway.network import BlockStatus
from headway.networks.bitcoin import REGTEST
from headway.sim.scenario import MAIN, ChainPlan, Role, Scenario
from headway.sim.scenarios import SCENARIOS
from headway.testing.simulated import cast_chains, run_of, simulate

SHORT = Scenario("short", "", {"peer": Role(count=2)}, {MAIN: ChainPlan(20)})


def trace_of(scenario: str | Scenario, seed: int) -> list[str]:
    lines: list[str] = []
    simulate(scenario, seed, trace=lines.append)
    return lines


def test_a_scenario_is_played_by_its_name_or_as_a_value() -> None:
    name = next(iter(SCENARIOS))
    assert run_of(name, seed=3).scenario is SCENARIOS[name]
    assert simulate(SHORT, seed=3).blocks == 20


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError, match="nothing of the kind"):
        simulate("nothing of the kind", seed=1)


def test_one_seed_is_one_history_and_another_seed_another() -> None:
    first = trace_of(SHORT, 5)
    assert len(first) > 50
    assert trace_of(SHORT, 5) == first
    assert trace_of(SHORT, 6) != first


def test_a_history_is_the_same_whether_anybody_reads_it_or_not() -> None:
    lines: list[str] = []
    assert simulate(SHORT, 5, trace=lines.append) == simulate(SHORT, 5)


@pytest.mark.parametrize("family", ["regtest", "neo2", "neo3"])
def test_chains_are_made_as_planned(family: str) -> None:
    plans = ((MAIN, ChainPlan(30)), ("fork", ChainPlan(5, MAIN, 20)), ("rival", ChainPlan(30)))
    network, chains = cast_chains(family, plans)
    main, fork, rival = (chains[name] for name, _ in plans)
    assert [len(chain) for chain in (main, fork, rival)] == [30, 25, 30]
    assert fork.hashes[:21] == main.hashes[:21]
    assert not set(fork.hashes[21:]) & set(main.hashes)
    assert not set(rival.hashes[1:]) & set(main.hashes)
    for chain in chains.values():
        assert (chain.valid_headers, chain.valid_blocks) == (len(chain), len(chain))
    tree = HeaderTree(network)
    tree.restore(pack(main.headers(1, 30), network.rules.header_size))
    for position, raw in enumerate(main.blocks, 1):
        context = tree.block_context(tree.parent(position))
        assert network.rules.verify_block(tree.request(position), context, raw).status is BlockStatus.VALID


def test_headers_may_go_on_where_blocks_end() -> None:
    _, chains = cast_chains("regtest", ((MAIN, ChainPlan(10, headers_only=15, sizes=(0, 0))),))
    assert len(chains[MAIN]) == 25
    assert len(chains[MAIN].blocks) == 10
    assert max(len(block) for block in chains[MAIN].blocks) < 300


def test_chains_are_made_once_for_each_plan() -> None:
    plans = ((MAIN, ChainPlan(12)),)
    assert cast_chains("regtest", plans) is cast_chains("regtest", plans)
    assert cast_chains("regtest", plans)[0] is REGTEST
