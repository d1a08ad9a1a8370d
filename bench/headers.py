"""Header sync: a chain of regtest headers from one prepared source over loopback, every rule checked, persisted.

    python -m bench.headers [--quick] [--rounds N] [--count N]

The limit receives the same messages in the same process as it hashes them, and writes them to a file: no rules.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from typing import Final

from bench import chains, limits, measure, processes
from bench.client import Client, count_at, sha256d
from bench.measure import LIMIT, NATIVE, PURE, Measure, Sample, Target
from headway import Node, kernel
from headway.networks.bitcoin import REGTEST

COUNT: Final = 1_000_000
QUICK_COUNT: Final = 6_000
DISK_SIZE: Final = 256_000_000
FIXED: Final = 64 * 1024
"""KiB of memory that a process may take before the first header."""

MEASURES: Final = (
    Measure("header sync", "headers/s"),
    Measure("CPU", "s", more_is_better=False),
    Measure("source CPU", "s", more_is_better=False),
    Measure("peak memory", "MiB", more_is_better=False),
    Measure("memory beyond 64 MiB", "bytes/header", more_is_better=False),
)
TARGETS: Final = (
    Target("header sync", NATIVE, 1_500_000),
    Target("header sync", PURE, 350_000),
    Target("memory beyond 64 MiB", NATIVE, 120),
    Target("memory beyond 64 MiB", PURE, 300),
)


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--count", type=int, default=0, help=f"headers in the chain  [default: {COUNT}]")
    arguments = parser.parse_args()
    count = arguments.count or (QUICK_COUNT if arguments.quick else COUNT)
    rounds = 1 if arguments.quick else arguments.rounds
    with processes.Source("--headers", chains.made_headers(count)) as source:
        contenders = {
            NATIVE: processes.ours(NATIVE, "headers", "sync", source.port, count),
            PURE: processes.ours(PURE, "headers", "sync", source.port, count),
            LIMIT: processes.ours(kernel.NAME, "headers", "limit", source.port, count),
            "bcoin": processes.bcoin("headers", source.port, min(count, 100_000)),
            "btclib": processes.with_library("btclib", "headers", source.port, min(count, 100_000)),
            "python-bitcoinlib": processes.absent(
                "its headers message lacks the transaction counts: it reads nonsense"
            ),
        }
        found = measure.contest({name: source.served(each) for name, each in contenders.items()}, rounds)
    figures = measure.figures(MEASURES, found)
    disk = measure.disk_rate(chains.CACHE, DISK_SIZE // 100 if arguments.quick else DISK_SIZE)
    settings = {
        "headers": count,
        "rounds": rounds,
        "limit hashes by": limits.BY,
    }
    measure.report(
        "headers",
        arguments,
        settings,
        figures=figures,
        disk_mb_per_second=disk,
        targets=measure.judge(TARGETS, figures),
    )


async def sync(port: int, count: int) -> Sample:
    """The real node, as a user would run it."""
    with tempfile.TemporaryDirectory(dir=chains.CACHE) as datadir:
        node = Node(network=REGTEST, connect=[f"127.0.0.1:{port}"], datadir=datadir, headers_only=True)
        async with node:
            cpu = time.process_time()
            await node.synced()
            cpu = time.process_time() - cpu
            status = node.status()
            assert status.tip.height == count, f"the tip is {status.tip}"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "header sync": status.headers_per_second,
        "CPU": cpu,
        "peak memory": memory / 1024,
        "memory beyond 64 MiB": max(memory - FIXED, 0) * 1024 / count,
    }


def limit(port: int, count: int) -> Sample:
    """The least that anybody could do: receive, check the message's sum, hash every header, write."""
    path, done = chains.CACHE / f"limit-{os.getpid()}", 0
    with Client(port) as client, path.open("wb", buffering=0) as file:
        cpu, start = time.process_time(), time.perf_counter()
        for payload in client.all_headers():
            sha256d(payload)
            done += limits.hash_headers(payload[count_at(payload)[1] :], 81)
            file.write(payload)
        taken, cpu = time.perf_counter() - start, time.process_time() - cpu
    path.unlink()
    assert done == count, f"{done} headers came"
    return {"header sync": count / taken, "CPU": cpu}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sync", port, count]:
            print(json.dumps(asyncio.run(sync(int(port), int(count)))))
        case ["limit", port, count]:
            print(json.dumps(limit(int(port), int(count))))
        case _:
            main()
