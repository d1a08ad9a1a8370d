"""`headway peers book`: each address with all that is known of it."""

from __future__ import annotations

import json
import time

import pytest

from headway.cli.output import Output
from headway.cli.peers.book import HEADING, Line, age, line_text, lines_of
from headway.cli.peers.kept import opened
from headway.networks import network_named
from headway.types import Address, PeerMerit, PeerRecord
from tests.unit.cli.peers.conftest import BOOK, FRESH, GOOD, NOW, ONION, STRANGER, Peers


def test_tried_come_first_the_last_good_before(peers: Peers) -> None:
    assert peers("book") == 0
    assert [line.split()[0] for line in peers.out.splitlines()] == [
        str(record.address) for record in (STRANGER, GOOD, FRESH, ONION)
    ]
    assert "4 addresses, 2 of them tried; shown: 4" in peers.err


def test_json_is_one_object_with_the_words_of_getnodeaddresses(peers: Peers) -> None:
    found = peers.json("book")
    assert (found["network"], found["known"], found["tried"], len(found["addresses"])) == ("bitcoin", 4, 2, 4)
    assert found["addresses"][1] == {
        "time": NOW - 120,
        "services": 73,
        "servicesnames": ["NETWORK", "WITNESS", "COMPACT_FILTERS"],
        "address": "1.2.3.4",
        "port": 8333,
        "network": "ipv4",
        "table": "tried",
        "source": "5.6.7.8",
        "last_tried": NOW - 7_200,
        "last_success": NOW - 3_600,
        "failures": 1,
        "other_chain": False,
        "banned_until": 0,
        "discouraged_until": 0,
        "subver": "/Satoshi:27.0.0/",
        "version": 70_016,
        "height": 800_000,
        "minping": 0.0255,
        "blocks_per_second": 12.34,
        "ends": {"STALLED": 2},
    }
    assert peers("book", "--jsonl") == 0
    assert [json.loads(line) for line in peers.out.splitlines()] == found["addresses"]


def test_limit_and_tried(peers: Peers) -> None:
    found = peers.json("book", "--tried")["addresses"]
    assert [each["address"] for each in found] == ["9.9.9.9", "1.2.3.4"]
    found = peers.json("book", "--limit", 1)
    assert (found["known"], [each["address"] for each in found["addresses"]]) == (4, ["9.9.9.9"])


def test_ban_of_a_network_is_told_with_its_addresses(peers: Peers) -> None:
    before = int(time.time())
    peers("ban", "1.2.0.0/16", "--for", 1000)
    after = int(time.time()) + 1
    line = next(each for each in peers.json("book")["addresses"] if each["address"] == "1.2.3.4")
    assert before + 1000 <= line["banned_until"] <= after + 1000
    peers("book")
    assert "banned for 16m" in peers.out


def test_line_has_its_columns_under_the_heading() -> None:
    line = line_text(Line(GOOD, 0, NOW + 7_300), NOW)
    assert line == (
        "1.2.3.4:8333                 ipv4    tried    2m    2h    1h     1   26ms   12.3  "
        "NETWORK,WITNESS,COMPACT_FILTERS; discouraged for 2h; /Satoshi:27.0.0/"
    )
    assert HEADING.index("services") == line.index("NETWORK")
    assert HEADING.index("ping") + 4 == line.index("26ms") + 4
    bare = line_text(Line(PeerRecord(Address("127.0.0.1", 1)), 0, 0), NOW)
    assert bare.split() == ["127.0.0.1:1", "npr", "new", "-", "-", "-", "0", "-", "-", "-"]


def test_words_of_peers_are_harmless_on_a_terminal(empty: Peers) -> None:
    empty.fill(PeerRecord(Address("8.8.8.8", 1), "1.1.1.1", tried=True, merit=PeerMerit("/\x1b[2J\u202e/")))
    assert empty("book") == 0
    assert "\x1b" not in empty.out
    assert "/?[2J?/" in empty.out


def test_neo_network_has_a_book_too(empty: Peers) -> None:
    empty.network = "neo3"
    empty.fill(PeerRecord(Address("1.2.3.4", 10_333), "5.6.7.8", tried=True, merit=PeerMerit("/Neo:3.7.4/")))
    assert empty("book") == 0
    assert empty.out.startswith("1.2.3.4:10333 ")
    assert empty.out.endswith("  -; /Neo:3.7.4/\n")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (-5, "0s"), (59, "59s"), (60, "1m"), (7_199, "1h"), (86_400, "1d")],
)
def test_age_is_short(seconds: int, words: str) -> None:
    assert age(1_700_000_000 - seconds, 1_700_000_000) == words


def test_what_never_happened_has_no_age() -> None:
    assert age(0, 1_700_000_000) == "-"


def test_every_entry_of_a_book_is_a_line(peers: Peers) -> None:
    with opened(network_named("bitcoin"), peers.datadir, Output()) as kept:
        assert {line.record for line in lines_of(kept, NOW)} == set(BOOK)
