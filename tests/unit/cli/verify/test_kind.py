"""Kinds are told from content, of damaged files too."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from headway.cli.verify.kind import HEAD_SIZE, Kind, head_size, kind_of
from headway.errors import CodecError
from headway.network import Network
from headway.networks import network_named
from headway.store import dump
from headway.types import Raw
from tests.chain_builder import regtest_chain
from tests.data import read
from tests.sealednet import PARSER, SEALED, SealedCodec, SealedParser, sealed_chain
from tests.toynet import ToyTransaction

MAINNET, REGTEST = network_named("bitcoin"), network_named("regtest")
CHAIN = regtest_chain(60)
HEADERS = b"".join(block[:80] for block in CHAIN)
SPARSE = b"".join(height.to_bytes(4, "little") + block[:80] for height, block in enumerate(CHAIN, 1) if height % 3 == 0)


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_headers_that_link_are_headers(count: int) -> None:
    assert kind_of(HEADERS[: 80 * count], REGTEST) is Kind.HEADERS


@pytest.mark.parametrize("size", [116, 159, 161, 239, 80 * 50 + 1])
def test_torn_headers_are_headers(size: int) -> None:
    assert kind_of(HEADERS[:size], REGTEST) is Kind.HEADERS


def test_headers_one_of_which_is_damaged_are_headers() -> None:
    for at in range(0, 80 * 6, 8):
        damaged = HEADERS[:at] + bytes([HEADERS[at] ^ 1]) + HEADERS[at + 1 : 80 * 6]
        assert kind_of(damaged, REGTEST) is Kind.HEADERS


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_headers_with_their_heights_are_sparse(count: int) -> None:
    assert kind_of(SPARSE[: 84 * count], REGTEST) is Kind.SPARSE_HEADERS


@pytest.mark.parametrize("size", [100, 167, 169, 84 * 12 + 7])
def test_torn_sparse_headers_are_sparse(size: int) -> None:
    assert kind_of(SPARSE[:size], REGTEST) is Kind.SPARSE_HEADERS


def test_sparse_headers_some_of_which_are_damaged_are_sparse() -> None:
    damaged = b"".join(
        SPARSE[at : at + 84][:-1] + b"\xff" if at % 168 else SPARSE[at : at + 84] for at in range(0, 840, 84)
    )
    assert kind_of(damaged, REGTEST) is Kind.SPARSE_HEADERS


@pytest.mark.parametrize(
    "content", [REGTEST.magic, REGTEST.magic[:2], REGTEST.magic + bytes(100), REGTEST.magic + HEADERS]
)
def test_what_begins_with_the_magic_is_a_block_file(content: bytes) -> None:
    assert kind_of(content, REGTEST) is Kind.BLOCK_FILE


def test_another_networks_magic_makes_no_block_file() -> None:
    assert kind_of(MAINNET.magic + bytes(100), REGTEST) is Kind.BLOCK


def test_a_block_is_a_block_whatever_its_size() -> None:
    rng = random.Random(1)
    for block in [*CHAIN, *regtest_chain(40, transactions_per_block=2)]:
        assert kind_of(block[:HEAD_SIZE], REGTEST) is Kind.BLOCK
        cut = block[: rng.randrange(81, len(block))]
        assert kind_of(cut[:HEAD_SIZE], REGTEST) is Kind.BLOCK
        for size in range(240, len(block), 80):
            assert kind_of(block[:size], REGTEST) is Kind.BLOCK


def test_real_blocks_are_blocks() -> None:
    content, at = read("bitcoin", "blocks", "mainnet-0-438.blk.dat.xz"), 0
    while at < len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        assert kind_of(content[at + 8 : at + 8 + length], MAINNET) is Kind.BLOCK
        at += 8 + length


@pytest.mark.parametrize("content", [b"", b"x", bytes(79), bytes(500), b"\xff" * 1_000])
def test_what_is_nothing_else_is_called_a_block(content: bytes) -> None:
    assert kind_of(content, REGTEST) is Kind.BLOCK


SEALED_CHAIN = [SEALED.rules.genesis_block, *sealed_chain(20)]


def dumped(blocks: Sequence[bytes], first: int = 0) -> bytes:
    return dump.head(first, len(blocks)) + b"".join(dump.number(len(block)) + block for block in blocks)


@pytest.mark.parametrize("first", [0, 1, 7])
@pytest.mark.parametrize("count", [1, 2, 13])
@pytest.mark.parametrize("network", [REGTEST, SEALED], ids=["regtest", "sealed"])
def test_dumps_are_dumps_with_and_without_their_start(network: Network, first: int, count: int) -> None:
    chain = [network.rules.genesis_block, *CHAIN] if network is REGTEST else SEALED_CHAIN
    blocks = chain[first : first + count]
    assert kind_of(dumped(blocks), network) is Kind.DUMP
    if first:
        assert kind_of(dumped(blocks, first), network) is Kind.DUMP_FROM_HEIGHT


def test_a_dump_of_blocks_longer_than_what_is_looked_at_is_a_dump() -> None:
    block = read("bitcoin", "blocks", "mainnet-300025-58a9022cc78c.bin.xz")
    assert len(block) > HEAD_SIZE
    assert kind_of(dumped([block])[:HEAD_SIZE], MAINNET) is Kind.DUMP
    assert kind_of(dumped([block], 300_025)[:HEAD_SIZE], MAINNET) is Kind.DUMP_FROM_HEIGHT


@pytest.mark.parametrize("network", [REGTEST, SEALED], ids=["regtest", "sealed"])
def test_damaged_dumps_are_dumps(network: Network) -> None:
    content = dumped(CHAIN if network is REGTEST else SEALED_CHAIN[1:])
    for at in (0, 9, 30, 50, 100, 130):
        assert kind_of(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :], network) is Kind.DUMP
    assert kind_of(content[:-3], network) is Kind.DUMP
    assert kind_of(content + b"more", network) is Kind.DUMP


def test_a_magic_that_is_the_count_of_a_dump_does_not_hide_it() -> None:
    for network, chain in ((SEALED, SEALED_CHAIN[1:]), (REGTEST, CHAIN)):
        counted = replace(network, magic=dump.number(len(chain)))
        framed = b"".join(counted.magic + dump.number(len(block)) + block for block in chain)
        assert kind_of(dumped(chain), counted) is Kind.DUMP
        assert kind_of(framed, counted) is Kind.BLOCK_FILE
        assert kind_of(dumped(chain, len(chain)), counted) is Kind.DUMP_FROM_HEIGHT


@pytest.mark.parametrize("block", SEALED_CHAIN[1:4])
def test_one_header_of_a_chain_whose_headers_vary_is_a_header(block: bytes) -> None:
    header = PARSER.block_header(block).raw
    assert kind_of(header, SEALED) is Kind.HEADER
    for rest in (b"\1", b"\0\0", header):
        assert kind_of(header + rest, SEALED) is Kind.BLOCK
    assert kind_of(header[:-1], SEALED) is Kind.BLOCK
    assert kind_of(block, SEALED) is Kind.BLOCK


def test_an_empty_list_behind_a_header_is_none_of_its_parts_unless_a_block_may_have_one() -> None:
    class NoEmptyBlocks(SealedParser):
        def transactions(self, raw: Raw) -> list[ToyTransaction]:
            found = super().transactions(raw)
            if not found:
                raise CodecError("no transactions")
            return found

    header = PARSER.block_header(SEALED_CHAIN[1]).raw
    assert kind_of(header + b"\0", SEALED) is Kind.BLOCK
    strict = replace(SEALED, codec=SealedCodec(parser=NoEmptyBlocks()))
    assert kind_of(header + b"\0", strict) is Kind.HEADER


def test_where_headers_carry_a_proof_more_is_looked_at() -> None:
    assert head_size(SEALED) > 131_000 > HEAD_SIZE == head_size(REGTEST)
