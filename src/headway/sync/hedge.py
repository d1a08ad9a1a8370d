"""When the one block for which all wait is asked of a second peer.

Everything that may be asked is out, and a peer has nothing to do: once the first missing block has taken three times
what that peer usually needs for one, it is asked, too. The first answer wins. No more than two are waited for at a
time: when the second takes as long again and more, the first is given up for it, and so on, each time twice as long.
Measured by the second peer's own usual time: the first cannot buy time by being slow, and where our own line is slow,
everybody's usual time is long. Called by `sync.blocks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headway.types import Instant

MULTIPLE: Final = 3.0
"""Of the usual time of a block."""
LEAST: Final = 0.5
"""Seconds; less would ask twice for what a busy peer's disk delays."""
UNKNOWN: Final = 0.5
"""Seconds that a block takes from a peer of which we had none yet."""


def patience(delay: float | None) -> float:
    """Seconds after which a peer is asked that needs `delay` for a block (None: not known)."""
    return max(LEAST, MULTIPLE * (UNKNOWN if delay is None else delay))


class Hedge:
    def __init__(self) -> None:
        self.position: int | None = None
        """The block that is watched."""
        self.first: int | None = None
        """The peer that was asked before the one that is now; None before the second was."""
        self._times = 0  # that it was asked of one more
        self._waited_since: Instant = 0.0  # for the first
        self._asked_at: Instant = 0.0  # the second
        self._due: Instant | None = None

    def watch(self, position: int, since: Instant, delay: float | None, now: Instant) -> bool:
        """All wait for this block, its peer has brought nothing `since`, and another one would need `delay` for it.

        True: ask that.
        """
        if position != self.position:
            self.position, self.first, self._times = position, None, 0
        self._due = since + patience(delay) * 2.0**self._times
        return self._due <= now

    def rest(self) -> None:
        """Nothing can be asked of a second peer now."""
        self._due = None

    def asked(self, first: int, since: Instant, now: Instant) -> None:
        """The second was asked beside `first`, which has brought nothing `since`."""
        self.first, self._waited_since, self._asked_at = first, since, now
        self._times += 1
        self._due = None

    def is_beaten(self, now: Instant) -> bool:
        """The second has brought it now: whether it was so much quicker than the first that the line is not to blame,
        which both of them share."""
        return MULTIPLE * (now - self._asked_at) <= now - self._waited_since

    def due(self) -> Instant | None:
        """When `watch` will say so though nothing happens."""
        return self._due
