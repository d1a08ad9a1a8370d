"""The house keeps its own rules: who imports whom, purity, short files, lazy loading, a test file for each module."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.data import REPOSITORY
from tests.layers import ALLOWED, LONGEST, check, layer_of, module_name

SOURCE: Final = REPOSITORY / "src" / "headway"
UNIT: Final = REPOSITORY / "tests" / "unit"
FILES: Final = sorted(SOURCE.rglob("*.py"))

# ---------------------------------------------------------------------------------------------- the source as it stands


@pytest.mark.parametrize("path", FILES, ids=lambda path: module_name(path, SOURCE))
def test_module_keeps_the_rules_of_its_layer(path: Path) -> None:
    assert [str(found) for found in check(module_name(path, SOURCE), path.read_text("utf-8"))] == []


def test_there_is_source_to_check() -> None:
    """An empty list of files would make the test above pass for nothing."""
    assert {layer_of(module_name(path, SOURCE)) for path in FILES} >= {"types", "wire", "networks.*", "node", "store"}


# -------------------------------------------------------------------------------------------- the checker sees bad code

BAD: Final = [
    ("peer.machine", "import asyncio", "may not import asyncio"),
    ("peer.machine", "import socket", "may not import socket"),
    ("peer.machine", "from time import monotonic", "may not import time"),
    ("peer.machine", "def f():\n    import threading", "may not import threading"),
    ("types", "import secrets", "may not import secrets"),
    ("chain.headers", "from datetime import datetime\ndatetime.now()", "may not import datetime"),
    ("chain.headers", "import concurrent.futures", "may not import concurrent.futures"),
    ("node.slots", "import random\nrandom.choice([1])", "not random.choice"),
    ("node.slots", "from random import shuffle", "only the class Random"),
    ("node.slots", "import os\nos.urandom(8)", "not os.urandom"),
    ("wire.frames", "open('x')", "may not call open()"),
    ("sim.simulation", "import time", "may not import time"),
    ("chain.headers", "from headway.peer.events import PeerState", "may not import headway.peer.events"),
    ("peer.machine", "import headway.sync.scheduler", "may not import headway.sync.scheduler"),
    ("peer.machine", "from headway.chain import headers", "may not import headway.chain"),
    ("peer.machine", "from headway import store", "may not import headway.store"),
    ("peer.machine", "from headway import __version__", "may not import headway.__init__"),
    ("peer.machine", "import headway", "may not import headway.__init__"),
    ("peer.machine", "from ..node import serve", "may not import headway.node"),
    ("peer.machine", "from .. import aio", "may not import headway.aio"),
    ("sync.blocks", "from headway.peer.machine import PeerMachine", "may not import headway.peer.machine"),
    ("networks.bitcoin.codec", "from headway.networks.neo3 import codec", "may not import headway.networks.neo3"),
    ("networks.bitcoin.rules", "from headway.chain.headers import HeaderTree", "may not import headway.chain.headers"),
    ("networks.bitcoin.codec", "from headway.networks import private", "may not import headway.networks"),
    ("networks.dbft.rules", "from headway.networks.neo3 import codec", "may not import headway.networks.neo3"),
    ("wire.frames", "if TYPE_CHECKING:\n    from headway.network import Limits", "may not import headway.network"),
    ("sim.actors", "from headway.aio.node import Node", "may not import headway.aio.node"),
    ("testing.peer", "from headway.cli import main", "may not import headway.cli"),
    ("kernel.face", "\n" * LONGEST, f"fewer than {LONGEST}"),
]


@pytest.mark.parametrize(("module", "text", "complaint"), BAD, ids=[f"{m}: {t[:50]!r}" for m, t, _ in BAD])
def test_checker_refuses_bad_module(module: str, text: str, complaint: str) -> None:
    complaints = [str(found) for found in check(module, f'"""A module."""\n{text}\n')]
    assert len(complaints) == 1
    assert complaint in complaints[0]


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("peer.machine", "import random\ndef f(rng: random.Random) -> None: ..."),
        ("peer.machine", "from random import Random"),
        (
            "peer.machine",
            "from headway.network import Network\nfrom headway.types import Hash\nfrom . import deadlines",
        ),
        ("peer.machine", "import hashlib, struct, heapq, logging"),
        ("sync.scheduler", "from headway.peer.events import BlockReceived"),
        ("networks.bitcoin.rules", "from headway.chain.blocks import merkle_root\nfrom headway import kernel"),
        ("networks.bitcoin.rules", "from headway.networks.bitcoin.params import MAINNET"),
        ("networks.neo3.rules", "from headway.networks.dbft.rules import DbftRules"),
        ("networks.private", "from headway.networks import neo2, neo3"),
        ("networks.__init__", "from headway.networks.bitcoin import MAINNET"),
        ("aio.node", "import asyncio, time\nfrom headway import __version__\nfrom headway.store import Store"),
        ("cli.sync", "import headway\nfrom headway.aio.node import Node\nprint('x')"),
        ("chain.headers", "headwayish = 1\nimport headwayish"),
    ],
)
def test_checker_accepts_good_module(module: str, text: str) -> None:
    assert check(module, f'"""A module."""\n{text}\n') == []


def test_checker_refuses_a_module_without_docstring() -> None:
    assert [found.what for found in check("types", "x = 1\n")] == ["no docstring that says what it is"]


def test_module_of_no_layer_is_an_error() -> None:
    with pytest.raises(KeyError, match="belongs to no layer"):
        check("utils", '"""Anything."""\n')


def test_every_allowed_import_names_a_layer() -> None:
    """A misspelt entry of the table would allow nothing, and be found only when somebody needs it."""
    for allowed in ALLOWED.values():
        assert all(prefix == "" or layer_of(prefix) for prefix in allowed)


# --------------------------------------------------------------------------------------------------------- lazy loading

_HEAVY: Final = {"asyncio", "click", "numpy", "rich", "socket", "sqlite3", "ssl", "threading"}


def _modules_after(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter has loaded after `code`; what it loads by itself is left out."""
    report = "import sys, json\nbefore = set(sys.modules)\ntry:\n    {}\nexcept SystemExit:\n    pass\n"
    report = report.format(code) + "print(json.dumps(sorted(set(sys.modules) - before)))"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", report], env=environment, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_headway_loads_nothing_heavy() -> None:
    loaded = _modules_after("import headway")
    assert "headway" in loaded
    assert loaded & _HEAVY == set()


def test_help_loads_neither_asyncio_nor_rich_nor_numpy() -> None:
    loaded = _modules_after("from headway.cli import main; main(['--help'])")
    assert "headway.cli" in loaded
    assert loaded & {"asyncio", "numpy", "rich", "sqlite3", "ssl"} == set()


def test_a_node_without_metrics_loads_nothing_of_them() -> None:
    loaded = _modules_after("import headway.aio.node")
    assert "headway.aio.node" in loaded
    assert {name for name in loaded if name.startswith(("prometheus_client", "headway.observe"))} == set()


# ---------------------------------------------------------------------------------------- each module has its test file

WITHOUT_TESTS: Final[dict[str, str]] = {
    # module: why it has no test file of its own
}
WITHOUT_MODULE: Final[dict[str, str]] = {
    # test file below tests/unit: why it belongs to no module
    "aio/test_datadir.py": "whole nodes and their data directory: pruning, damage, a full disk",
    "cli/verify/test_neo_files.py": "all of `verify` and `export` at once on chains whose headers are signed",
    "networks/dbft/test_real_chain.py": "all rules of both generations of Neo at once: every real block and header",
    "networks/bitcoin/test_real_chain.py": "all rules at once: real headers and blocks of every network",
    "node/test_final_chain.py": "whole nodes on a chain of another kind",
    "node/test_kept_book.py": "whole nodes and their address book, from one run to the next",
    "store/test_crash.py": "the whole store at once: every write cut, or refused, then reopened",
    "store/test_damage.py": "the whole store at once: every byte changed, then judged and reopened",
    "store/test_power.py": "the whole store at once: the power lost, then reopened",
    "store/test_peers_crash.py": "the database of the address book: every write of SQLite cut, then reopened",
}


def _has_behaviour(path: Path) -> bool:
    """Whether a module does anything: one that only names things and their fields has nothing to test."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_declaration(node)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    )


def _is_declaration(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is only a face, as in a Protocol: a docstring or an ellipsis for a body."""
    return all(isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) for part in function.body)


def _test_file(module: str) -> str:
    """Where a module has its tests, below tests/unit: `wire/test_frames.py`; a package itself: `wire/test_init.py`."""
    *packages, name = module.split(".")
    return "/".join([*packages, f"test_{name.strip('_')}.py"])


def test_every_module_with_behaviour_has_its_own_test_file() -> None:
    missing = {
        module: _test_file(module)
        for path in FILES
        if _has_behaviour(path) and not (UNIT / _test_file(module := module_name(path, SOURCE))).is_file()
    }
    assert {module: path for module, path in missing.items() if module not in WITHOUT_TESTS} == {}
    assert set(WITHOUT_TESTS) <= set(missing), "an exception that is no longer needed"


def test_every_unit_test_file_belongs_to_a_module() -> None:
    expected = {_test_file(module_name(path, SOURCE)) for path in FILES}
    found = {path.relative_to(UNIT).as_posix() for path in UNIT.rglob("test_*.py")}
    assert found - expected == set(WITHOUT_MODULE)
