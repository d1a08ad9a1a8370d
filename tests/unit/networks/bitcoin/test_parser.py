from __future__ import annotations

import pytest

from headway.errors import CodecError
from headway.networks.bitcoin.parser import PARSER
from headway.networks.bitcoin.transaction import Transaction
from headway.wire.messages import Block, Headers, InvEntry, InvType, Tx
from tests.chain_builder import block_hash, regtest_chain

BLOCK = regtest_chain(1, transactions_per_block=3)[0]


def test_a_block_message_reads_its_header_and_transactions() -> None:
    block = Block(memoryview(BLOCK), PARSER)
    assert block.hash == block_hash(BLOCK)
    assert block.header.raw == BLOCK[:80]
    transactions = block.transactions
    assert BLOCK[:80] + b"\4" + b"".join(tx.raw for tx in transactions) == BLOCK
    assert transactions == tuple(Transaction.from_raw(tx.raw) for tx in transactions)


def test_a_headers_message_reads_one_header_at_a_time() -> None:
    headers = Headers.fixed((BLOCK[:80] + b"\0") * 2, PARSER, size=80, stride=81)
    assert [header.hash for header in headers] == [block_hash(BLOCK)] * 2


def test_a_transaction_message_reads_its_id() -> None:
    raw = Block(BLOCK, PARSER).transactions[1].raw
    assert Tx(memoryview(raw), PARSER).txid == Transaction.from_raw(raw).txid


def test_stripped_is_the_block_as_it_was_before_segwit() -> None:
    stripped = PARSER.stripped(memoryview(BLOCK))
    assert [tx.txid for tx in PARSER.transactions(stripped)] == [tx.txid for tx in PARSER.transactions(BLOCK)]
    assert not any(item for tx in PARSER.transactions(stripped) for item in tx.witness)
    assert PARSER.stripped(stripped) == stripped


@pytest.mark.parametrize("size", [0, 79])
def test_too_few_bytes_for_a_header_are_refused(size: int) -> None:
    with pytest.raises(CodecError, match="80 bytes"):
        PARSER.block_header(BLOCK[:size])


@pytest.mark.parametrize("raw", [b"", BLOCK[:80], BLOCK[:-1], BLOCK + b"\0"], ids=["empty", "header", "cut", "long"])
def test_bytes_that_are_no_block_are_refused(raw: bytes) -> None:
    with pytest.raises(CodecError, match=r"block: (truncated|trailing-bytes)"):
        PARSER.transactions(raw)
    with pytest.raises(CodecError, match=r"block: (truncated|trailing-bytes)"):
        PARSER.stripped(raw)


def test_a_header_with_a_byte_too_many_is_refused() -> None:
    with pytest.raises(CodecError):
        PARSER.header(BLOCK[:81])


def test_a_transaction_is_asked_for_by_either_id_and_comes_with_its_witness_unless_that_is_not_wanted() -> None:
    transaction = next(tx for tx in PARSER.transactions(BLOCK) if any(tx.witness))
    assert PARSER.transaction_forms(memoryview(transaction.raw)) == {
        InvEntry(InvType.WTX, transaction.wtxid): transaction.raw,
        InvEntry(InvType.WITNESS_TX, transaction.txid): transaction.raw,
        InvEntry(InvType.TX, transaction.txid): transaction.stripped,
    }
    with pytest.raises(CodecError, match="tx has 1 bytes too many"):
        PARSER.transaction_forms(transaction.raw + b"\0")
