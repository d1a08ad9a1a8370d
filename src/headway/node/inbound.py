"""Who has to go when all inbound slots are taken and one more comes.

An attacker can fill slots at will, but not be best in every way at once: those who stand out by something hard to fake
(a rare corner of the network, a short way, news brought first, a long stay) are kept, and of the rest the youngest of
the largest crowd goes. Rules, numbers and order are Core's (node/eviction.cpp SelectNodeToEvict). Called by `pool`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headway.types import Net

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headway.types import Instant

BY_NETGROUP: Final = 4
BY_PING: Final = 8
BY_TRANSACTION: Final = 4
BY_BLOCK_ONLY: Final = 8
BY_BLOCK: Final = 4
"""How many are kept for what they have; the literals of SelectNodeToEvict."""
DISADVANTAGED: Final = (Net.CJDNS, Net.I2P, "local", Net.ONION)
"""Networks whose way is long by nature, so that none of their peers stands out by its ping: up to a quarter of the
places are theirs. Where equally many are there, an earlier one in this list goes first."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One inbound peer, as far as it matters here."""

    peer: int
    connected_at: Instant
    min_ping: float = float("inf")
    """Seconds; infinite before the first pong."""
    last_block_at: Instant = 0.0
    """When it last brought a block that was new."""
    last_transaction_at: Instant = 0.0
    offers_blocks: bool = False
    relays_transactions: bool = True
    netgroup: int = 0
    """Of its address, under a key that nobody else knows: no one can choose the groups that are kept."""
    network: str = Net.IPV4
    is_local: bool = False
    prefers_eviction: bool = False
    """It lets others go first: it has done something that cost it our favour."""


def select_to_evict(peers: Iterable[Inbound]) -> int | None:
    """The peer that has to go; None where every one has its reason to stay."""
    left = list(peers)
    left = _without_best(left, BY_NETGROUP, lambda peer: peer.netgroup)
    left = _without_best(left, BY_PING, lambda peer: -peer.min_ping)
    left = _without_best(left, BY_TRANSACTION, lambda peer: (peer.last_transaction_at, peer.relays_transactions))
    block_only = _best(
        [peer for peer in left if not peer.relays_transactions and peer.offers_blocks],
        BY_BLOCK_ONLY,
        lambda peer: peer.last_block_at,
    )
    left = [peer for peer in left if peer not in block_only]
    left = _without_best(left, BY_BLOCK, lambda peer: (peer.last_block_at, peer.offers_blocks))
    left = _without_oldest_half(left)
    if any(peer.prefers_eviction for peer in left):
        left = [peer for peer in left if peer.prefers_eviction]
    return _youngest_of_largest_group(left)


def _without_oldest_half(peers: list[Inbound]) -> list[Inbound]:
    """Half of them stay for the length of their stay, up to half of these for their network (Core
    ProtectEvictionCandidatesByRatio)."""
    half, quarter = len(peers) // 2, len(peers) // 4
    counts = {network: sum(_is_of(peer, network) for peer in peers) for network in DISADVANTAGED}
    order = sorted((count, place, network) for place, network in enumerate(DISADVANTAGED) if (count := counts[network]))
    kept: set[int] = set()
    while order and len(kept) < quarter:
        share = max(1, (quarter - len(kept)) // len(order))
        before = len(kept)
        for entry in tuple(order):
            mine = [peer for peer in peers if _is_of(peer, entry[2]) and peer.peer not in kept]
            room = min(share, quarter - len(kept))
            kept.update(peer.peer for peer in _best(mine, room, _stay))
            if len(mine) <= room:
                order.remove(entry)
        if len(kept) == before:
            break
    left = [peer for peer in peers if peer.peer not in kept]
    return _without_best(left, half - len(kept), _stay)


def _is_of(peer: Inbound, network: str) -> bool:
    return peer.is_local if network == "local" else peer.network == network


def _stay(peer: Inbound) -> float:
    """The longer here, the more."""
    return -peer.connected_at


def _youngest_of_largest_group(peers: list[Inbound]) -> int | None:
    if not peers:
        return None
    sizes = Counter(peer.netgroup for peer in peers)
    youngest = {group: max(p.connected_at for p in peers if p.netgroup == group) for group in sizes}
    largest = max(sizes, key=lambda group: (sizes[group], youngest[group], group))
    return max((p for p in peers if p.netgroup == largest), key=lambda p: (p.connected_at, p.peer)).peer


def _best(peers: list[Inbound], count: int, merit: Callable[[Inbound], Any]) -> list[Inbound]:
    """Those with most merit; of equals the one that is here longer."""
    return sorted(peers, key=lambda peer: (merit(peer), -peer.connected_at, -peer.peer), reverse=True)[: max(count, 0)]


def _without_best(peers: list[Inbound], count: int, merit: Callable[[Inbound], Any]) -> list[Inbound]:
    best = {peer.peer for peer in _best(peers, count, merit)}
    return [peer for peer in peers if peer.peer not in best]
