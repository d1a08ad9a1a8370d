"""Capabilities of a Neo N3 node, as `version` and `addr` carry them: type 1 | data.

Types that are not known here have a length before their data, and are kept: later versions add some.
Called by `payload`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final

from headway.errors import CodecError, LocalProtocolError
from headway.types import UNKNOWN_HEIGHT, Height
from headway.wire.buffer import Reader, Writer

MAX_CAPABILITIES: Final = 32
"""Of one node (C# VersionPayload.MaxCapabilities)."""
MAX_DATA: Final = 1_024
"""Bytes of the data of an unknown one (C# UnknownCapability.MaxDataSize)."""


class Capability(IntEnum):
    """The known ones (C# NodeCapabilityType)."""

    TCP_SERVER = 0x01
    """A port: it listens there."""
    WS_SERVER = 0x02
    """A port for WebSockets; obsolete."""
    DISABLE_COMPRESSION = 0x03
    """It wants nothing compressed; C# compressed all the same until 2026."""
    FULL_NODE = 0x10
    """Its height: it has the state of the chain, and takes part in relay."""
    ARCHIVAL_NODE = 0x11
    """It keeps all blocks."""


_SIZES: Final[Mapping[int, int]] = {
    Capability.TCP_SERVER: 2,
    Capability.WS_SERVER: 2,
    Capability.DISABLE_COMPRESSION: 1,
    Capability.FULL_NODE: 4,
    Capability.ARCHIVAL_NODE: 1,
}

Capabilities = tuple[tuple[int, bytes], ...]
"""Type and data of each."""


def read(reader: Reader, field: str) -> Capabilities:
    """Raises CodecError for too many, or a known one twice."""
    found: list[tuple[int, bytes]] = []
    for _ in range(reader.count(field, MAX_CAPABILITIES, 2)):
        kind = reader.u8(f"{field}.type")
        if kind not in _SIZES:
            found.append((kind, reader.var_bytes(f"{field}.data", MAX_DATA)))
            continue
        if any(kind == each for each, _ in found):
            raise CodecError(f"{field} has type {kind:02x} twice")
        found.append((kind, reader.take(_SIZES[kind], f"{field}.data")))
    return tuple(found)


def write(writer: Writer, capabilities: Sequence[tuple[int, bytes]], field: str) -> None:
    """Inverse of `read`."""
    writer.compact_size(len(capabilities), field, MAX_CAPABILITIES)
    known = [kind for kind, _ in capabilities if kind in _SIZES]
    if len(set(known)) < len(known):
        raise LocalProtocolError(f"{field} has a known type twice")
    for kind, data in capabilities:
        writer.u8(kind, f"{field}.type")
        if kind not in _SIZES:
            writer.var_bytes(data, f"{field}.data", MAX_DATA)
            continue
        if len(data) != _SIZES[kind]:
            raise LocalProtocolError(f"{field} of type {kind:02x} has {len(data)} bytes, not {_SIZES[kind]}")
        writer.raw(data)


def port_of(capabilities: Capabilities) -> int:
    """Where the node listens; 0 when it does not say."""
    return int.from_bytes(dict(capabilities).get(Capability.TCP_SERVER, b""), "little")


def height_of(capabilities: Capabilities) -> Height:
    """UNKNOWN_HEIGHT of what is no full node."""
    data = dict(capabilities).get(Capability.FULL_NODE)
    return UNKNOWN_HEIGHT if data is None else int.from_bytes(data, "little")


def is_full_node(capabilities: Capabilities) -> bool:
    return any(kind == Capability.FULL_NODE for kind, _ in capabilities)


def tcp_server(port: int) -> tuple[int, bytes]:
    return _number(Capability.TCP_SERVER, port)


def full_node(height: Height) -> tuple[int, bytes]:
    return _number(Capability.FULL_NODE, height)


def _number(kind: Capability, value: int) -> tuple[int, bytes]:
    size = _SIZES[kind]
    if not 0 <= value < 1 << 8 * size:
        raise LocalProtocolError(f"{kind.name} is {value}, out of range for {8 * size} bits")
    return int(kind), value.to_bytes(size, "little")
