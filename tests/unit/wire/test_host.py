"""A host as text and as bytes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.types import Net
from headway.wire.host import INTERNAL, V4_MAPPED, Place, linked_ipv4, locate, overlay_name, stand_in

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
I2P = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"


@pytest.mark.parametrize(
    ("host", "net", "data"),
    [
        ("8.8.8.8", Net.IPV4, "00000000000000000000ffff08080808"),
        ("10.0.0.1", Net.UNROUTABLE, "00000000000000000000ffff0a000001"),
        ("224.0.0.1", Net.UNROUTABLE, "00000000000000000000ffffe0000001"),
        ("2a01:4f8::1", Net.IPV6, "2a0104f8000000000000000000000001"),
        ("fe80::1%eth0", Net.UNROUTABLE, "fe800000000000000000000000000001"),
        ("fc00:1::1", Net.CJDNS, "fc000001000000000000000000000001"),
        (ONION, Net.ONION, "79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f"),
        (I2P, Net.I2P, "a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87"),
    ],
)
def test_where_a_host_is(host: str, net: Net, data: str) -> None:
    """Keys and names of overlays as in the tests of Bitcoin Core (src/test/net_tests.cpp)."""
    assert locate(host) == Place(net, bytes.fromhex(data))


@pytest.mark.parametrize(
    "host",
    [
        *("", "seed.example", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1:2", ":", "a.i2p", "host9", "\0"),
        *(".onion", "short.onion", "0" * 56 + ".onion", "é.onion", "x" * 52 + ".b32.i2p"),
        *(ONION.replace("cryd", "crya"), ONION.upper()),
    ],
)
def test_any_other_text_is_a_name(host: str) -> None:
    assert locate(host) == Place(Net.UNROUTABLE, b"")


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_mapped_into_sixteen_bytes(number: int) -> None:
    address = IPv4Address(number)
    for text in (str(address), f"::ffff:{address}"):
        assert locate(text).data == V4_MAPPED + address.packed


@given(st.integers(0, 2**128 - 1))
def test_an_ipv6_address_is_its_bytes(number: int) -> None:
    address = IPv6Address(number)
    assert locate(str(address)).data == address.packed


@given(st.binary(min_size=32, max_size=32), st.sampled_from([Net.ONION, Net.I2P]))
def test_the_name_of_a_key_leads_back_to_it(key: bytes, net: Net) -> None:
    assert locate(overlay_name(net, key)) == Place(net, key)


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    assert len(locate(text).data) in {0, 16, 32}


def test_a_key_of_another_size_has_no_name() -> None:
    assert overlay_name(Net.ONION, bytes(31)) == overlay_name(Net.I2P, bytes(33)) == ""


@pytest.mark.parametrize(
    ("host", "ipv4"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("2002:102:304:9999::1", "1.2.3.4"),  # 6to4
        ("2001:0:9999:9999:9999:9999:fefd:fcfb", "1.2.3.4"),  # Teredo writes it inverted
        ("64:ff9b::102:304", "1.2.3.4"),  # NAT64
        ("2001:db8::1", None),
        ("2001:1::1", None),
    ],
)
def test_a_tunnel_leads_to_its_ipv4_address(host: str, ipv4: str | None) -> None:
    found = linked_ipv4(locate(host).data)
    assert (found and str(IPv4Address(found))) == ipv4


def test_names_have_stand_ins_that_differ_and_lie_nowhere() -> None:
    found = {stand_in(name) for name in ("seed.example", "seed2.example", "", "\ud800")}
    assert len(found) == 4
    assert all(len(each) == 16 and each.startswith(INTERNAL) for each in found)
    assert {locate(str(IPv6Address(each))).net for each in found} == {Net.UNROUTABLE}
