"""Payloads of compact blocks (BIP152), with the bounds of Core's blockencodings.h.

Indexes travel as differences: each says how many places lie between it and the one before, so they can only rise. What
Core finds wrong once it puts the block together (a prefilled place that the block does not have) is refused here.
Called by `payload`, whose table takes these in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from headway.errors import CodecError, LocalProtocolError
from headway.network import Limits
from headway.networks.bitcoin.format import Format
from headway.networks.bitcoin.header import HEADER_SIZE
from headway.networks.bitcoin.parser import PARSER
from headway.networks.bitcoin.transaction import MIN_TRANSACTION, take_transaction
from headway.types import Raw
from headway.wire import messages as m
from headway.wire.buffer import Reader, Writer

MAX_INDEX: Final = 0xFFFF
"""Of a transaction in its block, and of their number in a compact block: 16 bits [CBlockHeaderAndShortTxIDs]."""
_SHORT_ID_SIZE: Final = 6
"""[SHORTTXIDS_LENGTH]"""
_INDEX: Final = "cmpctblock.prefilled.index"


def _decode_sendcmpct(payload: Raw, _: Limits) -> m.SendCmpct:
    reader = Reader(payload)
    return m.SendCmpct(reader.u8("sendcmpct.announce") != 0, reader.u64("sendcmpct.version"))


def _encode_sendcmpct(message: m.SendCmpct, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.u8(message.announce, "sendcmpct.announce")
    writer.u64(message.version, "sendcmpct.version")
    return [bytes(writer)]


def _decode_cmpctblock(payload: Raw, _: Limits) -> m.CmpctBlock:
    reader = Reader(payload)
    header = reader.take(HEADER_SIZE, "cmpctblock.header")
    nonce = reader.u64("cmpctblock.nonce")
    count = reader.count("cmpctblock.short_ids", MAX_INDEX, _SHORT_ID_SIZE)
    short_ids = tuple(reader.u48("cmpctblock.short_ids") for _ in range(count))
    count = reader.count("cmpctblock.prefilled", MAX_INDEX - count, 1 + MIN_TRANSACTION)
    prefilled = []
    index = -1
    for position in range(count):
        index = _read_index(reader, index, _INDEX)
        _check_place(index, len(short_ids) + position, CodecError)
        prefilled.append(m.PrefilledTransaction(index, m.Tx(take_transaction(reader), PARSER)))
    return m.CmpctBlock(header, nonce, short_ids, tuple(prefilled), PARSER)


def _encode_cmpctblock(message: m.CmpctBlock, _: Limits) -> Sequence[Raw]:
    if len(message.raw_header) != HEADER_SIZE:
        raise LocalProtocolError(f"cmpctblock.header has {len(message.raw_header)} bytes, a header has {HEADER_SIZE}")
    writer = Writer()
    writer.raw(message.raw_header)
    writer.u64(message.nonce, "cmpctblock.nonce")
    writer.compact_size(len(message.short_ids), "cmpctblock.short_ids", MAX_INDEX)
    for short_id in message.short_ids:
        writer.u48(short_id, "cmpctblock.short_ids")
    writer.compact_size(len(message.prefilled), "cmpctblock.prefilled", MAX_INDEX - len(message.short_ids))
    before = -1
    for position, item in enumerate(message.prefilled):
        _check_place(item.index, len(message.short_ids) + position, LocalProtocolError)
        _write_index(writer, item.index, before, _INDEX)
        writer.raw(item.transaction.raw)
        before = item.index
    return [bytes(writer)]


def _check_place(index: int, last: int, error: type[CodecError | LocalProtocolError]) -> None:
    """Every place before a prefilled one is filled: by a short id, or by one of the transactions before it."""
    if index > last:
        raise error(f"{_INDEX} is {index}, at most {last}: nothing fills the places before it")


def _decode_getblocktxn(payload: Raw, _: Limits) -> m.GetBlockTxn:
    reader = Reader(payload)
    block_hash = reader.hash("getblocktxn.block_hash")
    indexes = []
    index = -1
    for _turn in range(reader.count("getblocktxn.indexes", MAX_INDEX + 1, 1)):
        index = _read_index(reader, index, "getblocktxn.index")
        indexes.append(index)
    return m.GetBlockTxn(block_hash, tuple(indexes))


def _encode_getblocktxn(message: m.GetBlockTxn, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.hash(message.block_hash, "getblocktxn.block_hash")
    writer.compact_size(len(message.indexes), "getblocktxn.indexes", MAX_INDEX + 1)
    before = -1
    for index in message.indexes:
        _write_index(writer, index, before, "getblocktxn.index")
        before = index
    return [bytes(writer)]


def _decode_blocktxn(payload: Raw, _: Limits) -> m.BlockTxn:
    reader = Reader(payload)
    block_hash = reader.hash("blocktxn.block_hash")
    count = reader.count("blocktxn.transactions", MAX_INDEX + 1, MIN_TRANSACTION)
    return m.BlockTxn(block_hash, tuple(m.Tx(take_transaction(reader), PARSER) for _turn in range(count)))


def _encode_blocktxn(message: m.BlockTxn, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.hash(message.block_hash, "blocktxn.block_hash")
    writer.compact_size(len(message.transactions), "blocktxn.transactions", MAX_INDEX + 1)
    return [bytes(writer), *(transaction.raw for transaction in message.transactions)]


def _read_index(reader: Reader, before: int, field: str) -> int:
    index = before + 1 + reader.compact_size(field, MAX_INDEX)
    if index > MAX_INDEX:
        raise CodecError(f"{field} is {index}, at most {MAX_INDEX}")
    return index


def _write_index(writer: Writer, index: int, before: int, field: str) -> None:
    if not before < index <= MAX_INDEX:
        raise LocalProtocolError(f"{field} is {index} after {before}: indexes rise, up to {MAX_INDEX}")
    writer.compact_size(index - before - 1, field)


FORMATS: Final[Mapping[str, Format]] = {
    "sendcmpct": Format(_decode_sendcmpct, _encode_sendcmpct),
    "cmpctblock": Format(_decode_cmpctblock, _encode_cmpctblock),
    "getblocktxn": Format(_decode_getblocktxn, _encode_getblocktxn),
    "blocktxn": Format(_decode_blocktxn, _encode_blocktxn),
}
