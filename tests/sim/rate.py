"""How many events a second the simulated network makes, with nobody of ours on it: `python -m tests.sim.rate [EVENTS]`.

Two hundred pairs talk over links with latency, jitter and bandwidth: what one hears it says back. Prints one JSON
object.
"""
# ruff: noqa: T201  (a command prints)

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any, Final

from headway.sim.internet import Host, Internet
from headway.sim.link import End, Line, Path
from headway.sim.simulation import Simulation
from headway.types import Address

PAIRS: Final = 200
MESSAGE: Final = bytes(500)


class Parrot:
    """Says back what it hears (`sim.internet.Dialler`, `sim.internet.Listener`, `sim.link.Party`)."""

    end: End

    def sit(self, end: End) -> None:
        self.end, end.party = end, self

    accept = sit

    def connected(self, end: End) -> None:
        self.sit(end)
        end.send(MESSAGE)

    def connect_failed(self, why: str) -> None:
        raise AssertionError(why)

    def receive(self, data: bytes) -> None:
        self.end.send(data)

    def receive_eof(self) -> None:
        raise AssertionError("nobody ends it")

    def writable(self, queued: int) -> None:
        """It does not mind."""

    def lost(self, why: str) -> None:
        raise AssertionError(why)


def measure(events: int, rate: float) -> dict[str, Any]:
    """`rate`: bytes a second of each line, 0 for no limit."""
    simulation, rng = Simulation(1), random.Random(1)
    internet = Internet(simulation)
    for number in range(PAIRS):
        hosts = [
            internet.add(
                Host(
                    f"{number}.{side}",
                    (Address(f"{1 + side}.0.{number}.1", 1),),
                    Path(rng.uniform(0.01, 0.1), 0.01),
                    Line(rate),
                    Line(rate),
                )
            )
            for side in (0, 1)
        ]
        hosts[1].listener = Parrot()
        internet.dial(hosts[0], hosts[1].addresses[0], Parrot())
    start = time.process_time()
    simulation.run(1e9, until=lambda: simulation.events >= events)
    seconds = time.process_time() - start
    return {
        "events": simulation.events,
        "processor_seconds": round(seconds, 2),
        "events_per_second": round(events / seconds),
    }


def main(events: int) -> None:
    print(json.dumps({"lines without a limit": measure(events, 0.0), "lines of 1 MB/s": measure(events, 1e6)}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
