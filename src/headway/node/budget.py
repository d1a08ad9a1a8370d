"""How many bytes of history we give away: in a day to all, and to each.

Core's -maxuploadtarget: the budget is for blocks that only those ask for who catch up; what keeps the network going
(new blocks, headers) is never refused, and room for it is held back. Called by `serve`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headway.types import Instant

DAY: Final = 24 * 3600.0
"""Seconds of one budget [MAX_UPLOAD_TIMEFRAME]."""
SHARE: Final = 4
"""One peer gets at most a quarter of what all may have: one alone should not have it all."""


class UploadBudget:
    def __init__(self, target: int, *, reserve: float = 0.0) -> None:
        """`target`: bytes a day, 0 for no limit. `reserve`: bytes a second held back for what is never refused (Core: a
        block of the largest size every ten minutes)."""
        self.target = target
        self._reserve = reserve
        self._since: Instant | None = None
        self._spent = 0
        self._by_peer: dict[int, int] = {}  # of those that are connected

    @property
    def spent(self) -> int:
        """Bytes sent in this day, to all."""
        return self._spent

    def note(self, peer: int, size: int, now: Instant) -> None:
        """Bytes went to a peer."""
        self._begin(now)
        self._spent += size
        self._by_peer[peer] = self._by_peer.get(peer, 0) + size

    def forget(self, peer: int) -> None:
        """It has gone; what it had stays spent."""
        self._by_peer.pop(peer, None)

    def refuses(self, peer: int, now: Instant) -> bool:
        """Whether this peer gets no more history: the day's budget is spent, or its own share of it."""
        if not self.target:
            return False
        self._begin(now)
        assert self._since is not None, "it has begun"
        held_back = (self._since + DAY - now) * self._reserve
        if held_back >= self.target or self._spent >= self.target - held_back:
            return True
        return self._by_peer.get(peer, 0) >= self.target // SHARE

    def _begin(self, now: Instant) -> None:
        if self._since is None or now >= self._since + DAY:
            self._since = now
            self._spent = 0
            self._by_peer.clear()
