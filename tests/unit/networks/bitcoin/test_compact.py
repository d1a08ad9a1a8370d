"""Compact blocks: their indexes rise and stay within the block, their counts within 16 bits and the payload."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from headway.errors import CodecError, LocalProtocolError
from headway.network import Limits
from headway.networks.bitcoin.compact import FORMATS
from headway.networks.bitcoin.parser import PARSER
from headway.types import Raw, hash_hex
from headway.wire import messages as m
from headway.wire.buffer import compact_size
from tests.chain_builder import transaction, tx_input, tx_output
from tests.data import read
from tests.memory import traced

HASH: Final = bytes(range(32))
HEADER: Final = bytes(range(80))
EMPTY: Final = bytes(10)
"""The shortest transaction: no inputs, no outputs."""
TX: Final = transaction([tx_input(bytes(36))], [tx_output(7, b"\x52")], witness=[(b"w",)])


def decode(command: str, payload: Raw) -> m.Message:
    return FORMATS[command].decode(payload, Limits())


def encode(message: m.Message) -> bytes:
    return b"".join(FORMATS[message.command].encode(message, Limits()))


def whole(index: int, raw: bytes = EMPTY) -> m.PrefilledTransaction:
    return m.PrefilledTransaction(index, m.Tx(raw, PARSER))


def block_payload(short_ids: int, *prefilled: bytes) -> bytes:
    counts = compact_size(short_ids) + bytes(6 * short_ids) + compact_size(len(prefilled))
    return HEADER + bytes(8) + counts + b"".join(prefilled)


# --- sendcmpct


def test_any_announce_flag_but_zero_is_true() -> None:
    assert decode("sendcmpct", b"\x12\x02" + bytes(7)) == m.SendCmpct(announce=True, version=2)
    assert encode(m.SendCmpct(announce=False, version=2)) == b"\0\x02" + bytes(7)


# --- cmpctblock


@pytest.mark.parametrize(
    ("name", "block_hash", "short_ids"),
    [
        ("compact426884.raw", "00000000000000000431d0ead6e0bd9f90ff0d469e9b05d51e3d04971f472973", 408),
        ("compact898352.raw", "00000000c269ad542ed9ac684cb5fa6df340d5feee0e040590225c7332b98fca", 9),
    ],
)
def test_real_compact_blocks_are_read_and_written_byte_for_byte(name: str, block_hash: str, short_ids: int) -> None:
    payload = read("bitcoin", "p2p", name)
    block = decode("cmpctblock", payload)
    assert isinstance(block, m.CmpctBlock)
    assert hash_hex(block.header.hash) == block_hash
    assert len(block.short_ids) == short_ids
    assert [item.index for item in block.prefilled] == [0]
    assert encode(block) == payload


def test_a_compact_block_is_read_field_by_field() -> None:
    short_ids = bytes.fromhex("010000000000 ffffffffffff")
    prefilled = b"\x00" + EMPTY + b"\x01" + TX
    payload = HEADER + b"\x05" + bytes(7) + b"\x02" + short_ids + b"\x02" + prefilled
    block = decode("cmpctblock", payload)
    assert block == m.CmpctBlock(HEADER, 5, (1, 2**48 - 1), (whole(0), whole(2, TX)), PARSER)
    assert isinstance(block, m.CmpctBlock)
    assert block.prefilled[1].transaction.txid == PARSER.transaction(TX).txid
    assert encode(block) == payload
    assert decode("cmpctblock", payload + b"later") == block


def test_a_prefilled_transaction_has_a_place_in_the_block() -> None:
    assert decode("cmpctblock", block_payload(3, b"\x03" + EMPTY))
    with pytest.raises(CodecError, match=r"cmpctblock.prefilled.index is 4, at most 3: nothing fills the places"):
        decode("cmpctblock", block_payload(3, b"\x04" + EMPTY))
    with pytest.raises(CodecError, match=r"cmpctblock.prefilled.index is 65536, at most 65535"):
        decode("cmpctblock", block_payload(3, b"\xfe\x00\x00\x01\x00" + EMPTY))
    block = m.CmpctBlock(HEADER, 0, (1, 2, 3), (whole(4),), PARSER)
    with pytest.raises(LocalProtocolError, match=r"cmpctblock.prefilled.index is 4, at most 3"):
        encode(block)
    for falling in ((whole(1), whole(1)), (whole(1), whole(0)), (whole(-1),)):
        with pytest.raises(LocalProtocolError, match="indexes rise"):
            encode(replace(block, prefilled=falling))


def test_a_compact_block_has_as_many_transactions_as_16_bits_count() -> None:
    full = block_payload(65_534, b"\x00" + EMPTY)
    block = decode("cmpctblock", full)
    assert isinstance(block, m.CmpctBlock)
    assert len(block.short_ids) == 65_534
    assert encode(block) == full
    with pytest.raises(CodecError, match=r"cmpctblock.prefilled is 2, at most 1"):
        decode("cmpctblock", block_payload(65_534, b"\x00" + EMPTY, b"\x00" + EMPTY))
    with pytest.raises(CodecError, match=r"cmpctblock.short_ids is 65536, at most 65535"):
        decode("cmpctblock", block_payload(65_536))
    with pytest.raises(LocalProtocolError, match=r"cmpctblock.prefilled is 2, at most 1"):
        encode(replace(block, prefilled=(whole(0), whole(1))))


def test_a_compact_block_that_does_not_fit_its_fields_is_not_sent() -> None:
    block = m.CmpctBlock(HEADER, 0, (), (whole(0),), PARSER)
    with pytest.raises(LocalProtocolError, match=r"cmpctblock.header has 79 bytes, a header has 80"):
        encode(replace(block, raw_header=HEADER[:79]))
    with pytest.raises(LocalProtocolError, match=r"cmpctblock.short_ids is 281474976710656, out of range"):
        encode(replace(block, short_ids=(1 << 48,)))


def test_counts_without_transactions_behind_them_build_nothing() -> None:
    counts = HEADER + bytes(8) + compact_size(0) + compact_size(60_000)
    for command, payload in (("cmpctblock", counts), ("blocktxn", HASH + compact_size(60_000))):
        with traced() as memory:
            with pytest.raises(CodecError, match=r"is 60000: \d+ bytes at least, 100 are left"):
                decode(command, payload + bytes(100))
            assert memory()[1] < 20_000


# --- getblocktxn and blocktxn


def test_indexes_travel_as_the_gaps_between_them() -> None:
    request = m.GetBlockTxn(HASH, (0, 1, 5, 65_535))
    payload = HASH + b"\x04\x00\x00\x03" + compact_size(65_529)
    assert encode(request) == payload
    assert decode("getblocktxn", payload) == request


def test_an_index_has_16_bits_however_it_is_reached() -> None:
    for gaps in ((65_536,), (65_535, 0), (0, 65_535), (0, 0, 65_534)):
        with pytest.raises(CodecError, match=r"getblocktxn.index is 65536, at most 65535"):
            decode("getblocktxn", HASH + compact_size(len(gaps)) + b"".join(map(compact_size, gaps)))
    for indexes in ((65_536,), (3, 3), (3, 2), (-1,)):
        with pytest.raises(LocalProtocolError, match=r"getblocktxn.index is .*: indexes rise, up to 65535"):
            encode(m.GetBlockTxn(HASH, indexes))


def test_all_of_65536_transactions_can_be_asked_for_and_no_more() -> None:
    request = m.GetBlockTxn(HASH, tuple(range(65_536)))
    assert decode("getblocktxn", encode(request)) == request
    with pytest.raises(CodecError, match=r"getblocktxn.indexes is 65537, at most 65536"):
        decode("getblocktxn", HASH + compact_size(65_537) + bytes(65_537))


def test_transactions_come_one_after_another() -> None:
    payload = HASH + b"\x03" + TX + EMPTY + TX
    answer = decode("blocktxn", memoryview(payload))
    assert answer == m.BlockTxn(HASH, (m.Tx(TX, PARSER), m.Tx(EMPTY, PARSER), m.Tx(TX, PARSER)))
    assert encode(answer) == payload
    for size in range(len(payload)):
        with pytest.raises(CodecError):
            decode("blocktxn", payload[:size])


def test_65536_transactions_come_and_no_more() -> None:
    answer = decode("blocktxn", HASH + compact_size(65_536) + EMPTY * 65_536)
    assert isinstance(answer, m.BlockTxn)
    assert len(answer.transactions) == 65_536
    with pytest.raises(CodecError, match=r"blocktxn.transactions is 65537, at most 65536"):
        decode("blocktxn", HASH + compact_size(65_537) + EMPTY * 65_537)
    with pytest.raises(LocalProtocolError, match=r"blocktxn.transactions is 65537, at most 65536"):
        encode(replace(answer, transactions=answer.transactions + answer.transactions[:1]))
