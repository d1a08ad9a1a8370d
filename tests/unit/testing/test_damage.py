"""Damaged blocks: our rules refuse each for the reason that it was made for, and for no other."""

from __future__ import annotations

import pytest

from headway.chain.headers import HeaderTree
from headway.network import BlockStatus
from headway.networks.bitcoin import REGTEST
from headway.networks.bitcoin.parser import PARSER
from headway.testing.chain import regtest_chain
from headway.testing.damage import DAMAGES, damaged
from headway.types import BlockRequest
from headway.wire.messages import Headers

CHAIN = list(regtest_chain(15, sizes=(1_500, 2_500)))
HEIGHT = 14
BLOCK = next(block for block in CHAIN[HEIGHT - 1 :] if len(PARSER.transactions(block)) not in {1, 2, 4, 8, 16})
HEADER_RULES = {"work", "link", "time", "bits"}
COPIES = {"transaction", "witness", "duplicate", "cut"}


def judged(block: bytes) -> tuple[str, BlockStatus, str]:
    """The rule that the header breaks behind its chain; what becomes of the block, and the rule that it breaks."""
    tree = HeaderTree(REGTEST)
    wall_time = PARSER.block_header(CHAIN[-1]).time
    before = CHAIN[: CHAIN.index(BLOCK)]
    raw = b"".join(each[:80] for each in (*before, block))
    error = tree.add(Headers.fixed(raw, PARSER, size=80), wall_time).error
    header = PARSER.block_header(block)
    verdict = REGTEST.rules.verify_block(BlockRequest(header, len(before) + 1), header.time - 1, block)
    return error.rule if error else "", verdict.status, verdict.rule


@pytest.mark.parametrize("how", DAMAGES)
def test_each_breaks_the_rule_that_it_was_made_for(how: str) -> None:
    assert judged(BLOCK)[:2] == ("", BlockStatus.VALID)
    block = damaged(BLOCK, how)
    header_rule, status, rule = judged(block)
    expected, _ = DAMAGES[how]
    assert header_rule == (expected if how in HEADER_RULES else "")
    if how not in HEADER_RULES:
        assert rule == expected or not expected
        assert status is (BlockStatus.INVALID if how == "amount" else BlockStatus.MUTATED)
    assert (block[:80] == BLOCK[:80]) == (how in COPIES)


def test_a_duplicate_is_as_large_as_what_the_tree_repeats() -> None:
    hidden = []
    for block in CHAIN:
        count = len(PARSER.transactions(block))
        if count & (count - 1):  # no power of two
            twice = damaged(block, "duplicate")
            header = PARSER.block_header(block)
            assert REGTEST.rules.verify_block(BlockRequest(header), None, twice).rule == "bad-txns-duplicate"
            hidden.append(len(PARSER.transactions(twice)) - count)
    assert set(hidden) == {1, 2}


def test_a_duplicate_needs_a_tree_that_repeats_its_last() -> None:
    (lone,) = regtest_chain(1, sizes=(0, 0))
    with pytest.raises(ValueError, match="a block of 1 transactions cannot hide a duplicate"):
        damaged(lone, "duplicate")


def test_damage_that_there_is_not_is_named_with_what_there_is() -> None:
    with pytest.raises(ValueError, match="no damage of a block is named 'merkle'; there are transaction, witness"):
        damaged(BLOCK, "merkle")
