"""Many idle peers held by one process: what one costs, and that nothing is left of those that are dropped at once.

The work is that of `bench.idle`, in a process of its own, with its far end in another: a few hundred peers here, five
thousand in the soak test. CPU is measured by the benchmark and is no test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.data import REPOSITORY

ENOUGH = 8_192
"""Bytes of memory that an idle peer may cost (docs/design/performance.md); before its first ping asyncio's transport
is in it, too."""
TRANSPORT = 1_500
"""Bytes that a bare connection of asyncio costs at the least (1,800 were seen)."""


def held(count: int, dropped: int, keepalive: float) -> dict[str, float]:
    """What was measured of a process that held `count` peers, `dropped` of them at once dropped; `keepalive`: s."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}  # it takes memory
    argv = [sys.executable, "-m", "bench.idle", "peers", str(count), str(dropped), "0.4", str(keepalive)]
    done = subprocess.run(argv, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # asyncio says nothing of what went wrong but here
    found: dict[str, float] = json.loads(done.stdout)
    return found


def test_hundreds_of_idle_peers_dropped_at_once_leave_no_task_descriptor_or_object() -> None:
    assert held(300, 120, 0.2)["left of them"] == 0


@pytest.mark.soak
def test_five_thousand_idle_peers_are_small_and_two_thousand_dropped_at_once_leave_nothing() -> None:
    found = held(5_000, 2_000, 5.0)
    assert found["left of them"] == 0
    assert found["memory a connection"] < ENOUGH
    assert found["memory once it has pinged"] < ENOUGH + TRANSPORT
