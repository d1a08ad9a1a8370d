"""A chain as those hold it who serve it: heights, hashes, headers as they travel, blocks; forks and what is wrong."""

from __future__ import annotations

import pytest

from headway.networks.bitcoin import REGTEST
from headway.sim.chain import Chain
from headway.testing.chain import GENESIS, regtest_chain, regtest_headers
from headway.testing.neo_chain import NeoChain, neo_network, validators
from headway.types import BlockId

BLOCKS = list(regtest_chain(5))
BARE = list(regtest_headers(3, parent=BLOCKS[-1]))
PARSER = REGTEST.codec.parser


def test_heights_and_hashes_begin_at_genesis() -> None:
    chain = Chain(REGTEST, BLOCKS)
    assert len(chain) == 5
    assert chain.hashes[0] == REGTEST.rules.root.hash
    assert [chain.heights[each] for each in chain.hashes] == [0, 1, 2, 3, 4, 5]
    assert chain.hashes[3] == PARSER.block_header(BLOCKS[2]).hash
    assert chain.tip == chain.id(5) == BlockId(5, PARSER.block_header(BLOCKS[4]).hash)


def test_blocks_are_found_by_height() -> None:
    chain = Chain(REGTEST, BLOCKS, BARE)
    assert chain.block(0) == GENESIS
    assert [chain.block(height) for height in range(1, 6)] == BLOCKS
    assert chain.block(6) is None, "a header alone"
    assert chain.block(9) is None
    assert chain.block(-1) is None
    assert len(chain) == 8


def test_headers_are_a_message_of_those_that_were_asked() -> None:
    chain = Chain(REGTEST, BLOCKS, BARE)
    raws = [block[:80] for block in BLOCKS] + BARE
    assert [header.raw for header in chain.headers(1, 8)] == raws
    assert [header.raw for header in chain.headers(0, 2)] == raws[:2], "genesis is not sent"
    assert [header.raw for header in chain.headers(7, 99)] == raws[6:]
    assert len(chain.headers(5, 4)) == len(chain.headers(9, 20)) == 0


def test_signed_headers_of_any_length_too() -> None:
    signers = validators(1)
    network = neo_network("neo3", signers)
    blocks = list(NeoChain(network, signers).blocks(4))
    chain = Chain(network, blocks)
    raws = [network.codec.parser.block_header(block).raw for block in blocks]
    assert [header.raw for header in chain.headers(2, 3)] == raws[1:3]
    assert len(chain.headers(5, 9)) == 0


@pytest.mark.parametrize(
    ("options", "headers", "blocks"),
    [
        ({}, 8, 5),
        ({"valid_blocks": 2}, 8, 2),
        ({"valid_headers": 3}, 3, 3),
        ({"valid_headers": 7, "valid_blocks": 4}, 7, 4),
    ],
)
def test_it_knows_up_to_where_it_keeps_the_rules(options: dict[str, int], headers: int, blocks: int) -> None:
    chain = Chain(REGTEST, BLOCKS, BARE, **options)
    assert (chain.valid_headers, chain.valid_blocks) == (headers, blocks)


def test_a_fork_shares_what_lies_below() -> None:
    trunk = Chain(REGTEST, BLOCKS)
    fork = Chain(REGTEST, [*BLOCKS[:3], *regtest_chain(4, salt=1, parent=BLOCKS[2])])
    assert fork.hashes[:4] == trunk.hashes[:4]
    assert not set(fork.hashes[4:]) & set(trunk.hashes)
