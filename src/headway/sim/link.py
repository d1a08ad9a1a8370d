# ruff: noqa: SLF001  # the two ends of a connection are one thing in two halves
"""Lines and connections: how bytes get from one end to the other, and how they do not.

A connection is two ends. What one sends is cut into segments; each waits for the sender's line, travels (latency and
jitter), waits for the receiver's line, and arrives in order. A receiver that does not read fills the window, and then
the sender's own queue grows, which it is told. Ends can be closed, reset, cut off by a partition, or half open: gone
without a word. Called by `internet`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from headway.sim.simulation import Simulation
    from headway.types import Address, Instant

SEGMENT: Final = 64 * 1024
"""Bytes that travel as one: a long message comes in several pieces, a short one in one."""
WINDOW: Final = 2 * 1024 * 1024
"""Bytes on their way or unread in one direction (as TCP's buffers); the rest waits at the sender."""


@dataclass(frozen=True, slots=True)
class Path:
    """What lies between two hosts."""

    latency: float = 0.02
    """Seconds, one way."""
    jitter: float = 0.0
    """Seconds that a segment may take longer, at random; the order stays."""


@dataclass(slots=True)
class Line:
    """One host's line, in one direction, shared by all its connections."""

    rate: float = 0.0
    """Bytes a second; 0: as fast as one likes."""
    free_at: Instant = 0.0
    """When all that was given to it has passed."""

    def pass_on(self, size: int, ready_at: Instant) -> Instant:
        """When `size` bytes that are there at `ready_at` have passed."""
        if not self.rate:
            return ready_at
        self.free_at = max(self.free_at, ready_at) + size / self.rate
        return self.free_at


_EMPTY: Final[deque[bytes | None]] = deque(maxlen=0)
"""Stands for a queue until there is something to put into one of its own: most connections need none."""


class _Share:
    """What one connection has standing before a line. One segment of each is on the line at a time, so they take
    turns: a short message of one does not wait for the megabytes of another."""

    __slots__ = ("_is_busy", "_line", "_simulation", "_then", "_waiting")

    def __init__(self, simulation: Simulation, line: Line, then: Callable[[bytes | None], None]) -> None:
        """`then` takes what has passed, in order."""
        self._simulation = simulation
        self._line = line
        self._then = then
        self._waiting: deque[bytes | None] = deque()
        self._is_busy = False

    def put(self, data: bytes | None) -> None:
        if self._is_busy:
            self._waiting.append(data)
        else:
            self._pass(data)

    def _pass(self, data: bytes | None) -> None:
        self._is_busy = True
        self._simulation.at(self._line.pass_on(len(data or b""), self._simulation.now), self._passed, data)

    def _passed(self, data: bytes | None) -> None:
        self._is_busy = False
        if self._waiting:
            self._pass(self._waiting.popleft())
        self._then(data)


class Party(Protocol):
    """Who sits at an end, and is told."""

    def receive(self, data: bytes) -> None: ...
    def receive_eof(self) -> None:
        """The other side sends no more."""

    def writable(self, queued: int) -> None:
        """So many bytes wait at this end; told after each send, and when they are gone."""

    def lost(self, why: str) -> None:
        """The connection broke."""


class End:
    """One end of a connection, as its party holds it."""

    __slots__ = (
        "_arrived_at", "_has_ended", "_is_reading", "_pass_out", "_queue", "_queued", "_stuck", "_travelling",
        "_unread", "address", "connection", "is_open", "other", "party", "pass_in",
    )  # fmt: skip

    other: End

    def __init__(self, connection: Connection, address: Address, line_out: Line, line_in: Line) -> None:
        self.connection = connection
        self.address = address
        """Where the other end sees this one."""
        self.party: Party | None = None
        self.is_open = True
        self._has_ended = False  # it has said that it sends no more
        self._is_reading = True
        self._queue = _EMPTY  # sent, and not taken by the system; None is the end of it
        self._queued = 0
        self._travelling = 0  # bytes that the system has: before our line, on their way, or unread there
        simulation = connection.simulation
        self._pass_out = _Share(simulation, line_out, self._depart).put if line_out.rate else self._depart
        self._stuck: list[bytes | None] = []  # passed our line, and found the way cut
        self._arrived_at: Instant = 0.0  # at the other end, the last of what was sent
        self.pass_in = _Share(simulation, line_in, self._arrive).put if line_in.rate else self._arrive
        """Takes what stands before our line, which others may be using."""
        self._unread = _EMPTY  # arrived here, and not read

    @property
    def queued(self) -> int:
        """Bytes that wait here."""
        return self._queued

    @property
    def is_reading(self) -> bool:
        return self._is_reading

    def send(self, data: bytes) -> None:
        """Queue bytes; nothing happens once this end is closed."""
        if not self.is_open or self._has_ended or not data:
            return
        if len(data) <= SEGMENT:
            self._put(data)
        else:
            for at in range(0, len(data), SEGMENT):
                self._put(data[at : at + SEGMENT])
        if self.party is not None:
            self.party.writable(self._queued)

    def half_close(self) -> None:
        """Send no more; what comes is still read."""
        if self.is_open and not self._has_ended:
            self._has_ended = True
            self._put(None)

    def close(self) -> None:
        """Send no more and read no more; what was sent still arrives, and then its end."""
        if self.is_open:
            self.half_close()
            self.is_open = False
            self.party = None
            self.set_reading(reading=True)  # whatever comes is dropped: it must not hold up the other side
            self.connection.closed_one()

    def reset(self) -> None:
        """Break the connection: the other side hears of it after the way there."""
        self.connection.reset(self)

    def set_reading(self, *, reading: bool) -> None:
        """Whether what arrives is taken; what is not waits, and in the end stops the sender."""
        self._is_reading = reading
        while self._is_reading and self._unread:
            self._take(self._unread.popleft())

    def resume(self) -> None:
        """There may be room again, or a way: go on, and tell when nothing waits any more."""
        if self.connection.is_cut:
            return
        stuck, self._stuck = self._stuck, []
        for data in stuck:
            self._depart(data)
        had_waiting = self._queued > 0
        self._pump()
        if had_waiting and not self._queued and self.party is not None:
            self.party.writable(0)

    @property
    def _has_room(self) -> bool:
        """The window and the partition allow that something goes."""
        return self._travelling < WINDOW and not self.connection.is_cut

    def _put(self, data: bytes | None) -> None:
        """Give it to the system, or have it wait."""
        if not self._queue and self._has_room:
            self._travelling += len(data or b"")
            self._pass_out(data)
        else:
            self._queue = self._queue or deque()
            self._queue.append(data)
            self._queued += len(data or b"")

    def _pump(self) -> None:
        """Give the system of what waits as much as it takes."""
        while self._queue and self._has_room:
            data = self._queue.popleft()
            self._queued -= len(data or b"")
            self._travelling += len(data or b"")
            self._pass_out(data)

    def _depart(self, data: bytes | None) -> None:
        """It has passed our line."""
        connection = self.connection
        if connection.is_cut:
            self._stuck.append(data)
            return
        self._arrived_at = max(self._arrived_at, connection.simulation.now + connection.travel())
        connection.simulation.at(self._arrived_at, self.other.pass_in, data)

    def _arrive(self, data: bytes | None) -> None:
        if self.connection.is_gone:
            return
        if self._is_reading:
            self._take(data)
        else:
            self._unread = self._unread or deque()
            self._unread.append(data)

    def _take(self, data: bytes | None) -> None:
        if data is None:
            if self.party is not None:
                self.party.receive_eof()
            return
        other, connection = self.other, self.connection
        other._travelling -= len(data)
        if other._queue:  # it hears of the room after the way back
            connection.simulation.later(connection.path.latency, other.resume)
        if self.party is not None:
            self.party.receive(data)


class Connection:
    """Two ends and what lies between them."""

    __slots__ = ("_forget", "_open", "_rng", "a", "b", "is_cut", "is_gone", "path", "simulation")

    def __init__(
        self,
        simulation: Simulation,
        path: Path,
        rng: random.Random,
        ends: tuple[tuple[Address, Line, Line], tuple[Address, Line, Line]],
        forget: Callable[[Connection], None],
    ) -> None:
        """`ends`: address, line out and line in of the one who dials, and of the other. `forget(self)` is called when
        nothing can happen on it any more."""
        self.simulation = simulation
        self.path = path
        self._rng = rng
        self._forget = forget
        self._open = 2
        self.is_cut = False
        """A partition lies between the ends: nothing leaves, nobody is told."""
        self.is_gone = False
        """Nothing arrives any more: broken, or half open."""
        self.a, self.b = (End(self, *end) for end in ends)
        self.a.other, self.b.other = self.b, self.a

    def travel(self) -> float:
        """Seconds of one segment's way."""
        path = self.path
        return path.latency + (self._rng.random() * path.jitter if path.jitter else 0.0)

    def cut(self) -> None:
        self.is_cut = True

    def heal(self) -> None:
        if self.is_cut:
            self.is_cut = False
            for end in (self.a, self.b):
                end.resume()

    def vanish(self, end: End) -> None:
        """`end` is gone without a word, as a machine without power: the other one is left half open."""
        end.is_open, end.party = False, None
        self._gone()

    def reset(self, by: End) -> None:
        """Break it: `by` knows now, the other after the way there, if there is one."""
        if not by.is_open:
            return
        by.is_open, by.party = False, None
        self._gone()
        if not self.is_cut:
            self.simulation.later(self.travel(), self._tell, by.other)

    def break_off(self, why: str = "connection reset by peer") -> None:
        """The network breaks it: both are told."""
        self._gone()
        for end in (self.a, self.b):
            self.simulation.later(0.0, self._tell, end, why)

    def closed_one(self) -> None:
        self._open -= 1
        if not self._open:
            self._forget(self)

    def _gone(self) -> None:
        if not self.is_gone:
            self.is_gone = True
            self._forget(self)

    @staticmethod
    def _tell(end: End, why: str = "connection reset by peer") -> None:
        party, end.party, end.is_open = end.party, None, False
        if party is not None:
            party.lost(why)
