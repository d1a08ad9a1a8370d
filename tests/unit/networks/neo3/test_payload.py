from __future__ import annotations

import pytest

from headway.errors import CodecError, LocalProtocolError, OversizedMessage
from headway.networks.neo3.parser import PARSER, Neo3Parser
from headway.networks.neo3.payload import formats, height_after
from headway.types import UNKNOWN_HEIGHT, Address, BlockId, Raw
from headway.wire import messages as m
from headway.wire.buffer import compact_size
from tests.neodata import vectors
from tests.neomessages import LIMITS

FORMATS = formats(PARSER)
HASH = b"h" * 32
START = BlockId(UNKNOWN_HEIGHT, HASH)


def decode(command: str, payload: Raw) -> m.Message:
    return FORMATS[command].decode(payload, LIMITS)


def encode(message: m.Message) -> bytes:
    return b"".join(FORMATS[message.command].encode(message, LIMITS))


# magic, protocol, time, nonce, user agent, capabilities
VERSION = bytes.fromhex("4e454f33 00000000 0b000000 0d000000 022f61 03 015d28 100e000000 4201ff")


def test_a_version_is_read_to_the_letter() -> None:
    version = m.Version(
        protocol=0,
        services=1,
        wall_time=11,
        nonce=13,
        user_agent="/a",
        start_height=14,
        relay=True,
        port=10333,
        magic=860_833_102,
        capabilities=((0x01, b"\x5d\x28"), (0x10, b"\x0e\0\0\0"), (0x42, b"\xff")),
    )
    assert decode("version", VERSION) == version
    assert encode(version) == VERSION


def test_the_version_of_a_real_neo_go_is_read() -> None:
    payload = bytes.fromhex(vectors("n3")["version_payload_neo_go_0.120.0"]["hex"])
    version = decode("version", payload)
    assert isinstance(version, m.Version)
    assert (version.magic, version.user_agent) == (56_753, "/NEO-GO:0.120.0/")
    assert (version.port, version.start_height, version.services) == (20333, 73, 1)
    assert dict(version.capabilities).keys() == {0x01, 0x10, 0x11}
    assert encode(version) == payload


def test_we_say_that_we_are_a_full_node_and_where_we_listen() -> None:
    silent = m.Version(0, 0, 11, 13, "/a", 14, magic=860_833_102)
    assert encode(silent) == VERSION[:19] + bytes.fromhex("01 100e000000")
    listening = m.Version(0, 0, 11, 13, "/a", 14, magic=860_833_102, port=10333)
    assert encode(listening) == VERSION[:19] + bytes.fromhex("02 015d28 100e000000")


def test_a_node_without_capabilities_is_no_full_node() -> None:
    version = decode("version", VERSION[:19] + b"\0")
    assert isinstance(version, m.Version)
    assert (version.services, version.start_height, version.relay, version.port) == (0, UNKNOWN_HEIGHT, False, 0)


def test_a_version_that_ends_too_soon_is_refused() -> None:
    for size in range(len(VERSION)):
        with pytest.raises(CodecError, match=r"version\."):
            decode("version", VERSION[:size])


def test_a_user_agent_has_1024_bytes_and_no_more() -> None:
    longest = m.Version(0, 1, 11, 13, "a" * 1024, 1, relay=True, magic=1, capabilities=((0x10, b"\1\0\0\0"),))
    assert decode("version", encode(longest)) == longest
    with pytest.raises(CodecError, match="is 1025, at most 1024"):
        decode("version", VERSION[:16] + compact_size(1025) + bytes(1100))


@pytest.mark.parametrize("command", ["getheaders", "getblockbyindex"])
def test_ranges_of_heights_are_read_to_the_letter(command: str) -> None:
    def message(first: int, count: int) -> m.GetHeaders | m.GetBlockByIndex:
        if command == "getheaders":
            return m.GetHeaders((), first_height=first, count=count)
        return m.GetBlockByIndex(first, count)

    for raw, first, count in (("0a000000 ffff", 10, 0), ("ffffffff 0100", 2**32 - 1, 1), ("00000000 d007", 0, 2000)):
        assert decode(command, bytes.fromhex(raw)) == message(first, count)
        assert encode(message(first, count)) == bytes.fromhex(raw)
    for raw, why in (
        ("0a000000 0000", "count is 0"),
        ("0a000000 feff", "count is -2"),
        ("0a000000 d107", "count is 2001, not -1 or 1 to 2000"),
        ("0a000000 ff", "count needs 2 bytes"),
    ):
        with pytest.raises(CodecError, match=why):
            decode(command, bytes.fromhex(raw))
    for wrong in (message(-1, 1), message(2**32, 1), message(0, 2001), message(0, -1)):
        with pytest.raises(LocalProtocolError, match=command):
            encode(wrong)


def test_a_getheaders_without_a_height_takes_that_of_its_locator() -> None:
    assert encode(m.GetHeaders((BlockId(9, HASH),))) == bytes.fromhex("0a000000 ffff")
    with pytest.raises(LocalProtocolError, match="by height, not by hash: give HEIGHT:HASH instead of 6868"):
        encode(m.GetHeaders((START,)))


def test_what_follows_a_block_begins_above_it() -> None:
    assert height_after((BlockId(0, HASH), BlockId(99, HASH))) == 1
    with pytest.raises(LocalProtocolError, match="no block to ask from"):
        height_after(())


def test_getblocks_asks_from_one_hash() -> None:
    for raw, count in (("ffff", 0), ("0100", 1), ("ff7f", 0x7FFF)):
        payload = HASH + bytes.fromhex(raw)
        assert decode("getblocks", payload) == m.GetBlocks((START,), count=count)
        assert encode(m.GetBlocks((START, START), count=count)) == payload
    for raw in ("0000", "feff", "0080"):
        with pytest.raises(CodecError, match="count is"):
            decode("getblocks", HASH + bytes.fromhex(raw))
    with pytest.raises(LocalProtocolError, match="start is missing"):
        encode(m.GetBlocks(()))
    with pytest.raises(LocalProtocolError, match="count is 32768"):
        encode(m.GetBlocks((START,), count=0x8000))


def test_no_headers_are_no_message() -> None:
    with pytest.raises(CodecError, match=r"headers\.count is 0, at least 1"):
        decode("headers", b"\0")
    with pytest.raises(LocalProtocolError, match="says nothing"):
        encode(m.Headers(b"", (), (), PARSER))


def test_headers_of_the_vectors_come_back_as_they_were_sent() -> None:
    parts = [bytes.fromhex(vector["header_hex"]) for vector in vectors("n3")["blocks"].values()]
    payload = compact_size(len(parts)) + b"".join(parts)
    headers = decode("headers", payload)
    assert isinstance(headers, m.Headers)
    assert [headers.raw_at(i) for i in range(len(parts))] == parts
    assert encode(headers) == payload


def test_headers_with_a_state_root_are_read_on_a_network_that_has_them() -> None:
    parser = Neo3Parser(state_root=True)
    header = bytes(141) + b"\1\2in\3ver"
    headers = formats(parser)["headers"].decode(b"\2" + header * 2, LIMITS)
    assert isinstance(headers, m.Headers)
    assert [each.raw for each in headers] == [header] * 2
    with pytest.raises(CodecError):
        decode("headers", b"\2" + header * 2)
    with pytest.raises(CodecError, match="143 bytes"):
        formats(parser)["block"].decode(header[:143], LIMITS)


def test_an_address_listens_where_its_capability_says() -> None:
    payload = bytes.fromhex(
        "02 0b000000 00000000000000000000ffff01020304 02 015d28 100e000000"
        "0c000000 20010db8000000000000000000000001 01 4200"
    )
    message = decode("addr", payload)
    assert message == m.Addr((Address("1.2.3.4", 10333), Address("2001:db8::1", 0)))
    assert isinstance(message, m.Addr)
    assert [(each.services, each.last_seen) for each in message.addresses] == [(1, 11), (0, 12)]
    assert encode(message) == bytes.fromhex(
        "02 0b000000 00000000000000000000ffff01020304 01 015d28 0c000000 20010db8000000000000000000000001 00"
    )


def test_an_addr_has_1_to_200_addresses() -> None:
    most = m.Addr((Address("1.2.3.4", 10333),) * 200)
    assert decode("addr", encode(most)) == most
    with pytest.raises(OversizedMessage, match="is 201, at most 200"):
        decode("addr", compact_size(201) + bytes(21 * 201))
    with pytest.raises(CodecError, match="is 0, at least 1"):
        decode("addr", b"\0")
    with pytest.raises(LocalProtocolError, match="is 201, at most 200"):
        encode(m.Addr((Address("1.2.3.4", 10333),) * 201))
    with pytest.raises(LocalProtocolError, match="says nothing"):
        encode(m.Addr(()))
    with pytest.raises(LocalProtocolError, match="no IP address"):
        encode(m.Addr((Address("a.onion", 1),)))
