from __future__ import annotations

import pytest

from headway.errors import CodecError
from headway.kernel import merkle_root
from headway.networks.neo2.parser import MAX_TRANSACTIONS, PARSER
from headway.networks.neo2.transaction import Transaction
from headway.types import hash_from_hex
from headway.wire.buffer import compact_size
from headway.wire.messages import Block, InvEntry, InvType, Tx
from tests.neodata import LEGACY_CHAINS, chain, single_blocks, vectors

HEADER = bytes(104) + b"\1\0\0"
MINER = bytes(10)  # type, version, nonce 4, no attributes, inputs, outputs, witnesses
BLOCK = HEADER + b"\2" + MINER + b"\x80" + bytes(5)


def assert_whole(raw: bytes) -> None:
    """Everything that a reader must find in a block, without its being judged."""
    parts = PARSER.block_parts(memoryview(raw))
    transactions = PARSER.transactions(raw)
    assert [tx.txid for tx in transactions] == parts.hashes
    assert parts.header + compact_size(len(transactions)) + b"".join(tx.raw for tx in transactions) == raw
    header = PARSER.header(parts.header)
    assert header == PARSER.block_header(memoryview(raw))
    assert header.merkle_root == merkle_root(b"".join(parts.hashes))[0]


@pytest.mark.parametrize("name", LEGACY_CHAINS)
def test_every_block_of_a_chain_is_read_to_its_last_byte_and_linked(name: str) -> None:
    blocks = chain(name)
    previous = None
    for raw in blocks:
        header = PARSER.block_header(raw)
        assert previous is None or (header.prev_hash, header.height) == (previous.hash, previous.height + 1)
        previous = header
    for raw in blocks[:: len(blocks) // 200]:
        assert_whole(raw)


def test_every_block_of_the_largest_chain_has_its_merkle_root() -> None:
    for raw in chain(LEGACY_CHAINS[0]):
        parts = PARSER.block_parts(raw)
        assert PARSER.header(parts.header).merkle_root == merkle_root(b"".join(parts.hashes))[0]


def test_single_real_blocks_and_headers_are_read() -> None:
    for entry, raw in single_blocks("legacy-"):
        header = PARSER.block_header(raw)
        assert (header.hash, header.height) == (hash_from_hex(entry["hash"]), entry["index"])
        if entry["kind"] == "block":
            assert_whole(raw)
            assert len(PARSER.transactions(raw)) == entry["ntx"]


def test_blocks_and_transactions_of_the_vectors_are_read() -> None:
    legacy = vectors("legacy")
    for vector in legacy["blocks"].values():
        raw = bytes.fromhex(vector["hex"])
        assert_whole(raw)
        assert PARSER.block_header(raw).hash == hash_from_hex(vector["hash"])
    for raw in map(bytes.fromhex, legacy["live_neo_one"]["blocks"]):
        assert_whole(raw)
    hashes = PARSER.block_parts(bytes.fromhex(legacy["blocks"]["mainnet_2000000"]["hex"])).hashes
    assert hashes == [hash_from_hex(text) for text in legacy["mainnet_2000000_tx_hashes"]]


def test_a_block_message_reads_its_header_and_transactions() -> None:
    block = Block(memoryview(BLOCK), PARSER)
    assert block.header.raw == HEADER
    assert block.hash == block.header.hash
    assert block.transactions == (Transaction.from_raw(MINER), Transaction.from_raw(b"\x80" + bytes(5)))
    assert PARSER.stripped(block.raw) is block.raw


def test_a_transaction_message_reads_its_id() -> None:
    assert Tx(memoryview(MINER), PARSER).txid == Transaction.from_raw(MINER).txid


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "does not end within 0"),
        (BLOCK[:100], "does not end"),
        (HEADER, "truncated"),
        (HEADER + b"\0", "0 transactions, 1 to 65535"),
        (BLOCK[:-1], "truncated"),
        (BLOCK + b"\0", "1 bytes too many"),
        (HEADER + b"\1\x03" + bytes(9), "type 03"),
    ],
)
def test_bytes_that_are_no_block_are_refused(raw: bytes, why: str) -> None:
    with pytest.raises(CodecError, match=why):
        PARSER.block_parts(raw)
    with pytest.raises(CodecError, match=why):
        PARSER.transactions(raw)


def test_a_block_has_65535_transactions_and_no_more() -> None:
    assert len(PARSER.block_parts(HEADER + compact_size(MAX_TRANSACTIONS) + MINER * MAX_TRANSACTIONS).hashes) == 65_535
    with pytest.raises(CodecError, match="65536 transactions"):
        PARSER.block_parts(HEADER + compact_size(MAX_TRANSACTIONS + 1) + MINER * (MAX_TRANSACTIONS + 1))


@pytest.mark.parametrize("raw", [b"", bytes(103), HEADER + b"\0", HEADER[:-1]])
def test_bytes_that_are_no_header_are_refused(raw: bytes) -> None:
    with pytest.raises(CodecError):
        PARSER.header(raw)


def test_the_start_of_a_block_must_be_a_header() -> None:
    with pytest.raises(CodecError, match="block: a header does not end within 106 bytes"):
        PARSER.block_header(memoryview(BLOCK)[:106])


def test_a_transaction_is_asked_for_by_its_id_alone() -> None:
    txid = Transaction.from_raw(MINER).txid
    assert PARSER.transaction_forms(memoryview(MINER)) == {InvEntry(InvType.TX, txid): MINER}
    with pytest.raises(CodecError, match=f"ends at byte {len(MINER)} has {len(MINER) + 1} bytes"):
        PARSER.transaction_forms(MINER + b"\0")
