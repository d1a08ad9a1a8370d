"""Which of our outbound peers is of no use any more: far behind, or the worst where one is too many.

The peers that a user named are never judged. What is decided here is no verdict: nobody is discouraged for being slow
or behind. Rules and numbers are Core's (`ConsiderEviction`, `EvictExtraOutboundPeers`) and, for slowness, Floresta's.
Called by `node.pool`, which carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from headway.types import Instant

CATCH_UP_TIMEOUT: Final = 20 * 60.0
"""Seconds that a peer may know of no chain as heavy as ours [CHAIN_SYNC_TIMEOUT]."""
LAST_WORD_TIMEOUT: Final = 120.0
"""Seconds to answer the question for headers that follows it [HEADERS_RESPONSE_TIME]."""
MAX_PROTECTED: Final = 4
"""Peers that showed a chain as heavy as ours and are not judged by it any more: an attacker who is ahead for once
should not get rid of all the others [MAX_OUTBOUND_PEERS_TO_PROTECT_FROM_DISCONNECT]."""
MINIMUM_CONNECT_TIME: Final = 30.0
"""Seconds that a peer has been ready before it can be the worst."""
SLOWER: Final = 1.5
"""Times the median from which on a peer is slow (Floresta)."""
MIN_SAMPLES: Final = 5
"""Answers that a peer must have given for its pace to count (Floresta)."""
MIN_PACES: Final = 3
"""Peers with a pace from which on there is a median worth the name."""


@dataclass(slots=True)
class Standing:
    """What there is to know of one outbound peer that we found ourselves, ready."""

    peer: int
    ready_at: Instant
    network: str = ""
    """Of its address: ipv4, onion, ..."""
    work: int = 0
    """Of the heaviest chain that it has shown."""
    news_at: Instant = 0.0
    """When it last brought something new."""
    is_busy: bool = False
    """Blocks are asked of it."""
    pace: float | None = None
    """Seconds that one answer takes it; None while too few were measured."""
    is_protected: bool = False
    behind_since: Instant | None = None
    """Since then it has shown nothing as heavy as our tip was."""
    behind_work: int = 0
    """What our tip weighed then: that much must be shown."""
    asked_at: Instant | None = None
    """When it was asked for its last word."""


class CatchUp:
    """Whoever has shown no chain as heavy as ours for long is asked once more, and then has to go."""

    def __init__(self) -> None:
        self.protected = 0

    def judge(self, peer: Standing, tip_work: int, now: Instant) -> str:
        """`ask` it for headers, `drop` it, or nothing. Call now and then."""
        if peer.is_protected:
            return ""
        if peer.work >= tip_work:
            if self.protected < MAX_PROTECTED:
                self.protected += 1
                peer.is_protected = True
            peer.behind_since = peer.asked_at = None
            return ""
        if peer.behind_since is None or peer.work >= peer.behind_work:
            peer.behind_since, peer.behind_work, peer.asked_at = now, tip_work, None
            return ""
        if peer.asked_at is not None:
            return "drop" if now >= peer.asked_at + LAST_WORD_TIMEOUT else ""
        if now >= peer.behind_since + CATCH_UP_TIMEOUT:
            peer.asked_at = now
            return "ask"
        return ""

    def forget(self, peer: Standing) -> None:
        """It has gone."""
        self.protected -= peer.is_protected


def slow(peers: Iterable[Standing]) -> Standing | None:
    """The slowest, if it is slow: its answers take more than half as long again as is usual here."""
    paced = [(peer.pace, peer) for peer in peers if peer.pace is not None]
    if len(paced) < MIN_PACES:
        return None
    pace, slowest = max(paced, key=lambda each: each[0])
    return slowest if pace > SLOWER * median(pace for pace, _ in paced) else None


def worst(peers: Collection[Standing], now: Instant) -> Standing | None:
    """Who goes where one is too many: the slow one, else the one that has had no news for the longest time.

    Not one that is new here, that owes us blocks, or that is the only one of its network.
    """
    networks = [peer.network for peer in peers]
    candidates = [
        peer
        for peer in peers
        if now >= peer.ready_at + MINIMUM_CONNECT_TIME
        and not peer.is_busy
        and not peer.is_protected
        and (networks.count(peer.network) > 1 or len(set(networks)) == 1)
    ]
    if (slowest := slow(peers)) is not None and slowest in candidates:
        return slowest
    return min(candidates, key=lambda peer: (peer.news_at, -peer.peer), default=None)
