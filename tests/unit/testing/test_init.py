"""The public names of the kit: there, resolved when they are used, and costing nothing before."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headway import testing


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_is_there_and_is_the_same_each_time(name: str) -> None:
    assert getattr(testing, name) is getattr(testing, name)
    assert name in dir(testing)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'headway\.testing' has no attribute 'TestPear'"):
        _ = testing.TestPear  # type: ignore[attr-defined]  # that is the point


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(testing.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {}
    for statement in block.body:
        assert isinstance(statement, ast.ImportFrom)
        for alias in statement.names:
            assert alias.name == alias.asname, "a name that is not re-exported"
            seen[alias.name] = statement.module
    assert set(seen) == set(testing.__all__)
    for name, module in seen.items():
        assert module is not None
        assert getattr(testing, name) is getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import headway.testing", {"pytest", "asyncio", "cryptography", "socket", "headway.network"}),
        ("from headway.testing import TestPeer", {"pytest", "asyncio", "cryptography"}),
        ("from headway.testing import regtest_chain", {"pytest", "asyncio", "cryptography", "socket"}),
        ("from headway.testing import Scenario, SimNet", {"pytest", "asyncio", "cryptography", "socket"}),
        ("from headway.testing.actors import Staller", {"pytest", "asyncio", "cryptography", "socket"}),
        ("import headway.testing.plugin", {"asyncio", "cryptography", "headway.network", "headway.errors"}),
    ],
)
def test_what_is_not_used_is_not_loaded(code: str, absent: set[str]) -> None:
    report = f"import pytest, sys, json\nbefore = set(sys.modules)\n{code}\n"
    report += "print(json.dumps(sorted(set(sys.modules) - before)))"
    if "pytest" in absent:
        report = report.replace("import pytest, ", "import ")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", report], env=environment, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "headway.testing" in loaded
    assert loaded & absent == set()
