"""The whole node as one machine: peers, pool, sync and serving joined; bytes, time and results go in, orders come out.

It decides nothing itself that one of its parts decides: `slots` whom to dial, `sync.scheduler` what to ask, `serve`
what to answer, each peer machine what its remote may do. Plain, synchronous and deterministic; the driver owns
sockets, files, clocks and threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headway.errors import Consequence, SelfConnection, StoreError
from headway.node.broadcast import Broadcaster
from headway.node.dispatch import Dispatcher, NodeCounters
from headway.node.handout import Handout, SelfAnnouncer
from headway.node.keeper import BookKeeper
from headway.node.line import LineRate
from headway.node.orders import Disconnect, Order, PeerLost, PeerReady, Send
from headway.node.outbox import Outbox
from headway.node.pool import TICK, Pool
from headway.node.reassembly import Reassembly
from headway.node.serve import Server
from headway.node.slots import Kind
from headway.node.table import Peer, PeerTable
from headway.peer.events import (
    AddressesReceived,
    BlockReceived,
    BlocksNotFound,
    HandshakeCompleted,
    HeadersReceived,
    HeightStated,
    InvReceived,
    MessageReceived,
    PeerDisconnected,
    PeerEvent,
    PeerMisbehaved,
    Reason,
    RequestKind,
    RequestTimedOut,
    TransactionReceived,
)
from headway.sync.scheduler import SyncScheduler
from headway.types import Address, Hash, Height, Instant, Raw, printable
from headway.wire.messages import InvType, Tx

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable

    from headway.chain.headers import HeaderTree
    from headway.node.answer import ServeOutput
    from headway.node.config import NodeConfig
    from headway.node.tally import Tally
    from headway.peer.machine import PeerMachine
    from headway.types import BookRecords


class NodeMachine:
    def __init__(
        self,
        config: NodeConfig,
        tree: HeaderTree,
        *,
        rng: random.Random,
        stored: Iterable[int] = (),
        book: BookRecords | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        """`stored`: positions of the blocks in the store. `book`: the address book as it was kept, None: it is not to
        be kept. `log` gets the protocol trace, line by line."""
        self.config = config
        self.tree = tree
        self.sync = SyncScheduler(
            config.network,
            tree,
            stored=stored,
            floor=config.floor,
            ceiling=config.ceiling,
            thorough=config.thorough,
            rng=rng,
        )
        self._peers = PeerTable()
        self._outbox = Outbox()
        self.pool = Pool(config, tree, self.sync, self._peers, self._outbox, rng=rng, records=book, log=log)
        self.slots = self.pool.slots
        self._keeper = BookKeeper(self.slots.book, self._outbox, keeps=book is not None)
        self._handout = Handout(self.slots.book, rng=rng)
        self._server = Server(
            config.network,
            tree,
            self.sync,
            addresses=lambda peer, now: self._handout.answer(at.address, now) if (at := self._peers.get(peer)) else (),
            nonce=lambda: rng.getrandbits(64),
            upload_target=config.upload_target,
            is_pruned=config.pruned,
        )
        self._announcer = SelfAnnouncer(config.external, config.services, rng=rng)
        self.broadcaster = Broadcaster(config.network)
        self.reassembly = Reassembly(config.network, tree, config.tx_cache)
        self._dispatcher = Dispatcher(
            config.network.limits, self._peers, self.pool, self._outbox, self.sync, self._server, self.reassembly
        )
        self.counters: NodeCounters = self._dispatcher.counters
        self.tally: Tally = self._peers.tally
        """What those connections did that have gone."""
        self._line = LineRate(config.network.limits.min_rate)
        self._tick_at: Instant | None = None
        self._wall_offset = 0.0  # wall time minus `now`
        self._closing = False

    # What others ask of it.

    @property
    def is_at_tip(self) -> bool:
        """Every ready peer was heard about the tip, and everything up to it is stored (see `sync.headers`)."""
        return self.sync.is_current and self.is_settled and not self.pool.is_settling

    @property
    def failure(self) -> StoreError | None:
        """Why the store could not write: the node has stopped."""
        return self._dispatcher.failure

    @property
    def is_settled(self) -> bool:
        """Nothing is on its way to the store."""
        return self._dispatcher.is_settled

    def is_stored_to(self, height: Height) -> bool:
        """The best chain reaches `height`, and everything wanted up to it is stored."""
        reaches = self.tree.height(self.tree.tip_position) >= height
        return reaches and self.sync.has_blocks_to(height) and self.is_settled

    @property
    def peer_ids(self) -> tuple[int, ...]:
        return tuple(self._peers)

    def peer(self, peer: int) -> PeerMachine | None:
        found = self._peers.get(peer)
        return found.machine if found else None

    @property
    def ready_count(self) -> int:
        return self._peers.ready

    # Inputs.

    def start(self, wall_time: float, now: Instant) -> None:
        self.handle_clock(wall_time, now)
        self._tick_at = now
        self.handle_timer(now)

    def handle_clock(self, wall_time: float, now: Instant) -> None:
        """The wall clock (unix seconds) beside the monotonic one: told at the start and now and then."""
        self._wall_offset = wall_time - now
        self.slots.book.handle_clock(wall_time, now)

    def want_blocks(self, floor: Height, now: Instant) -> None:
        """Bring blocks from this height up from now on."""
        self.sync.want_blocks(floor)
        self._settle(now)

    def broadcast(self, raw: Raw, peers: int, now: Instant) -> Hash:
        """Announce a transaction of ours until so many peers have taken it; `broadcaster.report` tells. Returns its
        txid. Raises LocalProtocolError for bytes that are no transaction, and when too many wait for takers."""
        txid = self.broadcaster.submit(raw, peers, now)
        self._settle(now)
        return txid

    def handle_inbound(self, address: Address, now: Instant) -> int | None:
        """Somebody dialled us. Returns the number of the new peer, or None: full, or he is banned; close the socket."""
        if self._closing or not self.pool.admits(address, now):
            return None
        peer = self.pool.add_peer(address, kind=None)
        self.pool.peer_came(peer, now)
        self.handle_connected(peer, now)
        return peer

    def handle_connected(self, peer: int, now: Instant) -> None:
        if found := self._peers.get(peer):
            self.slots.connected(peer)
            found.machine.handle_connected(now, now + self._wall_offset)
            self._done(peer, now)

    def handle_connect_failed(self, peer: int, why: str, now: Instant, *, at_proxy: bool = False) -> None:
        """`at_proxy`: it was the proxy that failed, not the address."""
        if found := self._peers.get(peer):
            found.machine.disconnect(Reason.PROXY_FAILED if at_proxy else Reason.CONNECT_FAILED, printable(why), now)
            self._done(peer, now)

    def handle_connection_lost(self, peer: int, why: str, now: Instant) -> None:
        if found := self._peers.get(peer):
            found.machine.handle_connection_lost(why, now)
            self._done(peer, now)

    def receive_data(self, peer: int, data: Raw, now: Instant) -> None:
        if found := self._peers.get(peer):
            found.machine.receive_data(data, now)
            self._done(peer, now)

    def receive_eof(self, peer: int, now: Instant) -> None:
        if found := self._peers.get(peer):
            found.machine.receive_eof(now)
            self._done(peer, now)

    def receive_buffer(self, peer: int) -> memoryview:
        """Where this peer's next bytes go; `receive_buffered` must follow before any other input."""
        found = self._peers.get(peer)
        return found.machine.receive_buffer() if found else self.pool.scratch

    def receive_buffered(self, peer: int, count: int, now: Instant) -> None:
        if found := self._peers.get(peer):
            found.machine.receive_buffered(count, now)
            self._done(peer, now)

    def handle_writable(self, peer: int, queued_bytes: int, now: Instant) -> None:
        if found := self._peers.get(peer):
            found.machine.handle_writable(queued_bytes, now)
            self._server.writable(peer, full=found.machine.send_queue_full, now=now)
            self._done(peer, now)

    def handle_timer(self, now: Instant) -> None:
        """Run what is due; spurious calls do nothing."""
        self._peers.fire(now)
        self.sync.work(now)
        if self._tick_at is not None and self._tick_at <= now:
            self._tick_at = now + TICK
            self.sync.blocks.flowing = self._line.measure(self._peers, now)
            self._dispatcher.tick()
            self.pool.tick(now)
            self._keeper.tick()
            self.broadcaster.tick(now)
            self.reassembly.tick(now)
            self._announcer.tick(now + self._wall_offset, now)
        self._settle(now)

    def handle_result(self, order: int, result: Any, now: Instant) -> None:
        """The result of an order, as its class in `node.orders` says. Ignored where nobody waits for it any more."""
        self.handle_results([(order, result)], now)

    def handle_results(self, results: Iterable[tuple[int, Any]], now: Instant) -> None:
        """Several at once, as one input: for small blocks much cheaper than one after another."""
        for order, result in results:
            self._outbox.settle(order, result, now)
        if self.failure is not None and not self._closing:
            self.close(now)
        self._settle(now)

    def disconnect(self, peer: int, message: str, now: Instant) -> None:
        if found := self._peers.get(peer):
            found.machine.disconnect(Reason.REQUESTED, message, now)
            self._done(peer, now)

    def close(self, now: Instant) -> None:
        """Disconnect everybody and dial nobody any more. Orders already out may still be answered."""
        anchors = self.slots.anchors()
        self._closing = True
        self._tick_at = None
        self.pool.close()
        for peer in self.peer_ids:
            self.disconnect(peer, "we are closing", now)
        self._keeper.close(anchors)

    # Outputs.

    def orders(self) -> list[Order]:
        return self._outbox.take()

    def get_timer(self) -> Instant | None:
        times = [self._peers.next_due()]
        if not self._closing:
            times += [self._tick_at, self.sync.due()]
        return min((at for at in times if at is not None), default=None)

    # Letting an input's consequences come to rest.

    def _done(self, peer: int, now: Instant) -> None:
        self._peers.touch(peer)
        self._settle(now)

    def _settle(self, now: Instant) -> None:
        while True:
            while (peer := self._peers.next_touched()) is not None:
                self._drain(peer, now)
            if not self._closing:
                self.sync.tick(now)
            outputs = self.sync.take()
            answers = self._answers()
            for output in outputs:
                self._dispatcher.carry_out(output, now)
            self._dispatcher.announce_new(now)
            for answer in answers:
                self._dispatcher.answer(answer, now)
            if not outputs and not answers:
                break
        self._dispatcher.flush_writes()

    def _drain(self, peer: int, now: Instant) -> None:
        """Take everything that a peer's machine has to say, and re-arm its timer."""
        found = self._peers.get(peer)
        if found is None:
            return
        while events := found.machine.events_received():
            for event in events:
                self._handle(peer, found, event, now)
            for answer in self._answers():  # before the pong of a ping that stood behind the question
                self._dispatcher.answer(answer, now)  # which may be the end of the peer: that is an event, too
        found.machine.hold_pongs(held=self._server.owes(peer))
        if data := found.machine.data_to_send():
            self._outbox.put(Send(peer, data))
        if found.machine.wants_close():
            self._peers.remove(peer)
            self._outbox.put(Disconnect(peer))
        else:
            self._peers.rearm(peer, found)

    def _answers(self) -> list[ServeOutput]:
        parts = (self._server, self._announcer, self.broadcaster, self.reassembly)
        return [each for part in parts for each in part.take()]

    # What peers report.

    def _handle(self, peer: int, found: Peer, event: PeerEvent, now: Instant) -> None:  # noqa: C901, PLR0912  one case an event
        match event:
            case HandshakeCompleted():
                self._peer_ready(peer, found, event, now)
            case HeadersReceived():
                self.sync.headers_received(peer, event, now + self._wall_offset, now)
            case BlockReceived():
                self.sync.block_received(peer, event, now + self._wall_offset, now)
            case BlocksNotFound():
                self.sync.blocks_not_found(peer, event.requests, now)
            case InvReceived():
                self.broadcaster.announced(peer, event.entries)
                self.reassembly.announced(peer, event.entries, now)
                for entry in event.entries:
                    if entry.type in (InvType.BLOCK, InvType.WITNESS_BLOCK):
                        self.sync.block_announced(peer, entry.hash)
            case HeightStated():
                self.sync.height_stated(peer, event.height)
            case AddressesReceived():
                self.pool.addresses_received(peer, found, event.addresses, now)
            case MessageReceived():
                self.reassembly.received(peer, event.message)
                message = self.broadcaster.received(peer, event.message)
                if self.config.serve:
                    self._server.received(peer, message, now)
            case TransactionReceived(transaction=Tx() as transaction):
                self.reassembly.transaction(peer, transaction, now)
            case RequestTimedOut():
                self._timed_out(peer, event, now)
            case PeerMisbehaved():
                found.discourage |= event.error.consequence is Consequence.DISCOURAGE
                if isinstance(event.error, SelfConnection):
                    self.pool.met_ourselves(event.error.nonce, now)
            case PeerDisconnected():
                self._peer_lost(peer, found, event, now)
            case _:
                pass  # pongs and finished batches change nothing here

    def _peer_ready(self, peer: int, found: Peer, event: HandshakeCompleted, now: Instant) -> None:
        self._peers.mark_ready(found)
        if not self.pool.peer_ready(peer, found, event.version.services, now):
            return
        if self.config.serve:
            self._server.add_peer(peer, inbound=found.inbound)
        relays, negotiated = self.slots.kind(peer) is not Kind.BLOCK_RELAY, found.machine.negotiated
        if relays:
            self._announcer.add_peer(peer, now + self._wall_offset, now)
        if not found.inbound:
            if self.config.sync:
                keeps = self.config.network.handshake.keeps(event.version)
                self.sync.peer_ready(peer, keeps=keeps, is_trusted=self.slots.kind(peer) is Kind.MANUAL)
            self.reassembly.add_peer(peer, negotiated=negotiated, announces=relays)
            if relays:
                self.broadcaster.add_peer(peer, found.address, event.version, negotiated, now)
        self._dispatcher.emit(PeerReady(peer, found.address, found.inbound, printable(event.version.user_agent)))

    def _timed_out(self, peer: int, event: RequestTimedOut, now: Instant) -> None:
        if event.ends_peer or event.kind is RequestKind.HEADERS:
            self._dispatcher.note_stall(peer)
        if event.kind is RequestKind.HEADERS and event.ends_peer:
            self.pool.peer_expired(now)
        elif event.kind is RequestKind.HEADERS:
            self.sync.headers_unanswered(peer)

    def _peer_lost(self, peer: int, found: Peer, event: PeerDisconnected, now: Instant) -> None:
        self.sync.peer_lost(peer, now)
        self._server.drop_peer(peer)
        self._announcer.drop_peer(peer)
        self.broadcaster.drop_peer(peer, now)
        self.reassembly.drop_peer(peer)
        if found.discourage:
            self.counters.misbehaved += 1
        lost = PeerLost(peer, found.address, found.inbound, found.ready, event.reason, event.message)
        self._peers.mark_ended(found)
        self._dispatcher.emit(lost)
        self.pool.peer_ended(peer, found, event, now)
