"""How long blocks take on lines of all kinds, beside the best possible time; and honest peers are kept.

The best possible time is one round trip and all bytes at the rate of the lines: those of the peers together, or our
own. Beyond twice that, a sync may take some round trips of its farthest peer: to learn how much that can have on its
way (`sync.allowance`), and one or two for each window of blocks. In virtual time, so that nothing here depends on the
machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from headway.node import orders as do
from headway.sim.scenario import MAIN, ChainPlan, Families, Role, Run, Scenario
from headway.sync.window import WINDOW
from headway.testing.simulated import run_of

HERE = 0.01
"""Seconds from the node to the middle of the network."""
IN_FLIGHT = 2 * 1024 * 1024
"""Bytes of one connection that are on their way at most (`sim.link.WINDOW`)."""
LEARNING = 10
"""Round trips that it may take to learn what a line holds."""
SMALL, MEDIUM, LARGE = ChainPlan(3_000, sizes=(800, 1_200)), ChainPlan(400, sizes=(50_000, 150_000)), ChainPlan(
    40, sizes=(900_000, 1_100_000)
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """So many peers alike."""

    count: int
    latency: float
    """Seconds to the middle of the network."""
    rate: float
    """Bytes a second of its line; 0: no limit."""

    @property
    def trip(self) -> float:
        return 2 * (self.latency + HERE)

    @property
    def most(self) -> float:
        """Bytes a second of one, with what a connection has on its way."""
        return min(self.rate or float("inf"), IN_FLIGHT / self.trip)


@dataclass(frozen=True)
class Case:
    peers: tuple[Kind, ...]
    plan: ChainPlan
    ours: float = 0.0
    """Bytes a second of our own line; 0: no limit."""
    family: Families = "regtest"

    def run(self, seed: int) -> Run:
        cast = {
            f"{number}": Role(count=kind.count, latency=(kind.latency,) * 2, jitter=0.0, rate=(kind.rate,) * 2)
            for number, kind in enumerate(self.peers)
        }
        scenario = Scenario(
            "speed", "Lines of all kinds.", cast, {MAIN: self.plan}, self.family, rate=(self.ours,) * 2, patience=9e3
        )
        return run_of(scenario, seed)

    def best(self, size: int) -> float:
        """Seconds that it takes at least."""
        theirs = sum(kind.count * kind.most for kind in self.peers)
        return min(kind.trip for kind in self.peers) + size / min(theirs, self.ours or float("inf"))

    def allowed(self, size: int) -> float:
        windows = self.plan.length / WINDOW
        return 2 * self.best(size) + (LEARNING + 2 * windows) * max(kind.trip for kind in self.peers)


GIGABIT, MEGABYTE, POOR = 125e6, 1e6, 50e3
CASES = {
    "near and fast": Case((Kind(8, 0.001, GIGABIT),), SMALL),
    "near and fast, large blocks": Case((Kind(4, 0.001, GIGABIT),), LARGE),
    "usual": Case((Kind(8, 0.05, MEGABYTE),), MEDIUM),
    "usual, small blocks": Case((Kind(8, 0.05, MEGABYTE),), SMALL),
    "poor": Case((Kind(8, 0.05, POOR),), SMALL),
    "poor, one alone": Case((Kind(1, 0.05, POOR),), SMALL),
    "far, one alone": Case((Kind(1, 3.0, 0.0),), SMALL),
    "far": Case((Kind(8, 3.0, 0.0),), SMALL),
    "far and poor": Case((Kind(8, 3.0, POOR),), SMALL),
    "some far": Case((Kind(4, 0.01, GIGABIT), Kind(4, 3.0, 0.0)), SMALL),
    "some poor": Case((Kind(4, 0.01, GIGABIT), Kind(4, 0.05, POOR)), SMALL),
    "most poor, medium blocks": Case((Kind(2, 0.01, 12e6), Kind(6, 0.05, POOR)), MEDIUM),
    "most poor, large blocks": Case((Kind(2, 0.01, 12e6), Kind(6, 0.05, POOR)), LARGE),
    "of all kinds": Case((Kind(2, 0.05, MEGABYTE), Kind(2, 0.2, 3e5), Kind(2, 0.01, 1e5), Kind(2, 1.0, 3e6)), SMALL),
    "our line is poor, small blocks": Case((Kind(8, 0.05, MEGABYTE),), SMALL, POOR),
    "our line is poor, medium blocks": Case((Kind(8, 0.05, 10e6),), ChainPlan(60, sizes=(50_000, 150_000)), POOR),
    "our line is poor, large blocks": Case((Kind(8, 0.05, 10e6),), ChainPlan(12, sizes=(900_000, 1_100_000)), POOR),
    "our line is poor, and they are far": Case((Kind(8, 0.5, 10e6),), ChainPlan(60, sizes=(50_000, 150_000)), POOR),
    "Neo N3, one alone": Case((Kind(1, 0.05, 0.0),), ChainPlan(2_000), family="neo3"),
    "Neo N3, far": Case((Kind(4, 1.0, 0.0),), ChainPlan(2_000), family="neo3"),
    "Neo Legacy, far": Case((Kind(4, 1.0, 0.0),), ChainPlan(1_000), family="neo2"),
}


def measure(case: Case, seed: int) -> tuple[float, float, float, list[do.PeerLost]]:
    """Seconds from the first question for blocks to the last block stored; the best possible; what is allowed; and the
    peers that were lost on the way."""
    run = case.run(seed)
    begun: list[float] = []
    look = run.watch.look

    def watch() -> None:
        if not begun and run.node.machine.sync.blocks.in_flight:
            begun.append(run.simulation.now)
        look()

    run.watch.look = watch  # type: ignore[method-assign]
    run.has_everything = run.has_best_chain  # type: ignore[method-assign]
    took = run.play().seconds - begun[0]
    lost = [each for each in run.node.events if isinstance(each, do.PeerLost) and each.message != "we are closing"]
    size = sum(map(len, run.chains[MAIN].blocks))
    return took, case.best(size), case.allowed(size), lost


@pytest.mark.parametrize("name", CASES)
def test_a_sync_takes_about_as_long_as_it_must_and_keeps_honest_peers(name: str) -> None:
    took, best, allowed, lost = measure(CASES[name], seed=1)
    assert took < allowed, f"{took:.1f} s, {best:.1f} at best"
    assert lost == []
