"""Time grows as the work does, and memory within its bounds: the figures of docs/design/performance.md, in full.

What one costs is CPU time, which a busy machine makes dearer all the same, so that bound is loose: what grows faster
than the work would break it by far. Bounds of memory are as they are stated.
"""

from __future__ import annotations

import pytest

from tests.test_bench import run

LOOSE = 2.0
"""One may cost so many times as much among the most as among the fewest before a test fails."""


@pytest.mark.soak
@pytest.mark.parametrize("part", ["headers", "blocks", "bytes"])
def test_what_one_costs_does_not_grow_with_their_number_and_memory_stays_within_its_bound(part: str) -> None:
    result = run("growth", "--part", part, quick=False)
    judged = {(target["measure"], target["who"]): target for target in result["targets"]}
    assert len(judged) == 2 * (1 + 3)
    for (measure, who), target in judged.items():
        if target["found"] is None:
            assert who == "native", "only the kernel may be absent"
        elif "memory beyond" in measure:
            assert target["met"], target
        else:
            assert target["found"] <= LOOSE, target
