"""`headway follow`: lines, their form as JSON, and where to go on."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from headway.chain.headers import HeaderTree
from headway.cli import main
from headway.cli.follow import Ledger, _below
from headway.cli.output import Exit, Output
from headway.networks.bitcoin import REGTEST
from headway.node.orders import BlockDisconnected
from headway.testing.chain import HEADER_SIZE, fork, regtest_chain
from headway.types import BlockId
from headway.wire.messages import Headers
from tests.interop.cli import Headway
from tests.unit.cli.conftest import Served

NOW = 1_800_000_000.0


def words(address: str, datadir: Path) -> list[str]:
    return ["--network", "regtest", "--connect", address, "--datadir", str(datadir)]


def test_it_begins_with_the_tip_and_prints_a_line_a_block(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["follow", *words(served.address, tmp_path), "--count", "1"]) == Exit.DONE
    [line] = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"\+ +{served.height}  {served.tip}  \S+Z  \d+ transactions?, [\d,]+ bytes", line)


def test_from_a_height_and_from_a_block_it_gives_what_follows(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, common = served.height - 2, words(served.address, tmp_path)
    assert main(["follow", *common, "--start", str(first), "--count", "3", "--jsonl"]) == Exit.DONE
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(event["event"], event["height"]) for event in events] == [
        ("connected", height) for height in range(first, served.height + 1)
    ]
    assert events[-1].keys() == {"event", "height", "hash", "time", "bytes", "transactions"}
    start = f"{first}:{events[0]['hash']}"
    assert main(["follow", *common, "--start", start, "--count", "2", "--json"]) == Exit.DONE
    result = json.loads(capsys.readouterr().out)
    assert result["events"] == events[1:]
    assert (result["connected"], result["disconnected"], result["network"]) == (2, 0, "regtest")
    assert result["last"] == f"{served.height}:{served.tip}"


def test_interrupted_it_prints_the_command_that_goes_on_after_the_last_line(served: Served, tmp_path: Path) -> None:
    with Headway("follow", *words(served.address, tmp_path), "--start", str(served.height - 1)) as command:
        command.wait_for_line(served.tip)
        command.signal(signal.SIGINT)
        assert command.wait() == Exit.INTERRUPTED
        hint = command.wait_for_line("^interrupted; go on with: headway (.*)$")[1]
    assert hint.split() == ["follow", *words(served.address, tmp_path), "--start", f"{served.height}:{served.tip}"]


def test_after_the_tip_the_deadline_comes(served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = f"{served.height}:{served.tip}"
    options = ["--start", start, "--deadline", "0.5"]
    assert main(["follow", *words(served.address, tmp_path), *options]) == Exit.INCOMPLETE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1].endswith(f"--deadline 0.5 --start {start}")


def test_a_block_that_nobody_knows_is_refused_with_advice(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["follow", *words(served.address, tmp_path), "--start", f"5:{'0' * 63}1"]) == Exit.FAILED
    assert "is on no chain that we know: follow from an earlier block" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (["tep"], "'tep' is no height, not 'tip', and no HEIGHT:HASH"),
        (["5:12"], "hash"),
        (["5", "6"], "several are blocks, each as HEIGHT:HASH"),
    ],
)
def test_what_is_no_start_is_a_usage_error(start: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = [word for each in start for word in ("--start", each)]
    assert main(["follow", "--network", "regtest", *options]) == Exit.USAGE
    assert why in capsys.readouterr().err


def test_blocks_taken_back_are_told_and_the_last_block_is_the_one_below(capsys: pytest.CaptureFixture[str]) -> None:
    """The newest that its user named may have been left before we knew of it."""
    chain = list(regtest_chain(5))
    parse = REGTEST.codec.parser.block_header
    ids = [BlockId(height, parse(block).hash) for height, block in enumerate(chain, 1)]
    rival = BlockId(5, parse(fork(chain, 3, 2)[-1]).hash)
    ledger = Ledger(Output(), (rival, ids[3]), None)

    tree = HeaderTree(REGTEST)
    tree.add(Headers.joined([block[:HEADER_SIZE] for block in chain], REGTEST.codec.parser), NOW)
    ledger.left(BlockDisconnected(rival), _below(tree, rival, (rival, ids[3])))
    assert ledger.last == ids[3]
    ledger.left(BlockDisconnected(ids[3]), _below(tree, ids[3], 0))
    assert ledger.last == ids[2]
    assert [line[:10] for line in capsys.readouterr().out.splitlines()] == ["-        5", "-        4"]
    assert ledger.result("regtest")["disconnected"] == 2
