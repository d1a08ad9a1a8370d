from __future__ import annotations

import subprocess
import sys

import pytest

from headway.errors import ConfigError
from headway.network import Network
from headway.networks import names, network_named


def test_every_name_gives_the_network_of_that_name() -> None:
    networks = [network_named(name) for name in names()]
    assert all(isinstance(network, Network) for network in networks)
    assert tuple(network.name for network in networks) == names()
    assert {"bitcoin", "testnet3", "testnet4", "signet", "regtest"} <= set(names())


def test_a_network_is_one_value_however_often_it_is_asked_for() -> None:
    assert network_named("bitcoin") is network_named("bitcoin")


@pytest.mark.parametrize("name", ["", "mainnet", "Bitcoin", "headway.networks.bitcoin"])
def test_an_unknown_name_is_an_error_that_lists_the_known(name: str) -> None:
    with pytest.raises(ConfigError, match="bitcoin, testnet3, testnet4, signet, regtest"):
        network_named(name)


def test_networks_do_not_share_magic_port_or_genesis() -> None:
    networks = [network_named(name) for name in names()]
    assert len({network.magic for network in networks}) == len(networks)
    assert len({network.port for network in networks}) == len(networks)
    assert len({network.rules.genesis for network in networks}) == len(networks)


def test_the_registry_loads_no_chain_until_it_is_asked() -> None:
    code = "import sys, headway.networks as n; n.names(); print('headway.networks.bitcoin' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
