"""Runs made on the spot: their chains are what their plans say, and one seed is one history."""

from __future__ import annotations

import pytest

from headway.network import BlockStatus
from headway.sim.scenario import MAIN, ChainPlan, Families, Role, Scenario
from headway.sim.scenarios import SCENARIOS
from headway.sim.simulation import EPOCH
from headway.testing.simulated import cast_chains, run_of, simulate
from headway.types import BlockRequest
from tests.meeting import FAMILIES

FORK = "fork"


@pytest.mark.parametrize("family", FAMILIES)
def test_chain_has_the_length_of_its_plan_and_keeps_all_rules(family: Families) -> None:
    network, chains = cast_chains(family, ((MAIN, ChainPlan(160)),))
    chain = chains[MAIN]
    rules = network.rules
    assert len(chain) == len(chain.blocks) == chain.valid_headers == chain.valid_blocks == 160
    verdict = rules.check_headers(chain.headers(1, 160), rules.context_at(1), EPOCH)
    assert (verdict.accepted, verdict.error) == (160, None)
    assert [proof.check() for proof in verdict.proofs] == [""] * len(verdict.proofs)
    for height in (1, 51, 160):
        header = network.codec.parser.header(chain.raw_headers[height - 1])
        block = chain.block(height)
        assert block is not None
        assert rules.verify_block(BlockRequest(header, height), None, block).status is BlockStatus.VALID


@pytest.mark.parametrize("family", FAMILIES)
def test_fork_shares_what_its_plan_says_and_no_more(family: Families) -> None:
    plans = ((MAIN, ChainPlan(20)), (FORK, ChainPlan(15, of=MAIN, at=10)))
    _, chains = cast_chains(family, plans)
    assert len(chains[FORK]) == 25
    assert chains[FORK].hashes[:11] == chains[MAIN].hashes[:11]
    assert not set(chains[FORK].hashes[11:]) & set(chains[MAIN].hashes)


def test_equal_plans_of_two_scenarios_are_one_chain() -> None:
    plan = ChainPlan(20)
    _, alone = cast_chains("regtest", ((MAIN, plan),))
    _, beside = cast_chains("regtest", (("other", ChainPlan(5)), (MAIN, plan)))
    assert alone[MAIN] is beside[MAIN]


def test_headers_follow_the_last_block_and_a_fork_may_leave_among_them() -> None:
    plans = (
        (MAIN, ChainPlan(10, headers_only=20)),
        (FORK, ChainPlan(0, of=MAIN, at=25, headers_only=10)),
        ("low", ChainPlan(3, of=MAIN, at=5, headers_only=4)),
    )
    network, chains = cast_chains("regtest", plans)
    for name, blocks, headers, shared in ((MAIN, 10, 30, 30), (FORK, 10, 35, 25), ("low", 8, 12, 5)):
        chain = chains[name]
        assert (len(chain.blocks), len(chain)) == (blocks, headers)
        assert chain.hashes[: shared + 1] == chains[MAIN].hashes[: shared + 1]
        verdict = network.rules.check_headers(chain.headers(1, headers), network.rules.context_at(1), EPOCH)
        assert (verdict.accepted, verdict.error) == (headers, None)


@pytest.mark.parametrize(
    ("family", "fault"),
    [("regtest", "high-hash"), ("regtest", "bad-diffbits"), ("neo2", "time-too-old"), ("neo3", "time-too-old")],
)
def test_bad_header_is_where_its_plan_says(family: Families, fault: str) -> None:
    network, chains = cast_chains(family, ((MAIN, ChainPlan(20, fault=fault, fault_at=12)),))
    chain = chains[MAIN]
    assert (len(chain), chain.valid_headers, chain.valid_blocks) == (20, 11, 11)
    verdict = network.rules.check_headers(chain.headers(1, 20), network.rules.context_at(1), EPOCH)
    assert verdict.accepted == 11
    assert verdict.error is not None
    assert verdict.error.rule == fault


def test_bad_header_may_stand_behind_the_last_block() -> None:
    plan = ChainPlan(5, headers_only=20, fault="bad-version", fault_at=12)
    network, chains = cast_chains("regtest", ((MAIN, plan),))
    chain = chains[MAIN]
    assert (chain.valid_headers, len(chain), len(chain.blocks)) == (11, 25, 5)
    assert network.rules.check_headers(chain.headers(1, 25), network.rules.context_at(1), EPOCH).accepted == 11


@pytest.mark.parametrize(
    ("family", "fault"),
    [("regtest", "bad-cb-height"), ("neo2", "duplicate-transaction"), ("neo3", "duplicate-transaction")],
)
def test_bad_block_stands_behind_a_good_header(family: Families, fault: str) -> None:
    network, chains = cast_chains(family, ((MAIN, ChainPlan(20, fault=fault, fault_at=12)),))
    chain, rules = chains[MAIN], network.rules
    assert (chain.valid_headers, chain.valid_blocks) == (20, 11)
    assert rules.check_headers(chain.headers(1, 20), rules.context_at(1), EPOCH).accepted == 20
    for height in range(1, 21):
        header = network.codec.parser.header(chain.raw_headers[height - 1])
        status = rules.verify_block(BlockRequest(header, height), None, chain.block(height) or b"").status
        assert status is (BlockStatus.INVALID if height == 12 else BlockStatus.VALID)


@pytest.mark.parametrize("family", ["neo2", "neo3"])
@pytest.mark.parametrize("fault", ["bad-witness", "bad-witness-script none"])
def test_proofs_are_missing_from_a_height_on(family: Families, fault: str) -> None:
    network, chains = cast_chains(family, ((MAIN, ChainPlan(20, fault=fault, fault_at=12)),))
    chain, rules = chains[MAIN], network.rules
    assert chain.valid_headers == 11
    good = rules.check_headers(chain.headers(1, 11), rules.context_at(1), EPOCH)
    assert not any(proof.check() for proof in good.proofs)
    for height in range(12, 21):
        context = rules.check_headers(chain.headers(1, height - 1), rules.context_at(1), EPOCH, thorough=False).context
        alone = rules.check_headers(chain.headers(height, height), context, EPOCH)
        assert alone.error or all(proof.check() for proof in alone.proofs)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("fault", ["another genesis", "another magic"])
def test_chain_of_another_network_has_nothing_of_ours(family: Families, fault: str) -> None:
    network, chains = cast_chains(family, ((MAIN, ChainPlan(20, fault=fault)),))
    other = chains[MAIN].network
    assert len(chains[MAIN]) == 20
    assert other.rules.root.hash != network.rules.root.hash
    assert (other.magic != network.magic) == (fault == "another magic")
    assert chains[MAIN].valid_headers == chains[MAIN].valid_blocks == 0


def test_last_block_may_be_fresh() -> None:
    _, chains = cast_chains("regtest", ((MAIN, ChainPlan(20, dated=-30.0)),))
    parser = chains[MAIN].network.codec.parser
    times = [parser.header(raw).time for raw in chains[MAIN].raw_headers]
    assert times[-1] == EPOCH - 30
    assert max(times[:-1]) < EPOCH - 86_400


@pytest.mark.parametrize("family", ["neo2", "neo3"])
def test_so_many_validators_sign_as_are_asked_for(family: Families) -> None:
    one, four = (
        cast_chains(family, ((MAIN, ChainPlan(5)),), validators=number)[1][MAIN].network.rules.genesis_block
        for number in (1, 4)
    )
    assert one != four


QUIET = Scenario("a quiet one", "All is well.", {"honest": Role(count=2)}, {MAIN: ChainPlan(30)})


def test_one_seed_is_one_history_and_another_is_another() -> None:
    histories = []
    for seed in (3, 3, 4):
        lines: list[str] = []
        simulate(QUIET, seed, trace=lines.append)
        histories.append(lines)
    assert histories[0] == histories[1] != histories[2]
    assert len(histories[0]) > 30


def test_a_history_is_the_same_whether_anybody_reads_it_or_not() -> None:
    lines: list[str] = []
    assert simulate(QUIET, 5, trace=lines.append) == simulate(QUIET, 5)
    assert len(lines) > 30


def test_scenario_is_played_by_its_name_or_as_a_value_and_its_run_can_be_looked_at() -> None:
    run = run_of("quiet", 1)
    outcome = run.play()
    assert outcome == simulate(SCENARIOS["quiet"], 1)
    assert run.node.tree.tip == run.chains[MAIN].tip
    assert outcome.headers == 200


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError, match="nothing of the kind"):
        simulate("nothing of the kind", seed=1)
