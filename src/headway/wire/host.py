"""A host as text and as bytes.

Text is the form in which headway knows a host: an IP address, `.onion` (Tor v3), `.b32.i2p`, or a name for the DNS.
Which network an address belongs to is said by `types.network_of`, which of them we can reach by `ways`; here are the
bytes that stand for it there. Called by codecs, by `node` and by `store`.
"""

from __future__ import annotations

from base64 import b32decode, b32encode
from functools import lru_cache
from hashlib import sha3_256, sha256
from ipaddress import IPv4Address
from typing import Final, NamedTuple

from headway.types import Net, ip_of, net_of

V4_MAPPED: Final = bytes(10) + b"\xff\xff"
"""An IPv4 address in 16 bytes is ::ffff:a.b.c.d."""
INTERNAL: Final = bytes.fromhex("fd6b88c08724")
"""What `stand_in` begins with [INTERNAL_IN_IPV6_PREFIX]."""
_ONION_VERSION: Final = b"\x03"


class Place(NamedTuple):
    """Where a host is."""

    net: Net
    data: bytes
    """16 bytes of an IP address (`V4_MAPPED` in front of an IPv4 one), 32 of an overlay's key, none of a name."""


@lru_cache(maxsize=1024)  # an address is looked at several times while it is dealt with
def locate(host: str) -> Place:
    """Where a host is. Total: what is no address, and not the name of any key in an overlay, is a name for the DNS."""
    ip = ip_of(host)
    net = net_of(host, ip)
    if (suffix := _SUFFIXES.get(net)) is not None:
        data = _unbase32(host.removesuffix(suffix))[:32]
        return Place(net, data) if overlay_name(net, data) == host else Place(Net.UNROUTABLE, b"")
    if ip is None:
        return Place(Net.UNROUTABLE, b"")
    return Place(net, V4_MAPPED + ip.packed if isinstance(ip, IPv4Address) else ip.packed)


def overlay_name(net: Net, key: bytes) -> str:
    """The name of a key in an overlay network; empty for a key that is not of 32 bytes."""
    if len(key) != 32:
        return ""
    if net is Net.I2P:
        return _base32(key) + _SUFFIXES[net]
    checksum = sha3_256(b".onion checksum" + key + _ONION_VERSION).digest()[:2]  # Tor rend-spec-v3, section 6
    return _base32(key + checksum + _ONION_VERSION) + _SUFFIXES[net]


def linked_ipv4(data: bytes) -> bytes | None:
    """The IPv4 address behind a 16-byte IP address: itself, or what a tunnel leads to [Core GetLinkedIPv4].

    Tunnels are 6to4 (2002::/16, RFC 3964), Teredo (2001::/32, RFC 4380; written inverted) and NAT64 (64:ff9b::/96,
    RFC 6052). None for an IPv6 address by itself.
    """
    if data.startswith((V4_MAPPED, _NAT64)):
        return data[12:]
    if data.startswith(_SIX_TO_FOUR):
        return data[2:6]
    if data.startswith(_TEREDO):
        return bytes(byte ^ 0xFF for byte in data[12:])
    return None


def stand_in(name: str) -> bytes:
    """The 16 bytes that stand for a name, as that of a DNS seed, in Core's address book [CNetAddr::SetInternal]."""
    return INTERNAL + sha256(name.encode(errors="replace")).digest()[:10]


_SUFFIXES: Final = {Net.ONION: ".onion", Net.I2P: ".b32.i2p"}
_NAT64: Final = bytes.fromhex("0064ff9b") + bytes(8)
_SIX_TO_FOUR: Final = bytes.fromhex("2002")
_TEREDO: Final = bytes.fromhex("20010000")


def _base32(data: bytes) -> str:
    return b32encode(data).decode().rstrip("=").lower()


def _unbase32(text: str) -> bytes:
    """What the text encodes; empty when it is not base32."""
    try:
        return b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return b""
