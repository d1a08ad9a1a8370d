"""Real bytes of both generations of Neo: their vectors, single blocks, and chains in `.acc` dumps.

All from the data beside the repository (`tests.data`); absent, the test that asks for it skips. Called by tests only.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

from tests.data import read

LEGACY_CHAINS: Final = (
    "legacy-privnet-1-6000.acc.xz",
    "legacy-privnet-single-0-1599.acc.xz",
    "legacy-unittestnet-1-210.acc.xz",
)
N3_CHAINS: Final = ("n3-unittestnet-0-50.acc",)


@cache
def vectors(generation: str) -> dict[str, Any]:
    """Of `legacy` or `n3`."""
    found: dict[str, Any] = json.loads(read("neo", "vectors.json"))[generation]
    return found


@cache
def chain(name: str) -> tuple[bytes, ...]:
    """Raw blocks of an `.acc` dump: a count, then each block behind its length."""
    raw = read("neo", name)
    at, blocks = 4, []
    for _ in range(int.from_bytes(raw[:4], "little")):
        start = at + 4
        at = start + int.from_bytes(raw[at:start], "little")
        blocks.append(raw[start:at])
    assert at == len(raw), "a dump ends with its last block"
    return tuple(blocks)


def single_blocks(prefix: str) -> list[tuple[dict[str, Any], bytes]]:
    """Blocks and headers that stand in files of their own: what the manifest says of each, and its bytes."""
    entries = json.loads(read("neo", "manifest.json"))
    return [
        (entry, read("neo", entry["file"]))
        for entry in entries
        if entry["file"].startswith(prefix) and ".acc" not in entry["file"]
    ]
