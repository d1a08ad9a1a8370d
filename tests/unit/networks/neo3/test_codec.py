from __future__ import annotations

import pytest

from headway.errors import CodecError, LocalProtocolError
from headway.networks.neo3.codec import Neo3Codec, Neo3Wire
from headway.networks.neo3.parser import PARSER, Neo3Parser
from headway.types import UNKNOWN_HEIGHT, ZERO_HASH, BlockId, BlockRequest, Hash, hash_from_hex
from headway.wire import messages as m
from tests.neodata import chain, vectors
from tests.neomessages import LIMITS, MAGIC3, headers_message

CODEC = Neo3Codec(MAGIC3, LIMITS)


def wire() -> Neo3Wire:
    return CODEC.open(inbound=False)


def sent(by: Neo3Wire, message: m.Message) -> bytes:
    return b"".join(by.encode(message))


def received(data: bytes, by: Neo3Wire | None = None) -> list[m.Message]:
    by = by or wire()
    by.receive_data(data)
    return [by.decode(frame) for frame in by.frames()]


def hash_of(number: int) -> Hash:
    return (number % 2**64).to_bytes(32, "little")


def request(height: int, number: int = 0) -> BlockRequest:
    return BlockRequest(None, height, hash=hash_of(number or height))


def test_what_the_codec_says_of_its_chain() -> None:
    assert (CODEC.protocol_version, CODEC.silence_is_answer, CODEC.answers_pings, CODEC.nonce_bits) == (
        0,
        True,
        True,
        32,
    )
    assert CODEC.parser is PARSER


def test_a_version_states_our_network_unless_it_states_another() -> None:
    neutral = m.Version(0, 1, 11, 13, "/a/", 14, port=10333)
    (version,) = received(sent(wire(), neutral))
    assert isinstance(version, m.Version)
    assert (version.magic, version.port, version.start_height) == (MAGIC3, 10333, 14)
    assert version.capabilities == ((0x01, b"\x5d\x28"), (0x10, b"\x0e\0\0\0"))
    (other,) = received(sent(wire(), m.Version(0, 1, 11, 13, "/a/", 14, magic=5)))
    assert isinstance(other, m.Version)
    assert other.magic == 5


def test_messages_of_the_c_sharp_tests_are_read() -> None:
    plain, compressed = (bytes.fromhex(vector["hex"]) for vector in vectors("n3")["messages"])
    assert received(plain) == [m.Inv((m.InvEntry(m.InvType.BLOCK, ZERO_HASH),))]
    version = sent(wire(), m.Version(0, 1, 11, 13, "/a/", 14))
    assert received(version + compressed)[1:] == [m.Inv((m.InvEntry(m.InvType.BLOCK, ZERO_HASH),) * 4)]
    assert sent(wire(), m.Inv((m.InvEntry(m.InvType.BLOCK, ZERO_HASH),))) == plain


@pytest.mark.parametrize(
    ("command", "number"),
    [("extensible", 0x2E), ("reject", 0x2F), ("notaryrequest", 0x50), ("getmptdata", 0x51), ("0x77", 0x77)],
)
def test_other_commands_are_passed_on_unread(command: str, number: int) -> None:
    frame = bytes([0, number, 7]) + b"payload"
    assert received(frame) == [m.Unknown(command, b"payload")]
    assert sent(wire(), m.Unknown(command, b"payload")) == frame


def test_messages_of_other_chains_are_the_callers_mistake() -> None:
    for message in (m.SendHeaders(), m.FeeFilter(1), m.Reject("", 0, "")):
        with pytest.raises(LocalProtocolError, match=f"Neo N3 has no {message.command}"):
            wire().encode(message)


@pytest.mark.parametrize("command", [0x00, 0x11, 0x18, 0x20, 0x21, 0x24, 0x27, 0x29, 0x2C, 0x30, 0x38])
def test_an_empty_payload_is_refused_where_there_must_be_one(command: int) -> None:
    with pytest.raises(CodecError):
        received(bytes([0, command, 0]))


def test_a_pong_settles_the_ping_whose_nonce_it_has() -> None:
    by = wire()
    by.encode(m.Ping(3, 5, 6))
    by.encode(m.Ping(4, 5, 6))
    pongs = sent(wire(), m.Pong(4, 7, 8)) + sent(wire(), m.Pong(3, 9, 10))
    assert received(pongs, by) == [m.Pong(4, 7, 8), m.Pong(3, 9, 10)]


def test_pongs_with_the_node_s_own_id_settle_pings_in_order() -> None:
    by = wire()
    nonces = [0xAAAA_BBBB, 0x1111_2222]
    for nonce in nonces:
        by.encode(m.Ping(nonce))
    pongs = received(sent(wire(), m.Pong(0xDEAD, 7, 8)) * 3, by)
    assert pongs == [m.Pong(nonce, 7, 8) for nonce in (*nonces, 0xDEAD)]


def test_a_ping_that_could_not_leave_is_not_waited_for() -> None:
    by = wire()
    with pytest.raises(LocalProtocolError):
        by.encode(m.Ping(1, height=-1))
    by.encode(m.Ping(2))
    assert received(sent(wire(), m.Pong(0xDEAD)), by) == [m.Pong(2)]


def test_headers_are_asked_by_height() -> None:
    locator = (BlockId(99, hash_of(99)), BlockId(0, hash_of(1)))
    message = wire().ask_headers(locator, ZERO_HASH)
    assert isinstance(message, m.GetHeaders)
    assert (message.first_height, message.count) == (100, 2000)
    assert sent(wire(), message) == bytes.fromhex("002006 64000000 d007")


def test_a_hash_alone_cannot_be_asked_from() -> None:
    block = BlockId(UNKNOWN_HEIGHT, hash_from_hex("02b8dc7fd1855dab146671f908b7dea21ddde26529ff1bf049bd0e983989b1b8"))
    with pytest.raises(LocalProtocolError) as caught:
        wire().ask_headers((block,), ZERO_HASH)
    assert str(caught.value) == (
        "Neo N3 asks for headers by height, not by hash: give HEIGHT:HASH instead of "
        "02b8dc7fd1855dab146671f908b7dea21ddde26529ff1bf049bd0e983989b1b8"
    )
    with pytest.raises(LocalProtocolError, match="no block to ask from"):
        wire().ask_headers((), ZERO_HASH)


def test_blocks_are_asked_by_runs_of_heights_of_500_at_most() -> None:
    asked = wire().ask_blocks([request(height) for height in range(1, 1002)])
    assert asked == [m.GetBlockByIndex(1, 500), m.GetBlockByIndex(501, 500), m.GetBlockByIndex(1001, 1)]


def test_gaps_and_unknown_heights_make_messages_of_their_own_in_the_order_asked() -> None:
    unknown = [request(UNKNOWN_HEIGHT, 70), request(UNKNOWN_HEIGHT, 71)]
    asked = wire().ask_blocks([request(5), request(6), request(8), *unknown, request(0, 80), request(1), request(1, 9)])
    assert asked == [
        m.GetBlockByIndex(5, 2),
        m.GetBlockByIndex(8, 1),
        m.GetData(tuple(m.InvEntry(m.InvType.BLOCK, hash_of(number)) for number in (70, 71))),
        m.GetBlockByIndex(0, 2),
        m.GetBlockByIndex(1, 1),
    ]
    assert wire().ask_blocks([]) == []


def test_a_transaction_and_addresses_are_asked() -> None:
    assert wire().ask_transaction(hash_of(7)) == m.GetData((m.InvEntry(m.InvType.TX, hash_of(7)),))
    assert wire().ask_addresses() == m.GetAddr()
    with pytest.raises(LocalProtocolError, match="a hash has 32"):
        wire().ask_transaction(b"short")
    with pytest.raises(LocalProtocolError, match="out of range"):
        wire().ask_blocks([request(2**32, 1)])


def test_a_real_chain_comes_through_as_it_was_sent() -> None:
    blocks = chain("n3-unittestnet-0-50.acc")
    by = wire()
    data = b"".join(sent(by, m.Block(raw, PARSER)) for raw in blocks)
    assert received(data) == [m.Block(raw, PARSER) for raw in blocks]
    raw_headers = [PARSER.block_header(raw).raw for raw in blocks]
    (headers,) = received(sent(by, headers_message(raw_headers, PARSER, b"")))
    assert isinstance(headers, m.Headers)
    assert [header.raw for header in headers] == raw_headers


def test_a_network_with_state_roots_has_its_own_parser() -> None:
    codec = Neo3Codec(MAGIC3, LIMITS, Neo3Parser(state_root=True))
    by = codec.open(inbound=True)
    header = bytes(141) + b"\1\0\0"
    by.receive_data(b"\0\x2c" + bytes([len(header)]) + header)
    (frame,) = by.frames()
    block = by.decode(frame)
    assert isinstance(block, m.Block)
    assert block.header.raw == header


def test_nothing_negotiated_changes_the_frames() -> None:
    by = wire()
    by.negotiated(m.Version(0, 1, 0, 0, "", 0, capabilities=((0x03, b"\0"),)))
    assert sent(by, m.Verack()) == b"\0\1\0"
