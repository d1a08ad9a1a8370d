"""What leaves a peer machine: chunks for the socket, events for the owner, lines for the protocol trace.

Not here: when something is said. Called by `peer.machine` and `peer.exchange`; both write through here alone, so that
every message is counted and traced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from headway.peer.stats import PeerStats
from headway.peer.trace import describe

if TYPE_CHECKING:
    from headway.network import Wire
    from headway.peer.events import PeerEvent
    from headway.types import Instant, Raw
    from headway.wire.messages import Message


MAX_LATE: Final = 16
"""Pongs that wait for the owner. Whoever pings more often has the rest at once, out of order."""


class Output:
    """One machine's outputs. The driver takes them after every input, so they hold what one input made."""

    __slots__ = ("_chunks", "_events", "_late", "_log", "at_driver", "is_held", "owes_answers", "size", "stats", "wire")

    def __init__(self, wire: Wire, log: Callable[[str], None] | None) -> None:
        self.stats = PeerStats()
        self.at_driver = 0
        """Bytes that the driver took and the remote has not read, as the driver last said."""
        self.size = 0
        """Bytes that the driver has not taken yet."""
        self.wire = wire
        self._log = log
        self._chunks: list[Raw] = []
        self._events: list[PeerEvent] = []
        self._late: tuple[tuple[Message, Instant], ...] = ()
        self.is_held = False
        """The owner is busy with what came before: `write_late` waits for it."""
        self.owes_answers = False
        """The owner has taken what came before, and is still gathering its answers: the same."""

    @property
    def queued(self) -> int:
        """Bytes on their way to the remote, as far as we know."""
        return self.size + self.at_driver

    def write(self, message: Message, now: Instant) -> None:
        """Queue a message. Raises LocalProtocolError for one that this chain cannot encode."""
        chunks = self.wire.encode(message)
        size = sum(map(len, chunks))
        self._chunks += chunks
        self.size += size
        self.stats.note_sent(message, size, now)
        self.trace_message(">", message)

    def write_late(self, message: Message, now: Instant) -> None:
        """Queue a message behind what the owner answers to what came before it: a remote that takes our pong for the
        end of our answers must find it there."""
        if len(self._late) < MAX_LATE:
            self._late += ((message, now),)
        else:
            self.write(message, now)

    def drop_late(self) -> None:
        """The connection is ending."""
        self._late = ()

    def emit(self, event: PeerEvent) -> None:
        self._events.append(event)

    def trace(self, line: str) -> None:
        if self._log:
            self._log(line)

    def trace_message(self, sigil: str, message: Message) -> None:
        if self._log:
            self._log(f"{sigil} {describe(message)}")

    def take_chunks(self) -> list[Raw]:
        if self._late and not (self._events or self.is_held or self.owes_answers):
            late, self._late = self._late, ()
            for message, at in late:
                self.write(message, at)
        chunks, self._chunks = self._chunks, []
        self.size = 0
        return chunks

    def take_events(self) -> list[PeerEvent]:
        events, self._events = self._events, []
        return events
