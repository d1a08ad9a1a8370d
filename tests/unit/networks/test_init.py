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
    assert {"bitcoin", "testnet3", "testnet4", "signet", "regtest", "neo3", "neo2"} <= set(names())


def test_a_network_is_one_value_however_often_it_is_asked_for() -> None:
    assert network_named("bitcoin") is network_named("bitcoin")


@pytest.mark.parametrize("name", ["", "mainnet", "Bitcoin", "headway.networks.bitcoin"])
def test_an_unknown_name_is_an_error_that_lists_the_known(name: str) -> None:
    with pytest.raises(ConfigError, match="bitcoin, testnet3, testnet4, signet, regtest"):
        network_named(name)


def test_networks_do_not_share_magic_or_genesis() -> None:
    networks = [network_named(name) for name in names()]
    assert len({network.magic for network in networks}) == len(networks)
    assert len({network.rules.genesis for network in networks}) == len(networks)


def test_only_neo_s_generations_share_their_ports() -> None:
    """N3 took over the ports of Legacy, and its seeds the names."""
    by_port: dict[int, list[str]] = {}
    for name in names():
        by_port.setdefault(network_named(name).port, []).append(name)
    assert [shared for shared in by_port.values() if len(shared) > 1] == [
        ["neo3", "neo2"],
        ["neo3-testnet", "neo2-testnet"],
    ]


def test_the_registry_loads_no_chain_until_it_is_asked() -> None:
    code = "import sys, headway.networks as n; n.names(); print('headway.networks.bitcoin' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("path", ["private.toml", "./private", "/etc/private", "dir\\private", ".toml"])
def test_a_path_is_read_by_the_caller(path: str) -> None:
    asked: list[str] = []

    def read(name: str) -> str:
        asked.append(name)
        return 'chain = "neo4"'

    with pytest.raises(ConfigError) as caught:
        network_named(path, read)
    assert str(caught.value) == f"{path}: no magic; chain, magic, committee must be there"
    assert asked == [path]
    with pytest.raises(ConfigError, match="nobody reads files here"):
        network_named(path)


def test_a_file_gives_the_network_that_it_describes() -> None:
    key = "02b3622bf4017bdfe317c58aed5f4c753f206b7db896046fa7d774bbc4bf7f8dc2"
    text = f'chain = "neo2"\nmagic = 1\ncommittee = ["{key}"]\nname = "mine"'
    assert network_named("mine.toml", lambda _: text).name == "mine"
