"""neo-mamba's payload codec against ours, both ways: what one writes the other reads as it was meant, and writes alike.

It is an independent implementation of Neo N3's payloads, by other people, so a misreading of the format that we share
with ourselves shows here. Its own faults, at the end, are no faults of ours: each is stated, so that we learn when it
goes. Not here: its frames in a conversation (`test_neo_nodes`, and the tests of a served peer).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from headway.errors import CodecError
from headway.network import Wire
from headway.networks.neo3.codec import Neo3Codec
from headway.networks.neo3.parser import PARSER
from headway.networks.neo3.payload import formats
from headway.networks.neo3.transaction import Transaction
from headway.testing.neo_chain import NeoChain, neo_network, validators
from headway.types import Address
from headway.wire import messages as m
from headway.wire.buffer import compact_size
from tests.interop.mamba import Mamba
from tests.interop.mamba_words import settled, told
from tests.messages import hashes, u8, u16, u32
from tests.neomessages import LIMITS, MAGIC3, N3, headers_message, raw_headers, version3

pytestmark = pytest.mark.interop

CODEC: Final = Neo3Codec(MAGIC3, LIMITS)
FORMATS: Final = formats(PARSER)
ROUNDS: Final = 40
"""Payloads of each command that neo-mamba makes; the seed is the number."""
against = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def mamba() -> Iterator[Mamba]:
    with Mamba() as mamba:
        yield mamba


# --- what it writes


MADE: Final = (
    "version", "addr", "ping", "pong", "getheaders", "getblockbyindex", "getblocks", "headers", "inv", "getdata",
    "notfound", "tx", "block", "filterload", "filteradd",
)  # fmt: skip


def begun() -> Wire:
    """A wire that has had its first message, whose frame is never packed: neo-mamba packs whatever is long."""
    wire = CODEC.open(inbound=False)
    wire.receive_data(b"\0\x01\0")
    assert [frame.command for frame in wire.frames()] == ["verack"]
    return wire


@pytest.mark.parametrize("command", MADE)
def test_what_it_writes_is_read_as_it_meant_it_and_written_as_it_came(mamba: Mamba, command: str) -> None:
    for seed in range(ROUNDS):
        made = mamba.make(command, seed)
        wire = begun()
        wire.receive_data(bytes.fromhex(made["frame"]))
        [frame] = wire.frames()
        message = wire.decode(frame)
        assert frame.command == message.command == command
        assert told(message) == settled(made["fields"])
        assert b"".join(FORMATS[command].encode(message, LIMITS)) == frame.payload


def test_its_extensible_comes_out_unread_and_whole(mamba: Mamba) -> None:
    for seed in range(ROUNDS):
        wire = begun()
        wire.receive_data(bytes.fromhex(mamba.make("extensible", seed)["frame"]))
        [frame] = wire.frames()
        message = wire.decode(frame)
        assert isinstance(message, m.Unknown)
        read = mamba.read("extensible", message.payload)
        assert (message.name, bytes.fromhex(read["again"])) == ("extensible", message.payload)
        assert read["fields"]["category"] == "dBFT"


def test_it_packs_long_messages_and_we_read_them(mamba: Mamba) -> None:
    frames = [bytes.fromhex(mamba.make("version", seed)["frame"]) for seed in range(ROUNDS)]
    assert {frame[0] for frame in frames} == {0, 1}


# --- what we write

KEYS: Final = validators(8).keys
accounts = st.binary(min_size=20, max_size=20)
keys = st.sampled_from(KEYS)


def listed(items: st.SearchStrategy[bytes], most: int = 4) -> st.SearchStrategy[bytes]:
    """At least one, behind their number."""
    return st.lists(items, min_size=1, max_size=most).map(lambda found: compact_size(len(found)) + b"".join(found))


def prefixed(prefix: int, items: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return items.map(lambda found: bytes([prefix]) + found)


leaves = st.one_of(
    prefixed(0x00, st.sampled_from([b"\0", b"\1"])),
    prefixed(0x18, accounts),
    prefixed(0x19, keys),
    st.just(b"\x20"),
    prefixed(0x28, accounts),
    prefixed(0x29, keys),
)


def nested(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.one_of(leaves, prefixed(0x01, inner), prefixed(0x02, listed(inner)), prefixed(0x03, listed(inner)))


conditions = nested(nested(leaves))
rules = st.builds(lambda action, condition: bytes([action]) + condition, st.integers(0, 1), conditions)


def signer(account: bytes, scopes: int, contracts: bytes, groups: bytes, found: bytes) -> bytes:
    parts = ((0x10, contracts), (0x20, groups), (0x40, found))
    return account + bytes([scopes]) + b"".join(part for scope, part in parts if scopes & scope)


signers = st.builds(
    signer,
    accounts,
    st.sampled_from([0x00, 0x01, 0x10, 0x20, 0x40, 0x11, 0x31, 0x71, 0x80]),
    listed(accounts),
    listed(keys),
    listed(rules),
)
scripts = st.binary(max_size=300)
witnesses = st.builds(lambda *both: b"".join(compact_size(len(each)) + each for each in both), scripts, scripts)
numbers = st.binary(min_size=8, max_size=8)
oracles = st.one_of(
    st.builds(lambda number, result: number + b"\0" + compact_size(len(result)) + result, numbers, scripts),
    st.builds(lambda number, code: number + code + b"\0", numbers, st.sampled_from([b"\x10", b"\x1f", b"\xff"])),
)
attributes = st.sets(st.sampled_from([0x01, 0x11]), max_size=2)
fees = st.integers(0, 2**63 - 1).map(lambda fee: fee.to_bytes(8, "little"))


@st.composite
def raw_transactions(draw: st.DrawFn) -> bytes:
    found = draw(st.lists(signers, min_size=1, max_size=4, unique_by=lambda each: each[:20]))
    kinds = sorted(draw(attributes))
    parts = [
        b"\0" + draw(st.binary(min_size=4, max_size=4)) + draw(fees) + draw(fees) + draw(u32).to_bytes(4, "little"),
        compact_size(len(found)),
        *found,
        bytes([len(kinds)]),
        *(bytes([kind]) + (draw(oracles) if kind == 0x11 else b"") for kind in kinds),
    ]
    script = draw(st.binary(min_size=1, max_size=300))
    parts += [compact_size(len(script)), script, compact_size(len(found)), *(draw(witnesses) for _ in found)]
    return b"".join(parts)


plain_texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300)
capability_lists = st.lists(
    st.one_of(
        st.builds(lambda port: (0x01, port.to_bytes(2, "little")), u16),
        st.builds(lambda port: (0x02, port.to_bytes(2, "little")), u16),
        st.builds(lambda height: (0x10, height.to_bytes(4, "little")), u32),
    ),
    unique_by=lambda each: each[0],
    min_size=1,
).map(tuple)
headers = raw_headers(105, 300).map(lambda raw: bytes(4) + raw)  # of version 0: it refuses others, as all nodes do
inventories = {
    command: st.builds(
        lambda kind, found, cls=cls: cls(tuple(m.InvEntry(kind, each) for each in found)),
        st.sampled_from([m.InvType.TX, m.InvType.BLOCK, 0x2E]),
        st.lists(hashes, min_size=1, max_size=100),
    )
    for command, cls in (("inv", m.Inv), ("getdata", m.GetData), ("notfound", m.NotFound))
}
listening = st.builds(Address, st.ip_addresses(v=4).map(str), u16, st.just(0), u32)
counts = st.integers(1, 2_000)
OURS: Final[dict[str, st.SearchStrategy[Any]]] = {
    **{command: N3[command] for command in ("ping", "pong", "getblocks", "filterload", "filteradd")},
    "getheaders": st.builds(lambda first, count: m.GetHeaders((), first_height=first, count=count), u32, counts),
    "getblockbyindex": st.builds(m.GetBlockByIndex, u32, counts),
    **inventories,
    "version": st.builds(version3, u32.filter(bool), st.just(0), u32, u32, plain_texts, capability_lists),
    "addr": st.lists(
        st.builds(Address, st.ip_addresses(v=4).map(str), u16, st.just(0), u32), min_size=1, max_size=50
    ).map(lambda found: m.Addr(tuple(found))),
    "headers": st.lists(headers, min_size=1, max_size=5).map(lambda raw: headers_message(raw, PARSER, b"")),
    "tx": raw_transactions().map(lambda raw: m.Tx(raw, PARSER)),
}


@pytest.mark.parametrize("command", OURS)
@given(data=st.data())
@against
def test_what_we_write_is_read_by_it_as_we_meant_it_and_written_as_it_came(
    mamba: Mamba, command: str, data: st.DataObject
) -> None:
    message = data.draw(OURS[command])
    payload = b"".join(bytes(chunk) for chunk in FORMATS[command].encode(message, LIMITS))
    read = mamba.read(command, payload)
    assert "refused" not in read, read
    assert settled(read["fields"]) == told(message)
    assert read["again"] == payload.hex()


def test_it_reads_the_blocks_of_a_chain_that_we_made(mamba: Mamba) -> None:
    """It computes their merkle roots itself."""
    signers = validators(4)
    network = neo_network("neo3", signers)
    for raw in [network.rules.genesis_block, *NeoChain(network, signers, transactions=(0, 6)).blocks(40)]:
        read = mamba.read("block", raw)
        assert settled(read["fields"]) == told(m.Block(raw, PARSER))
        assert read["again"] == raw.hex()


# --- damage

DAMAGED: Final = ("ping", "getheaders", "headers", "tx", "block", "filterload", "filteradd")
JUDGED: Final = (
    "public key", "point encoding", "OracleResponseCode", "oracle response", "negative", "invalid version",
    "merkle root mismatch", "invalid count", "duplicate", "script length 0", "WitnessRuleAction", "0 expressions",
    "CannotBeGlobal", "nesting",
)  # fmt: skip
"""Words of its refusals of what a payload means, where our codec only has to know where it ends."""


@pytest.mark.parametrize("command", DAMAGED)
@given(seed=st.integers(0, ROUNDS - 1), places=st.lists(st.tuples(u16, u8), min_size=1, max_size=3))
@example(seed=31, places=[(0, 6)])  # a filter cut short, for which it has no words of its own
@against
def test_damaged_payloads_are_read_alike_or_refused_by_both(
    mamba: Mamba, command: str, seed: int, places: list[tuple[int, int]]
) -> None:
    """What it writes again as it came we read as it does; what we write as it came it refuses only for a meaning."""
    wire = begun()
    wire.receive_data(bytes.fromhex(mamba.make(command, seed)["frame"]))
    [frame] = wire.frames()
    payload = bytearray(frame.payload)
    for at, value in places:
        payload[at % len(payload)] = value
    read, ours = mamba.read(command, bytes(payload)), ours_of(command, bytes(payload))
    if read.get("again") == payload.hex():
        assert ours == settled(read["fields"])
    elif ours is not None and "refused" in read:
        assert any(words in read["refused"] for words in JUDGED), read


def ours_of(command: str, payload: bytes) -> Mapping[str, Any] | None:
    """What we make of a payload, as far down as it goes; None when we refuse it."""
    try:
        return told(FORMATS[command].decode(payload, LIMITS))
    except CodecError:
        return None


# --- its own faults


def refusal(command: str, payload: bytes) -> str:
    """Ours."""
    with pytest.raises(CodecError) as caught:
        FORMATS[command].decode(payload, LIMITS)
    return caught.value.message


def test_its_fault_an_ipv6_address_is_read_as_its_last_four_bytes(mamba: Mamba) -> None:
    payload = b"".join(FORMATS["addr"].encode(m.Addr((Address("2001:db8::102:304", 7),)), LIMITS))
    read = mamba.read("addr", payload)
    assert read["fields"]["addresses"][0]["address"] == "1.2.3.4:7"
    assert read["again"] != payload.hex()


def test_its_fault_a_list_that_is_too_long_is_cut_and_not_refused(mamba: Mamba) -> None:
    """Two witnesses of a header, of which it reads one; what follows is read as something else."""
    payload = b"\1" + bytes(105 + 4) + b"\2" + bytes(4)
    assert len(mamba.read("headers", payload)["fields"]["headers"]) == 1
    assert "one witness, not 2" in refusal("headers", payload)


def test_its_fault_a_length_need_not_be_in_its_shortest_form(mamba: Mamba) -> None:
    """As in C#; no encoder writes one."""
    assert mamba.read("filteradd", b"\xfd\2\0ab")["again"] == "026162"
    assert "not in the shortest form" in refusal("filteradd", b"\xfd\2\0ab")


def test_its_fault_a_known_capability_may_come_twice(mamba: Mamba) -> None:
    payload = struct.pack("<IIII", MAGIC3, 0, 1, 2) + b"\0" + b"\2" + b"\1\1\0" * 2
    assert mamba.read("version", payload)["again"] == payload.hex()
    assert "type 01 twice" in refusal("version", payload)


@pytest.mark.parametrize("count", [0, -2, -32_768])
def test_its_fault_any_number_of_hashes_may_be_asked_for(mamba: Mamba, count: int) -> None:
    payload = bytes(32) + struct.pack("<h", count)
    assert mamba.read("getblocks", payload)["fields"]["count"] == count
    assert "not -1 or 1 to 32767" in refusal("getblocks", payload)


@pytest.mark.parametrize("command", ["getheaders", "getblockbyindex"])
def test_its_fault_as_many_as_you_may_is_refused_though_every_node_takes_it(mamba: Mamba, command: str) -> None:
    payload = struct.pack("<Ih", 5, -1)
    assert "invalid count" in mamba.read(command, payload)["refused"]
    message = FORMATS[command].decode(payload, LIMITS)
    assert told(message) == {"index_start": 5, "count": -1}


@pytest.mark.parametrize(
    ("kind", "data"),
    [(0x20, struct.pack("<I", 9)), (0x21, bytes(32)), (0x22, b"\3")],
    ids=["height", "conflict", "notary"],
)
def test_its_fault_the_newer_attributes_are_unknown(mamba: Mamba, kind: int, data: bytes) -> None:
    """Blocks of today's mainnet have them."""
    fixed = b"\0" + bytes(24) + b"\1" + bytes(20) + b"\1"
    raw = fixed + b"\1" + bytes([kind]) + data + b"\1\x40" + b"\1\0\0"
    assert "unknown transaction attribute" in mamba.read("tx", raw)["refused"]
    assert Transaction.from_raw(raw).attributes == ((kind, data),)


@pytest.mark.parametrize("command", ["getheaders", "getblocks", "notfound", "filterload", "filteradd"])
def test_its_fault_its_messages_drop_payloads_that_it_could_read(mamba: Mamba, command: str) -> None:
    frame = bytes.fromhex(mamba.make(command, 1)["frame"])
    assert mamba.decode("message", frame)["payload"] == ""


def test_its_fault_a_user_agent_that_is_no_utf_8_is_refused(mamba: Mamba) -> None:
    """As in C#. We keep any bytes, which are made harmless where they are shown."""
    payload = struct.pack("<IIII", MAGIC3, 0, 1, 2) + b"\1\xff" + b"\1\x10\1\0\0\0"
    assert "utf-8" in mamba.read("version", payload)["refused"]
    version = FORMATS["version"].decode(payload, LIMITS)
    assert isinstance(version, m.Version)
    assert version.user_agent == "\xff"
