"""Against btcd: it serves us, we serve it, it reorganises under us."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.cli import run
from tests.interop.nodes import Btcd, Node
from tests.interop.stories import Stories, kill_and_resume

pytestmark = pytest.mark.interop


def _directory(parent: Path, name: str) -> Path:
    path = parent / name
    path.mkdir()
    return path


class TestBtcd(Stories):
    BELIEVES_ANNOUNCEMENTS = False  # far behind, it listens only to the peer that it chose by the height in its version

    @pytest.fixture
    def node(self, tmp_path: Path) -> Iterator[Node]:
        with Btcd(_directory(tmp_path, "btcd")) as node:
            yield node

    @pytest.fixture
    def other(self, tmp_path: Path) -> Iterator[Node]:
        with Btcd(_directory(tmp_path, "other")) as node:
            yield node

    def test_peer_reports_what_it_learned(self, node: Node) -> None:
        node.mine(3)
        result = run("peer", node.address, "--network", "regtest")
        assert result["addr"] == node.address
        assert result["subver"].endswith("/btcd:0.26.2/")
        assert {"NETWORK", "WITNESS", "COMPACT_FILTERS"} <= set(result["servicesnames"])
        assert result["startingheight"] == 3
        assert result["synced_headers"] == 3
        assert 0 <= result["minping"] <= result["pingtime"]
        assert result["inbound"] is False

    @pytest.mark.soak
    @pytest.mark.parametrize("seed", range(200, 210))
    def test_killed_many_times(self, node: Node, tmp_path: Path, seed: int) -> None:
        kill_and_resume(node, tmp_path, seed=seed, kills=20)
