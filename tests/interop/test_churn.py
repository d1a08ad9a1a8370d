"""A sync among sixty-four peers of which half are killed and restarted: it never stops, and leaves nothing.

The peers are processes that serve one chain, bcoin's, and one of them is bcoin itself. They are slow, so that the sync
lasts as long as the churn; the moments and the victims follow from the seed. Progress is a block stored.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from headway.aio.node import Node
from headway.networks.bitcoin import REGTEST
from headway.store import Durability, Store
from headway.types import Address
from tests.interop.crowd import Crowd
from tests.interop.nodes import Bcoin
from tests.loopback import descriptors

pytestmark = pytest.mark.interop

PEERS: Final = 64
"""bcoin among them."""
OUTBOUND: Final = 8
MOST_AT_ONCE: Final = 8
"""Peers killed in one moment, or restarted."""
RESTARTS: Final = 0.4
"""Part of the moments in which some are restarted; in the others some are killed, until half of all are down."""
MOMENTS: Final = 0.2, 1.2
"""Least and most seconds from one moment to the next."""
SLACK: Final = 4.0
"""Seconds by which the last moment may be late on a busy machine, and the chain is longer."""
LONGEST_STOP: Final = 10.0
"""Seconds without a new block: more is a stop."""
MINED_AT_ONCE: Final = 5_000


class Progress:
    """When blocks were stored, as seen after every input of the node."""

    def __init__(self) -> None:
        self.longest = 0.0
        """Seconds between two steps."""
        self.longest_before = 0
        """How many blocks there were after it."""

    async def watch(self, node: Node) -> None:
        """Until everything is synced. Raises AssertionError as soon as it has stopped for too long."""
        clock, counters = asyncio.get_running_loop().time, node.machine.counters
        last, seen = clock(), 0
        while not node.is_synced():
            try:
                async with asyncio.timeout(LONGEST_STOP):
                    await node.until(lambda seen=seen: counters.blocks > seen or node.is_synced())  # type: ignore[misc]
            except TimeoutError:
                raise AssertionError(
                    f"no block for {LONGEST_STOP:g} s after {seen}: {node.status()}, {node.last_errors()}"
                ) from None
            now, seen = clock(), counters.blocks
            if now - last > self.longest:
                self.longest, self.longest_before = now - last, seen
            last = now


async def churn(
    crowd: Crowd, peers: list[Address], seconds: float, rng: random.Random
) -> tuple[int, int, list[Address]]:
    """Kill and restart peers, half of all at most down at one time. (Kills; the most that were down at one time; who is
    down now.)"""
    clock = asyncio.get_running_loop().time
    until, up, down, kills, most = clock() + seconds, list(peers), list[Address](), 0, 0
    while clock() < until:
        await asyncio.sleep(rng.uniform(*MOMENTS))
        count = rng.randint(1, MOST_AT_ONCE)
        if len(down) == PEERS // 2 or (down and rng.random() < RESTARTS):
            for peer in rng.sample(down, min(count, len(down))):
                await asyncio.to_thread(crowd.restart, peer)
                down.remove(peer)
                up.append(peer)
        else:
            for peer in rng.sample(up, min(count, PEERS // 2 - len(down))):
                await asyncio.to_thread(crowd.kill_peer, peer)
                up.remove(peer)
                down.append(peer)
                kills += 1
        most = max(most, len(down))
    return kills, most, down


async def bring(bcoin: Bcoin, directory: Path) -> None:
    """bcoin's chain, as the directory that the others serve."""
    async with Node(network=REGTEST, connect=[bcoin.address], datadir=directory, durability=Durability.NONE) as node:
        await node.synced()


def log(words: str) -> None:
    """For whoever reads the output of a failure, or runs pytest with -s."""
    sys.stdout.write(words + "\n")


def rows(datadir: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(datadir / "addrbook.sqlite")) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


def addresses(datadir: Path) -> set[str]:
    with closing(sqlite3.connect(datadir / "addrbook.sqlite")) as connection:
        return {f"{host}:{port}" for host, port in connection.execute("SELECT host, port FROM peers")}


@pytest.fixture
def bcoin() -> Iterator[Bcoin]:
    with Bcoin() as node:
        yield node


@pytest.mark.parametrize(
    ("seconds", "wait", "seed"),
    [
        pytest.param(20.0, 0.05, 7, id="20s-seed7"),
        pytest.param(300.0, 0.1, 7, id="300s-seed7", marks=[pytest.mark.soak, pytest.mark.timeout(1200)]),
    ],
)
def test_a_sync_goes_on_while_half_of_its_peers_are_killed_and_restarted(
    bcoin: Bcoin, tmp_path: Path, seconds: float, wait: float, seed: int
) -> None:
    length = int((seconds + SLACK) / wait * (OUTBOUND + 1))  # one more peer may be tried in the place of another
    for start in range(0, length, MINED_AT_ONCE):
        tip = bcoin.mine(min(MINED_AT_ONCE, length - start))
    served, datadir, peers_file = tmp_path / "served", tmp_path / "datadir", tmp_path / "peers.txt"
    asyncio.run(bring(bcoin, served))
    bcoin.slow(wait)
    with Crowd(served, wait) as crowd:
        peers = [crowd.start(number) for number in range(1, PEERS)]
        known = {bcoin.address, *map(str, peers)}
        peers_file.write_text("\n".join(sorted(known)), "ascii")
        before = descriptors()
        progress = Progress()

        async def run() -> None:
            mine, with_loop = asyncio.current_task(), descriptors()
            node = Node(network=REGTEST, peers=OUTBOUND, peers_file=peers_file, datadir=datadir, dnsseed=False)
            async with node, asyncio.TaskGroup() as group:
                watching = group.create_task(progress.watch(node))
                syncing = group.create_task(node.synced())
                kills, most, down = await churn(crowd, peers, seconds, random.Random(seed))
                assert not syncing.done(), "the chain was too short: it was there before the churn was over"
                at_end = node.status()
                crowd.hurry()
                bcoin.slow(0)
                for peer in down:
                    await asyncio.to_thread(crowd.restart, peer)
                await syncing
                await watching
                status = node.status()
                log(f"{kills} kills, {most} down at once; {at_end.blocks} of {length} blocks in the churn")
                log(f"longest stop {progress.longest:.2f} s before block {progress.longest_before}; {status}")
                log(f"bcoin served {bcoin.links()}")
            assert asyncio.all_tasks() == {mine}
            assert descriptors() == with_loop
            assert (status.tip.height, status.misbehaved) == (length, 0)
            assert kills >= seconds, "it was no churn"
            assert most == PEERS // 2

        asyncio.run(run())
        assert descriptors() == before
    assert addresses(datadir) == known
    assert len(rows(datadir, "peers")) == PEERS
    assert rows(datadir, "bans") == []
    with Store.open(datadir, REGTEST, readonly=True) as ours, Store.open(served, REGTEST, readonly=True) as theirs:
        assert str(ours.tree.tip) == str(theirs.tree.tip)
        assert (ours.tree.tip.height, ours.repairs) == (tip.height, ())
        for position in theirs.stored_positions():
            assert ours.get_block(ours.tree.find(theirs.tree.hash(position)) or 0) == theirs.get_block(position)
