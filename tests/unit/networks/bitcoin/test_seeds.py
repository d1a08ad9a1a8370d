"""The fixed seeds: what the script makes of the lists, of every network that can be reached, and read late."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from headway.network import Network
from headway.networks.bitcoin import MAINNET, REGTEST, SIGNET, TESTNET3, TESTNET4
from headway.networks.bitcoin.seeds import FixedSeeds
from headway.types import Address, Net, Services, network_of
from tests import fixed_seeds

PUBLIC = [MAINNET, TESTNET3, TESTNET4, SIGNET]


def test_lists_are_what_the_script_makes_of_the_data() -> None:
    assert fixed_seeds.FILE.read_text("utf-8") == fixed_seeds.text()


@pytest.mark.parametrize("network", PUBLIC, ids=lambda network: network.name)
def test_seeds_are_of_every_network_that_there_is_a_way_to(network: Network) -> None:
    nets = Counter(network_of(address) for address in network.fixed_seeds)
    assert set(nets) == {Net.IPV4, Net.IPV6, Net.ONION, Net.CJDNS}
    assert len(set(network.fixed_seeds)) == len(network.fixed_seeds) < 400


@pytest.mark.parametrize("network", PUBLIC, ids=lambda network: network.name)
def test_seeds_are_addresses_as_people_write_them(network: Network) -> None:
    for address in network.fixed_seeds:
        assert Address.parse(str(address)) == address
        assert address.services == Services.NETWORK | Services.WITNESS


def test_seeds_of_one_group_of_addresses_are_one() -> None:
    groups = Counter(address.host.rpartition(".")[0].rpartition(".")[0] for address in MAINNET.fixed_seeds[:128])
    assert set(groups.values()) == {1}


def test_private_chain_has_no_fixed_seeds() -> None:
    assert list(REGTEST.fixed_seeds) == []


def test_seed_is_read_by_index_or_slice() -> None:
    seeds = FixedSeeds("bitcoin", 8333)
    assert seeds[0] == MAINNET.fixed_seeds[0]
    assert list(seeds[:2]) == [seeds[0], seeds[1]]


def test_lists_are_loaded_when_somebody_looks() -> None:
    code = """
import sys
from headway.networks import network_named
lists = "headway.networks.bitcoin.seed_lists"
network = network_named("bitcoin")
assert lists not in sys.modules
assert len(network.fixed_seeds)
assert lists in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
