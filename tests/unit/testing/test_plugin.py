"""The pytest plugin, in a pytest of its own: its fixtures are there, and close what a failing test leaves open."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.data import REPOSITORY
from tests.plugin import plugin_options

STORY = """
from headway.errors import ExpectationFailed
from headway.testing import PeerFactory, TestPeer
from headway.wire.messages import GetAddr, Pong
import pytest

left = []

def test_peers_talk(test_peer: PeerFactory) -> None:
    listener = test_peer.listen("regtest")
    ours = test_peer.connect(listener.address)
    theirs = listener.accept()
    ours.send(GetAddr())
    assert theirs.expect(GetAddr) == GetAddr()
    left.extend([ours, theirs])

def test_they_are_closed_behind_it() -> None:
    assert [str(peer.closed) for peer in left] == ["closed by us"] * 2

def test_a_chain_is_made_once(regtest_chain) -> None:
    chain = regtest_chain(3)
    assert len(chain) == 3
    assert regtest_chain(3)[2] is chain[2]

def test_a_network_gets_past_stallers(simnet) -> None:
    assert simnet("stallers", seed=7).blocks > 100

def test_that_fails(test_peer: PeerFactory) -> None:
    ours = test_peer.connect(test_peer.listen().address)
    left.append(ours)
    ours.script([GetAddr()])
    ours.expect(Pong, timeout=0)

def test_it_is_closed_behind_that_too() -> None:
    assert str(left[-1].closed) == "closed by us"
"""


def run(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *plugin_options(), "-p", "no:cacheprovider", "-W", "error", *options]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)


def test_fixtures_are_there_and_close_what_a_test_leaves_open(tmp_path: Path) -> None:
    (tmp_path / "test_story.py").write_text(STORY, "utf-8")
    done = run(tmp_path, "test_story.py")
    assert "1 failed, 5 passed" in done.stdout, done.stdout + done.stderr


def test_a_failure_shows_the_line_of_the_test_and_the_transcript(tmp_path: Path) -> None:
    (tmp_path / "test_story.py").write_text(STORY, "utf-8")
    shown = run(tmp_path, "test_story.py", "-k", "that_fails").stdout
    assert ">       ours.expect(Pong, timeout=0)" in shown
    assert "ExpectationFailed: no pong: none within 0 s; nothing came" in shown
    assert "> getaddr" in shown
    assert "stories.py" not in shown.partition("short test summary")[0]


def test_fixtures_are_listed_with_what_they_are_for(tmp_path: Path) -> None:
    listed = run(tmp_path, "--fixtures", "-q").stdout
    assert "test_peer" in listed
    assert "Closed when the test is over, however it ends." in listed
    assert "regtest_chain [session scope]" in listed
    assert "simnet [session scope]" in listed


def test_pytest_finds_the_plugin_wherever_headway_is_installed() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"headway": "headway.testing.plugin"}
