"""`headway peers import`: each kind of file is told by what is in it, and taken over whole or not at all."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from headway.networks import network_named
from headway.store.core_bans import write_banlist
from headway.store.core_peers import write_anchors_dat, write_peers_dat
from headway.store.peers import PeerStore
from headway.types import Address, Ban, BookRecords, PeerRecord
from tests.interop.cli import HEADWAY
from tests.unit.cli.peers.conftest import BOOK, FRESH, GOOD, NOW, Peers

BITCOIN = network_named("bitcoin")


def peers_dat(tmp_path: Path, network: str = "bitcoin") -> Path:
    path = tmp_path / f"{network}.dat"
    write_peers_dat(path, BookRecords(bytes(32), BOOK), network_named(network))
    return path


def test_all_kinds_at_once(empty: Peers, tmp_path: Path) -> None:
    text, anchors, bans = (tmp_path / name for name in ("some.txt", "some.dat", "some.json"))
    text.write_text("# ours\n8.8.8.8\n8.8.4.4:99\n1.2.3.4:8333\n")
    write_anchors_dat(anchors, [Address("7.7.7.7", 8333)], BITCOIN)
    write_banlist(bans, [Ban("6.0.0.0/8", NOW + 86_400), Ban("5.5.5.5/32", NOW - 1), Ban("nobody", NOW + 86_400)])
    found = empty.json("import", peers_dat(tmp_path), text, anchors, bans)["files"]
    assert [(each["format"], each["entries"], each["new"], each["passed_over"]) for each in found] == [
        ("peers.dat", 4, 4, 0),
        ("peers-file", 3, 2, 0),
        ("anchors.dat", 1, 1, 0),
        ("banlist.json", 3, 1, 2),
    ]
    assert [ban["address"] for ban in empty.json("ban")["bans"]] == ["6.0.0.0/8"]
    book = {each["address"]: each for each in empty.json("book")["addresses"]}
    assert (book["1.2.3.4"]["table"], book["1.2.3.4"]["last_success"]) == ("tried", GOOD.last_success)
    assert (book["8.8.8.8"]["port"], book["8.8.4.4"]["port"], book["2a01::1"]["table"]) == (8333, 99, "new")
    with PeerStore.open(empty.datadir, BITCOIN) as store:
        assert store.load().anchors == (Address("7.7.7.7", 8333),)


def test_second_time_nothing_is_new(empty: Peers, tmp_path: Path) -> None:
    path = peers_dat(tmp_path)
    empty("import", path)
    assert empty("import", path) == 0
    assert empty.out == f"{path}: peers.dat, 4 entries, 0 new, 0 passed over\n"


def test_neo_network_takes_a_peers_file_and_no_file_of_core(empty: Peers, tmp_path: Path) -> None:
    empty.network = "neo3"
    text = tmp_path / "peers.txt"
    text.write_text("1.2.3.4\n")
    assert empty("import", text) == 0
    assert empty.addresses() == ["1.2.3.4:10333"]
    assert empty("import", peers_dat(tmp_path)) == 2
    assert "of another network than neo3" in empty.err


def test_where_one_file_is_bad_none_is_taken(peers: Peers, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("8.8.8.8\n")
    bad.write_text("8.8.4.4\nhost:port\n")
    assert peers("import", good, bad) == 2
    assert f"{bad}, line 2: not a port" in peers.err
    assert peers.json("book")["known"] == len(BOOK)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xf9\xbe\xb4\xd9" + bytes(60), "damaged, or no such file of Bitcoin Core: its checksum is wrong"),
        (b'{"banned_nets": 5}', "there is no list 'banned_nets' in it"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not text"),
        (bytes(5), "its checksum is wrong"),
    ],
)
def test_bad_file_is_exit_2(peers: Peers, tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "file").write_bytes(content)
    assert peers("import", tmp_path / "file") == 2
    assert complaint in peers.err


def test_file_that_is_not_there_is_exit_2(peers: Peers, tmp_path: Path) -> None:
    assert peers("import", tmp_path / "none") == 2
    assert "cannot read the peers file" in peers.err
    assert peers("import", tmp_path) == 2


def test_peers_file_may_come_from_stdin(empty: Peers) -> None:
    words = [HEADWAY, "peers", "import", "-", "--datadir", empty.datadir, "--json"]
    done = subprocess.run([*map(str, words)], input=b"8.8.8.8\n", capture_output=True, check=True)
    (file,) = json.loads(done.stdout)["files"]
    assert (file["file"], file["new"]) == ("-", 1)
    assert empty.addresses() == ["8.8.8.8:8333"]


def test_records_of_no_place_are_left_out(empty: Peers, tmp_path: Path) -> None:
    """A peers.dat of one that nobody could dial counts it as passed over."""
    path = tmp_path / "peers.dat"
    local = PeerRecord(Address("127.0.0.1", 8333), "5.6.7.8", buckets=(1,))
    write_peers_dat(path, BookRecords(bytes(32), (local, FRESH)), BITCOIN)
    (file,) = empty.json("import", path)["files"]
    assert file["new"] == 1
    assert empty.addresses() == [str(FRESH.address)]
