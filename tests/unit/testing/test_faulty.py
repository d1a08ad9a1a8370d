"""Regtest blocks with one fault: each is refused by the rule that it is named after, and a chain may go on from it."""

from __future__ import annotations

import pytest

from headway.chain.headers import HeaderTree
from headway.network import BlockStatus, BlockVerdict, Headers
from headway.networks.bitcoin import REGTEST
from headway.testing.chain import regtest_chain
from headway.testing.faulty import BLOCK_FAULTS, HEADER_FAULTS, HEADER_SIZE, dated, faulty_block, faulty_header

CLOCK = 1_700_000_000.0
BLOCKS = list(regtest_chain(40, sizes=(0, 2_000)))
HEIGHTS = (1, 2, 16, 17, 18, 40)
"""A coinbase writes heights in other ways up to 16 and beyond."""


def tree_of(blocks: list[bytes]) -> HeaderTree:
    tree = HeaderTree(REGTEST)
    if blocks:
        assert tree.add(headers(*blocks), CLOCK).error is None
    return tree


def headers(*blocks: bytes) -> Headers:
    raw = b"".join(block[:HEADER_SIZE] for block in blocks)
    return Headers.fixed(raw, REGTEST.codec.parser, size=HEADER_SIZE)


def verdict(blocks: list[bytes], number: int) -> BlockVerdict:
    """Of one block of a chain whose headers are good."""
    tree = tree_of(blocks)
    return REGTEST.rules.verify_block(tree.request(number + 1), tree.block_context(number), blocks[number])


@pytest.mark.parametrize("fault", HEADER_FAULTS)
@pytest.mark.parametrize("height", HEIGHTS)
def test_rule_refuses_the_header(fault: str, height: int) -> None:
    block = BLOCKS[height - 1]
    bad = faulty_block(block, fault)
    added = tree_of(BLOCKS[: height - 1]).add(headers(bad), CLOCK)
    assert added.error is not None
    assert added.error.rule == fault
    assert bad[HEADER_SIZE:] == block[HEADER_SIZE:]
    assert faulty_header(block[:HEADER_SIZE], fault) == bad[:HEADER_SIZE]


@pytest.mark.parametrize("fault", BLOCK_FAULTS)
@pytest.mark.parametrize("height", HEIGHTS)
def test_rule_condemns_the_block_behind_a_good_header(fault: str, height: int) -> None:
    bad = faulty_block(BLOCKS[height - 1], fault)
    found = verdict([*BLOCKS[: height - 1], bad], height - 1)
    assert (found.status, found.rule) == (BlockStatus.INVALID, fault)


@pytest.mark.parametrize("fault", BLOCK_FAULTS)
def test_good_blocks_may_follow_a_bad_one(fault: str) -> None:
    bad = faulty_block(BLOCKS[19], fault)
    chain = [*BLOCKS[:19], bad, *regtest_chain(3, parent=bad, height=20)]
    for number in (20, 21, 22):
        assert verdict(chain, number).status is BlockStatus.VALID


@pytest.mark.parametrize("fault", [*HEADER_FAULTS, *BLOCK_FAULTS])
def test_the_same_block_is_spoilt_in_the_same_way(fault: str) -> None:
    assert faulty_block(BLOCKS[5], fault) == faulty_block(BLOCKS[5], fault) != BLOCKS[5]


def test_unknown_fault_is_refused() -> None:
    with pytest.raises(KeyError, match="bad-luck"):
        faulty_block(BLOCKS[0], "bad-luck")
    with pytest.raises(KeyError, match="bad-luck"):
        faulty_header(BLOCKS[0][:HEADER_SIZE], "bad-luck")


def test_dated_block_is_good_at_its_time_and_from_the_future_before() -> None:
    later = dated(BLOCKS[-1], int(CLOCK) + 10_000)
    chain = [*BLOCKS[:-1], later]
    too_early = tree_of(BLOCKS[:-1]).add(headers(later), CLOCK)
    assert too_early.error is not None
    assert too_early.error.rule == "time-too-new"
    assert tree_of(BLOCKS[:-1]).add(headers(later), CLOCK + 10_000).error is None
    assert later[HEADER_SIZE:] == chain[-1][HEADER_SIZE:]
