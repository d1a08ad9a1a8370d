"""Bitcoin Core's `peers.dat` and `anchors.dat`: read, and written as Core writes them today.

    file       network's magic 4, content, sha256d of both [addrdb.cpp SerializeFileDB]
    peers      format u8, 32 + lowest compatible format u8, key 32, new i32, tried i32, new buckets i32 (xor 2^30 from
               format 1 on); the new entries, the tried ones; for each new bucket a count i32 and indices i32;
               version of the asmap 32 (from format 2 on) [addrman.cpp Serialize]
    entry      address, source host, last success i64, attempts i32
    address    disk version u32, then as in `addr` or, where the version's bit 29 is set, as in `addrv2` [CAddress]
    anchors    count, addresses

The formats are 0 (historical) to 4 (addresses told apart by their port, too); from 3 on hosts of every network fit.
Which bucket a tried address is in, and which place within, follows from the key. Called by whoever imports or exports.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from headway.errors import CodecError, ConfigError
from headway.networks.bitcoin.address import (
    NetworkId,
    read_entry,
    read_host,
    read_v1,
    to_address,
    to_entry,
    write_entry,
    write_host,
)
from headway.store.exchange import read_file, replace_file
from headway.types import OURSELVES, Address, BookRecords, Net, PeerRecord
from headway.wire.buffer import Reader, Writer
from headway.wire.host import locate, stand_in
from headway.wire.messages import NetAddressV2

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headway.network import Network

FORMAT: Final = 4
"""[Format::V4_MULTIPORT]"""
BIP155: Final = 3
"""The first format with hosts of every network [Format::V3_BIP155]."""
MAX_BYTES: Final = 16_000_000
"""A full book of Core is 8 MB."""
MAX_NEW: Final = 65_536
MAX_TRIED: Final = 16_384
"""What the two tables of Core hold."""
MAX_PLACES: Final = 8
NEW_BUCKETS: Final = 1024
MAX_ANCHORS: Final = 100
"""Core writes two, and would read any number."""

_BASE: Final = 32
"""Added to the lowest compatible format [INCOMPATIBILITY_BASE]."""
_BUCKETS_MARK: Final = 1 << 30
_DISK_VERSION: Final = 220_000
_VERSION_2: Final = 1 << 29
"""[DISK_VERSION_INIT, DISK_VERSION_ADDRV2]"""
_IGNORED_BITS: Final = 0x7_FFFF
_MAX_TIME: Final = (1 << 40) - 1
"""Unix seconds; later is nonsense."""
_MAX_SEEN: Final = (1 << 32) - 1
_MAX_ATTEMPTS: Final = (1 << 31) - 1


class CoreBook(NamedTuple):
    """What a peers.dat holds."""

    records: BookRecords
    passed_over: int
    """Entries that nobody could dial: of unknown networks, without a port."""
    asmap_version: bytes
    """32 bytes; zeros when Core had no map."""


def read_peers_dat(path: Path, network: Network) -> CoreBook:
    """Raises ConfigError that says what is wrong: damaged, of another network, of a newer Core."""
    try:
        return _read_book(_content(path, network))
    except CodecError as error:
        raise ConfigError(f"{path} is damaged: {error}") from error


def read_anchors_dat(path: Path, network: Network) -> tuple[Address, ...]:
    """The peers that Core would dial first. Raises ConfigError."""
    try:
        reader = Reader(_content(path, network))
        found = [_read_address(reader, v2=True) for _ in range(reader.count("anchors", MAX_ANCHORS, 16))]
        reader.end("anchors")
    except CodecError as error:
        raise ConfigError(f"{path} is damaged: {error}") from error
    return tuple(address for address in found if address is not None)


def write_peers_dat(path: Path, records: BookRecords, network: Network, *, asmap_version: bytes = bytes(32)) -> int:
    """Write the addresses that Core can hold; returns how many. Whoever reads the file knows `records.key`.

    Buckets are kept when Core's map of autonomous systems is the one of this version. Raises StoreError.
    """
    writable = [record for record in records.peers if _is_writable(record.address)]
    new = [record for record in writable if not record.tried][:MAX_NEW]
    tried = [record for record in writable if record.tried][:MAX_TRIED]
    writer = Writer()
    writer.u8(FORMAT, "format")
    writer.u8(_BASE + FORMAT, "compatible")
    writer.hash(records.key, "key")
    writer.i32(len(new), "new")
    writer.i32(len(tried), "tried")
    writer.i32(NEW_BUCKETS ^ _BUCKETS_MARK, "buckets")
    for record in (*new, *tried):
        _write_entry(writer, record)
    buckets: list[list[int]] = [[] for _ in range(NEW_BUCKETS)]
    for index, record in enumerate(new):
        for bucket in record.buckets[:MAX_PLACES]:
            buckets[bucket].append(index)
    for indices in buckets:
        writer.i32(len(indices), "bucket")
        for index in indices:
            writer.i32(index, "index")
    writer.hash(asmap_version, "asmap")
    replace_file(path, _sealed(bytes(writer), network))
    return len(new) + len(tried)


def write_anchors_dat(path: Path, anchors: Sequence[Address], network: Network) -> int:
    """Write those that Core can hold; returns how many. Raises StoreError."""
    writable = [address for address in anchors if _is_writable(address)][:MAX_ANCHORS]
    writer = Writer()
    writer.compact_size(len(writable), "anchors")
    for address in writable:
        _write_address(writer, address)
    replace_file(path, _sealed(bytes(writer), network))
    return len(writable)


# The file.


def _content(path: Path, network: Network) -> bytes:
    """What stands between magic and checksum, which are right."""
    data = read_file(path, MAX_BYTES)
    magic, body, checksum = data[:4], data[4:-32], data[-32:]
    if len(data) < 36 or _sha256d(magic + body) != checksum:
        raise ConfigError(f"{path} is damaged, or no such file of Bitcoin Core: its checksum is wrong")
    if magic != network.magic:
        raise ConfigError(f"{path} is of another network than {network.name} (magic {magic.hex()})")
    return body


def _sealed(content: bytes, network: Network) -> bytes:
    return network.magic + content + _sha256d(network.magic + content)


def _sha256d(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


# The book.


def _read_book(content: bytes) -> CoreBook:
    reader = Reader(content)
    version, compatible = reader.u8("format"), reader.u8("compatible") - _BASE
    if compatible < 0:
        raise CodecError(f"compatible is {compatible + _BASE}, at least {_BASE}")
    if compatible > FORMAT:
        raise ConfigError(f"a peers.dat of a newer Bitcoin Core (format {version}, and this reads {FORMAT})")
    key = reader.hash("key")
    new_count, tried_count = _count(reader, "new", MAX_NEW), _count(reader, "tried", MAX_TRIED)
    bucket_count = reader.i32("buckets") ^ (_BUCKETS_MARK if version else 0)
    new = [_read_entry(reader, tried=False, v2=version >= BIP155) for _ in range(new_count)]
    tried = [_read_entry(reader, tried=True, v2=version >= BIP155) for _ in range(tried_count)]
    places: list[list[int]] = [[] for _ in new]
    for bucket in range(_bounded(bucket_count, "buckets", reader.remaining // 4)):
        for _ in range(_count(reader, "bucket", reader.remaining // 4)):
            index = reader.i32("index")
            if 0 <= index < len(new) and bucket < NEW_BUCKETS and len(places[index]) < MAX_PLACES:
                places[index].append(bucket)
    asmap = reader.hash("asmap") if version >= 2 else bytes(32)
    reader.end("peers.dat")
    found = [record and replace(record, buckets=tuple(each)) for record, each in zip(new, places, strict=True)]
    peers = tuple(record for record in (*found, *tried) if record is not None)
    return CoreBook(BookRecords(key, peers), new_count + tried_count - len(peers), asmap)


def _read_entry(reader: Reader, *, tried: bool, v2: bool) -> PeerRecord | None:
    """None for what nobody could dial."""
    address, source = _read_address(reader, v2=v2), _read_source(reader, v2=v2)
    last_success, attempts = reader.i64("success"), reader.i32("attempts")
    if address is None:
        return None
    success = last_success if 0 <= last_success <= _MAX_TIME else 0
    return PeerRecord(address, source, tried=tried, last_success=success, missed=max(attempts, 0))


def _read_address(reader: Reader, *, v2: bool) -> Address | None:
    """`v2`: the second form may stand here. None for what nobody could dial."""
    version = reader.u32("disk version") & ~_IGNORED_BITS
    if version == _VERSION_2 and v2:
        address = to_address(read_entry(reader))
    elif version == 0:
        address = read_v1(reader, "address", reader.u32("time"))
    else:
        raise CodecError(f"disk version is {version:#x}")
    if address is None:
        return None
    net = locate(address.host).net
    return address if net is not Net.UNROUTABLE and (address.port or net is Net.I2P) else None


def _read_source(reader: Reader, *, v2: bool) -> str:
    """The host that told of an address; `OURSELVES` for one of a network that we do not know."""
    if not v2:
        return read_v1(Reader(bytes(8) + reader.take(16, "source") + bytes(2)), "source").host
    network_id, data = read_host(reader, "source")
    address = to_address(NetAddressV2(network_id, data, port=0, services=0, last_seen=0))
    return address.host if address else OURSELVES


def _is_writable(address: Address) -> bool:
    return locate(address.host).net is not Net.UNROUTABLE


def _write_entry(writer: Writer, record: PeerRecord) -> None:
    _write_address(writer, record.address)
    source = record.source or record.address.host  # what we found ourselves told of itself
    known = to_entry(Address(source, 0))
    network_id, data = (known.network_id, known.data) if known else (NetworkId.IPV6, stand_in(source))
    write_host(writer, "source", network_id, data)
    writer.i64(record.last_success, "success")
    writer.i32(min(record.missed, _MAX_ATTEMPTS), "attempts")


def _write_address(writer: Writer, address: Address) -> None:
    writer.u32(_DISK_VERSION | _VERSION_2, "disk version")
    entry = to_entry(replace(address, last_seen=min(address.last_seen, _MAX_SEEN)))
    assert entry is not None, "every routable host has a network"
    write_entry(writer, entry)


# Small things.


def _count(reader: Reader, field: str, most: int) -> int:
    return _bounded(reader.i32(field), field, most)


def _bounded(value: int, field: str, most: int) -> int:
    if not 0 <= value <= most:
        raise CodecError(f"{field} is {value}, at most {most}")
    return value
