"""A party at the end of a simulated connection that only writes down what happens to it, and when.

Used by the tests of `sim`: `link`, `internet` and `host`.
"""

from __future__ import annotations

from typing import Any

from headway.sim.link import End
from headway.sim.simulation import Simulation


class Recorder:
    """Takes connections (`sim.internet.Listener`), makes them (`Dialler`) and sits at their end (`sim.link.Party`)."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.end: End | None = None
        self.told: list[tuple[float, str, Any]] = []
        """(when, what, with what)."""

    def sit(self, end: End) -> Recorder:
        self.end, end.party = end, self
        return self

    def all(self, what: str) -> list[Any]:
        """What it was told of one kind."""
        return [value for _, kind, value in self.told if kind == what]

    def when(self, what: str) -> list[float]:
        """When it was told of one kind, rounded to microseconds."""
        return [round(at, 6) for at, kind, _ in self.told if kind == what]

    @property
    def received(self) -> bytes:
        return b"".join(self.all("receive"))

    def _note(self, what: str, value: Any = None) -> None:
        self.told.append((self.simulation.now, what, value))

    def receive(self, data: bytes) -> None:
        self._note("receive", data)

    def receive_eof(self) -> None:
        self._note("eof")

    def writable(self, queued: int) -> None:
        self._note("writable", queued)

    def lost(self, why: str) -> None:
        self._note("lost", why)

    def accept(self, end: End) -> None:
        self._note("accept", end)
        self.sit(end)

    def connected(self, end: End) -> None:
        self._note("connected", end)
        self.sit(end)

    def connect_failed(self, why: str) -> None:
        self._note("failed", why)
