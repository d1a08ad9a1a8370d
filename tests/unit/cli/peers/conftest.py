"""What tests of the actions share: a data directory with an address book in it, and the command called on it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from headway.cli import main
from headway.networks import network_named
from headway.store.peers import PeerStore
from headway.types import Address, BookChanges, Net, PeerMerit, PeerRecord
from headway.wire.host import overlay_name

NOW = int(time.time())
GOOD = PeerRecord(
    Address("1.2.3.4", 8333, 1 | 8 | 64, NOW - 120),
    "5.6.7.8",
    tried=True,
    last_tried=NOW - 7_200,
    last_success=NOW - 3_600,
    missed=1,
    merit=PeerMerit("/Satoshi:27.0.0/", 70_016, 800_000, 0.0255, 12.34, (("STALLED", 2),)),
)
FRESH = PeerRecord(Address("2a01::1", 8333, 1, NOW - 90_000), "5.6.7.8", buckets=(3,))
ONION = PeerRecord(Address(overlay_name(Net.ONION, bytes(range(32))), 8333, 1 | 8), "5.6.7.8", buckets=(5,))
STRANGER = PeerRecord(
    Address("9.9.9.9", 8333, 1), "5.6.7.8", tried=True, last_success=NOW - 60, other_chain=True, merit=PeerMerit("/x/")
)
BOOK = (GOOD, FRESH, ONION, STRANGER)


class Peers:
    """Runs `headway peers` in this process on one data directory."""

    def __init__(self, capsys: pytest.CaptureFixture[str], datadir: Path, network: str = "bitcoin") -> None:
        self._capsys = capsys
        self.datadir = datadir
        self.network = network
        self.out = self.err = ""

    def __call__(self, action: str, *words: object) -> int:
        options = ["--network", self.network, "--datadir", str(self.datadir)]
        code = main(["peers", action, *map(str, words), *options])
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, action: str, *words: object) -> dict[str, Any]:
        """The object, of a command that succeeds."""
        assert self(action, *words, "--json") == 0, self.err
        (line,) = self.out.splitlines()
        result: dict[str, Any] = json.loads(line)
        return result

    def fill(self, *records: PeerRecord, anchors: tuple[Address, ...] = ()) -> None:
        self.datadir.mkdir(exist_ok=True)
        with PeerStore.open(self.datadir, network_named(self.network)) as store:
            store.save(BookChanges(bytes(32), records, anchors=anchors))

    def addresses(self) -> list[str]:
        """As the book has them."""
        self("find")
        return self.out.splitlines()


@pytest.fixture
def empty(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Peers:
    return Peers(capsys, tmp_path / "data")


@pytest.fixture
def peers(empty: Peers) -> Peers:
    empty.fill(*BOOK)
    return empty
