"""The actions of `headway peer`: which one is meant, and that each explains itself."""

from __future__ import annotations

import pytest

from headway.cli import main
from headway.cli.output import Exit
from headway.cli.peer import ACTIONS, action_first
from tests.unit.cli.conftest import Served


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("ping host", "ping host"),
        ("host", "info host"),
        ("host --json", "info host --json"),
        ("--network regtest host", "info --network regtest host"),
        ("--network regtest ping host -c 3", "ping --network regtest host -c 3"),
        ("--json -v --timeout 3 headers host", "headers --json -v --timeout 3 host"),
        ("--network ping ping host", "ping --network ping host"),
        ("info ping", "info ping"),
        ("host ping", "info host ping"),
        ("--network", "info --network"),
        ("--help", "--help"),
        ("-v -h ping", "-v -h ping"),
        ("host --help", "info host --help"),
        ("", ""),
    ],
)
def test_first_word_that_is_no_action_is_the_host_of_info(words: str, meant: str) -> None:
    assert action_first(words.split()) == meant.split()


def test_help_lists_every_action(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peer", "--help"]) == Exit.DONE
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in ACTIONS)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_there_and_explains_itself(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peer", action, "--help"]) == Exit.DONE
    text = capsys.readouterr().out
    assert f"Usage: headway peer {action} [OPTIONS] HOST:PORT" in text
    assert [option for option in ("--network", "--timeout", "--json", "-v") if option not in text] == []


@pytest.mark.parametrize(
    "words", [["nosuch", "too", "much"], ["ping"], ["blocks", "127.0.0.1"], ["--network", "nosuch", "ping", "h"]]
)
def test_wrong_usage_is_exit_2_and_says_what_is_wrong(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peer", *words]) == Exit.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Usage: headway peer" in printed.err


def test_host_without_an_action_is_the_report(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    reports = []
    for words in (["info"], []):
        assert main(["peer", *words, served.address, "--network", "regtest"]) == Exit.DONE
        reports.append([line.split()[0] for line in capsys.readouterr().out.splitlines()])
    assert reports[0] == reports[1]
