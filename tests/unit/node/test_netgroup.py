"""Which addresses belong together: the groups of Core, byte for byte (src/netgroup.cpp, src/test/netbase_tests.cpp)."""

from __future__ import annotations

import pytest

from headway.node.netgroup import group_of
from headway.types import Net
from headway.wire.host import V4_MAPPED, overlay_name, stand_in

KEY = bytes.fromhex("79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f")


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("1.2.3.4", "01 0102"),
        ("2002:102:304:9999:9999:9999:9999:9999", "01 0102"),  # 6to4
        ("64:ff9b::102:304", "01 0102"),  # NAT64
        ("2001:470:abcd:9999:9999:9999:9999:9999", "02 20010470 af"),  # he.net: /36
        ("2001:2001:9999:9999:9999:9999:9999:9999", "02 20012001"),
        (overlay_name(Net.ONION, KEY), "03 7f"),
        (overlay_name(Net.I2P, KEY), "04 7f"),
        ("fc00:1:2:3:4:5:6:7", "05 fc0f"),
        ("127.0.0.1", "00"),
        ("::1", "00"),
        ("10.0.0.1", "00"),
        ("fe80::1", "00"),
        ("seed.example", "06" + stand_in("seed.example")[6:].hex()),
        ("fd6b:88c0:8724:102:304:506:708:90a", "06 0102030405060708090a"),  # Core's stand-in for some seed
    ],
)
def test_group_of_an_address(host: str, group: str) -> None:
    assert group_of(host) == bytes.fromhex(group)


def test_with_a_map_the_autonomous_system_is_the_group_of_both_protocols() -> None:
    known = {
        V4_MAPPED + bytes((1, 2, 3, 4)): 1_000,
        bytes.fromhex("20012001000000000000000000000001"): 1_000,
        V4_MAPPED + bytes((5, 6, 7, 8)): 70_000,
    }

    def number(address: bytes) -> int:
        return known.get(address, 0)

    group = group_of("1.2.3.4", number)
    assert group == b"\x02" + (1_000).to_bytes(4, "little")
    assert group_of("2001:2001::1", number) == group
    assert group_of("2002:102:304::1", number) == group  # the tunnel's own end
    assert group_of("5.6.7.8", number) == b"\x02" + (70_000).to_bytes(4, "little")
    assert group_of("9.9.9.9", number) == group_of("9.9.9.9")  # where the map knows nothing
    assert group_of("127.0.0.1", lambda _address: 7) == b"\0"
    assert group_of(overlay_name(Net.ONION, KEY), lambda _address: 7) == b"\x03\x7f"
