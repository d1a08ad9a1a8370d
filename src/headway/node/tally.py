"""What connections did, added up: of those that have gone, so that a sum over all of them never falls.

It holds one entry a command that the codec knows, a kind of request, a reason: nothing that a remote could make grow.
Called by `table`, which adds each peer that goes, and by `snapshot`, which adds those that are here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headway.peer.stats import CommandStats, RequestStats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headway.peer.events import Reason, RequestKind
    from headway.peer.stats import PeerStats


@dataclass(slots=True)
class Tally:
    received: dict[str, CommandStats] = field(default_factory=dict)
    """By command; those that the codec does not know are one (`peer.stats.OTHER`)."""
    sent: dict[str, CommandStats] = field(default_factory=dict)
    requests: dict[RequestKind, RequestStats] = field(default_factory=dict)
    dropped_frames: int = 0
    pings: int = 0
    """That were answered."""
    ping_seconds: float = 0.0
    """Of all of them."""
    ended: dict[tuple[bool, Reason], int] = field(default_factory=dict)
    """Connections and dials that have ended: whether they were inbound, and why."""

    def add(self, stats: PeerStats, *, inbound: bool) -> None:
        """One connection."""
        self._add(stats.received, stats.sent, stats.requests)
        self.dropped_frames += stats.dropped_frames
        self.pings += stats.round_trips.count
        self.ping_seconds += stats.round_trips.total
        if stats.ended is not None:
            key = inbound, stats.ended
            self.ended[key] = self.ended.get(key, 0) + 1

    def copy(self) -> Tally:
        """One of its own, to be added to."""
        new = Tally(dropped_frames=self.dropped_frames, pings=self.pings, ping_seconds=self.ping_seconds)
        new._add(self.received, self.sent, self.requests)
        new.ended.update(self.ended)
        return new

    def _add(
        self,
        received: dict[str, CommandStats],
        sent: dict[str, CommandStats],
        requests: Mapping[RequestKind, RequestStats],
    ) -> None:
        for ours, theirs in ((self.received, received), (self.sent, sent)):
            for command, each in theirs.items():
                total = ours.setdefault(command, CommandStats())
                total.messages += each.messages
                total.bytes += each.bytes
                total.last_at = max(total.last_at, each.last_at)
        for kind, request in requests.items():
            sums = self.requests.setdefault(kind, RequestStats())
            sums.asked += request.asked
            sums.settled += request.settled
            sums.expired += request.expired
            sums.cancelled += request.cancelled
