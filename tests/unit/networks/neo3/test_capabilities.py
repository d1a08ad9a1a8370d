from __future__ import annotations

import pytest

from headway.errors import CodecError, LocalProtocolError
from headway.networks.neo3 import capabilities
from headway.networks.neo3.capabilities import Capabilities
from headway.types import UNKNOWN_HEIGHT
from headway.wire.buffer import Reader, Writer, compact_size

ALL: Capabilities = (
    (0x01, b"\x5d\x28"),
    (0x02, b"\x5e\x28"),
    (0x03, b"\0"),
    (0x10, b"\1\2\0\0"),
    (0x11, b"\0"),
    (0xF0, b"private"),
    (0xF0, b"twice"),
    (0x42, b""),
)
RAW = bytes.fromhex("08 015d28 025e28 0300 1001020000 1100 f007 70726976617465 f005 7477696365 4200")


def read(raw: bytes) -> Capabilities:
    reader = Reader(raw)
    found = capabilities.read(reader, "caps")
    reader.end("caps")
    return found


def written(found: Capabilities) -> bytes:
    writer = Writer()
    capabilities.write(writer, found, "caps")
    return bytes(writer)


def test_known_and_unknown_ones_are_kept() -> None:
    assert read(RAW) == ALL
    assert written(ALL) == RAW


def test_port_height_and_fullness_are_read() -> None:
    assert capabilities.port_of(ALL) == 10333
    assert capabilities.height_of(ALL) == 513
    assert capabilities.is_full_node(ALL)
    assert capabilities.port_of(()) == 0
    assert capabilities.height_of(()) == UNKNOWN_HEIGHT
    assert not capabilities.is_full_node(ALL[:3])


def test_our_own_are_written() -> None:
    assert capabilities.tcp_server(10333) == ALL[0]
    assert capabilities.full_node(513) == ALL[3]
    for wrong in (-1, 65_536):
        with pytest.raises(LocalProtocolError, match="TCP_SERVER"):
            capabilities.tcp_server(wrong)
    with pytest.raises(LocalProtocolError, match="FULL_NODE is -1"):
        capabilities.full_node(UNKNOWN_HEIGHT)


def test_a_known_one_must_not_repeat() -> None:
    with pytest.raises(CodecError, match="caps has type 11 twice"):
        read(b"\2\x11\0\x11\0")
    with pytest.raises(LocalProtocolError, match="a known type twice"):
        written(((0x11, b"\0"), (0x11, b"\0")))


def test_a_node_has_32_and_no_more() -> None:
    most = ((0x42, b""),) * 32
    assert read(written(most)) == most
    with pytest.raises(CodecError, match="caps is 33, at most 32"):
        read(b"\x21" + b"\x42\0" * 33)
    with pytest.raises(LocalProtocolError, match="caps is 33, at most 32"):
        written((*most, (0x42, b"")))


def test_an_unknown_one_has_1024_bytes_and_no_more() -> None:
    longest = ((0x42, bytes(1024)),)
    assert read(written(longest)) == longest
    with pytest.raises(CodecError, match="is 1025, at most 1024"):
        read(b"\1\x42" + compact_size(1025) + bytes(1025))
    with pytest.raises(LocalProtocolError, match="is 1025, at most 1024"):
        written(((0x42, bytes(1025)),))


def test_a_known_one_has_its_size() -> None:
    for raw in (b"\1\x01\0", b"\1\x10\0\0\0", b"\1\x11"):
        with pytest.raises(CodecError):
            read(raw)
    with pytest.raises(LocalProtocolError, match="of type 01 has 3 bytes, not 2"):
        written(((0x01, bytes(3)),))
