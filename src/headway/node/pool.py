"""The pool: connections made, kept and replaced, each with its peer machine.

Whom to dial and what for is chosen by `slots`, where addresses come from by `discovery`, who is of no use by
`eviction`: all of them from state alone, looked at once a second. Here it is done. Called by `node.machine`, which
hears from the peers themselves.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeVar

from headway.node.addrbook import AddressBook
from headway.node.discovery import Discovery
from headway.node.eviction import MIN_SAMPLES, CatchUp, Standing, slow, worst
from headway.node.inbound import Inbound, select_to_evict
from headway.node.merit import merit_of
from headway.node.orders import Connect, SeedAnswer
from headway.node.seeds import Seeds
from headway.node.slots import Kind, PeerSlots
from headway.node.table import Peer, PeerTable
from headway.peer.config import PeerConfig
from headway.peer.events import PeerState, Reason
from headway.peer.machine import PeerMachine
from headway.types import Net, Services, network_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from headway.chain.headers import HeaderTree
    from headway.node.config import NodeConfig
    from headway.node.outbox import Outbox
    from headway.peer.events import PeerDisconnected
    from headway.sync.scheduler import SyncScheduler
    from headway.types import Address, BookRecords, Instant

_K = TypeVar("_K")

SCRATCH: Final = 256 * 1024
"""Bytes of the receive buffer that all peers share: it is filled and drained within one input."""
DEAD_AFTER: Final = 150.0
"""Seconds of silence after which the only peer is left like any other: its connection may be gone without a word."""
TICK: Final = 1.0
"""Seconds between two looks at the whole state, so that no lost event can leave us idle."""
JUDGE_INTERVAL: Final = 45.0
"""Seconds between two looks at the use of each peer [EXTRA_PEER_CHECK_INTERVAL]."""
STALE_AFTER: Final = 3
"""Block intervals without a new tip after which one more peer is tried [TipMayBeStale]."""
ROTATE_INTERVAL: Final = 300.0
"""Seconds between two peers that are replaced for being slow [EXTRA_NETWORK_PEER_INTERVAL]."""
MAX_SHAKING: Final = 32
"""Inbound handshakes at one time: who dials and says nothing holds a slot for no longer than others leave it to him."""
SHAKE_PATIENCE: Final = 5.0
"""Seconds that it has for that in any case."""
MAX_PER_HOST: Final = 4
"""Inbound peers of one host: several people may share an address, and an attacker has one cheaply."""
GROUP_SHARE: Final = 4
"""One group of addresses gets at most a fourth of the inbound slots."""
FETCH_TIMEOUT: Final = 300.0
"""Seconds that one may take whom we asked for addresses and nothing else [the literal of SendMessages]."""


class Pool:
    def __init__(
        self,
        config: NodeConfig,
        tree: HeaderTree,
        sync: SyncScheduler,
        peers: PeerTable,
        outbox: Outbox,
        *,
        rng: random.Random,
        records: BookRecords | None = None,
        log: Callable[[str], None] | None,
    ) -> None:
        """`records`: the address book as it was kept."""
        self.book: Final = AddressBook(rng, records=records, asn=config.asn)
        self.slots: Final = PeerSlots(config, self.book)
        self.discovery: Final = Discovery(config, self.book, self.slots)
        self.book.add_all(config.peers_file)
        self.scratch: Final = memoryview(bytearray(SCRATCH))
        self.seeds: Final = Seeds(config)
        self._config = config
        self._tree = tree
        self._sync = sync
        self._peers = peers
        self._outbox = outbox
        self._rng = rng
        self._log = log
        self._replacing_until: Instant | None = None
        self._standings: dict[int, Standing] = {}
        self._catch_up = CatchUp()
        self._judged_at: Instant = 0.0
        self._rotated_at: Instant = 0.0
        self._tip = tree.tip_position
        self._tip_at: Instant = 0.0
        self._closed = False
        self._shaking: dict[int, Instant] = {}  # inbound handshakes, and since when
        self._hosts: Counter[str] = Counter()  # of inbound peers
        self._groups: Counter[bytes] = Counter()

    @property
    def is_settling(self) -> bool:
        """Peers that should have a say are not connected yet: some were named, one is being replaced, or we have found
        but one or two so far, and more are being dialled."""
        return self._replacing_until is not None or self.slots.awaits_first_dials or self.slots.awaits_witnesses

    def tick(self, now: Instant) -> None:
        if self._replacing_until is not None and self._replacing_until <= now:
            self._replacing_until = None
        self.slots.tick(now)
        if self._tree.tip_position != self._tip:
            self._tip, self._tip_at = self._tree.tip_position, now
        if now >= self._judged_at + JUDGE_INTERVAL and not self._closed:
            self._judged_at = now
            if self._config.sync:
                self._judge(now)
            self._leave_fetchers(now)
        self.fill(now)

    def fill(self, now: Instant) -> None:
        """Dial whom the slots want, and ask the seeds when it is time."""
        if self._closed:
            return
        while (dial := self.slots.dial(now)) is not None:
            peer = self.add_peer(dial.address, kind=dial.kind)
            self.slots.dialled(peer, dial)
            self._outbox.put(Connect(peer, dial.address))
        if (names := self.discovery.seeds_due(now)) is not None:
            self._outbox.ask(lambda number: self.seeds.order(number, names), self._resolved)

    def close(self) -> None:
        """Dial nobody any more."""
        self._closed = True

    def admits(self, address: Address, now: Instant) -> bool:
        """Whether one who dials us may come in; another one may have to go for it."""
        if self.book.is_banned(address, now) or self._is_crowd(address):
            return False
        if len(self._shaking) >= MAX_SHAKING:
            first, since = next(iter(self._shaking.items()))
            if now >= since + SHAKE_PATIENCE:
                self._send_away(first, "it takes its time with the handshake, and others wait", now)
        if self._peers.inbound < self._config.max_inbound:
            return True
        here = {PeerState.HANDSHAKING, PeerState.READY}
        everybody = ((number, peer) for number in self._peers if (peer := self._peers.get(number)) is not None)
        inbound = [(number, peer) for number, peer in everybody if peer.inbound and peer.machine.state in here]
        victim = select_to_evict(self._as_candidate(number, peer, now) for number, peer in inbound)
        if victim is not None:
            self._send_away(victim, "all inbound slots are taken, and others have more reason to stay", now)
        return victim is not None

    def _is_crowd(self, address: Address) -> bool:
        """Too many of one host or group are here. Those of our own network may be as many as they like."""
        if network_of(address) is Net.UNROUTABLE:
            return False
        most = max(self._config.max_inbound // GROUP_SHARE, MAX_PER_HOST)
        return self._hosts[address.host] >= MAX_PER_HOST or self._groups[self.book.group(address)] >= most

    def _as_candidate(self, number: int, peer: Peer, now: Instant) -> Inbound:
        stats, version = peer.machine.stats, peer.machine.version
        network = network_of(peer.address)
        keyed = blake2b(self.book.group(peer.address), key=self.book.key, digest_size=8).digest()
        last = {command: entry.last_at for command, entry in stats.received.items()}
        return Inbound(
            number,
            stats.connected_at,
            min_ping=float("inf") if stats.round_trips.least is None else stats.round_trips.least,
            last_block_at=last.get("block", 0.0),
            last_transaction_at=last.get("tx", 0.0),
            offers_blocks=version is not None and bool(version.services & Services.NETWORK),
            relays_transactions=version is None or version.relay,
            netgroup=int.from_bytes(keyed, "little"),
            network=network,
            is_local=network is Net.UNROUTABLE,
            prefers_eviction=self.book.is_discouraged(peer.address, now),
        )

    def _send_away(self, number: int, why: str, now: Instant) -> None:
        if (peer := self._peers.get(number)) is not None:
            self._let_go(number, peer, why, now)

    # What peers report.

    def peer_came(self, number: int, now: Instant) -> None:
        """One who dialled us is in, and its handshake begins."""
        self._shaking[number] = now

    def peer_ready(self, number: int, peer: Peer, services: int, now: Instant) -> bool:
        """A handshake is complete. Returns whether the peer stays, and takes part in the sync."""
        self._replacing_until = None
        self._shaking.pop(number, None)
        why = self.slots.ready(number, services, now)
        kind = self.slots.kind(number)
        if why:
            peer.machine.disconnect(Reason.REQUESTED, why, now)
            return False
        if kind in {Kind.FULL, Kind.BLOCK_RELAY}:
            self._standings[number] = Standing(number, now, network=network_of(peer.address), news_at=now)
        asks = kind is Kind.ADDR_FETCH or (kind is Kind.FULL and self.discovery.wants_addresses)
        if asks and peer.machine.state is PeerState.READY:  # not ended since, in one input
            peer.machine.request_addresses(now)
            peer.allowance.asked()
        return kind is None or kind.stays

    def peer_ended(self, number: int, peer: Peer, event: PeerDisconnected, now: Instant) -> None:
        if peer.inbound:
            self._shaking.pop(number, None)
            _count_less(self._hosts, peer.address.host)
            _count_less(self._groups, self.book.group(peer.address))
        merit = merit_of(peer.machine, event.reason)
        discourage = peer.discourage or peer.is_ourselves
        self.slots.ended(number, event.reason, event.message, now, discourage=discourage, merit=merit)
        if (standing := self._standings.pop(number, None)) is not None:
            self._catch_up.forget(standing)
        if peer.discourage and peer.inbound:
            self.book.discourage(peer.address, event.message, now)
        self.fill(now)

    def addresses_received(self, number: int, peer: Peer, addresses: Sequence[Address], now: Instant) -> None:
        """Gossip. Of one for blocks alone it is not heard; one that was asked for nothing else has done its duty."""
        kind = self.slots.kind(number)
        if kind is Kind.BLOCK_RELAY:
            return
        self.discovery.learnt(peer.hear(addresses, self._rng, now), peer.address, now)
        if kind is Kind.ADDR_FETCH and len(addresses) > 1:  # a single one is the peer announcing itself
            peer.machine.disconnect(Reason.REQUESTED, "it told us addresses", now)

    def peer_expired(self, now: Instant) -> None:
        """One is lost that was asked for headers: the tip waits for one replacement to connect."""
        if self._replacing_until is None and self.slots.has_spare(now):
            self._replacing_until = now + self._config.network.timing.connect_timeout + TICK

    def has_other(self, peer: int, now: Instant) -> bool:
        """Whether this peer could be done without: another is ready, or there is an address to find one at."""
        others = (self._peers.get(number) for number in self._peers if number != peer)
        return any(other is not None and other.ready and not other.inbound for other in others) or (
            self.slots.has_spare(now)
        )

    def met_ourselves(self, nonce: int, now: Instant) -> None:
        """One who dialled us was we: our own dial ends, too, and its address is left alone."""
        number = self._peers.dialled_with(nonce)
        if number is not None and (dial := self._peers.get(number)):
            dial.is_ourselves = True
            dial.machine.disconnect(Reason.HANDSHAKE_REJECTED, "self-connection", now)
            self._peers.touch(number)

    def add_peer(self, address: Address, *, kind: Kind | None) -> int:
        """A machine for a connection that came to us (no kind), or is to be made. Returns the number of the peer."""
        network = self._config.network
        inbound = kind is None
        sources = {Kind.FULL, Kind.BLOCK_RELAY, Kind.FEELER}
        config = PeerConfig(
            network=self._config.network_towards(address, inbound=inbound),
            user_agent=self._config.user_agent,
            services=self._config.services,
            port=self._config.port,
            relay=(self._config.relay or network.wants_relay) and kind is not Kind.BLOCK_RELAY,
            start_height=lambda: self._tree.height(self._tree.tip_position),
            required_services=network.required_services if kind in sources else 0,
            verifies_blocks=True,
            is_own_nonce=self._peers.is_own_nonce,
            is_needed=lambda now: not inbound and self._is_needed(number, now),
        )
        machine = PeerMachine(
            config,
            inbound=inbound,
            address=address,
            rng=self._rng,
            scratch=self.scratch,
            log=self._trace_of(address),
        )
        number = self._peers.add(Peer(machine, address, inbound))
        if inbound:
            self._hosts[address.host] += 1
            self._groups[self.book.group(address)] += 1
        return number

    # Who is of use.

    def _judge(self, now: Instant) -> None:
        """Let go who is of no use, and try one more where that may help."""
        tip_work = self._tree.chainwork(self._tree.tip_position)
        for number, _ in tuple(self.slots.ready_peers()):
            if (peer := self._peers.get(number)) is None or number not in self._standings:
                continue
            standing = self._measure(number, peer, now)
            match self._catch_up.judge(standing, tip_work, now):
                case "ask":
                    self._sync.headers.news(number)
                case "drop":
                    self._let_go(number, peer, "it knows no chain as heavy as ours", now)
        self._judge_crowd(now)

    @property
    def _is_idle(self) -> bool:
        """Nothing is asked of anybody."""
        return not self._sync.blocks.in_flight and not any(True for _ in self._sync.headers.peers_asked())

    def _judge_crowd(self, now: Instant) -> None:
        """One peer more than we keep is wanted while the tip is stale or somebody is slow; then the worst has to go."""
        full = [self._standings[n] for n, slot in self.slots.ready_peers() if slot.kind is Kind.FULL]
        if self.slots.surplus:
            if (standing := worst(full, now)) is not None and (peer := self._peers.get(standing.peer)) is not None:
                self._let_go(standing.peer, peer, "another one is of more use", now)
                self.slots.extra = 0
            return
        is_stale = now - self._tip_at > STALE_AFTER * self._config.network.block_interval and self._is_idle
        is_slow = now >= self._rotated_at + ROTATE_INTERVAL and slow(full) is not None
        has_all = self.slots.full > 0 and not self.slots.missing
        wants = (is_stale or is_slow) and has_all and self.slots.has_spare(now)
        self.slots.extra = int(wants)
        if wants and is_slow:
            self._rotated_at = now

    def _measure(self, number: int, peer: Peer, now: Instant) -> Standing:
        standing, stats = self._standings[number], peer.machine.stats
        best = self._sync.headers.best(number)
        work = self._tree.chainwork(best) if best >= 0 and self._tree.is_valid(best) else 0
        if work > standing.work:
            standing.news_at = now
        standing.work = work
        standing.is_busy = peer.batch is not None and not peer.batch.is_finished
        if stats.blocks >= MIN_SAMPLES and not self._is_idle:
            standing.pace = stats.download_seconds / stats.blocks
        else:
            standing.pace = stats.round_trips.average if stats.round_trips.count >= MIN_SAMPLES else None
        return standing

    def _leave_fetchers(self, now: Instant) -> None:
        for number in self.slots.fetchers():
            peer = self._peers.get(number)
            if peer is not None and now >= peer.machine.since + FETCH_TIMEOUT:
                self._let_go(number, peer, "it told us no addresses", now)

    def _let_go(self, number: int, peer: Peer, why: str, now: Instant) -> None:
        peer.machine.disconnect(Reason.REQUESTED, why, now)
        self._peers.touch(number)

    def _is_needed(self, number: int, now: Instant) -> bool:
        """Whether a peer that does not answer is the only one, and not dead: then it is kept."""
        peer = self._peers.get(number)
        is_alive = peer is not None and now - peer.machine.stats.last_receive_at < DEAD_AFTER
        return is_alive and not self.has_other(number, now)

    def _resolved(self, answers: tuple[SeedAnswer, ...], now: Instant) -> None:
        self.discovery.resolved(self.seeds.answered(answers), now)
        self.fill(now)

    def _trace_of(self, address: Address) -> Callable[[str], None] | None:
        """The protocol trace of one peer, its address in front of each line."""
        log = self._log
        return None if log is None else lambda line: log(f"{address} {line}")


def _count_less(counter: Counter[_K], key: _K) -> None:
    """One less of these, and nothing kept of what there is none of. (`counter -= ...` would look at all the others.)"""
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
