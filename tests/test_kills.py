"""A sync that is killed again and again, with SIGKILL at random moments, from a chain that reorganises all the while.

The command is the real one, and so is the disk; it prunes as it goes. Whatever was stored when it was killed is there
afterwards or was pruned, and at the end it has what one has that was never killed.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from headway.aio.config import LocalConfig
from headway.aio.peer import Peer
from headway.chain.blocks import KEPT
from headway.cli.verify.directory import judge_directory
from headway.cli.verify.report import Report
from headway.errors import HandshakeRejected
from headway.networks.bitcoin import REGTEST
from headway.peer.events import PeerState
from headway.store import Durability, Store
from headway.testing.chain import fork, regtest_chain
from headway.testing.serving import ServedChain
from headway.types import Hash
from tests.forked import Fork, Forks
from tests.loopback import listen

SIZES: Final = (500, 3_000)
FIRST: Final = 500
"""Blocks of the chain in the first life."""
GROWTH: Final = 30
"""Blocks that it is longer in each life, six others gone."""
DEPTH: Final = 6
BYTES: Final = 132
"""Of a block in the header log and in the index."""
BROUGHT: Final = (DEPTH + GROWTH) * BYTES
"""Bytes that each life has to bring there at least."""
ROOM: Final = 600_000
"""Bytes of blocks that the sync keeps: 288 have about 500,000."""


class Served:
    """A chain that a thread of its own serves over loopback; it may be another one at any time."""

    def __init__(self, blocks: Sequence[bytes]) -> None:
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._listener, self.address = listen()
        self._peers: list[Peer] = []
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self.become(blocks)

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()
            self._loop.close()

    def become(self, blocks: Sequence[bytes]) -> None:
        """Whoever is connected hears of it."""
        self.blocks = list(blocks)
        self._chain = ServedChain(REGTEST, blocks)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._announce)

    def _announce(self) -> None:
        for peer in self._peers:
            if peer.state is PeerState.READY:
                peer.send(self._chain.announcement())

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            accepting = group.create_task(self._accept(group))
            await self._stopped.wait()
            accepting.cancel()
            await asyncio.gather(*(peer.close() for peer in self._peers))
        self._listener.close()

    async def _accept(self, group: asyncio.TaskGroup) -> None:
        config = LocalConfig(network=REGTEST, services=9, on_getheaders=self._answer, on_getdata=self._answer)
        while True:
            accepted, _ = await asyncio.get_running_loop().sock_accept(self._listener)
            self._peers = [peer for peer in self._peers if peer.disconnected is None]
            self._peers.append(Peer(accepted, inbound=True, config=config))
            group.create_task(self._run(self._peers[-1]))

    async def _run(self, peer: Peer) -> None:
        with suppress(HandshakeRejected):  # the other side is killed at any time
            await peer.run()

    def _answer(self, peer: Peer, message: Any) -> None:
        for answer in self._chain.answers(message):
            peer.send(answer)


class Survivor:
    """A data directory whose writer is killed, and what must be in it."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self._rng = random.Random(seed)
        self._known: dict[Hash, bytes] = {}
        """Every block that any chain ever had."""
        self._stored: set[Hash] = set()
        """What was there when it was last looked at."""
        self.kills = 0
        """How often it was still at work."""

    def live(self, forks: Forks, words: Sequence[str | Path], served: Served, log: Path) -> None:
        """One life of the sync, which ends at some moment: at once, or when it has written so much more."""
        self._known |= {REGTEST.codec.parser.block_header(block).hash: block for block in served.blocks}
        at_once = self._rng.random() < 0.1
        limit = self._progress() + self._rng.randrange(1 if at_once else FIRST * BYTES if not self.kills else BROUGHT)
        life = forks.start(words, log)
        if self._rng.random() < 0.5:
            self._wait(life, (self._progress() + limit) // 2)
            self._reorganise(served)
        self.kills += self._wait(life, limit)
        life.kill()
        self.check()

    def check(self) -> None:
        """All that was stored is there, or was pruned, and nothing else than it was. Every other time by a writer, who
        puts right what the kill left; else the next life does."""
        readonly = self._rng.random() < 0.5
        if readonly and not (self.path / "headers.bin").exists():
            return
        with Store.open(self.path, REGTEST, readonly=readonly, durability=Durability.NONE) as store:
            tree, here = store.tree, set()
            for position in store.stored_positions():
                block = store.get_block(position)
                assert block == self._known[tree.hash(position)]
                here.add(tree.hash(position))
            for block_hash in self._stored - here:
                lost = tree.find(block_hash)
                assert lost is not None, "its header is gone"
                assert tree.height(lost) < store.pruned_below, f"{tree.id(lost)} is gone"
            self._stored = here

    def _wait(self, life: Fork, limit: int) -> bool:
        return life.wait_while(lambda: self._progress() <= limit)

    def _progress(self) -> int:
        """Bytes of headers and of the index: what only grows."""
        files = (self.path / "headers.bin", self.path / "blocks" / "index.bin")
        return sum(file.stat().st_size for file in files if file.exists())

    def _reorganise(self, served: Served) -> None:
        served.become(longer(served.blocks, self._rng.randrange(1 << 30)))
        self._known |= {REGTEST.codec.parser.block_header(block).hash: block for block in served.blocks}


def longer(blocks: Sequence[bytes], salt: int) -> list[bytes]:
    return fork(blocks, len(blocks) - DEPTH, DEPTH + GROWTH, salt=salt, sizes=SIZES)


def sync_words(served: Served, path: Path) -> list[str | Path]:
    return ["sync", "--network", "regtest", "--connect", str(served.address), "--datadir", path, "--prune", str(ROOM)]


def kept(path: Path) -> dict[int, bytes | None]:
    """The last 288 blocks of the best chain, by height."""
    with Store.open(path, REGTEST, readonly=True) as store:
        tip = store.tree.tip.height
        return {height: store.get_block(store.tree.at(height)) for height in range(tip - KEPT + 1, tip + 1)}


def survive(tmp_path: Path, kills: int, seed: int) -> Survivor:
    served = Served(list(regtest_chain(FIRST, sizes=SIZES)))
    survivor = Survivor(tmp_path / "killed", seed)
    words, log = sync_words(served, survivor.path), tmp_path / "log"
    with served.running(), Forks() as forks:
        for life in range(kills):
            survivor.live(forks, [*words, "-q"], served, log)
            served.become(longer(served.blocks, seed + life))
        ended = forks.start([*words, "--stop-at", "tip", "--json"], log)
        assert ended.wait() == 0, log.read_text()[-2_000:]
        never = forks.start([*sync_words(served, tmp_path / "whole"), "--stop-at", "tip", "--json"], log)
        assert never.wait() == 0, log.read_text()[-2_000:]
    assert "Traceback" not in log.read_text()
    chain = {
        height: served.blocks[height - 1] for height in range(len(served.blocks) - KEPT + 1, len(served.blocks) + 1)
    }
    assert kept(survivor.path) == kept(tmp_path / "whole") == chain
    report = Report()
    judge_directory(survivor.path, REGTEST, 2e9, report)
    assert report.pruned_below > 0
    assert sum(file.stat().st_size for file in survivor.path.glob("blocks/blk*.dat")) < 2 * ROOM
    return survivor


def test_a_sync_that_is_killed_ten_times_ends_like_one_that_never_was(tmp_path: Path) -> None:
    assert survive(tmp_path, 10, seed=1).kills >= 5  # it was still at work then


@pytest.mark.soak
def test_a_sync_that_is_killed_three_hundred_times_ends_like_one_that_never_was(tmp_path: Path) -> None:
    assert survive(tmp_path, 300, seed=2).kills >= 250
