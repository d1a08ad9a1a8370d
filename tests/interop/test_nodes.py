"""The harness by itself: each real node starts, mines, reorganises and ends, before any code of ours talks to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.nodes import BLOCKS, REORG_DEPTH, Bcoin, Btcd

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("kind", ["bcoin", "btcd"])
def test_a_real_node_mines_reorganises_and_ends(kind: str, tmp_path: Path) -> None:
    with Bcoin() if kind == "bcoin" else Btcd(tmp_path) as node:
        assert node.tip().height == 0
        first = node.mine(BLOCKS)
        assert first.height == BLOCKS
        assert node.tip() == first
        second = node.fork(REORG_DEPTH)
        assert second.height == BLOCKS + 1
        assert second.hash != first.hash
        assert node.follow(second.hash) == second
        assert node.running
    assert not node.running


@pytest.mark.parametrize("kind", ["bcoin", "btcd"])
def test_a_real_node_brings_its_chain_from_another(kind: str, tmp_path: Path) -> None:
    """What the serving tests rely on: asked to connect, it becomes a client that syncs."""
    with Bcoin() as source, Bcoin() if kind == "bcoin" else Btcd(tmp_path) as node:
        tip = source.mine(20)
        node.connect(source.port)
        assert node.follow(tip.hash) == tip
        assert node.peers() == ["/bcoin:v1.0.2/"]


def test_a_program_that_stays_silent_fails_with_its_output() -> None:
    with Bcoin() as node, pytest.raises(AssertionError, match="Pool server listening"):
        node.wait_for_line("no such line", deadline=0.1)
