"""Our own line: when it is slow, no peer is to blame for it.

Every second the bytes are measured that peers have brought in the last few; one that owes us blocks then need not be
faster than a part of its fair share of the line. One that is, in the middle of a message, is *flowing*. Several peers
that send slowly at once show that our line is slow; one alone shows nothing, and is held to what the line gave before.
While nobody sends us blocks the line is not to blame for anything. Called by `node.machine`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from headway.node.table import PeerTable
    from headway.types import Instant

SPAN: Final = 5.0
"""Seconds that are looked back: less, and one large block of one peer would look like a slow line of all the others."""
SAMPLES: Final = 8
"""Looks that are remembered, about one a second."""
PART: Final = 1 / 4
"""Of its fair share that a peer must reach. Less than all of it: what others send may stand in the way of its bytes."""
LEAST: Final = 500.0
"""Bytes a second that a peer must reach on any line: at less a large block would take hours."""
SEVERAL: Final = 3
"""Peers that send, from which on they show how fast our line is."""
HALF_LIFE: Final = 120.0
"""Seconds in which half of a better past is forgotten, while somebody sends."""


class _Seen(NamedTuple):
    """What one peer had brought."""

    bytes: int
    blocks: int


class LineRate:
    def __init__(self, min_rate: float) -> None:
        """`min_rate`: what is asked of a peer on a good line, bytes a second (`Limits.min_rate`)."""
        self._min_rate = min_rate
        self._looks: deque[tuple[Instant, dict[int, _Seen]]] = deque(maxlen=SAMPLES)
        self._best = 0.0  # bytes a second of all peers together, lately

    def measure(self, peers: PeerTable, now: Instant) -> frozenset[int]:
        """Look at the peers, and ask no more of those that owe us blocks than our line allows. Returns who flows."""
        machines = {number: peer.machine for number in peers if (peer := peers.get(number)) is not None}
        seen = {number: _Seen(each.stats.bytes_received, each.stats.blocks) for number, each in machines.items()}
        before = {number: then for number in machines if (then := self._before(number, now)) is not None}
        rates = {number: (seen[number].bytes - then.bytes) / (now - at) for number, (at, then) in before.items()}
        elapsed = now - self._looks[-1][0] if self._looks else 0.0
        self._looks.append((now, seen))
        while self._looks[0][0] < now - SPAN:
            self._looks.popleft()
        owing = [number for number in machines if _owes(peers, number)]
        moving = {number for number in owing if number in rates and rates[number] > 0}
        mid_frame = {number for number in moving if machines[number].stats.is_mid_frame}
        sending = mid_frame | {number for number in moving if seen[number].blocks > before[number][1].blocks}
        share = self._min_rate
        total = sum(rates.values())
        if sending:
            self._best = max(total, self._best * 0.5 ** (elapsed / HALF_LIFE))
            basis = total if len(sending) >= SEVERAL else self._best
            share = min(share, max(PART * basis / len(owing), LEAST))
        self._best = max(total, self._best)
        for number in owing:
            machines[number].min_rate = share
        return frozenset(number for number in mid_frame if rates[number] >= share)

    def _before(self, number: int, now: Instant) -> tuple[Instant, _Seen] | None:
        """What a peer had brought at the first look that is remembered; None: it was not there."""
        return next(((at, seen[number]) for at, seen in self._looks if number in seen and at < now), None)


def _owes(peers: PeerTable, number: int) -> bool:
    peer = peers.get(number)
    return peer is not None and peer.batch is not None and not peer.batch.is_finished
