"""The one alarm clock of a machine: re-armed after every input, it rings when `get_timer()` says so.

Called by `peer` and `node`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from headway.types import Instant

HELD_UP: Final = 0.25
"""Seconds late from which we take it that the loop itself was held (a blocking callback, a suspended machine)."""
MAX_GRACE: Final = 1.0
"""Seconds that sockets then get before the deadline counts: what has arrived meanwhile is read first, and nobody is
blamed for our own delay. One grace for each deadline, so that a flood cannot stretch it."""


class Timer:
    __slots__ = ("_due", "_handle", "_in_grace", "_loop", "_ring")

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[Instant], None]) -> None:
        """`ring(now)` is called with the instant that was due or later, never earlier, though a loop may wake early."""
        self._ring = ring
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None
        self._due: Instant | None = None
        self._in_grace = False

    def arm(self, due: Instant | None) -> None:
        """Ring at `due`, None: not at all. A handle that is set for earlier stays and sets itself anew."""
        self._due = due
        if self._handle is not None:
            if due is not None and (self._in_grace or self._handle.when() <= due):
                return
            self._handle.cancel()
        self._in_grace = False
        self._handle = None if due is None else self._loop.call_at(due, self._wake)

    def cancel(self) -> None:
        self.arm(None)

    def _wake(self) -> None:
        assert self._handle is not None, "only the handle calls this"
        assert self._due is not None, "arm(None) cancels the handle"
        woken_for, self._handle = self._handle.when(), None
        graced, self._in_grace = self._in_grace, False
        late = self._loop.time() - self._due
        if self._due > woken_for:
            self.arm(self._due)
        elif late > HELD_UP and not graced:
            self._in_grace = True
            self._handle = self._loop.call_later(min(late, MAX_GRACE), self._wake)
        else:
            self._ring(max(self._due, self._loop.time()))
