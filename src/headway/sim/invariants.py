# ruff: noqa: SLF001  # it looks inside, because growth is inside
"""What holds of the node at each step of a run, whatever the others do. Called by `scenario`.

At each event: nothing invalid is in its tree or its store; it leaves a branch only for more work; what it delivers is
stored, in order and complete; it makes progress while an honest peer can be reached; its tables keep to their caps.
From time to time, deeper: no honest peer is discouraged, whatever a peer owes has its deadline, nobody is asked again
and again for nothing. At the end: everybody was disconnected, and all tables are empty.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final, NoReturn

from headway.node import orders as do
from headway.node.addrbook import MAX_ADDRESSES
from headway.node.pace import MAX_DIALS
from headway.node.pace import WINDOW as MINUTE
from headway.node.table import SLACK
from headway.peer.deadlines import NEVER, Cause
from headway.peer.events import PeerState, Reason, RequestKind
from headway.sync.headers import LOW_WORK_RETRY, UNCONNECTED_INTERVAL
from headway.sync.ranges import MAX_FORK, MAX_HELD, VARYING_SIZE
from headway.sync.window import WINDOW, WINDOW_BYTES
from headway.types import hash_hex
from headway.wire import messages as m

if TYPE_CHECKING:
    from headway.peer.machine import PeerMachine
    from headway.sim.chain import Chain
    from headway.sim.scenario import Run
    from headway.types import BlockId, Hash, Instant

DEEP_INTERVAL: Final = 5.0
"""Virtual seconds between two looks at every peer."""
SPARE: Final = 8 * 1024 * 1024
"""Bytes by which blocks in hand may exceed the window, whose sizes are guesses until they are here."""
MOST_AT_ONCE: Final = 100_000
"""Events at one instant: beyond these, two of them call each other for ever."""
QUESTIONS: Final = 20
"""Questions for headers that one connection may hear, beside those that it gives a reason for."""
HEIGHTS: Final = (m.Ping.command, m.Pong.command)
"""Messages that tell a height on Neo: a reason for a question, as an announcement is."""
BLAME: Final = frozenset({Reason.MISBEHAVED, Reason.PROTOCOL, Reason.HANDSHAKE_REJECTED})
"""Ends that say that the remote broke a rule. An honest one may still be slow, or gone."""


class Broken(AssertionError):
    """Something that must always hold did not."""


class Watch:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._valid_headers: set[Hash] = set()
        self._good_blocks: dict[Hash, bytes | None] = {}  # each by itself; what it stands on may be bad
        self._valid_blocks: set[Hash] = set()  # with all that they stand on
        for chain in run.chains.values():
            self._learn_chain(chain)
        self._honest = frozenset(
            address.host for each in run._everybody() if each.actor.is_honest for address in each.host.addresses
        )
        self._progress_at: Instant = 0.0
        self._instant: Instant = 0.0
        self._begun = 0  # events before this instant
        self._deep_at: Instant = 0.0
        self._score: tuple[int, int, bool] = (0, 0, False)
        self.restarted()

    def restarted(self) -> None:
        """There is another node, with the same store."""
        node = self._run.node
        self._events = 0
        self._positions = 1
        self._tip = node.tree.tip_position
        self._blocks = len(node.store.blocks)
        self._final_amount: tuple[int, int, int] | None = None  # what was stored when the store failed
        self.begins_anew()
        self.disturbed()

    def begins_anew(self) -> None:
        """It delivers from now on, after what it has delivered as far as it is concerned."""
        self._delivered: BlockId | None = self._run.node.machine.sync.chain.tip

    def disturbed(self) -> None:
        """Something was done to it: it may take its time anew."""
        self._progress_at = self._run.simulation.now

    def must(self, holds: bool, text: str) -> None:
        """Raises Broken unless it holds."""
        if not holds:
            self.fail(text)

    def fail(self, text: str) -> NoReturn:
        """Raises Broken, with what one needs to see it again."""
        run = self._run
        tip, best = run.node.tree.tip.height, run.best_height()
        raise Broken(
            f"{run.scenario.name!r}, seed {run.simulation.seed}, after {run.simulation.now:.3f} virtual seconds: "
            f"{text} (tip {tip} of {best}, {len(run.node.store.blocks)} blocks)"
        )

    def look(self) -> None:
        """After each event."""
        node = self._run.node
        self._look_at_time()
        if len(node.events) > self._events:
            self._look_at_events()
        tree, store = node.tree, node.store
        if len(tree) > self._positions:
            for position in range(self._positions, len(tree)):
                self.must(tree.hash(position) in self._valid_headers, "a header that no chain has is in the tree")
            self._positions = len(tree)
            most = self._run.scenario.max_headers
            self.must(not most or len(tree) <= most, f"{len(tree)} headers are kept, {most} at most")
            if node.config.network.rules.final:
                self._look_at_line()
        if len(store.blocks) > self._blocks:
            new = len(store.blocks) - self._blocks
            for position in islice(reversed(store.blocks), new):
                self._look_at_block(tree.hash(position), store.blocks[position])
            self._blocks = len(store.blocks)
        if node.machine.failure is not None:
            self._look_at_failed_store()
        self._look_at_progress()
        self._look_at_caps()
        if self._run.simulation.now >= self._deep_at:
            self._deep_at = self._run.simulation.now + DEEP_INTERVAL
            self._look_deep()

    def at_rest(self) -> None:
        """It had everything, and some time has passed."""
        run = self._run
        node = run.node
        self.must(run.has_best_chain(), "what it had it has no more")
        self._look_deep()
        goal, ceiling = node.machine.sync.chain.goal, node.config.ceiling
        if node.machine.sync.wants_blocks:
            self.must(node.machine.sync.chain.tip is not None, "nothing was delivered")
            top = goal.height if ceiling is None else min(ceiling, goal.height)
            for height in range(max(node.machine.sync.chain.floor, 1), top + 1):
                position = goal.at(height)
                self.must(position in node.store.blocks, f"block {height} is not stored")
                self._look_at_block(node.tree.hash(position), node.store.blocks[position])
        if not run.scenario.named:
            self._look_at_pace()
        if run.scenario.fills_pool:
            self.must(not node.machine.slots.missing, f"{node.machine.slots.missing} slots are free")
        if run.scenario.max_dials:
            dialled = Counter(order.address for _, order in node.dials)
            address, count = max(dialled.items(), key=lambda each: each[1])
            self.must(count <= run.scenario.max_dials, f"{address} was dialled {count} times")
        for position in range(1, len(node.tree)):
            self.must(node.tree.hash(position) in self._valid_headers, "a header that no chain has is in the tree")

    def _look_at_pace(self) -> None:
        """No host was dialled more often within a minute than it may be, whatever its port."""
        dials: dict[str, list[Instant]] = {}
        for at, order in self._run.node.dials:
            dials.setdefault(order.address.host, []).append(at)
        for host, times in dials.items():
            for first, last in zip(times, times[MAX_DIALS:], strict=False):
                self.must(last - first >= MINUTE, f"{host} was dialled {MAX_DIALS + 1} times within a minute")

    def at_end(self) -> None:
        """Everybody was disconnected."""
        machine = self._run.node.machine
        self.must(machine.peer_ids == () and machine.ready_count == 0, f"peers are left: {machine.peer_ids}")
        self.must(machine.get_timer() is None, "a timer is left")
        in_hand = 0 if machine.failure else machine.sync.blocks.in_hand  # what a full disk did not take stays there
        self.must(machine.sync.blocks.in_flight == 0 and in_hand == 0, "blocks are left in flight")
        self.must(machine.is_settled and not machine._outbox._waiting, "orders are left")
        self.must(not machine._server._clients, "clients are left")
        self.must(not machine._peers._touched and machine._peers.inbound == 0, "the table of peers is not empty")
        sync = machine.sync
        self.must(not sync.headers._peers and not sync.headers._asked, "header requests are left")
        self.must(not sync.headers._unheard and not sync.headers._waiting, "somebody is still waited for")
        self.must(not sync.low_work._peers and not sync.headers._ranges._of, "presyncs or ranges are left")
        self.must(not sync._intake._unjudged and not sync._intake._behind, "headers are left unjudged")
        self.must(all(not entry.in_use for entry in machine.slots.book.entries()), "an address is left in use")
        self.must(not self._run.node._connections, "connections are left")

    # How.

    def _look_at_time(self) -> None:
        simulation = self._run.simulation
        if simulation.now != self._instant:
            self._instant, self._begun = simulation.now, simulation.events
        elif simulation.events - self._begun > MOST_AT_ONCE:
            self.fail("time stands still: there is no end of events at one instant")

    def _learn_chain(self, chain: Chain) -> None:
        self._valid_headers.update(chain.hashes[: chain.valid_headers + 1])
        self._valid_blocks.update(chain.hashes[: chain.valid_blocks + 1])
        for height in range(min(chain.valid_headers, len(chain.blocks)) + 1):
            if height != chain.valid_blocks + 1:
                self._good_blocks[chain.hashes[height]] = chain.block(height)

    def _look_at_events(self) -> None:
        node = self._run.node
        for event in node.events[self._events :]:
            match event:
                case do.BlockConnected():
                    self._look_at_delivery(event.id)
                case do.BlockDisconnected():
                    self.must(
                        event.id == self._delivered, f"{event.id} was taken back, and is not the last one delivered"
                    )
                    self.must(not node.config.network.rules.final, "a final chain was reorganised")
                    position = node.tree.find(event.id.hash)
                    assert position is not None, "it was delivered"
                    parent = node.tree.parent(position)
                    floor = node.machine.sync.chain.floor
                    self._delivered = node.tree.id(parent) if event.id.height > floor else None
                case do.TipChanged():
                    self._look_at_tip(event)
                case do.PeerLost():
                    if event.reason in BLAME and event.address.host in self._honest:
                        self.fail(f"honest {event.address} was blamed: {event.message}")
                case _:
                    pass
        self._events = len(node.events)

    def _look_at_line(self) -> None:
        """A chain that is final has one block at each height, but for those that were found bad."""
        tree = self._run.node.tree
        forked = len(tree) - len(tree._invalid) > tree.tip.height - tree.root.height + 1
        self.must(not forked, "a second block at one height of a final chain is in the tree")

    def _look_at_tip(self, event: do.TipChanged) -> None:
        """The first that came stays, unless another has more work."""
        tree = self._run.node.tree
        position = tree.find(event.tip.hash)
        assert position is not None, "it is the tip"
        left, self._tip = self._tip, position
        if event.disconnected and tree.is_valid(left) and tree.chainwork(position) <= tree.chainwork(left):
            self.fail(f"{tree.id(left)} was left for {event.tip}, which has no more work")

    def _look_at_delivery(self, block: BlockId) -> None:
        node = self._run.node
        position = node.tree.find(block.hash)
        assert position is not None, "it was delivered"
        if position and position not in node.store.blocks:
            self.fail(f"{block} was delivered, and is not stored")
        if block.hash not in self._valid_blocks:
            self.fail(f"{block} was delivered, and is not valid")
        if self._delivered is not None and node.tree.hash(node.tree.parent(position)) != self._delivered.hash:
            self.fail(f"{block} was delivered after {self._delivered}")
        self._delivered = block

    def _look_at_block(self, block: Hash, raw: bytes) -> None:
        """Blocks come in any order: one may be stored before the bad one that it stands on is seen, and then stays."""
        self.must(block in self._good_blocks, "a block that is not valid was stored")
        self.must(self._good_blocks[block] == raw, "a stored block is not as it was")

    def _look_at_failed_store(self) -> None:
        """Nothing is written behind what could not be."""
        store = self._run.node.store
        amount = len(store.headers), len(store.blocks), len(store.invalid)
        if self._final_amount is None:
            self._final_amount = amount
        elif amount != self._final_amount:
            self.fail(f"it wrote on after its store had failed: {self._final_amount} became {amount}")

    def _look_at_progress(self) -> None:
        run = self._run
        machine = run.node.machine
        score = (run.node.tree.chainwork(run.node.tree.tip_position), len(run.node.store.blocks), machine.is_at_tip)
        now = run.simulation.now
        if score != self._score:
            self._score, self._progress_at = score, now
        elif machine.failure is not None:
            self._progress_at = now  # its disk is full: until it is started anew, nothing is to be expected
        elif not run.done and now - self._progress_at > run.scenario.patience:
            stuck = run.is_honest_reachable() and not run.has_everything()
            self.must(not stuck, f"no progress for {now - self._progress_at:.0f} s")
            self._progress_at = now

    def _look_at_caps(self) -> None:
        node = self._run.node
        machine, blocks = node.machine, node.machine.sync.blocks
        self.must(blocks.in_flight + blocks.in_hand <= WINDOW, "more blocks are asked than the window holds")
        self.must(blocks.window.bytes_in_hand <= WINDOW_BYTES + SPARE, "more bytes are in hand than the window holds")
        peers = len(machine._peers)
        self.must(peers <= machine.slots.target + node.config.max_inbound + SLACK, "more peers than there are slots")
        self.must(len(machine._peers._timers) <= 2 * peers + SLACK, "timers are left over")
        self.must(len(machine._server._clients) <= peers, "clients are left over")
        self._look_at_headers_held()

    def _look_at_headers_held(self) -> None:
        """What is not in the tree yet."""
        sync, network = self._run.node.machine.sync, self._run.node.config.network
        message = network.limits.max_headers
        for state in sync.low_work._peers.values():
            if state.presync is not None and network.presync is not None:
                held = state.presync.buffered
                self.must(held <= network.presync.redownload_buffer + 2 * message, f"a presync holds {held} headers")
        size = network.rules.header_size or VARYING_SIZE
        self.must(sync.headers.held * size <= MAX_HELD + MAX_FORK * size, "ranges hold too many headers")
        self.must(len(sync._intake._unjudged) <= len(sync._ready), "unjudged messages are left over")

    def _look_deep(self) -> None:
        node, now = self._run.node, self._run.simulation.now
        timing, machine = node.config.network.timing, node.machine
        for entry in machine.slots.book.entries():
            if entry.address.host in self._honest and machine.slots.book.is_discouraged(entry.address, now):
                self.fail(f"honest {entry.address} is discouraged: {entry.last_error}")
        self.must(len(machine.slots.book) <= MAX_ADDRESSES, "the book is over its bound")
        self._look_at_window()
        for number in machine.peer_ids:
            peer = machine.peer(number)
            assert peer is not None, "it is listed"
            due = peer.get_timer()
            if due is not None and due < now - 1e-6:
                self.fail(f"a deadline of peer {number} has passed and nothing came of it")
            if peer.state is PeerState.CLOSED:
                self.fail(f"peer {number} has ended, and its connection is kept")
            if due is None and timing.idle_timeout and peer.state is not PeerState.CONNECTING:
                self.fail(f"no deadline watches peer {number}")
            if peer.state is PeerState.READY:
                self._look_at_debts(number, peer)
                self._look_at_questions(number, peer)

    def _look_at_window(self) -> None:
        """Nothing is asked beyond the window, however long its first block does not come."""
        sync, tree = self._run.node.machine.sync, self._run.node.tree
        in_hand = sum(sync.blocks.window.in_hand.values())
        self.must(in_hand == sync.blocks.window.bytes_in_hand, f"{in_hand} bytes are in hand, and others are counted")
        end = sync.chain.first_missing + WINDOW
        for position in sync.blocks.window.asked:
            if sync.chain.goal.has(position) and tree.height(position) >= end:
                self.fail(f"block {tree.height(position)} is asked, and the window ends at {end}")

    def _look_at_debts(self, number: int, peer: PeerMachine) -> None:
        """Whatever a peer owes has a deadline, each block its own."""
        timing, deadlines = self._run.node.config.network.timing, peer._deadlines
        watched = {
            RequestKind.HEADERS: (Cause.HEADERS, timing.headers_timeout),
            RequestKind.BLOCKS: (Cause.PROGRESS, timing.batch_timeout),
        }
        for kind, (cause, timeout) in watched.items():
            count = peer.stats.of(kind)
            owes = count.asked > count.settled + count.expired + count.cancelled
            if owes and timeout and deadlines.at(cause) == NEVER:
                self.fail(f"peer {number} owes {kind.name.lower()} without a deadline")
        batch = self._run.node.machine._peers._peers[number].batch
        if batch is not None and not batch.is_finished:
            for block in batch.in_flight.keys() - batch._asked.keys():
                self.fail(f"peer {number} owes block {hash_hex(block)} without a deadline of its own")

    def _look_at_questions(self, number: int, peer: PeerMachine) -> None:
        """Who tells nothing new is not asked for it again and again, whatever else he sends."""
        node, stats = self._run.node, peer.stats
        if (asked := stats.sent.get(m.GetHeaders.command)) is None:
            return
        network = node.config.network
        words = (m.Inv.command,) if network.rules.header_size else (m.Inv.command, *HEIGHTS)
        heard = sum(found.messages for word in words if (found := stats.received.get(word)) is not None)
        timing = network.timing
        age = self._run.simulation.now - stats.connected_at
        polls = age / timing.poll_interval if timing.poll_interval else 0.0
        messages = len(node.tree) / network.limits.full_headers
        if network.minimum_chainwork:  # what is told may be in vain, or comes twice; it has its deadline
            polls += age / LOW_WORK_RETRY
            messages += found.messages if (found := stats.received.get(m.Headers.command)) is not None else 0
        if asked.messages > QUESTIONS + heard + messages + polls + age / UNCONNECTED_INTERVAL:
            self.fail(f"peer {number} was asked for headers {asked.messages} times, and told of news {heard} times")
