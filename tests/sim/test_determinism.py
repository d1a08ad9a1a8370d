"""One seed, one history, byte for byte: in another process, with other hashes of strings, without the native kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from difflib import unified_diff
from itertools import islice
from typing import Final

import pytest

from headway.sim.scenarios import SCENARIOS
from tests.data import REPOSITORY

SEEDS: Final = (1, 2)
SETTINGS: Final = {
    "one order of hashes": {"PYTHONHASHSEED": "0"},
    "another order of hashes": {"PYTHONHASHSEED": "4242"},
    "without the native kernel": {"PYTHONHASHSEED": "7", "HEADWAY_PURE": "1"},
}
SHARE: Final = 16
"""One scenario in so many is played with one seed, others with another."""
FAMILIES: Final = ("regtest", "neo2", "neo3")


def histories(seed: int, names: Iterable[str], settings: dict[str, str]) -> subprocess.Popen[str]:
    """A process that plays them."""
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONHASHSEED", "HEADWAY_PURE"}}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.sim.histories", str(seed), *names],
        cwd=REPOSITORY,
        env=environment | settings,
        stdout=subprocess.PIPE,
        text=True,
    )


def first_difference(one: str, other: str) -> str:
    return "\n".join(islice(unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=2), 12))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_one_seed_is_one_history_in_every_process(family: str, seed: int) -> None:
    every = [name for name, each in SCENARIOS.items() if each.family == family and not each.is_long]
    names = every[seed::SHARE]
    processes = [histories(seed, names, settings) for settings in SETTINGS.values()]
    traces = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    first, *others = traces
    assert first.count("\n== ") + 1 == 3 * len(names) > 0
    assert first.count("\n") > 100 * len(names)
    for other in others:
        assert other == first, first_difference(first, other)


def test_another_seed_is_another_history() -> None:
    (name, *_) = SCENARIOS
    processes = [histories(seed, [name], SETTINGS["one order of hashes"]) for seed in SEEDS]
    one, other = (process.communicate()[0].split("\n", 1)[1] for process in processes)
    assert one != other
