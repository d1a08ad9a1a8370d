"""Our own line: when it is slow, no peer is to blame for it.

Every few seconds the bytes that all peers together brought are measured; a peer then need not be faster than half of
its fair share. A line that brings nothing at all says nothing about the peers, and changes nothing. Called by
`node.machine`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.node.table import PeerTable
    from headway.types import Instant

INTERVAL = 5.0
"""Seconds of one measurement."""


class LineRate:
    def __init__(self, min_rate: float) -> None:
        """`min_rate`: what is asked of a peer on a good line, bytes a second (`Limits.min_rate`)."""
        self._min_rate = min_rate
        self._since: Instant | None = None
        self._received: dict[int, int] = {}  # by peer, when the measurement began

    def measure(self, peers: PeerTable, now: Instant) -> None:
        """Look at the peers that owe us blocks, and ask no more of them than our line allows."""
        if self._since is not None and now < self._since + INTERVAL:
            return
        busy = {}
        for number in peers:
            peer = peers.get(number)
            if peer is not None and peer.batch is not None and not peer.batch.is_finished:
                busy[number] = peer.machine
        seen = {number: machine.stats.bytes_received for number, machine in busy.items()}
        both = seen.keys() & self._received.keys()
        if self._since is not None and both:
            rate = sum(seen[number] - self._received[number] for number in both) / (now - self._since)
            for number in both if rate > 0 else ():
                busy[number].min_rate = min(self._min_rate, rate / len(both) / 2)
        self._since, self._received = now, seen
