"""Which addresses can be reached, through what, and which a node may choose by itself."""

from __future__ import annotations

import pytest

from headway.errors import ConfigError
from headway.types import Address, Net
from headway.ways import DIRECT, NETS, ONION_PATIENCE, PROXY_PATIENCE, Way, Ways, interleaved

TOR = Address("127.0.0.1", 9050)
OTHER = Address("127.0.0.1", 9150)

ONION = Address("x" * 56 + ".onion", 8333)
I2P = Address("x" * 52 + ".b32.i2p", 0)
V4 = Address("8.8.8.8", 8333)
V6 = Address("2a01:4f8::1", 8333)
CJDNS = Address("fc11:f769::1", 8333)
NAME = Address("seed.example", 8333)
NEAR = [Address(host, 8333) for host in ("127.0.0.1", "::1", "192.168.1.7", "fd00::1", "localhost")]


def test_without_a_proxy_everything_goes_directly_but_the_overlays() -> None:
    for address in (V4, V6, CJDNS, NAME, *NEAR):
        assert DIRECT.to(address) == Way(proxy=None, patience=1.0)
    assert DIRECT.to(ONION) is None
    assert DIRECT.to(I2P) is None


def test_proxy_is_for_everything_but_what_is_near() -> None:
    ways = Ways.of(proxy="127.0.0.1:9050")
    for address in (V4, V6, CJDNS, NAME):
        assert ways.to(address) == Way(TOR, PROXY_PATIENCE)
    assert ways.to(ONION) == Way(TOR, ONION_PATIENCE)
    assert ways.to(I2P) is None
    for address in NEAR:
        assert ways.to(address) == Way()


def test_onion_services_may_have_a_proxy_of_their_own_or_none() -> None:
    ways = Ways.of(proxy="127.0.0.1", onion="127.0.0.1:9150")
    assert (ways.to(V4), ways.to(ONION)) == (Way(TOR, PROXY_PATIENCE), Way(OTHER, ONION_PATIENCE))
    alone = Ways.of(onion=OTHER)
    assert (alone.to(V4), alone.to(ONION)) == (Way(), Way(OTHER, ONION_PATIENCE))
    without = Ways.of(proxy=TOR, onion="0")
    assert (without.to(V4), without.to(ONION)) == (Way(TOR, PROXY_PATIENCE), None)


@pytest.mark.parametrize("nothing", [None, "", "0"])
def test_no_proxy_is_said_in_several_ways(nothing: str | None) -> None:
    assert Ways.of(proxy=nothing) == DIRECT


def test_what_is_missing_is_told() -> None:
    assert DIRECT.why_not(ONION).startswith(f"there is no way to {ONION}: ")
    assert "--proxy or --onion" in DIRECT.why_not(ONION)
    assert "no way into I2P" in DIRECT.why_not(I2P)
    assert "--cjdnsreachable" in DIRECT.why_not(CJDNS)
    assert Ways.of(onlynet=["ipv6"]).why_not(V4) == "onlynet keeps us from 8.8.8.8:8333"


@pytest.mark.parametrize(
    ("ways", "reachable"),
    [
        (DIRECT, [V4, V6, NAME, *NEAR]),
        (Ways.of(proxy=TOR), [V4, V6, NAME, ONION, *NEAR]),
        (Ways.of(onion=TOR), [V4, V6, NAME, ONION, *NEAR]),
        (Ways.of(cjdnsreachable=True), [V4, V6, NAME, CJDNS, *NEAR]),
        (Ways.of(proxy=TOR, onlynet=["onion"]), [ONION]),
        (Ways.of(onlynet=["ipv4"]), [V4, NAME, NEAR[0], NEAR[2], NEAR[4]]),
        (Ways.of(onlynet=["ipv6"]), [V6, NAME, NEAR[1], NEAR[3], NEAR[4]]),
        (Ways.of(onlynet=["cjdns", "ipv6"], cjdnsreachable=True), [V6, NAME, CJDNS, NEAR[1], NEAR[3], NEAR[4]]),
    ],
)
def test_node_chooses_only_what_it_can_and_may_reach(ways: Ways, reachable: list[Address]) -> None:
    everything = [V4, V6, NAME, ONION, I2P, CJDNS, *NEAR]
    assert [each for each in everything if ways.is_reachable(each)] == [
        each for each in everything if each in reachable
    ]


def test_onlynet_does_not_keep_the_user_from_naming_a_peer() -> None:
    assert Ways.of(proxy=TOR, onlynet=["onion"]).to(V4) == Way(TOR, PROXY_PATIENCE)


def test_seeds_are_of_use_where_ip_addresses_are() -> None:
    assert DIRECT.asks_seeds
    assert Ways.of(onlynet=["ipv6"]).asks_seeds
    assert not Ways.of(proxy=TOR, onlynet=["onion"]).asks_seeds


def test_slow_ways_have_more_patience() -> None:
    ways = Ways.of(proxy=TOR)
    assert [ways.patience(each) for each in (NEAR[0], V4, ONION, I2P)] == [1.0, PROXY_PATIENCE, ONION_PATIENCE, 1.0]
    assert 1.0 < PROXY_PATIENCE < ONION_PATIENCE


def test_plain_value_allows_every_network() -> None:
    assert DIRECT.onlynet == frozenset(NETS) == frozenset(Net) - {Net.UNROUTABLE}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"proxy": "here:there"}, "proxy: not a port"),
        ({"onion": "[::1"}, "onion: not an address"),
        ({"proxy": "x.onion:9050"}, "can itself be reached through a proxy alone"),
        ({"onlynet": ["tor"]}, "no network is named 'tor'; there are ipv4, ipv6, onion, i2p, cjdns"),
        ({"onlynet": ["not_publicly_routable"]}, "no network is named"),
        ({"onlynet": ["ipv4", "onion"]}, "onlynet onion: .*--proxy or --onion"),
        ({"proxy": TOR, "onion": "0", "onlynet": ["onion"]}, "onlynet onion: "),
        ({"proxy": TOR, "onlynet": ["i2p"]}, "onlynet i2p: headway has no way"),
        ({"onlynet": ["cjdns"]}, "onlynet cjdns: .*--cjdnsreachable"),
    ],
)
def test_what_cannot_be_is_a_config_error(words: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Ways.of(**words)  # type: ignore[arg-type]  # the words of a user


def test_addresses_of_a_name_are_tried_in_turn_of_their_families() -> None:
    old = [Address(f"192.0.2.{number}", 1) for number in (1, 2, 3)]
    new = [Address(f"2001:db8::{number}", 1) for number in (1, 2)]
    assert interleaved([*old, *new]) == [new[0], old[0], new[1], old[1], old[2]]
    assert interleaved([*old[:1], *new]) == [new[0], old[0], new[1]]
    assert interleaved(old) == old
    assert interleaved([]) == []


def test_the_networks_of_which_a_node_may_choose_are_those_that_it_reaches_and_its_own() -> None:
    own = Net.UNROUTABLE
    assert DIRECT.nets == (Net.IPV4, Net.IPV6, own)
    assert Ways.of(proxy=TOR).nets == (Net.IPV4, Net.IPV6, Net.ONION, own)
    assert Ways.of(proxy=TOR, onlynet=["onion"]).nets == (Net.ONION, own)
    assert Ways.of(cjdnsreachable=True).nets == (Net.IPV4, Net.IPV6, Net.CJDNS, own)
