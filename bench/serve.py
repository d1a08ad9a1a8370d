"""Serving: a regtest chain from a data directory to 1 and to 8 clients at once, and small questions one after another.

    python -m bench.serve [--quick] [--rounds N] [--total BYTES]

A server reads each block from its store for each client that asks. bcoin keeps the same chain in its own store, in
memory. The limit is the prepared source: messages framed before anybody asks, sent by a thread a client. The clients
check nothing, and are one process with a thread each.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from bench import chains, measure, processes
from bench.client import Client
from bench.measure import LIMIT, NATIVE, PURE, Contender, Measure, Sample
from headway import Node
from headway.networks.bitcoin import REGTEST
from headway.store import Durability, Store
from headway.testing.chain import store_chain

TOTAL: Final = 128_000_000
QUICK_TOTAL: Final = 300_000
SIZES: Final = {"1 MB": 1_000_000, "50 kB": 50_000}
CLIENTS: Final = (1, 8)
QUESTIONS: Final = 2_000
"""Of each kind, a client."""
QUICK_QUESTIONS: Final = 20
NEAR_TIP: Final = 3
"""Headers in the answer to a question: who follows a chain asks for few."""


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--total", type=int, default=0, help=f"bytes of blocks in the chain  [default: {TOTAL}]")
    arguments = parser.parse_args()
    total = arguments.total or (QUICK_TOTAL if arguments.quick else TOTAL)
    rounds = 1 if arguments.quick else arguments.rounds
    questions = QUICK_QUESTIONS if arguments.quick else QUESTIONS
    sizes = dict([SIZES.popitem()]) if arguments.quick else SIZES
    figures: dict[str, object] = {}
    for name, size in sizes.items():
        found = contest(total, size, questions, rounds)
        figures |= {f"{name}: {each}": figure for each, figure in measure.figures(_measures(), found).items()}
    settings = {"bytes": total, "questions": questions, "rounds": rounds}
    measure.report("serve", arguments, settings, figures=figures, targets=[])


def _measures() -> list[Measure]:
    each = [(f"blocks, {_clients(count)}", "MB/s") for count in CLIENTS]
    each += [(f"questions for headers, {_clients(count)}", "requests/s") for count in CLIENTS]
    costs = [Measure("server CPU", "s", more_is_better=False), Measure("peak memory", "MiB", more_is_better=False)]
    return [*(Measure(name, unit) for name, unit in each), *costs]


def _clients(count: int) -> str:
    return f"{count} client{'s' if count > 1 else ''}"


def contest(total: int, size: int, questions: int, rounds: int) -> dict[str, list[Sample] | str]:
    """One chain, by all servers."""
    path = chains.made_blocks(total, size)
    with tempfile.TemporaryDirectory(dir=chains.CACHE) as directory:
        fill(Path(directory), path)
        servers: dict[str, Callable[[], processes.Server]] = {
            NATIVE: lambda: processes.our_server(NATIVE, "serve", "host", directory),
            PURE: lambda: processes.our_server(PURE, "serve", "host", directory),
            LIMIT: lambda: processes.Source("--blocks", path),
            "bcoin": lambda: processes.bcoin_server(path),
        }
        contenders = {name: _asked(start, questions) for name, start in servers.items()}
        return measure.contest(contenders, rounds)


def _asked(start: Callable[[], processes.Server], questions: int) -> Contender:
    """A server that is started, asked by clients in a process of their own, and ended."""

    def run() -> Sample:
        with start() as server:
            before = server.cpu_seconds()
            sample = processes.ours(PURE, "serve", "ask", server.port, questions)()
            return {**sample, "server CPU": server.cpu_seconds() - before, "peak memory": server.peak_memory()}

    return run


def fill(directory: Path, path: Path) -> None:
    """Write the chain into a data directory."""
    store = Store.open(directory, REGTEST, durability=Durability.NONE)
    try:
        for _ in store_chain(store, (bytes(raw) for raw in chains.read_blocks(path))):
            pass
    finally:
        store.close()


async def host(directory: Path) -> None:
    """Serve a data directory as `headway serve` does, until stdin ends."""
    async with Node(network=REGTEST, peers=0, datadir=directory, bind="127.0.0.1:0") as node:
        assert node.listening is not None, "it was told where"
        print("listening", node.listening.port, flush=True)
        before = time.process_time()
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(time.process_time() - before, flush=True)


def ask(port: int, questions: int) -> Sample:
    """By so many clients at once: all blocks, then small questions."""
    with Client(port) as client:
        hashes = client.hashes()
    sample: dict[str, float] = {}
    near = hashes[-1 - NEAR_TIP]
    for count in CLIENTS:
        taken, sizes = _at_once(count, port, lambda client: sum(map(len, client.blocks(hashes))))
        sample[f"blocks, {_clients(count)}"] = sum(sizes) / 1e6 / taken
        taken, done = _at_once(count, port, lambda client: _headers(client, near, questions))
        sample[f"questions for headers, {_clients(count)}"] = sum(done) / taken
    return sample


def _headers(client: Client, after: bytes, questions: int) -> int:
    return sum(_count(client.headers_after(after)) == NEAR_TIP for _ in range(questions))


def _count(message: memoryview) -> int:
    return int(struct.unpack_from("<B", message, 24)[0])


def _at_once(count: int, port: int, work: Callable[[Client], int]) -> tuple[float, list[int]]:
    """Seconds from the moment when all are connected until the last has done its work; what each has done."""
    begin = threading.Barrier(count + 1)

    def run() -> int:
        with Client(port) as client:
            begin.wait()
            return work(client)

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(run) for _ in range(count)]
        begin.wait()
        start = time.perf_counter()
        done = [future.result() for future in futures]
        return time.perf_counter() - start, done


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["host", directory]:
            asyncio.run(host(Path(directory)))
        case ["ask", port, questions]:
            print(json.dumps(ask(int(port), int(questions))))
        case _:
            main()
