"""The deadline table of one peer: a time for each cause, and the earliest of them.

All times lie on a clock that stands still while our own consumer is slow, so that nobody is blamed for what we did not
read: a pause moves every deadline at once, whenever it was armed. A delay of zero means that the timer is off.
Not here: what happens when a deadline passes. Called by `peer.machine` and `peer.blocks`.
"""

from __future__ import annotations

from enum import IntEnum
from math import inf
from typing import Final

from headway.types import Instant

NEVER: Final = inf


class Cause(IntEnum):
    """What a deadline is about. One entry each, so the table cannot grow."""

    HANDSHAKE = 0
    """The remote's verack."""
    IDLE = 1
    """Any byte at all."""
    PING = 2
    """Our next keepalive is to be sent."""
    PONG = 3
    HEADERS = 4
    ADDRESSES = 5
    TRANSACTION = 6
    PROGRESS = 7
    """Any block of the batch."""
    BLOCK = 8
    """The block of the batch that is due first."""
    CLOSE = 9
    """The queued bytes of a closing connection."""
    REST = 10
    """The pause behind our verack."""


class Deadlines:
    """One peer's table."""

    __slots__ = ("_at", "_paused_at", "_pauses", "_stood")

    def __init__(self) -> None:
        self._at = [NEVER] * len(Cause)
        self._pauses = 0
        self._paused_at: Instant = 0.0
        self._stood = 0.0  # seconds that the clock has stood still, finished pauses only

    def clock(self, now: Instant) -> Instant:
        """`now` on the clock that stands still during a pause."""
        return (self._paused_at if self._pauses else now) - self._stood

    def arm(self, cause: Cause, delay: float, now: Instant) -> None:
        """Due `delay` seconds from now; 0 switches it off."""
        self._at[cause] = self.clock(now) + delay if delay > 0 else NEVER

    def arm_at(self, cause: Cause, at: Instant) -> None:
        """Due at an instant of `clock`; NEVER switches it off."""
        self._at[cause] = at

    def at(self, cause: Cause) -> Instant:
        """When it is due on `clock`; NEVER when it is off."""
        return self._at[cause]

    def disarm(self, cause: Cause) -> None:
        self._at[cause] = NEVER

    def clear(self) -> None:
        """Switch all off and end every pause."""
        self._at = [NEVER] * len(Cause)
        self._pauses = 0

    def next(self) -> Instant | None:
        """When the earliest is due, in the driver's time; None when nothing is armed or the clock stands still."""
        earliest = min(self._at)
        return None if earliest == NEVER or self._pauses else earliest + self._stood

    def due(self, now: Instant) -> list[Cause]:
        """Every cause whose time has come, earliest first. They stay armed."""
        earliest = self.next()
        if earliest is None or earliest > now:
            return []
        return sorted((cause for cause in Cause if self.is_due(cause, now)), key=self._at.__getitem__)

    def is_due(self, cause: Cause, now: Instant) -> bool:
        """Whether its time has come."""
        return self.has_passed(self._at[cause], now)

    def has_passed(self, at: Instant, now: Instant) -> bool:
        """Whether an instant of `clock` has come. Reckoned as `next` does, so that rounding cannot part them."""
        return not self._pauses and at + self._stood <= now

    @property
    def is_paused(self) -> bool:
        return self._pauses > 0

    def pause(self, now: Instant) -> None:
        """The clock stops. Pauses nest."""
        if not self._pauses:
            self._paused_at = now
        self._pauses += 1

    def resume(self, now: Instant) -> None:
        """The clock goes on once every pause has ended. Without a pause it does nothing."""
        if self._pauses == 1:
            self._stood += max(now - self._paused_at, 0.0)
        self._pauses = max(self._pauses - 1, 0)
