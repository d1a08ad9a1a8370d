"""Bans and discouragement: who is meant, and until when."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.node.bans import MAX_DISCOURAGED, Bans, known_as, subnet_of
from headway.types import Address, Ban

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"


def banned(*texts: str, until: int = 100) -> Bans:
    bans = Bans()
    for text in texts:
        bans.ban(text, until=until, created=1)
    return bans


@pytest.mark.parametrize(
    ("text", "subnet"),
    [
        ("1.2.3.4", "1.2.3.4/32"),
        ("1.2.3.4/24", "1.2.3.0/24"),
        ("1.2.3.4/255.255.0.0", "1.2.0.0/16"),
        ("::ffff:1.2.3.4", "1.2.3.4/32"),
        ("::ffff:1.2.3.4/112", "1.2.0.0/16"),
        ("2001:DB8::1", "2001:db8::1/128"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        (ONION, ONION),
    ],
)
def test_a_ban_names_what_it_means_in_one_way(text: str, subnet: str) -> None:
    assert subnet_of(text) == subnet


@pytest.mark.parametrize("text", ["", "example.com", "1.2.3", "1.2.3.4/33", "1.2.3.4:8333", "x.onion", "\n"])
def test_what_cannot_be_banned_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="not an address that can be banned"):
        subnet_of(text)


def test_a_ban_is_of_all_hosts_in_a_network_and_of_no_other() -> None:
    bans = banned("1.2.3.0/24", "2001:db8::/32", ONION, "9.9.9.9")
    inside = ["1.2.3.0", "1.2.3.255", "::ffff:1.2.3.7", "2001:db8:ffff::1", ONION, "9.9.9.9"]
    outside = ["1.2.4.0", "1.2.2.255", "2001:db9::1", "9.9.9.8", "example.com", ONION.replace("p", "q"), "::1.2.3.4"]
    assert all(bans.is_banned(host, 99.0) for host in inside)
    assert not any(bans.is_banned(host, 99.0) for host in outside)


def test_a_ban_ends_at_its_time_and_a_new_one_takes_the_place_of_an_old() -> None:
    bans = banned("1.2.3.4", until=100)
    assert bans.is_banned("1.2.3.4", 99.9)
    assert not bans.is_banned("1.2.3.4", 100.0)
    bans.ban("1.2.3.4", until=200, created=100, reason="again\x1b")
    bans.ban("1.2.3.4/32", until=300, created=100, reason="again\x1b")
    assert bans.listed(250.0) == [Ban("1.2.3.4/32", 300, 100, by_operator=True, reason="again?")]
    assert bans.listed(300.0) == []
    assert not bans.is_banned("1.2.3.4", 250.0)


def test_a_ban_is_taken_back_by_the_name_that_it_was_given() -> None:
    bans = banned("1.2.3.0/24", "1.2.3.4")
    assert not bans.unban("1.2.0.0/16")
    assert bans.unban("1.2.3.99/24")
    assert not bans.unban("1.2.3.0/24")
    assert bans.is_banned("1.2.3.4", 1.0)
    assert not bans.is_banned("1.2.3.5", 1.0)
    assert bans.unban("1.2.3.4")
    assert bans.listed(1.0) == []


@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(20, 32)), max_size=8),
    st.integers(0, 2**32 - 1),
    st.integers(0, 7),
)
def test_bans_agree_with_a_look_at_each(networks: list[tuple[int, int]], host: int, near: int) -> None:
    texts = [f"{IPv4Address(number)}/{length}" for number, length in networks]
    bans = banned(*texts)
    if texts:
        host = networks[near % len(networks)][0] ^ 1 << near
    address = IPv4Address(host)
    expected = any(address in ip_network(text, strict=False) for text in texts)
    assert bans.is_banned(str(address), 1.0) == expected
    for text in texts:
        bans.unban(text)
    assert not bans.is_banned(str(address), 1.0)


# The discouraged.

HOST, LOCAL = Address("1.2.3.4", 8333), Address("127.0.0.1", 8333)


def test_a_host_of_the_internet_is_discouraged_with_all_its_ports_and_a_local_one_by_itself() -> None:
    bans = Bans()
    for address in (HOST, LOCAL):
        bans.discourage(address, "bad-diffbits", until=100, created=1)
    assert bans.discouraged_until(HOST, 99.0) == bans.discouraged_until(Address("1.2.3.4", 1), 99.0) == 100
    assert bans.discouraged_until(LOCAL, 99.0) == 100
    assert (bans.count_discouraged(99.0), bans.count_discouraged(100.0)) == (2, 0)
    assert bans.discouraged_until(Address("127.0.0.1", 1), 99.0) == 0
    assert [known_as(address) for address in (HOST, LOCAL)] == ["1.2.3.4", "127.0.0.1:8333"]


def test_one_port_alone_may_be_discouraged() -> None:
    bans = Bans()
    bans.discourage(HOST, "bad", until=100, created=1, alone=True)
    assert bans.discouraged_until(HOST, 1.0) == 100
    assert bans.discouraged_until(Address("1.2.3.4", 1), 1.0) == 0


def test_discouragement_ends_and_a_shorter_one_does_not_cut_a_longer_short() -> None:
    bans = Bans()
    bans.discourage(HOST, "other chain", until=500, created=1)
    bans.discourage(HOST, "bad", until=100, created=1)
    assert bans.discouraged_until(HOST, 499.0) == 500
    assert bans.discouraged_until(HOST, 500.0) == 0
    assert bans.all() == ()


def test_the_discouraged_are_bounded_and_the_oldest_makes_room() -> None:
    bans = Bans()
    for number in range(MAX_DISCOURAGED + 1):
        bans.discourage(Address(str(ip_address(0x01000000 + number)), 1), "bad", until=100, created=1)
    assert len(bans.all()) == MAX_DISCOURAGED
    assert bans.discouraged_until(Address("1.0.0.0", 1), 1.0) == 0
    assert bans.discouraged_until(Address("1.0.0.1", 1), 1.0) == 100


# What is kept.


def test_changes_are_told_once_and_of_what_was_never_kept_no_end() -> None:
    bans = banned("1.2.3.4", "5.6.7.8")
    bans.discourage(HOST, "bad", until=100, created=1)
    bans.unban("5.6.7.8")
    begun, ended = bans.take_changes()
    assert {(ban.subnet, ban.by_operator) for ban in begun} == {("1.2.3.4/32", True), ("1.2.3.4", False)}
    assert ended == ()
    assert bans.take_changes() == ((), ())
    bans.unban("1.2.3.4")
    bans.discouraged_until(HOST, 100.0)
    begun, ended = bans.take_changes()
    assert begun == ()
    assert {(ban.subnet, ban.by_operator) for ban in ended} == {("1.2.3.4/32", True), ("1.2.3.4", False)}


def test_what_was_kept_holds_again_and_nonsense_is_left_out() -> None:
    bans = banned("1.2.3.0/24", ONION)
    bans.discourage(HOST, "bad", until=100, created=1)
    begun, _ = bans.take_changes()
    again = Bans()
    again.restore((*begun, Ban("nonsense", 100), Ban("1.1.1.1/99", 100)))
    assert again.take_changes() == ((), ())
    assert again.is_banned("1.2.3.9", 1.0)
    assert again.is_banned(ONION, 1.0)
    assert again.discouraged_until(HOST, 1.0) == 100
    assert set(again.all()) == set(begun)
    again.unban("1.2.3.0/24")
    _, ended = again.take_changes()
    assert [ban.subnet for ban in ended] == ["1.2.3.0/24"]


def test_the_bans_of_the_operator_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.node.bans.MAX_BANS", 2)
    bans = banned("1.2.3.4", "5.6.7.8")
    bans.ban("1.2.3.4", until=200, created=1)
    with pytest.raises(ValueError, match="2 bans already"):
        bans.ban("9.9.9.9", until=200, created=1)


def test_end_of_a_ban_is_the_latest_of_those_that_hold() -> None:
    bans = Bans()
    assert bans.banned_until("1.2.3.4", 0.0) == 0
    bans.ban("1.2.3.4", created=1, until=100)
    bans.ban("1.2.0.0/16", created=1, until=50)
    assert [bans.banned_until("1.2.3.4", now) for now in (10.0, 60.0, 100.0)] == [100, 100, 0]
    assert [bans.banned_until("1.2.3.5", now) for now in (10.0, 60.0)] == [0, 0]
