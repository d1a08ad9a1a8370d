"""What sync and server want, carried out: requests to peers' machines, orders to the driver, results back to the sync.

It chooses nothing. Called by `node.machine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway.errors import StoreError
from headway.node.answer import Answer, Assembled, Fault, ReadBlock, ReadHeaders, Refuse, ServeOutput, TellAddresses
from headway.node.orders import (
    BlockConnected,
    BlockDisconnected,
    ChainRejected,
    ConflictSeen,
    Emit,
    Load,
    LoadHeaders,
    Prove,
    Store,
    TipChanged,
    Verify,
    Written,
)
from headway.node.serve import MAX_ANNOUNCED, Server
from headway.peer.events import PeerState, Reason, RequestKind
from headway.sync.headers import AskAnnounced, AskHeaders
from headway.sync.output import (
    AskBlocks,
    Blame,
    BlocksDelivered,
    Conflict,
    JudgeBlock,
    Overdue,
    ProveHeaders,
    Rejected,
    Stalled,
    SyncOutput,
    TipMoved,
    VerifyBlock,
    Write,
    WriteBlock,
    WriteHeaders,
    WriteInvalid,
)
from headway.sync.scheduler import SyncScheduler
from headway.types import BlockRequest, printable

if TYPE_CHECKING:
    from headway.network import BlockVerdict, Headers, Limits
    from headway.node.orders import NodeEvent
    from headway.node.outbox import Outbox
    from headway.node.pool import Pool
    from headway.node.reassembly import Reassembly
    from headway.node.table import Peer, PeerTable
    from headway.types import Hash, Instant, Raw


@dataclass(slots=True)
class NodeCounters:
    """What the node has done since its start; for progress and the `sync` object."""

    headers: int = 0
    """Stored."""
    blocks: int = 0
    """Verified and stored."""
    block_bytes: int = 0
    stalls: int = 0
    """Peers that held the sync up, or ended because a request was not answered in time."""
    reorgs: int = 0
    """Times that the best header chain left a branch."""
    misbehaved: int = 0
    """Peers that served invalid data."""
    rejected: int = 0
    """Peers that follow a chain which our own rules found invalid."""
    first_request_at: Instant | None = None
    last_stored_at: Instant | None = None


class Dispatcher:
    def __init__(  # noqa: PLR0917  (its one caller hands over its own parts)
        self,
        limits: Limits,
        peers: PeerTable,
        pool: Pool,
        outbox: Outbox,
        sync: SyncScheduler,
        server: Server,
        reassembly: Reassembly,
    ) -> None:
        self._limits = limits
        self._peers = peers
        self._pool = pool
        self._book = pool.slots.book
        self._outbox = outbox
        self._sync = sync
        self._server = server
        self._reassembly = reassembly
        self._connected: list[Hash] = []  # the last blocks that joined the delivered chain, not announced yet
        self._writes: list[Write] = []
        self._unwritten = 0  # Store orders that are out
        self._unflushed = False  # something was written that may not be on the medium
        self._flush_due = False
        self._keep_from = 0  # what the store was told last
        self.counters = NodeCounters()
        self.failure: StoreError | None = None
        """The store could not write: nothing more can be done, and nothing more is written."""

    @property
    def is_settled(self) -> bool:
        """Nothing is on its way to the store."""
        return self._unwritten == 0 and not self._writes

    def emit(self, event: NodeEvent) -> None:
        self._outbox.put(Emit(event))

    def carry_out(self, output: SyncOutput, now: Instant) -> None:  # noqa: C901, PLR0912  one case for each output
        match output:
            case AskHeaders():
                self._ask_headers(output, now)
            case AskBlocks():
                self._ask_blocks(output, now)
            case AskAnnounced():
                self._ask_blocks(AskBlocks(output.peer, (BlockRequest(None, hash=output.hash),)), now)
            case WriteHeaders() | WriteInvalid() | WriteBlock():
                self._collect(output)
            case ProveHeaders():
                self._prove(output)
            case VerifyBlock() | JudgeBlock():
                self._verify(output)
            case Blame():
                self._blame(output, now)
            case Stalled():
                self.note_stall(output.peer)
                self._end_staller(output, now)
            case Overdue():
                self._leave(output, now)
            case Rejected():
                self._tell_rejected(output)
            case Conflict():
                self._alarm(output)
            case TipMoved():
                self.counters.reorgs += output.disconnected > 0
                self.emit(TipChanged(output.tip, output.disconnected))
            case BlocksDelivered():
                self._deliver(output)

    def note_stall(self, number: int) -> None:
        """Count a peer that stalls, once."""
        peer = self._peers.get(number)
        if peer is not None and not peer.stalled:
            peer.stalled = True
            self.counters.stalls += 1

    def answer(self, output: ServeOutput, now: Instant) -> None:
        """Carry out what the server wants."""
        peer = self._ready(output.peer)
        if peer is None:
            return
        match output:
            case Answer():
                peer.machine.send(output.message, now)
            case TellAddresses():
                peer.machine.tell_addresses(output.addresses, now)
            case Refuse():
                peer.machine.disconnect(output.reason, output.why, now)
            case Assembled():
                peer.machine.receive_block(output.block, now)
            case Fault():
                output.error.peer = str(peer.address)
                peer.machine.misbehaved(output.error, now)
            case ReadBlock():
                self._read(output)
            case ReadHeaders():
                self._read_headers(output)
        self._peers.touch(output.peer)

    def announce_new(self, now: Instant) -> None:
        """Tell our clients of what was delivered since the last time, in one message; not while we are behind."""
        if self._connected and self._sync.is_current:
            connected, self._connected = self._connected, []
            self._server.announce(connected, now)

    def tick(self) -> None:
        """Once a second: let the next write flush what was written, and prune what nobody needs any more."""
        self._flush_due = self._flush_due or self._unflushed or self._sync.chain.keep_from > self._keep_from

    def flush_writes(self) -> None:
        """Order what was collected since the last time, in one write. While one is out, the next is collected.

        A write costs a way to another thread and back, which for a small block is more than to judge it.
        """
        if self.failure is not None:
            self._writes.clear()  # they may stand on what could not be written
        if self._unwritten or not (self._writes or self._flush_due):
            return
        writes, self._writes = tuple(self._writes), []
        flush, self._flush_due = self._flush_due, False
        self._keep_from, self._unflushed = self._sync.chain.keep_from, not flush

        def written(result: Written | StoreError | None, now: Instant) -> None:
            self._unwritten -= 1
            if isinstance(result, StoreError):
                self.failure = self.failure or result
                return
            self._count(writes, now)
            if result is not None:
                self._heed(result)

        self._unwritten += 1
        self._outbox.ask(lambda number: Store(number, writes, self._keep_from, flush), written)

    def _collect(self, write: Write) -> None:
        """To be written with the next order. Who brought something new and right is forgiven what failed before."""
        self._writes.append(write)
        if not isinstance(write, WriteInvalid) and (address := self._peers.dialled_address(write.peer)):
            self._book.succeeded(address)

    def _ready(self, number: int) -> Peer | None:
        peer = self._peers.get(number)
        return peer if peer is not None and peer.machine.state is PeerState.READY else None

    def _ask_headers(self, ask: AskHeaders, now: Instant) -> None:
        if peer := self._ready(ask.peer):
            self._note_request(now)
            most = self._limits.max_headers
            peer.machine.request_headers(ask.locator, now, stop=ask.stop, fence=True, expected=most)
            self._peers.touch(ask.peer)

    def _ask_blocks(self, ask: AskBlocks, now: Instant) -> None:
        peer = self._ready(ask.peer)
        if peer is None:
            return
        self._note_request(now)
        requests = self._reassembly.choose(ask.peer, ask.requests)
        if peer.batch is None or peer.batch.is_finished:
            peer.batch = peer.machine.request_blocks(requests, now)
        elif new := [request for request in requests if request.hash not in peer.batch.in_flight]:
            # The others are what it still owed when they were given to somebody else. Of those that were it never gets
            # rid, so one that always brings a few of many comes to owe all that a batch may hold.
            owed = len(peer.batch.in_flight)
            if owed + len(new) > self._limits.max_blocks_in_flight:
                peer.machine.disconnect(Reason.STALLED, f"it owes {owed} blocks, and more are to be asked", now)
            else:
                peer.batch.extend(new, now)
        self._peers.touch(ask.peer)

    def _end_staller(self, output: Stalled, now: Instant) -> None:
        """Who withheld a block is ended, unless it is so far away that it needs as long for any answer."""
        peer = self._ready(output.peer)
        if peer is None or not output.waited:
            return
        answers = peer.machine.stats.requests.get(RequestKind.HEADERS)
        is_far = answers is not None and answers.quickest is not None and answers.quickest >= output.waited
        if not is_far:
            why = f"all wait for a block of it, and {output.waited:g} s brought none"
            peer.machine.disconnect(Reason.STALLED, why, now)
            self._peers.touch(output.peer)

    def _note_request(self, now: Instant) -> None:
        if self.counters.first_request_at is None:
            self.counters.first_request_at = now

    def _verify(self, output: VerifyBlock | JudgeBlock) -> None:
        def judged(verdict: BlockVerdict, _now: Instant) -> None:
            if isinstance(output, JudgeBlock):
                self._sync.fetches.judged(output.position, output.raw, verdict)
            else:
                self._sync.verified(output.position, verdict)

        self._outbox.ask(lambda number: Verify(number, output.request, output.context, output.raw), judged)

    def _prove(self, output: ProveHeaders) -> None:
        def checked(failure: tuple[int, str] | None, now: Instant) -> None:
            self._sync.proved(output.number, failure, now)

        self._outbox.ask(lambda number: Prove(number, output.proofs), checked)

    def _alarm(self, output: Conflict) -> None:
        peer = self._peers.get(output.peer)
        self.emit(ConflictSeen(peer.address if peer else None, output.block, output.ours))

    def _leave(self, output: Overdue, now: Instant) -> None:
        """It has had its time: it goes, unless there is no other."""
        if (peer := self._ready(output.peer)) is not None and self._pool.has_other(output.peer, now):
            self.note_stall(output.peer)
            peer.machine.disconnect(Reason.STALLED, output.why, now)
            self._peers.touch(output.peer)

    def _tell_rejected(self, output: Rejected) -> None:
        self.counters.rejected += 1
        peer = self._peers.get(output.peer)
        self.emit(ChainRejected(peer.address if peer else None, output.block))

    def _blame(self, output: Blame, now: Instant) -> None:
        if peer := self._peers.get(output.peer):
            output.error.peer = str(peer.address)
            peer.machine.misbehaved(output.error, now)
            self._peers.touch(output.peer)
        elif address := self._peers.forget(output.peer):  # it left before the verdict
            output.error.peer = str(address)
            self._book.discourage(address, printable(output.error.message), now)
            self.counters.misbehaved += 1

    def _deliver(self, moved: BlocksDelivered) -> None:
        for block in moved.disconnected:
            self.emit(BlockDisconnected(block))
        for block in moved.connected:
            self.emit(BlockConnected(block))
        left = {block.hash for block in moved.disconnected}
        joined = [block.hash for block in moved.connected]
        pending = [*(block for block in self._connected if block not in left), *joined]
        self._connected = pending[-MAX_ANNOUNCED - 1 :]  # of more than can be announced by header, the last will do

    def _read(self, output: ReadBlock) -> None:
        def loaded(raw: Raw | None, now: Instant) -> None:
            self._server.loaded(output.peer, raw, now)

        self._outbox.ask(lambda number: Load(number, output.position), loaded)

    def _read_headers(self, output: ReadHeaders) -> None:
        def loaded(headers: Headers, _now: Instant) -> None:
            self._server.headers_loaded(output.peer, headers)

        self._outbox.ask(lambda number: LoadHeaders(number, output.positions, output.context), loaded)

    def _heed(self, written: Written) -> None:
        chain = self._sync.chain
        chain.prune(written.pruned_below)
        for position in written.found:
            chain.mark(position)
        if written.found:
            self._sync.reconsider()

    def _count(self, writes: tuple[Write, ...], now: Instant) -> None:
        for write in writes:
            match write:
                case WriteHeaders():
                    self.counters.headers += write.count
                    self.counters.last_stored_at = now
                case WriteBlock():
                    self.counters.blocks += 1
                    self.counters.block_bytes += len(write.raw)
                    self.counters.last_stored_at = now
                    self._sync.stored(write.position)
                case WriteInvalid():
                    pass
