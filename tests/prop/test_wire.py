"""What holds of frames and payloads whatever the bytes: chunking, round trips, garbage, memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import CodecError
from headway.network import Limits
from headway.networks.bitcoin.address import NetworkId, to_address
from headway.networks.bitcoin.codec import BitcoinCodec
from headway.networks.bitcoin.parser import PARSER
from headway.networks.bitcoin.payload import FORMATS
from headway.types import UNKNOWN_HEIGHT, Address, BlockId
from headway.wire import messages as m
from headway.wire.buffer import Reader, compact_size
from headway.wire.frames import Frame, FrameDecoder, encode_frame
from tests.chain_builder import transaction, tx_input, tx_output
from tests.memory import traced

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

u16, u32, u64 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
i32, i64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
hashes = st.binary(min_size=32, max_size=32)


def texts(max_size: int, min_size: int = 0) -> st.SearchStrategy[str]:
    return st.binary(min_size=min_size, max_size=max_size).map(lambda raw: raw.decode("latin-1"))


ips = st.ip_addresses().map(str).filter(lambda text: not text.startswith("::ffff:"))  # that is IPv4, written otherwise
addresses = st.builds(Address, ips, u16, u64, u32)
versions = st.builds(
    m.Version,
    protocol=i32.filter(bool),
    services=u64,
    wall_time=st.integers(0, 2**63 - 1),
    nonce=u64,
    user_agent=texts(256),
    start_height=i32,
    relay=st.booleans(),
    remote=addresses,
    local=addresses,
)
locators = st.lists(hashes.map(lambda raw: BlockId(UNKNOWN_HEIGHT, raw)), max_size=101).map(tuple)
inventories = st.lists(st.builds(m.InvEntry, u32, hashes), max_size=300).map(tuple)
records = st.lists(st.binary(min_size=80, max_size=80), max_size=10)
sizes = {
    NetworkId.IPV4: 4,
    NetworkId.IPV6: 16,
    NetworkId.TORV3: 32,
    NetworkId.I2P: 32,
    NetworkId.CJDNS: 16,
}
hosts = st.one_of(
    st.sampled_from(sorted(sizes)).flatmap(
        lambda n: st.tuples(st.just(int(n)), st.binary(min_size=sizes[n], max_size=sizes[n]))
    ),
    st.tuples(st.sampled_from([int(NetworkId.TORV2), 7, 255]), st.binary(max_size=512)),
)
entries = st.builds(lambda host, *rest: m.NetAddressV2(*host, *rest), hosts, u16, u64, u32)


def addrv2(items: list[m.NetAddressV2]) -> m.AddrV2:
    return m.AddrV2(tuple(items), tuple(filter(None, map(to_address, items))))


def headers_every_81_bytes(raw: list[bytes]) -> m.Headers:
    return m.Headers.fixed(b"".join(record + b"\0" for record in raw), PARSER, size=80, stride=81)


u8 = st.integers(0, 255)
hash_lists = st.lists(hashes, max_size=20).map(tuple)
raw_headers = st.binary(min_size=80, max_size=80)
index_lists = st.sets(st.integers(0, 2**16 - 1), max_size=20).map(lambda indexes: tuple(sorted(indexes)))
SOME_TRANSACTIONS = [
    bytes(10),
    transaction([tx_input(bytes(36), b"script")], [tx_output(1, b"")]),
    transaction([tx_input(bytes(36))] * 2, [tx_output(2, bytes(300))], witness=[(b"a", b""), ()]),
]
transactions = st.sampled_from(SOME_TRANSACTIONS).map(lambda raw: m.Tx(raw, PARSER))


@st.composite
def compact_blocks(draw: st.DrawFn) -> m.CmpctBlock:
    """Of a block of up to 20 transactions, some of which travel whole."""
    is_whole = draw(st.lists(st.booleans(), max_size=20))
    prefilled = tuple(m.PrefilledTransaction(at, draw(transactions)) for at, whole in enumerate(is_whole) if whole)
    short_ids = tuple(draw(st.integers(0, 2**48 - 1)) for whole in is_whole if not whole)
    return m.CmpctBlock(draw(raw_headers), draw(u64), short_ids, prefilled, PARSER)


MESSAGES: dict[str, st.SearchStrategy[Any]] = {
    "version": versions,
    "verack": st.just(m.Verack()),
    "ping": st.builds(m.Ping, st.none() | u64),
    "pong": st.builds(m.Pong, st.none() | u64),
    "getheaders": st.builds(m.GetHeaders, locators, hashes, i32.filter(bool)),
    "getblocks": st.builds(m.GetBlocks, locators, hashes, i32.filter(bool)),
    "headers": records.map(headers_every_81_bytes),
    "sendheaders": st.just(m.SendHeaders()),
    "inv": st.builds(m.Inv, inventories),
    "getdata": st.builds(m.GetData, inventories),
    "notfound": st.builds(m.NotFound, inventories),
    "block": st.binary(min_size=80, max_size=200).map(lambda raw: m.Block(raw, PARSER)),
    "tx": st.binary(max_size=200).map(lambda raw: m.Tx(raw, PARSER)),
    "addr": st.lists(addresses, max_size=20).map(lambda items: m.Addr(tuple(items))),
    "addrv2": st.lists(entries, max_size=20).map(addrv2),
    "sendaddrv2": st.just(m.SendAddrV2()),
    "getaddr": st.just(m.GetAddr()),
    "wtxidrelay": st.just(m.WtxidRelay()),
    "feefilter": st.builds(m.FeeFilter, i64),
    "sendcmpct": st.builds(m.SendCmpct, st.booleans(), u64),
    "mempool": st.just(m.MemPool()),
    "reject": st.builds(m.Reject, texts(12), st.integers(0, 255), texts(111), st.binary(max_size=32)),
    "feature": st.builds(m.Feature, texts(80, min_size=4), st.binary(max_size=512)),
    "sendtxrcncl": st.builds(m.SendTxRcncl, u32, u64),
    "alert": st.builds(m.Alert, st.binary(max_size=200)),
    "cmpctblock": compact_blocks(),
    "getblocktxn": st.builds(m.GetBlockTxn, hashes, index_lists),
    "blocktxn": st.builds(m.BlockTxn, hashes, st.lists(transactions, max_size=5).map(tuple)),
    "filterload": st.builds(m.FilterLoad, st.binary(max_size=200), st.integers(0, 50), u32, u8),
    "filteradd": st.builds(m.FilterAdd, st.binary(max_size=520)),
    "filterclear": st.just(m.FilterClear()),
    "merkleblock": st.builds(m.MerkleBlock, raw_headers, u32, hash_lists, st.binary(max_size=20), st.just(PARSER)),
    "getcfilters": st.builds(m.GetCFilters, u8, u32, hashes),
    "cfilter": st.builds(m.CFilter, u8, hashes, st.binary(max_size=200)),
    "getcfheaders": st.builds(m.GetCFHeaders, u8, u32, hashes),
    "cfheaders": st.builds(m.CFHeaders, u8, hashes, hashes, hash_lists),
    "getcfcheckpt": st.builds(m.GetCFCheckpt, u8, hashes),
    "cfcheckpt": st.builds(m.CFCheckpt, u8, hashes, hash_lists),
}


def test_every_format_has_a_strategy() -> None:
    assert set(MESSAGES) == set(FORMATS)


@pytest.mark.parametrize("command", MESSAGES)
@given(data=st.data())
def test_every_message_comes_back_as_it_was_sent(command: str, data: st.DataObject) -> None:
    message = data.draw(MESSAGES[command])
    sender, receiver = CODEC.open(inbound=False), CODEC.open(inbound=True)
    for chunk in sender.encode(message):
        receiver.receive_data(chunk)
    (frame,) = receiver.frames()
    again = receiver.decode(frame)
    assert again == message
    assert again.command == command
    assert b"".join(receiver.encode(again)) == b"".join(sender.encode(message))


def decodes(command: str, payload: bytes) -> bool:
    """Whether it is a message; any failure but the documented one is a failure of the test."""
    try:
        FORMATS[command].decode(payload, LIMITS)
    except CodecError:
        return False
    return True


@pytest.mark.parametrize("command", MESSAGES)
@given(payload=st.binary(max_size=300))
def test_garbage_is_a_message_or_a_codec_error(command: str, payload: bytes) -> None:
    decodes(command, payload)


@pytest.mark.parametrize("command", MESSAGES)
@given(data=st.data())
def test_a_damaged_message_is_a_message_or_a_codec_error(command: str, data: st.DataObject) -> None:
    message = data.draw(MESSAGES[command])
    payload = bytearray(b"".join(FORMATS[command].encode(message, LIMITS)))
    assert decodes(command, bytes(payload))
    for _ in range(data.draw(st.integers(1, 3))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    decodes(command, bytes(payload))
    decodes(command, bytes(payload[: data.draw(st.integers(0, len(payload)))]))


@pytest.mark.parametrize("command", ["headers", "inv", "getdata", "notfound", "addr", "addrv2"])
@given(count=st.integers(0, 2**64 - 1), rest=st.binary(max_size=100))
def test_a_count_alone_makes_nothing_large(command: str, count: int, rest: bytes) -> None:
    _assert_small(lambda: decodes(command, compact_size(count) + rest))


@pytest.mark.parametrize("command", MESSAGES)
@given(prefix=st.binary(max_size=12), length=u64, rest=st.binary(max_size=100))
def test_a_length_anywhere_makes_nothing_large(command: str, prefix: bytes, length: int, rest: bytes) -> None:
    _assert_small(lambda: decodes(command, prefix + compact_size(length) + rest))


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
