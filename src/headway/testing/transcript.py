"""What happened on one connection, line by line, in the words of the protocol trace: `> getheaders [31 hashes]`.

`>` sent, `<` received, `=` a state, `!` a fault of the remote, `-` a time that passed for nothing, `x` the end. The
newest lines only, so that a remote that talks for ever fills no memory. Called by `conversation`; read by people, in a
failure above all.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headway.types import Instant

MAX_LINES: Final = 10_000
SHOWN: Final = 30
"""Last lines that a failure shows."""


class Transcript:
    """Lines, each with the seconds since `started_at`."""

    def __init__(self, started_at: Instant) -> None:
        self._started_at = started_at
        self._entries: deque[tuple[float, str]] = deque(maxlen=MAX_LINES)
        self.count = 0
        """Lines so far, those that were dropped included."""

    def note(self, line: str, now: Instant) -> None:
        self._entries.append((now - self._started_at, line))
        self.count += 1

    @property
    def lines(self) -> list[str]:
        """Without their times."""
        return [line for _, line in self._entries]

    def since(self, count: int) -> list[str]:
        """The lines after the first `count`, as far as they are still here."""
        return self.lines[-min(self.count - count, len(self)) :] if count < self.count else []

    def tail(self, most: int = SHOWN) -> str:
        """The last lines with their times, for people."""
        shown = list(self._entries)[-most:]
        cut = [f"  ... {self.count - len(shown)} lines before"] if self.count > len(shown) else []
        return "\n".join([*cut, *(f"  {at:8.3f} {line}" for at, line in shown)])

    def __str__(self) -> str:
        return self.tail(MAX_LINES)

    def __len__(self) -> int:
        return len(self._entries)
