"""Compact blocks hold their header raw, and parse it on demand."""

from __future__ import annotations

from headway.wire.compact import CmpctBlock, PrefilledTransaction
from headway.wire.messages import Tx
from tests.toynet import HEADER_SIZE, PARSER, toy_chain


def test_the_header_of_a_compact_block_is_parsed_when_asked_for() -> None:
    raw = toy_chain(1)[0][:HEADER_SIZE]
    block = CmpctBlock(raw, 7, (1, 2), (PrefilledTransaction(0, Tx(b"tx", PARSER)),), PARSER)
    assert block.header == PARSER.header(raw)
    assert bytes(block.prefilled[0].transaction) == b"tx"
