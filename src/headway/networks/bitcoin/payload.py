"""Payloads of Bitcoin's messages: one decoder and one encoder a command, and the table of them, `FORMATS`.

Bounds are Core's (net_processing.cpp, net.h, protocol.h); so is what may be missing at the end of a payload, and that
bytes after its last field are ignored. Only what is hashed must end where it ends. Decoders raise CodecError, encoders
LocalProtocolError; both hold a message against the same limits. Two themes have files of their own: `compact` (BIP152)
and `filters` (BIP37, BIP157).
Called by `codec` only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import starmap
from struct import Struct
from typing import Final, TypeVar

from headway.errors import CodecError, LocalProtocolError, OversizedMessage
from headway.network import Limits
from headway.networks.bitcoin import address, compact, filters
from headway.networks.bitcoin.format import Format, empty
from headway.networks.bitcoin.header import HEADER_SIZE
from headway.networks.bitcoin.parser import PARSER
from headway.types import UNKNOWN_HEIGHT, Address, BlockId, Raw
from headway.wire import messages as m
from headway.wire.buffer import Reader, Writer

PROTOCOL_VERSION: Final = 70016
"""The newest that we speak: BIP339 (wtxidrelay). 70017 would promise to understand `feature` (BIP434), of which we use
none. A message whose `protocol` is 0 is sent with this."""
MAX_USER_AGENT: Final = 256
"""Bytes [MAX_SUBVERSION_LENGTH]."""
MAX_REJECT_MESSAGE: Final = 12
"""Bytes: a command [CMessageHeader::MESSAGE_TYPE_SIZE]."""
MIN_FEATURE_ID: Final = 4
MAX_FEATURE_ID: Final = 80
"""Bytes [MAX_FEATUREID_LENGTH]."""
MAX_FEATURE_DATA: Final = 512
"""Bytes [MAX_FEATUREDATA_LENGTH]."""

_NONCE_SIZE: Final = 8
_STRIDE: Final = HEADER_SIZE + 1
"""In `headers` each header is followed by the number of its transactions, always one zero byte."""
_INV_ENTRY: Final = Struct("<I32s")
_ADDR_ENTRY_SIZE: Final = 4 + address.V1_SIZE
_NOWHERE: Final = Address("::", 0)

_Inventory = TypeVar("_Inventory", m.Inv, m.GetData, m.NotFound)
_Locating = TypeVar("_Locating", m.GetHeaders, m.GetBlocks)


# --- handshake and liveness


def _decode_version(payload: Raw, _: Limits) -> m.Version:
    """As Core: the payload may end after `remote`, after the nonce, or after any field behind it."""
    reader = Reader(payload)
    protocol = reader.i32("version.protocol")
    services = reader.u64("version.services")
    wall_time = max(0, reader.i64("version.time"))
    remote = address.read_v1(reader, "version.remote")
    local, nonce = None, 0
    if reader.remaining:
        local = address.read_v1(reader, "version.local")
        nonce = reader.u64("version.nonce")
    user_agent = reader.var_str("version.user_agent", MAX_USER_AGENT) if reader.remaining else ""
    start_height = reader.i32("version.start_height") if reader.remaining else UNKNOWN_HEIGHT
    relay = reader.u8("version.relay") != 0 if reader.remaining else True  # BIP37: true where it is missing
    return m.Version(protocol, services, wall_time, nonce, user_agent, start_height, relay, remote=remote, local=local)


def _encode_version(version: m.Version, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.i32(version.protocol or PROTOCOL_VERSION, "version.protocol")
    writer.u64(version.services, "version.services")
    writer.i64(version.wall_time, "version.time")
    for known, name in ((version.remote, "version.remote"), (version.local, "version.local")):
        # What 16 bytes cannot carry is sent as zeros, as Core does.
        address.write_v1(writer, known if known and address.is_ip(known) else _NOWHERE, name)
    writer.u64(version.nonce, "version.nonce")
    writer.var_str(version.user_agent, "version.user_agent", MAX_USER_AGENT)
    writer.i32(version.start_height, "version.start_height")
    writer.u8(version.relay, "version.relay")
    return [bytes(writer)]


def _decode_ping(payload: Raw, _: Limits) -> m.Ping:
    return m.Ping(_nonce(payload))


def _decode_pong(payload: Raw, _: Limits) -> m.Pong:
    return m.Pong(_nonce(payload))


def _nonce(payload: Raw) -> int | None:
    return Reader(payload).u64("nonce") if len(payload) >= _NONCE_SIZE else None


def _encode_nonce(message: m.Ping | m.Pong, _: Limits) -> Sequence[Raw]:
    if message.nonce is None:
        return []
    writer = Writer()
    writer.u64(message.nonce, f"{message.command}.nonce")
    return [bytes(writer)]


# --- headers and blocks


def _locating(cls: type[_Locating]) -> Format:
    """getheaders and getblocks have one form. A locator too long only disconnects [MAX_LOCATOR_SZ]."""
    name = cls.command

    def decode(payload: Raw, limits: Limits) -> _Locating:
        reader = Reader(payload)
        protocol = reader.i32(f"{name}.protocol")
        count = reader.count(f"{name}.locator", limits.max_locator, 32)
        locator = tuple(BlockId(UNKNOWN_HEIGHT, reader.hash(f"{name}.locator")) for _ in range(count))
        return cls(locator, reader.hash(f"{name}.stop"), protocol)

    def encode(message: _Locating, limits: Limits) -> Sequence[Raw]:
        writer = Writer()
        writer.i32(message.protocol or PROTOCOL_VERSION, f"{name}.protocol")
        writer.compact_size(len(message.locator), f"{name}.locator", limits.max_locator)
        for block in message.locator:
            writer.hash(block.hash, f"{name}.locator")
        writer.hash(message.stop, f"{name}.stop")
        return [bytes(writer)]

    return Format(decode, encode)


def _decode_headers(payload: Raw, limits: Limits) -> m.Headers:
    reader = Reader(payload)
    count = reader.count("headers.count", limits.max_headers, _STRIDE, error=OversizedMessage)
    body = bytes(payload[reader.position :])
    if len(body) == count * _STRIDE and body[HEADER_SIZE::_STRIDE].count(0) == count:
        return m.Headers.fixed(body, PARSER, size=HEADER_SIZE, stride=_STRIDE)
    return m.Headers.fixed(_unusual_headers(reader, count), PARSER, size=HEADER_SIZE)


def _unusual_headers(reader: Reader, count: int) -> bytes:
    """Headers back to back, from a message whose transaction counts are not all zero: Core reads and ignores those."""
    records = []
    for _ in range(count):
        records.append(reader.take(HEADER_SIZE, "headers.header"))
        reader.compact_size("headers.transactions")
    reader.end("headers")
    return b"".join(records)


def _encode_headers(headers: m.Headers, limits: Limits) -> Sequence[Raw]:
    if headers and (headers.stride == 0 or headers.ends[0] != HEADER_SIZE):
        raise LocalProtocolError(f"headers of another chain: Bitcoin's have {HEADER_SIZE} bytes each")
    writer = Writer()
    writer.compact_size(len(headers), "headers.count", limits.max_headers)
    if headers.stride == _STRIDE:
        return [bytes(writer), headers.raw]
    records = headers.compact()
    parts = [records[at : at + HEADER_SIZE] for at in range(0, len(records), HEADER_SIZE)]
    return [bytes(writer), b"\0".join([*parts, b""])]


def _decode_block(payload: Raw, _: Limits) -> m.Block:
    if len(payload) < HEADER_SIZE:
        raise CodecError(f"block has {len(payload)} bytes, its header alone has {HEADER_SIZE}")
    return m.Block(payload, PARSER)


def _decode_tx(payload: Raw, _: Limits) -> m.Tx:
    return m.Tx(payload, PARSER)


def _encode_raw(message: m.Block | m.Tx, _: Limits) -> Sequence[Raw]:
    return [message.raw]


# --- inventory


def _inventory(cls: type[_Inventory], error: type[CodecError]) -> Format:
    """inv, getdata and notfound have one form [MAX_INV_SZ]. `error` is what too many entries are."""
    name = f"{cls.command}.entries"

    def decode(payload: Raw, limits: Limits) -> _Inventory:
        reader = Reader(payload)
        count = reader.count(name, limits.max_inventory, _INV_ENTRY.size, error=error)
        raw = reader.take(count * _INV_ENTRY.size, name)
        return cls(tuple(starmap(m.InvEntry, _INV_ENTRY.iter_unpack(raw))))

    def encode(message: _Inventory, limits: Limits) -> Sequence[Raw]:
        writer = Writer()
        writer.compact_size(len(message.entries), name, limits.max_inventory)
        for entry in message.entries:
            writer.u32(entry.type, name)
            writer.hash(entry.hash, name)
        return [bytes(writer)]

    return Format(decode, encode)


# --- addresses


def _decode_addr(payload: Raw, limits: Limits) -> m.Addr:
    reader = Reader(payload)
    count = reader.count("addr.entries", limits.max_addresses, _ADDR_ENTRY_SIZE, error=OversizedMessage)
    return m.Addr(tuple(address.read_v1(reader, "addr", reader.u32("addr.time")) for _ in range(count)))


def _encode_addr(message: m.Addr, limits: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.compact_size(len(message.addresses), "addr.entries", limits.max_addresses)
    for item in message.addresses:
        writer.u32(item.last_seen, "addr.time")
        address.write_v1(writer, item, "addr")
    return [bytes(writer)]


def _decode_addrv2(payload: Raw, limits: Limits) -> m.AddrV2:
    reader = Reader(payload)
    count = reader.count("addrv2.entries", limits.max_addresses, address.MIN_ENTRY_SIZE, error=OversizedMessage)
    entries = tuple(address.read_entry(reader) for _ in range(count))
    return m.AddrV2(entries, tuple(filter(None, map(address.to_address, entries))))


def _encode_addrv2(message: m.AddrV2, limits: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.compact_size(len(message.entries), "addrv2.entries", limits.max_addresses)
    for entry in message.entries:
        address.write_entry(writer, entry)
    return [bytes(writer)]


# --- the rest


def _decode_feefilter(payload: Raw, _: Limits) -> m.FeeFilter:
    return m.FeeFilter(Reader(payload).i64("feefilter.fee_rate"))


def _encode_feefilter(message: m.FeeFilter, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.i64(message.fee_rate, "feefilter.fee_rate")
    return [bytes(writer)]


def _decode_reject(payload: Raw, limits: Limits) -> m.Reject:
    """The reason may be as long as its message: Core read 111 bytes of it, btcd writes 208 and more."""
    reader = Reader(payload)
    message = reader.var_str("reject.message", MAX_REJECT_MESSAGE)
    code = reader.u8("reject.code")
    reason = reader.var_str("reject.reason", limits.max_payload)
    return m.Reject(message, code, reason, reader.rest())


def _encode_reject(message: m.Reject, limits: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.var_str(message.message, "reject.message", MAX_REJECT_MESSAGE)
    writer.u8(message.code, "reject.code")
    writer.var_str(message.reason, "reject.reason", limits.max_payload)
    writer.raw(message.data)
    return [bytes(writer)]


def _decode_feature(payload: Raw, _: Limits) -> m.Feature:
    reader = Reader(payload)
    feature_id = reader.var_str("feature.id", MAX_FEATURE_ID)
    if len(feature_id) < MIN_FEATURE_ID:
        raise CodecError(f"feature.id length is {len(feature_id)}, at least {MIN_FEATURE_ID}")
    return m.Feature(feature_id, reader.var_bytes("feature.data", MAX_FEATURE_DATA))


def _encode_feature(message: m.Feature, _: Limits) -> Sequence[Raw]:
    if len(message.id) < MIN_FEATURE_ID:
        raise LocalProtocolError(f"feature.id length is {len(message.id)}, at least {MIN_FEATURE_ID}")
    writer = Writer()
    writer.var_str(message.id, "feature.id", MAX_FEATURE_ID)
    writer.var_bytes(message.data, "feature.data", MAX_FEATURE_DATA)
    return [bytes(writer)]


def _decode_sendtxrcncl(payload: Raw, _: Limits) -> m.SendTxRcncl:
    reader = Reader(payload)
    return m.SendTxRcncl(reader.u32("sendtxrcncl.version"), reader.u64("sendtxrcncl.salt"))


def _encode_sendtxrcncl(message: m.SendTxRcncl, _: Limits) -> Sequence[Raw]:
    writer = Writer()
    writer.u32(message.version, "sendtxrcncl.version")
    writer.u64(message.salt, "sendtxrcncl.salt")
    return [bytes(writer)]


def _decode_alert(payload: Raw, _: Limits) -> m.Alert:
    return m.Alert(bytes(payload))


def _encode_alert(message: m.Alert, _: Limits) -> Sequence[Raw]:
    return [message.payload]


FORMATS: Final[Mapping[str, Format]] = {
    "version": Format(_decode_version, _encode_version),
    "verack": empty(m.Verack()),
    "wtxidrelay": empty(m.WtxidRelay()),
    "sendaddrv2": empty(m.SendAddrV2()),
    "feature": Format(_decode_feature, _encode_feature),
    "ping": Format(_decode_ping, _encode_nonce),
    "pong": Format(_decode_pong, _encode_nonce),
    "getheaders": _locating(m.GetHeaders),
    "headers": Format(_decode_headers, _encode_headers),
    "sendheaders": empty(m.SendHeaders()),
    "getblocks": _locating(m.GetBlocks),
    "block": Format(_decode_block, _encode_raw),
    "tx": Format(_decode_tx, _encode_raw),
    "inv": _inventory(m.Inv, OversizedMessage),
    "getdata": _inventory(m.GetData, OversizedMessage),
    "notfound": _inventory(m.NotFound, CodecError),
    "getaddr": empty(m.GetAddr()),
    "addr": Format(_decode_addr, _encode_addr),
    "addrv2": Format(_decode_addrv2, _encode_addrv2),
    "feefilter": Format(_decode_feefilter, _encode_feefilter),
    "mempool": empty(m.MemPool()),
    "reject": Format(_decode_reject, _encode_reject),
    "sendtxrcncl": Format(_decode_sendtxrcncl, _encode_sendtxrcncl),
    "alert": Format(_decode_alert, _encode_alert),
    **compact.FORMATS,
    **filters.FORMATS,
}
