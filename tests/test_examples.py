"""The programs in examples/ do what they show, against a node of ours on loopback, or against real ones."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.networks.bitcoin import REGTEST
from headway.store import Store
from headway.testing.chain import regtest_chain, store_chain
from headway.types import hash_hex
from tests.data import REPOSITORY, data_path
from tests.interop.cli import Headway
from tests.interop.neo_go import NeoGo, restore
from tests.interop.neo_networks import LEGACY, UNIT
from tests.interop.neo_one import NeoOne
from tests.interop.nodes import Bcoin

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


@pytest.mark.interop
def test_neo_peer_prints_the_headers_of_an_n3_node(tmp_path: Path) -> None:
    restore(tmp_path, data_path("neo", "n3-unittestnet-0-50.acc"), UNIT)
    with NeoGo(tmp_path, UNIT) as node:
        printed = run("neo_peer.py", node.address, str(UNIT.write_file(tmp_path / "unit.toml")), cwd=tmp_path)
        hashes = [node.hash_at(height) for height in range(1, 11)]
    assert printed[:2] == ["/NEO-GO:0.120.0/ has 50 blocks", "peer 1 sent 50 headers"]
    assert [line.split() for line in printed[2:]] == [[str(1 + at), each] for at, each in enumerate(hashes)]


@pytest.mark.interop
def test_neo_peer_prints_the_headers_of_a_legacy_node(tmp_path: Path) -> None:
    with NeoOne(tmp_path, 20) as node:
        printed = run("neo_peer.py", node.address, str(LEGACY.write_file(tmp_path / "legacy.toml")), cwd=tmp_path)
        hashes = [node.hash_at(height) for height in range(1, 11)]
    assert printed[:2] == ["NEO:neo-one-js:1.0.0-preview has 20 blocks", "peer 1 sent 19 headers"]  # never its tip
    assert [line.split() for line in printed[2:]] == [[str(1 + at), each] for at, each in enumerate(hashes)]


@pytest.mark.interop
def test_hostile_peer_shows_how_bcoin_takes_it(tmp_path: Path) -> None:
    with Bcoin() as node:
        printed = run("hostile_peer.py", node.address, cwd=tmp_path)
        bans = [line for line in node.lines if "Banning peer" in line]
    assert printed == [
        "garbage              closed by remote error parsing message",
        "wrong checksum       stays error parsing message",
        "oversized frame      stays error parsing message",
        "second version       closed by remote",
        "header without work  stays",
        "1001 addresses       stays",
    ]
    assert [re.findall(r"127[.0-9]+", line) for line in bans] == [["127.0.0.2"]]


def test_every_example_is_run_here() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f'run("{path.name}"' not in text] == []
