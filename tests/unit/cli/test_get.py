"""`headway get`: one object, checked, and what is said of those that are not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headway.cli import main
from headway.cli.output import Exit
from headway.networks.bitcoin import REGTEST
from tests.unit.cli.conftest import Served


class Get:
    def __init__(self, served: Served, datadir: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        self._common = ["--network", "regtest", "--connect", served.address, "--datadir", str(datadir)]
        self._captured = capfdbinary
        self.err = ""

    def raw(self, *words: object, code: Exit = Exit.DONE) -> bytes:
        """What it prints."""
        assert main(["get", *map(str, words), *self._common]) == code
        printed = self._captured.readouterr()
        self.err = printed.err.decode()
        return printed.out

    def __call__(self, *words: object, code: Exit = Exit.DONE) -> dict[str, Any]:
        result = json.loads(self.raw(*words, "--json", code=code))
        assert isinstance(result, dict)
        return result


@pytest.fixture
def get(served: Served, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Get:
    return Get(served, tmp_path / "data", capfdbinary)


def test_a_header_by_height_by_hash_and_at_the_tip(get: Get, served: Served) -> None:
    tip = get("header", "tip")
    assert (tip["height"], tip["hash"], tip["confirmations"]) == (served.height, served.tip, 1)
    assert get("header", served.tip) == get("header", served.height) == tip
    header = REGTEST.codec.parser.header(bytes.fromhex(tip["hex"]))
    assert header.hash[::-1].hex() == served.tip
    below = get("header", served.height - 1)
    assert (below["hash"], below["confirmations"]) == (tip["previousblockhash"], 2)


def test_a_block_its_transactions_and_its_bytes(get: Get, served: Served, tmp_path: Path) -> None:
    block = get("block", served.height)
    assert (block["hash"], block["transactions"]) == (served.tip, len(block["tx"]))
    raw = get.raw("block", served.tip, "--raw", "-")
    assert len(raw) == block["bytes"]
    assert [each.txid[::-1].hex() for each in REGTEST.codec.parser.transactions(raw)] == block["tx"]
    assert get.raw("block", served.tip, "--raw", tmp_path / "block") == b""
    assert (tmp_path / "block").read_bytes() == raw


def test_a_transaction_is_proved_by_its_block(get: Get, served: Served) -> None:
    [*_, last] = get("block", served.height)["tx"]
    found = get("tx", last, "--block", served.height)
    assert (found["txid"], found["proven"], found["blockhash"]) == (last, True, served.tip)
    assert REGTEST.codec.parser.transaction(bytes.fromhex(found["hex"])).txid[::-1].hex() == last
    error = get("tx", last, "--block", served.height - 1, code=Exit.FAILED)["error"]
    assert "does not contain the transaction" in error


def test_a_transaction_that_no_peer_has_is_said_to_need_its_block(get: Get) -> None:
    error = get("tx", "11" * 32, code=Exit.FAILED)["error"]
    assert "none of the peers that were asked (1) has the transaction" in error
    assert "--block" in error


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("block", 10_000), Exit.FAILED, "height 10000 is above the tip"),
        (("header", "00" * 31 + "01"), Exit.FAILED, "is on no chain that we know"),
        (("block", "zz"), Exit.USAGE, "write a height, a hash, or 'tip'"),
        (("header", "1", "--block", "1"), Exit.USAGE, "a header is named by itself"),
        (("tx", "12"), Exit.USAGE, "write the id of a transaction"),
    ],
)
def test_what_is_not_there_is_said(get: Get, words: tuple[object, ...], code: Exit, why: str) -> None:
    get.raw(*words, code=code)
    assert why in get.err


def test_without_peers_it_says_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--network", "regtest", "--connect", "127.0.0.1:1", "--datadir", str(tmp_path)]
    assert main(["get", "header", "1", *words]) == Exit.NO_PEERS
    assert "127.0.0.1:1: connection refused. Name one that runs" in capsys.readouterr().err
