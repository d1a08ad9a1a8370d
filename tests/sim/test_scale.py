"""One node among many peers, three in ten of them hostile: it brings everything, in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.data import REPOSITORY


def scale(**numbers: int) -> dict[str, Any]:
    """What `tests.sim.scale` says, in a process of its own: its memory is what is measured."""
    words = [word for name, number in numbers.items() for word in (f"--{name}", str(number))]
    argv = [sys.executable, "-m", "tests.sim.scale", *words]
    done = subprocess.run(argv, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_node_among_hundreds_of_peers_brings_everything() -> None:
    told = scale(peers=500, headers=10_000, blocks=2_000)
    assert (told["hostile"], told["headers"], told["blocks"]) == (150, 10_000, 2_000)
    assert told["handshakes"] >= 150
    assert told["mb_most"] - told["mb_before"] < 60


@pytest.mark.soak
def test_a_node_among_ten_thousand_peers_brings_everything_in_bounded_memory() -> None:
    told = scale(peers=10_000, headers=100_000, blocks=20_000)
    assert (told["hostile"], told["headers"], told["blocks"]) == (3_000, 100_000, 20_000)
    assert told["handshakes"] >= 3_000
    assert told["mb_most"] - told["mb_before"] < 400
