"""Growth: the same sync of more and more headers, of more and more small blocks, of more and more bytes of large ones.

    python -m bench.growth [--quick] [--rounds N] [--part headers|blocks|bytes]

Each length is synced in a process of its own, from one prepared source, as a user would run it but for the flushes.
What one header, block or megabyte costs must not grow with their number, nor memory beyond what each may take. Time is
CPU time, which others on the machine cannot take away.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench import chains, measure, processes
from bench.measure import NATIVE, OURS, PURE, Measure, Sample, Target
from headway import Node
from headway.networks.bitcoin import REGTEST

ROUNDS: Final = 1
"""Long enough by themselves."""
SMALL: Final = 200
"""Bytes of a small block, about: its coinbase and no more."""
LARGE: Final = 1_000_000
FIXED: Final = 64 << 20
"""Bytes that a process may take before the first header."""
WINDOW: Final = 256 << 20
"""Bytes of blocks that may be on their way at one time (`sync.blocks.WINDOW_BYTES`)."""
PER_HEADER: Final = {NATIVE: 120, PURE: 300}
PER_BLOCK: Final = 32
LINEAR: Final = 1.5
"""What one may cost among the most, as a multiple of what it costs among the fewest: caches hold the few, and a busy
machine alone makes a quarter of a difference. Twenty times as many would make whatever is not linear far more."""


class Part(NamedTuple):
    """One thing that grows."""

    name: str
    unit: str
    lengths: tuple[int, ...]
    quick: tuple[int, ...]
    make: Callable[[int], Path]
    """The chain of that length, as a file."""
    items: Callable[[int], int]
    """How many headers, or blocks, that is."""
    has_blocks: bool


PARTS: Final = {
    "headers": Part(
        "headers", "header", (50_000, 200_000, 1_000_000), (2_000, 6_000), chains.made_headers, lambda n: n, False
    ),
    "blocks": Part(
        "small blocks",
        "block",
        (2_000, 10_000, 50_000),
        (100, 200),
        lambda n: chains.made_blocks(n * SMALL, SMALL),
        lambda n: n,
        True,
    ),
    "bytes": Part(
        "MB of blocks",
        "MB",
        (100, 500, 2_000),
        (1, 2),
        lambda n: chains.made_blocks(n * 1_000_000, LARGE),
        lambda n: n * 1_000_000 // LARGE,
        True,
    ),
}


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.set_defaults(rounds=ROUNDS)
    parser.add_argument("--part", choices=PARTS, action="append", help="only this; may be repeated  [default: all]")
    arguments = parser.parse_args()
    parts = [PARTS[name] for name in arguments.part or PARTS]
    figures: dict[str, Any] = {}
    targets: list[dict[str, Any]] = []
    for part in parts:
        lengths = part.quick if arguments.quick else part.lengths
        found = measure.contest({who: contender(who, part, lengths) for who in OURS}, arguments.rounds)
        measured = measure.figures(list(_measures(part, lengths)), found)
        figures |= measured
        targets += measure.judge(list(_targets(part, lengths)), measured)
    settings = {part.name: _words(part.quick if arguments.quick else part.lengths) for part in parts}
    measure.report("growth", arguments, {**settings, "rounds": arguments.rounds}, figures=figures, targets=targets)


def contender(who: str, part: Part, lengths: Sequence[int]) -> measure.Contender:
    """All lengths, one after another, each from a source of its own."""

    def run() -> Sample:
        sample: dict[str, float] = {}
        for length in lengths:
            count = part.items(length)
            with processes.Source("--blocks" if part.has_blocks else "--headers", part.make(length)) as source:
                process = processes.ours(who, "growth", "sync", source.port, count, int(part.has_blocks))
                one = process()
            sample[_cost(part, length)] = one["cpu"] / length * 1e6
            sample[_memory(part, length)] = one["memory"] / (1 << 20)
            sample[_beyond(part, length)] = max(one["memory"] - FIXED - _window(part), 0) / count
        sample[_slope(part)] = sample[_cost(part, lengths[-1])] / sample[_cost(part, lengths[0])]
        return sample

    return run


async def sync(port: int, count: int, *, has_blocks: bool) -> Mapping[str, float]:
    """CPU seconds and most bytes of memory of one sync."""
    with tempfile.TemporaryDirectory(dir=chains.CACHE) as datadir:
        node = Node(
            network=REGTEST,
            connect=[f"127.0.0.1:{port}"],
            datadir=datadir,
            headers_only=not has_blocks,
            durability="none",
        )
        async with node:
            cpu = time.process_time()
            await node.synced()
            cpu = time.process_time() - cpu
            assert node.status().tip.height == count, f"the tip is {node.status().tip}"
    return {"cpu": cpu, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def _measures(part: Part, lengths: Sequence[int]) -> Sequence[Measure]:
    return [
        *(Measure(_cost(part, length), f"CPU us/{part.unit}", more_is_better=False) for length in lengths),
        Measure(_slope(part), "times", more_is_better=False),
        *(Measure(_memory(part, length), "MiB", more_is_better=False) for length in lengths),
        *(Measure(_beyond(part, length), "bytes each", more_is_better=False) for length in lengths),
    ]


def _targets(part: Part, lengths: Sequence[int]) -> Sequence[Target]:
    extra = PER_BLOCK if part.has_blocks else 0
    return [
        target
        for who in OURS
        for target in (
            Target(_slope(part), who, LINEAR),
            *(Target(_beyond(part, length), who, PER_HEADER[who] + extra) for length in lengths),
        )
    ]


def _window(part: Part) -> int:
    """What is on its way besides; small blocks never fill it."""
    return WINDOW if part.unit == "MB" else 0


def _cost(part: Part, length: int) -> str:
    return f"{length:,} {part.name}"


def _slope(part: Part) -> str:
    return f"{part.name}: what one costs among the most, to among the fewest"


def _memory(part: Part, length: int) -> str:
    return f"{length:,} {part.name}: peak memory"


def _beyond(part: Part, length: int) -> str:
    return f"{length:,} {part.name}: memory beyond {(FIXED + _window(part)) >> 20} MiB"


def _words(lengths: Sequence[int]) -> str:
    return f"{lengths[0]:,} to {lengths[-1]:,}"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sync", port, count, has_blocks]:
            print(json.dumps(asyncio.run(sync(int(port), int(count), has_blocks=bool(int(has_blocks))))))
        case _:
            main()
