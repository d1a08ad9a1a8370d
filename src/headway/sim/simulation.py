"""Virtual time: what happens when, in one order that a seed decides.

    simulation = Simulation(seed=7)
    simulation.later(1.5, action, argument)
    simulation.run(60.0, until=lambda: node.is_at_tip)

Nothing waits: a day passes as fast as its events can be handled. Two things at one instant happen in the order in which
they were planned, so one seed gives one history. Each actor draws from a random source of its own (`rng`): one more
actor does not change what the others do.
"""

from __future__ import annotations

import heapq
import random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from headway.types import Instant

EPOCH: Final = 1_700_000_000.0
"""Wall time at the start, in unix seconds: the chains that we make are older."""


class Simulation:
    def __init__(self, seed: int, *, trace: Callable[[str], None] | None = None) -> None:
        """`trace` gets the history, a line at a time; without it none is written."""
        self.seed = seed
        self.now: Instant = 0.0
        self.events = 0
        """How many have happened."""
        self.after_event: Callable[[], None] | None = None
        """Called after each event: what must hold at every step is looked at here."""
        self._trace = trace
        self._queue: list[tuple[Instant, int, Callable[..., None], tuple[Any, ...]]] = []
        self._planned = 0

    def rng(self, name: str) -> random.Random:
        """A random source that the seed and this name decide."""
        return random.Random(f"{self.seed} {name}")

    @property
    def wall_time(self) -> float:
        """Unix seconds, as a right clock shows them."""
        return EPOCH + self.now

    @property
    def is_traced(self) -> bool:
        return self._trace is not None

    def trace(self, text: str) -> None:
        """Write a line of the history, its instant in front."""
        if self._trace is not None:
            self._trace(f"{self.now:14.6f} {text}")

    def later(self, delay: float, action: Callable[..., None], *arguments: Any) -> None:
        """Have `action(*arguments)` happen `delay` seconds from now."""
        self.at(self.now + delay, action, *arguments)

    def at(self, when: Instant, action: Callable[..., None], *arguments: Any) -> None:
        """Have it happen at an instant; one that is past is now."""
        self._planned += 1
        heapq.heappush(self._queue, (max(when, self.now), self._planned, action, arguments))

    def run(self, seconds: float, *, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass. True as soon as `until` holds (looked at after each event), False when it never did."""
        end = self.now + seconds
        queue, pop = self._queue, heapq.heappop
        if until is not None and until():
            return True
        while queue and queue[0][0] <= end:
            self.now, _, action, arguments = pop(queue)
            self.events += 1
            action(*arguments)
            if self.after_event is not None:
                self.after_event()
            if until is not None and until():
                return True
        self.now = max(self.now, end)
        return False
