"""`headway peers find`: addresses that offer something, in a form that can be fed back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headway.store.peers_file import read_peers_file
from headway.types import Address, PeerMerit, PeerRecord
from tests.unit.cli.peers.conftest import FRESH, GOOD, ONION, Peers


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], [GOOD, FRESH, ONION]),
        (["--service", "WITNESS"], [GOOD, ONION]),
        (["--service", "witness", "--service", "compact_filters"], [GOOD]),
        (["--service", "BLOOM"], []),
        (["--net", "onion"], [ONION]),
        (["--net", "onion", "--net", "ipv6"], [FRESH, ONION]),
        (["--agent", "satoshi:27"], [GOOD]),
        (["--agent", "btcd"], []),
        (["--tried"], [GOOD]),
        (["--limit", "2"], [GOOD, FRESH]),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_addresses_that_suit_are_printed_the_best_first(
    peers: Peers, words: list[str], found: list[PeerRecord]
) -> None:
    assert peers("find", *words) == 0
    assert peers.out.splitlines() == [str(record.address) for record in found]
    assert f"found: {len(found)} of 4 addresses" in peers.err


def test_found_addresses_are_a_peers_file(peers: Peers, tmp_path: Path) -> None:
    peers("find", "-q")
    assert peers.err == ""
    (tmp_path / "peers").write_text(peers.out)
    assert read_peers_file(tmp_path / "peers", 1) == (GOOD.address, FRESH.address, ONION.address)


def test_whom_we_leave_alone_is_not_found(peers: Peers) -> None:
    peers("ban", "1.2.3.4")
    assert peers.addresses() == [str(FRESH.address), str(ONION.address)]


def test_json_and_jsonl(peers: Peers) -> None:
    found = peers.json("find", "--agent", "satoshi")
    assert [(each["address"], each["table"]) for each in found["addresses"]] == [("1.2.3.4", "tried")]
    assert peers("find", "--agent", "satoshi", "--jsonl") == 0
    assert [json.loads(line) for line in peers.out.splitlines()] == found["addresses"]


@pytest.mark.parametrize("words", [["--service", "MINING"], ["--net", "tor"], ["--limit", "0"]])
def test_wrong_word_is_exit_2(peers: Peers, words: list[str]) -> None:
    assert peers("find", *words) == 2


def test_neo_peers_are_found_by_their_agents(empty: Peers) -> None:
    empty.network = "neo2"
    empty.fill(PeerRecord(Address("1.2.3.4", 10_333), "5.6.7.8", tried=True, merit=PeerMerit("/NEO:2.13.0/")))
    assert empty("find", "--agent", "neo:2.13") == 0
    assert empty.out == "1.2.3.4:10333\n"
