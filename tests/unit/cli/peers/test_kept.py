"""The address book of a data directory, opened by a command."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from headway.cli.output import Output
from headway.cli.peers.kept import opened
from headway.errors import StoreError
from headway.networks import network_named
from headway.store.disk import Disk
from headway.store.lock import Lock
from headway.store.peers import NAME, PeerStore
from headway.types import Address, BookChanges
from tests.unit.cli.peers.conftest import BOOK, GOOD, NOW, Peers

BITCOIN = network_named("bitcoin")


def test_anchors_are_there_again_after_a_look_and_after_an_error(empty: Peers) -> None:
    empty.fill(GOOD, anchors=(GOOD.address,))
    with opened(BITCOIN, empty.datadir, Output()) as book:
        assert list(book.records().peers) == [GOOD]
    with pytest.raises(ValueError, match="not an address"), opened(BITCOIN, empty.datadir, Output()) as book:
        book.bans.ban("8.8.8.8" * book.add(Address("8.8.8.8", 8333)) + "x", created=0)
    with PeerStore.open(empty.datadir, BITCOIN) as store:
        records = store.load()
    assert (records.peers, records.anchors) == ((GOOD,), (GOOD.address,))


def test_what_becomes_of_the_book_is_kept(empty: Peers) -> None:
    with opened(BITCOIN, empty.datadir, Output(), make=True) as book:
        book.add(Address("8.8.8.8", 8333))
    with opened(BITCOIN, empty.datadir, Output()) as book:
        assert [entry.address for entry in book.entries()] == [Address("8.8.8.8", 8333)]


def test_directory_without_a_book_says_what_makes_one(empty: Peers) -> None:
    assert empty("book") == 1
    assert f"there is no address book in {empty.datadir}: `headway sync --network bitcoin` makes one" in empty.err
    assert not empty.datadir.exists()


@pytest.mark.parametrize("words", [["book"], ["find"], ["ban"], ["export", "-", "--format", "peers-file"]])
def test_what_only_looks_may_do_so_while_a_node_has_it_open(peers: Peers, words: list[str]) -> None:
    """It sees what was saved last, and changes nothing, the anchors least of all."""
    assert peers(*words) == 0, peers.err
    alone = peers.out
    new = replace(GOOD, address=Address("7.7.7.7", 8333, 9, NOW))
    with closing(Lock(peers.datadir, Disk())), PeerStore.open(peers.datadir, BITCOIN) as store:
        key = store.load().key
        store.save(BookChanges(key, peers=(new,), anchors=(GOOD.address,)))
        assert peers(*words) == 0, peers.err
        assert ("7.7.7.7" in peers.out) == (words != ["ban"])
        assert "7.7.7.7" not in alone
    with PeerStore.open(peers.datadir, BITCOIN) as store:
        assert store.load().anchors == (GOOD.address,)


@pytest.mark.parametrize("words", [["ban", "1.2.3.4"], ["unban", "1.2.3.4"]])
def test_directory_that_is_in_use_is_exit_1(peers: Peers, words: list[str]) -> None:
    with closing(Lock(peers.datadir, Disk())):
        assert peers(*words) == 1
    assert "is in use by another headway" in peers.err
    assert peers.out == ""


def test_book_of_another_network_is_refused(peers: Peers) -> None:
    peers.network = "neo3"
    assert peers("book") == 1
    assert "bitcoin" in peers.err
    peers.network = "bitcoin"
    assert peers.json("book")["known"] == len(BOOK)


@pytest.mark.parametrize("content", [b"no database" * 1000, b""], ids=["damaged", "empty"])
def test_damaged_book_is_told_and_set_aside_by_who_changes_it(peers: Peers, content: bytes) -> None:
    (peers.datadir / NAME).write_bytes(content)
    assert peers("book") == 1
    assert f"cannot read {peers.datadir / NAME}" in peers.err
    assert "`headway sync` sets it aside and begins anew" in peers.err
    assert (peers.datadir / NAME).read_bytes() == content
    assert peers("ban", "1.2.3.4") == 0
    assert ("repaired: set " in peers.err) == (content != b"")
    assert peers.json("book")["known"] == 0


def test_directory_that_cannot_be_made_is_exit_1(empty: Peers) -> None:
    empty.datadir.write_text("a file")
    assert empty("ban", "1.2.3.4") in {1, 2}
    with pytest.raises(StoreError, match="cannot open"), opened(BITCOIN, Path("/dev/null/x"), Output(), make=True):
        pass
