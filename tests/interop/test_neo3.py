"""Against neo-go and neo-mamba, on Neo N3: they serve us, we serve them, and they die under us."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

import headway
from headway.errors import LocalProtocolError
from headway.types import BlockId, hash_from_hex
from tests.data import data_path
from tests.interop.cli import Headway, holds_at_most, run, size_of
from tests.interop.mamba import Mamba
from tests.interop.neo_go import FAST, LIVE, NeoGo, restore
from tests.interop.neo_networks import LEGACY, SINGLE, UNIT
from tests.interop.neo_stories import Ours, tip_of
from tests.interop.nodes import BLOCKS, Tip
from tests.interop.stories import kill_at_random_sizes

pytestmark = pytest.mark.interop

LAG = 20
"""Blocks that we may be behind a validator that makes 10 a second: 2 s on a busy machine."""


@pytest.fixture(scope="module")
def long_chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a neo-go node that made more than one `headers` message of blocks and ended in order."""
    directory = tmp_path_factory.mktemp("validator")
    with NeoGo(directory, block_ms=FAST) as node:
        node.wait_for_height(BLOCKS)
        node.stop()
    return directory


@pytest.fixture
def node(long_chain: Path, tmp_path: Path) -> Iterator[NeoGo]:
    """A node that has the long chain and makes no more."""
    with NeoGo(copied(long_chain, tmp_path / "node")) as node:
        yield node


@pytest.fixture
def ours(tmp_path: Path) -> Ours:
    return Ours.at(tmp_path, SINGLE)


def copied(chain: Path, directory: Path) -> Path:
    shutil.copytree(chain, directory)
    return directory


def made(path: Path) -> Path:
    path.mkdir()
    return path


def test_sync_brings_every_block(node: NeoGo, ours: Ours) -> None:
    tip = node.tip()
    result = ours.sync(node.address)
    assert tip_of(result) == tip
    assert (result["network"], result["headers"], result["blocks"]) == ("neo3-private-56753", tip.height, tip.height)
    assert (result["peers"], result["stalls"], result["reorgs"]) == (1, 0, 0)
    ours.assert_clean(tip)
    again = ours.sync(node.address)
    assert (tip_of(again), again["headers"], again["blocks"]) == (tip, 0, 0)


def test_peer_reports_what_it_learned(node: NeoGo, ours: Ours) -> None:
    result = run("peer", node.address, "--network", ours.network)
    assert (result["addr"], result["subver"]) == (node.address, "/NEO-GO:0.120.0/")
    assert result["startingheight"] == node.height()
    assert 0 <= result["minping"] <= result["pingtime"]


def test_the_blocking_peer_asks_by_height_and_by_what_it_was_given(node: NeoGo, ours: Ours) -> None:
    network = headway.load_network(str(ours.network))
    with headway.blocking.connect(node.address, network=network) as peer:
        assert peer.ping(timeout=30) >= 0
        headers = peer.request_headers(network.rules.root.hash, timeout=30)
        assert [header.height for header in headers[:3]] == [1, 2, 3]  # type: ignore[attr-defined]  # N3 headers have it
        blocks = list(peer.request_blocks(headers[:40]))
        assert [block.hash for block in blocks] == [header.hash for header in headers[:40]]
        tip = node.tip()
        beyond = BlockId(tip.height, hash_from_hex(tip.hash))
        assert len(peer.request_headers(beyond, fence=True, timeout=30)) == 0
        with pytest.raises(LocalProtocolError, match="HEIGHT:HASH"):
            peer.request_headers(bytes(32))


def test_a_chain_of_four_validators_with_transactions(tmp_path: Path) -> None:
    ours = Ours.at(tmp_path, UNIT)
    restore(made(tmp_path / "node"), data_path("neo", "n3-unittestnet-0-50.acc"), UNIT)
    with NeoGo(tmp_path / "node", UNIT) as node:
        assert tip_of(ours.sync(node.address)) == node.tip()
        ours.assert_clean(node.tip())


def test_killed_at_random_moments_and_resumed(node: NeoGo, ours: Ours, tmp_path: Path) -> None:
    ours.sync(node.address)
    killed = Ours(ours.network, tmp_path / "killed")
    words = [*killed.words(node.address), "--stop-at", "tip"]
    assert kill_at_random_sizes(words, killed.datadir, size_of(ours.datadir), seed=1, kills=6) >= 3
    assert tip_of(killed.sync(node.address)) == node.tip()
    killed.assert_clean(node.tip())


def test_a_live_chain_is_followed_for_20_seconds(ours: Ours, tmp_path: Path) -> None:
    follow(ours, tmp_path, seconds=20)


@pytest.mark.soak
def test_a_live_chain_is_followed_for_20_minutes(ours: Ours, tmp_path: Path) -> None:
    follow(ours, tmp_path, seconds=1_200)


def follow(ours: Ours, tmp_path: Path, *, seconds: int) -> None:
    """A validator makes a block each 100 ms; we have it soon after, until there are enough."""
    height = seconds * 1_000 // LIVE
    with NeoGo(made(tmp_path / "node"), block_ms=LIVE) as node:
        with Headway(*ours.words(node.address), "--stop-at", str(height), "--json") as command:
            node.wait_for_height(height, deadline=2 * seconds + 60)
            result = command.result()
            assert node.height() - height <= LAG
        assert tip_of(result) == Tip(height, node.hash_at(height))
        assert (result["blocks"], result["stalls"], result["reorgs"]) == (height, 0, 0)
        ours.assert_clean(tip_of(result))


def test_a_validator_that_is_restarted_is_found_again(ours: Ours, tmp_path: Path) -> None:
    directory = made(tmp_path / "node")
    with (
        NeoGo(directory, block_ms=LIVE) as node,
        Headway(*ours.words(node.address), "--stop-at", "60", "--json", "--verbose") as command,
    ):
        for _ in range(20):
            command.wait_for_line("< block")
        node.stop()
        with NeoGo(directory, block_ms=LIVE, port=node.port) as again:
            result = command.result()
            assert tip_of(result) == Tip(60, again.hash_at(60))


def test_four_sources_one_of_which_dies_half_way(long_chain: Path, ours: Ours, tmp_path: Path) -> None:
    with ExitStack() as stack:
        nodes = [stack.enter_context(NeoGo(copied(long_chain, tmp_path / f"node{i}"))) for i in range(4)]
        tip = nodes[0].tip()
        headers = Ours(ours.network, tmp_path / "headers")
        run(*headers.words(nodes[0].address), "--headers-only", "--stop-at", "tip")
        half_way = size_of(headers.datadir) + 150_000  # bytes: all headers and about a third of the blocks
        words = [*ours.words(*(node.address for node in nodes)), "--stop-at", "tip", "--json"]
        with Headway(*words) as command:
            assert command.wait_while(partial(holds_at_most, ours.datadir, half_way)), "it should still be at work"
            nodes[1].kill()
            result = command.result()
        assert tip_of(result) == tip
        assert (result["blocks"], result["peers"]) == (tip.height, 3)
        ours.assert_clean(tip)


def test_neo_go_brings_its_chain_from_us(node: NeoGo, ours: Ours, tmp_path: Path) -> None:
    ours.sync(node.address)
    tip = node.tip()
    with ours.serving() as port, NeoGo(made(tmp_path / "client"), seeds=[f"127.0.0.1:{port}"]) as client:
        assert client.wait_for_height(tip.height) == tip
        assert [agent.startswith("/headway:") for agent in client.peers()] == [True]


def test_neo_mamba_brings_headers_and_blocks_from_us(ours: Ours, tmp_path: Path) -> None:
    restore(made(tmp_path / "node"), data_path("neo", "n3-unittestnet-0-50.acc"), UNIT)
    ours = Ours.at(tmp_path, UNIT)
    with NeoGo(tmp_path / "node", UNIT) as node:
        ours.sync(node.address)
        hashes = [node.hash_at(height) for height in range(1, 51)]
    with ours.serving() as port, Mamba() as mamba:
        answer = mamba.connect(port, UNIT.magic)
        assert answer["height"] == 50
        assert answer["peer"].startswith("/headway:")
        assert mamba.headers(1, 50) == hashes
        assert mamba.blocks(1, 50) == hashes
        assert mamba.ping() == 50


def test_wrong_magic_is_told_as_such(node: NeoGo, tmp_path: Path) -> None:
    result = run("peer", node.address, "--network", UNIT.write_file(tmp_path / "unit.toml"), code=3)
    assert str(SINGLE.magic) in result["error"]


def test_dialled_as_a_legacy_node_it_is_named(node: NeoGo, tmp_path: Path) -> None:
    result = run("peer", node.address, "--network", LEGACY.write_file(tmp_path / "legacy.toml"), code=3)
    assert "N3" in result["error"]


def test_interrupted_while_it_follows(ours: Ours, tmp_path: Path) -> None:
    with NeoGo(made(tmp_path / "node"), block_ms=LIVE) as node:
        with Headway(*ours.words(node.address), "--json") as command:
            command.wait_for_line("at the tip")
            command.signal(signal.SIGINT)
            result = command.result(code=130)
        assert result["hash"] == node.hash_at(result["height"])
