"""The peer that holds the first missing block while the window is full and others have nothing to do.

Its time adapts (Core PR #25880): it doubles each time it runs out, because our own line may be what is slow, and sinks
with each block that is stored. Not here: what follows. Called by `sync.blocks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headway.types import Instant

TIMEOUT: Final = 2.0
"""Seconds that it may bring nothing (Core BLOCK_STALLING_TIMEOUT_DEFAULT)."""
MAX_TIMEOUT: Final = 64.0
"""Core BLOCK_STALLING_TIMEOUT_MAX."""
DECAY: Final = 0.85
"""What is left of the time after each stored block, down to `TIMEOUT`."""


class Staller:
    def __init__(self) -> None:
        self.timeout = TIMEOUT
        self._peer: int | None = None
        self._since: Instant = 0.0

    def watch(self, peer: int, since: Instant, now: Instant) -> bool:
        """Who it is now, and since when it could have brought the block. True: its time has run out."""
        if peer != self._peer:
            self._peer, self._since = peer, now
        self._since = max(self._since, since)
        if now < self._since + self.timeout:
            return False
        self._peer = None
        self.timeout = min(2 * self.timeout, MAX_TIMEOUT)
        return True

    def rest(self) -> None:
        """It is nobody."""
        self._peer = None

    def due(self) -> Instant | None:
        """When `watch` will say so though nothing happens."""
        return None if self._peer is None else self._since + self.timeout

    def stored(self) -> None:
        """A block was stored."""
        self.timeout = max(TIMEOUT, self.timeout * DECAY)
