"""Blocks for a Bloom filter hold their header raw, and parse it on demand."""

from __future__ import annotations

from headway.wire.filters import MerkleBlock
from tests.toynet import HEADER_SIZE, PARSER, toy_chain


def test_the_header_of_a_merkle_block_is_parsed_when_asked_for() -> None:
    raw = toy_chain(1)[0][:HEADER_SIZE]
    assert MerkleBlock(raw, 1, (bytes(32),), b"\1", PARSER).header == PARSER.header(raw)
