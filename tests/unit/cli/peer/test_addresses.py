"""`headway peer addresses`: what a peer knows of others, in a form that can be fed back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headway.cli import main
from headway.cli.output import Exit, Output
from headway.cli.peer import addresses
from headway.cli.peer.addresses import Book, address_line
from headway.store.peers_file import read_peers_file
from headway.types import Address
from headway.wire import messages as m
from tests.unit.cli.peer.conftest import KNOWN, answering, remote


@pytest.fixture(autouse=True)
def no_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "LINGER", 0.0)


def words(address: str, *more: str) -> list[str]:
    return ["peer", "addresses", address, "--network", "regtest", *more]


def test_addresses_are_a_peers_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with remote(on_getaddr=answering(m.Addr(KNOWN))) as address:
        assert main(words(address)) == Exit.DONE
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "203.0.113.7:18444        # NETWORK, WITNESS; seen 2023-11-14T22:13:20Z",
        "[2001:db8::1]:8333       # no services; seen unknown",
    ]
    assert printed.err == "addresses told: 2\n"
    (tmp_path / "peers").write_text(printed.out)
    assert read_peers_file(tmp_path / "peers", 1) == KNOWN


def test_json_has_the_names_of_getnodeaddresses(capsys: pytest.CaptureFixture[str]) -> None:
    with remote(on_getaddr=answering(m.Addr(KNOWN))) as address:
        assert main(words(address, "--json")) == Exit.DONE
        found = json.loads(capsys.readouterr().out)
        assert main(words(address, "--jsonl")) == Exit.DONE
        lines = capsys.readouterr().out.splitlines()
    assert found["addr"] == address
    assert [json.loads(line) for line in lines] == found["addresses"]
    assert found["addresses"][0] == {
        "time": 1_700_000_000,
        "services": 9,
        "servicesnames": ["NETWORK", "WITNESS"],
        "address": "203.0.113.7",
        "port": 18444,
        "network": "not_publicly_routable",
    }


def test_silence_is_exit_4_and_what_came_unasked_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """One address of the remote itself is an announcement, as nodes make it after the handshake."""
    itself = Address("127.0.0.1", 18444, services=1)
    with remote(on_getaddr=answering(m.Addr((itself,)))) as address:
        assert main(words(address, "--timeout", "2")) == Exit.INCOMPLETE
    printed = capsys.readouterr()
    assert printed.out.startswith("127.0.0.1:18444 ")
    assert "the peer did not answer getaddr within 2 s" in printed.err


def test_what_cannot_be_dialled_is_counted_and_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    book = Book(Output())
    book.take(None, m.Addr((Address("192.0.2.1", 0), Address("bad host", 1), KNOWN[0], KNOWN[0])))
    assert (list(book.found), book.unusable) == ([KNOWN[0]], 2)
    assert capsys.readouterr().out.count("\n") == 1


def test_book_takes_no_more_than_its_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    assert addresses.MAX_ADDRESSES == 20_000
    monkeypatch.setattr(addresses, "MAX_ADDRESSES", 300)
    book = Book(Output(json=True))
    for number in range(4):
        book.take(None, m.Addr(tuple(Address(f"10.{number}.0.{at}", 1) for at in range(100))))
    assert len(book.found) == 300


def test_line_of_a_remote_with_odd_claims_is_still_a_line() -> None:
    address = Address("abc.onion", 1, services=1 << 63, last_seen=1 << 40)
    assert address_line(address) == f"abc.onion:1              # UNKNOWN[2^63]; seen {1 << 40}"
