"""One deliberate breakage: a patch of the source, with a head that says what is wrong with it and who must notice.

    What: No stall deadline: a peer that brings no blocks is waited for without an end.
    Scenario: stallers
    Seeds: 0:3

    --- a/src/headway/peer/blocks.py
    +++ b/src/headway/peer/blocks.py
    ...

It is caught when an invariant breaks with one of its seeds. Not here: which are run, and how many at once (`__main__`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.data import REPOSITORY

PATCHES: Final = Path(__file__).parent
TIMEOUT: Final = 120.0
"""Seconds for the seeds of one; a node that spins is found out by an invariant long before."""
_PLAY: Final = """
import sys, headway
assert headway.__file__.startswith(sys.argv[1]), headway.__file__
from headway.cli import main
sys.exit(main(sys.argv[2:]))
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    what: str
    """A sentence: what is wrong with it."""
    scenario: str
    """Which must catch it."""
    seeds: str
    """As `headway simulate --seeds` takes them."""

    @property
    def patch(self) -> Path:
        return PATCHES / f"{self.name}.patch"

    @property
    def stock(self) -> tuple[str, str]:
        """What the code must hold where nothing is wrong with it."""
        return self.scenario, self.seeds


class NotCaught(Exception):
    """The message says why: it does not apply, it ends otherwise than by an invariant, or everything holds."""


def mutants() -> list[Mutant]:
    """All, by name. Raises ValueError for a patch without a sound head."""
    return [_read(path) for path in sorted(PATCHES.glob("*.patch"))]


def _read(path: Path) -> Mutant:
    head, separator, _ = path.read_text("utf-8").partition("\n--- ")
    fields = {
        name: re.sub(r"\s+", " ", value).strip()
        for name, value in re.findall(r"^(\w+): (.*(?:\n[ \t]+.*)*)", head, re.MULTILINE)
    }
    if not separator or fields.keys() != {"What", "Scenario", "Seeds"}:
        raise ValueError(f"{path.name}: its head must have What, Scenario and Seeds, and a patch must follow")
    return Mutant(path.stem, fields["What"], fields["Scenario"], fields["Seeds"])


def applies(mutant: Mutant) -> str:
    """Why its patch does not apply to the source as it is; empty if it does."""
    done = _git("apply", "--check", mutant.patch, at=REPOSITORY)
    return done.stderr.strip()


def catch(mutant: Mutant) -> str:
    """Break the source, and say what broke in the end. Raises NotCaught."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as directory:
        source = Path(directory) / "src"
        shutil.copytree(REPOSITORY / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        applied = _git("apply", mutant.patch, at=Path(directory))
        if applied.returncode:
            raise NotCaught(f"the patch does not apply: {applied.stderr.strip()}")
        told = play(source, *mutant.stock)
    if told["held"] == told["seeds"]:
        raise NotCaught(f"everything holds: {told['seeds']} seeds of {mutant.scenario!r}")
    for broken in told["broken"]:
        if broken["error"].startswith(f"{mutant.scenario!r}, seed "):
            return str(broken["error"])
    raise NotCaught(f"no invariant broke, it was the engine: {told['broken'][0]['error']}")


def play(source: Path, scenario: str, seeds: str) -> dict[str, Any]:
    """What the headway in `source` says of these seeds, in a process of its own. Raises NotCaught for no word of it."""
    words = ["simulate", "--scenario", scenario, "--seeds", seeds, "--jobs", "1", "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    environment |= {"PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PLAY, str(source), *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotCaught(f"no end within {TIMEOUT:g} s") from None
    try:
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise NotCaught(f"it does not run: {done.stderr.strip()[-2000:]}") from None
    return told


def _git(*words: str | Path, at: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=at, capture_output=True, text=True, check=False)
