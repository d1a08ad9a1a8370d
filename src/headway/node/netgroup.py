"""Who probably belongs together: addresses of one group may all be one operator's, so no group gets much room.

An address that costs nothing comes from a block of many: a /16 of IPv4, what a provider of IPv6 has. With a map of
autonomous systems the group is the AS. Groups are bytes, equal to those of Core's NetGroupManager::GetGroup.
Called by `addrbook`, and by those who choose whom to dial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headway.types import Net
from headway.wire.host import INTERNAL, linked_ipv4, locate, stand_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

AsNumber: TypeAlias = "Callable[[bytes], int]"
"""AS number of a 16-byte IP address, 0 when it is not known (`asmap.AsMap.number`)."""

_HURRICANE: Final = bytes.fromhex("20010470")  # 2001:470::/32: he.net gives a tunnel to anybody
_CLASS: Final = {Net.UNROUTABLE: 0, Net.IPV4: 1, Net.IPV6: 2, Net.ONION: 3, Net.I2P: 4, Net.CJDNS: 5}
"""First byte of a group [Core enum Network]."""
NAMES: Final = 6
"""The same, for names [NET_INTERNAL]."""
_BITS: Final = {Net.ONION: 4, Net.I2P: 4, Net.CJDNS: 12}
"""Bits that tell groups of an overlay apart: its addresses are keys, of which anybody makes as many as he likes. (The
first byte of a CJDNS address is always the same.)"""


def group_of(host: str, asn: AsNumber | None = None) -> bytes:
    """The group of a host. What is unroutable is all one group; each name is a group of its own (a DNS seed)."""
    net, data = locate(host)
    if not data or data.startswith(INTERNAL):
        return bytes((NAMES,)) + (data or stand_in(host))[len(INTERNAL) :]
    if net is Net.UNROUTABLE:
        return bytes((_CLASS[net],))
    if net in _BITS:
        return bytes((_CLASS[net],)) + _leading(data, _BITS[net])
    linked = linked_ipv4(data)
    if asn is not None and (number := asn(data if linked is None else bytes(10) + b"\xff\xff" + linked)):
        return bytes((_CLASS[Net.IPV6],)) + number.to_bytes(4, "little")  # both protocols of one AS are one group
    if linked is not None:
        return bytes((_CLASS[Net.IPV4],)) + linked[:2]
    return bytes((_CLASS[Net.IPV6],)) + _leading(data, 36 if data.startswith(_HURRICANE) else 32)


def _leading(data: bytes, bits: int) -> bytes:
    """The first bits; what is left of the last byte is ones."""
    whole, rest = divmod(bits, 8)
    return data[:whole] + (bytes((data[whole] | 0xFF >> rest,)) if rest else b"")
