"""Addresses as Bitcoin's messages carry them: 16 bytes in `version` and `addr`, networks by number in `addrv2`.

Text is the form in which the rest of headway knows a host: IPv4, IPv6, `.onion` (Tor v3), `.b32.i2p`. An IPv4 address
travels in 16 bytes as IPv6 ::ffff:a.b.c.d. Which addresses are worth dialling is not decided here.
Called by `payload`; `to_entry` also by those who answer with addresses.
"""

from __future__ import annotations

from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from headway.errors import CodecError, LocalProtocolError
from headway.types import Address, Net
from headway.wire.buffer import Reader, Writer
from headway.wire.host import V4_MAPPED, locate, overlay_name
from headway.wire.messages import NetAddressV2

V1_SIZE: Final = 26
"""Bytes of an address of the first form: services 8, IP address 16, port 2 (big endian)."""
MAX_DATA: Final = 512
"""Bytes of an address of any network, known or to come (BIP155) [Core MAX_ADDRV2_SIZE]."""
MIN_ENTRY_SIZE: Final = 9
"""Bytes of an addrv2 entry with nothing in it: time 4, services 1, network 1, length 1, port 2."""
_MAX_U64: Final = (1 << 64) - 1

_IP_SIZE: Final = 16
_ONION_CAT: Final = bytes.fromhex("fd87d87eeb43")  # fd87:d87e:eb43::/48 once stood for Tor v2
_CJDNS: Final = 0xFC  # fc00::/8


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
_OVERLAYS: Final[dict[int, Net]] = {NetworkId.TORV3: Net.ONION, NetworkId.I2P: Net.I2P}


def read_v1(reader: Reader, field: str, last_seen: int = 0) -> Address:
    """An address of the first form."""
    services = reader.u64(f"{field}.services")
    ip = reader.take(16, f"{field}.ip")
    port = reader.u16(f"{field}.port", "big")
    return Address(_ip_text(ip), port, services, last_seen)


def write_v1(writer: Writer, address: Address, field: str) -> None:
    """Inverse of `read_v1`. Raises LocalProtocolError for a host that is no IP address: this form cannot carry it."""
    if not is_ip(address):
        raise LocalProtocolError(f"{field} cannot carry {address.host}: it is no IP address")
    writer.u64(address.services, f"{field}.services")
    writer.raw(locate(address.host).data)
    writer.u16(address.port, f"{field}.port", "big")


def is_ip(address: Address) -> bool:
    """Whether the first form can carry this address."""
    return len(locate(address.host).data) == _IP_SIZE


def read_entry(reader: Reader) -> NetAddressV2:
    """An entry of addrv2. A known network's address must have its length; others are kept whole (BIP155).

    Tor v2 is among the others: Core knows its number no more, and skips it whatever its length.
    """
    last_seen = reader.u32("addrv2.time")
    services = reader.compact_size("addrv2.services", _MAX_U64)
    network_id, data = read_host(reader, "addrv2")
    port = reader.u16("addrv2.port", "big")
    return NetAddressV2(network_id, data, port, services, last_seen)


def write_entry(writer: Writer, entry: NetAddressV2) -> None:
    """Inverse of `read_entry`."""
    writer.u32(entry.last_seen, "addrv2.time")
    writer.compact_size(entry.services, "addrv2.services", _MAX_U64)
    write_host(writer, "addrv2", entry.network_id, entry.data)
    writer.u16(entry.port, "addrv2.port", "big")


def read_host(reader: Reader, field: str) -> tuple[int, bytes]:
    """A network's number and the address there: the part of an entry that says where a host is."""
    network_id = reader.u8(f"{field}.network")
    data = reader.var_bytes(f"{field}.address", MAX_DATA)
    size = _SIZES.get(network_id, len(data))
    if len(data) != size:
        raise CodecError(f"{field}.address of network {network_id} has {len(data)} bytes, not {size}")
    return network_id, data


def write_host(writer: Writer, field: str, network_id: int, data: bytes) -> None:
    """Inverse of `read_host`."""
    if len(data) != _SIZES.get(network_id, len(data)):
        raise LocalProtocolError(f"{field}.address of network {network_id} has {len(data)} bytes")
    writer.u8(network_id, f"{field}.network")
    writer.var_bytes(data, f"{field}.address", MAX_DATA)


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
    return str(IPv4Address(ip[12:])) if ip.startswith(V4_MAPPED) else str(IPv6Address(ip))


def _entry_text(network_id: int, data: bytes) -> str:
    if network_id == NetworkId.IPV4:
        return str(IPv4Address(data))
    if network_id == NetworkId.IPV6 and not data.startswith((V4_MAPPED, _ONION_CAT)):
        return str(IPv6Address(data))
    if (overlay := _OVERLAYS.get(network_id)) is not None:
        return overlay_name(overlay, data)
    if network_id == NetworkId.CJDNS and data[0] == _CJDNS:
        return str(IPv6Address(data))
    return ""


def _network_and_data(host: str) -> tuple[int, bytes] | None:
    net, data = locate(host)
    for network_id, overlay in _OVERLAYS.items():
        if net is overlay:
            return network_id, data
    if len(data) != _IP_SIZE:
        return None
    if data.startswith(V4_MAPPED):
        return NetworkId.IPV4, data[12:]
    return NetworkId.CJDNS if data[0] == _CJDNS else NetworkId.IPV6, data
