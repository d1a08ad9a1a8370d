from __future__ import annotations

import pytest

from headway.errors import CodecError, LocalProtocolError
from headway.networks.neo2.codec import Neo2Codec, Neo2Wire
from headway.networks.neo2.parser import PARSER
from headway.types import UNKNOWN_HEIGHT, ZERO_HASH, BlockId, BlockRequest, Hash, hash_from_hex
from headway.wire import messages as m
from headway.wire.frames import encode_frame
from tests.neodata import vectors
from tests.neomessages import LIMITS, MAGIC2

CODEC = Neo2Codec(MAGIC2, LIMITS)
GENESIS = hash_from_hex("d42561e3d30e15be6400b6df2f328e02d2bf6354c41dce433bc57687c82144bf")


def wire() -> Neo2Wire:
    return CODEC.open(inbound=False)


def sent(by: Neo2Wire, message: m.Message) -> bytes:
    return b"".join(by.encode(message))


def received(data: bytes, by: Neo2Wire | None = None) -> list[m.Message]:
    by = by or wire()
    by.receive_data(data)
    return [by.decode(frame) for frame in by.frames()]


def error_of(data: bytes) -> str:
    with pytest.raises(CodecError) as caught:
        received(data)
    return str(caught.value)


def hash_of(number: int) -> Hash:
    return number.to_bytes(32, "little")


def requests(count: int) -> list[BlockRequest]:
    return [BlockRequest(None, number, hash=hash_of(number)) for number in range(1, count + 1)]


def test_what_the_codec_says_of_its_chain() -> None:
    assert (CODEC.protocol_version, CODEC.silence_is_answer, CODEC.answers_pings, CODEC.nonce_bits) == (
        0,
        True,
        False,
        32,
    )
    assert CODEC.parser is PARSER


def test_real_frames_are_read_and_written_to_the_letter() -> None:
    vector = vectors("legacy")["checksum_empty"]
    for name, message in (("verack", m.Verack()), ("getaddr", m.GetAddr())):
        raw = bytes.fromhex(vector[f"{name}_message_mainnet"])
        assert received(raw) == [message]
        assert sent(wire(), message) == raw


def test_the_version_of_a_real_neo_one_is_read() -> None:
    raw = bytes.fromhex(vectors("legacy")["live_neo_one"]["version_message"])
    (version,) = received(raw)
    assert isinstance(version, m.Version)
    assert (version.protocol, version.services, version.start_height, version.relay) == (
        0,
        1,
        version.start_height,
        True,
    )
    assert version.user_agent.startswith("NEO:neo-")
    assert sent(wire(), version) == raw


def test_headers_of_a_real_neo_one_are_read() -> None:
    parts = [bytes.fromhex(text) for text in vectors("legacy")["live_neo_one"]["headers"]]
    separated = [part if part.endswith(b"\xae\0") else part + b"\0" for part in parts]
    frame = b"".join(encode_frame(MAGIC2, "headers", [bytes([len(parts)]), *separated]))
    (headers,) = received(frame)
    assert isinstance(headers, m.Headers)
    assert headers[1].prev_hash == headers[0].hash
    assert sent(wire(), headers) == frame


@pytest.mark.parametrize("command", ["consensus", "getroots", "roots", "stateroot", "reject", "never heard"])
def test_other_commands_are_passed_on_unread(command: str) -> None:
    frame = b"".join(encode_frame(MAGIC2, command, [b"payload"]))
    assert received(frame) == [m.Unknown(command, b"payload")]
    assert sent(wire(), m.Unknown(command, b"payload")) == frame


def test_messages_of_other_chains_are_the_callers_mistake() -> None:
    for message in (m.SendHeaders(), m.FeeFilter(1), m.GetBlockByIndex(1)):
        with pytest.raises(LocalProtocolError, match=f"Neo Legacy has no {message.command}"):
            wire().encode(message)


def test_a_frame_with_a_wrong_checksum_cannot_be_read() -> None:
    frame = bytearray(b"".join(encode_frame(MAGIC2, "ping", [bytes(12)])))
    frame[-1] ^= 1
    assert "wrong checksum" in error_of(bytes(frame))


def test_a_pong_settles_the_ping_whose_nonce_it_has_else_the_oldest() -> None:
    by = wire()
    for nonce in (5, 6, 7):
        by.encode(m.Ping(nonce, 1, 2))
    pongs = b"".join(sent(wire(), m.Pong(nonce, 8, 9)) for nonce in (6, 0xDEAD))
    assert received(pongs, by) == [m.Pong(6, 8, 9), m.Pong(7, 8, 9)]


@pytest.mark.parametrize(
    ("start", "who"),
    [
        ("00002bb1", "this looks like Neo N3"),
        ("416e7474", "of the network Neo Legacy testnet"),
        ("f9beb4d9", "of the network bitcoin"),
        ("fabfb5da", "of the network regtest"),
        (b"HTTP/1.1 400".hex(), "an HTTP server"),
        ("16030100", "TLS"),
    ],
)
def test_who_speaks_something_else_is_named(start: str, who: str) -> None:
    assert who in error_of(bytes.fromhex(start))


def test_headers_are_asked_by_the_newest_hash() -> None:
    locator = tuple(BlockId(height, hash_of(height)) for height in range(20, 0, -1))
    message = wire().ask_headers(locator, ZERO_HASH)
    assert message == m.GetHeaders(locator[:1], ZERO_HASH)
    genesis = (BlockId(UNKNOWN_HEIGHT, GENESIS),)
    payload = sent(wire(), wire().ask_headers(genesis, ZERO_HASH))[24:]
    assert payload.hex() == vectors("legacy")["getheaders_payload_from_genesis_mainnet"]["hex"]


def test_nothing_to_ask_from_is_the_callers_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="locator is empty"):
        wire().ask_headers((), ZERO_HASH)
    with pytest.raises(LocalProtocolError, match="a hash has 32"):
        wire().ask_transaction(b"short")


def test_blocks_are_asked_by_hash_500_at_a_time() -> None:
    asked = wire().ask_blocks(requests(1001))
    assert all(isinstance(message, m.GetData) for message in asked)
    entries = [message.entries for message in asked if isinstance(message, m.GetData)]
    assert [len(each) for each in entries] == [500, 500, 1]
    assert [entry.hash for each in entries for entry in each] == [hash_of(n) for n in range(1, 1002)]
    assert {entry.type for each in entries for entry in each} == {m.InvType.BLOCK}


def test_a_transaction_and_addresses_are_asked() -> None:
    assert wire().ask_transaction(GENESIS) == m.GetData((m.InvEntry(m.InvType.TX, GENESIS),))
    assert wire().ask_addresses() == m.GetAddr()


def test_nothing_negotiated_changes_the_frames() -> None:
    by = wire()
    by.negotiated(m.Version(0, 1, 0, 0, "", 0))
    assert sent(by, m.Verack()) == sent(wire(), m.Verack())


def test_an_asked_block_comes_without_a_copy() -> None:
    raw = bytes.fromhex(vectors("legacy")["blocks"]["mainnet_2000000"]["hex"])
    data = b"".join(encode_frame(MAGIC2, "block", [raw]))
    by = wire()
    by.expect_block = True
    by.receive_data(data[:100])
    assert list(by.frames()) == []
    window = by.receive_buffer()
    assert window is not None
    window[:] = data[100:]
    by.receive_buffered(len(window))
    (frame,) = by.frames()
    block = by.decode(frame)
    assert isinstance(block, m.Block)
    assert isinstance(block.raw, memoryview)
    assert block.hash == hash_from_hex(vectors("legacy")["blocks"]["mainnet_2000000"]["hash"])
