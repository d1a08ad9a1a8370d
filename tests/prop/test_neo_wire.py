"""What holds of Neo's frames and payloads whatever the bytes: chunking, round trips, garbage, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lz4 import block as lz4

from headway.errors import CodecError
from headway.network import Codec
from headway.networks.dbft.format import Format
from headway.networks.neo2.codec import Neo2Codec
from headway.networks.neo2.header import BlockHeader as Header2
from headway.networks.neo2.parser import PARSER as PARSER2
from headway.networks.neo2.payload import FORMATS
from headway.networks.neo2.transaction import Transaction as Transaction2
from headway.networks.neo3.codec import Neo3Codec
from headway.networks.neo3.compression import decompress
from headway.networks.neo3.frames import COMMANDS, N3FrameDecoder, encode_frame
from headway.networks.neo3.header import BlockHeader as Header3
from headway.networks.neo3.parser import PARSER as PARSER3
from headway.networks.neo3.payload import formats
from headway.networks.neo3.transaction import Transaction as Transaction3
from headway.wire.buffer import compact_size
from headway.wire.frames import Frame
from tests.memory import traced
from tests.messages import u64
from tests.neomessages import HEADERS2, HEADERS3, LEGACY, LIMITS, MAGIC2, MAGIC3, N3, Strategy

Table = Mapping[str, Format]
TABLES: Final[dict[str, tuple[Table, dict[str, Strategy]]]] = {
    "legacy": (FORMATS, LEGACY),
    "n3": (formats(PARSER3), N3),
}
CODECS: Final[dict[str, Codec]] = {"legacy": Neo2Codec(MAGIC2, LIMITS), "n3": Neo3Codec(MAGIC3, LIMITS)}
EACH: Final = [(chain, command) for chain, (_, messages) in TABLES.items() for command in messages]
EVERY = pytest.mark.parametrize(("chain", "command"), EACH)

# --- frames of N3 (those of Legacy are Bitcoin's: `test_wire`)

payloads = st.one_of(st.binary(max_size=40), st.integers(0, 3000).map(bytes))
versions = payloads.map(lambda payload: b"".join(encode_frame("version", [payload])))
plain_frames = st.builds(
    lambda command, payload: b"".join(encode_frame(command, [payload])),
    st.sampled_from([*COMMANDS.values(), "0x77"]),
    payloads,
)


def packed(payload: bytes, flags: int, announced_too_much: int) -> bytes:
    block: bytes = lz4.compress(payload, store_size=False)
    body = (len(payload) + announced_too_much).to_bytes(4, "little") + block
    return bytes([flags | 1, 0x2C]) + compact_size(len(body)) + body


packed_frames = st.builds(packed, payloads, st.integers(0, 255), st.just(0))
bad_frames = st.one_of(
    st.builds(packed, payloads, st.integers(0, 255), st.just(1)),
    st.just(b"\0\x2c\xfd\1\0a"),
    st.just(b"\0\x2c\xfe\xff\xff\xff\xff"),
    st.just(b"\1\x2c\2ab"),
)
streams = st.builds(
    lambda first, frames, ending: first + b"".join(frames) + ending,
    st.one_of(versions, st.binary(max_size=6)),
    st.lists(st.one_of(plain_frames, packed_frames), max_size=6),
    st.one_of(st.just(b""), st.binary(max_size=30), bad_frames, plain_frames.map(lambda frame: frame[:-1])),
)


class Outcome:
    """All that a decoder said: its frames, and the error that ended it."""

    def __init__(self) -> None:
        self.decoder = N3FrameDecoder(max_payload=10_000)
        self.frames: list[Frame] = []
        self.error = ""

    def drain(self) -> None:
        try:
            self.frames.extend(self.decoder.frames())
        except CodecError as error:
            self.error = str(error)


def all_at_once(stream: bytes) -> Outcome:
    outcome = Outcome()
    outcome.decoder.receive_data(stream)
    outcome.drain()
    return outcome


@given(streams, st.data())
def test_any_chunking_gives_the_same_frames(stream: bytes, data: st.DataObject) -> None:
    outcome = Outcome()
    at = 0
    while at < len(stream):
        size = data.draw(st.integers(1, max(1, len(stream) // 4)), label="chunk")
        outcome.decoder.receive_data(memoryview(stream)[at : at + size])
        at += size
        if data.draw(st.booleans(), label="drain"):
            outcome.drain()
    outcome.drain()
    whole = all_at_once(stream)
    assert outcome.frames == whole.frames
    assert outcome.error == whole.error


@given(st.binary(max_size=200))
def test_garbage_is_not_yet_or_a_codec_error(garbage: bytes) -> None:
    outcome = all_at_once(garbage)
    assert sum(frame.size for frame in outcome.frames) <= len(garbage)
    if garbage[:1] > b"\0" and len(garbage) >= 4:
        assert outcome.error.startswith("first bytes ")
        assert outcome.frames == []


@given(versions, st.lists(plain_frames, max_size=5))
def test_what_is_framed_comes_out_whole_and_nothing_else(first: bytes, frames: list[bytes]) -> None:
    outcome = all_at_once(first + b"".join(frames))
    assert not outcome.error
    assert [b"".join(encode_frame(f.command, [f.payload])) for f in outcome.frames] == [first, *frames]


@given(versions, payloads, st.integers(0, 255))
def test_what_was_packed_comes_out_plain(first: bytes, payload: bytes, flags: int) -> None:
    frame = packed(payload, flags, 0)
    outcome = all_at_once(first + frame)
    assert outcome.frames[1:] == [Frame("block", payload, len(frame))]


@given(st.binary(max_size=100), st.integers(0, 10_000))
def test_garbage_in_a_compressed_payload_gives_its_length_or_a_codec_error(garbage: bytes, size: int) -> None:
    with suppress(CodecError):
        assert len(decompress(size.to_bytes(4, "little") + garbage, 10_000)) == size


# --- payloads


def test_every_format_has_a_strategy() -> None:
    for table, messages in TABLES.values():
        assert set(messages) == set(table)


@EVERY
@given(data=st.data())
def test_every_message_comes_back_as_it_was_sent(chain: str, command: str, data: st.DataObject) -> None:
    message = data.draw(TABLES[chain][1][command])
    sender, receiver = CODECS[chain].open(inbound=False), CODECS[chain].open(inbound=True)
    for chunk in sender.encode(message):
        receiver.receive_data(chunk)
    (frame,) = receiver.frames()
    again = receiver.decode(frame)
    assert again == message
    assert again.command == command
    assert b"".join(receiver.encode(again)) == b"".join(sender.encode(message))


def decodes(table: Table, command: str, payload: bytes) -> bool:
    """Whether it is a message; any failure but the documented one is a failure of the test."""
    try:
        table[command].decode(payload, LIMITS)
    except CodecError:
        return False
    return True


@EVERY
@given(payload=st.binary(max_size=300))
def test_garbage_is_a_message_or_a_codec_error(chain: str, command: str, payload: bytes) -> None:
    decodes(TABLES[chain][0], command, payload)


@EVERY
@given(data=st.data())
def test_a_damaged_message_is_a_message_or_a_codec_error(chain: str, command: str, data: st.DataObject) -> None:
    table, messages = TABLES[chain]
    payload = bytearray(b"".join(table[command].encode(data.draw(messages[command]), LIMITS)))
    assert decodes(table, command, bytes(payload))
    for _ in range(data.draw(st.integers(1, 3))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    decodes(table, command, bytes(payload))
    decodes(table, command, bytes(payload[: data.draw(st.integers(0, len(payload)))]))


@EVERY
@given(prefix=st.binary(max_size=12), length=u64, rest=st.binary(max_size=100))
def test_a_length_anywhere_makes_nothing_large(
    chain: str, command: str, prefix: bytes, length: int, rest: bytes
) -> None:
    assert_small(lambda: decodes(TABLES[chain][0], command, prefix + compact_size(length) + rest))


def assert_small(action: Callable[[], object]) -> None:
    with traced() as memory:
        action()
        assert memory()[1] < 30_000


# --- what stands in blocks

READERS: Final[dict[str, Callable[[bytes], object]]] = {
    "legacy header": Header2.from_raw,
    "legacy transaction": Transaction2.from_raw,
    "legacy block": PARSER2.block_parts,
    "n3 header": Header3.from_raw,
    "n3 transaction": Transaction3.from_raw,
    "n3 block": PARSER3.block_parts,
}


def reads(name: str, raw: bytes) -> bool:
    """Whether it is one. A header's reader raises ValueError, the others CodecError; anything else fails the test."""
    documented = ValueError if name.endswith("header") else CodecError
    try:
        READERS[name](raw)
    except documented:
        return False
    return True


@pytest.mark.parametrize("name", READERS)
@given(raw=st.binary(max_size=300))
def test_garbage_in_a_block_is_refused_by_the_documented_error(name: str, raw: bytes) -> None:
    assert_small(lambda: reads(name, raw))


miners = st.binary(min_size=4, max_size=4).map(lambda nonce: b"\0\0" + nonce + bytes(4))
invocations = st.binary(max_size=300).map(lambda script: b"\xd1\0" + compact_size(len(script)) + script + bytes(4))
ENTITIES: Final[dict[str, tuple[st.SearchStrategy[bytes], st.SearchStrategy[bytes]]]] = {
    "legacy block": (HEADERS2, st.one_of(miners, invocations)),
    "n3 block": (
        HEADERS3,
        st.builds(
            lambda fixed, account, script: (
                b"\0" + fixed + b"\1" + account + b"\1\0" + compact_size(len(script)) + script + b"\1\0\0"
            ),
            st.binary(min_size=24, max_size=24),
            st.binary(min_size=20, max_size=20),
            st.binary(max_size=300),
        ),
    ),
}


@pytest.mark.parametrize("name", ENTITIES)
@given(data=st.data())
def test_a_block_is_its_header_and_its_transactions_and_no_damage_breaks_its_reader(
    name: str, data: st.DataObject
) -> None:
    headers, transactions = ENTITIES[name]
    header, parts = data.draw(headers), data.draw(st.lists(transactions, min_size=1, max_size=5))
    raw = header + compact_size(len(parts)) + b"".join(parts)
    parser = PARSER2 if name == "legacy block" else PARSER3
    assert parser.block_parts(raw).header == parser.block_header(raw).raw == header
    found = parser.transactions(raw)
    assert [tx.raw for tx in found] == parts
    assert [tx.txid for tx in found] == parser.block_parts(raw).hashes
    damaged = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    reads(name, bytes(damaged))
    assert not reads(name, raw[: data.draw(st.integers(0, len(raw) - 1))])
    assert not reads(name, raw + b"\0")
