"""`headway peers export`: files that headway and Bitcoin Core read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.networks import network_named
from headway.store.core_bans import read_banlist
from headway.store.core_peers import read_peers_dat
from headway.store.peers_file import read_peers_file
from headway.types import Address, PeerRecord
from tests.unit.cli.peers.conftest import BOOK, FRESH, GOOD, ONION, STRANGER, Peers

BITCOIN = network_named("bitcoin")


def test_peers_file_has_the_best_first(peers: Peers, tmp_path: Path) -> None:
    file = tmp_path / "peers.txt"
    assert peers.json("export", file, "--format", "peers-file") == {
        "network": "bitcoin",
        "format": "peers-file",
        "entries": 4,
    }
    assert read_peers_file(file, 1) == tuple(each.address for each in (STRANGER, GOOD, FRESH, ONION))


def test_peers_dat_is_read_as_it_was(peers: Peers, tmp_path: Path) -> None:
    assert peers.json("export", tmp_path / "peers.dat", "--format", "peers.dat")["entries"] == 4
    records = read_peers_dat(tmp_path / "peers.dat", BITCOIN).records
    assert {(each.address, each.tried, each.last_success) for each in records.peers} == {
        (each.address, each.tried, each.last_success) for each in BOOK
    }


def test_banlist_has_the_bans_of_the_operator(peers: Peers, tmp_path: Path) -> None:
    peers("ban", "8.8.8.0/24")
    assert peers.json("export", tmp_path / "bans", "--format", "banlist.json")["entries"] == 1
    (ban,), passed_over = read_banlist(tmp_path / "bans")
    assert (ban.subnet, passed_over) == ("8.8.8.0/24", 0)


def test_what_is_exported_can_be_imported(peers: Peers, tmp_path: Path) -> None:
    peers("export", tmp_path / "peers.dat", "--format", "peers.dat")
    other = Peers(peers._capsys, tmp_path / "other")
    assert other.json("import", tmp_path / "peers.dat")["files"][0]["new"] == 4
    known = [{(each["address"], each["table"]) for each in book.json("book")["addresses"]} for book in (peers, other)]
    assert known[0] == known[1]


def test_stdout_holds_the_file_and_nothing_else(empty: Peers) -> None:
    empty.network = "neo2"
    empty.fill(PeerRecord(Address("1.2.3.4", 10_333), "5.6.7.8", tried=True))
    assert empty("export", "-", "--format", "peers-file") == 0
    assert empty.out == "# neo2: the best first\n1.2.3.4:10333\n"
    assert empty.err == "exported: 1 entries as peers-file\n"
    assert empty("export", "-", "--format", "peers-file", "--json") == 2
    assert "name a file" in empty.err


def test_file_that_exists_is_replaced_by_force_alone(peers: Peers, tmp_path: Path) -> None:
    file = tmp_path / "peers.txt"
    file.write_text("mine")
    assert peers("export", file, "--format", "peers-file") == 1
    assert f"{file} exists: choose another name, or replace it with --force" in peers.err
    assert file.read_text() == "mine"
    assert peers("export", file, "--format", "peers-file", "--force") == 0
    assert "1.2.3.4:8333" in file.read_text()


@pytest.mark.parametrize("network", ["neo3", "neo2"])
def test_neo_has_no_peers_dat(empty: Peers, network: str, tmp_path: Path) -> None:
    empty.network = network
    empty.fill()
    assert empty("export", tmp_path / "x", "--format", "peers.dat") == 2
    assert f"a peers.dat is of Bitcoin Core, which is no node of {network}" in empty.err
