"""How many blocks one peer may owe us: bandwidth times delay, measured.

The delay is what one block takes from a peer that has nothing else to do for us. What a block takes beyond it, it has
waited behind others: while that is less than the time of a good supply, the allowance grows with each block, if it was
made use of (so it doubles in a round trip); when it is more, it shrinks to what comes in that time (Little's law). So
it follows a long line as it follows a fast one. Not here: how peers share the window. Called by `sync.sources`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.types import Instant

START: Final = 16
"""Blocks, before anything is known of a peer (Core MAX_BLOCKS_IN_TRANSIT_PER_PEER)."""
LEAST: Final = 2
"""One on its way, and one that the peer begins with when that has left."""
SUPPLY: Final = 2.0
"""Seconds of work that lie ready at a peer beyond what travels (its delay, where that is longer): our next question may
come late, and nobody else waits long for what one peer holds."""
_NO_TIME: Final = 0.001
"""Seconds; a block never takes less, whatever a coarse clock says."""


class Allowance:
    """One peer's."""

    __slots__ = (
        "_alone", "_asked", "_brought", "_cut_at", "_is_used", "_most", "_threshold", "_turn_at", "delay", "limit",
    )  # fmt: skip

    def __init__(self, most: int) -> None:
        """`most`: what its network allows (`Limits.max_blocks_in_flight`)."""
        self._most = most
        self.limit = float(min(START, most))
        """Blocks."""
        self.delay: float | None = None
        """Seconds of one block asked of it while it owes nothing; None until it brought one."""
        self._asked: dict[int, tuple[Instant, int]] = {}  # position -> when, bytes brought before
        self._brought = 0
        self._alone: int | None = None  # position asked while it owed nothing
        self._is_used = False  # its last question asked for no less than half of what it may owe
        self._threshold = float("inf")  # blocks above which the limit grows slowly (as TCP's)
        self._cut_at = float("-inf")
        self._turn_at: Instant = 0.0  # when the block that it owes for the longest time came to its turn

    @property
    def owed(self) -> int:
        """Blocks that may still come from it, whoever else was asked for them since."""
        return len(self._asked)

    def owes(self, position: int) -> bool:
        return position in self._asked

    def positions(self) -> tuple[int, ...]:
        """What it owes, in the order in which it was asked."""
        return tuple(self._asked)

    def since(self, position: int) -> Instant:
        """Since when it could have brought this block, which it owes: it gives what it was asked for first. What it
        brings out of turn buys it no time."""
        return max(self._asked[position][0], self._turn_at)

    def ask(self, positions: Iterable[int], now: Instant) -> None:
        for position in positions:
            if not self._asked:
                self._alone, self._turn_at = position, now
            self._asked[position] = (now, self._brought)
        self._is_used = 2 * len(self._asked) >= self.limit

    def forget(self, position: int, now: Instant) -> None:
        """It does not have it after all."""
        self._take_out(position, now)

    def take(self, position: int, size: int, mean_size: float, now: Instant) -> None:
        """It brought a block of `size` bytes; one that was not asked of it says nothing of it."""
        asked = self._take_out(position, now)
        if asked is None:
            return
        at, before = asked
        self._brought += size
        took = max(now - at, _NO_TIME)
        delay = self._note_delay(took, was_alone=position == self._alone)
        supply = max(SUPPLY, delay)
        if took - delay > supply:
            wanted = (self._brought - before) / took * (delay + supply) / mean_size
            self.limit = max(min(self.limit, wanted), LEAST)
        elif self._is_used:
            self.limit = min(self.limit + (1 if self.limit < self._threshold else 1 / self.limit), self._most)

    def cut(self, now: Instant) -> None:
        """Everybody waits for it: half as much, once in the time of its blocks, and slowly up again."""
        if now >= self._cut_at + (SUPPLY if self.delay is None else self.delay):
            self._cut_at = now
            self._threshold = self.limit = max(self.limit / 2, LEAST)

    def _take_out(self, position: int, now: Instant) -> tuple[Instant, int] | None:
        if self._asked and next(iter(self._asked)) == position:
            self._turn_at = now
        return self._asked.pop(position, None)

    def _note_delay(self, took: float, *, was_alone: bool) -> float:
        if self.delay is None or took < self.delay:
            self.delay = took
        elif was_alone:
            self.delay += (took - self.delay) / 4
        return self.delay
