"""Addresses as Bitcoin's messages carry them: 16 bytes in `version` and `addr`, networks by number in `addrv2`.

Text is the form in which the rest of headway knows a host: IPv4, IPv6, `.onion` (Tor v3), `.b32.i2p`. An IPv4 address
travels in 16 bytes as IPv6 ::ffff:a.b.c.d. Which addresses are worth dialling is not decided here.
Called by `payload`; `to_entry` also by those who answer with addresses.
"""

from __future__ import annotations

from base64 import b32decode, b32encode
from enum import IntEnum
from hashlib import sha3_256
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from headway.errors import CodecError, LocalProtocolError
from headway.types import Address
from headway.wire.buffer import Reader, Writer
from headway.wire.messages import NetAddressV2

V1_SIZE: Final = 26
"""Bytes of an address of the first form: services 8, IP address 16, port 2 (big endian)."""
MAX_DATA: Final = 512
"""Bytes of an address of any network, known or to come (BIP155) [Core MAX_ADDRV2_SIZE]."""
MIN_ENTRY_SIZE: Final = 9
"""Bytes of an addrv2 entry with nothing in it: time 4, services 1, network 1, length 1, port 2."""
_MAX_U64: Final = (1 << 64) - 1

_V4_MAPPED: Final = bytes(10) + b"\xff\xff"
_ONION_CAT: Final = bytes.fromhex("fd87d87eeb43")  # fd87:d87e:eb43::/48 once stood for Tor v2
_CJDNS: Final = 0xFC  # fc00::/8

_ONION_VERSION: Final = b"\x03"


class NetworkId(IntEnum):
    """Networks of BIP155."""

    IPV4 = 1
    IPV6 = 2
    TORV2 = 3
    """Switched off by Tor in 2021. Its addresses have no text here, nor, as in Core, a length."""
    TORV3 = 4
    I2P = 5
    CJDNS = 6


_SIZES: Final[dict[int, int]] = {
    NetworkId.IPV4: 4,
    NetworkId.IPV6: 16,
    NetworkId.TORV3: 32,
    NetworkId.I2P: 32,
    NetworkId.CJDNS: 16,
}


def read_v1(reader: Reader, field: str, last_seen: int = 0) -> Address:
    """An address of the first form."""
    services = reader.u64(f"{field}.services")
    ip = reader.take(16, f"{field}.ip")
    port = reader.u16(f"{field}.port", "big")
    return Address(_ip_text(ip), port, services, last_seen)


def write_v1(writer: Writer, address: Address, field: str) -> None:
    """Inverse of `read_v1`. Raises LocalProtocolError for a host that is no IP address: this form cannot carry it."""
    ip = _ip(address.host)
    if ip is None:
        raise LocalProtocolError(f"{field} cannot carry {address.host}: it is no IP address")
    writer.u64(address.services, f"{field}.services")
    writer.raw(_V4_MAPPED + ip.packed if isinstance(ip, IPv4Address) else ip.packed)
    writer.u16(address.port, f"{field}.port", "big")


def is_ip(address: Address) -> bool:
    """Whether the first form can carry this address."""
    return _ip(address.host) is not None


def read_entry(reader: Reader) -> NetAddressV2:
    """An entry of addrv2. A known network's address must have its length; others are kept whole (BIP155).

    Tor v2 is among the others: Core knows its number no more, and skips it whatever its length.
    """
    last_seen = reader.u32("addrv2.time")
    services = reader.compact_size("addrv2.services", _MAX_U64)
    network_id = reader.u8("addrv2.network")
    data = reader.var_bytes("addrv2.address", MAX_DATA)
    size = _SIZES.get(network_id, len(data))
    if len(data) != size:
        raise CodecError(f"addrv2.address of network {network_id} has {len(data)} bytes, not {size}")
    port = reader.u16("addrv2.port", "big")
    return NetAddressV2(network_id, data, port, services, last_seen)


def write_entry(writer: Writer, entry: NetAddressV2) -> None:
    """Inverse of `read_entry`."""
    if len(entry.data) != _SIZES.get(entry.network_id, len(entry.data)):
        raise LocalProtocolError(f"addrv2.address of network {entry.network_id} has {len(entry.data)} bytes")
    writer.u32(entry.last_seen, "addrv2.time")
    writer.compact_size(entry.services, "addrv2.services", _MAX_U64)
    writer.u8(entry.network_id, "addrv2.network")
    writer.var_bytes(entry.data, "addrv2.address", MAX_DATA)
    writer.u16(entry.port, "addrv2.port", "big")


def to_address(entry: NetAddressV2) -> Address | None:
    """The entry as text; None where it has none (BIP155 has those ignored).

    That is an unknown network, Tor v2, an IPv6 address that wraps one of IPv4 or Tor, a CJDNS address outside fc00::/8.
    """
    host = _entry_text(entry.network_id, entry.data)
    return Address(host, entry.port, entry.services, entry.last_seen) if host else None


def to_entry(address: Address) -> NetAddressV2 | None:
    """Inverse of `to_address`; None for a host that no network of BIP155 has, such as a domain name.

    What came as IPv6 and lies in fc00::/8 goes as CJDNS: that is what it is there [MaybeFlipIPv6toCJDNS].
    """
    found = _network_and_data(address.host)
    return NetAddressV2(*found, address.port, address.services, address.last_seen) if found else None


def _ip_text(ip: bytes) -> str:
    return str(IPv4Address(ip[12:])) if ip.startswith(_V4_MAPPED) else str(IPv6Address(ip))


def _entry_text(network_id: int, data: bytes) -> str:
    if network_id == NetworkId.IPV4:
        return str(IPv4Address(data))
    if network_id == NetworkId.IPV6 and not data.startswith((_V4_MAPPED, _ONION_CAT)):
        return str(IPv6Address(data))
    if network_id == NetworkId.TORV3:
        return _base32(data + _onion_checksum(data) + _ONION_VERSION) + ".onion"
    if network_id == NetworkId.I2P:
        return _base32(data) + ".b32.i2p"
    if network_id == NetworkId.CJDNS and data[0] == _CJDNS:
        return str(IPv6Address(data))
    return ""


def _network_and_data(host: str) -> tuple[int, bytes] | None:
    for suffix, network_id in ((".onion", NetworkId.TORV3), (".b32.i2p", NetworkId.I2P)):
        if host.endswith(suffix):
            data = _unbase32(host.removesuffix(suffix))[:32]
            return (network_id, data) if _entry_text(network_id, data) == host else None
    ip = _ip(host)
    if ip is None:
        return None
    if isinstance(ip, IPv4Address):
        return NetworkId.IPV4, ip.packed
    return NetworkId.CJDNS if ip.packed[0] == _CJDNS else NetworkId.IPV6, ip.packed


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _onion_checksum(key: bytes) -> bytes:
    """Two bytes that guard an onion name against mistyping (Tor rend-spec-v3, section 6)."""
    return sha3_256(b".onion checksum" + key + _ONION_VERSION).digest()[:2]


def _base32(data: bytes) -> str:
    return b32encode(data).decode().rstrip("=").lower()


def _unbase32(text: str) -> bytes:
    """What the text encodes; empty when it is not base32."""
    try:
        return b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return b""
