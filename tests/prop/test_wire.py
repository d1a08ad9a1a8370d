"""What holds of frames and payloads whatever the bytes: chunking, round trips, garbage, memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import CodecError
from headway.network import Limits
from headway.networks.bitcoin.codec import BitcoinCodec
from headway.networks.bitcoin.payload import FORMATS
from headway.wire.buffer import Reader, compact_size
from headway.wire.frames import Frame, FrameDecoder, encode_frame
from tests.link import NETWORKS
from tests.memory import traced
from tests.messages import MESSAGES, u64
from tests.vocabulary import WORDS

MAGIC = bytes.fromhex("fabfb5da")
CODEC = BitcoinCodec(MAGIC)
LIMITS = Limits()

# --- frames

payloads = st.one_of(st.binary(max_size=40), st.integers(0, 3000).map(bytes))
commands = st.sampled_from(["block", "tx", "headers", "verack", "never heard"])
good_frames = st.builds(lambda command, payload: b"".join(encode_frame(MAGIC, command, [payload])), commands, payloads)
bad_checksums = st.builds(lambda frame: frame[:20] + bytes([frame[20] ^ 1]) + frame[21:], good_frames)
bad_commands = st.builds(lambda frame: frame[:15] + b"\x01" + frame[16:], good_frames)
endings = st.one_of(st.just(b""), st.binary(max_size=30), good_frames.map(lambda frame: frame[:-1]))
streams = st.builds(
    lambda frames, ending: b"".join(frames) + ending,
    st.lists(st.one_of(good_frames, bad_checksums, bad_commands), max_size=6),
    endings,
)


class Outcome:
    """All that a decoder said: its frames, and the error that ended it."""

    def __init__(self) -> None:
        self.decoder = FrameDecoder(MAGIC, max_payload=10_000)
        self.frames: list[Frame] = []
        self.error = ""

    def drain(self) -> None:
        try:
            self.frames.extend(self.decoder.frames())
        except CodecError as error:
            self.error = str(error)

    def feed(self, data: bytes, *, zero_copy: bool) -> int:
        """Give some of `data`, by the buffer that is offered where that is wanted; return how much was taken."""
        window = self.decoder.receive_buffer() if zero_copy else None
        if window is None:
            self.decoder.receive_data(memoryview(data))
            return len(data)
        count = min(len(window), len(data))
        window[:count] = data[:count]
        self.decoder.receive_buffered(count)
        return count


def all_at_once(stream: bytes) -> Outcome:
    outcome = Outcome()
    outcome.feed(stream, zero_copy=False)
    outcome.drain()
    return outcome


@given(streams, st.data())
def test_any_chunking_by_either_path_gives_the_same_frames(stream: bytes, data: st.DataObject) -> None:
    outcome = Outcome()
    at = 0
    while at < len(stream):
        outcome.decoder.expect_block = data.draw(st.booleans(), label="expect_block")
        size = data.draw(st.integers(1, max(1, len(stream) // 4)), label="chunk")
        at += outcome.feed(stream[at : at + size], zero_copy=data.draw(st.booleans(), label="zero_copy"))
        if data.draw(st.booleans(), label="drain"):
            outcome.drain()
    outcome.drain()
    whole = all_at_once(stream)
    assert outcome.frames == whole.frames
    assert outcome.error == whole.error


@given(st.binary(max_size=200))
def test_garbage_is_not_yet_or_one_documented_error(garbage: bytes) -> None:
    outcome = all_at_once(garbage)
    assert outcome.frames == [] or garbage.startswith(MAGIC)
    assert not outcome.error or outcome.error.startswith(("wrong magic ", "a frame announces "))


@given(st.lists(good_frames, max_size=5))
def test_what_is_framed_comes_out_whole_and_nothing_else(frames: list[bytes]) -> None:
    outcome = all_at_once(b"".join(frames))
    assert not outcome.error
    assert [b"".join(encode_frame(MAGIC, f.command, [f.payload])) for f in outcome.frames] == frames
    assert sum(f.size for f in outcome.frames) == sum(map(len, frames))


# --- payloads

every_word = pytest.mark.parametrize(
    ("network", "word"), [(network, word) for network in WORDS for word in WORDS[network]]
)


def test_every_network_has_its_words() -> None:
    assert set(WORDS) == set(NETWORKS)


def test_every_format_has_a_strategy() -> None:
    assert set(MESSAGES) == set(FORMATS)


@every_word
@given(data=st.data())
def test_every_message_comes_back_as_it_was_sent(network: str, word: str, data: st.DataObject) -> None:
    codec = NETWORKS[network].codec
    message = data.draw(WORDS[network][word])
    sender, receiver = codec.open(inbound=False), codec.open(inbound=True)
    for chunk in sender.encode(message):
        receiver.receive_data(chunk)
    (frame,) = receiver.frames()
    again = receiver.decode(frame)
    assert again == message
    assert type(again) is type(message)
    assert again.command == message.command == frame.command
    assert b"".join(receiver.encode(again)) == b"".join(sender.encode(message))


def decodes(network: str, command: str, payload: bytes) -> bool:
    """Whether it is a message; any failure but the documented one is a failure of the test."""
    try:
        NETWORKS[network].codec.open(inbound=True).decode(Frame(command, payload, len(payload)))
    except CodecError:
        return False
    return True


@every_word
@given(payload=st.binary(max_size=300))
def test_garbage_is_a_message_or_a_codec_error(network: str, word: str, payload: bytes) -> None:
    decodes(network, word, payload)


@every_word
@given(data=st.data())
def test_a_damaged_message_is_a_message_or_a_codec_error(network: str, word: str, data: st.DataObject) -> None:
    wire = NETWORKS[network].codec.open(inbound=True)
    for chunk in wire.encode(data.draw(WORDS[network][word])):
        wire.receive_data(chunk)
    (frame,) = wire.frames()
    payload = bytearray(frame.payload)
    assert decodes(network, frame.command, bytes(payload))
    for _ in range(data.draw(st.integers(1, 3))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    decodes(network, frame.command, bytes(payload))
    decodes(network, frame.command, bytes(payload[: data.draw(st.integers(0, len(payload)))]))


@pytest.mark.parametrize("command", ["headers", "inv", "getdata", "notfound", "addr", "addrv2"])
@given(count=st.integers(0, 2**64 - 1), rest=st.binary(max_size=100))
def test_a_count_alone_makes_nothing_large(command: str, count: int, rest: bytes) -> None:
    _assert_small(lambda: decodes("regtest", command, compact_size(count) + rest))


@pytest.mark.parametrize("command", MESSAGES)
@given(prefix=st.binary(max_size=12), length=u64, rest=st.binary(max_size=100))
def test_a_length_anywhere_makes_nothing_large(command: str, prefix: bytes, length: int, rest: bytes) -> None:
    _assert_small(lambda: decodes("regtest", command, prefix + compact_size(length) + rest))


def _assert_small(action: Callable[[], object]) -> None:
    with traced() as memory:
        action()
        assert memory()[1] < 30_000


@given(u64)
def test_compact_sizes_have_one_form(value: int) -> None:
    encoded = compact_size(value)
    reader = Reader(encoded)
    assert reader.compact_size("n", 2**64 - 1) == value
    reader.end("n")


@given(st.binary(max_size=9))
def test_what_reads_as_a_compact_size_is_written_the_same(raw: bytes) -> None:
    reader = Reader(raw)
    try:
        value = reader.compact_size("n", 2**64 - 1)
    except CodecError:
        return
    assert compact_size(value) == raw[: reader.position]
