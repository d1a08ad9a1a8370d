"""The programs in examples/ do what they show, against a node of ours on loopback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.networks.bitcoin import REGTEST
from headway.store import Store
from headway.testing.chain import regtest_chain, store_chain
from headway.types import hash_hex
from tests.data import REPOSITORY
from tests.interop.cli import Headway

EXAMPLES = REPOSITORY / "examples"
HEIGHT = 20


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a regtest chain is served, by a process of its own."""
    datadir = tmp_path_factory.mktemp("served")
    with Store.open(datadir, REGTEST) as store:
        for _ in store_chain(store, regtest_chain(HEIGHT)):
            pass
    with Headway("serve", "--network", "regtest", "--datadir", datadir, "--bind", "127.0.0.1:0") as serve:
        yield serve.wait_for_line(r"^listening (.*)$")[1]


def run(example: str, *arguments: str, cwd: Path) -> list[str]:
    command = [sys.executable, "-W", "error", str(EXAMPLES / example), *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_blocking_prints_the_first_blocks(address: str, tmp_path: Path) -> None:
    printed = run("blocking.py", address, "regtest", cwd=tmp_path)
    assert printed[0].startswith("/headway:")
    assert printed[1] == f"{HEIGHT} headers after genesis"
    parse = REGTEST.codec.parser.block_header
    blocks = list(regtest_chain(HEIGHT))[:16]
    assert printed[2:18] == [f"{hash_hex(parse(block).hash)} {len(block)} bytes" for block in blocks]
    assert printed[18] == "0 blocks missing"


def test_every_example_is_run_here() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f'run("{path.name}"' not in text] == []
