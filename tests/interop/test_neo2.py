"""Against neo-one, on Neo Legacy: it serves us all but its tip, it announces blocks, and it brings a chain from us."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.cli import Headway, run, size_of
from tests.interop.neo_networks import LEGACY, SINGLE
from tests.interop.neo_one import BLOCKS, TIP, NeoOne
from tests.interop.neo_stories import Ours, tip_of
from tests.interop.nodes import Tip
from tests.interop.stories import kill_at_random_sizes

pytestmark = pytest.mark.interop


@pytest.fixture
def ours(tmp_path: Path) -> Ours:
    return Ours.at(tmp_path, LEGACY)


def made(path: Path) -> Path:
    path.mkdir()
    return path


def test_sync_brings_the_whole_chain_and_goes_on_after_kills(ours: Ours, tmp_path: Path) -> None:
    """One node for all: loading 6,000 blocks takes it 5 to 15 s. It tells of its tip only when that arrives."""
    with NeoOne(made(tmp_path / "node"), BLOCKS - 1) as node:
        last = Tip(BLOCKS - 2, node.hash_at(BLOCKS - 2))
        result = ours.sync(node.address)
        assert tip_of(result) == last
        assert (result["network"], result["headers"], result["blocks"]) == ("neo2-private-56753", *2 * (last.height,))
        assert (result["peers"], result["stalls"], result["reorgs"]) == (1, 0, 0)
        ours.assert_clean(last)
        killed = Ours(ours.network, tmp_path / "killed")
        words = [*killed.words(node.address), "--stop-at", "tip"]
        assert kill_at_random_sizes(words, killed.datadir, size_of(ours.datadir), seed=2, kills=6) >= 3
        assert tip_of(killed.sync(node.address)) == last
        killed.assert_clean(last)
        with Headway(*ours.words(node.address), "--stop-at", str(BLOCKS), "--json", "--verbose") as command:
            command.wait_for_line("< headers")
            node.add(1)
            assert tip_of(command.result()) == Tip(BLOCKS, TIP)
        ours.assert_clean(Tip(BLOCKS, TIP))


def test_blocks_that_it_announces_are_followed(ours: Ours, tmp_path: Path) -> None:
    with NeoOne(made(tmp_path / "node"), 40) as node:
        with Headway(*ours.words(node.address), "--stop-at", "60", "--json", "--verbose") as command:
            for _ in range(39):
                command.wait_for_line("< block")
            node.add(20)
            result = command.result()
        assert tip_of(result) == node.tip()
        ours.assert_clean(node.tip())


def test_neo_one_brings_its_chain_from_us(ours: Ours, tmp_path: Path) -> None:
    """More than one of its requests, which are of 500 blocks."""
    with NeoOne(made(tmp_path / "source"), 701) as node:
        tip = tip_of(ours.sync(node.address))
    with ours.serving() as port, NeoOne(made(tmp_path / "client"), 0) as client:
        client.connect(port)
        assert client.follow(tip.hash) == tip
        assert client.peers() == [port]


def test_peer_reports_what_it_learned(ours: Ours, tmp_path: Path) -> None:
    with NeoOne(made(tmp_path / "node"), 10) as node:
        result = run("peer", node.address, "--network", ours.network)
        assert (result["addr"], result["subver"]) == (node.address, "NEO:neo-one-js:1.0.0-preview")
        assert result["startingheight"] == 10
        n3 = SINGLE.write_file(tmp_path / "n3.toml")
        assert "Legacy" in run("peer", node.address, "--network", n3, code=3)["error"]
