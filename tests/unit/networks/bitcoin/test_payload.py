"""Payloads of Bitcoin's messages: their bytes, what may be missing, and every bound from both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from headway.errors import CodecError, Consequence, LocalProtocolError, OversizedMessage
from headway.network import Limits
from headway.networks.bitcoin.parser import PARSER
from headway.networks.bitcoin.payload import FORMATS, PROTOCOL_VERSION
from headway.types import UNKNOWN_HEIGHT, ZERO_HASH, Address, BlockId, Raw
from headway.wire import messages as m
from headway.wire.buffer import compact_size
from tests.data import read
from tests.memory import traced

LIMITS = Limits()
HASH = bytes(range(32))

# 60002, services 1, 2012-12-12 18:12:33 UTC, 127 bytes: facts of a message of that time, laid out by hand.
VERSION = bytes.fromhex(
    "62ea0000 0100000000000000 11b2d05000000000"
    "0100000000000000 00000000000000000000ffff00000000 0000"
    "0000000000000000 00000000000000000000ffff7f000001 208d"
    "3b2eb35d8ce61765 0f2f5361746f7368693a302e372e322f c03e0300 00"
)


def decode(command: str, payload: Raw) -> m.Message:
    return FORMATS[command].decode(payload, LIMITS)


def encode(message: m.Message) -> bytes:
    return b"".join(FORMATS[message.command].encode(message, LIMITS))


def inv_payload(count: int) -> bytes:
    return compact_size(count) + (b"\x02\0\0\0" + HASH) * count


def locator_payload(count: int) -> bytes:
    return b"\x80\x11\x01\x00" + compact_size(count) + HASH * count + ZERO_HASH


def headers_payload(count: int, transactions: bytes = b"\0") -> bytes:
    return compact_size(count) + b"".join(n.to_bytes(80, "little") + transactions for n in range(count))


# --- version


def test_a_version_is_read_field_by_field() -> None:
    version = decode("version", VERSION)
    assert version == m.Version(
        protocol=60002,
        services=1,
        wall_time=1355854353,
        nonce=0x6517E68C5DB32E3B,
        user_agent="/Satoshi:0.7.2/",
        start_height=212672,
        relay=False,
        remote=Address("0.0.0.0", 0),
        local=Address("127.0.0.1", 8333),
    )
    assert encode(version) == VERSION


def test_a_version_may_end_where_older_peers_end_it() -> None:
    whole = decode("version", VERSION)
    assert isinstance(whole, m.Version)
    without_relay = replace(whole, relay=True)  # BIP37: a missing flag means true
    without_height = replace(without_relay, start_height=UNKNOWN_HEIGHT)
    without_agent = replace(without_height, user_agent="")
    assert decode("version", VERSION[:-1]) == without_relay
    assert decode("version", VERSION[:-5]) == without_height
    assert decode("version", VERSION[:-21]) == without_agent
    assert decode("version", VERSION[:46]) == replace(without_agent, nonce=0, local=None)
    ends = {46, 80, len(VERSION) - 5, len(VERSION) - 1, len(VERSION)}
    for end in range(len(VERSION)):
        if end not in ends:
            with pytest.raises(CodecError, match=r"^version\."):
                decode("version", VERSION[:end])


def test_a_version_may_go_on_beyond_what_we_know() -> None:
    assert decode("version", VERSION + b"future") == decode("version", VERSION)


def test_a_time_before_1970_is_1970_as_in_core() -> None:
    version = decode("version", VERSION[:12] + b"\xff" * 8 + VERSION[20:])
    assert isinstance(version, m.Version)
    assert version.wall_time == 0


def test_a_user_agent_of_256_bytes_is_read_and_257_is_not() -> None:
    for size in (256, 257):
        payload = VERSION[:80] + compact_size(size) + b"\xff" * size + VERSION[-5:]
        if size == 256:
            version = decode("version", payload)
            assert isinstance(version, m.Version)
            assert version.user_agent == "\xff" * 256
            assert encode(version) == payload
        else:
            with pytest.raises(CodecError, match=r"version.user_agent length is 257, at most 256"):
                decode("version", payload)


def test_our_version_has_defaults_for_what_we_leave_out() -> None:
    ours = decode("version", encode(m.Version(0, 1, 2, 3, "/headway/", 4)))
    assert isinstance(ours, m.Version)
    assert ours.protocol == PROTOCOL_VERSION == 70016
    assert ours.remote == ours.local == Address("::", 0)


def test_a_version_to_an_overlay_address_carries_zeros_instead() -> None:
    ours = decode("version", encode(m.Version(0, 1, 2, 3, "", 4, remote=Address("x.onion", 8333))))
    assert isinstance(ours, m.Version)
    assert ours.remote == Address("::", 0)


# --- ping and pong


def test_a_nonce_may_be_missing_from_ping_and_pong() -> None:
    for payload in (b"", bytes(7)):
        assert decode("ping", payload) == m.Ping(None)
        assert decode("pong", payload) == m.Pong(None)
    assert decode("ping", b"\x01" + bytes(7)) == m.Ping(1)
    assert decode("pong", b"\x02" + bytes(7) + b"more") == m.Pong(2)
    assert (encode(m.Ping(None)), encode(m.Pong((1 << 64) - 1))) == (b"", b"\xff" * 8)


# --- locators


@pytest.mark.parametrize("command", ["getheaders", "getblocks"])
def test_a_locator_of_101_hashes_is_read_and_102_only_disconnects(command: str) -> None:
    message = decode(command, locator_payload(101))
    assert isinstance(message, m.GetHeaders | m.GetBlocks)
    assert message.locator == (BlockId(UNKNOWN_HEIGHT, HASH),) * 101
    assert (message.stop, message.protocol) == (ZERO_HASH, 70016)
    assert encode(message) == locator_payload(101)
    with pytest.raises(CodecError, match=f"{command}.locator is 102, at most 101") as caught:
        decode(command, locator_payload(102))
    assert caught.value.consequence is Consequence.DISCONNECT
    with pytest.raises(LocalProtocolError, match=f"{command}.locator is 102, at most 101"):
        encode(replace(message, locator=message.locator + message.locator[:1]))


def test_an_empty_locator_asks_for_one_header() -> None:
    message = m.GetHeaders((), HASH, 70016)
    assert decode("getheaders", encode(message)) == message


# --- headers


def test_two_thousand_headers_are_read_and_one_more_is_discouraged() -> None:
    headers = decode("headers", headers_payload(2000))
    assert isinstance(headers, m.Headers)
    assert (len(headers), headers.stride) == (2000, 81)
    assert headers.raw_at(1999) == (1999).to_bytes(80, "little")
    assert encode(headers) == headers_payload(2000)
    with pytest.raises(OversizedMessage, match=r"headers.count is 2001, at most 2000") as caught:
        decode("headers", headers_payload(2001))
    assert caught.value.consequence is Consequence.DISCOURAGE


def test_no_headers_are_an_answer() -> None:
    headers = decode("headers", b"\0")
    assert isinstance(headers, m.Headers)
    assert (len(headers), headers.compact()) == (0, b"")
    assert encode(headers) == b"\0"


def test_real_headers_read_as_what_they_are() -> None:
    raw = read("bitcoin", "mainnet-headers-900000-900002.bin")
    message = m.Headers.fixed(raw, PARSER, size=80)
    payload = encode(message)
    assert payload == b"\x03" + b"".join(raw[at : at + 80] + b"\0" for at in (0, 80, 160))
    headers = decode("headers", memoryview(payload))
    assert isinstance(headers, m.Headers)
    assert headers.compact() == raw
    assert headers[1].prev_hash == headers[0].hash
    assert headers[2].prev_hash == headers[1].hash


@pytest.mark.parametrize("transactions", [b"\x01", b"\xfd\xfd\x00", b"\xfe\x00\x00\x01\x00"])
def test_transaction_counts_behind_headers_are_read_and_ignored_as_in_core(transactions: bytes) -> None:
    headers = decode("headers", headers_payload(3, transactions))
    assert isinstance(headers, m.Headers)
    assert headers.compact() == b"".join(n.to_bytes(80, "little") for n in range(3))
    assert encode(headers) == headers_payload(3)


@pytest.mark.parametrize("transactions", [b"\xfd\x01\x00", b"\xff" + b"\xff" * 8, b"\xfd"])
def test_transaction_counts_must_be_compact_sizes(transactions: bytes) -> None:
    with pytest.raises(CodecError):
        decode("headers", headers_payload(3, transactions))


def test_headers_end_where_they_end() -> None:
    for payload in (headers_payload(3) + b"\0", headers_payload(3)[:-1], b"\0\0"):
        with pytest.raises(CodecError):
            decode("headers", payload)


@pytest.mark.parametrize(
    "headers",
    [
        m.Headers(bytes(160), (0, 79), (79, 160), PARSER),
        m.Headers.fixed(bytes(109), PARSER, size=109),
        m.Headers.fixed(bytes(81), PARSER, size=79, stride=81),
    ],
)
def test_headers_of_another_chain_are_not_sent(headers: m.Headers) -> None:
    with pytest.raises(LocalProtocolError, match="Bitcoin's have 80 bytes each"):
        encode(headers)


def test_a_part_of_headers_is_sent_as_headers() -> None:
    headers = decode("headers", headers_payload(5))
    assert isinstance(headers, m.Headers)
    assert encode(headers.part(0, 3)) == headers_payload(3)
    assert encode(headers.part(3, 3)) == headers_payload(0)


# --- blocks and transactions


@pytest.mark.parametrize("command", ["block", "tx"])
def test_what_is_hashed_keeps_the_bytes_it_came_in(command: str) -> None:
    buffer = memoryview(bytes(200))
    message = decode(command, buffer)
    assert isinstance(message, m.Block | m.Tx)
    assert message.raw is buffer
    assert FORMATS[command].encode(message, LIMITS)[0] is buffer


def test_a_block_without_a_whole_header_is_refused() -> None:
    with pytest.raises(CodecError, match="block has 79 bytes, its header alone has 80"):
        decode("block", bytes(79))


# --- inventory


@pytest.mark.parametrize(
    ("command", "consequence"),
    [("inv", Consequence.DISCOURAGE), ("getdata", Consequence.DISCOURAGE), ("notfound", Consequence.DISCONNECT)],
)
def test_fifty_thousand_entries_are_read_and_one_more_is_not(command: str, consequence: Consequence) -> None:
    message = decode(command, inv_payload(50_000))
    assert isinstance(message, m.Inv | m.GetData | m.NotFound)
    assert message.entries[0] == m.InvEntry(m.InvType.BLOCK, HASH)
    assert len(message.entries) == 50_000
    assert encode(message) == inv_payload(50_000)
    with pytest.raises(CodecError, match=f"{command}.entries is 50001, at most 50000") as caught:
        decode(command, inv_payload(50_001))
    assert caught.value.consequence is consequence


def test_unknown_kinds_of_inventory_stay_numbers() -> None:
    message = decode("inv", b"\x01" + b"\xff" * 4 + HASH)
    assert message == m.Inv((m.InvEntry(0xFFFFFFFF, HASH),))


def test_a_count_without_entries_behind_it_builds_nothing() -> None:
    payload = compact_size(50_000) + bytes(100)
    with traced() as memory:
        with pytest.raises(CodecError, match=r"inv.entries is 50000: 1800000 bytes at least, 100 are left"):
            decode("inv", payload)
        assert memory()[1] < 20_000


# --- addresses


def test_a_thousand_addresses_are_read_and_one_more_is_discouraged() -> None:
    entry = bytes.fromhex("00f15365 0904000000000000 00000000000000000000ffff0a000001 208d")
    message = decode("addr", compact_size(1000) + entry * 1000)
    assert isinstance(message, m.Addr)
    assert message.addresses == (Address("10.0.0.1", 8333),) * 1000
    assert (message.addresses[0].services, message.addresses[0].last_seen) == (1033, 0x6553F100)
    assert encode(message) == compact_size(1000) + entry * 1000
    with pytest.raises(OversizedMessage, match=r"addr.entries is 1001, at most 1000"):
        decode("addr", compact_size(1001) + entry * 1001)


def test_a_thousand_addresses_of_any_network_are_read_and_one_more_is_discouraged() -> None:
    entry = bytes.fromhex("00f15365 fd0904 01 04 0a000001 208d")
    message = decode("addrv2", compact_size(1000) + entry * 1000)
    assert isinstance(message, m.AddrV2)
    assert message.addresses == (Address("10.0.0.1", 8333),) * 1000
    assert encode(message) == compact_size(1000) + entry * 1000
    with pytest.raises(OversizedMessage, match=r"addrv2.entries is 1001, at most 1000"):
        decode("addrv2", compact_size(1001) + entry * 1001)


def test_entries_that_are_no_address_do_not_hide_those_that_are() -> None:
    unknown = bytes.fromhex("00000000 00 63 03 010203 0000")
    known = bytes.fromhex("00000000 00 01 04 0a000001 208d")
    message = decode("addrv2", b"\x03" + unknown + known + unknown)
    assert isinstance(message, m.AddrV2)
    assert len(message.entries) == 3
    assert message.addresses == (Address("10.0.0.1", 8333),)


# --- the rest


def test_a_fee_is_signed_as_in_core() -> None:
    assert decode("feefilter", b"\xe8\x03" + bytes(6)) == m.FeeFilter(1000)
    assert decode("feefilter", b"\xff" * 8) == m.FeeFilter(-1)
    assert encode(m.FeeFilter(-1)) == b"\xff" * 8


def test_reconciliation_is_announced_by_a_version_and_a_salt() -> None:
    payload = bytes.fromhex("01000000 efcdab8967452301")
    assert decode("sendtxrcncl", payload) == m.SendTxRcncl(version=1, salt=0x0123456789ABCDEF)
    assert encode(m.SendTxRcncl(1, 0x0123456789ABCDEF)) == payload
    with pytest.raises(CodecError, match=r"sendtxrcncl.salt needs 8 bytes, 7 are left"):
        decode("sendtxrcncl", payload[:-1])


def test_an_alert_is_kept_unread() -> None:
    for payload in (b"", b"any bytes at all"):
        assert decode("alert", memoryview(payload)) == m.Alert(payload)
        assert encode(m.Alert(payload)) == payload


def test_a_reject_names_a_command_and_gives_a_reason_of_any_length() -> None:
    message = decode("reject", b"\x02tx\x12\x04dust" + HASH)
    assert message == m.Reject("tx", 0x12, "dust", HASH)
    assert encode(message) == b"\x02tx\x12\x04dust" + HASH
    with pytest.raises(CodecError, match=r"reject.message length is 13, at most 12"):
        decode("reject", b"\x0d" + bytes(40))
    for length in (112, 208, 70_000):  # btcd has said 208 bytes
        long = m.Reject("block", 0x10, "x" * length, HASH)
        assert decode("reject", encode(long)) == long
    with pytest.raises(CodecError, match=r"reject.reason length is 252: 252 bytes at least, 200 are left"):
        decode("reject", b"\x02tx\x12\xfc" + bytes(200))
    with pytest.raises(CodecError, match=r"reject.reason length is 4000001, at most 4000000"):
        decode("reject", b"\x02tx\x12\xfe" + (4_000_001).to_bytes(4, "little") + bytes(200))


def test_a_feature_is_bounded_on_both_sides() -> None:
    for id_size, data_size in ((4, 0), (80, 512)):
        message = m.Feature("f" * id_size, bytes(data_size))
        assert decode("feature", encode(message)) == message
    with pytest.raises(CodecError, match=r"feature.id length is 3, at least 4"):
        decode("feature", b"\x03abc\x00")
    with pytest.raises(LocalProtocolError, match=r"feature.id length is 3, at least 4"):
        encode(m.Feature("abc", b""))
    with pytest.raises(CodecError, match=r"feature.id length is 81, at most 80"):
        decode("feature", b"\x51" + bytes(200))
    with pytest.raises(CodecError, match=r"feature.data length is 513, at most 512"):
        decode("feature", b"\x04abcd" + compact_size(513) + bytes(513))


@pytest.mark.parametrize(
    "message",
    [m.Verack(), m.SendHeaders(), m.SendAddrV2(), m.GetAddr(), m.WtxidRelay(), m.MemPool()],
)
def test_a_command_without_fields_ignores_a_payload(message: m.Message) -> None:
    assert encode(message) == b""
    assert decode(message.command, b"") == decode(message.command, b"whatever") == message


def test_every_message_class_has_a_format() -> None:
    others = {m.Unknown, m.GetBlockByIndex}  # the second is of other chains
    assert {cls.command for cls in get_args(m.Message) if cls not in others} == set(FORMATS)
