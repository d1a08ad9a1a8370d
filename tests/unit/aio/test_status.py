"""The figures of a snapshot."""

from __future__ import annotations

from dataclasses import replace

from headway.aio.status import NodeStatus, status_of
from headway.types import Address, BlockId
from tests.toynet import toy_chain, toy_hash
from tests.virtual import World

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


def test_a_snapshot_tells_what_the_node_is_doing() -> None:
    world, chain = World(), toy_chain(30)
    world.node(chain, at="1.0.0.1:1")
    node = world.node(connect=(Address("1.0.0.1", 1), Address("1.0.0.2", 1)))
    before = status_of(node.machine)
    assert (before.phase, before.tip.height, before.connecting, before.seconds) == ("headers", 0, 2, 0.0)
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    after = status_of(node.machine)
    assert (after.network, after.phase, after.peers, after.in_flight) == ("toynet", "current", 1, 0)
    assert (after.header_tip, after.block_tip) == (BlockId(30, toy_hash(chain[-1])),) * 2
    assert (after.headers, after.blocks, after.block_bytes) == (30, 30, sum(map(len, chain)))
    assert 0.0 < after.seconds < 60.0
