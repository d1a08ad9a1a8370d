"""The N3 frame decoder: what it hands out, what ends it, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from lz4 import block as lz4

from headway.errors import CodecError, LocalProtocolError
from headway.networks.neo3.frames import COMMANDS, MAX_PAYLOAD, N3FrameDecoder, encode_frame
from headway.wire.buffer import compact_size
from headway.wire.frames import Frame
from tests.memory import traced
from tests.neodata import vectors


def decoder(max_payload: int = MAX_PAYLOAD) -> N3FrameDecoder:
    return N3FrameDecoder(max_payload=max_payload)


def frame(command: str, payload: bytes = b"") -> bytes:
    return b"".join(encode_frame(command, [payload]))


def packed(command: int, plain: bytes, flags: int = 1) -> bytes:
    payload: bytes = len(plain).to_bytes(4, "little") + lz4.compress(plain, store_size=False)
    return bytes([flags, command]) + compact_size(len(payload)) + payload


def decode(chunks: Iterable[bytes], into: N3FrameDecoder | None = None) -> list[Frame]:
    into = into or decoder()
    frames: list[Frame] = []
    for chunk in chunks:
        into.receive_data(chunk)
        frames += into.frames()
    return frames


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def error_of(data: bytes) -> str:
    with pytest.raises(CodecError) as caught:
        decode([data])
    return str(caught.value)


VERSION = frame("version", bytes(30))

# --- frames


def test_known_frames_are_read_and_written_to_the_letter() -> None:
    assert decode([bytes.fromhex("000100 00180c") + bytes(12)]) == [
        Frame("verack", b"", 3),
        Frame("ping", bytes(12), 15),
    ]
    assert frame("verack") == bytes.fromhex("000100")
    assert frame("ping", bytes(12)) == bytes.fromhex("00180c") + bytes(12)


def test_frames_of_the_c_sharp_tests_are_read() -> None:
    plain, compressed = vectors("n3")["messages"]
    raw = bytes.fromhex(plain["hex"])
    assert decode([raw]) == [Frame("inv", raw[3:], len(raw))]
    raw = bytes.fromhex(compressed["hex"])
    expected = Frame("inv", bytes.fromhex(compressed["decompressed"]), len(raw))
    assert decode([VERSION, raw])[1:] == [expected]


@pytest.mark.parametrize(("number", "name"), COMMANDS.items())
def test_every_command_has_its_number(number: int, name: str) -> None:
    raw = bytes([0, number, 1, 7])
    assert decode([raw]) == [Frame(name, b"\7", 4)]
    assert frame(name, b"\7") == raw


def test_an_unknown_command_is_named_after_its_number() -> None:
    assert decode([b"\0\x77\1x"]) == [Frame("0x77", b"x", 4)]
    assert decode([b"\0\x05\0"]) == [Frame("0x05", b"", 3)]
    assert frame("0x77", b"x") == b"\0\x77\1x"


@pytest.mark.parametrize("name", ["sendheaders", "", "0x7", "0x777", "0xFF", "0xzz", "0077"])
def test_a_command_that_n3_lacks_is_the_callers_mistake(name: str) -> None:
    with pytest.raises(LocalProtocolError, match="Neo N3 has no"):
        encode_frame(name, [])


@pytest.mark.parametrize("size", [0, 252, 253, 65_535, 65_536])
def test_lengths_of_every_form_are_read(size: int) -> None:
    data = frame("block", bytes(size)) + frame("verack")
    first, second = decode([data])
    assert (first.command, len(first.payload), first.size) == ("block", size, len(data) - 3)
    assert second == Frame("verack", b"", 3)


def test_any_cut_gives_the_same_frames() -> None:
    data = VERSION + packed(0x2C, bytes(400)) + frame("verack") + frame("tx", b"t" * 300)
    whole = decode([data])
    assert [each.command for each in whole] == ["version", "block", "verack", "tx"]
    assert decode(bytewise(data)) == whole
    for cut in range(len(data) + 1):
        assert decode([data[:cut], data[cut:]]) == whole


def test_nothing_comes_out_before_the_last_byte() -> None:
    data = frame("tx", bytes(300))
    assert decode(bytewise(data[:-1])) == []
    assert decode([]) == []


def test_payloads_are_bytes_that_later_input_does_not_change() -> None:
    into = decoder()
    (first,) = decode([frame("tx", b"a" * 50)], into)
    decode([frame("tx", b"b" * 50)], into)
    assert first.payload == b"a" * 50
    assert type(first.payload) is bytes


def test_a_payload_of_several_chunks_is_framed_as_one_and_not_copied() -> None:
    body = memoryview(bytes(100_000))
    chunks = encode_frame("block", [b"head", body])
    assert chunks[2] is body
    assert b"".join(chunks) == frame("block", b"head" + bytes(body))


def test_blocks_are_received_like_anything_else() -> None:
    into = decoder()
    into.expect_block = True
    assert decode([frame("block", bytes(1000))[:50]], into) == []
    assert into.receive_buffer() is None
    with pytest.raises(AssertionError, match="no buffer"):
        into.receive_buffered(1)


# --- compression


def test_compressed_payloads_come_out_plain_with_their_size_on_the_wire() -> None:
    raw = packed(0x2C, bytes(1000))
    assert decode([VERSION + raw])[1] == Frame("block", bytes(1000), len(raw))


def test_other_flags_are_ignored() -> None:
    raw = packed(0x2C, bytes(1000), flags=0xFF)
    assert decode([VERSION + raw])[1] == Frame("block", bytes(1000), len(raw))
    assert decode([VERSION + b"\xfe\x01\x00"])[1] == Frame("verack", b"", 3)


def test_a_damaged_compressed_payload_ends_the_stream() -> None:
    into = decoder()
    with pytest.raises(CodecError, match="a compressed payload"):
        decode([VERSION + b"\1\x2c\5" + b"\xff\0\0\0\xf0" + frame("verack")], into)
    with pytest.raises(CodecError, match="a compressed payload"):
        decode([frame("verack")], into)


def test_a_compressed_payload_is_held_to_the_same_limit() -> None:
    with pytest.raises(CodecError, match="announces 1001 bytes, at most 1000"):
        decode([VERSION + packed(0x2C, bytes(1001))], decoder(1000))


# --- what ends the stream


def test_a_payload_has_32_mib_and_no_more() -> None:
    assert decode([b"\0\x2c\xfe" + MAX_PAYLOAD.to_bytes(4, "little")]) == []
    assert error_of(b"\0\x2c\xfe" + (MAX_PAYLOAD + 1).to_bytes(4, "little")) == (
        "frame.length is 33554433, at most 33554432"
    )
    assert "at most" in error_of(b"\0\x2c\xff" + b"\xff" * 8)
    with pytest.raises(LocalProtocolError, match="33554433 bytes"):
        encode_frame("block", [memoryview(bytes(MAX_PAYLOAD + 1))])


def test_a_length_not_in_its_shortest_form_ends_the_stream() -> None:
    assert "not in the shortest form" in error_of(b"\0\x2c\xfd\1\0")


@pytest.mark.parametrize(
    ("start", "who"),
    [
        ("416e7400", "this peer is of the network Neo Legacy mainnet"),
        ("416e7474", "this peer is of the network Neo Legacy testnet"),
        ("f9beb4d9", "this peer is of the network bitcoin"),
        ("fabfb5da", "this peer is of the network regtest"),
        (b"HTTP/1.1 400 Bad Request".hex(), "this looks like an HTTP server"),
        (b"SSH-2.0".hex(), "this looks like an SSH server"),
        ("160301", ""),
        ("16030100", "this looks like TLS"),
        ("b1dd0000", "perhaps a private network of Neo Legacy"),
        ("0100ffff", "nothing that we know"),
    ],
)
def test_who_speaks_something_else_is_named_at_the_fourth_byte(start: str, who: str) -> None:
    data = bytes.fromhex(start)
    if not who:
        assert decode([data]) == []
        return
    message = error_of(data)
    assert message.startswith(f"first bytes {start[:8]} are no version message of Neo N3")
    assert who in message
    with pytest.raises(CodecError) as caught:
        decode(bytewise(data))
    assert str(caught.value) == message


def test_a_stream_that_ends_too_soon_to_tell_is_refused_when_it_ends() -> None:
    into = decoder()
    assert decode([b"\x16\x03\x01"], into) == []
    into.receive_data(b"")
    with pytest.raises(CodecError, match="first bytes 160301 are no version message of Neo N3: this looks like TLS"):
        list(into.frames())


def test_a_dead_stream_says_the_same_again_and_keeps_nothing() -> None:
    into = decoder()
    with pytest.raises(CodecError) as first:
        decode([b"HTTP"], into)
    with traced() as memory:
        into.receive_data(bytes(1_000_000))
        assert memory()[0] < 10_000
    with pytest.raises(CodecError) as second:
        list(into.frames())
    assert str(second.value) == str(first.value)


# --- cost


def test_memory_grows_with_what_arrived_not_with_what_was_announced() -> None:
    into = decoder()
    with traced() as memory:
        decode([b"\0\x2c\xfe" + MAX_PAYLOAD.to_bytes(4, "little") + bytes(1000)], into)
        assert memory()[1] < 20_000


def test_a_thousand_decoders_told_of_32_mib_stay_small() -> None:
    with traced() as memory:
        decoders = [decoder() for _ in range(1000)]
        for into in decoders:
            assert decode([b"\0\x2c\xfe" + MAX_PAYLOAD.to_bytes(4, "little")], into) == []
        assert memory()[1] < 1_500_000  # 1,500 bytes a peer


# The limits below are no timings: quadratic work would take hours (megabytes copied a million times), linear work
# takes seconds.


@pytest.mark.timeout(120)
def test_a_large_payload_in_single_bytes_is_linear_work() -> None:
    payload = bytes(1_000_000)
    (block,) = decode(bytewise(frame("block", payload)))
    assert block.payload == payload


@pytest.mark.timeout(120)
def test_a_hundred_thousand_frames_in_one_read_are_linear_work() -> None:
    data = frame("block", bytes(100)) * 100_000
    assert len(decode([data])) == 100_000
