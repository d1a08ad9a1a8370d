"""Against bcoin and btcd at once: two programs that share a chain and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.interop.cli import Headway, holds_at_most, run, size_of
from tests.interop.nodes import BLOCKS, Bcoin, Btcd, Tip
from tests.interop.stories import assert_clean, from_node, sync

pytestmark = pytest.mark.interop


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[Bcoin, Btcd]]:
    """Both have the same chain: btcd brought it from bcoin."""
    directory = tmp_path / "btcd"
    directory.mkdir()
    with Bcoin() as bcoin, Btcd(directory) as btcd:
        tip = bcoin.mine(BLOCKS)
        btcd.connect(bcoin.port)
        btcd.follow(tip.hash)
        yield bcoin, btcd


def test_both_share_the_work(nodes: tuple[Bcoin, Btcd], tmp_path: Path) -> None:
    bcoin, btcd = nodes
    result = sync(bcoin, tmp_path / "datadir", "--connect", btcd.address)
    assert Tip(result["height"], result["hash"]) == bcoin.tip()
    assert (result["blocks"], result["peers"], result["reorgs"]) == (BLOCKS, 2, 0)
    assert_clean(tmp_path / "datadir", bcoin.tip())


def test_a_node_that_dies_half_way_costs_only_its_share(nodes: tuple[Bcoin, Btcd], tmp_path: Path) -> None:
    bcoin, btcd = nodes
    run(*from_node(bcoin, tmp_path / "headers"), "--headers-only", "--stop-at", "tip")
    half_way = size_of(tmp_path / "headers") + 200_000  # bytes: all headers and about a third of the blocks
    datadir = tmp_path / "datadir"
    with Headway(*from_node(bcoin, datadir), "--connect", btcd.address, "--stop-at", "tip", "--json") as command:
        assert command.wait_while(partial(holds_at_most, datadir, half_way)), "it should still be at work"
        btcd.kill()
        result = command.result()
    assert Tip(result["height"], result["hash"]) == bcoin.tip()
    assert (result["blocks"], result["peers"]) == (BLOCKS, 1)
    assert_clean(datadir, bcoin.tip())
