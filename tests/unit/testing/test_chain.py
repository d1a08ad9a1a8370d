"""Chains made on the spot, judged by the rules for real ones."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import pytest

from headway.chain.headers import HeaderTree
from headway.network import BlockStatus
from headway.networks.bitcoin import REGTEST
from headway.networks.bitcoin.parser import PARSER
from headway.store import Store
from headway.testing.chain import (
    GENESIS,
    MAX_SIZE,
    SMALL,
    SPACING,
    fork,
    mined,
    regtest_chain,
    regtest_headers,
    store_chain,
)
from headway.types import BlockId, BlockRequest
from headway.wire.messages import Headers

RULES = REGTEST.rules
WALL = 1_700_000_000.0


def judge(block: bytes, height: int) -> tuple[BlockStatus, str, tuple[str, ...]]:
    header = RULES.parse_header(block[:80])
    verdict = RULES.verify_block(BlockRequest(header, height), header.time - SPACING, block)
    return verdict.status, verdict.rule, verdict.unchecked


def headers_of(blocks: list[bytes]) -> Headers:
    return Headers.fixed(b"".join(block[:80] for block in blocks), PARSER, size=80)


def test_every_header_joins_the_tree() -> None:
    tree = HeaderTree(REGTEST)
    added = tree.add(headers_of(list(regtest_chain(2_100, sizes=(0, 0)))), WALL)
    assert added.error is None
    assert tree.tip.height == 2_100


def test_every_block_is_valid_and_nothing_about_it_stays_unchecked() -> None:
    for height, block in enumerate(regtest_chain(300), 1):
        assert judge(block, height) == (BlockStatus.VALID, "", ())


def test_a_block_of_the_largest_size_is_valid() -> None:
    (block,) = regtest_chain(1, sizes=(MAX_SIZE, MAX_SIZE))
    assert 0.95 * MAX_SIZE < len(block) < 1.05 * MAX_SIZE
    assert judge(block, 1) == (BlockStatus.VALID, "", ())


def test_sizes_vary_between_the_two_that_were_asked() -> None:
    sizes = [len(block) for block in regtest_chain(40, sizes=(20_000, 40_000))]
    assert 15_000 < min(sizes) < 24_000
    assert 36_000 < max(sizes) < 45_000


def test_small_blocks_are_from_a_coinbase_alone_to_several_transactions() -> None:
    counts = [len(PARSER.transactions(block)) for block in regtest_chain(60, sizes=SMALL)]
    assert min(counts) == 1
    assert max(counts) > 5


def test_the_same_arguments_give_the_same_chain() -> None:
    assert list(regtest_chain(5, salt=7)) == list(regtest_chain(5, salt=7))


def test_another_salt_gives_another_chain_from_the_same_parent() -> None:
    trunk = list(regtest_chain(6))
    fork = list(regtest_chain(6, salt=1, parent=trunk[2]))
    tree = HeaderTree(REGTEST)
    assert tree.add(headers_of(trunk), WALL).error is None
    assert tree.add(headers_of(fork), WALL).error is None
    assert tree.tip == BlockId(9, RULES.parse_header(fork[-1][:80]).hash)
    assert [judge(block, height)[0] for height, block in enumerate(fork, 4)] == [BlockStatus.VALID] * 6


def test_a_fork_is_the_whole_rival_chain() -> None:
    trunk = list(regtest_chain(6))
    rival = fork(trunk, at=2, length=6)
    assert rival[:2] == trunk[:2]
    assert not set(rival[2:]) & set(trunk)
    tree = HeaderTree(REGTEST)
    assert tree.add(headers_of(trunk), WALL).error is None
    assert tree.add(headers_of(rival), WALL).error is None
    assert tree.tip == BlockId(8, RULES.parse_header(rival[-1][:80]).hash)
    assert fork(trunk, at=2, length=6) == rival != fork(trunk, at=2, length=6, salt=2)
    assert fork(trunk, at=0, length=1)[0] not in trunk
    assert fork(trunk, at=6, length=2, salt=0) == list(regtest_chain(8))


@pytest.mark.parametrize("at", [-1, 7])
def test_a_fork_where_there_is_no_block_is_refused(at: int) -> None:
    with pytest.raises(ValueError, match=rf"no fork at {at}: this chain has the heights 0 \(genesis\) to 6"):
        fork(list(regtest_chain(6)), at=at, length=1)


def test_a_header_can_be_made_to_miss_its_target() -> None:
    (block,) = regtest_chain(1)
    target = 0x7FFFFF << 8 * 29
    for fails in (False, True):
        header = mined(block[:76], fails=fails)
        assert header[:76] == block[:76]
        assert (int.from_bytes(RULES.parse_header(header).hash, "little") > target) is fails


def test_a_chain_goes_on_after_any_of_its_blocks_as_it_went_on_before() -> None:
    whole = list(regtest_chain(20))
    assert list(regtest_chain(3, parent=whole[16])) == whole[17:]


def test_without_a_length_it_does_not_end() -> None:
    assert len(list(islice(regtest_chain(sizes=(0, 0)), 50))) == 50


@pytest.mark.parametrize("sizes", [(-1, 10), (10, 9), (0, MAX_SIZE + 1)])
def test_sizes_that_cannot_be_made_are_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="the lesser first"):
        next(regtest_chain(1, sizes=sizes))


def test_a_parent_without_a_height_is_refused() -> None:
    with pytest.raises(ValueError, match="states its height"):
        next(regtest_chain(1, parent=random.Random(1).randbytes(300)))


def test_headers_alone_join_the_tree_too() -> None:
    raw = list(regtest_headers(500))
    tree = HeaderTree(REGTEST)
    assert tree.add(headers_of(raw), WALL).error is None
    assert tree.tip.height == 500
    assert list(regtest_headers(2, salt=1)) != raw[:2]


def test_a_stored_chain_is_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    chain = list(regtest_chain(25))
    with Store.open(tmp_path, REGTEST) as store:
        written = list(store_chain(store, chain, batch=10))
        assert [block.height for block in written] == [10, 20, 25]
    with Store.open(tmp_path, REGTEST, readonly=True) as store:
        assert store.tree.tip == written[-1]
        assert [store.get_block(position) for position in range(1, 26)] == chain
        assert store.repairs == ()


def test_genesis_is_regtests() -> None:
    assert GENESIS[:80] == RULES.genesis
