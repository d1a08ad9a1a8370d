"""The demo from start to end in this process: how it ends when something is not as it should be."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from headway.cli.demo import run
from headway.cli.demo.chain import find_chain
from headway.cli.demo.family import FAMILIES
from headway.cli.demo.run import demonstrate
from headway.cli.output import Exit, Output
from tests.processes import processes_naming

BLOCKS = 100


def run_demo(directory: Path, *, interrupted_at_once: bool = False) -> Exit:
    async def story() -> Exit:
        interrupted = asyncio.Event()
        if interrupted_at_once:
            interrupted.set()
        return await demonstrate(directory, FAMILIES["bitcoin"](), BLOCKS, Output(), interrupted)

    return asyncio.run(story())


def test_an_interrupt_before_anything_happened_leaves_nothing(tmp_path: Path) -> None:
    assert run_demo(tmp_path / "cache", interrupted_at_once=True) is Exit.INTERRUPTED
    assert list(tmp_path.rglob("*")) in ([], [tmp_path / "cache"])


def test_a_sync_that_does_not_end_in_time_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "SYNC_TIMEOUT", 0.0)
    monkeypatch.setattr(run, "LAST_FAULT_TIMEOUT", 0.0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    assert run_demo(tmp_path) is Exit.FAILED
    captured = capsys.readouterr()
    assert "error: the sync ended at block 0:" in captured.err
    assert "It should have been: discouraged" in captured.err
    assert find_chain(tmp_path, FAMILIES["bitcoin"](), BLOCKS) is not None
    assert list((tmp_path / "temporary").iterdir()) == []
    assert processes_naming(tmp_path) == []
