"""What the fuzzer's command says: where it cannot run, and what libFuzzer's log comes to."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.fuzz import __main__ as command

LOG = """INFO: Seed: 1
#2\tINITED cov: 70 ft: 80 corp: 2/30b exec/s: 0 rss: 50Mb
Uncaught Python exception
#4096\tpulse  cov: 81 ft: 275 corp: 9/300b lim: 20 exec/s: 2048 rss: 51Mb
#5000\tREDUCE cov: 82 ft: 280 corp: 10/310b lim: 20 exec/s: 2500 rss: 52Mb L: 1/9 MS: 1 EraseBytes-
#5100\tDONE   cov: 82 ft: 281 corp: 11/320b lim: 20 exec/s: 2550 rss: 53Mb
"""


def test_without_atheris_the_command_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr("sys.argv", ["fuzz", "addresses", "--runs", "1"])
    assert command.main() == 2
    assert "atheris is not installed" in capsys.readouterr().err


def test_all_targets_need_an_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
    monkeypatch.setattr("sys.argv", ["fuzz", "all"])
    with pytest.raises(SystemExit):
        command.main()
    assert "need an end" in capsys.readouterr().err


def test_a_log_is_told_in_one_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOG)
    assert command.summary(log, 10.0) == (
        "5,100 inputs in 10 s (510 a second), coverage 82, features 281, corpus 11, memory 50 to 53 MB"
    )
    assert command.last_words(log) == "INFO: Seed: 1\nUncaught Python exception"
    log.write_text("Traceback\n")
    assert command.summary(log, 10.0) == "nothing ran"
