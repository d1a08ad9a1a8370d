"""Which of our pings a pong answers, as some remotes send another nonce than ours.

C# echoes the nonce of the ping, and may leave out the pong of one that was followed by another; neo-go writes the id of
its node instead, and answers every ping. So a pong belongs to the ping whose nonce it has, else to the oldest one.
One object a connection. Called by the wires of both generations.
"""

from __future__ import annotations

from typing import Final

NONCE_BITS: Final = 32
"""Size of a nonce, in version messages too."""
MAX_OUTSTANDING: Final = 16
"""Pings without a pong that are remembered. The peer machine has two out at the most, a keepalive and a fence."""


class Pings:
    """The nonces of pings that left and were not answered yet."""

    __slots__ = ("_outstanding",)

    def __init__(self) -> None:
        self._outstanding: list[int] = []
        """Oldest first, at most `MAX_OUTSTANDING`."""

    def sent(self, nonce: int) -> None:
        """A ping leaves. Of too many without an answer the oldest is forgotten."""
        self._outstanding = [*self._outstanding[1 - MAX_OUTSTANDING :], nonce]

    def answered(self, stated: int) -> int:
        """The nonce of the ping that a pong with the nonce `stated` answers; `stated` itself when none is out."""
        if not self._outstanding:
            return stated
        # What came before an echoed ping will not be answered any more: pongs keep the order of their pings.
        at = self._outstanding.index(stated) if stated in self._outstanding else 0
        nonce = self._outstanding[at]
        del self._outstanding[: at + 1]
        return nonce
