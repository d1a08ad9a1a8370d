"""The figures of a snapshot."""

from __future__ import annotations

from dataclasses import replace

from headway.aio.status import NodeStatus
from headway.types import BlockId

STATUS = NodeStatus(
    network="regtest",
    phase="blocks",
    header_tip=BlockId(100, b"\1" * 32),
    block_tip=BlockId(50, b"\2" * 32),
    headers=100,
    blocks=50,
    block_bytes=5_000_000,
    seconds=2.0,
    peers=1,
    connecting=0,
    in_flight=16,
    stalls=0,
    reorgs=0,
    misbehaved=0,
)


def test_rates_are_over_the_time_of_work() -> None:
    assert (STATUS.headers_per_second, STATUS.blocks_per_second, STATUS.mb_per_second) == (50.0, 25.0, 2.5)


def test_rates_are_zero_before_anything_came() -> None:
    idle = replace(STATUS, seconds=0.0)
    assert (idle.headers_per_second, idle.blocks_per_second, idle.mb_per_second) == (0.0, 0.0, 0.0)


def test_tip_is_the_last_block_or_header_by_what_is_brought() -> None:
    assert STATUS.tip.height == 50
    assert replace(STATUS, block_tip=None).tip.height == 100
