"""Addresses of version, addr and addrv2: every network's text comes back, and nothing else becomes text."""

from __future__ import annotations

import pytest

from headway.errors import CodecError, LocalProtocolError
from headway.networks.bitcoin.address import (
    MAX_DATA,
    NetworkId,
    is_ip,
    read_entry,
    read_v1,
    to_address,
    to_entry,
    write_entry,
    write_v1,
)
from headway.types import Address
from headway.wire.buffer import Reader, Writer
from headway.wire.messages import NetAddressV2
from tests.data import data_path

# Network, bytes and text as in the tests of Bitcoin Core (src/test/net_tests.cpp).
KNOWN = [
    (NetworkId.IPV4, "01020304", "1.2.3.4"),
    (NetworkId.IPV6, "1a1b2a2b3a3b4a4b5a5b6a6b7a7b8a8b", "1a1b:2a2b:3a3b:4a4b:5a5b:6a6b:7a7b:8a8b"),
    (
        NetworkId.TORV3,
        "79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f",
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
    ),
    (
        NetworkId.I2P,
        "a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87",
        "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p",
    ),
    (NetworkId.CJDNS, "fc000001000200030004000500060007", "fc00:1:2:3:4:5:6:7"),
]


def entry(network_id: int, data: bytes) -> NetAddressV2:
    return NetAddressV2(network_id, data, port=8333, services=1033, last_seen=1_700_000_000)


def through_the_wire(item: NetAddressV2) -> NetAddressV2:
    writer = Writer()
    write_entry(writer, item)
    reader = Reader(bytes(writer))
    found = read_entry(reader)
    reader.end("entry")
    return found


@pytest.mark.parametrize(("network_id", "data", "text"), KNOWN)
def test_known_addresses_have_the_text_that_everybody_gives_them(network_id: NetworkId, data: str, text: str) -> None:
    item = entry(network_id, bytes.fromhex(data))
    address = to_address(item)
    assert address == Address(text, 8333)
    assert (address.services, address.last_seen) == (1033, 1_700_000_000)
    assert to_entry(address) == item
    assert through_the_wire(item) == item


@pytest.mark.parametrize("network", ["main", "test", "testnet4", "signet"])
def test_the_seed_lists_of_core_come_back_as_they_are(network: str) -> None:
    lines = data_path("bitcoin", "p2p", f"seeds-nodes_{network}.txt").read_text().splitlines()
    texts = [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]
    assert len(texts) > 100
    kinds = set()
    for text in texts:
        address = Address.parse(text) if not text.endswith(":0") else Address(text[:-2], 0)  # I2P has no ports
        item = to_entry(address)
        assert item is not None
        kinds.add(item.network_id)
        assert to_address(through_the_wire(item)) == address
    assert kinds == {NetworkId.IPV4, NetworkId.IPV6, NetworkId.TORV3, NetworkId.I2P, NetworkId.CJDNS}


@pytest.mark.parametrize(
    ("network_id", "data"),
    [
        (NetworkId.IPV6, bytes(10) + b"\xff\xff" + bytes([1, 2, 3, 4])),
        (NetworkId.IPV6, bytes.fromhex("fd87d87eeb43") + bytes(10)),
        (NetworkId.TORV2, bytes(10)),
        (NetworkId.TORV2, bytes(7)),
        (NetworkId.CJDNS, bytes.fromhex("fd") + bytes(15)),
        (7, b"from the future"),
        (255, b""),
    ],
)
def test_what_bip155_has_ignored_is_kept_but_is_no_address(network_id: int, data: bytes) -> None:
    item = entry(network_id, data)
    assert through_the_wire(item) == item
    assert to_address(item) is None


@pytest.mark.parametrize("network_id", [known for known in NetworkId if known is not NetworkId.TORV2])
def test_a_known_network_with_another_length_is_refused(network_id: NetworkId) -> None:
    for size in (0, 5, 15, 17, 33):
        writer = Writer()
        with pytest.raises(LocalProtocolError, match=f"of network {network_id:d} has {size} bytes"):
            write_entry(writer, entry(network_id, bytes(size)))
        raw = bytes(5) + bytes([network_id, size]) + bytes(size + 2)
        with pytest.raises(CodecError, match=f"of network {network_id:d} has {size} bytes, not"):
            read_entry(Reader(raw))


def test_an_address_of_an_unknown_network_is_bounded() -> None:
    longest = entry(99, bytes(MAX_DATA))
    assert through_the_wire(longest) == longest
    with pytest.raises(CodecError, match=r"addrv2.address length is 513, at most 512"):
        read_entry(Reader(bytes(5) + bytes([99]) + bytes.fromhex("fd0102") + bytes(600)))


@pytest.mark.parametrize(
    "host",
    [
        "seed.example.com",
        "localhost",
        "",
        ".onion",
        "short.onion",
        "0" * 56 + ".onion",
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscrya.onion",  # checksum wrong
        "é.b32.i2p",
    ],
)
def test_a_host_without_a_network_has_no_entry(host: str) -> None:
    address = Address(host, 8333)
    assert to_entry(address) is None
    assert not is_ip(address)


@pytest.mark.parametrize(
    ("host", "ip"),
    [
        ("10.0.0.1", "00000000000000000000ffff0a000001"),
        ("2001:db8::1", "20010db8000000000000000000000001"),
        ("::", "00000000000000000000000000000000"),
        ("0.0.0.0", "00000000000000000000ffff00000000"),
    ],
)
def test_the_first_form_has_16_bytes_and_a_big_endian_port(host: str, ip: str) -> None:
    raw = bytes.fromhex(f"0904000000000000{ip}208d")
    address = read_v1(Reader(raw), "addr", last_seen=7)
    assert (address.host, address.port, address.services, address.last_seen) == (host, 8333, 1033, 7)
    writer = Writer()
    write_v1(writer, address, "addr")
    assert bytes(writer) == raw


def test_an_ipv6_address_of_cjdns_goes_on_as_one_of_cjdns() -> None:
    data = bytes.fromhex("fc000001000200030004000500060007")
    address = to_address(NetAddressV2(NetworkId.IPV6, data, 8333, 9, 1))
    assert address is not None
    assert to_entry(address) == NetAddressV2(NetworkId.CJDNS, data, 8333, 9, 1)


def test_the_first_form_cannot_carry_a_name() -> None:
    with pytest.raises(LocalProtocolError, match=r"addr cannot carry x\.onion: it is no IP address"):
        write_v1(Writer(), Address("x.onion", 8333), "addr")
