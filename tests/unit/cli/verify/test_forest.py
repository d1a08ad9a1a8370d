"""Headers in any order: trees, heights, works, faults and median times."""

from __future__ import annotations

import random

import pytest

from headway.cli.verify.forest import Forest
from headway.cli.verify.headers import HeaderJudge
from headway.cli.verify.report import Report
from headway.errors import ConfigError
from headway.networks import network_named
from headway.types import UNKNOWN_HEIGHT
from tests.chain_builder import GENESIS, SPACING, assemble, block_hash, block_time, coinbase, regtest_chain
from tests.sealednet import PARSER, SEALED, seal, sealed_chain
from tests.toynet import toy_chain

REGTEST = network_named("regtest")
CHAIN = [GENESIS, *regtest_chain(20)]
"""By height."""
FORK = regtest_chain(6, parent=CHAIN[9], salt=1)
"""Heights 10 to 15."""
NOW = block_time(CHAIN[-1])
WORK = 2
"""Of each block."""


def grown(
    blocks: list[bytes], *, stated: dict[int, int] | None = None, first: int | None = None
) -> tuple[Forest, Report]:
    forest, report = Forest(REGTEST), Report()
    for block in blocks:
        forest.add(block[:80])
    forest.judge(HeaderJudge(REGTEST, NOW, report), stated or {}, first)
    return forest, report


def shuffled(blocks: list[bytes], seed: int) -> list[bytes]:
    return random.Random(seed).sample(blocks, len(blocks))


@pytest.mark.parametrize("seed", range(5))
def test_any_order_gives_the_same_heights_works_and_counts(seed: int) -> None:
    blocks = shuffled(CHAIN + FORK, seed)
    forest, report = grown(blocks)
    assert len(forest) == report.headers == 27
    assert report.unchecked == {}
    heights = {
        block_hash(block): height for start, run in ((0, CHAIN), (10, FORK)) for height, block in enumerate(run, start)
    }
    for number, block in enumerate(blocks):
        height = heights[block_hash(block)]
        assert forest.id(number).height == height
        assert forest.id(number).hash == block_hash(block)
        assert forest.raw(number) == block[:80]
        assert forest.work(number) == WORK * (height + 1)
        assert forest.fault(number) is None


def test_a_header_added_twice_is_one() -> None:
    forest = Forest(REGTEST)
    assert [forest.add(block[:80]) for block in (CHAIN[3], CHAIN[4], CHAIN[3])] == [0, 1, 0]
    assert len(forest) == 2
    assert block_hash(CHAIN[4]) in forest
    assert block_hash(CHAIN[5]) not in forest


def test_a_fork_is_checked_with_its_own_history() -> None:
    early = assemble(block_hash(FORK[-1]), block_time(FORK[0]), [coinbase(16)])  # below the median of the fork
    forest, _ = grown([*CHAIN, *FORK, early])
    fault = forest.fault(len(CHAIN) + len(FORK))
    assert fault is not None
    assert (fault.rule, fault.block and fault.block.height) == ("time-too-old", 16)


def test_what_stands_on_a_fault_shares_it_and_the_other_branch_does_not() -> None:
    bad = assemble(block_hash(CHAIN[9]), block_time(CHAIN[9]) + SPACING, [coinbase(10)], version=1)
    above = assemble(block_hash(bad), block_time(bad) + SPACING, [coinbase(11)])
    forest, report = grown([above, bad, *CHAIN])
    assert forest.fault(0) is forest.fault(1)
    assert forest.fault(1) is not None
    assert all(forest.fault(number) is None for number in range(2, 2 + len(CHAIN)))
    assert report.headers == len(CHAIN)


def test_a_tree_without_its_parent_takes_the_height_that_its_root_states() -> None:
    forest, report = grown([*CHAIN[15:], *CHAIN[5:3:-1], CHAIN[10]], stated={0: 15, 6: 5, 7: 4})
    assert [forest.id(number).height for number in range(6)] == [15, 16, 17, 18, 19, 20]
    assert [forest.id(number).height for number in (6, 7)] == [5, 4], "5 states its height too, and is no root"
    assert forest.id(8).height == UNKNOWN_HEIGHT
    assert report.unchecked["link"] == 3
    assert report.unchecked["version"] == 1


def test_the_user_knows_the_first_header_best_wherever_it_stands_in_its_tree() -> None:
    forest, _ = grown([CHAIN[12], CHAIN[10], CHAIN[11], CHAIN[5]], first=12, stated={1: 99, 3: 5})
    assert [forest.id(number).height for number in range(4)] == [12, 10, 11, 5]


def test_a_start_that_cannot_be_is_the_users_mistake() -> None:
    with pytest.raises(ConfigError, match="the file begins with height 0"):
        grown(CHAIN, first=3)
    with pytest.raises(ConfigError, match="--from-height 1: the file holds 2 headers below its first block"):
        grown([CHAIN[12], CHAIN[10], CHAIN[11]], first=1)


@pytest.mark.parametrize("seed", range(3))
def test_median_times_are_those_of_the_blocks_below(seed: int) -> None:
    blocks = shuffled(CHAIN[1:] + FORK, seed)
    forest, _ = grown(blocks)
    for number, block in enumerate(blocks):
        run = CHAIN if block in CHAIN else CHAIN[:10] + FORK
        height = run.index(block)
        times = sorted(map(block_time, run[max(0, height - 11) : height]))
        assert forest.block_context(number) == times[len(times) // 2]


def test_a_median_that_reaches_below_the_file_is_not_known() -> None:
    for first in (5, None):
        forest, _ = grown(CHAIN[5:], first=first)
        medians = [forest.block_context(number) for number in range(16)]
        assert medians[:11] == [None] * 11
        assert medians[11:] == [block_time(CHAIN[height - 6]) for height in range(16, 21)]


def test_genesis_has_no_median() -> None:
    forest, _ = grown([GENESIS])
    assert forest.block_context(0) is None


def test_long_runs_are_judged_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.cli.verify.forest._BATCH", 4)
    forest, report = grown(CHAIN + FORK)
    assert report.headers == 27
    assert [forest.id(number).height for number in range(27)] == [*range(21), *range(10, 16)]
    bad = assemble(block_hash(CHAIN[9]), block_time(CHAIN[9]) + SPACING, [coinbase(10)], version=1)
    forest, report = grown([*CHAIN[:10], bad])
    assert report.headers == 10
    assert forest.fault(10) is not None


def test_nothing_is_a_forest_too() -> None:
    forest, report = grown([], first=5)
    assert len(forest) == report.headers == 0


@pytest.mark.parametrize("seed", range(3))
def test_headers_that_vary_in_size_make_trees_too(seed: int) -> None:
    headers = [PARSER.block_header(block).raw for block in sealed_chain(20, seals=(b"ok", b"ok, longer", b"ok" * 90))]
    order = random.Random(seed).sample(range(20), 20)
    forest, report = Forest(SEALED), Report()
    for number, at in enumerate(order):
        assert forest.add(headers[at]) == number
    forest.judge(HeaderJudge(SEALED, 2e9, report), {}, None)
    assert report.headers == 20
    for number, at in enumerate(order):
        assert forest.raw(number) == headers[at]
        assert forest.id(number).height == at + 1
        assert forest.work(number) == at + 1
        assert forest.fault(number) is None


def test_what_stands_on_a_header_without_a_proof_shares_its_fault() -> None:
    blocks = sealed_chain(9)
    blocks[4] = seal(toy_chain(5)[4], b"forged")
    forest, report = Forest(SEALED), Report()
    for block in blocks:
        forest.add(PARSER.block_header(block).raw)
    forest.judge(HeaderJudge(SEALED, 2e9, report), {}, None)
    assert report.headers == 4
    faults = [forest.fault(number) for number in range(9)]
    assert faults[:4] == [None] * 4
    assert {str(fault) for fault in faults[4:]} == {f"block {forest.id(4)}: bad-witness (a seal that says b'forged')"}
