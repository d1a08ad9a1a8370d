"""How many peers are kept connected, and where they come from: the first pool.

With addresses named by the user (`--connect`) those are the peers and nothing else is dialled. Without, addresses
come from the peers file, from the DNS and fixed seeds and from gossip, and the pool goes back to the seeds whenever
nothing is left to dial. A pool without peers is a state, not an end. Called by `node.machine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway.node.addrbook import DIALLED, GIVE_UP_AFTER, AddressBook
from headway.peer.events import PeerState
from headway.types import Services

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Mapping, Sequence

    from headway.network import Network
    from headway.types import Address, BookRecords, Instant, Net, PeerMerit

MAX_DIALS = 8
"""Dials at one time, so that one dead address does not hold up the rest."""
SEED_INTERVAL = 60.0
"""Seconds between two rounds at the DNS seeds, doubled after each round that brought nothing, up to an hour."""
MAX_SEED_INTERVAL = 3600.0
PROVEN_AFTER = 60.0
"""Seconds that a peer must have been ready for its earlier failures to be forgiven, unless it brought something new: a
handshake alone proves nothing, and who fails in the same way each time is to be dialled less and less often."""
KNOW_OTHERS = Services.NETWORK | Services.NETWORK_LIMITED
"""Who offers one of these has addresses of use [MayHaveUsefulAddressDB]."""
FEW_KNOWN = 1_000
"""Addresses below which a new peer is asked for more [Core asked so for many years]."""
MAX_ANCHORS = 2
"""Peers of this run that are dialled first in the next one [MAX_BLOCK_RELAY_ONLY_ANCHORS]."""


@dataclass(slots=True)
class Slot:
    """One outbound connection, from its dial on. (An inbound one has no slot.)"""

    address: Address
    manual: bool
    state: PeerState = PeerState.CONNECTING
    ready_at: Instant | None = None


class PeerSlots:
    def __init__(
        self,
        network: Network,
        rng: random.Random,
        *,
        peers: int,
        connect: Sequence[Address],
        dns: bool,
        nets: Collection[Net] = DIALLED,
        records: BookRecords | None = None,
    ) -> None:
        """`nets`: networks that can be reached. `records`: the address book as it was kept."""
        self._network = network
        self.book = AddressBook(rng, records=records)
        self._anchors = list(self.book.anchors)
        self.target = peers
        self.manual_only = bool(connect)
        for address in connect:
            self.book.add_manual(address)
        if self.manual_only:
            self.target = len(connect)
        self._dns = dns and not self.manual_only
        self._nets = nets
        self._slots: dict[int, Slot] = {}
        self._seeds_at: Instant = 0.0
        self._seed_rounds = 0
        self._resolving = False
        self._ever_ready = False

    # What others ask of it.

    def count(self, state: PeerState) -> int:
        """Outbound peers in one state."""
        return sum(slot.state is state for slot in self._slots.values())

    def is_manual(self, peer: int) -> bool:
        slot = self._slots.get(peer)
        return slot is not None and slot.manual

    @property
    def awaits_first_dials(self) -> bool:
        """An address that the user named has not been tried, or its first try is still under way."""
        if not self.manual_only:
            return False
        return any(entry.manual and entry.attempts == 0 for entry in self.book.entries()) or any(
            slot.state is not PeerState.READY and self._is_first(slot) for slot in self._slots.values()
        )

    def has_spare(self, now: Instant) -> bool:
        """Another address could take the place of a peer that was lost."""
        due = self.book.next_due(manual=self.manual_only, nets=self._nets)
        return due is not None and due <= now

    @property
    def hopeless(self) -> bool:
        """No peer was ever ready and everything that we know failed several times: a state to tell the user about."""
        if self._ever_ready or self._slots:
            return False
        if self._dns and self._seed_rounds < GIVE_UP_AFTER and not len(self.book):
            return False
        return self.book.all_given_up

    @property
    def all_discouraged(self) -> bool:
        """The user named the peers, and every one of them served invalid data or was ourselves."""
        return self.manual_only and not self._slots and all(entry.discouraged for entry in self.book.entries())

    def last_errors(self, most: int = 5) -> list[str]:
        """`address: why` of addresses that failed, for a message to the user."""
        return self.book.last_errors(most)

    def anchors(self) -> tuple[Address, ...]:
        """Peers to begin with next time: those of our own choice that have been ready longest."""
        if self.manual_only:
            return ()
        ready = [slot for slot in self._slots.values() if slot.ready_at is not None and slot.state is PeerState.READY]
        return tuple(slot.address for slot in sorted(ready, key=lambda slot: slot.ready_at or 0.0)[:MAX_ANCHORS])

    # What happens.

    def dial(self, now: Instant) -> Address | None:
        """The next address to dial, or None when nothing is wanted or due. Follow with `dialled`."""
        if len(self._slots) >= self.target or self.count(PeerState.CONNECTING) >= MAX_DIALS:
            return None
        while self._anchors:
            if self.book.claim(address := self._anchors.pop(0), now):
                return address
        return self.book.take(now, manual=self.manual_only, nets=self._nets)

    def dialled(self, peer: int, address: Address) -> None:
        self._slots[peer] = Slot(address, self.manual_only)

    def connected(self, peer: int) -> None:
        if slot := self._slots.get(peer):
            slot.state = PeerState.HANDSHAKING

    def ready(self, peer: int, services: int, now: Instant) -> None:
        """Its handshake is complete; `services`: what it offers."""
        self._ever_ready = True
        if slot := self._slots.get(peer):
            slot.state = PeerState.READY
            slot.ready_at = now
            self.book.good(slot.address, now, services)

    def ended(self, peer: int, why: str, now: Instant, *, discourage: bool, merit: PeerMerit | None = None) -> None:
        """`merit`: what it was like."""
        slot = self._slots.pop(peer, None)
        if slot is None:
            return
        self.book.release(slot.address)
        if merit is not None:
            self.book.met(slot.address, merit, now)
        if slot.ready_at is not None and now - slot.ready_at >= PROVEN_AFTER:
            self.book.succeeded(slot.address)
        if discourage:
            self.book.discourage(slot.address, why, now)
        else:
            self.book.failed(slot.address, why, now)

    def seeds_due(self, now: Instant) -> tuple[str, ...] | None:
        """Seed names to resolve now: when the pool is short and nothing is left to dial. Follow with `resolved`.

        None: not now. Empty: it is time, and this network has no names (its fixed seeds may do).
        """
        short = len(self._slots) < self.target
        if not self._dns or self._resolving or not short or now < self._seeds_at:
            return None
        due = self.book.next_due(manual=False, nets=self._nets)
        if due is not None and due <= now:
            return None
        self._resolving = True
        return self._network.dns_seeds

    def resolved(self, told: Mapping[str, Sequence[Address]], now: Instant) -> None:
        """What each seed gave, by its name. When none gave any, the fixed seeds must do."""
        self._resolving = False
        self._seed_rounds += 1
        new = sum(self.book.add_all(addresses, seed, now) for seed, addresses in told.items())
        if not any(told.values()):
            new += self.book.add_all(self._network.fixed_seeds, now=now)
        backoff = 1.0 if new else 2.0 ** min(self._seed_rounds - 1, 10)
        self._seeds_at = (
            now + min(SEED_INTERVAL * backoff, MAX_SEED_INTERVAL) if self._ever_ready else now + 2.0**self._seed_rounds
        )

    def learnt(self, addresses: Sequence[Address], source: Address, now: Instant) -> None:
        """Gossip of a peer: who might be of use to us, or knows others, is remembered [Core ProcessMessage ADDR]."""
        if self.manual_only:
            return
        wanted = self._network.required_services
        useful = (address for address in addresses if not wanted & ~address.services or address.services & KNOW_OTHERS)
        self.book.learn(useful, source, now)

    def wants_addresses(self) -> bool:
        """Whether a ready peer should be asked for addresses."""
        return not self.manual_only and len(self.book) < FEW_KNOWN

    def _is_first(self, slot: Slot) -> bool:
        entry = self.book.get(slot.address)
        return entry is not None and entry.attempts <= entry.wanted and entry.failures == 0
