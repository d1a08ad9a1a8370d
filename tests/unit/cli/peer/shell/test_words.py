"""Typed words become messages."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import pytest

from headway.cli.peer.session import genesis_of
from headway.cli.peer.shell.words import MESSAGES, decoded, message_from, raw_message, usage
from headway.errors import CodecError
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.types import UNKNOWN_HEIGHT, Address, BlockId
from headway.wire import messages as m
from tests.toynet import TOYNET, toy_frame

H1, H2 = "00" * 31 + "01", "00" * 31 + "02"
ONE, TWO = bytes([1]) + bytes(31), bytes([2]) + bytes(31)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("verack", m.Verack()),
        ("ping 7", m.Ping(7)),
        ("ping 0x10 height=3", m.Ping(16, height=3)),
        ("getheaders", m.GetHeaders((genesis_of(REGTEST),))),
        (f"getheaders {H1} 9:{H2}", m.GetHeaders((BlockId(UNKNOWN_HEIGHT, ONE), BlockId(9, TWO)))),
        (f"getblocks {H1} stop={H2}", m.GetBlocks((BlockId(UNKNOWN_HEIGHT, ONE),), stop=TWO)),
        (f"getdata block {H1}", m.GetData((m.InvEntry(m.InvType.BLOCK, ONE),))),
        (f"inv tx {H1} {H2} 77 {H1}", m.Inv((m.InvEntry(1, ONE), m.InvEntry(1, TWO), m.InvEntry(77, ONE)))),
        ("addr 192.0.2.1:8 [::1]:9", m.Addr((Address("192.0.2.1", 8), Address("::1", 9)))),
        ("sendcmpct yes 2", m.SendCmpct(True, 2)),
        ("feefilter 1000", m.FeeFilter(1_000)),
        (f"getblocktxn {H1} 0 3", m.GetBlockTxn(ONE, (0, 3))),
        ("reject tx 1 why data=ff", m.Reject("tx", 1, "why", b"\xff")),
        ("version 70016 9 0 5 /x:1/ 7 relay=yes", m.Version(70016, 9, 0, 5, "/x:1/", 7, relay=True)),
    ],
)
def test_fields_are_typed_in_their_order_and_the_others_by_name(typed: str, message: m.Message) -> None:
    assert message_from(typed.split(), REGTEST) == message


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("ping", "nonce is missing"),
        ("ping x", "'x' is no number"),
        ("ping 1 2", "'2' is too much"),
        ("ping 1 nonce=2", "'1' is too much"),
        ("verack now", "'now' is too much"),
        ("getheaders zz", "64 hex digits"),
        ("getdata", "a kind and at least one hash"),
        ("getdata block", "a kind and at least one hash"),
        (f"getdata {H1}", "is no kind: tx, block"),
        ("sendcmpct maybe 2", "neither yes nor no"),
        ("filteradd xyz", "'xyz' is not hex"),
        ("addr nowhere:port", "not a port"),
    ],
)
def test_what_is_wrong_is_said_with_the_usage(typed: str, wrong: str) -> None:
    command = typed.split(maxsplit=1)[0]
    with pytest.raises(ValueError, match="usage") as caught:
        message_from(typed.split(), REGTEST)
    assert str(caught.value).startswith(f"{command}: ")
    assert wrong in str(caught.value)
    assert str(caught.value).endswith(f"(usage: {usage(command)})")


def test_usage_names_the_fields() -> None:
    assert usage("verack") == "verack"
    assert usage("ping") == "ping nonce:N [height=N] [wall_time=N]"
    assert usage("getheaders") == "getheaders [HEIGHT:]HASH... [stop=HASH] [protocol=N] [count=N]"
    assert usage("getdata") == "getdata KIND HASH..."


def test_every_message_can_be_typed_but_those_that_carry_whole_objects() -> None:
    left_out = {cls.__name__ for cls in get_args(m.Message)} - {cls.__name__ for cls in MESSAGES.values()}
    assert left_out == {"Headers", "Block", "Tx", "AddrV2", "CmpctBlock", "BlockTxn", "MerkleBlock", "Unknown"}
    assert all(command in usage(command) for command in MESSAGES)
    assert {type(field.type) for cls in MESSAGES.values() for field in fields(cls)} == {str}


def test_raw_message_is_any_payload_under_any_command() -> None:
    assert raw_message(["raw", "anything", "00", "ff"]) == m.Unknown("anything", b"\x00\xff")
    assert raw_message(["raw", "empty"]) == m.Unknown("empty", b"")
    with pytest.raises(ValueError, match="usage: raw"):
        raw_message(["raw"])
    with pytest.raises(ValueError, match="not hex"):
        raw_message(["raw", "x", "0"])


@pytest.mark.parametrize("network", [REGTEST, TOYNET], ids=lambda network: network.name)
def test_bytes_are_decoded_as_frames_or_as_a_payload(network: Network) -> None:
    frames = b"".join(
        bytes(chunk)
        for message in (m.Ping(5), m.GetAddr())
        for chunk in network.codec.open(inbound=False).encode(message)
    )
    assert decoded(["decode", frames.hex()], network) == [m.Ping(5), m.GetAddr()]
    assert decoded(["decode", "ping", "05" + "00" * 7], network) == [m.Ping(5)]


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["decode"], "usage: decode"),
        (["decode", "xx"], "not hex"),
        (["decode", toy_frame(2, bytes(8)).hex()[:-2]], "15 bytes at the end are no whole frame"),
        (["decode", (toy_frame(2, bytes(8))[:-1] + b"x").hex()], "ping: checksum"),
    ],
)
def test_bytes_that_are_no_frame_are_refused_with_the_reason(words: list[str], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        decoded(words, TOYNET)


def test_payload_against_its_format_is_a_codec_error() -> None:
    with pytest.raises(CodecError):
        decoded(["decode", "headers", "05"], REGTEST)
