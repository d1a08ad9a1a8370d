"""Block sync: regtest blocks from one prepared source over loopback, by 1 and by 8 connections, verified and stored.

    python -m bench.blocks [--quick] [--rounds N] [--total BYTES]

Stored means in the page cache (`--durability none`): flushes measure the disk, whose rate stands beside.
The limit receives the same messages in one process and one thread, checks each message's sum, and computes both merkle
roots of each block: no rules, nothing written.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from typing import Final

from bench import chains, limits, measure, processes
from bench.client import FRAME, Client, sha256d
from bench.measure import LIMIT, NATIVE, PURE, Measure, Sample, Target
from headway import Node, kernel
from headway.networks.bitcoin import REGTEST

TOTAL: Final = 256_000_000
QUICK_TOTAL: Final = 300_000
SIZES: Final = {"1 MB": 1_000_000, "50 kB": 50_000}
CONNECTIONS: Final = {"1 connection": 1, "8 connections": 8}
OTHERS_TOTAL: Final = 32_000_000
"""Bytes for those who take long: their rate does not depend on it."""
DISK_SIZE: Final = 512_000_000

MEASURES: Final = (
    Measure("block sync", "MB/s"),
    Measure("CPU", "s", more_is_better=False),
    Measure("source CPU", "s", more_is_better=False),
    Measure("peak memory", "MiB", more_is_better=False),
)
TARGETS: Final = (Target("block sync", NATIVE, 0.6, LIMIT), Target("block sync", PURE, 0.15, LIMIT))


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--total", type=int, default=0, help=f"bytes of blocks in the chain  [default: {TOTAL}]")
    arguments = parser.parse_args()
    total = arguments.total or (QUICK_TOTAL if arguments.quick else TOTAL)
    rounds = 1 if arguments.quick else arguments.rounds
    works = {
        f"{blocks}, {connections}": (size, count)
        for blocks, size in SIZES.items()
        for connections, count in CONNECTIONS.items()
    }
    if arguments.quick:
        works = dict([works.popitem()])
    results = {name: contest(total, size, count, rounds) for name, (size, count) in works.items()}
    disk = measure.disk_rate(chains.CACHE, DISK_SIZE // 100 if arguments.quick else DISK_SIZE)
    settings = {"bytes": total, "rounds": rounds, "limit hashes by": limits.BY}
    measure.report(
        "blocks",
        arguments,
        settings,
        figures={f"{name}: {each}": figure for name, figures in results.items() for each, figure in figures.items()},
        disk_mb_per_second=disk,
        targets=[
            {**target, "measure": f"{name}: {target['measure']}"}
            for name, figures in results.items()
            for target in measure.judge(TARGETS, figures)
        ],
    )


def contest(total: int, size: int, connections: int, rounds: int) -> dict[str, object]:
    """One chain from one source, by all contenders."""
    path = chains.made_blocks(total, size)
    some = min(total, OTHERS_TOTAL)
    with processes.Source("--blocks", path) as source:
        contenders = {
            NATIVE: processes.ours(NATIVE, "blocks", "sync", source.port, connections, total // size),
            PURE: processes.ours(PURE, "blocks", "sync", source.port, connections, total // size),
            LIMIT: processes.ours(kernel.NAME, "blocks", "limit", source.port),
            "bcoin": processes.bcoin("blocks", source.port, connections, some),
            "btclib": processes.with_library("btclib", "blocks", source.port, some),
            "python-bitcoinlib": processes.with_library("python-bitcoinlib", "blocks", source.port, some),
        }
        found = measure.contest({name: source.served(each) for name, each in contenders.items()}, rounds)
    return measure.figures(MEASURES, found)


async def sync(port: int, connections: int, count: int) -> Sample:
    """The real node, as a user would run it, but for the flushes."""
    with tempfile.TemporaryDirectory(dir=chains.CACHE) as datadir:
        node = Node(
            network=REGTEST,
            connect=[f"127.0.0.1:{port}"] * connections,
            datadir=datadir,
            durability="none",
        )
        async with node:
            cpu = time.process_time()
            await node.synced()
            cpu = time.process_time() - cpu
            status = node.status()
            assert status.blocks == count, f"{status.blocks} blocks came, {count} were there"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"block sync": status.mb_per_second, "CPU": cpu, "peak memory": memory / 1024}


def limit(port: int) -> Sample:
    """The least that one thread could do."""
    with Client(port) as client:
        hashes, received = client.hashes(), 0
        cpu, start = time.process_time(), time.perf_counter()
        for message in client.blocks(hashes):
            block = message[FRAME.size :]
            sha256d(block)
            limits.hash_block(block)
            received += len(block)
        return {"block sync": received / 1e6 / (time.perf_counter() - start), "CPU": time.process_time() - cpu}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sync", port, connections, count]:
            print(json.dumps(asyncio.run(sync(int(port), int(connections), int(count)))))
        case ["limit", port]:
            print(json.dumps(limit(int(port))))
        case _:
            main()
