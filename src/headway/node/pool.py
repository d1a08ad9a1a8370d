"""The pool: connections made, kept and replaced, each with its peer machine.

Whom to dial is chosen by `slots` from state alone; here it is done. Called by `node.machine`, which hears from the
peers themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headway.node.orders import Connect, SeedAnswer
from headway.node.seeds import Seeds
from headway.node.slots import PeerSlots
from headway.node.table import Peer, PeerTable
from headway.peer.config import PeerConfig
from headway.peer.events import Reason
from headway.peer.machine import PeerMachine

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from headway.chain.headers import HeaderTree
    from headway.node.config import NodeConfig
    from headway.node.outbox import Outbox
    from headway.types import Address, BookRecords, Instant

SCRATCH: Final = 256 * 1024
"""Bytes of the receive buffer that all peers share: it is filled and drained within one input."""
TICK: Final = 1.0
"""Seconds between two looks at the whole state, so that no lost event can leave us idle."""


class Pool:
    def __init__(
        self,
        config: NodeConfig,
        tree: HeaderTree,
        peers: PeerTable,
        outbox: Outbox,
        *,
        rng: random.Random,
        records: BookRecords | None = None,
        log: Callable[[str], None] | None,
    ) -> None:
        """`records`: the address book as it was kept."""
        self.slots = PeerSlots(
            config.network,
            rng,
            peers=config.peers,
            connect=config.connect,
            dns=config.dns,
            nets=config.ways.nets,
            records=records,
        )
        self.slots.book.add_all(config.peers_file)
        self.scratch: Final = memoryview(bytearray(SCRATCH))
        self.seeds = Seeds(config)
        self._config = config
        self._tree = tree
        self._peers = peers
        self._outbox = outbox
        self._rng = rng
        self._log = log
        self._replacing_until: Instant | None = None
        self._closed = False

    @property
    def is_settling(self) -> bool:
        """Peers that should have a say are not connected yet: some were named, or one is being replaced."""
        return self._replacing_until is not None or self.slots.awaits_first_dials

    def tick(self, now: Instant) -> None:
        if self._replacing_until is not None and self._replacing_until <= now:
            self._replacing_until = None
        self.fill(now)

    def fill(self, now: Instant) -> None:
        """Dial whom the slots want, and ask the seeds when it is time."""
        if self._closed:
            return
        while (address := self.slots.dial(now)) is not None:
            peer = self.add_peer(address, inbound=False)
            self.slots.dialled(peer, address)
            self._outbox.put(Connect(peer, address))
        if (names := self.slots.seeds_due(now)) is not None:
            self._outbox.ask(lambda number: self.seeds.order(number, names), self._resolved)

    def close(self) -> None:
        """Dial nobody any more."""
        self._closed = True

    def peer_ready(self, peer: int, services: int, now: Instant) -> None:
        self._replacing_until = None
        self.slots.ready(peer, services, now)

    def peer_expired(self, now: Instant) -> None:
        """One is lost that was asked for headers: the tip waits for one replacement to connect."""
        if self._replacing_until is None and self.slots.has_spare(now):
            self._replacing_until = now + self._config.network.timing.connect_timeout + TICK

    def met_ourselves(self, nonce: int, now: Instant) -> None:
        """One who dialled us was we: our own dial ends, too, and its address is left alone."""
        number = self._peers.dialled_with(nonce)
        if number is not None and (dial := self._peers.get(number)):
            dial.is_ourselves = True
            dial.machine.disconnect(Reason.HANDSHAKE_REJECTED, "self-connection", now)
            self._peers.touch(number)

    def add_peer(self, address: Address, *, inbound: bool) -> int:
        """A machine for a connection that is there, or to be made. Returns the number of the peer."""
        network = self._config.network
        automatic = not inbound and not self.slots.manual_only
        config = PeerConfig(
            network=self._config.network_towards(address, inbound=inbound),
            user_agent=self._config.user_agent,
            services=self._config.services,
            port=self._config.port,
            relay=network.wants_relay,
            start_height=lambda: self._tree.height(self._tree.tip_position),
            required_services=network.required_services if automatic else 0,
            is_own_nonce=self._peers.is_own_nonce,
        )
        machine = PeerMachine(
            config,
            inbound=inbound,
            address=address,
            rng=self._rng,
            scratch=self.scratch,
            log=self._trace_of(address),
        )
        return self._peers.add(Peer(machine, address, inbound))

    def _resolved(self, answers: tuple[SeedAnswer, ...], now: Instant) -> None:
        self.slots.resolved(self.seeds.answered(answers), now)
        self.fill(now)

    def _trace_of(self, address: Address) -> Callable[[str], None] | None:
        """The protocol trace of one peer, its address in front of each line."""
        log = self._log
        return None if log is None else lambda line: log(f"{address} {line}")
