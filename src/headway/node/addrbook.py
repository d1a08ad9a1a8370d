"""The address book: whom we could dial, what we know of them, and when each may be tried again. Nothing here dials.

Strangers fill it, so nobody gets more room in it than his share, and every operation costs the same however full it is
(docs/design/address-book.md). Failure makes an address wait longer and longer, success forgives; a discouraged one
rests for a day; none is burnt for ever. `now` is the driver's clock; `handle_clock` tells the unix time beside it.
Parts: `entry` (one address), `tables` (who stands where), `rota` (who is due), `bans`, `pace`, `troubles`, `ledger`.
Called by `node.slots`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from headway.node.bans import Bans
from headway.node.buckets import BUCKET_SIZE, NEW_BUCKETS, TRIED_BUCKETS
from headway.node.entry import Entry
from headway.node.gossip import as_told
from headway.node.ledger import Ledger
from headway.node.merit import joined
from headway.node.pace import HostPace
from headway.node.rota import Rota
from headway.node.tables import Tables
from headway.node.troubles import Troubles
from headway.types import OURSELVES, Address, BookChanges, BookRecords, Net
from headway.wire.host import locate

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterable

    from headway.node.netgroup import AsNumber
    from headway.types import Instant, PeerMerit, PeerRecord

MAX_ADDRESSES: Final = (NEW_BUCKETS + TRIED_BUCKETS) * BUCKET_SIZE
"""What both tables hold when every place is taken: some 50 MB."""
DISCOURAGED_FOR: Final = 86_400
"""Seconds (Core's default ban time; its discouragement lasts until restart)."""
OTHER_CHAIN_FOR: Final = 7 * 86_400
"""Seconds: who follows another chain seldom comes back to ours."""
DIALLED: Final = (Net.IPV4, Net.IPV6, Net.UNROUTABLE)
"""Networks that are reached without a proxy. Unroutable are those that the user named, on his own network: strangers
cannot put such into the book."""
BAN_CHECK: Final = 60.0
"""Seconds after which a banned address is looked at again: its ban may have been taken back."""
_ALL: Final = tuple(Net)


class AddressBook:
    """`rng`: chooses, and makes the secret key of a new book. `asn`: a map of autonomous systems, to group by."""

    def __init__(self, rng: random.Random, *, records: BookRecords | None = None, asn: AsNumber | None = None) -> None:
        self._rng = rng
        self._entries: dict[Address, Entry] = {}
        self._tables = Tables(records.key if records else rng.randbytes(32), asn, self._forget)
        self._rota = Rota()  # those that we found
        self._manual = Rota()  # those that the user named
        self._pace = HostPace()
        self.bans: Final = Bans()
        """Whom the operator bans, in unix time."""
        self._clock = 0.0  # unix time minus `now`; until it is told, that of the last dial we know of
        self._last_good = 1.0  # unix time of the last success with anybody [Core m_last_good]
        self._troubles = Troubles()
        self._ledger = Ledger()
        self.anchors: tuple[Address, ...] = records.anchors if records else ()
        """Peers of the last run, to be dialled first."""
        if records:
            self._restore(records)

    def handle_clock(self, wall_time: float, now: Instant) -> None:
        """The unix time beside `now`: told at the start, and now and then."""
        self._clock = wall_time - now

    # What is in it.

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self) -> Iterable[Entry]:
        return self._entries.values()

    def get(self, address: Address) -> Entry | None:
        return self._entries.get(address)

    def group(self, address: Address) -> bytes:
        """Addresses of one group may all be one operator's (`netgroup`)."""
        return self._tables.group(address.host)

    @property
    def all_given_up(self) -> bool:
        """Every address failed several times in a row, or is discouraged. Also true of an empty book."""
        return self._troubles.given_up == len(self._entries)

    def last_errors(self, most: int) -> list[str]:
        """`address: why` of addresses that failed."""
        return self._troubles.last_errors(most)

    def tellable(self, now: Instant) -> list[Address]:
        """Whom others may be told of: on a public network, by others and not by the user alone, and of some use."""
        return [
            entry.address
            for entry in self._entries.values()
            if entry.net is not Net.UNROUTABLE
            and not (entry.manual or entry.other_chain or entry.is_terrible(self._wall(now)))
        ]

    # How it fills.

    def add(self, address: Address, source: str = OURSELVES, now: Instant = 0.0) -> bool:
        """Remember an address that came from a file, a seed or a peer, as it is. True when it was not known before.

        `source`: the host of the peer, or one of the words of `types`.
        """
        entry = self._entries.get(address)
        if entry is None:
            entry = Entry(address, source)
            if not self._tables.insert(entry, source, self._wall(now)):
                return False
            self._entries[address] = entry
            self._rota.update(entry)
            self._ledger.note(entry)
            return True
        changed, is_newer = entry.freshen(address, self._wall(now))
        if is_newer and source != OURSELVES and entry.may_spread and not self._rng.getrandbits(len(entry.places)):
            changed |= self._tables.insert(entry, source, self._wall(now))  # the more places, the seldomer one more
        if changed:
            self._ledger.note(entry)
        return False

    def add_all(self, addresses: Iterable[Address], source: str = OURSELVES, now: Instant = 0.0) -> int:
        """How many were not known before."""
        return sum(self.add(address, source, now) for address in addresses)

    def learn(self, addresses: Iterable[Address], source: Address, now: Instant) -> int:
        """Gossip of a peer: what lies on a public network is remembered, made older. How many were new."""
        count = 0
        for address in addresses:
            net = locate(address.host).net  # of what is no name of a key in its overlay: unroutable
            if net is Net.UNROUTABLE or (not address.port and net is not Net.I2P) or self._is_shunned(address, now):
                continue
            count += self.add(as_told(address, source, self._wall(now)), source.host, now)
        return count

    def merge(self, peers: Iterable[PeerRecord], now: Instant) -> int:
        """Take over what another book knows, as its sources told it (an import). How many were not known before."""
        count = 0
        for record in peers:
            count += self.add(record.address, record.source, now)
            entry = self._entries.get(record.address)
            if entry is None or entry.manual:
                continue
            if record.last_success > entry.last_success:
                entry.last_success, entry.missed = record.last_success, record.missed
            if record.tried:
                self._tables.promote(entry)
            self._ledger.note(entry)
        return count

    def add_manual(self, address: Address) -> None:
        """Remember an address that the user named; naming it again asks for one more connection."""
        entry = self._entries.get(address)
        if entry is not None and entry.manual:
            entry.wanted += 1
        else:
            if entry is not None:
                self._tables.remove(entry)
                self._forget(entry)
            entry = self._entries[address] = Entry(address, manual=True)
        self._manual.update(entry)

    # Choosing.

    def take(
        self,
        now: Instant,
        *,
        manual: bool = False,
        only_new: bool = False,
        avoid: Collection[bytes] = (),
        nets: Collection[Net] = DIALLED,
        services: int = 0,
    ) -> Address | None:
        """A random address that may be dialled now, counted as in use; None when there is none. `release` must follow.

        `manual`: one that the user named, else one that we found. Of these: `only_new` that we have not been at;
        `avoid` groups; `nets` that can be reached; `services` that it must offer, unless nobody told us what it does.
        """
        rota = self._manual if manual else self._rota
        rota.wake(now)
        if manual:
            return self._use(rota.pick(self._rng, _ALL), now)
        if not rota.idle(nets):
            return None

        def suits(entry: Entry) -> bool:
            return (
                entry.idle_at >= 0
                and entry.net in nets
                and not (only_new and entry.tried)
                and (not entry.address.services or entry.address.services & services == services)
                and not (avoid and self.group(entry.address) in avoid)
                and self._may_dial(entry, now)
            )

        entry = self._tables.pick(self._rng, suits, self._wall(now), only_new=only_new)
        return self._use(entry or rota.search(self._rng, suits, nets), now)

    def claim(self, address: Address, now: Instant) -> bool:
        """Take this very address, when we found it ourselves and it may be dialled now (an anchor)."""
        entry = self._entries.get(address)
        self._rota.wake(now)
        if entry is None or entry.manual or entry.idle_at < 0 or not self._may_dial(entry, now):
            return False
        return self._use(entry, now) is not None

    def take_collision(self, now: Instant) -> Address | None:
        """An address in whose place of the tried table another would be, to see whether it still answers; None when
        there is none. Counted as in use. Call `resolve_collisions` before, so that those decided are not tried."""
        self._rota.wake(now)
        entry = self._tables.collision(self._rng)
        return self._use(entry, now) if entry is not None and entry.idle_at >= 0 else None

    def resolve_collisions(self, now: Instant) -> None:
        """Let addresses that answered take the places of those that do not any more. For pools that test: without
        tests the older ones would lose."""
        self._tables.resolve_collisions(self._wall(now))

    def next_due(self, *, manual: bool, nets: Collection[Net] = DIALLED) -> Instant | None:
        """When the next idle address may be dialled."""
        return self._manual.next_due(_ALL) if manual else self._rota.next_due(nets)

    def release(self, address: Address) -> None:
        """The connection or dial has ended."""
        if (entry := self._entries.get(address)) and entry.in_use:
            entry.in_use -= 1
            self._update(entry)

    # What became of it.

    def good(self, address: Address, now: Instant, services: int | None = None) -> None:
        """Its handshake is complete: it is there, and offers these services. [Core Good]"""
        if entry := self._entries.get(address):
            entry.last_tried = entry.last_success = self._last_good = self._wall(now)
            entry.missed = 0
            if services is not None:
                entry.address = replace(entry.address, services=services)
            if not entry.manual:
                self._tables.promote(entry)
            self._ledger.note(entry)

    def succeeded(self, address: Address) -> None:
        """It proved to be of use: what failed before is forgiven."""
        if entry := self._entries.get(address):
            entry.failures = 0
            entry.other_chain = entry.discouraged = False
            self._troubles.note(entry, "")
            self._ledger.note(entry)

    def failed(self, address: Address, why: str, now: Instant) -> None:
        """A dial or a handshake failed, or a ready peer was lost: it may be tried again after a wait that doubles."""
        entry = self._entries.get(address)
        if entry is None:
            return
        entry.next_try_at = max(entry.next_try_at, now + entry.backoff() * self._rng.uniform(0.75, 1.25))
        entry.failures += 1
        if entry.last_success < entry.last_tried and entry.last_counted < self._last_good:
            entry.last_counted = self._wall(now)
            entry.missed += 1
        self._troubles.note(entry, why)
        self._update(entry)
        self._ledger.note(entry)

    def hurry(self, within: float, now: Instant) -> None:
        """It was our own line that failed, not they: whoever would have to wait longer is tried within so many
        seconds."""
        for rota in (self._rota, self._manual):
            rota.hurry(within, now, self._rng)

    def hurry_one(self, now: Instant, *, manual: bool = False, nets: Collection[Net] = DIALLED) -> None:
        """Whoever is due next is due now: nobody else is left to try."""
        if manual:
            self._manual.hurry_one(now, _ALL)
        else:
            self._rota.hurry_one(now, nets)

    def met(self, address: Address, merit: PeerMerit, now: Instant) -> None:
        """What its peer was like, as far as this connection told: added to what we knew."""
        if entry := self._entries.get(address):
            entry.merit = joined(entry.merit, merit)
            if entry.last_success >= entry.last_tried > 0:  # it was there until now [Core Connected]
                entry.address = replace(entry.address, last_seen=int(self._wall(now)))
            self._ledger.note(entry)

    def discourage(self, address: Address, why: str, now: Instant, seconds: int = DISCOURAGED_FOR) -> None:
        """It misbehaved: leave its host alone for a while, whether it is in the book or not."""
        entry, wall_time = self._entries.get(address), self._wall(now)
        until = int(wall_time) + seconds
        alone = entry is not None and entry.manual
        self.bans.discourage(address, why, until=until, created=int(wall_time), alone=alone)
        if entry is not None:
            entry.discouraged = True
            entry.next_try_at = max(entry.next_try_at, now + until - wall_time)
            self._troubles.note(entry, why)
            self._update(entry)

    def mark_other_chain(self, address: Address, why: str, now: Instant) -> None:
        """Its peer follows another chain: left alone for longer, and not counted among those that may be of use."""
        if entry := self._entries.get(address):
            entry.other_chain = True
            self._ledger.note(entry)
        self.discourage(address, why, now, OTHER_CHAIN_FOR)

    def _is_shunned(self, address: Address, now: Instant) -> bool:
        return self.is_banned(address, now) or self.is_discouraged(address, now)

    def is_banned(self, address: Address, now: Instant) -> bool:
        """By the operator (`bans`)."""
        return self.bans.is_banned(address.host, self._wall(now))

    def is_discouraged(self, address: Address, now: Instant) -> bool:
        return self.bans.discouraged_until(address, self._wall(now)) > 0

    # What is kept.

    @property
    def key(self) -> bytes:
        """The secret of the buckets, 32 bytes."""
        return self._tables.key

    def records(self) -> BookRecords:
        """The whole book, but what the user named."""
        peers = tuple(entry.record() for entry in self._entries.values() if not entry.manual)
        return BookRecords(self._tables.key, peers, self.bans.all(), self.anchors)

    def take_changes(self) -> BookChanges | None:
        """What has changed since the last time; None when nothing has."""
        peers, gone = self._ledger.take()
        begun, lifted = self.bans.take_changes()
        changes = BookChanges(self._tables.key, peers, gone, begun, lifted)
        return changes if peers or gone or begun or lifted else None

    def _restore(self, records: BookRecords) -> None:
        self.bans.restore(records.bans)
        self._clock = float(max((record.last_tried for record in records.peers), default=0))
        for record in records.peers:
            entry = Entry.restored(record)
            if entry.address in self._entries:
                continue
            if self._tables.restore(entry, record.buckets):
                self._entries[entry.address] = entry
                self._rota.update(entry)
            else:
                self._ledger.forget(entry)

    # How.

    def _wall(self, now: Instant) -> float:
        return now + self._clock

    def _may_dial(self, entry: Entry, now: Instant) -> bool:
        """Nothing forbids it. An entry that is banned or discouraged by its host waits until that ends."""
        wall_time = self._wall(now)
        if entry.manual:
            return True
        if self.bans.is_banned(entry.address.host, wall_time):
            entry.next_try_at = now + BAN_CHECK
        elif until := self.bans.discouraged_until(entry.address, wall_time):
            entry.next_try_at = now + until - wall_time
        else:
            return entry.net is Net.UNROUTABLE or self._pace.allows(entry.address.host, now)
        self._rota.update(entry)
        return False

    def _use(self, entry: Entry | None, now: Instant) -> Address | None:
        if entry is None:
            return None
        entry.in_use += 1
        entry.attempts += 1
        entry.last_tried = self._wall(now)
        if not entry.manual and entry.net is not Net.UNROUTABLE:
            self._pace.note(entry.address.host, now)
        self._update(entry)
        self._ledger.note(entry)
        return entry.address

    def _update(self, entry: Entry) -> None:
        (self._manual if entry.manual else self._rota).update(entry)

    def _forget(self, entry: Entry) -> None:
        """It has no place any more."""
        if self._entries.get(entry.address) is not entry:
            return
        del self._entries[entry.address]
        entry.wanted = 0
        self._rota.update(entry)
        self._troubles.forget(entry)
        self._ledger.forget(entry)
