"""Resuming: a sync that is killed half-way, and what it costs to go on.

    python -m bench.resume [--quick] [--rounds N] [--count N]

From one prepared source: a whole sync without a break; the same, killed with SIGKILL when it has half the blocks; then
the rest. Opening is measured after the kill (the end of what was written is looked at) and after an orderly end.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench import chains, measure, processes
from bench.measure import NATIVE, OURS, Measure, Sample, Target
from headway import Node
from headway.networks.bitcoin import REGTEST
from headway.store import Store

COUNT: Final = 20_000
QUICK_COUNT: Final = 300
SIZE: Final = 5_000
"""Bytes of a block."""

WHOLE: Final = "whole sync"
REST: Final = "the rest, after a kill half-way"
AFTER_KILL: Final = "opening after a kill"
IN_ORDER: Final = "opening after an orderly end"
NEXT: Final = "from the start until the next block is stored"
TWICE: Final = "stored blocks that were fetched again"

MEASURES: Final = (
    Measure(WHOLE, "blocks/s"),
    Measure(REST, "blocks/s"),
    Measure(AFTER_KILL, "ms", more_is_better=False),
    Measure(IN_ORDER, "ms", more_is_better=False),
    Measure(NEXT, "ms", more_is_better=False),
    Measure(TWICE, "blocks", more_is_better=False),
)
TARGETS: Final = tuple(Target(TWICE, who, 0) for who in OURS)


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--count", type=int, default=0, help=f"blocks in the chain  [default: {COUNT}]")
    arguments = parser.parse_args()
    count = arguments.count or (QUICK_COUNT if arguments.quick else COUNT)
    rounds = 1 if arguments.quick else arguments.rounds
    with processes.Source("--blocks", chains.made_blocks(count * SIZE, SIZE)) as source:
        found = measure.contest({who: contender(who, source.port, count) for who in OURS}, rounds)
    figures = measure.figures(MEASURES, found)
    settings = {"blocks": count, "bytes of a block": SIZE, "rounds": rounds}
    measure.report("resume", arguments, settings, figures=figures, targets=measure.judge(TARGETS, figures))


def contender(who: str, port: int, count: int) -> measure.Contender:
    def run() -> Sample:
        with tempfile.TemporaryDirectory(dir=chains.CACHE) as directory:
            whole, killed = Path(directory, "whole"), Path(directory, "killed")
            first = processes.ours(who, "resume", "sync", port, whole, count)()
            _run_and_kill(who, port, killed, count // 2)
            copy = shutil.copytree(killed, Path(directory, "copy"))
            opened = processes.ours(who, "resume", "open", copy)()
            rest = processes.ours(who, "resume", "sync", port, killed, count)()
            again = processes.ours(who, "resume", "open", whole)()
        return {
            WHOLE: count / first["seconds"],
            REST: rest["fetched"] / rest["seconds"],
            AFTER_KILL: opened["ms"],
            IN_ORDER: again["ms"],
            NEXT: rest["next"],
            TWICE: opened["stored"] + rest["fetched"] - count,
        }

    return run


def _run_and_kill(who: str, port: int, datadir: Path, count: int) -> None:
    """A sync that kills itself once it has so many blocks."""
    argv = [sys.executable, "-m", "bench.resume", "half", str(port), str(datadir), str(count)]
    pure = {"HEADWAY_PURE": "" if who == NATIVE else "1"}
    done = subprocess.run(argv, env={**os.environ, **pure}, cwd=chains.REPOSITORY, check=False)
    if done.returncode != -signal.SIGKILL:
        raise RuntimeError(f"it was to be killed, and ended with {done.returncode}")


# What runs in a process of its own.


async def sync(port: int, datadir: Path, count: int) -> Mapping[str, float]:
    """Seconds to the end, blocks fetched, and milliseconds until the first of them is stored."""
    start = time.perf_counter()
    async with _node(port, datadir) as node:
        synced = asyncio.ensure_future(node.synced())
        await node.until(lambda: node.machine.counters.blocks > 0)
        first = time.perf_counter()
        await synced
        status = node.status()
        assert status.tip.height == count, f"the tip is {status.tip}"
    return {"seconds": time.perf_counter() - start, "fetched": status.blocks, "next": (first - start) * 1e3}


async def half(port: int, datadir: Path, count: int) -> None:
    async with _node(port, datadir) as node:
        synced = asyncio.ensure_future(node.synced())
        await node.until(lambda: node.machine.counters.blocks >= count)
        os.kill(os.getpid(), signal.SIGKILL)
        await synced


def open_store(datadir: Path) -> Mapping[str, float]:
    start = time.perf_counter()
    with Store.open(datadir, REGTEST) as store:
        taken = time.perf_counter() - start
        return {"ms": taken * 1e3, "stored": sum(1 for _ in store.stored_positions())}


def _node(port: int, datadir: Path) -> Node:
    return Node(network=REGTEST, connect=[f"127.0.0.1:{port}"], datadir=datadir)


def _main(words: list[str]) -> Any:
    match words:
        case ["sync", port, datadir, count]:
            return asyncio.run(sync(int(port), Path(datadir), int(count)))
        case ["half", port, datadir, count]:
            return asyncio.run(half(int(port), Path(datadir), int(count)))
        case ["open", datadir]:
            return open_store(Path(datadir))
        case _:
            return None


if __name__ == "__main__":
    if (result := _main(sys.argv[1:])) is None:
        main()
    else:
        print(json.dumps(result))
