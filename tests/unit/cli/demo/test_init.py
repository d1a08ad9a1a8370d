"""`headway demo` as people call it: real processes, real loopback TCP."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headway import kernel
from headway.cli.demo.chain import find_chain, make_chain
from headway.cli.demo.family import FAMILIES
from headway.cli.output import Exit
from tests.processes import processes_naming

BLOCKS = 200
EXPECTED = {
    "alice": ("none", "served"),
    "bob": ("none", "served"),
    "carol": ("stall", "stalled"),
    "dave": ("corrupt", "discouraged"),
    "erin": ("leave", "left"),
}


class Demo:
    """The command in a process of its own, its temporary files below `tmp_path`."""

    def __init__(self, tmp_path: Path) -> None:
        self.datadir = tmp_path / "cache"
        self.temporary = tmp_path / "temporary"
        self.temporary.mkdir()
        self.environment = {**os.environ, "TMPDIR": str(self.temporary), "TERM": "xterm", "COLUMNS": "100"}

    def start(self, *options: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", "import sys; from headway.cli import main; sys.exit(main())",
             "demo", "--datadir", str(self.datadir), "--blocks", str(BLOCKS), *options],
            stdout=subprocess.PIPE, stderr=stderr, text=True, env=self.environment,
        )  # fmt: skip

    def run(self, *options: str) -> tuple[int, str, str]:
        with self.start(*options) as process:
            out, err = process.communicate(timeout=200)
        return process.returncode, out, err

    def assert_nothing_is_left(self) -> None:
        assert processes_naming(self.datadir) == []
        assert list(self.temporary.iterdir()) == []
        kept = [FAMILIES[name]().network.name for name in FAMILIES]
        assert {path.name for path in self.datadir.iterdir()} <= {f"{name}-{BLOCKS}" for name in kept}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    yield demo
    demo.assert_nothing_is_left()


def assert_all_was_noticed(printed: dict[str, Any]) -> None:
    assert {peer["name"]: (peer["fault"], peer["outcome"]) for peer in printed["peers"]} == EXPECTED


def test_json_is_one_object_in_which_each_fault_was_noticed(demo: Demo) -> None:
    code, out, err = demo.run("--json")
    assert code == Exit.DONE, err
    assert out.count("\n") == 1
    assert "\033" not in err
    printed = json.loads(out)
    assert list(printed) == ["network", "height", "hash", "blocks", "seconds", "mb_per_second", "kernel", "peers"]
    assert {tuple(peer) for peer in printed["peers"]} == {("name", "fault", "outcome", "reason", "blocks")}
    assert_all_was_noticed(printed)
    chain = find_chain(demo.datadir, FAMILIES["bitcoin"](), BLOCKS)
    assert chain is not None
    assert (printed["network"], printed["height"], printed["blocks"]) == ("regtest", BLOCKS, BLOCKS)
    assert printed["hash"] == chain.tip.hash[::-1].hex()
    assert printed["kernel"] == kernel.NAME
    assert printed["mb_per_second"] == pytest.approx(chain.block_bytes / 1e6 / printed["seconds"], rel=0.1)
    assert sum(peer["blocks"] for peer in printed["peers"]) >= BLOCKS
    reasons = {peer["name"]: peer["reason"] for peer in printed["peers"]}
    assert "bad-txnmrklroot" in reasons["dave"]
    assert reasons["alice"] == reasons["bob"] == ""


@pytest.mark.parametrize("name", ["neo3", "neo2"])
def test_on_neo_each_fault_is_noticed_too(demo: Demo, name: str) -> None:
    code, out, err = demo.run("--network", name, "--json")
    assert code == Exit.DONE, err
    assert "proof: 3 of 4 validators sign each block" in err
    printed = json.loads(out)
    assert_all_was_noticed(printed)
    family = FAMILIES[name]()
    chain = find_chain(demo.datadir, family, BLOCKS)
    assert chain is not None
    assert (printed["network"], printed["height"]) == (family.network.name, BLOCKS)
    assert printed["hash"] == chain.tip.hash[::-1].hex()
    reasons = {peer["name"]: peer["reason"] for peer in printed["peers"]}
    assert "bad-merkle-root" in reasons["dave"]


def test_another_network_than_those_of_the_demo_is_a_usage_error(demo: Demo) -> None:
    demo.datadir.mkdir()
    code, out, err = demo.run("--network", "testnet4")
    assert (code, out) == (Exit.USAGE, "")
    assert "'bitcoin', 'neo3', 'neo2'" in err


def test_it_can_be_interrupted_in_the_sync_and_run_again_with_the_chain_that_it_kept(demo: Demo) -> None:
    with demo.start("--json") as process:
        assert process.stderr is not None
        assert any(line.startswith("peers: ") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (Exit.INTERRUPTED, "")
    assert err.splitlines()[-1].startswith("interrupted: ")
    demo.assert_nothing_is_left()

    code, out, err = demo.run()
    assert code == Exit.DONE, err
    assert "making" not in err
    assert [line.split()[0] for line in out.splitlines()[:5]] == list(EXPECTED)
    assert "\033" not in out + err


def test_it_can_be_interrupted_while_it_makes_the_chain(demo: Demo) -> None:
    with demo.start() as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("making a chain")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED
    assert find_chain(demo.datadir, FAMILIES["bitcoin"](), BLOCKS) is None


def test_on_a_terminal_it_draws_and_redraws_a_picture(demo: Demo) -> None:
    list(make_chain(demo.datadir, FAMILIES["bitcoin"](), BLOCKS))
    ours, theirs = pty.openpty()
    with demo.start(stderr=theirs) as process, os.fdopen(ours, "rb", buffering=0) as terminal:
        os.close(theirs)
        drawn = b""
        try:
            while data := terminal.read(65_536):
                drawn += data
        except OSError:
            pass  # how Linux says that the other end is closed
        out, _ = process.communicate(timeout=60)
    assert process.returncode == Exit.DONE
    text = drawn.decode()
    frames = re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", text)
    assert text.count("\033[1A") > 10  # back up, to draw over what stands there
    assert frames.count("what happened") > 3
    assert f"{BLOCKS}/{BLOCKS} blocks" in frames
    assert text.rstrip().endswith("\033[?25h")  # the cursor is back
    assert "dave" in out
