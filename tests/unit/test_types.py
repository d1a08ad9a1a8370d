"""Hashes as people write them, addresses as people write them, requests, and text made harmless."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.types import (
    Address,
    BlockId,
    BlockRequest,
    Services,
    hash_from_hex,
    hash_hex,
    ip_of,
    network_of,
    printable,
)

GENESIS = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"


class FakeHeader(NamedTuple):
    raw: bytes = b"raw"
    hash: bytes = b"h" * 32
    prev_hash: bytes = b"p" * 32
    time: int = 0


def test_hash_is_written_reversed() -> None:
    assert hash_from_hex(GENESIS)[-1] == 0
    assert hash_hex(hash_from_hex(GENESIS)) == GENESIS
    assert hash_from_hex("0x" + GENESIS) == hash_from_hex(GENESIS)


@pytest.mark.parametrize("text", ["", GENESIS[:-1], GENESIS + "00", "g" * 64, " " * 64, GENESIS[:-2] + "  "])
def test_what_is_not_64_hex_digits_is_no_hash(text: str) -> None:
    with pytest.raises(ValueError, match=r"hash|hexadecimal"):
        hash_from_hex(text)


def test_block_id_names_height_and_hash() -> None:
    assert str(BlockId(7, bytes(31) + b"\x01")) == "7:01" + "00" * 31
    assert str(BlockId(-1, bytes(32))) == "00" * 32


def test_block_request_takes_its_hash_from_its_header() -> None:
    assert BlockRequest(FakeHeader(), 5, 10).id == BlockId(5, b"h" * 32)
    assert BlockRequest(None, hash=b"x" * 32).id == BlockId(-1, b"x" * 32)


def test_block_request_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a header or a hash"):
        BlockRequest(None)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("203.0.113.7:8333", "203.0.113.7", 8333),
        (" 203.0.113.7 ", "203.0.113.7", 1),
        ("example.ORG:1", "example.org", 1),
        ("[2001:DB8::1]:8333", "2001:db8::1", 8333),
        ("[2001:db8::1]", "2001:db8::1", 1),
        ("2001:db8::1", "2001:db8::1", 1),
        ("::ffff:203.0.113.7", "203.0.113.7", 1),
        ("[::ffff:203.0.113.7]:65535", "203.0.113.7", 65535),
    ],
)
def test_address_is_read_as_people_write_it(text: str, host: str, port: int) -> None:
    assert Address.parse(text, default_port=1) == Address(host, port)


NO_PORT = ["", ":8333", "host", "host:", "host:0", "host:65536", "host:-1", "host:+1", "host:x", "host:\u0661"]
NO_HOST = ["[::1", "[::1]x", "[]:1", "a b:1", "a\x1bb:1", "x" * 256 + ":1", "host:" + "9" * 5000]
NO_NAME = ["[a:b]:1", "[::1%]]:1", "a[:1"]


@pytest.mark.parametrize("text", NO_PORT + NO_HOST + NO_NAME)
def test_what_is_no_address_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|port|digits"):
        Address.parse(text)


def test_only_an_ipv6_address_has_colons_in_its_host() -> None:
    for text in ("x::y", "x:y:1", "x]::y:1"):
        with pytest.raises(ValueError, match="not an"):
            Address.parse(text, default_port=8333)


@given(st.text(max_size=300))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        address = Address.parse(text, default_port=8333)
    except ValueError:
        return
    assert 0 < address.port < 65536
    assert Address.parse(str(address)) == address


def test_addresses_are_equal_by_host_and_port_alone() -> None:
    assert Address("a", 1, services=9, last_seen=7) == Address("a", 1)
    assert len({Address("a", 1, services=9), Address("a", 1), Address("a", 2)}) == 2


@pytest.mark.parametrize(
    ("host", "net"),
    [
        ("8.8.8.8", "ipv4"),
        ("2a01:4f8::1", "ipv6"),
        ("127.0.0.1", "not_publicly_routable"),
        ("10.1.2.3", "not_publicly_routable"),
        ("fd00::1", "not_publicly_routable"),
        ("224.0.0.1", "not_publicly_routable"),
        ("ff0e::1", "not_publicly_routable"),
        ("fe80::1%eth0", "not_publicly_routable"),
        ("somewhere.example", "not_publicly_routable"),
        ("onion", "not_publicly_routable"),
        ("fc11:f769::1", "cjdns"),
        ("x" * 56 + ".onion", "onion"),
        ("X.Onion.", "onion"),
        ("x" * 52 + ".b32.i2p", "i2p"),
    ],
)
def test_network_of_an_address(host: str, net: str) -> None:
    assert network_of(Address(host, 8333)) == net


def test_host_is_an_ip_address_or_a_name() -> None:
    assert str(ip_of("::1")) == "::1"
    assert ip_of("localhost") is None


def test_service_bits_are_those_of_the_protocol() -> None:
    assert Services(0x49) == Services.NETWORK | Services.WITNESS | Services.COMPACT_FILTERS


@given(st.text(max_size=400))
def test_remote_text_keeps_nothing_that_moves_a_terminal(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= 256
    assert len(shown) == min(len(text), 256)


def test_long_remote_text_ends_in_dots() -> None:
    assert printable("x" * 300) == "x" * 253 + "..."
    assert printable("a\x1b[2Jb\u202e") == "a?[2Jb?"
