"""Idle connections: what one costs a process that holds thousands, and what is left of those that are dropped at once.

    python -m bench.idle [--quick] [--rounds N] [--count N] [--dropped N] [--seconds S]

A process holds `count` handshaken asyncio peers over loopback; the far end is another process (`bench.crowd`).
Measured: memory a connection; CPU of a quiet interval without keepalive pings; CPU of a ping, every peer sending one
each `KEEPALIVE` seconds. Then the far end drops some at once, and what is left of them is counted: tasks, descriptors,
objects. The limit is a bare BufferedProtocol on as many connections, which says nothing.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeAlias

from bench import measure, processes
from bench.chains import REPOSITORY
from bench.measure import LIMIT, NATIVE, PURE, Measure, Sample
from headway.aio.config import LocalConfig
from headway.aio.connection import Connection, shared_scratch
from headway.aio.dial import open_connection
from headway.aio.peer import Peer
from headway.network import Timing
from headway.networks.bitcoin import REGTEST
from headway.peer.machine import PeerMachine

COUNT: Final = 5_000
DROPPED: Final = 2_000
SECONDS: Final = 10.0
QUICK: Final = (300, 120, 0.5)
KEEPALIVE: Final = 5.0
"""Seconds between two pings of a peer while pings are measured; the default is 120 (`Timing.ping_interval`)."""
QUICK_KEEPALIVE: Final = 0.2
AT_ONCE: Final = 200
"""Dials under way: fewer than wait at the far end to be accepted."""
WARM: Final = 8
"""Connections made and closed before anything is measured: what is made once is made."""
SPARE: Final = 100
"""Descriptors for all else than connections."""

MEASURES: Final = (
    Measure("memory a connection", "bytes", more_is_better=False),
    Measure("memory once it has pinged", "bytes", more_is_better=False),
    Measure("a quiet interval", "% of a core", more_is_better=False),
    Measure("a keepalive ping", "us of CPU", more_is_better=False),
    Measure("until all dropped ones were gone", "s", more_is_better=False),
    Measure("left of them", "tasks, descriptors, objects", more_is_better=False),
)

Dial: TypeAlias = Callable[[int], Awaitable["Peer | Bare"]]
"""A connection to the far end at a port, with its handshake done."""


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--count", type=int, default=0, help=f"connections  [default: {COUNT}]")
    parser.add_argument("--dropped", type=int, default=0, help=f"of them dropped at once  [default: {DROPPED}]")
    parser.add_argument("--seconds", type=float, default=0.0, help=f"of each interval  [default: {SECONDS:g}]")
    arguments = parser.parse_args()
    given, usual = (arguments.count, arguments.dropped, arguments.seconds), (COUNT, DROPPED, SECONDS)
    count, dropped, seconds = (a or b for a, b in zip(given, QUICK if arguments.quick else usual, strict=True))
    keepalive = QUICK_KEEPALIVE if arguments.quick else KEEPALIVE
    rounds = 1 if arguments.quick else arguments.rounds
    words = (count, dropped, seconds, keepalive)
    contenders = {
        NATIVE: processes.ours(NATIVE, "idle", "peers", *words),
        PURE: processes.ours(PURE, "idle", "peers", *words),
        LIMIT: processes.ours(PURE, "idle", "bare", *words[:3]),
    }
    found = measure.contest(contenders, rounds)
    settings = {"connections": count, "dropped": dropped, "seconds": seconds, "keepalive": keepalive, "rounds": rounds}
    measure.report("idle", arguments, settings, figures=measure.figures(MEASURES, found), targets=[])


class Lost:
    """How many connections have ended, and a moment to wait for."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._count = 0

    def note(self, *_: object) -> None:
        """One more."""
        self._count += 1
        self._changed.set()

    async def reach(self, count: int) -> None:
        while self._count < count:
            self._changed.clear()
            await self._changed.wait()


class Bare(asyncio.BufferedProtocol):
    """Receives into the shared buffer, as our own connection does, and does nothing with it."""

    __slots__ = ("_lost", "_scratch", "_transport")

    def __init__(self, lost: Lost) -> None:
        self._transport: asyncio.BaseTransport | None = None
        self._scratch = shared_scratch()
        self._lost = lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._scratch

    def buffer_updated(self, nbytes: int) -> None:
        pass

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self._lost.note()

    @property
    def is_over(self) -> bool:
        return self._transport is None

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Crowd:
    """`bench.crowd`, running inside the context manager; it and we may have so many connections."""

    def __init__(self, count: int) -> None:
        self._count = count + SPARE

    def __enter__(self) -> Self:
        processes.allow_descriptors(self._count)
        argv, pipe = [sys.executable, "-m", "bench.crowd", str(self._count)], subprocess.PIPE
        self._process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, cwd=REPOSITORY)
        assert self._process.stdout is not None, "it is a pipe"
        self.port = int(self._process.stdout.readline().removeprefix("listening "))
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def order(self, words: str) -> int:
        assert self._process.stdin is not None, "it is a pipe"
        assert self._process.stdout is not None, "it is a pipe"
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Hold:
    """So many connections, open inside the context manager."""

    def __init__(self, dial: Dial, port: int, count: int) -> None:
        self.held: list[Peer | Bare] = []
        self._dial, self._port, self._count = dial, port, count

    async def __aenter__(self) -> Self:
        for at in range(0, self._count, AT_ONCE):
            some = range(at, min(at + AT_ONCE, self._count))
            self.held += await asyncio.gather(*(self._dial(self._port) for _ in some))
        return self

    async def __aexit__(self, *_error: object) -> None:
        await asyncio.gather(*(each.close() for each in self.held))
        self.held.clear()


async def drop(dial: Dial, lost: Lost, count: int, dropped: int, seconds: float) -> Sample:
    """What a connection costs while nothing is said, and what is left once some are dropped. `dial`: no keepalives."""
    with Crowd(count) as crowd:
        async with Hold(dial, crowd.port, WARM):
            pass
        empty, before = memory(), census()
        async with Hold(dial, crowd.port, count) as hold:
            held, full = memory(), census()
            quiet = await cpu_seconds(seconds)
            for peer in hold.held:
                if isinstance(peer, Peer):
                    await peer.ping()
            pinged = memory()
            start = time.perf_counter()
            crowd.order(f"drop {dropped}")
            await lost.reach(WARM + dropped)
            await asyncio.gather(*(each.close() for each in hold.held if is_over(each)))
            taken = time.perf_counter() - start
            hold.held = [each for each in hold.held if not is_over(each)]
            assert len(hold.held) == count - dropped, "who was not dropped lives"
            after = census()
    expected = {what: before[what] + (full[what] - before[what]) * (count - dropped) // count for what in full}
    return {
        "memory a connection": (held - empty) / count,
        "memory once it has pinged": (pinged - empty) / count,
        "a quiet interval": 100 * quiet / seconds,
        "until all dropped ones were gone": taken,
        "left of them": sum(abs(after[what] - expected[what]) for what in full),
    }


async def ping(dial: Dial, count: int, seconds: float) -> Sample:
    """What a keepalive costs. `dial`: with them, in less than so many seconds."""
    with Crowd(count) as crowd:
        async with Hold(dial, crowd.port, count):
            before = crowd.order("pings")
            cpu = await cpu_seconds(seconds)
            return {"a keepalive ping": 1e6 * cpu / (crowd.order("pings") - before)}


def memory() -> int:
    """Bytes of this process that are in memory now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def census() -> Counter[str]:
    """What a connection could leave behind."""
    gc.collect()
    kinds = (Peer, PeerMachine, Connection, asyncio.Transport, asyncio.TimerHandle, Bare)
    found = Counter(kind.__name__ for each in gc.get_objects() for kind in kinds if isinstance(each, kind))
    found["descriptors"] = len(list(Path("/proc/self/fd").iterdir()))
    found["tasks"] = len(asyncio.all_tasks())
    return found


def is_over(connection: Peer | Bare) -> bool:
    return connection.is_over if isinstance(connection, Bare) else connection.disconnected is not None


async def cpu_seconds(seconds: float) -> float:
    """CPU that this process uses while that much time passes."""
    before = time.process_time()
    await asyncio.sleep(seconds)
    return time.process_time() - before


async def peers(count: int, dropped: int, seconds: float, keepalive: float) -> Sample:
    """Our own peers."""
    lost = Lost()
    quiet = LocalConfig(network=replace(REGTEST, timing=Timing(ping_interval=0)), on_disconnect=lost.note)
    chatty = LocalConfig(network=replace(REGTEST, timing=Timing(ping_interval=keepalive)))
    found = await drop(partial(ready_peer, quiet), lost, count, dropped, seconds)
    return {**found, **await ping(partial(ready_peer, chatty), count, max(seconds, 2 * keepalive))}


async def ready_peer(config: LocalConfig, port: int) -> Peer:
    peer = Peer(await open_connection("127.0.0.1", port), config=config)
    await peer.run()
    return peer


async def bare(count: int, dropped: int, seconds: float) -> Sample:
    """Connections alone."""
    lost = Lost()

    async def dial(port: int) -> Bare:
        loop = asyncio.get_running_loop()
        protocol = Bare(lost)
        await loop.create_connection(lambda: protocol, sock=await open_connection("127.0.0.1", port))
        return protocol

    return await drop(dial, lost, count, dropped, seconds)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["peers", count, dropped, seconds, keepalive]:
            print(json.dumps(asyncio.run(peers(int(count), int(dropped), float(seconds), float(keepalive)))))
        case ["bare", count, dropped, seconds]:
            print(json.dumps(asyncio.run(bare(int(count), int(dropped), float(seconds)))))
        case _:
            main()
