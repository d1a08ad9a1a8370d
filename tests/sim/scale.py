"""One node among ten thousand peers, three in ten of them hostile: how long it takes, and how much memory.

    python -m tests.sim.scale [--peers N] [--blocks N] [--headers N] [--seed N]

It is started with all their addresses, keeps a tenth of them connected, and takes the calls of those that dial; it must
bring all headers and the blocks up to the ceiling, and every invariant must hold. Prints one JSON object, and how it
goes on stderr.
"""
# ruff: noqa: T201  (a command prints)

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from headway.node import orders as do
from headway.sim.actor import Honest
from headway.sim.hostile import ACTORS
from headway.sim.scenario import MAIN, ChainPlan, Outcome, Role, Run, Scenario
from headway.testing.simulated import cast_chains

PEERS: Final = 10_000
HEADERS: Final = 100_000
BLOCKS: Final = 20_000
REPORT_EVERY: Final = 10.0
"""Virtual seconds."""
_ELSEWHERE: Final = {"unproven", "impostor", "sneaky", "endless", "withholder"}
"""Those that need another network, or a chain of their own."""
HOSTILE: Final[tuple[tuple[type[Honest], dict[str, Any]], ...]] = tuple(
    (kind, {}) for name, kind in ACTORS.items() if name not in _ELSEWHERE
)


def scenario(peers: int, *, headers: int, blocks: int) -> Scenario:
    hostile = peers * 3 // 10
    callers = peers * 3 // 10
    return Scenario(
        f"{peers} peers",
        "One node among many peers, three in ten of them hostile.",
        {
            "honest": Role(count=peers - hostile - callers, jitter=0.0),
            "caller": Role(count=callers, dials=30.0, jitter=0.0),
            "hostile": Role(count=hostile, among=HOSTILE, jitter=0.0),
        },
        {MAIN: ChainPlan(blocks, headers_only=headers - blocks)},
        node={"peers": peers // 10, "serve": True, "max_inbound": peers * 3 // 10, "ceiling": blocks},
        named=False,
        within=4 * 3600.0,
    )


def measure(peers: int, *, headers: int, blocks: int, seed: int = 1) -> dict[str, Any]:
    """Play it. Raises `headway.sim.invariants.Broken`."""
    played = scenario(peers, headers=headers, blocks=blocks)
    network, chains = cast_chains(played.family, tuple(played.chains.items()))
    without_peers = megabytes()
    run = _Run(played, network, chains, seed=seed)
    before, start, worked = megabytes(), time.monotonic(), time.process_time()
    watch = _Watch(run, start)
    outcome = run.play()
    seconds, worked = time.monotonic() - start, time.process_time() - worked
    return {
        "peers": peers,
        "hostile": len(run.actors["hostile"]),
        "handshakes": watch.handshakes(),
        "most_at_once": watch.most_at_once,
        **_figures(outcome),
        "seconds": round(seconds, 1),
        "processor_seconds": round(worked, 1),
        "events_per_second": round(outcome.events / worked),
        "mb_of_peers": round(before - without_peers),
        "mb_before": round(before),
        "mb_most": round(watch.most_megabytes),
    }


def _figures(outcome: Outcome) -> dict[str, Any]:
    return {
        "headers": outcome.headers,
        "blocks": outcome.blocks,
        "virtual_seconds": round(outcome.seconds, 1),
        "events": outcome.events,
    }


class _Run(Run):
    """Has ended when all is there: with so many, somebody always announces something that he does not have."""

    def has_everything(self) -> bool:
        return len(self.node.store.blocks) == len(self.chains[MAIN].blocks) and self.has_best_chain(self.node)


class _Watch:
    """Looks at the run from time to time."""

    def __init__(self, run: Run, start: float) -> None:
        self._run = run
        self._start = start
        self.most_at_once = 0
        self.most_megabytes = 0.0
        run.simulation.later(1.0, self._look, 0.0)

    def handshakes(self) -> int:
        return sum(isinstance(event, do.PeerReady) for event in self._run.node.events)

    def _look(self, shown_at: float) -> None:
        run, node = self._run, self._run.node
        self.most_at_once = max(self.most_at_once, node.machine.ready_count)
        self.most_megabytes = max(self.most_megabytes, megabytes())
        now = run.simulation.now
        if now >= shown_at:
            shown_at = now + REPORT_EVERY
            print(
                f"{now:6.0f} virtual s, {time.monotonic() - self._start:5.1f} s: {self.handshakes():,} handshakes, "
                f"{node.machine.ready_count:,} ready, headers {node.tree.tip.height:,}, "
                f"{len(node.store.blocks):,} blocks, {run.simulation.events:,} events, {megabytes():.0f} MB",
                file=sys.stderr,
            )
        run.simulation.later(1.0, self._look, shown_at)


def megabytes() -> float:
    """Of this process, resident."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.scale", description=__doc__)
    for name, default in (("peers", PEERS), ("headers", HEADERS), ("blocks", BLOCKS), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    found = measure(arguments.peers, headers=arguments.headers, blocks=arguments.blocks, seed=arguments.seed)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
