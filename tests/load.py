"""A crowd of clients of one server, of which some are slow, some ask and read nothing, and some never shake hands.

    report = await crowd(address, hashes, readers=400, slow=100, mute=10, loris=200, share=20)

They speak just enough of the protocol, and check that what comes is what was asked. The slow ones wait for no clock:
each reads one piece while the others read a number of them. Used by `test_load`.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from bench.client import BATCH, FRAME, GENESIS, MAX_HEADERS, WITNESS_BLOCK, count_at, frame, sha256d
from headway.types import Address, Hash

PIECE: Final = 65_536
"""Bytes that a client reads at a time."""
SLOWNESS: Final = 20
"""A slow client reads a piece while a quick one reads so many, about."""
MUTE_WANTS: Final = 50_000
VERSION: Final = frame("version", struct.pack("<iQq26s26sQ8sib", 70016, 0, 1_700_000_000, b"", b"", 2, b"\4load", 0, 0))


@dataclass
class Report:
    """What became of them."""

    seconds: float = 0.0
    headers: int = 0
    """Of all readers, slow ones among them."""
    block_bytes: int = 0
    finished: dict[str, list[float]] = field(default_factory=lambda: {"quick": [], "slow": []})
    """Seconds from the start until each reader had everything."""
    progress: list[float] = field(default_factory=list)
    """What part of its blocks each quick reader had when the first of them had all."""

    @property
    def fairness(self) -> float:
        """Jain's index of the progress: 1 when all have the same, 1/n when one has everything."""
        squares = sum(each * each for each in self.progress)
        return sum(self.progress) ** 2 / (len(self.progress) * squares)


class _Reader:
    """One client that wants all headers, and some of the blocks."""

    def __init__(self, crowd: _Crowd, wanted: Sequence[int], *, is_slow: bool) -> None:
        self._crowd = crowd
        self._wanted = wanted
        self._is_slow = is_slow
        self._received = bytearray()
        self.got = 0
        self.bytes = 0

    async def run(self, address: Address) -> None:
        self._reader, self._writer = await asyncio.open_connection(address.host, address.port, limit=PIECE)
        try:
            self._writer.write(VERSION)
            await self._next("verack")
            self._writer.write(frame("verack", b""))
            hashes = await self._headers()
            assert hashes == self._crowd.hashes, "the chain is another"
            if not self._is_slow:
                await self._crowd.start.wait()
            for at in range(0, len(self._wanted), BATCH):
                await self._blocks([hashes[number] for number in self._wanted[at : at + BATCH]])
        finally:
            self._writer.close()

    async def _headers(self) -> list[Hash]:
        hashes: list[Hash] = []
        count = MAX_HEADERS
        while count == MAX_HEADERS:
            last = hashes[-1] if hashes else GENESIS
            self._writer.write(frame("getheaders", struct.pack("<IB32s32x", 70016, 1, last)))
            payload = await self._next("headers")
            count, at = count_at(payload)
            hashes += [sha256d(payload[start : start + 80]) for start in range(at, len(payload), 81)]
        return hashes

    async def _blocks(self, hashes: Sequence[Hash]) -> None:
        entries = b"".join(struct.pack("<I32s", WITNESS_BLOCK, each) for each in hashes)
        self._writer.write(frame("getdata", bytes([len(hashes)]) + entries))
        for each in hashes:
            block = await self._next("block")
            assert sha256d(block[:80]) == each, "another block than was asked"
            self.got += 1
            self.bytes += len(block)

    @property
    def progress(self) -> float:
        return self.got / len(self._wanted)

    async def _next(self, command: str) -> memoryview:
        while True:
            await self._fill(FRAME.size)
            _, found, length, _ = FRAME.unpack_from(self._received)
            await self._fill(FRAME.size + length)
            payload = bytes(self._received[FRAME.size : FRAME.size + length])
            del self._received[: FRAME.size + length]
            if found.rstrip(b"\0").decode() == command:
                return memoryview(payload)

    async def _fill(self, size: int) -> None:
        while len(self._received) < size:
            if self._is_slow:
                await self._crowd.slow_turn()
            data = await self._reader.read(PIECE)
            assert data, "the server has closed the connection of a reader"
            self._crowd.note_piece()
            self._received += data


class _Crowd:
    """What the clients share."""

    def __init__(self, hashes: list[Hash], quick: int) -> None:
        self.hashes = hashes
        self.start = asyncio.Barrier(quick)
        """The quick ones ask for blocks once all of them have their headers: what each gets is the server's doing."""
        self._pieces = 0
        self._per_turn = quick * SLOWNESS
        self._turns: list[tuple[int, asyncio.Future[None]]] = []
        self.is_over = False

    def note_piece(self) -> None:
        self._pieces += 1
        while self._turns and self._turns[0][0] <= self._pieces:
            self._turns.pop(0)[1].set_result(None)

    async def slow_turn(self) -> None:
        """Wait until the others have read so much more. Once they are done, a slow one is as quick as anybody."""
        if not self.is_over:
            turn = asyncio.get_running_loop().create_future()
            self._turns.append((self._pieces + self._per_turn, turn))
            await turn

    def end(self) -> None:
        """The quick ones have all they want."""
        self.is_over = True
        for _, turn in self._turns:
            turn.set_result(None)
        self._turns.clear()


async def crowd(
    address: Address, hashes: list[Hash], *, readers: int, slow: int, mute: int, loris: int, share: int, seed: int = 1
) -> Report:
    """So many of each kind at once; the readers want `share` blocks each. Returns when all readers have everything."""
    rng, report = random.Random(seed), Report()
    together = _Crowd(hashes, readers)
    quick = [_Reader(together, _run_of(hashes, share, rng), is_slow=False) for _ in range(readers)]
    lazy = [_Reader(together, _run_of(hashes, share, rng), is_slow=True) for _ in range(slow)]
    with ExitStack() as stack:
        for sock in (*_loris(address, loris), *_mute(address, mute, hashes)):
            stack.enter_context(sock)
        start = time.perf_counter()

        async def one(reader: _Reader, kind: str) -> None:
            await reader.run(address)
            report.finished[kind].append(time.perf_counter() - start)
            report.progress = report.progress or [each.progress for each in quick]

        async with asyncio.TaskGroup() as group:
            busy = [group.create_task(one(each, "quick")) for each in quick]
            for each in lazy:
                group.create_task(one(each, "slow"))
            await asyncio.gather(*busy)
            together.end()
    report.seconds = time.perf_counter() - start
    report.headers = len(hashes) * len(quick + lazy)
    report.block_bytes = sum(each.bytes for each in quick + lazy)
    return report


def _run_of(hashes: list[Hash], share: int, rng: random.Random) -> Sequence[int]:
    start = rng.randrange(len(hashes) - share + 1)
    return range(start, start + share)


def _loris(address: Address, count: int) -> Iterator[socket.socket]:
    """They say half of a version, and no more."""
    for _ in range(count):
        sock = socket.create_connection((address.host, address.port))
        sock.sendall(VERSION[: len(VERSION) // 2])
        yield sock


def _mute(address: Address, count: int, hashes: list[Hash]) -> Iterator[socket.socket]:
    """They ask for more than anybody could keep for them, and read nothing."""
    wanted = (hashes * (MUTE_WANTS // len(hashes) + 1))[:MUTE_WANTS]
    entries = b"".join(struct.pack("<I32s", WITNESS_BLOCK, each) for each in wanted)
    question = frame("getdata", b"\xfd" + struct.pack("<H", MUTE_WANTS) + entries)
    for _ in range(count):
        sock = socket.create_connection((address.host, address.port))
        sock.sendall(VERSION + frame("verack", b"") + question)
        yield sock
