"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from headway import networks
from headway.cli.options import (
    Seconds,
    Size,
    bind_address,
    common_options,
    datadir_option,
    default_datadir,
    jsonl_option,
    network_option,
    peer_address,
    reach_options,
)
from headway.cli.output import Output
from headway.networks.bitcoin import MAINNET, REGTEST
from headway.types import Address


@click.command()
@network_option
@datadir_option
@reach_options
@common_options
def command(**options: Any) -> None:
    """Gives back what it was called with."""
    click.get_current_context().obj.update(options)


def called(*words: str, **environment: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    result = CliRunner().invoke(command, words, obj=options, env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return options


def test_network_is_a_value_bitcoin_unless_told() -> None:
    assert called()["network"] is MAINNET
    assert called("--network", "regtest")["network"] is REGTEST
    assert called(HEADWAY_NETWORK="regtest")["network"] is REGTEST
    assert called("--network", "bitcoin", HEADWAY_NETWORK="regtest")["network"] is MAINNET


def test_unknown_network_names_the_known_ones() -> None:
    result = CliRunner().invoke(command, ["--network", "regtset"])
    assert result.exit_code == 2
    assert "no network is named 'regtset'; there are bitcoin, testnet3" in result.output


def test_network_may_be_the_file_of_a_private_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    key = "02b3622bf4017bdfe317c58aed5f4c753f206b7db896046fa7d774bbc4bf7f8dc2"
    path.write_text(f'chain = "neo3"\nmagic = 7\ncommittee = ["{key}"]\nname = "mine"')
    assert called("--network", str(path))["network"].name == "mine"
    path.write_text("chain = 3")
    result = CliRunner().invoke(command, ["--network", str(path)])
    assert result.exit_code == 2
    assert "no magic; chain, magic" in result.output


def test_help_lists_every_network() -> None:
    said = CliRunner().invoke(command, ["--help"]).output
    assert all(name in said for name in networks.names())
    assert "path of a file" in said


def test_data_directory_is_as_given_or_of_the_user_and_network(home: Path) -> None:
    assert called("--datadir", "here")["datadir"] == Path("here")
    assert called(HEADWAY_DATADIR="there")["datadir"] == Path("there")
    assert called()["datadir"] is None
    assert default_datadir(REGTEST) == home / "headway" / "regtest"


def test_proxies_are_as_given_or_of_the_environment() -> None:
    assert (called()["proxy"], called()["onion"]) == (None, None)
    options = called("--proxy", "127.0.0.1:1", "--onion", "0")
    assert (options["proxy"], options["onion"]) == ("127.0.0.1:1", "0")
    options = called("--onion", "127.0.0.1:2", HEADWAY_PROXY="127.0.0.1:1", HEADWAY_ONION="0")
    assert (options["proxy"], options["onion"]) == ("127.0.0.1:1", "127.0.0.1:2")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], (False, False, False, None)),
        (["--json"], (True, False, False, None)),
        (["-q", "-v"], (False, True, True, None)),
        (["--color", "always"], (False, False, False, True)),
        (["--color", "never"], (False, False, False, False)),
    ],
    ids=["none", "json", "quiet verbose", "always", "never"],
)
def test_common_options_arrive_as_one_output(words: list[str], expected: tuple[object, ...]) -> None:
    output = called(*words)["output"]
    assert isinstance(output, Output)
    assert (output.json, output.quiet, output.verbose, output.color) == expected


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", Address("192.0.2.1", 18444)),
        ("192.0.2.1:1", Address("192.0.2.1", 1)),
        ("[::1]:2", Address("::1", 2)),
        ("::1", Address("::1", 18444)),
    ],
)
def test_peer_address_takes_the_port_of_the_network(text: str, address: Address) -> None:
    assert peer_address(text, REGTEST, "--connect") == address
    assert bind_address(text, REGTEST, "--bind") == address


@pytest.mark.parametrize("text", ["host:port", "host:99999", "", "[::1"])
def test_wrong_address_names_the_option(text: str) -> None:
    for parse in (peer_address, bind_address):
        with pytest.raises(click.BadParameter) as caught:
            parse(text, REGTEST, "--connect")
        assert caught.value.param_hint == "--connect"


def test_any_port_may_be_listened_on_but_not_dialled() -> None:
    assert bind_address("127.0.0.1:0", REGTEST, "--bind") == Address("127.0.0.1", 0)
    assert bind_address("[::1]:0", REGTEST, "--bind") == Address("::1", 0)
    with pytest.raises(click.BadParameter, match="port 0"):
        peer_address("127.0.0.1:0", REGTEST, "--connect")


@click.command()
@jsonl_option
@common_options
def listing(**options: Any) -> None:
    click.get_current_context().obj.update(options)


def test_jsonl_is_for_commands_with_many_items_and_not_with_json() -> None:
    options: dict[str, Any] = {}
    assert CliRunner().invoke(listing, ["--jsonl"], obj=options, catch_exceptions=False).exit_code == 0
    assert (options["output"].jsonl, options["output"].json) == (True, False)
    assert called()["output"].jsonl is False
    result = CliRunner().invoke(listing, ["--jsonl", "--json"], obj=options)
    assert (result.exit_code, "exclude each other" in result.output) == (2, True)
    assert CliRunner().invoke(command, ["--jsonl"]).exit_code == 2


@pytest.mark.parametrize("word", ["nan", "inf", "-1", "soon"])
def test_time_ends(word: str) -> None:
    with pytest.raises(click.BadParameter):
        Seconds(0).convert(word, None, None)
    assert Seconds(0).convert("2.5", None, None) == 2.5


def test_who_is_to_be_a_peer_and_how_peers_are_reached_is_said_in_one_way() -> None:
    plain = called()
    assert (plain["connect"], plain["peers_file"], plain["onlynet"]) == ((), None, ())
    assert (plain["addnode"], plain["seednode"]) == ((), ())
    assert (plain["dnsseed"], plain["cjdnsreachable"]) == (True, False)
    said = called(
        *("--connect", "a:1", "--connect", "b:2", "--peers-file", "peers.txt", "--no-dnsseed"),
        *("--addnode", "c:3", "--addnode", "d:4", "--seednode", "e:5"),
        *("--onlynet", "onion", "--onlynet", "cjdns", "--cjdnsreachable"),
    )
    assert (said["connect"], said["peers_file"]) == (("a:1", "b:2"), Path("peers.txt"))
    assert (said["addnode"], said["seednode"]) == (("c:3", "d:4"), ("e:5",))
    assert (said["dnsseed"], said["onlynet"], said["cjdnsreachable"]) == (False, ("onion", "cjdns"), True)
    assert CliRunner().invoke(command, ["--onlynet", "tor"]).exit_code == 2


@pytest.mark.parametrize(
    ("word", "size"),
    [
        ("1", 1),
        ("1000000", 1_000_000),
        ("550MB", 550_000_000),
        ("550 mb", 550_000_000),
        ("1.5GB", 1_500_000_000),
        ("2kB", 2_000),
        ("1TB", 10**12),
        ("550MiB", 550 * 2**20),
        ("2GiB", 2**31),
        ("0.5KiB", 512),
    ],
)
def test_size_is_bytes_or_has_a_unit(word: str, size: int) -> None:
    assert Size().convert(word, None, None) == size


@pytest.mark.parametrize(
    "word", ["", "MB", "x", "-1", "0", "0.1", "1e9", "550M", "5 0MB", "1_000", "٣", "9" * 30, "1.GB"]
)
def test_what_is_no_size_is_refused(word: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is no size: a number, and kB, MB, GB or TB|is less than a byte"):
        Size().convert(word, None, None)
