"""Which addresses we tell others: the answer to getaddr, and our own where the user gave it.

An answer is a random share of the book, the same for everybody who reaches us over the same kind of network until it is
a day old: whoever asks again and again, under many names, learns no more of the book than that [Core
CConnman::GetAddressesUnsafe]. Ourselves we announce only when asked to, once a day and connection [Core
MaybeSendAddr]. Not here: how often one peer may ask (`serve`), in which form it is told. Called by `node.machine`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headway.node.answer import TellAddresses
from headway.types import Address, Net
from headway.wire.host import locate

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from headway.node.addrbook import AddressBook
    from headway.types import Instant

MAX_TOLD: Final = 1_000
"""[MAX_ADDR_TO_SEND]"""
SHARE: Final = 0.23
"""Of the book, at most [MAX_PCT_ADDR_TO_SEND]."""
LIFETIME: Final = 21 * 3600.0
"""Seconds for which an answer stays the same at least; up to a fourth of a day is added by chance [the literals of
GetAddressesUnsafe]."""
SPREAD: Final = 6 * 3600.0
ANNOUNCE_INTERVAL: Final = 24 * 3600.0
"""Seconds between two announcements of ourselves to one peer, on average [AVG_LOCAL_ADDRESS_BROADCAST_INTERVAL]."""


class _Answer(NamedTuple):
    addresses: tuple[Address, ...]
    until: Instant


class Handout:
    """`rng`: chooses, and is not to be foreseen."""

    def __init__(self, book: AddressBook, *, rng: random.Random) -> None:
        self._book = book
        self._rng = rng
        self._answers: dict[Net, _Answer] = {}

    def answer(self, remote: Address, now: Instant) -> tuple[Address, ...]:
        """What a peer with this address is told."""
        net = locate(remote.host).net
        kept = self._answers.get(net)
        if kept is None or now >= kept.until:
            until = now + LIFETIME + self._rng.random() * SPREAD
            kept = self._answers[net] = _Answer(self._chosen(now), until)
        return kept.addresses

    def _chosen(self, now: Instant) -> tuple[Address, ...]:
        known = self._book.tellable(now)
        return tuple(self._rng.sample(known, min(int(len(known) * SHARE), MAX_TOLD)))


class SelfAnnouncer:
    """Tells peers where we can be reached, as the user says it; nobody is told without that."""

    def __init__(self, external: Sequence[Address], services: int, *, rng: random.Random) -> None:
        self._external = tuple(external)
        self._services = services
        self._rng = rng
        self._due: dict[int, Instant] = {}  # by peer
        self._out: list[TellAddresses] = []

    def take(self) -> list[TellAddresses]:
        out, self._out = self._out, []
        return out

    def add_peer(self, peer: int, wall_time: float, now: Instant) -> None:
        """A peer to whom addresses may be told."""
        if self._external:
            self._tell(peer, wall_time, now)

    def drop_peer(self, peer: int) -> None:
        self._due.pop(peer, None)

    def tick(self, wall_time: float, now: Instant) -> None:
        for peer in [peer for peer, at in self._due.items() if at <= now]:
            self._tell(peer, wall_time, now)

    def _tell(self, peer: int, wall_time: float, now: Instant) -> None:
        self._due[peer] = now + self._rng.expovariate(1 / ANNOUNCE_INTERVAL)
        ours = (Address(each.host, each.port, self._services, int(wall_time)) for each in self._external)
        self._out.append(TellAddresses(peer, tuple(ours)))
