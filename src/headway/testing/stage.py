"""An actor of the simulator (`headway.sim.actor`) on a real connection: it is the same, bytes and time are real.

It has the connection from the first byte on, and shakes hands, or does not, by itself. What comes is read by the
conversation as well, so the transcript tells both sides, and the test can look at what was heard.
Called by `peer`, `aio` and `script`.

# Security
What an actor says waits while the remote does not read. While that is more than `MAX_QUEUED` bytes the actor is given
neither bytes nor time, and what it says at one stroke is bounded by `MAX_UNSENT`.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any, Final

from headway.errors import CodecError, LocalProtocolError
from headway.peer.trace import describe
from headway.testing.conversation import MAX_QUEUED, Closed
from headway.testing.stories import POLL
from headway.types import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headway.network import Network
    from headway.sim.actor import Honest, Talk
    from headway.testing.conversation import Conversation
    from headway.testing.stories import Story
    from headway.types import Instant

MAX_UNSENT: Final = 256_000_000
"""Bytes that may wait for a remote, whatever it has asked for; with more the connection is dropped."""


def play(
    talk: Conversation, actor: Honest, timeout: float, until: Callable[[], bool] | None, now: Instant
) -> Story[Closed | None]:
    """The actor acts until time is up, the connection ends, or `until` holds; where that is given, it must.

    How the connection ended, or None: then the same actor can go on later. It listens at once, before the story begins.
    """
    return _play(talk, _seat_of(talk, actor, now), timeout, until, now)


def _play(
    talk: Conversation, seat: Seat, timeout: float, until: Callable[[], bool] | None, now: Instant
) -> Story[Closed | None]:
    __tracebackhide__ = True
    end = now + timeout
    while True:
        seat.act(now)
        if until is not None and until():
            return talk.closed
        if talk.closed or now >= end:
            if until is None:
                return talk.closed
            why = talk.closed or f"{timeout:g} s are over"
            raise talk.failed(f"what the actor played for has not happened: {why}", now)
        is_watched = until is not None or not talk.is_reading
        now = yield min(end, seat.due, now + POLL if is_watched else end)


def _seat_of(talk: Conversation, actor: Honest, now: Instant) -> Seat:
    """Where the actor sits; it sits down if it is not there. Raises LocalProtocolError when it cannot."""
    seat = talk.audience
    if seat is None:
        talk.check_not_ours()
        seat = Seat(talk, actor, now)
        talk.open_to(seat, now)
    if not (isinstance(seat, Seat) and seat.actor is actor):
        raise LocalProtocolError(f"{talk.remote} has another actor already")
    return seat


class Seat:
    """One connection of an actor: its `sim.actor.Port`, and the `Audience` of the conversation."""

    def __init__(self, talk: Conversation, actor: Honest, now: Instant) -> None:
        self.actor = actor
        self.now = now
        self._talk = talk
        self._heard = bytearray()
        """Before it has begun."""
        self._role: Talk | None = None
        self._has_begun = False
        self._wants_bytes = True
        self._is_leaving = False
        self._alarms: list[tuple[Instant, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = count()
        self._words = _Words(talk.network, inbound=talk.inbound)

    # What the actor does.

    @property
    def wall_time(self) -> float:
        return self._talk.wall_time(self.now)

    def send(self, data: bytes) -> None:
        if self._has_left or not data:
            return
        for line in self._words.said(data):
            self._talk.transcript.note(line, self.now)
        self._talk.say_part(data, self.now)
        if self._talk.queued > MAX_UNSENT:
            self._talk.transcript.note(f"! {self._talk.queued} bytes wait for it, at most {MAX_UNSENT}", self.now)
            self._talk.drop(self.now)

    def close(self) -> None:
        """What was said still goes out."""
        if self._has_left:
            return
        if self._talk.queued:
            self._is_leaving = True
            self._talk.half_close(self.now)
            self._leave()
        else:
            self._talk.close(self.now)

    def later(self, delay: float, action: Callable[..., None], *arguments: Any) -> None:
        if not self._has_left:
            heappush(self._alarms, (self.now + delay, next(self._numbers), action, arguments))

    def set_reading(self, *, reading: bool) -> None:
        self._wants_bytes = reading

    # What happens to it.

    @property
    def is_reading(self) -> bool:
        return self._is_leaving or (self._wants_bytes and self._may_act)

    @property
    def due(self) -> Instant:
        """When it acts next of its own accord."""
        return self._alarms[0][0] if self._alarms and self._may_act else inf

    def act(self, now: Instant) -> None:
        """What is due by now; what comes of that at once waits for the next time."""
        self.now = now
        if not self._has_begun:
            self._begin()
        if self._is_leaving and not self._talk.queued:
            self._talk.close(now)
        due = []
        while self._alarms and self._alarms[0][0] <= now:
            due.append(heappop(self._alarms))
        for alarm in due:
            if not self._may_act:
                heappush(self._alarms, alarm)
            elif not self._has_left:
                _, _, action, arguments = alarm
                action(*arguments)

    def receive(self, data: bytes, now: Instant) -> None:
        self.now = now
        if self._role is not None:
            self.actor.receive(self._role, data)
        elif not self._has_begun:
            self._heard += data

    def ended(self, now: Instant) -> None:
        self.now = now
        self._leave()

    @property
    def _has_left(self) -> bool:
        return self._is_leaving or self._talk.closed is not None

    @property
    def _may_act(self) -> bool:
        return self._talk.queued <= MAX_QUEUED

    def _begin(self) -> None:
        self._has_begun = True
        role = self.actor.connected(self, inbound=self._talk.inbound, remote=self._talk.remote)
        if self._has_left:  # it would not even begin, or there is nobody any more
            self.actor.ended(role)
            return
        self._role = role
        heard, self._heard = bytes(self._heard), bytearray()
        if heard:
            self.actor.receive(role, heard)

    def _leave(self) -> None:
        role, self._role = self._role, None
        self._alarms.clear()
        if role is not None:
            self.actor.ended(role)


class _Words:
    """What an actor says, read as the remote reads it, for the transcript."""

    def __init__(self, network: Network, *, inbound: bool) -> None:
        self._wire = network.codec.open(inbound=not inbound)
        self._is_raw = False
        """It has said what no remote can read; behind that nothing can be."""

    def said(self, data: bytes) -> Iterator[str]:
        """A line for each message that is complete with these bytes."""
        if not self._is_raw:
            self._wire.receive_data(data)
            try:
                for frame in self._wire.frames():
                    try:
                        yield f"> {describe(self._wire.decode(frame))}"
                    except CodecError as error:
                        yield f"> {printable(frame.command, 32)}, faulty: {printable(str(error))}"
            except CodecError:
                self._is_raw = True
        if self._is_raw:
            yield f"> {len(data)} raw bytes"
