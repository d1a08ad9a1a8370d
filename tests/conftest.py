"""Settings that hold for every test: which count for branch coverage, and the hypothesis profiles.

`dev` (the default) and `ci` are quick; `nightly` looks long. HYPOTHESIS_PROFILE chooses; CI selects `ci` by itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

from tests.data import in_ci

pytest.register_assert_rewrite("tests.interop.stories")  # it holds tests, under a name that pytest does not look for

# The machine may be shared and slow: how long one example takes says nothing about the code; pytest's timeout does.
_SLOW_MACHINE = [HealthCheck.too_slow]

settings.register_profile("dev", max_examples=60, deadline=None, suppress_health_check=_SLOW_MACHINE)
# The same examples on every run, so that a failure there can be repeated here by the line that print_blob gives.
settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, print_blob=True, suppress_health_check=_SLOW_MACHINE
)
settings.register_profile(
    "nightly", max_examples=5_000, deadline=None, print_blob=True, suppress_health_check=_SLOW_MACHINE
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if in_ci() else "dev"))

UNCOUNTED: Final = (
    *("conformance", "fuzz", "interop", "sim", "unit/sim"),
    *("test_bench.py", "test_docs.py", "test_examples.py", "test_growth.py", "test_kills.py"),
    *("unit/cli/test_simulate.py", "unit/cli/demo", "unit/testing/test_seeds.py", "unit/testing/test_simulated.py"),
)
"""Tests that play whole stories: they do not say which branches the tests of a module leave out, and counting makes
them four times as slow. (`no_cover` on a single test says the same.)"""
_HERE: Final = Path(__file__).parent


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    places = [_HERE / each for each in UNCOUNTED]
    for item in items:
        if any(item.path.is_relative_to(place) for place in places):
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    """The commands that such a test runs are not counted, either."""
    told: dict[str, str] = {}
    if item.get_closest_marker("no_cover") is not None:
        told = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith("COVERAGE_")}
    try:
        return (yield)
    finally:
        os.environ.update(told)
