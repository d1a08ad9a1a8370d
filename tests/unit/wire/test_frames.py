"""The v1 frame decoder: what it hands out, what it drops, what ends it, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from headway.errors import CodecError, Consequence, LocalProtocolError
from headway.types import Raw
from headway.wire.frames import Frame, FrameDecoder, checksum, encode_frame, foreign
from tests.memory import traced

MAGIC = bytes.fromhex("f9beb4d9")
OTHER = bytes.fromhex("0b110907")
STRANGE = bytes.fromhex("7f81a03c9b55e0d2 00112233 44556677")
"""As many bytes as must match nothing that we know."""
MAX_PAYLOAD = 4_000_000


def decoder(*, expect_block: bool = False) -> FrameDecoder:
    made = FrameDecoder(MAGIC, max_payload=MAX_PAYLOAD, known_magics={OTHER: "testnet3"})
    made.expect_block = expect_block
    return made


def frame(command: str, payload: Raw = b"", magic: bytes = MAGIC) -> bytes:
    return b"".join(encode_frame(magic, command, [payload]))


def announced(command: str, length: int) -> bytes:
    """A frame header alone."""
    return frame(command)[:16] + length.to_bytes(4, "little") + bytes(4)


def decode(chunks: Iterable[bytes], into: FrameDecoder | None = None) -> list[Frame]:
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


# --- frames


def test_known_frames_are_read_to_the_letter() -> None:
    verack = bytes.fromhex("f9beb4d976657261636b000000000000000000005df6e0e2")
    ping = bytes.fromhex("f9beb4d970696e670000000000000000080000002467f11d6400000000000000")
    assert decode([verack + ping]) == [Frame("verack", b"", 24), Frame("ping", b"\x64" + bytes(7), 32)]


def test_known_frames_are_written_to_the_letter() -> None:
    assert frame("verack") == bytes.fromhex("f9beb4d976657261636b000000000000000000005df6e0e2")
    assert frame("ping", b"\x64" + bytes(7)) == bytes.fromhex(
        "f9beb4d970696e670000000000000000080000002467f11d6400000000000000"
    )


def test_a_header_split_over_two_reads_gives_one_frame() -> None:
    data = frame("ping", bytes(8))
    for cut in range(len(data) + 1):
        assert decode([data[:cut], data[cut:]]) == [Frame("ping", bytes(8), 32)]


def test_three_messages_in_one_read_come_out_in_order() -> None:
    data = frame("ping", b"1" * 8) + frame("verack") + frame("tx", b"2" * 100)
    assert [f.command for f in decode([data])] == ["ping", "verack", "tx"]
    assert decode(bytewise(data)) == decode([data])


def test_nothing_comes_out_before_the_last_byte() -> None:
    data = frame("ping", bytes(8))
    assert decode([data[:-1]]) == []
    assert decode([]) == []


def test_payloads_are_bytes_that_later_input_does_not_change() -> None:
    into = decoder()
    (first,) = decode([frame("tx", b"a" * 50)], into)
    decode([frame("tx", b"b" * 50)], into)
    assert first.payload == b"a" * 50
    assert type(first.payload) is bytes


def test_a_payload_of_several_chunks_is_framed_as_one_and_not_copied() -> None:
    head, body = b"head", memoryview(bytes(100_000))
    chunks = encode_frame(MAGIC, "block", [head, body])
    assert chunks[2] is body
    assert b"".join(chunks) == frame("block", head + bytes(body))


def test_an_impossible_command_is_the_callers_mistake() -> None:
    for command in ("thirteenchars", "naïve", "tab\t", "nul\0"):
        with pytest.raises(LocalProtocolError, match="not a command"):
            encode_frame(MAGIC, command, [])


def test_checksums_do_not_depend_on_chunks() -> None:
    assert checksum(b"ab", memoryview(b"c")) == checksum(b"abc")
    assert checksum() == bytes.fromhex("5df6e0e2")


# --- faults: the frame is dropped, the connection stays


def test_a_wrong_checksum_drops_one_frame_and_the_next_is_read() -> None:
    bad = bytearray(frame("tx", b"payload"))
    bad[-1] ^= 1
    dropped, good = decode([bytes(bad) + frame("verack")])
    assert dropped == Frame("tx", b"", 31, dropped.fault)
    assert dropped.fault.startswith("wrong checksum ")
    assert (good.command, good.fault) == ("verack", "")


@pytest.mark.parametrize(
    "field",
    [b"bad\x01chars\0\0\0", b"after\0nul\0\0\0", b"\xffhigh\0\0\0\0\0\0\0", b"\0nulfirst\0\0\0", b"del\x7f" + bytes(8)],
)
def test_a_command_that_is_not_padded_ascii_drops_one_frame(field: bytes) -> None:
    data = frame("tx", b"payload")
    dropped, good = decode([data[:4] + field + data[16:] + frame("verack")])
    assert (dropped.command, dropped.payload, dropped.size) == ("", b"", 31)
    assert field.hex() in dropped.fault
    assert good.command == "verack"


def test_the_longest_and_the_shortest_command_are_commands() -> None:
    assert [f.command for f in decode([frame("twelve chars") + frame("")])] == ["twelve chars", ""]


# --- errors: the stream is dead


def test_wrong_magic_is_told_at_its_fourth_byte() -> None:
    into = decoder()
    assert decode(bytewise(OTHER[:3]), into) == []
    with pytest.raises(CodecError, match="wrong magic 0b110907 at byte 0, not f9beb4d9"):
        decode([OTHER[3:]], into)


@pytest.mark.parametrize(
    ("start", "hint"),
    [
        (OTHER, "this peer is of the network testnet3"),
        (b"HTTP/1.1 400 Bad Request\r\n", "an HTTP server"),
        (b"GET / HTTP/1.1\r\n", "an HTTP client"),
        (b"\x16\x03\x01\x02\x00\x01", "this looks like TLS"),
        (b"SSH-2.0-", "an SSH server"),
        (b"\x00\x00\x25\x4e", "this looks like Neo N3"),
        (STRANGE, "unknown, perhaps an encrypted (v2) peer"),
    ],
)
def test_wrong_magic_says_what_the_bytes_look_like(start: bytes, hint: str) -> None:
    assert error_of(start).endswith(hint)


def test_nobody_is_called_unknown_before_the_sixteenth_byte() -> None:
    into = decoder()
    assert decode(bytewise(STRANGE[:15]), into) == []
    with pytest.raises(CodecError) as caught:
        decode([STRANGE[15:]], into)
    assert str(caught.value) == error_of(STRANGE + b"more of it")


def test_fewer_strange_bytes_are_a_plain_wrong_magic_once_no_more_will_come() -> None:
    for size in range(4, 16):
        with pytest.raises(CodecError) as caught:
            decode([STRANGE[:size], b""])
        assert str(caught.value) == "wrong magic 7f81a03c at byte 0, not f9beb4d9"


def test_an_end_before_a_frame_is_complete_is_no_error() -> None:
    whole = frame("ping", bytes(8))
    for size in (0, 3, 4, 23, 31):
        assert decode([whole[:size], b""]) == []
    assert [f.command for f in decode([whole, b""])] == ["ping"]


def test_wrong_magic_further_on_says_where() -> None:
    message = error_of(frame("verack") + frame("ping", bytes(8)) + bytes(24))
    assert "wrong magic 00000000 at byte 56" in message
    assert message.endswith("frames no longer begin where the last one ended")


def test_an_announcement_above_the_limit_is_refused_from_the_header() -> None:
    assert error_of(announced("block", MAX_PAYLOAD + 1)) == (
        "a frame announces 4000001 bytes of payload, at most 4000000"
    )
    assert decode([announced("block", MAX_PAYLOAD)]) == []


def test_good_frames_before_an_error_are_handed_out() -> None:
    into = decoder()
    into.receive_data(frame("ping", bytes(8)) + OTHER)
    frames = into.frames()
    assert next(frames).command == "ping"
    with pytest.raises(CodecError):
        next(frames)


def test_a_dead_stream_stays_dead_and_keeps_nothing() -> None:
    into = decoder()
    with traced() as memory:
        into.receive_data(OTHER + bytes(1_000_000))
        with pytest.raises(CodecError) as first:
            list(into.frames())
        for _ in range(100):
            into.receive_data(frame("tx", bytes(10_000)))
        assert memory()[0] < 100_000
    with pytest.raises(CodecError) as second:
        list(into.frames())
    assert second.value is first.value
    assert first.value.consequence is Consequence.DISCONNECT
    assert into.receive_buffer() is None


# --- the zero-copy twin


def test_an_asked_block_is_received_into_the_buffer_that_is_handed_out() -> None:
    payload = bytes(range(256)) * 100
    data = frame("block", payload)
    into = decoder(expect_block=True)
    assert decode([data[:1000]], into) == []
    window = into.receive_buffer()
    assert window is not None
    assert len(window) == len(data) - 1000
    address = window.obj
    window[:5000] = data[1000:6000]
    into.receive_buffered(5000)
    assert list(into.frames()) == []
    window = into.receive_buffer()
    assert window is not None
    window[:] = data[6000:]
    into.receive_buffered(len(window))
    assert into.receive_buffer() is None
    (block,) = into.frames()
    assert block == Frame("block", payload, len(data))
    assert isinstance(block.payload, memoryview)
    assert block.payload.readonly
    assert block.payload.obj is address


def test_a_block_handed_out_is_never_written_again() -> None:
    into = decoder(expect_block=True)
    (first,) = decode([frame("block", b"1" * 100)[:50], frame("block", b"1" * 100)[50:]], into)
    assert isinstance(first.payload, memoryview)
    decode([frame("block", b"2" * 100)[:50], frame("block", b"2" * 100)[50:]], into)
    assert first.payload == b"1" * 100


def test_bytes_given_beside_the_buffer_land_in_it_and_the_surplus_is_the_next_frame() -> None:
    into = decoder(expect_block=True)
    data = frame("block", b"x" * 1000)
    assert decode([data[:100]], into) == []
    assert [f.command for f in decode([data[100:300], data[300:] + frame("verack")], into)] == ["block", "verack"]


def test_a_block_that_comes_with_the_start_of_the_next_frame_ends_where_it_ends() -> None:
    block, following = frame("block", b"x" * 100), frame("verack")
    for cut in range(len(following) + 1):
        chunks = [block + following[:cut], following[cut:]]
        assert decode(chunks, decoder(expect_block=True)) == decode([block + following])


@pytest.mark.parametrize(("command", "expect_block"), [("block", False), ("tx", True), ("blocktxn", True)])
def test_no_buffer_is_offered_for_what_was_not_asked(command: str, expect_block: bool) -> None:
    into = decoder(expect_block=expect_block)
    assert into.receive_buffer() is None
    decode([announced(command, 1000)], into)
    assert into.receive_buffer() is None


def test_a_corrupt_block_in_its_own_buffer_is_a_fault_too() -> None:
    data = bytearray(frame("block", b"x" * 1000))
    data[-1] ^= 1
    (block,) = decode([bytes(data[:100]), bytes(data[100:])], decoder(expect_block=True))
    assert block.fault
    assert block.payload == b""


def test_what_else_speaks_first_bytes_like_these_is_named() -> None:
    assert foreign(b"GET / HTTP/1.1") == "an HTTP client"
    assert foreign(bytes.fromhex("00002bb1")) == "Neo N3"
    assert foreign(b"") == foreign(b"\x16") == foreign(MAGIC) == ""


# --- cost


def test_a_thousand_decoders_told_of_four_million_bytes_stay_small() -> None:
    with traced() as memory:
        decoders = [decoder() for _ in range(1000)]
        for into in decoders:
            assert decode([announced("block", MAX_PAYLOAD)], into) == []
        assert memory()[1] < 1_500_000  # 1,500 bytes a peer


def test_an_announcement_above_the_limit_allocates_nothing_even_when_a_block_was_asked() -> None:
    into = decoder(expect_block=True)
    with traced() as memory:
        with pytest.raises(CodecError):
            decode([announced("block", MAX_PAYLOAD + 1)], into)
        assert memory()[1] < 50_000


def test_memory_follows_what_has_arrived() -> None:
    into = decoder()
    with traced() as memory:
        decode([announced("tx", MAX_PAYLOAD)] + [bytes(1000)] * 100, into)
        assert memory()[1] < 300_000


@pytest.mark.parametrize("expect_block", [False, True])
def test_single_bytes_cost_no_more_memory_than_the_payload_needs(expect_block: bool) -> None:
    size = 200_000
    data = frame("block", bytes(size))
    into = decoder(expect_block=expect_block)
    with traced() as memory:
        frames = decode(map(bytes, zip(data, strict=True)), into)
        assert memory()[1] < 2.5 * size + 50_000  # the payload as it grows, and the copy that is handed out
    assert len(frames) == 1


# The limits below are no timings: quadratic work would take hours (four megabytes copied four million times), linear
# work takes seconds.


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("size", "expect_block"), [(MAX_PAYLOAD, False), (MAX_PAYLOAD // 4, True)])
def test_the_largest_payload_in_single_bytes_is_linear_work(size: int, expect_block: bool) -> None:
    payload = bytes(size)
    data = frame("block", payload)
    (block,) = decode(map(bytes, zip(data, strict=True)), decoder(expect_block=expect_block))
    assert block.payload == payload


@pytest.mark.timeout(120)
@pytest.mark.parametrize("expect_block", [False, True])
def test_a_hundred_thousand_frames_in_one_read_are_linear_work(expect_block: bool) -> None:
    data = frame("block", bytes(100)) * 100_000
    assert len(decode([data], decoder(expect_block=expect_block))) == 100_000
