"""Neo Legacy's networks as values: facts that users and peers rely on."""

from __future__ import annotations

import pytest

from headway.network import Network
from headway.networks.neo2 import MAINNET, TESTNET, Neo2Params, network_of
from headway.types import Services, hash_hex
from tests.neodata import vectors

BOTH = (MAINNET, TESTNET)


def test_each_network_is_known_by_its_magic_port_and_genesis() -> None:
    assert {network.name: (network.magic, network.port, hash_hex(network.rules.root.hash)) for network in BOTH} == {
        "neo2": (b"Ant\0", 10333, "d42561e3d30e15be6400b6df2f328e02d2bf6354c41dce433bc57687c82144bf"),
        "neo2-testnet": (b"Antt", 20333, "b3181718ef6167105b70920e4a8fbbd0a0a56aacf460d70e10ba6fa1668f1fef"),
    }


def test_validators_are_those_of_the_networks() -> None:
    for network, name in ((MAINNET, "mainnet"), (TESTNET, "testnet")):
        facts = vectors("legacy")["networks"][name]
        keys = tuple(bytes.fromhex(key) for key in facts["standby_validators"])
        own = network_of(Neo2Params(network.name, facts["magic"], facts["port"], keys, network.dns_seeds))
        assert own.rules == network.rules


@pytest.mark.parametrize("network", BOTH, ids=lambda network: network.name)
def test_limits_and_timing_are_those_of_neo(network: Network) -> None:
    limits, timing = network.limits, network.timing
    assert (limits.max_payload, limits.max_headers, limits.full_headers) == (0x02000000, 2_000, 1)
    assert (limits.max_inventory, limits.max_getdata, limits.max_addresses, limits.max_locator) == (500, 500, 200, 16)
    assert timing.ping_interval == 0, "nobody has to answer"
    assert timing.headers_timeout == 10, "silence is an answer"
    assert network.required_services == Services.NETWORK
    assert len(network.dns_seeds) == 15
