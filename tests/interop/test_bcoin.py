"""Against bcoin: it serves us, we serve it, it reorganises under us."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.cli import Headway, run
from tests.interop.nodes import Bcoin, Node
from tests.interop.stories import Stories, assert_clean, from_node, kill_and_resume, tell_reorganisation

pytestmark = pytest.mark.interop


class TestBcoin(Stories):
    @pytest.fixture
    def node(self, tmp_path: Path) -> Iterator[Node]:
        del tmp_path
        with Bcoin() as node:
            yield node

    @pytest.fixture
    def other(self) -> Iterator[Node]:
        with Bcoin() as node:
            yield node

    def saw_as_announced(self, relay: Headway) -> None:
        """bcoin asks for new blocks in compact form, and then for the transactions that it lacks."""
        relay.wait_for_line("> cmpctblock")

    def test_peer_reports_what_it_learned(self, node: Node) -> None:
        node.mine(3)
        result = run("peer", node.address, "--network", "regtest")
        assert result["addr"] == node.address
        assert (result["version"], result["subver"]) == (70015, "/bcoin:v1.0.2/")
        assert result["servicesnames"] == ["NETWORK", "WITNESS"]
        assert result["startingheight"] == 3
        assert result["synced_headers"] == 3
        assert 0 <= result["minping"] <= result["pingtime"]
        assert result["inbound"] is False

    def test_peer_of_another_network_is_told_apart(self, node: Node) -> None:
        result = run("peer", node.address, "--network", "bitcoin", code=3)
        assert "this peer is of the network regtest" in result["error"]

    def test_closed_port_is_told_as_such(self, node: Bcoin) -> None:
        node.kill()
        result = run("peer", node.address, "--network", "regtest", code=3)
        assert "connection refused" in result["error"]

    def test_new_blocks_come_by_the_ids_of_their_transactions(self, node: Bcoin, datadir: Path) -> None:
        """Those that were announced are in the cache; those that were there before we came are asked for. (bcoin has
        compact blocks with witnesses for those alone that say they serve with witnesses.)"""
        start = node.coins(20)
        node.pay(3)
        words = [*from_node(node, datadir), "--stop-at", str(start.height + 2), "--bind", "127.0.0.1:0", "--json", "-v"]
        with Headway(*words, "--tx-cache", "1MB") as follower:
            follower.wait_for_line(rf"< headers \[{start.height}\]")
            for count, asks in ((10, True), (7, False)):
                node.pay(count)
                for _ in range(count):
                    follower.wait_for_line(r"< tx ")
                node.mine(1)
                follower.wait_for_line(r"< cmpctblock \[")
                if asks:
                    follower.wait_for_line(r"> getblocktxn \[3\]")
                    follower.wait_for_line(r"< blocktxn \[3\]")
            result = follower.result()
        use = result["tx_cache"]
        assert (use["blocks"], use["at_once"], use["topped_up"], use["failed"]) == (2, 1, 1, 0)
        assert (use["found"], use["asked"], use["hit_rate"]) == (17, 3, 17 / 20)
        assert (use["transactions"], result["blocks"]) == (17, start.height + 2)
        assert_clean(datadir, node.tip())

    @pytest.mark.parametrize("depth", [1, 100, pytest.param(3_000, marks=pytest.mark.soak)])
    def test_reorganisation_however_deep(self, node: Node, datadir: Path, depth: int) -> None:
        tell_reorganisation(node, datadir, blocks=depth + 10, depth=depth)
        assert_clean(datadir, node.tip())

    @pytest.mark.soak
    @pytest.mark.parametrize("seed", range(100, 110))
    def test_killed_many_times(self, node: Node, tmp_path: Path, seed: int) -> None:
        kill_and_resume(node, tmp_path, seed=seed, kills=20)
