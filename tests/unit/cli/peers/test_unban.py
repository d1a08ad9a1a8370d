"""`headway peers unban`: bans taken back."""

from __future__ import annotations

from tests.unit.cli.peers.conftest import Peers


def bans(peers: Peers) -> list[str]:
    return [ban["address"] for ban in peers.json("ban")["bans"]]


def test_bans_are_taken_back_by_their_names(peers: Peers) -> None:
    peers("ban", "1.2.3.4", "8.8.8.0/24", "9.9.9.9")
    assert peers("unban", "1.2.3.4", "8.8.8.0/24") == 0
    assert peers.out == "1.2.3.4\n8.8.8.0/24\n"
    assert bans(peers) == ["9.9.9.9/32"]
    assert "1.2.3.4:8333" in peers.addresses()


def test_all_of_them(peers: Peers) -> None:
    peers("ban", "1.2.3.4", "8.8.8.0/24")
    assert peers.json("unban", "--all")["lifted"] == ["1.2.3.4/32", "8.8.8.0/24"]
    assert bans(peers) == []


def test_host_within_a_network_is_no_ban_and_nothing_is_changed(peers: Peers) -> None:
    peers("ban", "8.8.8.0/24")
    assert peers("unban", "8.8.8.0/24", "8.8.8.8") == 2
    assert "there is no ban of 8.8.8.8: `headway peers ban` prints those that there are" in peers.err
    assert bans(peers) == ["8.8.8.0/24"]


def test_what_is_no_network_is_exit_2(peers: Peers) -> None:
    assert peers("unban", "x.example") == 2
    assert "not an address that can be banned" in peers.err


def test_something_must_be_named_and_not_twice(peers: Peers) -> None:
    for words in ([], ["1.2.3.4", "--all"]):
        assert peers("unban", *words) == 2
        assert "name the bans to be taken back, or --all of them" in peers.err
