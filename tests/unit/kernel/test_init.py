"""Which twin runs, asked of fresh interpreters that find a stand-in for the native one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headway import kernel

PURE_TWIN = """
from headway.kernel.block import check_block
from headway.kernel.hash import checksum, merkle_root, sha256d
from headway.kernel.headers import header_hashes, restore_headers
from headway.kernel.index import HeaderIndex
from headway.kernel.scan import scan_block
from headway.kernel.siphash import short_ids
__version__ = "9.9"
INTERFACE = {interface}

def check_headers(raw, stride, params, context, wall_time):
    assert context.complete, "the twin must not see this"
    return 0, b"", [], "", "from the twin", tuple(context), {{}}
"""
"""What a native module offers, so far as choosing between the two can see it."""


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    """A directory to import from, with a twin of the right interface."""
    (tmp_path / "headway_kernel.py").write_text(PURE_TWIN.format(interface=kernel.INTERFACE))
    return tmp_path


def ask(expression: str, path: Path, **environment: str) -> object:
    """What `expression` is, as JSON, where `headway_kernel` comes from `path` if it is there."""
    code = f"import json, sys; from headway import kernel; print(json.dumps({expression}))"
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(path), **environment}
    command = [sys.executable, "-c", code]
    return json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def test_a_twin_of_the_same_interface_runs(twin: Path) -> None:
    assert ask("[kernel.NAME, kernel.describe()]", twin) == ["native", "native (headway_kernel 9.9)"]


def test_a_twin_of_another_interface_does_not_run(twin: Path) -> None:
    (twin / "headway_kernel.py").write_text(PURE_TWIN.format(interface=kernel.INTERFACE + 1))
    why = f"headway_kernel has interface {kernel.INTERFACE + 1}, needed is {kernel.INTERFACE}"
    assert ask("[kernel.NAME, kernel.describe()]", twin) == ["pure", f"pure ({why})"]


def test_a_twin_that_does_not_import_does_not_run(twin: Path) -> None:
    (twin / "headway_kernel.py").write_text("raise ImportError('no such machine')")
    assert ask("kernel.describe()", twin) == "pure (headway_kernel does not import: no such machine)"


@pytest.mark.parametrize(("value", "name"), [("1", "pure"), ("yes", "pure"), ("0", "native"), ("", "native")])
def test_headway_pure_forces_the_reference(twin: Path, value: str, name: str) -> None:
    assert ask("kernel.NAME", twin, HEADWAY_PURE=value) == name


def test_a_context_with_gaps_goes_to_the_reference(twin: Path) -> None:
    params = "kernel.HeaderParams(1, True, False, False, 0, 0, 0)"
    complete = "kernel.HeaderContext(-1, bytes(32), (), None, None, None)"
    with_gaps = f"{complete}._replace(height=9)"
    assert ask(f"kernel.check_headers(b'', 80, {params}, {complete}, 0).detail", twin) == "from the twin"
    assert ask(f"kernel.check_headers(b'', 80, {params}, {with_gaps}, 0).accepted", twin) == 0


def test_everything_that_is_promised_is_there(twin: Path) -> None:
    assert ask("[name for name in kernel.__all__ if not hasattr(kernel, name)]", twin) == []
    assert ask("[name for name in kernel.__all__ if not hasattr(kernel, name)]", twin, HEADWAY_PURE="1") == []


def test_importing_the_kernel_loads_nothing_heavy(tmp_path: Path) -> None:
    loaded = ask("sorted(sys.modules)", tmp_path)
    assert isinstance(loaded, list)
    assert "headway.kernel.block" in loaded
    assert not {"asyncio", "socket", "ssl", "threading", "numpy", "click", "sqlite3"} & set(loaded)
