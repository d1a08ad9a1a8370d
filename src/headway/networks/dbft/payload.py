"""Payloads that both generations of Neo share, but for their numbers and the ends of their headers.

Each is a `Format`, or a function that makes one for a generation. Bounds are C#'s (NetworkPayloads); bytes after a last
field are ignored, as there. Decoders raise CodecError, encoders LocalProtocolError.
Called by the payload tables of both generations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Final, TypeVar

from headway.errors import CodecError, LocalProtocolError, OversizedMessage
from headway.network import Limits
from headway.networks.dbft.format import Format
from headway.types import Hash, Raw
from headway.wire import messages as m
from headway.wire.buffer import Reader, Writer

MAX_USER_AGENT: Final = 1_024
"""Bytes (C# VersionPayload)."""
MAX_FILTER: Final = 36_000
"""Bytes of a Bloom filter (C# FilterLoadPayload)."""
MAX_FUNCTIONS: Final = 50
"""Hash functions of a Bloom filter (C# FilterLoadPayload)."""
MAX_ELEMENT: Final = 520
"""Bytes that a filteradd adds (C# FilterAddPayload)."""
MAX_MERKLE_HASHES: Final = 65_535
"""In one merkleblock: as many as a block has transactions (C# MerkleBlockPayload)."""
MAX_MERKLE_FLAGS: Final = (MAX_MERKLE_HASHES + 7) // 8
"""Bytes: a bit for each of them (C# MerkleBlockPayload)."""
IP_SIZE: Final = 16
"""Bytes of an address; IPv4 travels as ::ffff:a.b.c.d."""
OTHER_TYPE: Final = 0x100
"""Added to a type of inventory that Neo numbers as `InvType` numbers something else."""

_HASH_SIZE: Final = 32
_MAX_TYPE: Final = 0xFF

_Liveness = TypeVar("_Liveness", m.Ping, m.Pong)
_Inventory = TypeVar("_Inventory", m.Inv, m.GetData, m.NotFound)

HeaderEnd = Callable[[bytes, int], int]
"""Where a header ends that begins at a position. Raises ValueError."""


# --- fields


def read_ip(reader: Reader, field: str) -> str:
    """An address as text."""
    ip = IPv6Address(reader.take(IP_SIZE, field))
    return str(ip.ipv4_mapped or ip)


def write_ip(writer: Writer, host: str, field: str) -> None:
    """Inverse of `read_ip`. Raises LocalProtocolError for a host that is no IP address."""
    try:
        ip = ip_address(host)
    except ValueError:
        raise LocalProtocolError(f"{field} cannot carry {host}: it is no IP address") from None
    writer.raw((ip if isinstance(ip, IPv6Address) else IPv6Address(f"::ffff:{ip}")).packed)


# --- liveness


def liveness(cls: type[_Liveness]) -> Format:
    """ping and pong: height 4 | unix time 4 | nonce 4."""
    name = cls.command

    def decode(payload: Raw, _: Limits) -> _Liveness:
        reader = Reader(payload)
        height = reader.u32(f"{name}.height")
        wall_time = reader.u32(f"{name}.time")
        return cls(reader.u32(f"{name}.nonce"), height, wall_time)

    def encode(message: _Liveness, _: Limits) -> Sequence[Raw]:
        writer = Writer()
        writer.u32(message.height, f"{name}.height")
        writer.u32(message.wall_time, f"{name}.time")
        if message.nonce is None:
            raise LocalProtocolError(f"{name}.nonce is missing: every ping and pong of Neo has one")
        writer.u32(message.nonce, f"{name}.nonce")
        return [bytes(writer)]

    return Format(decode, encode)


# --- inventory


def inventory(cls: type[_Inventory], types: Mapping[int, m.InvType]) -> Format:
    """inv, getdata and notfound: type 1 | hashes, at least one. `types` are the generation's own numbers."""
    name = f"{cls.command}.entries"
    known = {int(neutral): number for number, neutral in types.items()}

    def decode(payload: Raw, limits: Limits) -> _Inventory:
        reader = Reader(payload)
        number = reader.u8(f"{cls.command}.type")
        kind = int(types.get(number, number + OTHER_TYPE if number in _NEUTRAL else number))
        count = reader.count(name, limits.max_inventory, _HASH_SIZE, error=OversizedMessage)
        return cls(tuple(m.InvEntry(kind, reader.hash(name)) for _ in range(count)))

    def encode(message: _Inventory, limits: Limits) -> Sequence[Raw]:
        kinds = {int(entry.type) for entry in message.entries}
        if len(kinds) != 1:
            raise LocalProtocolError(f"{name} of {len(kinds)} types: a message of Neo has entries of exactly one")
        (kind,) = kinds
        writer = Writer()
        writer.u8(_type_number(kind, known, name), f"{cls.command}.type")
        writer.compact_size(len(message.entries), name, limits.max_inventory)
        for entry in message.entries:
            writer.hash(entry.hash, name)
        return [bytes(writer)]

    return Format(decode, encode)


_NEUTRAL: Final = frozenset(int(kind) for kind in m.InvType)


def _type_number(kind: int, known: Mapping[int, int], name: str) -> int:
    number = known.get(kind, kind - OTHER_TYPE if kind - OTHER_TYPE in _NEUTRAL else kind)
    if number > _MAX_TYPE or kind in _NEUTRAL - known.keys():
        raise LocalProtocolError(f"{name} of type {kind:#x}: Neo has no such inventory")
    return number


# --- headers and what stands in blocks


def headers(parser: m.Parser, header_end: HeaderEnd, *, min_size: int, separator: bytes, may_be_empty: bool) -> Format:
    """headers: whole headers of varying sizes, each followed by `separator`."""
    least = 0 if may_be_empty else 1

    def decode(payload: Raw, limits: Limits) -> m.Headers:
        reader = Reader(payload)
        count = reader.count("headers.count", limits.max_headers, min_size + len(separator), error=OversizedMessage)
        if count < least:
            raise CodecError("headers.count is 0, at least 1")
        return _read_headers(reader.rest(), count, parser, header_end, separator)

    def encode(message: m.Headers, limits: Limits) -> Sequence[Raw]:
        if len(message) < least:
            raise LocalProtocolError("headers.count is 0, at least 1: who has no headers to give says nothing")
        writer = Writer()
        writer.compact_size(len(message), "headers.count", limits.max_headers)
        for index in range(len(message)):
            writer.raw(_whole_header(message.raw_at(index), header_end, "headers.header"))
            writer.raw(separator)
        return [bytes(writer)]

    return Format(decode, encode)


def _read_headers(raw: bytes, count: int, parser: m.Parser, header_end: HeaderEnd, separator: bytes) -> m.Headers:
    starts, ends, at = [], [], 0
    for number in range(count):
        starts.append(at)
        try:
            at = header_end(raw, at)
        except ValueError as error:
            raise CodecError(f"headers.header {number}: {error}") from None
        ends.append(at)
        if not raw.startswith(separator, at):
            raise CodecError(f"headers.header {number} is followed by {raw[at : at + 1].hex()}, not {separator.hex()}")
        at += len(separator)
    return m.Headers(raw[:at], tuple(starts), tuple(ends), parser)


def _whole_header(raw: bytes, header_end: HeaderEnd, field: str) -> bytes:
    try:
        end = header_end(raw, 0)
    except ValueError as error:
        raise LocalProtocolError(f"{field}: {error}") from None
    if end != len(raw):
        raise LocalProtocolError(f"{field} has {len(raw) - end} bytes too many")
    return raw


def block(parser: m.Parser, min_size: int) -> Format:
    """block: read no further than its size."""

    def decode(payload: Raw, _: Limits) -> m.Block:
        if len(payload) < min_size:
            raise CodecError(f"block has {len(payload)} bytes, its header alone has {min_size} at least")
        return m.Block(payload, parser)

    return Format(decode, _encode_raw)


def tx(parser: m.Parser) -> Format:
    return Format(lambda payload, _limits: m.Tx(payload, parser), _encode_raw)


def _encode_raw(message: m.Block | m.Tx, _: Limits) -> Sequence[Raw]:
    return [message.raw]


def merkleblock(parser: m.Parser, header_end: HeaderEnd) -> Format:
    """merkleblock: header | transactions of the block | hashes | flags."""

    def decode(payload: Raw, _: Limits) -> m.MerkleBlock:
        try:
            end = header_end(bytes(payload), 0)
        except ValueError as error:
            raise CodecError(f"merkleblock.header: {error}") from None
        reader = Reader(payload)
        header = reader.take(end, "merkleblock.header")
        transactions = reader.compact_size("merkleblock.transactions", MAX_MERKLE_HASHES)
        hashes = _read_hashes(reader, "merkleblock.hashes")
        return m.MerkleBlock(
            header, transactions, hashes, reader.var_bytes("merkleblock.flags", MAX_MERKLE_FLAGS), parser
        )

    def encode(message: m.MerkleBlock, _: Limits) -> Sequence[Raw]:
        writer = Writer()
        writer.raw(_whole_header(message.raw_header, header_end, "merkleblock.header"))
        writer.compact_size(message.transactions, "merkleblock.transactions", MAX_MERKLE_HASHES)
        writer.compact_size(len(message.hashes), "merkleblock.hashes", MAX_MERKLE_HASHES)
        for each in message.hashes:
            writer.hash(each, "merkleblock.hashes")
        writer.var_bytes(message.flags, "merkleblock.flags", MAX_MERKLE_FLAGS)
        return [bytes(writer)]

    return Format(decode, encode)


def _read_hashes(reader: Reader, field: str) -> tuple[Hash, ...]:
    count = reader.count(field, MAX_MERKLE_HASHES, _HASH_SIZE)
    return tuple(reader.hash(field) for _ in range(count))


# --- Bloom filters


def _decode_filterload(payload: Raw, _: Limits) -> m.FilterLoad:
    reader = Reader(payload)
    data = reader.var_bytes("filterload.data", MAX_FILTER)
    functions = reader.u8("filterload.functions")
    if functions > MAX_FUNCTIONS:
        raise CodecError(f"filterload.functions is {functions}, at most {MAX_FUNCTIONS}")
    return m.FilterLoad(data, functions, reader.u32("filterload.tweak"), 0)


def _encode_filterload(message: m.FilterLoad, _: Limits) -> Sequence[Raw]:
    if message.functions > MAX_FUNCTIONS:
        raise LocalProtocolError(f"filterload.functions is {message.functions}, at most {MAX_FUNCTIONS}")
    if message.flags:
        raise LocalProtocolError(f"filterload.flags is {message.flags}: filters of Neo have none")
    writer = Writer()
    writer.var_bytes(message.data, "filterload.data", MAX_FILTER)
    writer.u8(message.functions, "filterload.functions")
    writer.u32(message.tweak, "filterload.tweak")
    return [bytes(writer)]


def _decode_filteradd(payload: Raw, _: Limits) -> m.FilterAdd:
    return m.FilterAdd(Reader(payload).var_bytes("filteradd.data", MAX_ELEMENT))


def _encode_filteradd(message: m.FilterAdd, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.var_bytes(message.data, "filteradd.data", MAX_ELEMENT)
    return [bytes(writer)]


def _decode_alert(payload: Raw, _: Limits) -> m.Alert:
    return m.Alert(bytes(payload))


def _encode_alert(message: m.Alert, _: Limits) -> Sequence[Raw]:
    return [message.payload]


FILTERLOAD: Final = Format(_decode_filterload, _encode_filterload)
FILTERADD: Final = Format(_decode_filteradd, _encode_filteradd)
ALERT: Final = Format(_decode_alert, _encode_alert)
