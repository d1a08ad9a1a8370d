"""What tests of the commands share: a served regtest chain, a home of their own, and a log that is put back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from headway.networks.bitcoin import REGTEST
from headway.store import Store
from headway.testing.chain import regtest_chain, store_chain
from headway.types import hash_hex
from tests.interop.cli import Headway


class Served(NamedTuple):
    """A regtest chain that `headway serve` serves, in a process of its own."""

    address: str
    chain: list[bytes]
    tip: str
    """Hash of the last block, as people write it."""

    @property
    def height(self) -> int:
        return len(self.chain)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    datadir = tmp_path_factory.mktemp("served")
    chain = list(regtest_chain(60))
    with Store.open(datadir, REGTEST) as store:
        *_, tip = store_chain(store, chain)
    with Headway("serve", "--network", "regtest", "--datadir", datadir, "--bind", "127.0.0.1:0") as serve:
        yield Served(serve.wait_for_line(r"^listening (.*)$")[1], chain, hash_hex(tip.hash))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nothing of the user is read or written, and what a command does to the log of this process ends with the test."""
    for name in ("NETWORK", "DATADIR", "PROXY", "ONION", "METRICS"):
        monkeypatch.delenv(f"HEADWAY_{name}", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    logger = logging.getLogger("headway")
    before = logger.handlers[:], logger.propagate, logger.level
    yield tmp_path / "home"
    logger.handlers[:], logger.propagate = before[:2]
    logger.setLevel(before[2])
