"""Settings that hold for every test: the hypothesis profiles.

`dev` (the default) and `ci` are quick; `nightly` looks long. HYPOTHESIS_PROFILE chooses; CI selects `ci` by itself.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.data import in_ci

pytest.register_assert_rewrite("tests.interop.stories")  # it holds tests, under a name that pytest does not look for

# The machine may be shared and slow: how long one example takes says nothing about the code; pytest's timeout does.
_SLOW_MACHINE = [HealthCheck.too_slow]

settings.register_profile("dev", max_examples=60, deadline=None, suppress_health_check=_SLOW_MACHINE)
# The same examples on every run, so that a failure there can be repeated here by the line that print_blob gives.
settings.register_profile(
    "ci", max_examples=50, deadline=None, derandomize=True, print_blob=True, suppress_health_check=_SLOW_MACHINE
)
settings.register_profile(
    "nightly", max_examples=5_000, deadline=None, print_blob=True, suppress_health_check=_SLOW_MACHINE
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if in_ci() else "dev"))
