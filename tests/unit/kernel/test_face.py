"""When a context is complete: the native twin sees no other."""

from __future__ import annotations

import pytest

from headway.kernel.face import HEIGHT_UNKNOWN, HeaderContext

COMPLETE = HeaderContext(2020, bytes(32), tuple(range(11)), 0x1D00FFFF, 0, 0x1D00FFFF)


def test_a_context_with_everything_is_complete() -> None:
    assert COMPLETE.complete


def test_the_context_of_genesis_is_complete() -> None:
    assert HeaderContext(-1, bytes(32), (), None, None, None).complete


def test_near_genesis_fewer_times_are_all_there_are() -> None:
    assert COMPLETE._replace(height=4, times=(1, 2, 3, 4, 5)).complete
    assert not COMPLETE._replace(height=5, times=(1, 2, 3, 4, 5)).complete


@pytest.mark.parametrize(
    "gap",
    [
        COMPLETE._replace(hash=None),
        COMPLETE._replace(times=COMPLETE.times[1:]),
        COMPLETE._replace(bits=None),
        COMPLETE._replace(first_time=None),
        COMPLETE._replace(period_bits=None),
        COMPLETE._replace(height=HEIGHT_UNKNOWN),
    ],
    ids=["hash", "times", "bits", "first_time", "period_bits", "height"],
)
def test_a_context_with_any_gap_is_not_complete(gap: HeaderContext) -> None:
    assert not gap.complete
