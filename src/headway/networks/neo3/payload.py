"""Payloads of Neo N3's messages: what is its own, and the table of all of them, `formats`.

What Legacy has in the same form is in `headway.networks.dbft.payload`. Commands that nothing here needs (`extensible`,
`reject`, neo-go's own) are in no table: they come out as `Unknown`, payload and all.
Called by `codec` only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from headway.errors import CodecError, LocalProtocolError, OversizedMessage
from headway.network import Limits
from headway.networks.dbft import payload as common
from headway.networks.dbft.format import Format, empty
from headway.networks.neo3 import capabilities
from headway.networks.neo3.parser import Neo3Parser
from headway.types import UNKNOWN_HEIGHT, Address, BlockId, Height, Raw, Services
from headway.wire import messages as m
from headway.wire.buffer import Reader, Writer

MAX_INDEXED: Final = 2_000
"""Headers or blocks that one message may ask for by height (C# HeadersPayload.MaxHeadersCount)."""

_ADDR_ENTRY_SIZE: Final = 21
"""Bytes of an entry without capabilities: time 4, IP address 16, count of capabilities 1."""
_AS_MANY_AS_YOU_MAY: Final = 0xFFFF
"""-1 in 16 bits."""
_MAX_COUNT: Final = 0x7FFF
_INV_TYPES: Final = {0x2B: m.InvType.TX, 0x2C: m.InvType.BLOCK}


# --- handshake


def _decode_version(payload: Raw, _: Limits) -> m.Version:
    """magic 4 | version 4 | time 4 | nonce 4 | user agent | capabilities"""
    reader = Reader(payload)
    magic = reader.u32("version.magic")
    protocol = reader.u32("version.protocol")
    wall_time = reader.u32("version.time")
    nonce = reader.u32("version.nonce")
    user_agent = reader.var_str("version.user_agent", common.MAX_USER_AGENT)
    found = capabilities.read(reader, "version.capabilities")
    return m.Version(
        protocol,
        _services(found),
        wall_time,
        nonce,
        user_agent,
        capabilities.height_of(found),
        relay=capabilities.is_full_node(found),
        port=capabilities.port_of(found),
        magic=magic,
        capabilities=found,
    )


def _encode_version(version: m.Version, _: Limits) -> Sequence[Raw]:
    """Capabilities as they are given; else those of a full node, without which C# relays nothing, and of our port."""
    writer = Writer()
    writer.u32(version.magic, "version.magic")
    writer.u32(version.protocol, "version.protocol")
    writer.u32(version.wall_time, "version.time")
    writer.u32(version.nonce, "version.nonce")
    writer.var_str(version.user_agent, "version.user_agent", common.MAX_USER_AGENT)
    listening = [capabilities.tcp_server(version.port)] if version.port else []
    own = [*listening, capabilities.full_node(version.start_height)] if not version.capabilities else []
    capabilities.write(writer, version.capabilities or own, "version.capabilities")
    return [bytes(writer)]


def _services(found: capabilities.Capabilities) -> int:
    """N3 has no such bits; what it says otherwise is whether a node has the chain."""
    return int(Services.NETWORK if capabilities.is_full_node(found) else Services.NONE)


# --- headers and blocks


def _decode_getheaders(payload: Raw, _: Limits) -> m.GetHeaders:
    first, count = _read_range(payload, "getheaders")
    return m.GetHeaders((), first_height=first, count=count)


def _encode_getheaders(message: m.GetHeaders, _: Limits) -> Sequence[Raw]:
    first = message.first_height
    return _write_range(height_after(message.locator) if first is None else first, message.count, "getheaders")


def _decode_getblockbyindex(payload: Raw, _: Limits) -> m.GetBlockByIndex:
    return m.GetBlockByIndex(*_read_range(payload, "getblockbyindex"))


def _encode_getblockbyindex(message: m.GetBlockByIndex, _: Limits) -> Sequence[Raw]:
    return _write_range(message.first_height, message.count, "getblockbyindex")


def _read_range(payload: Raw, name: str) -> tuple[Height, int]:
    """first height 4 | how many 2, signed, -1 for as many as the remote gives"""
    reader = Reader(payload)
    first = reader.u32(f"{name}.first_height")
    return first, _read_count(reader, name, MAX_INDEXED)


def _write_range(first: Height, count: int, name: str) -> Sequence[Raw]:
    writer = Writer()
    writer.u32(first, f"{name}.first_height")
    _write_count(writer, count, name, MAX_INDEXED)
    return [bytes(writer)]


def height_after(locator: tuple[BlockId, ...]) -> Height:
    """Where what follows the newest block of `locator` begins. Raises LocalProtocolError when its height is unknown."""
    if not locator:
        raise LocalProtocolError("no block to ask from")
    newest = locator[0]
    if newest.height == UNKNOWN_HEIGHT:
        raise LocalProtocolError(
            f"Neo N3 asks for headers by height, not by hash: give HEIGHT:HASH instead of {newest}"
        )
    return newest.height + 1


def _read_count(reader: Reader, name: str, limit: int) -> int:
    """0 for as many as we give: the neutral form of -1."""
    count = reader.u16(f"{name}.count")
    if count == _AS_MANY_AS_YOU_MAY:
        return 0
    if not 1 <= count <= limit:
        raise CodecError(f"{name}.count is {count if count <= _MAX_COUNT else count - 0x10000}, not -1 or 1 to {limit}")
    return count


def _write_count(writer: Writer, count: int, name: str, limit: int) -> None:
    if not 0 <= count <= limit:
        raise LocalProtocolError(f"{name}.count is {count}, at most {limit}")
    writer.u16(count or _AS_MANY_AS_YOU_MAY, f"{name}.count")


def _decode_getblocks(payload: Raw, _: Limits) -> m.GetBlocks:
    reader = Reader(payload)
    start = BlockId(UNKNOWN_HEIGHT, reader.hash("getblocks.start"))
    return m.GetBlocks((start,), count=_read_count(reader, "getblocks", _MAX_COUNT))


def _encode_getblocks(message: m.GetBlocks, _: Limits) -> Sequence[Raw]:
    """By the newest block of its locator alone: there is room for one."""
    if not message.locator:
        raise LocalProtocolError("getblocks.start is missing: Neo N3 asks for what follows a block")
    writer = Writer()
    writer.hash(message.locator[0].hash, "getblocks.start")
    _write_count(writer, message.count, "getblocks", _MAX_COUNT)
    return [bytes(writer)]


# --- addresses


def _decode_addr(payload: Raw, limits: Limits) -> m.Addr:
    reader = Reader(payload)
    count = reader.count("addr.entries", limits.max_addresses, _ADDR_ENTRY_SIZE, error=OversizedMessage)
    if not count:
        raise CodecError("addr.entries is 0, at least 1")
    return m.Addr(tuple(_read_address(reader) for _ in range(count)))


def _read_address(reader: Reader) -> Address:
    """Its port is 0 where it does not listen."""
    last_seen = reader.u32("addr.time")
    host = common.read_ip(reader, "addr.ip")
    found = capabilities.read(reader, "addr.capabilities")
    return Address(host, capabilities.port_of(found), _services(found), last_seen)


def _encode_addr(message: m.Addr, limits: Limits) -> Sequence[Raw]:
    if not message.addresses:
        raise LocalProtocolError("addr.entries is empty: who has no addresses to give says nothing")
    writer = Writer()
    writer.compact_size(len(message.addresses), "addr.entries", limits.max_addresses)
    for address in message.addresses:
        writer.u32(address.last_seen, "addr.time")
        common.write_ip(writer, address.host, "addr.ip")
        listening = [capabilities.tcp_server(address.port)] if address.port else []
        capabilities.write(writer, listening, "addr.capabilities")
    return [bytes(writer)]


@cache
def formats(parser: Neo3Parser) -> Mapping[str, Format]:
    """For each command how its payload is read and written, on networks whose raw objects `parser` reads."""
    end = parser.header_end
    min_size = parser.kept_size + 3
    return {
        "version": Format(_decode_version, _encode_version),
        "verack": empty(m.Verack()),
        "getaddr": empty(m.GetAddr()),
        "addr": Format(_decode_addr, _encode_addr),
        "ping": common.liveness(m.Ping),
        "pong": common.liveness(m.Pong),
        "getheaders": Format(_decode_getheaders, _encode_getheaders),
        "headers": common.headers(parser, end, min_size=min_size, separator=b"", may_be_empty=False),
        "getblocks": Format(_decode_getblocks, _encode_getblocks),
        "mempool": empty(m.MemPool()),
        "inv": common.inventory(m.Inv, _INV_TYPES),
        "getdata": common.inventory(m.GetData, _INV_TYPES),
        "getblockbyindex": Format(_decode_getblockbyindex, _encode_getblockbyindex),
        "notfound": common.inventory(m.NotFound, _INV_TYPES),
        "tx": common.tx(parser),
        "block": common.block(parser, min_size),
        "filterload": common.FILTERLOAD,
        "filteradd": common.FILTERADD,
        "filterclear": empty(m.FilterClear()),
        "merkleblock": common.merkleblock(parser, end),
        "alert": common.ALERT,
    }
