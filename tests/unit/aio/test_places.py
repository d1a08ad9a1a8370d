"""Addresses as users write them."""

from __future__ import annotations

import pytest

from headway.aio.places import place, reachable
from headway.errors import ConfigError
from headway.types import Address
from headway.ways import Ways


def test_a_place_is_read_and_port_0_is_for_listening_alone() -> None:
    assert place("1.2.3.4", 8333) == Address("1.2.3.4", 8333)
    assert place("[::1]:5", None) == Address("::1", 5)
    assert place(Address("::1", 0), None) == Address("::1", 0)
    assert place("127.0.0.1:0", 8333, to_listen=True) == Address("127.0.0.1", 0)
    with pytest.raises(ConfigError, match="port 0"):
        place("127.0.0.1:0", 8333)


def test_whom_no_way_leads_to_is_refused() -> None:
    onion = f"{'a' * 56}.onion:1"
    assert reachable(["1.2.3.4", "1.2.3.5:1"], 8333, Ways()) == (Address("1.2.3.4", 8333), Address("1.2.3.5", 1))
    with pytest.raises(ConfigError, match="onion"):
        reachable([onion], 8333, Ways())
