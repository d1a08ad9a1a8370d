"""`headway peers ban`: what it bans, for how long, and what it prints."""

from __future__ import annotations

import pytest

from headway.cli.peers.ban import ban_text
from headway.types import Ban
from tests.unit.cli.peers.conftest import NOW, Peers


def test_bans_are_listed_in_the_words_of_core(peers: Peers) -> None:
    made = peers.json("ban", "1.2.3.4", "2a01::5/32", "--for", 60, "--reason", "mine")["bans"]
    assert [(ban["address"], ban["ban_duration"], ban["reason"]) for ban in made] == [
        ("1.2.3.4/32", 60, "mine"),
        ("2a01::/32", 60, "mine"),
    ]
    assert all(ban["banned_until"] == ban["ban_created"] + 60 and ban["ban_created"] >= NOW for ban in made)
    assert peers.json("ban")["bans"] == made


def test_ban_is_for_a_day_where_nothing_is_said(empty: Peers) -> None:
    empty.network = "neo3"
    (made,) = empty.json("ban", "8.8.8.0/24")["bans"]
    assert made["ban_duration"] == 86_400
    assert empty("ban") == 0
    assert empty.out.startswith("8.8.8.0/24                   until 2")


def test_ban_that_has_ended_is_not_listed(peers: Peers) -> None:
    peers("ban", "1.2.3.4", "--for", 1)
    peers("ban", "1.2.3.4", "--for", 1000)
    assert [ban["ban_duration"] for ban in peers.json("ban")["bans"]] == [1000]


@pytest.mark.parametrize("word", ["nobody.example", "1.2.3.4/33", "1.2.3.4:8333", ""])
def test_what_cannot_be_banned_is_exit_2_and_bans_nobody(peers: Peers, word: str) -> None:
    assert peers("ban", "1.2.3.4", word) == 2
    assert "not an address that can be banned" in peers.err
    assert peers.json("ban")["bans"] == []


@pytest.mark.parametrize("seconds", ["0", "nan", "inf", "1e300"])
def test_time_that_is_none_is_exit_2(peers: Peers, seconds: str) -> None:
    assert peers("ban", "1.2.3.4", "--for", seconds) == 2


def test_line_of_a_ban() -> None:
    assert ban_text(Ban("1.2.3.4/32", 1_700_000_000)) == "1.2.3.4/32                   until 2023-11-14T22:13:20Z"
    assert ban_text(Ban("1.2.3.4/32", 1_700_000_000, reason="x")).endswith("20Z  x")
