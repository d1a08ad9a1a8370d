"""Which connections we want, of which kind, and whom to dial for them next.

Chosen from state alone, each time it is asked: no lost event can leave us idle. With addresses named by the user
(`--connect`) those are the peers and nothing else is dialled. Otherwise full peers and some for blocks alone are kept,
no two in one group of addresses; a feeler now and then finds out who is still there; seed nodes are asked for
addresses and left. A pool without peers is a state, not an end. Not here: where addresses come from (`discovery`),
who has to go (`eviction`), the connections themselves. Called by `node.pool`.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from headway.peer.events import PeerState, Reason
from headway.types import Net, network_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.node.addrbook import AddressBook
    from headway.node.config import NodeConfig
    from headway.types import Address, Instant, PeerMerit

MAX_DIALS: Final = 8
"""Dials at one time, so that one dead address does not hold up the rest."""
RACE: Final = 4
"""Dials beyond the slots that are free: the first handshakes win, and those that come late are let go."""
PROVEN_AFTER: Final = 60.0
"""Seconds that a peer must have been ready for its earlier failures to be forgiven, unless it brought something new: a
handshake alone proves nothing, and who fails in the same way each time is to be dialled less and less often."""
FEELER_INTERVAL: Final = 120.0
"""Seconds between two looks at whether an address is good [FEELER_INTERVAL]."""
CROWDED_AFTER: Final = 60.0
"""Seconds without all the peers that we want after which two of them may be of one group, and no more than two: a
small network may have no other."""
ALONE_AFTER: Final = 60.0
"""Seconds without any peer after which, when one is back, it was our own line that had failed: all the others are tried
again within the same time, however long they would have had to wait."""
LONELY_INTERVAL: Final = 60.0
"""Seconds from one try to the next while there is nobody at all, however long each single address has to wait: when the
line is back, that is seen within a minute or two."""
MAX_ANCHORS: Final = 2
"""Peers of this run that are dialled first in the next one [MAX_BLOCK_RELAY_ONLY_ANCHORS]."""
PROXY_PAUSE: Final = 1.0
MAX_PROXY_PAUSE: Final = 60.0
"""Seconds in which nothing is dialled after a proxy failed, doubled each time: it would fail the others, too."""


class Kind(StrEnum):
    """What a connection is for, in the words of Core's getpeerinfo (connection_type)."""

    FULL = "outbound-full-relay"
    BLOCK_RELAY = "block-relay-only"
    """For headers and blocks alone: it neither learns addresses from us nor tells us any, so an observer cannot see by
    gossip that it exists. These are the anchors."""
    MANUAL = "manual"
    FEELER = "feeler"
    """To see that somebody answers there; it ends with the handshake."""
    ADDR_FETCH = "addr-fetch"
    """To ask for addresses; it ends when they have come."""

    @property
    def stays(self) -> bool:
        return self in {Kind.FULL, Kind.BLOCK_RELAY, Kind.MANUAL}


class Dial(NamedTuple):
    address: Address
    kind: Kind


WITNESSES: Final = 3
"""Peers of our own choice that should be heard before the tip is called current, where so many can be had."""
WITNESS_TIMEOUT: Final = 30.0
"""Seconds from the first of them in which others may connect."""


@dataclass(slots=True)
class Slot:
    """One outbound connection, from its dial on. (An inbound one has no slot.)"""

    address: Address
    kind: Kind
    group: bytes = b""
    """Of its address, where no other peer of ours may be; empty where that does not matter."""
    state: PeerState = PeerState.CONNECTING
    ready_at: Instant | None = None


class PeerSlots:
    def __init__(self, config: NodeConfig, book: AddressBook) -> None:
        self.book = book
        self.manual_only = bool(config.connect)
        self.target = len(config.connect) if self.manual_only else config.peers
        """Peers to be kept, those aside that the user wants besides."""
        self.extra = 0
        """Full peers wanted beyond that for the moment: somebody is to be replaced."""
        self._nets = config.ways.nets
        self._services = config.network.required_services
        self._block_relay = 0 if self.manual_only else config.block_relay_peers
        self._anchors = deque(book.anchors)
        self._fetch = deque(() if self.manual_only else config.seednode)
        self._slots: dict[int, Slot] = {}
        self._held: Counter[Kind] = Counter()
        self._ready: Counter[Kind] = Counter()
        self._states: Counter[PeerState] = Counter()
        self._groups: Counter[bytes] = Counter()
        self._named_at_first = Counter((*config.connect, *config.addnode))  # and not tried yet
        self._first_dials: set[int] = set()  # of those, under way
        self._feeler_at: Instant | None = None
        self._short_since: Instant | None = None
        self._paused_until: Instant = 0.0
        self._lonely_at: Instant = 0.0
        self._witnesses_until: Instant | None = None
        self._wants_witnesses = not self.manual_only
        self.proxy_failures = 0
        """In a row: of the proxies on the way, for which no address is to blame."""
        self.proxy_error = ""
        """The last of them, for people."""
        self.ever_ready = False
        for address in (*config.connect, *config.addnode):
            book.add_manual(address)

    # What others ask of it.

    def __len__(self) -> int:
        return len(self._slots)

    def count(self, state: PeerState) -> int:
        """Outbound peers in one state."""
        return self._states[state]

    def kind(self, peer: int) -> Kind | None:
        """What a connection is for; None for one that came to us."""
        slot = self._slots.get(peer)
        return None if slot is None else slot.kind

    def ready_peers(self) -> Iterable[tuple[int, Slot]]:
        """Those that we found by ourselves and want to keep, ready."""
        kept = {Kind.FULL, Kind.BLOCK_RELAY}
        return ((n, slot) for n, slot in self._slots.items() if slot.kind in kept and slot.ready_at is not None)

    def fetchers(self) -> tuple[int, ...]:
        """Those that were asked for addresses and nothing else."""
        return tuple(n for n, slot in self._slots.items() if slot.kind is Kind.ADDR_FETCH)

    @property
    def full(self) -> int:
        """Full peers to be kept."""
        return 0 if self.manual_only else self.target - self._block_relay

    @property
    def missing(self) -> int:
        """Peers that we want and have not, ready."""
        if self.manual_only:
            return max(self.target - self._ready[Kind.MANUAL], 0)
        lacking = self.full - self._ready[Kind.FULL], self._block_relay - self._ready[Kind.BLOCK_RELAY]
        return sum(max(each, 0) for each in lacking)

    @property
    def surplus(self) -> int:
        """Ready full peers beyond those to be kept."""
        return max(self._ready[Kind.FULL] - self.full, 0)

    @property
    def pending(self) -> int:
        """Dials and handshakes under way."""
        return self._states[PeerState.CONNECTING] + self._states[PeerState.HANDSHAKING]

    def short_for(self, now: Instant) -> float:
        """Seconds since we last had all the peers that we want."""
        return 0.0 if self._short_since is None else now - self._short_since

    @property
    def awaits_witnesses(self) -> bool:
        """We have found one or two peers so far, and others are on the way: they should be heard, too."""
        ready = self._ready[Kind.FULL] + self._ready[Kind.BLOCK_RELAY]
        return self._wants_witnesses and 0 < ready < min(WITNESSES, ready + self.pending)

    @property
    def awaits_first_dials(self) -> bool:
        """An address that the user named has not been tried, or its first try is still under way."""
        return bool(self._named_at_first or self._first_dials)

    def has_spare(self, now: Instant) -> bool:
        """Another address could take the place of a peer that was lost."""
        due = self.book.next_due(manual=self.manual_only, nets=self._nets)
        return due is not None and due <= now

    @property
    def all_discouraged(self) -> bool:
        """The user named the peers, and every one of them served invalid data or was ourselves."""
        return self.manual_only and not self._slots and all(entry.discouraged for entry in self.book.entries())

    def anchors(self) -> tuple[Address, ...]:
        """Peers to begin with next time: those for blocks alone that have been ready longest, else full ones."""
        ready = sorted(self.ready_peers(), key=lambda each: (each[1].kind is Kind.FULL, each[1].ready_at or 0.0))
        return tuple(slot.address for _, slot in ready[:MAX_ANCHORS])

    # What happens.

    def tick(self, now: Instant) -> None:
        """Time has passed."""
        if self._witnesses_until is not None and now >= self._witnesses_until:
            self._wants_witnesses = False
        if not self.missing:
            self._short_since = None
        elif self._short_since is None:
            self._short_since = now
        if self._is_alone(now) and now >= self._lonely_at + LONELY_INTERVAL:
            self._lonely_at = now
            self.book.hurry_one(now, manual=self.manual_only, nets=self._nets)

    def _is_alone(self, now: Instant) -> bool:
        """Nobody is here, nobody is on the way, and everybody has to be waited for."""
        nobody = not self._ready.total() and not self.pending
        return nobody and self.short_for(now) >= ALONE_AFTER and not self.has_spare(now)

    def dial(self, now: Instant) -> Dial | None:
        """Whom to dial next and what for, or None when nothing is wanted or due. Follow with `dialled`."""
        if self._states[PeerState.CONNECTING] >= MAX_DIALS or now < self._paused_until:
            return None
        if (named := self.book.take(now, manual=True)) is not None:
            return Dial(named, Kind.MANUAL)
        return None if self.manual_only else self._dial_found(now)

    def _dial_found(self, now: Instant) -> Dial | None:
        for_anchors = Kind.BLOCK_RELAY if self._block_relay else Kind.FULL
        while self._anchors and self._held[for_anchors] < (self._block_relay or self.full):
            if self.book.claim(anchor := self._anchors.popleft(), now):
                return Dial(anchor, for_anchors)
        for kind, seats, extra in ((Kind.FULL, self.full, self.extra), (Kind.BLOCK_RELAY, self._block_relay, 0)):
            if (address := self._racer(kind, seats, extra, now)) is not None:
                return Dial(address, kind)
        if (address := self._feeler(now)) is not None:
            return Dial(address, Kind.FEELER)
        if self._fetch and not self._held[Kind.ADDR_FETCH] and self._needs_addresses(now):
            return Dial(self._fetch.popleft(), Kind.ADDR_FETCH)
        return None

    def _racer(self, kind: Kind, seats: int, extra: int, now: Instant) -> Address | None:
        """Several are dialled for a free seat, and the quickest has it. For an extra one there is no race: it is wanted
        because those who are here may all be of one mind, and an attacker's are the quickest."""
        free = seats + extra - self._ready[kind]
        racing = min(max(seats - self._ready[kind], 0), RACE)
        if free <= 0 or self._held[kind] - self._ready[kind] >= free + racing:
            return None
        per_group = 2 if self.short_for(now) >= CROWDED_AFTER else 1
        crowded = [group for group, count in self._groups.items() if count >= per_group]
        return self.book.take(now, avoid=crowded, nets=self._nets, services=self._services)

    def _feeler(self, now: Instant) -> Address | None:
        """Somebody of whom we do not know whether he is there, when all that we want are here and it is time."""
        if self.missing or not self.target or self._held[Kind.FEELER]:
            return None
        if self._feeler_at is None:
            self._feeler_at = now + FEELER_INTERVAL
        if now < self._feeler_at:
            return None
        self._feeler_at = now + FEELER_INTERVAL
        self.book.resolve_collisions(now)
        return self.book.take_collision(now) or self.book.take(now, only_new=True, nets=self._nets)

    def _needs_addresses(self, now: Instant) -> bool:
        return bool(self.missing) and not self.has_spare(now)

    def ask_again(self, seednodes: Iterable[Address]) -> None:
        """Seed nodes are to be asked once more."""
        self._fetch.extend(each for each in seednodes if each not in self._fetch)

    def dialled(self, peer: int, dial: Dial) -> None:
        address, kind = dial
        slot = self._slots[peer] = Slot(address, kind)
        self._held[kind] += 1
        self._states[slot.state] += 1
        if kind in {Kind.FULL, Kind.BLOCK_RELAY} and network_of(address) is not Net.UNROUTABLE:
            slot.group = self.book.group(address)
            self._groups[slot.group] += 1
        if kind is Kind.MANUAL and self._named_at_first[address]:
            self._named_at_first -= Counter((address,))
            self._first_dials.add(peer)

    def connected(self, peer: int) -> None:
        if slot := self._slots.get(peer):
            self._move(slot, PeerState.HANDSHAKING)
            self.proxy_failures, self.proxy_error = 0, ""

    def ready(self, peer: int, services: int, now: Instant) -> str:
        """Its handshake is complete; `services`: what it offers. Returns why it has to go again, if it has."""
        self.ever_ready = True
        self._first_dials.discard(peer)
        slot = self._slots.get(peer)
        if slot is None:
            return ""
        if not self._ready.total() and self.short_for(now) >= ALONE_AFTER:
            self.book.hurry(ALONE_AFTER, now)
        self._move(slot, PeerState.READY)
        slot.ready_at = now
        self._ready[slot.kind] += 1
        if self._witnesses_until is None:
            self._witnesses_until = now + WITNESS_TIMEOUT
        self.book.good(slot.address, now, services)
        if slot.kind is Kind.FEELER:
            return "a feeler: somebody is there"
        kept = {Kind.FULL: self.full + self.extra, Kind.BLOCK_RELAY: self._block_relay}.get(slot.kind)
        if kept is not None and self._ready[slot.kind] > kept:
            return "others were quicker"
        return ""

    def ended(
        self, peer: int, reason: Reason, why: str, now: Instant, *, discourage: bool, merit: PeerMerit | None = None
    ) -> None:
        """`merit`: what it was like. We are not to blame for what we ended ourselves, nor is it."""
        slot = self._slots.pop(peer, None)
        if slot is None:
            return
        self._release(peer, slot)
        if merit is not None:
            self.book.met(slot.address, merit, now)
        if slot.ready_at is not None and now - slot.ready_at >= PROVEN_AFTER:
            self.book.succeeded(slot.address)
        if discourage:
            self.book.discourage(slot.address, why, now)
        elif reason is Reason.PROXY_FAILED:
            self._paused_until = now + min(PROXY_PAUSE * 2.0**self.proxy_failures, MAX_PROXY_PAUSE)
            self.proxy_failures += 1
            self.proxy_error = f"{slot.address}: {why}"
        elif reason is not Reason.REQUESTED or slot.ready_at is None or slot.kind is Kind.MANUAL:
            self.book.failed(slot.address, why, now)

    def _move(self, slot: Slot, state: PeerState) -> None:
        self._states[slot.state] -= 1
        self._states[state] += 1
        slot.state = state

    def _release(self, peer: int, slot: Slot) -> None:
        self._first_dials.discard(peer)
        self._held[slot.kind] -= 1
        self._states[slot.state] -= 1
        self._ready[slot.kind] -= slot.state is PeerState.READY
        if slot.group:
            self._groups -= Counter((slot.group,))
        self.book.release(slot.address)
