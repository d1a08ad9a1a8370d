"""Neo N3's networks as values: facts that users and peers rely on."""

from __future__ import annotations

import pytest

from headway.network import Network
from headway.networks.neo3 import MAINNET, TESTNET, Neo3Params, Neo3Rules, network_of
from headway.types import hash_hex
from tests.neodata import vectors

BOTH = (MAINNET, TESTNET)


def test_each_network_is_known_by_its_magic_port_and_genesis() -> None:
    assert {network.name: (network.magic, network.port, hash_hex(network.rules.root.hash)) for network in BOTH} == {
        "neo3": (b"NEO3", 10333, "1f4d1defa46faa5e7b9b8d3f79a06bec777d7c26c4aa5f6f5899a291daa87c15"),
        "neo3-testnet": (b"N3T5", 20333, "9d3276785e7306daf59a3f3b9e31912c095598bbfb8a4476b821b0e59be4c57a"),
    }


def test_validators_are_those_of_the_networks() -> None:
    for network, name in ((MAINNET, "mainnet"), (TESTNET, "testnet_T5")):
        facts = vectors("n3")["networks"][name]
        keys = tuple(bytes.fromhex(key) for key in facts["standby_committee"][: facts["validators_count"]])
        own = network_of(Neo3Params(network.name, facts["magic"], facts["port"], keys, network.dns_seeds))
        assert own.rules == network.rules
        assert isinstance(own.rules, Neo3Rules)
        assert own.rules.validators_count == 7


@pytest.mark.parametrize("network", BOTH, ids=lambda network: network.name)
def test_limits_and_timing_are_those_of_neo(network: Network) -> None:
    limits, timing = network.limits, network.timing
    assert (limits.max_payload, limits.max_headers, limits.full_headers) == (0x02000000, 2_000, 1)
    assert (limits.max_inventory, limits.max_getdata, limits.max_addresses, limits.max_locator) == (500, 500, 200, 16)
    assert timing.ping_interval == 30, "C# ends a link that is silent for 60 s"
    assert timing.ping_timeout == 90
    assert len(network.dns_seeds) == 5
