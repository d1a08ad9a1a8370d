"""What must hold against any real node: the stories that `test_bcoin` and `test_btcd` tell with their own node.

Each test has a fresh node and a fresh data directory. Our side is the installed command line, in a process of its own.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

import headway
from headway.types import hash_hex
from tests.interop.cli import Headway, holds_at_most, run, size_of
from tests.interop.nodes import BLOCKS, REORG_DEPTH, Node, Tip

SYNC_FIELDS = (
    "network height hash headers blocks bytes seconds headers_per_second blocks_per_second mb_per_second peers stalls "
    "reorgs kernel"
)
VERIFY_FIELDS = "valid headers blocks tip unchecked error"


def from_node(node: Node, datadir: Path) -> list[str | Path]:
    """The words of a `headway sync` that follows one node."""
    return ["sync", "--network", "regtest", "--connect", node.address, "--datadir", datadir]


def sync(node: Node, datadir: Path, *more: str, stop_at: str = "tip", code: int = 0) -> dict[str, Any]:
    """Run `headway sync` to its end."""
    return run(*from_node(node, datadir), "--stop-at", stop_at, *more, code=code)


def assert_clean(datadir: Path, tip: Tip) -> None:
    """`headway verify` finds nothing wrong with the whole chain up to `tip`."""
    result = run("verify", datadir, "--network", "regtest")
    assert " ".join(result) == VERIFY_FIELDS
    assert result["valid"] is True
    assert result["error"] is None
    assert result["tip"] == {"height": tip.height, "hash": tip.hash}
    assert result["headers"] >= tip.height
    assert result["blocks"] >= tip.height


def tell_reorganisation(node: Node, datadir: Path, *, blocks: int, depth: int) -> None:
    """`Node.follow` gives every block, takes back `depth` of them, the highest first, and gives those of the other
    branch."""
    node.mine(blocks)
    joined = [(True, height) for height in range(blocks + 2)]
    left = [(False, height) for height in range(blocks, blocks - depth, -1)]

    async def follow() -> list[tuple[bool, int]]:
        """(whether it joined the chain, height) of each event up to the new tip."""
        seen: list[tuple[bool, int]] = []
        async with headway.Node(network="regtest", connect=[node.address], datadir=datadir) as ours:
            async for event in ours.follow():
                seen.append((isinstance(event, headway.BlockConnected), event.id.height))
                if len(seen) == blocks + 1:
                    await asyncio.to_thread(node.fork, depth)
                if seen[-1] == (True, blocks + 1):
                    assert hash_hex(event.id.hash) == node.tip().hash
                    break
        return seen

    assert asyncio.run(follow()) == joined[:-1] + left + joined[blocks - depth + 1 :]


class Stories:
    """A subclass gives the fixture `node`: a running node whose chain is only its genesis."""

    BELIEVES_ANNOUNCEMENTS: ClassVar[bool] = True
    """Whether it brings a chain from a peer that had none of it when they shook hands."""

    @pytest.fixture
    def node(self, tmp_path: Path) -> Iterator[Node]:
        raise NotImplementedError

    @pytest.fixture
    def datadir(self, tmp_path: Path) -> Path:
        return tmp_path / "datadir"

    def test_sync_brings_every_block(self, node: Node, datadir: Path) -> None:
        tip = node.mine(BLOCKS)
        result = sync(node, datadir)
        assert " ".join(result) == SYNC_FIELDS
        assert Tip(result["height"], result["hash"]) == tip
        assert (result["network"], result["headers"], result["blocks"]) == ("regtest", BLOCKS, BLOCKS)
        assert (result["peers"], result["stalls"], result["reorgs"]) == (1, 0, 0)
        assert_clean(datadir, tip)

    def test_second_sync_has_nothing_to_bring(self, node: Node, datadir: Path) -> None:
        tip = node.mine(30)
        sync(node, datadir)
        result = sync(node, datadir)
        assert Tip(result["height"], result["hash"]) == tip
        assert (result["headers"], result["blocks"], result["bytes"]) == (0, 0, 0)

    def test_sync_from_a_node_without_blocks_ends_at_genesis(self, node: Node, datadir: Path) -> None:
        """btcd does not even answer getheaders then; silence before the pong is an answer."""
        result = sync(node, datadir)
        assert Tip(result["height"], result["hash"]) == node.tip()

    def test_sync_stops_at_a_height(self, node: Node, datadir: Path) -> None:
        node.mine(300)
        result = sync(node, datadir, stop_at="120")
        assert (result["height"], result["blocks"]) == (120, 120)

    def test_headers_only_brings_no_block(self, node: Node, datadir: Path) -> None:
        tip = node.mine(BLOCKS)
        result = sync(node, datadir, "--headers-only")
        assert Tip(result["height"], result["hash"]) == tip
        assert (result["headers"], result["blocks"]) == (BLOCKS, 0)

    def test_two_connections_to_one_node_share_the_work(self, node: Node, datadir: Path) -> None:
        tip = node.mine(BLOCKS)
        result = sync(node, datadir, "--connect", node.address)
        assert Tip(result["height"], result["hash"]) == tip
        assert (result["blocks"], result["peers"]) == (BLOCKS, 2)
        assert_clean(datadir, tip)

    def test_deadline_keeps_the_partial_result(self, node: Node, datadir: Path) -> None:
        tip = node.mine(10)
        result = sync(node, datadir, "--deadline", "1", stop_at="11", code=4)
        assert Tip(result["height"], result["hash"]) == tip
        assert_clean(datadir, tip)

    @pytest.mark.parametrize("seed", [1, 2])
    def test_killed_at_random_moments_and_resumed(self, node: Node, tmp_path: Path, seed: int) -> None:
        kill_and_resume(node, tmp_path, seed=seed, kills=6)

    def test_reorganisation_while_we_follow(self, node: Node, datadir: Path) -> None:
        """We have the old chain and wait for its next block; the other chain brings it."""
        node.mine(150)
        with Headway(*from_node(node, datadir), "--stop-at", "151", "--json", "--verbose") as command:
            for _ in range(150):
                command.wait_for_line("< block")
            tip = node.fork(REORG_DEPTH)
            result = command.result()
        assert Tip(result["height"], result["hash"]) == tip
        assert (result["reorgs"], result["blocks"]) == (1, 150 + REORG_DEPTH + 1)
        assert_clean(datadir, tip)

    def test_interrupted_while_it_follows(self, node: Node, datadir: Path) -> None:
        tip = node.mine(30)
        with Headway(*from_node(node, datadir), "--json") as command:
            command.wait_for_line("at the tip, height 30")
            command.signal(signal.SIGINT)
            result = command.result(code=130)
            assert any("go on with: headway sync --network regtest" in line for line in command.lines)
        assert Tip(result["height"], result["hash"]) == tip
        assert_clean(datadir, tip)

    def test_library_tells_a_reorganisation_block_by_block(self, node: Node, datadir: Path) -> None:
        tell_reorganisation(node, datadir, blocks=150, depth=REORG_DEPTH)

    def test_node_brings_its_chain_from_us(self, node: Node, other: Node, datadir: Path) -> None:
        tip = node.mine(BLOCKS)
        sync(node, datadir)
        with Headway("serve", "--network", "regtest", "--datadir", datadir, "--bind", "127.0.0.1:0") as server:
            other.connect(int(server.wait_for_line(r"^listening 127\.0\.0\.1:(\d+)$")[1]))
            assert other.follow(tip.hash) == tip

    def test_node_follows_us_while_we_follow_another(self, node: Node, other: Node, datadir: Path) -> None:
        """A relay: a chain as it is brought, then new blocks one by one, then many at once."""
        node.mine(150)
        with Headway(*from_node(node, datadir), "--bind", "127.0.0.1:0", "--verbose") as relay:
            port = int(relay.wait_for_line(r"^listening 127\.0\.0\.1:(\d+)$")[1])
            if not self.BELIEVES_ANNOUNCEMENTS:
                relay.wait_for_line("at the tip")
            other.connect(port)
            for count in (0, 1, 1, 1, 20):
                tip = node.mine(count) if count else node.tip()
                assert other.follow(tip.hash) == tip
            self.saw_as_announced(relay)

    def saw_as_announced(self, relay: Headway) -> None:
        """What the other node made of our announcements, in the trace of `relay`."""


def kill_and_resume(node: Node, tmp_path: Path, *, seed: int, kills: int) -> None:
    """A sync, killed (SIGKILL) again and again; then once more to the end."""
    tip = node.mine(BLOCKS)
    sync(node, tmp_path / "whole")
    datadir = tmp_path / "killed"
    words = [*from_node(node, datadir), "--stop-at", "tip"]
    killed = kill_at_random_sizes(words, datadir, size_of(tmp_path / "whole"), seed=seed, kills=kills)
    assert killed >= kills // 2  # it was still at work, not done already, when it was killed
    result = sync(node, datadir)
    assert Tip(result["height"], result["hash"]) == tip
    assert_clean(datadir, tip)


def kill_at_random_sizes(words: Sequence[str | Path], datadir: Path, whole: int, *, seed: int, kills: int) -> int:
    """Run our command `kills` times, killed whenever its data directory reaches another random size below `whole`.

    Returns how often it was still at work then.
    """
    rng = random.Random(seed)
    killed = 0
    for limit in sorted(rng.randrange(whole) for _ in range(kills)):
        with Headway(*words) as command:
            killed += command.wait_while(partial(holds_at_most, datadir, limit))
    return killed
