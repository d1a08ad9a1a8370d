from __future__ import annotations

import pytest

from headway.errors import CodecError
from headway.kernel import merkle_root
from headway.networks.neo3.parser import MAX_TRANSACTIONS, PARSER, Neo3Parser
from headway.networks.neo3.transaction import Transaction
from headway.types import hash_from_hex
from headway.wire.buffer import compact_size
from headway.wire.messages import Block, InvEntry, InvType, Tx
from tests.neodata import N3_CHAINS, chain, single_blocks, vectors

HEADER = bytes(109) + b"\1\0\0"
# version, nonce, fees, valid until; a signer of scope 0; no attributes; an empty script; an empty witness
TX = bytes(25) + b"\1" + bytes(21) + b"\0" + b"\0" + b"\1\0\0"
BLOCK = HEADER + b"\2" + TX + TX


def assert_whole(raw: bytes) -> None:
    """Everything that a reader must find in a block, without its being judged."""
    parts = PARSER.block_parts(memoryview(raw))
    transactions = PARSER.transactions(raw)
    assert [tx.txid for tx in transactions] == parts.hashes
    assert parts.header + compact_size(len(transactions)) + b"".join(tx.raw for tx in transactions) == raw
    header = PARSER.header(parts.header)
    assert header == PARSER.block_header(memoryview(raw))
    assert header.merkle_root == merkle_root(b"".join(parts.hashes))[0]


@pytest.mark.parametrize("name", N3_CHAINS)
def test_every_block_of_a_chain_is_read_to_its_last_byte_and_linked(name: str) -> None:
    previous = None
    for raw in chain(name):
        assert_whole(raw)
        header = PARSER.block_header(raw)
        assert previous is None or (header.prev_hash, header.height) == (previous.hash, previous.height + 1)
        previous = header


def test_single_real_blocks_are_read() -> None:
    for entry, raw in single_blocks("n3-"):
        assert_whole(raw)
        header = PARSER.block_header(raw)
        assert (header.hash, header.height) == (hash_from_hex(entry["hash"]), entry["index"])
        assert len(PARSER.transactions(raw)) == entry["ntx"]


def test_blocks_of_the_vectors_are_read() -> None:
    n3 = vectors("n3")
    for vector in n3["blocks"].values():
        raw = bytes.fromhex(vector["hex"])
        assert_whole(raw)
        assert PARSER.block_header(raw).hash == hash_from_hex(vector["hash"])
        assert PARSER.block_parts(raw).hashes == [hash_from_hex(text) for text in vector["tx_hashes"]]
    block = n3["c#_block_1tx"]
    (transaction,) = PARSER.transactions(bytes.fromhex(block["hex"]))
    assert transaction.txid == transaction.hash == hash_from_hex(block["tx_hash"])
    assert transaction.unsigned.hex() == block["tx_unsigned_hex"]
    assert PARSER.block_header(bytes.fromhex(block["hex"])).hash == hash_from_hex(block["hash"])


def test_a_block_message_reads_its_header_and_transactions() -> None:
    block = Block(memoryview(BLOCK), PARSER)
    assert block.header.raw == HEADER
    assert block.hash == block.header.hash
    assert block.transactions == (Transaction.from_raw(TX),) * 2
    assert PARSER.stripped(block.raw) is block.raw


def test_a_transaction_message_reads_its_id() -> None:
    assert Tx(memoryview(TX), PARSER).txid == Transaction.from_raw(TX).txid


def test_a_block_may_be_empty() -> None:
    assert PARSER.block_parts(HEADER + b"\0") == (HEADER, [])
    assert PARSER.transactions(HEADER + b"\0") == ()


def test_headers_with_a_state_root_are_read_by_a_parser_that_knows_of_it() -> None:
    parser = Neo3Parser(state_root=True)
    header = bytes(109) + b"r" * 32 + b"\1\0\0"
    assert parser.kept_size == 141
    assert parser.header(header).prev_state_root == b"r" * 32
    assert parser.block_parts(header + b"\1" + TX).header == parser.block_header(header + b"\1" + TX).raw == header
    with pytest.raises(CodecError):
        PARSER.block_parts(header + b"\1" + TX)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "does not end within 0"),
        (BLOCK[:100], "does not end"),
        (HEADER, "truncated"),
        (BLOCK[:-1], "truncated"),
        (BLOCK + b"\0", "1 bytes too many"),
        (HEADER + b"\1\1" + TX[1:], "version 1"),
    ],
)
def test_bytes_that_are_no_block_are_refused(raw: bytes, why: str) -> None:
    with pytest.raises(CodecError, match=why):
        PARSER.block_parts(raw)
    with pytest.raises(CodecError, match=why):
        PARSER.transactions(raw)


def test_a_block_has_65535_transactions_and_no_more() -> None:
    assert len(PARSER.block_parts(HEADER + compact_size(MAX_TRANSACTIONS) + TX * MAX_TRANSACTIONS).hashes) == 65_535
    with pytest.raises(CodecError, match="65536 transactions"):
        PARSER.block_parts(HEADER + compact_size(MAX_TRANSACTIONS + 1) + TX * (MAX_TRANSACTIONS + 1))


@pytest.mark.parametrize("raw", [b"", bytes(108), HEADER + b"\0", HEADER[:-1]])
def test_bytes_that_are_no_header_are_refused(raw: bytes) -> None:
    with pytest.raises(CodecError):
        PARSER.header(raw)


def test_the_start_of_a_block_must_be_a_header() -> None:
    with pytest.raises(CodecError, match="block: a header does not end within 111 bytes"):
        PARSER.block_header(memoryview(BLOCK)[:111])


def test_a_transaction_is_asked_for_by_its_id_alone() -> None:
    txid = Transaction.from_raw(TX).txid
    assert PARSER.transaction_forms(memoryview(TX)) == {InvEntry(InvType.TX, txid): TX}
    with pytest.raises(CodecError, match=f"ends at byte {len(TX)} has {len(TX) + 1} bytes"):
        PARSER.transaction_forms(TX + b"\0")
