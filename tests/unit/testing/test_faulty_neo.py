"""Blocks of Neo with one fault: each is refused by the rule that it is named after."""

from __future__ import annotations

import pytest

from headway.network import BlockStatus
from headway.networks.dbft.context import after
from headway.networks.dbft.rules import DbftRules
from headway.testing.faulty_neo import WITNESS_FAULTS, faulty_neo_block
from headway.testing.neo_chain import Generation, NeoChain, neo_network, validators
from headway.types import BlockRequest
from tests.neorun import GENERATIONS, judge

SIGNERS = validators(4)
ONE = validators(1)


@pytest.fixture(params=GENERATIONS)
def generation(request: pytest.FixtureRequest) -> Generation:
    chosen: Generation = request.param
    return chosen


def chain(generation: Generation, signers: object = SIGNERS) -> tuple[DbftRules, list[bytes]]:
    network = neo_network(generation, signers)  # type: ignore[arg-type]
    rules = network.rules
    assert isinstance(rules, DbftRules)
    return rules, list(NeoChain(network, signers).blocks(5))  # type: ignore[arg-type]


def rule_of(rules: DbftRules, blocks: list[bytes], number: int, bad: bytes) -> str:
    """The rule that refuses a header, by itself or by its proof."""
    before = rules.parser.block_header(blocks[number - 1])
    raw = rules.parser.block_header(bad).raw
    found = judge(rules, [raw], after(before, before.hash))
    return found.rule or ("bad-witness" if found.refused else "")


@pytest.mark.parametrize("fault", WITNESS_FAULTS)
@pytest.mark.parametrize("signers", [ONE, SIGNERS])
def test_rule_refuses_the_witness_and_the_hash_stays(generation: Generation, fault: str, signers: object) -> None:
    rules, blocks = chain(generation, signers)
    bad = faulty_neo_block(rules, blocks[3], fault, signers)  # type: ignore[arg-type]
    good, header = rules.parser.block_header(blocks[3]), rules.parser.block_header(bad)
    assert header.hash == good.hash
    assert bad[len(header.raw) :] == blocks[3][len(good.raw) :]
    assert rule_of(rules, blocks, 3, bad).partition(" ")[0] == fault.partition(" ")[0]
    before = rules.parser.block_header(blocks[2])
    verdict = rules.verify_block(BlockRequest(header, 4), after(before, before.hash), bad)
    assert verdict.status is BlockStatus.MUTATED


def test_old_header_is_signed_and_refused(generation: Generation) -> None:
    rules, blocks = chain(generation)
    bad = faulty_neo_block(rules, blocks[3], "time-too-old", SIGNERS)
    assert rules.check_signatures(rules.parser.block_header(bad)) == ""
    assert rule_of(rules, blocks, 3, bad) == "time-too-old"


def test_repeated_transaction_condemns_a_block_whose_header_is_good(generation: Generation) -> None:
    rules, blocks = chain(generation)
    bad = faulty_neo_block(rules, blocks[3], "duplicate-transaction", SIGNERS)
    assert rule_of(rules, blocks, 3, bad) == ""
    before, header = rules.parser.block_header(blocks[2]), rules.parser.block_header(bad)
    verdict = rules.verify_block(BlockRequest(header, 4), after(before, before.hash), bad)
    assert (verdict.status, verdict.rule) == (BlockStatus.INVALID, "duplicate-transaction")


def test_unknown_fault_is_refused(generation: Generation) -> None:
    rules, blocks = chain(generation)
    with pytest.raises(KeyError, match="bad-luck"):
        faulty_neo_block(rules, blocks[3], "bad-luck", SIGNERS)
