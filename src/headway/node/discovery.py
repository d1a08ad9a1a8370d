"""Where addresses come from, and when: seeds, fixed addresses, seed nodes, and the peers themselves.

Never one source alone. While the pool is short and the book has nobody to dial, or what it has does not answer, the
seeds are asked again, and what is built in is added; each round that brings nothing new makes the next one later.
Called by `node.pool`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headway.node.addrbook import AddressBook
from headway.node.troubles import GIVE_UP_AFTER
from headway.types import Services

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headway.node.config import NodeConfig
    from headway.node.slots import PeerSlots
    from headway.types import Address, Instant

SEED_PATIENCE: Final = 11.0
"""Seconds that a pool may be short of peers, with addresses left to dial, before the seeds are asked
[DNSSEEDS_DELAY_FEW_PEERS]."""
SEED_INTERVAL: Final = 60.0
"""Seconds between two rounds at the seeds, doubled after each round that brought nothing, up to an hour."""
MAX_SEED_INTERVAL: Final = 3600.0
KNOW_OTHERS: Final = Services.NETWORK | Services.NETWORK_LIMITED
"""Who offers one of these has addresses of use [MayHaveUsefulAddressDB]."""
FEW_KNOWN: Final = 1_000
"""Addresses below which a new peer is asked for more [Core asked so for many years]."""
EMPTY_ROUNDS: Final = 3
"""Rounds at the seeds that brought nobody, after which there is nothing to hope for."""


class Discovery:
    def __init__(self, config: NodeConfig, book: AddressBook, slots: PeerSlots) -> None:
        self._network = config.network
        self._seednode = config.seednode
        self._book = book
        self._slots = slots
        self._asks = config.dns and not slots.manual_only
        self._asks_at: Instant = 0.0
        self._rounds = 0
        self._is_out = False

    def seeds_due(self, now: Instant) -> tuple[str, ...] | None:
        """Seeds to ask now. Follow with `resolved`.

        None: not now. Empty: it is time, and this network has no names (its fixed seeds may do).
        """
        slots = self._slots
        if not self._asks or self._is_out or not slots.missing or now < self._asks_at:
            return None
        under_way = slots.has_spare(now) or slots.pending >= slots.missing
        if under_way and slots.short_for(now) < SEED_PATIENCE:
            return None
        self._is_out = True
        return self._network.dns_seeds

    def resolved(self, found: Mapping[str, Sequence[Address]], now: Instant) -> None:
        """What each seed gave, by its name. When none gave any, the fixed seeds must do."""
        self._is_out = False
        self._rounds += 1
        new = sum(self._book.add_all(addresses, seed, now) for seed, addresses in found.items())
        if not any(found.values()):
            new += self._book.add_all(self._network.fixed_seeds, now=now)
        self._slots.ask_again(self._seednode)
        backoff = 1.0 if new else 2.0 ** min(self._rounds - 1, 10)
        soon = 2.0**self._rounds if self._rounds < 10 else MAX_SEED_INTERVAL
        later = min(SEED_INTERVAL * backoff, MAX_SEED_INTERVAL)
        self._asks_at = now + (later if self._slots.ever_ready else min(soon, MAX_SEED_INTERVAL))

    def learnt(self, addresses: Sequence[Address], source: Address, now: Instant) -> None:
        """Gossip of a peer: who might be of use to us, or knows others, is remembered [Core ProcessMessage ADDR]."""
        if self._slots.manual_only:
            return
        wanted = self._network.required_services
        useful = (address for address in addresses if not wanted & ~address.services or address.services & KNOW_OTHERS)
        self._book.learn(useful, source, now)

    @property
    def wants_addresses(self) -> bool:
        """Whether a ready peer should be asked for addresses."""
        return not self._slots.manual_only and len(self._book) < FEW_KNOWN

    @property
    def hopeless(self) -> bool:
        """No peer was ever ready and everything that we know failed several times: a state to tell the user about."""
        if self._slots.ever_ready or len(self._slots):
            return False
        if self._slots.proxy_failures >= GIVE_UP_AFTER:
            return True
        if self._asks and self._rounds < EMPTY_ROUNDS and not len(self._book):
            return False
        return self._book.all_given_up
