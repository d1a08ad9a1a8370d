"""A whole node on a simulated host: the machine of `headway.node` unchanged, with a store in memory.

The twin of `aio.driver`: it carries out the machine's orders on the simulated network. Disk and processor answer after
short random times, writes in order. Not here: what holds of it at each step (`invariants`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from headway.chain import records
from headway.chain.headers import HeaderTree
from headway.errors import StoreError
from headway.network import Headers
from headway.node import orders as do
from headway.node.machine import NodeMachine
from headway.sync.output import WriteBlock, WriteHeaders, WriteInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.node.config import NodeConfig
    from headway.sim.chain import Chain
    from headway.sim.internet import Dial, Host, Internet
    from headway.sim.link import End
    from headway.sync.output import Write
    from headway.types import Height, Instant

MAX_WORK: Final = 0.002
"""Seconds that verifying, proving, reading or writing takes at most; each time another."""


@dataclass
class MemoryStore:
    """What a data directory would hold."""

    headers: list[bytes] = field(default_factory=list)
    """Runs of packed headers (`chain.records`), as they were written."""
    blocks: dict[int, bytes] = field(default_factory=dict)
    """Raw, by their position in the header tree."""
    invalid: list[bytes] = field(default_factory=list)
    """Hashes."""
    room: int | None = None
    """Bytes that it still takes; None: as many as come. Afterwards it is full."""

    @classmethod
    def of(cls, chain: Chain) -> MemoryStore:
        """One that holds a whole chain."""
        return cls(
            [records.pack(chain.headers(1, len(chain)), chain.network.rules.header_size)],
            dict(enumerate(chain.blocks, 1)),
        )

    def write(self, write: Write) -> None:
        """Raises StoreError when it is full."""
        if not isinstance(write, WriteInvalid):
            self._take_room(len(write.raw))
        match write:
            case WriteHeaders():
                self.headers.append(bytes(write.raw))
            case WriteInvalid():
                self.invalid.append(write.hash)
            case WriteBlock():
                self.blocks[write.position] = bytes(write.raw)

    def _take_room(self, size: int) -> None:
        if self.room is not None:
            if size > self.room:
                raise StoreError("the disk is full")
            self.room -= size


class SimNode:
    """One node. `start` it; `stop` and another `SimNode` with the same store is a restart."""

    def __init__(
        self,
        internet: Internet,
        host: Host,
        config: NodeConfig,
        *,
        store: MemoryStore | None = None,
        clock_skew: float = 0.0,
    ) -> None:
        """`clock_skew`: seconds that its wall clock is ahead."""
        self.internet = internet
        self.simulation = simulation = internet.simulation
        self.host = host
        self.config = config
        self.clock_skew = clock_skew
        self.store = store or MemoryStore()
        self.events: list[do.NodeEvent] = []
        """What it told its owner."""
        self.dials: list[tuple[Instant, do.Connect]] = []
        self.is_up = False
        self._rng = simulation.rng(f"{host.name} disk and processor")
        self._connections: dict[int, _Remote] = {}
        self._prover = records.Prover(config.network.rules)
        self._timer_at: Instant | None = None
        self._is_busy = False  # carrying out orders: what the machine orders meanwhile comes behind them
        self._written_at: Instant = 0.0
        tree = HeaderTree(config.network)
        for run in self.store.headers:
            tree.restore(run)
        for block in self.store.invalid:
            if (position := tree.find(block)) is not None:
                tree.invalidate(position)
        log = (lambda line: simulation.trace(f"{host.name} {line}")) if simulation.is_traced else None
        self.machine = NodeMachine(
            config, tree, rng=simulation.rng(f"{host.name} machine"), stored=self.store.blocks, log=log
        )
        host.listener = self if config.serve else None

    @property
    def tree(self) -> HeaderTree:
        return self.machine.tree

    @property
    def wall_time(self) -> float:
        return self.simulation.wall_time + self.clock_skew

    def start(self) -> None:
        self.is_up = True
        self.machine.start(self.wall_time, self.simulation.now)
        self._after_input()

    def stop(self) -> None:
        """As a process that was killed: its host breaks all its connections, nothing more is written."""
        self.is_up = False
        self.host.listener = None
        self.internet.drop(self.host)

    def close(self) -> None:
        """As a process that was asked to end: everybody is disconnected."""
        self.machine.close(self.simulation.now)
        self._after_input()

    # Inputs.

    def give(self, name: str, *arguments: Any) -> Any:
        """One input to the machine, and all its orders carried out."""
        if not self.is_up:
            return None
        result = getattr(self.machine, name)(*arguments, self.simulation.now)
        self._after_input()
        return result

    def forget(self, peer: int) -> None:
        """Its connection or its dial has ended."""
        self._connections.pop(peer, None)

    def accept(self, end: End) -> None:
        """A connection that comes to our host."""
        remote = _Remote(self, end)
        self.machine.handle_clock(self.wall_time, self.simulation.now)
        peer = self.machine.handle_inbound(end.other.address, self.simulation.now)
        if peer is None:
            end.close()
        else:
            remote.peer = peer
            end.party = self._connections[peer] = remote
        self._after_input()

    def _after_input(self) -> None:
        if self._is_busy:
            return
        self._is_busy = True
        machine = self.machine
        while orders := machine.orders():
            for order in orders:
                self._carry_out(order)
        self._is_busy = False
        due = machine.get_timer()
        if due is not None and (self._timer_at is None or due < self._timer_at):
            self._timer_at = due
            self.simulation.at(due, self._ring, due)

    def _ring(self, due: Instant) -> None:
        """The one timer. It is not taken back when the machine needs it later: then it rings for nothing, and is set
        anew."""
        if due != self._timer_at or not self.is_up:
            return
        self._timer_at = None
        now = self.simulation.now
        self.machine.handle_clock(self.wall_time, now)
        if (really := self.machine.get_timer()) is not None and really <= now:
            self.machine.handle_timer(now)
        self._after_input()

    # Orders.

    def _carry_out(self, order: do.Order) -> None:  # noqa: C901, PLR0912  one case for each order
        rules = self.config.network.rules
        match order:
            case do.Connect():
                self._dial(order)
            case do.Disconnect():
                if (remote := self._connections.pop(order.peer, None)) is not None:
                    remote.give_up()
            case do.Send():
                if (remote := self._connections.get(order.peer)) is not None and remote.end is not None:
                    remote.end.send(b"".join(order.data))
            case do.Verify():
                self._answer(order.order, rules.verify_block(order.request, order.context, order.raw))
            case do.Prove():
                failures = ((proof.number, detail) for proof in order.proofs if (detail := proof.check()))
                self._answer(order.order, next(failures, None))
            case do.Store():
                self._written_at = max(self._written_at, self.simulation.now + self._rng.random() * MAX_WORK)
                self.simulation.at(self._written_at, self._write, order)
            case do.Load():
                self._answer(order.order, self.block(order.position))
            case do.LoadHeaders():
                headers = self._headers(order.positions)
                self._answer(order.order, self._prover.proven(headers, order.positions, order.context))
            case do.Resolve():
                answers = tuple(do.SeedAnswer(name, self.internet.names.get(name, ())) for name in order.names)
                self._answer(order.order, answers)
            case do.SavePeers():
                self._answer(order.order, None)
            case do.Emit():
                self.events.append(order.event)
                if isinstance(order.event, do.PeerReady | do.PeerLost | do.TipChanged):
                    self.simulation.trace(f"{self.host.name} ! {_words(order.event)}")

    def _answer(self, order: int, result: Any) -> None:
        self.simulation.later(self._rng.random() * MAX_WORK, self.give, "handle_result", order, result)

    def _write(self, order: do.Store) -> None:
        if not self.is_up:
            return
        result: StoreError | None = None
        try:
            for write in order.writes:
                self.store.write(write)
        except StoreError as error:
            result = error
        self.give("handle_result", order.order, result)

    def _dial(self, order: do.Connect) -> None:
        self.dials.append((self.simulation.now, order))
        self.simulation.trace(f"{self.host.name} {order.address} > dial")
        remote = self._connections[order.peer] = _Remote(self, None, order.peer)
        remote.dial = self.internet.dial(self.host, order.address, remote)
        if timeout := self.config.network.timing.connect_timeout:
            self.simulation.later(timeout, remote.hangs)

    # What it holds.

    def block(self, position: int) -> bytes | None:
        """Raw, by its position in the tree."""
        return self.store.blocks.get(position) if position else self.config.network.rules.genesis_block

    def block_at(self, height: Height) -> bytes | None:
        """Raw, of the best chain."""
        return self.block(self.tree.at(height)) if height <= self.tree.tip.height else None

    def _headers(self, positions: Iterable[int]) -> Headers:
        parser = self.config.network.codec.parser
        blocks = (self.block(position) for position in positions)
        return Headers.joined([parser.block_header(block).raw for block in blocks if block], parser)


class _Remote:
    """One peer of the machine, from its dial on (`sim.internet.Dialler`, `sim.link.Party`)."""

    __slots__ = ("_node", "dial", "end", "peer")

    def __init__(self, node: SimNode, end: End | None, peer: int = 0) -> None:
        self._node = node
        self.end = end
        self.peer = peer
        self.dial: Dial | None = None

    def give_up(self) -> None:
        if self.end is not None:
            self.end.close()
        elif self.dial is not None:
            self.dial.give_up()

    def connected(self, end: End) -> None:
        if not self._node.is_up:
            end.close()
            return
        self.end, end.party = end, self
        self._node.machine.handle_clock(self._node.wall_time, self._node.simulation.now)
        self._node.give("handle_connected", self.peer)

    def connect_failed(self, why: str) -> None:
        self._end("handle_connect_failed", why)

    def hangs(self) -> None:
        if self.end is None and self.dial is not None and not self.dial.given_up:
            self.dial.give_up()
            self._end(
                "handle_connect_failed", f"no answer within {self._node.config.network.timing.connect_timeout:g} s"
            )

    def receive(self, data: bytes) -> None:
        self._node.give("receive_data", self.peer, data)

    def receive_eof(self) -> None:
        self._node.give("receive_eof", self.peer)

    def writable(self, queued: int) -> None:
        self._node.give("handle_writable", self.peer, queued)

    def lost(self, why: str) -> None:
        self._end("handle_connection_lost", why)

    def _end(self, name: str, why: str) -> None:
        self._node.forget(self.peer)
        self._node.give(name, self.peer, why)


def _words(event: do.PeerReady | do.PeerLost | do.TipChanged) -> str:
    match event:
        case do.PeerReady():
            return f"{event.address} ready"
        case do.PeerLost():
            return f"{event.address} lost: {event.reason.name.lower()} {event.message}".rstrip()
        case do.TipChanged():
            return f"tip {event.tip}" + (f", {event.disconnected} left" if event.disconnected else "")
