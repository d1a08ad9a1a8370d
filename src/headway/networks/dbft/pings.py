"""Which of our pings a pong answers: nonces have 32 bits on the wire, ours have 64, and some remotes send another.

C# echoes the nonce of the ping, and may leave out the pong of one that was followed by another; neo-go writes the id of
its node instead, and answers every ping. So a pong belongs to the ping whose nonce it has, else to the oldest one.
One object a connection. Called by the wires of both generations.
"""

from __future__ import annotations

from collections import deque
from typing import Final

NONCE_MASK: Final = 0xFFFF_FFFF
"""What of a nonce travels."""
MAX_OUTSTANDING: Final = 16
"""Pings without a pong that are remembered. The peer machine has two out at the most, a keepalive and a fence."""


class Pings:
    """The nonces of pings that left and were not answered yet, oldest first."""

    def __init__(self) -> None:
        self._outstanding: deque[int] = deque(maxlen=MAX_OUTSTANDING)

    def sent(self, nonce: int) -> None:
        """A ping leaves. Of too many without an answer the oldest is forgotten."""
        self._outstanding.append(nonce)

    def answered(self, stated: int) -> int:
        """The whole nonce of the ping that a pong with the nonce `stated` answers; `stated` itself when none is out."""
        low = [nonce & NONCE_MASK for nonce in self._outstanding]
        if stated in low:  # what came before it will not be answered any more: pongs keep the order of their pings
            for _ in range(low.index(stated)):
                self._outstanding.popleft()
        return self._outstanding.popleft() if self._outstanding else stated
