"""Kinds are told from content, of damaged files too."""

from __future__ import annotations

import random

import pytest

from headway.cli.verify.kind import HEAD_SIZE, Kind, kind_of
from headway.networks import network_named
from tests.chain_builder import regtest_chain
from tests.data import read

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
