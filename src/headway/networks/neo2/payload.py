"""Payloads of Neo Legacy's messages: what is its own, and the table of all of them, `FORMATS`.

What N3 has in the same form is in `headway.networks.dbft.payload`. Commands that nothing here needs (`consensus`,
`getroots`, `roots`, `stateroot`, `reject`) are in no table: they come out as `Unknown`, payload and all.
Called by `codec` only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from headway.errors import LocalProtocolError, OversizedMessage
from headway.network import Limits
from headway.networks.dbft import payload as common
from headway.networks.dbft.format import Format, empty
from headway.networks.neo2.header import MIN_HEADER_SIZE, header_end
from headway.networks.neo2.parser import PARSER
from headway.types import UNKNOWN_HEIGHT, Address, BlockId, Raw
from headway.wire import messages as m
from headway.wire.buffer import Reader, Writer

MAX_LOCATOR: Final = 16
"""Hashes of a getheaders or getblocks (C# GetBlocksPayload). Servers use the first alone."""

_ADDR_ENTRY_SIZE: Final = 30
"""Bytes: time 4, services 8, IP address 16, port 2 (big endian)."""
_INV_TYPES: Final = {0x01: m.InvType.TX, 0x02: m.InvType.BLOCK}

_Locating = TypeVar("_Locating", m.GetHeaders, m.GetBlocks)


def _decode_version(payload: Raw, _: Limits) -> m.Version:
    """version 4 | services 8 | time 4 | port 2 | nonce 4 | user agent | height 4 | relay 1"""
    reader = Reader(payload)
    protocol = reader.u32("version.protocol")
    services = reader.u64("version.services")
    wall_time = reader.u32("version.time")
    port = reader.u16("version.port")
    nonce = reader.u32("version.nonce")
    user_agent = reader.var_str("version.user_agent", common.MAX_USER_AGENT)
    start_height = reader.u32("version.start_height")
    relay = reader.u8("version.relay") != 0
    return m.Version(protocol, services, wall_time, nonce, user_agent, start_height, relay, port)


def _encode_version(version: m.Version, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.u32(version.protocol, "version.protocol")
    writer.u64(version.services, "version.services")
    writer.u32(version.wall_time, "version.time")
    writer.u16(version.port, "version.port")
    writer.u32(version.nonce, "version.nonce")
    writer.var_str(version.user_agent, "version.user_agent", common.MAX_USER_AGENT)
    writer.u32(version.start_height, "version.start_height")
    writer.u8(version.relay, "version.relay")
    return [bytes(writer)]


def _locating(cls: type[_Locating]) -> Format:
    """getheaders and getblocks have one form."""
    name = cls.command

    def decode(payload: Raw, _: Limits) -> _Locating:
        reader = Reader(payload)
        count = reader.count(f"{name}.locator", MAX_LOCATOR, 32)
        locator = tuple(BlockId(UNKNOWN_HEIGHT, reader.hash(f"{name}.locator")) for _ in range(count))
        return cls(locator, reader.hash(f"{name}.stop"))

    def encode(message: _Locating, _: Limits) -> Sequence[Raw]:
        if not message.locator:
            raise LocalProtocolError(f"{name}.locator is empty: Neo Legacy asks for what follows a block")
        writer = Writer()
        writer.compact_size(len(message.locator), f"{name}.locator", MAX_LOCATOR)
        for block in message.locator:
            writer.hash(block.hash, f"{name}.locator")
        writer.hash(message.stop, f"{name}.stop")
        return [bytes(writer)]

    return Format(decode, encode)


def _decode_addr(payload: Raw, limits: Limits) -> m.Addr:
    reader = Reader(payload)
    count = reader.count("addr.entries", limits.max_addresses, _ADDR_ENTRY_SIZE, error=OversizedMessage)
    return m.Addr(tuple(_read_address(reader) for _ in range(count)))


def _read_address(reader: Reader) -> Address:
    last_seen = reader.u32("addr.time")
    services = reader.u64("addr.services")
    host = common.read_ip(reader, "addr.ip")
    return Address(host, reader.u16("addr.port", "big"), services, last_seen)


def _encode_addr(message: m.Addr, limits: Limits) -> Sequence[Raw]:
    if not message.addresses:
        raise LocalProtocolError("addr.entries is empty: who has no addresses to give says nothing")
    writer = Writer()
    writer.compact_size(len(message.addresses), "addr.entries", limits.max_addresses)
    for address in message.addresses:
        writer.u32(address.last_seen, "addr.time")
        writer.u64(address.services, "addr.services")
        common.write_ip(writer, address.host, "addr.ip")
        writer.u16(address.port, "addr.port", "big")
    return [bytes(writer)]


FORMATS: Final[Mapping[str, Format]] = {
    "version": Format(_decode_version, _encode_version),
    "verack": empty(m.Verack()),
    "ping": common.liveness(m.Ping),
    "pong": common.liveness(m.Pong),
    "getheaders": _locating(m.GetHeaders),
    # neo-one answers with no headers where others say nothing
    "headers": common.headers(PARSER, header_end, min_size=MIN_HEADER_SIZE, separator=b"\0", may_be_empty=True),
    "getblocks": _locating(m.GetBlocks),
    "block": common.block(PARSER, MIN_HEADER_SIZE),
    "tx": common.tx(PARSER),
    "inv": common.inventory(m.Inv, _INV_TYPES),
    "getdata": common.inventory(m.GetData, _INV_TYPES),
    "notfound": common.inventory(m.NotFound, _INV_TYPES),
    "getaddr": empty(m.GetAddr()),
    "addr": Format(_decode_addr, _encode_addr),
    "mempool": empty(m.MemPool()),
    "filterload": common.FILTERLOAD,
    "filteradd": common.FILTERADD,
    "filterclear": empty(m.FilterClear()),
    "merkleblock": common.merkleblock(PARSER, header_end),
    "alert": common.ALERT,
}
