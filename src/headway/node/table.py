"""The peers of a node: their machines, which of them have something to say, and whose timer is next.

Timers lie in one heap with lazy deletion: an entry counts only while it equals its peer's `due`, so no input costs
more because there are more peers. Called by `node.machine`.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from headway.node.gossip import AddressAllowance
from headway.node.tally import Tally

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from headway.peer.blocks import BlockBatch
    from headway.peer.machine import PeerMachine
    from headway.types import Address, Instant


MAX_GONE = 1024
"""Peers of which the address is kept after they have gone: a verdict on their last blocks may still be coming. (Of
those that were found out before, nothing more need be known.)"""
SLACK = 64
"""Stale entries that the heap may hold beside one for each peer, before it is built anew."""


@dataclass(slots=True)
class Peer:
    machine: PeerMachine
    address: Address
    inbound: bool
    allowance: AddressAllowance = field(default_factory=AddressAllowance)
    ready: bool = False
    batch: BlockBatch | None = None
    discourage: bool = False
    """It served invalid data: its address is not to be chosen again for a while."""
    is_ourselves: bool = False
    """Our dial came out at our own door: the same follows, and nobody is to blame."""
    stalled: bool = False
    """It has been counted as a staller."""
    due: Instant | None = None
    """What its machine's timer was when it was last looked at."""

    def hear(self, addresses: Sequence[Address], rng: random.Random, now: Instant) -> list[Address]:
        """Those of its addresses that it may tell us now."""
        heard = self.allowance.admit(addresses, rng, now)
        self.machine.stats.addresses_ignored += len(addresses) - len(heard)
        return heard


class PeerTable:
    def __init__(self) -> None:
        self._peers: dict[int, Peer] = {}
        self._gone: dict[int, Address] = {}  # of those that we dialled
        self._next = 1
        self._touched: dict[int, None] = {}
        self._timers: list[tuple[Instant, int]] = []
        self._dialled_nonces: dict[int, int] = {}  # of our own dials whose handshake is not complete -> number
        self.inbound = 0
        self.ready = 0
        self.tally: Final = Tally()
        """What those did that were removed."""

    def __len__(self) -> int:
        return len(self._peers)

    def __iter__(self) -> Iterator[int]:
        return iter(tuple(self._peers))

    def get(self, number: int) -> Peer | None:
        return self._peers.get(number)

    def add(self, peer: Peer) -> int:
        number, self._next = self._next, self._next + 1
        self._peers[number] = peer
        if peer.inbound:
            self.inbound += 1
        else:
            self._dialled_nonces[peer.machine.nonce] = number
        return number

    def mark_ready(self, peer: Peer) -> None:
        peer.ready = True
        peer.allowance = AddressAllowance(peer.machine.stats.connected_at)
        self.ready += 1
        self._dialled_nonces.pop(peer.machine.nonce, None)

    def mark_ended(self, peer: Peer) -> None:
        """Its machine reported its end; the entry stays until the socket may be closed."""
        self.ready -= peer.ready
        peer.ready = False
        self._dialled_nonces.pop(peer.machine.nonce, None)

    def remove(self, number: int) -> None:
        peer = self._peers.pop(number)
        self.tally.add(peer.machine.stats, inbound=peer.inbound)
        self._compact()
        self.inbound -= peer.inbound
        if not peer.inbound and not peer.discourage:
            self._gone[number] = peer.address
            if len(self._gone) > MAX_GONE:
                del self._gone[next(iter(self._gone))]

    def dialled_address(self, number: int) -> Address | None:
        """Where we found a peer, also when it has gone; None for one that found us."""
        peer = self._peers.get(number)
        if peer is None:
            return self._gone.get(number)
        return None if peer.inbound else peer.address

    def forget(self, number: int) -> Address | None:
        """The address of a peer that has gone, told once."""
        return self._gone.pop(number, None)

    def is_own_nonce(self, nonce: int) -> bool:
        """Whether an inbound version carries the nonce of one of our own dials (Core CheckIncomingNonce)."""
        return nonce in self._dialled_nonces

    def dialled_with(self, nonce: int) -> int | None:
        """The number of the dial that carries this nonce, while its handshake is not complete."""
        return self._dialled_nonces.get(nonce)

    # Which have something to say.

    def touch(self, number: int) -> None:
        self._touched[number] = None

    def next_touched(self) -> int | None:
        if not self._touched:
            return None
        number = next(iter(self._touched))
        del self._touched[number]
        return number

    # Timers.

    def rearm(self, number: int, peer: Peer) -> None:
        due = peer.machine.get_timer()
        if due != peer.due:
            peer.due = due
            if due is not None:
                heapq.heappush(self._timers, (due, number))
            self._compact()

    def next_due(self) -> Instant | None:
        while self._timers:
            at, number = self._timers[0]
            peer = self._peers.get(number)
            if peer is not None and peer.due == at:
                return at
            heapq.heappop(self._timers)
        return None

    def fire(self, now: Instant) -> None:
        """Run the timers of those machines that are due."""
        while (at := self.next_due()) is not None and at <= now:
            _, number = heapq.heappop(self._timers)
            peer = self._peers[number]
            peer.due = None
            peer.machine.handle_timer(now)
            self.touch(number)

    def _compact(self) -> None:
        """Build the heap anew where most of it is stale, because timers moved or their peers have gone."""
        if len(self._timers) > 2 * len(self._peers) + SLACK:
            self._timers = [(peer.due, number) for number, peer in self._peers.items() if peer.due is not None]
            heapq.heapify(self._timers)
