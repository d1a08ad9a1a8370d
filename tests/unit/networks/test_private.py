"""Private networks of Neo from text: what becomes of it, and every mistake by the name of its key."""

from __future__ import annotations

import pytest

from headway.errors import ConfigError
from headway.network import Network
from headway.networks.neo2.rules import Neo2Rules
from headway.networks.neo3.rules import Neo3Rules
from headway.networks.private import network_from_toml
from headway.types import Address, hash_hex
from tests.neodata import vectors

KEY = "02b3622bf4017bdfe317c58aed5f4c753f206b7db896046fa7d774bbc4bf7f8dc2"
OTHER = "02103a7f7dd016558597f7960d27c516a4394fd968b9e65155eb4b013e4040406e"
BASE = {"chain": '"neo3"', "magic": "56753", "committee": f'["{KEY}"]'}


def toml(**keys: str | None) -> str:
    """The text of a good file with some keys changed, added, or (None) left out."""
    return "\n".join(f"{key} = {value}" for key, value in {**BASE, **keys}.items() if value is not None)


def genesis_of(network: Network) -> str:
    return hash_hex(network.rules.root.hash)


def committee(generation: str, name: str) -> str:
    network = vectors(generation)["networks"][name]
    return repr(network.get("standby_validators") or network["standby_committee"])


def test_the_least_that_is_needed() -> None:
    network = network_from_toml(toml())
    assert (network.name, network.port, network.magic) == ("neo3-private-56753", 20333, b"\xb1\xdd\0\0")
    assert genesis_of(network) == "625b01600e23640e605f4faafafa7490eb1daece2d0db4c4572905de56c278fe"
    assert (network.dns_seeds, network.fixed_seeds) == ((), ())


def test_everything_that_can_be_said() -> None:
    network = network_from_toml(
        toml(
            committee=committee("n3", "mainnet"),
            validators="7",
            magic="860833102",
            seeds='["127.0.0.1:20334", "[::1]:20335", "node.example"]',
            port="30333",
            name='"mine.2"',
            state_root_in_header="true",
        )
    )
    assert (network.name, network.port) == ("mine.2", 30333)
    assert network.fixed_seeds == (Address("127.0.0.1", 20334), Address("::1", 20335), Address("node.example", 30333))
    rules = network.rules
    assert isinstance(rules, Neo3Rules)
    assert (rules.magic, rules.validators_count, rules.state_root) == (b"NEO3", 7, True)
    assert rules.kept_size == 141


def test_the_first_of_the_committee_validate() -> None:
    network = network_from_toml(toml(committee=committee("n3", "mainnet"), validators="7"))
    assert genesis_of(network) == "1f4d1defa46faa5e7b9b8d3f79a06bec777d7c26c4aa5f6f5899a291daa87c15"


def test_legacy_takes_the_whole_committee() -> None:
    keys = committee("legacy", "privnet_coz_4cn")
    for validators in (None, "4"):
        network = network_from_toml(toml(chain='"neo2"', committee=keys, validators=validators))
        assert isinstance(network.rules, Neo2Rules)
        assert genesis_of(network) == "996e37358dc369912041f966f8c5d8d3a8255ba5dcbd3447f8a82b55db869099"
        assert network.name == "neo2-private-56753"
    with pytest.raises(ConfigError, match="validators is 3; on neo2 the whole committee signs"):
        network_from_toml(toml(chain='"neo2"', committee=keys, validators="3"))
    with pytest.raises(ConfigError, match="state_root_in_header is for"):
        network_from_toml(toml(chain='"neo2"', state_root_in_header="false"))


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"chain": None}, "no chain; chain, magic, committee must be there"),
        ({"magic": None}, "no magic"),
        ({"committee": None}, "no committee"),
        ({"seed": "[]"}, "unknown key 'seed'; there are chain, magic"),
        ({"chain": '"neo4"'}, "chain is 'neo4'; it must be one of neo2, neo3"),
        ({"chain": "3"}, "chain is 3"),
        ({"chain": "[]"}, "chain is "),
        ({"magic": '"56753"'}, "magic is '56753'; it must be a whole number from 1 to 4294967295"),
        ({"magic": "0"}, "magic is 0"),
        ({"magic": "4294967296"}, "magic is 4294967296"),
        ({"magic": "1.0"}, "magic is 1.0"),
        ({"magic": "true"}, "magic is True"),
        ({"port": "0"}, "port is 0; it must be a whole number from 1 to 65535"),
        ({"port": "65536"}, "port is 65536"),
        ({"validators": "0"}, "validators is 0; it must be a whole number from 1 to 1"),
        ({"validators": "2"}, "validators is 2"),
        ({"committee": "[]"}, "committee must be a list of 1 to 1024 keys in hex"),
        ({"committee": f'"{KEY}"'}, "committee must be a list"),
        ({"committee": "[1]"}, r"committee\[0\] is 1; it must be a compressed P-256 key"),
        ({"committee": f'["{KEY}", "zz"]'}, r"committee\[1\] is 'zz'"),
        ({"committee": f'["05{KEY[2:]}"]'}, r"committee\[0\] is '05"),
        ({"committee": f'["{KEY[:-2]}"]'}, r"committee\[0\] is '02b3"),
        ({"committee": f'["02{"f" * 64}"]'}, r"committee\[0\] is '02ff"),
        ({"committee": f'["{KEY}", "{OTHER}", "{KEY.upper()}"]'}, "committee names a key twice"),
        ({"seeds": '"127.0.0.1"'}, "seeds must be a list of addresses"),
        ({"seeds": "[1]"}, "seeds must be a list of addresses"),
        ({"seeds": '["a b:1"]'}, "seeds: not an address"),
        ({"seeds": '["127.0.0.1:70000"]'}, "seeds: port 70000"),
        ({"name": '""'}, "name is ''; it must have 1 to 32 letters"),
        ({"name": '"../../etc"'}, "name is '../../etc'"),
        ({"name": '".hidden"'}, "name is '.hidden'"),
        ({"name": f'"{"n" * 33}"'}, "name is 'nnn"),
        ({"name": '"mine\\n"'}, "it must have 1 to 32 letters"),
        ({"name": "1"}, "name is 1"),
        ({"name": '"neo3"'}, "name is 'neo3', which is a public network; choose another"),
        ({"state_root_in_header": "1"}, "state_root_in_header is 1; it must be true or false"),
    ],
)
def test_every_mistake_names_its_key(keys: dict[str, str | None], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        network_from_toml(toml(**keys))


def test_text_that_is_no_toml_is_refused() -> None:
    for text in ("chain", "chain = neo3", "[", "\0"):
        with pytest.raises(ConfigError, match="this is no TOML"):
            network_from_toml(text)
