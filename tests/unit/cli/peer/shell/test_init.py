"""`headway peer shell` as a command: its outputs and the ways in which it ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from headway.cli import main
from headway.cli.output import Exit
from tests.interop.cli import Headway
from tests.unit.cli.conftest import Served


@pytest.fixture
def words(served: Served) -> list[str]:
    return ["peer", "shell", served.address, "--network", "regtest"]


def test_script_in_a_file_runs_to_its_end(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "script").write_text("getheaders\n")
    with (tmp_path / "script").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(words) == Exit.DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "= HANDSHAKING"
    assert lines.index("= READY") < lines.index("> getheaders [1 hashes]") < lines.index("< headers [60]")
    assert lines[-2:] == ["x REQUESTED closed by us", "= CLOSED"]


def test_json_is_the_report_and_jsonl_the_trace(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "script").write_text("mempool\n")
    for option in ("--json", "--jsonl"):
        with (tmp_path / "script").open() as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            assert main([*words, option]) == Exit.DONE
        printed = capsys.readouterr()
        if option == "--json":
            assert json.loads(printed.out)["bytessent_per_msg"]["mempool"] == 24
            assert "> mempool\n" in printed.err
        else:
            assert {"line": "> mempool"} in [json.loads(line) for line in printed.out.splitlines()]


def test_lines_typed_one_by_one_are_answered_one_by_one_and_an_interrupt_is_exit_130(words: list[str]) -> None:
    with Headway(*words) as command:
        command.wait_for_line("= READY")
        for _ in range(2):
            command.write_line("getheaders")
            command.wait_for_line("< headers")
        command.signal(signal.SIGINT)
        assert command.wait() == Exit.INTERRUPTED
        assert command.stdout[-1] == "= CLOSED"
        assert not any("Traceback" in line for line in command.lines)


def test_port_where_nothing_listens_is_exit_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/null").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(["peer", "shell", "127.0.0.1:1", "--network", "regtest"]) == Exit.NO_PEERS
    assert "connection refused" in capsys.readouterr().err
