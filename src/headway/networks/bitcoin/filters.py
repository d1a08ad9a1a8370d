"""Payloads of filters: Bloom filters and their blocks (BIP37), compact filters (BIP157).

What Core answers by discouraging the sender is an `OversizedMessage`. How far a getcfilters or getcfheaders may reach
cannot be seen from its bytes (a height and a hash): whoever answers checks that.
Called by `payload`, whose table takes these in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from headway.errors import LocalProtocolError, OversizedMessage
from headway.network import Limits
from headway.networks.bitcoin.format import Format, empty
from headway.networks.bitcoin.header import HEADER_SIZE
from headway.networks.bitcoin.parser import PARSER
from headway.types import Hash, Raw
from headway.wire import messages as m
from headway.wire.buffer import MAX_SIZE, Reader, Writer

MAX_FILTER: Final = 36_000
"""Bytes of a Bloom filter [MAX_BLOOM_FILTER_SIZE]."""
MAX_FUNCTIONS: Final = 50
"""Hash functions of a Bloom filter [MAX_HASH_FUNCS]."""
MAX_ELEMENT: Final = 520
"""Bytes that a filteradd adds: nothing longer is ever matched [MAX_SCRIPT_ELEMENT_SIZE]."""
MAX_FILTER_HASHES: Final = 2_000
"""In one cfheaders: what a getcfheaders may ask for [MAX_GETCFHEADERS_SIZE]."""
MAX_CHECKPOINTS: Final = 10_000
"""In one cfcheckpt, of which there is one every 1,000 blocks: ten million blocks, twice as many as testnet3 has. Core
reads none of these; btcd allows ten times as many."""
_HASH_SIZE: Final = 32

_Ranged = TypeVar("_Ranged", m.GetCFilters, m.GetCFHeaders)


# --- Bloom filters (BIP37)


def _decode_filterload(payload: Raw, _: Limits) -> m.FilterLoad:
    reader = Reader(payload)
    data = _bounded(reader, "filterload.data", MAX_FILTER)
    functions = reader.u32("filterload.functions")
    if functions > MAX_FUNCTIONS:
        raise OversizedMessage(f"filterload.functions is {functions}, at most {MAX_FUNCTIONS}")
    return m.FilterLoad(data, functions, reader.u32("filterload.tweak"), reader.u8("filterload.flags"))


def _encode_filterload(message: m.FilterLoad, _: Limits) -> Sequence[Raw]:
    if message.functions > MAX_FUNCTIONS:
        raise LocalProtocolError(f"filterload.functions is {message.functions}, at most {MAX_FUNCTIONS}")
    writer = Writer()
    writer.var_bytes(message.data, "filterload.data", MAX_FILTER)
    writer.u32(message.functions, "filterload.functions")
    writer.u32(message.tweak, "filterload.tweak")
    writer.u8(message.flags, "filterload.flags")
    return [bytes(writer)]


def _decode_filteradd(payload: Raw, _: Limits) -> m.FilterAdd:
    return m.FilterAdd(_bounded(Reader(payload), "filteradd.data", MAX_ELEMENT))


def _encode_filteradd(message: m.FilterAdd, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.var_bytes(message.data, "filteradd.data", MAX_ELEMENT)
    return [bytes(writer)]


def _bounded(reader: Reader, field: str, limit: int) -> bytes:
    return reader.take(reader.count(f"{field} length", limit, 1, error=OversizedMessage), field)


def _decode_merkleblock(payload: Raw, _: Limits) -> m.MerkleBlock:
    reader = Reader(payload)
    header = reader.take(HEADER_SIZE, "merkleblock.header")
    transactions = reader.u32("merkleblock.transactions")
    hashes = _read_hashes(reader, "merkleblock.hashes", MAX_SIZE)
    return m.MerkleBlock(header, transactions, hashes, reader.var_bytes("merkleblock.flags", MAX_SIZE), PARSER)


def _encode_merkleblock(message: m.MerkleBlock, _: Limits) -> Sequence[Raw]:
    if len(message.raw_header) != HEADER_SIZE:
        raise LocalProtocolError(f"merkleblock.header has {len(message.raw_header)} bytes, a header has {HEADER_SIZE}")
    writer = Writer()
    writer.raw(message.raw_header)
    writer.u32(message.transactions, "merkleblock.transactions")
    _write_hashes(writer, message.hashes, "merkleblock.hashes", MAX_SIZE)
    writer.var_bytes(message.flags, "merkleblock.flags", MAX_SIZE)
    return [bytes(writer)]


# --- compact filters (BIP157)


def _ranged(cls: type[_Ranged]) -> Format:
    """getcfilters and getcfheaders have one form."""
    name = cls.command

    def decode(payload: Raw, _: Limits) -> _Ranged:
        reader = Reader(payload)
        filter_type = reader.u8(f"{name}.filter_type")
        return cls(filter_type, reader.u32(f"{name}.start_height"), reader.hash(f"{name}.stop"))

    def encode(message: _Ranged, _: Limits) -> Sequence[Raw]:
        writer = Writer()
        writer.u8(message.filter_type, f"{name}.filter_type")
        writer.u32(message.start_height, f"{name}.start_height")
        writer.hash(message.stop, f"{name}.stop")
        return [bytes(writer)]

    return Format(decode, encode)


def _decode_cfilter(payload: Raw, _: Limits) -> m.CFilter:
    reader = Reader(payload)
    filter_type = reader.u8("cfilter.filter_type")
    block_hash = reader.hash("cfilter.block_hash")
    return m.CFilter(filter_type, block_hash, reader.var_bytes("cfilter.filter", MAX_SIZE))


def _encode_cfilter(message: m.CFilter, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.u8(message.filter_type, "cfilter.filter_type")
    writer.hash(message.block_hash, "cfilter.block_hash")
    writer.var_bytes(message.filter, "cfilter.filter", MAX_SIZE)
    return [bytes(writer)]


def _decode_cfheaders(payload: Raw, _: Limits) -> m.CFHeaders:
    reader = Reader(payload)
    filter_type = reader.u8("cfheaders.filter_type")
    stop = reader.hash("cfheaders.stop")
    previous = reader.hash("cfheaders.previous")
    return m.CFHeaders(filter_type, stop, previous, _read_hashes(reader, "cfheaders.filter_hashes", MAX_FILTER_HASHES))


def _encode_cfheaders(message: m.CFHeaders, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.u8(message.filter_type, "cfheaders.filter_type")
    writer.hash(message.stop, "cfheaders.stop")
    writer.hash(message.previous, "cfheaders.previous")
    _write_hashes(writer, message.filter_hashes, "cfheaders.filter_hashes", MAX_FILTER_HASHES)
    return [bytes(writer)]


def _decode_getcfcheckpt(payload: Raw, _: Limits) -> m.GetCFCheckpt:
    reader = Reader(payload)
    return m.GetCFCheckpt(reader.u8("getcfcheckpt.filter_type"), reader.hash("getcfcheckpt.stop"))


def _encode_getcfcheckpt(message: m.GetCFCheckpt, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.u8(message.filter_type, "getcfcheckpt.filter_type")
    writer.hash(message.stop, "getcfcheckpt.stop")
    return [bytes(writer)]


def _decode_cfcheckpt(payload: Raw, _: Limits) -> m.CFCheckpt:
    reader = Reader(payload)
    filter_type = reader.u8("cfcheckpt.filter_type")
    stop = reader.hash("cfcheckpt.stop")
    return m.CFCheckpt(filter_type, stop, _read_hashes(reader, "cfcheckpt.filter_headers", MAX_CHECKPOINTS))


def _encode_cfcheckpt(message: m.CFCheckpt, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.u8(message.filter_type, "cfcheckpt.filter_type")
    writer.hash(message.stop, "cfcheckpt.stop")
    _write_hashes(writer, message.filter_headers, "cfcheckpt.filter_headers", MAX_CHECKPOINTS)
    return [bytes(writer)]


def _read_hashes(reader: Reader, field: str, limit: int) -> tuple[Hash, ...]:
    return tuple(reader.hash(field) for _ in range(reader.count(field, limit, _HASH_SIZE)))


def _write_hashes(writer: Writer, hashes: Sequence[Hash], field: str, limit: int) -> None:
    writer.compact_size(len(hashes), field, limit)
    for item in hashes:
        writer.hash(item, field)


FORMATS: Final[Mapping[str, Format]] = {
    "filterload": Format(_decode_filterload, _encode_filterload),
    "filteradd": Format(_decode_filteradd, _encode_filteradd),
    "filterclear": empty(m.FilterClear()),
    "merkleblock": Format(_decode_merkleblock, _encode_merkleblock),
    "getcfilters": _ranged(m.GetCFilters),
    "cfilter": Format(_decode_cfilter, _encode_cfilter),
    "getcfheaders": _ranged(m.GetCFHeaders),
    "cfheaders": Format(_decode_cfheaders, _encode_cfheaders),
    "getcfcheckpt": Format(_decode_getcfcheckpt, _encode_getcfcheckpt),
    "cfcheckpt": Format(_decode_cfcheckpt, _encode_cfcheckpt),
}
