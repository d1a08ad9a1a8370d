"""Whole nodes in virtual time: the node machine driven without sockets, files, threads or clocks.

Each node has a store in memory and links that carry bytes after a latency; faults sit in the driver, around the same
machine that serves honestly. Used by the tests of `node`; the deterministic simulator of the package grows from the
same idea.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headway.chain import records
from headway.chain.headers import HeaderTree
from headway.network import Network
from headway.node.config import NodeConfig
from headway.node.machine import NodeMachine
from headway.node.orders import (
    Connect,
    Disconnect,
    Emit,
    Load,
    LoadHeaders,
    NodeEvent,
    Order,
    Prove,
    Resolve,
    SavePeers,
    SeedAnswer,
    Send,
    Store,
    Verify,
)
from headway.sync.output import WriteBlock, WriteHeaders, WriteInvalid
from headway.types import Address, BookChanges, BookRecords, Raw
from headway.wire.messages import Headers
from tests.toynet import TOYNET

WALL = 1_700_000_000.0
LATENCY = 0.01
"""Seconds that bytes travel, one way."""


@dataclass
class Fault:
    """What is wrong with a node's driver."""

    stalls_after: int | None = None
    """Blocks that it serves before it goes silent about blocks."""
    corrupts: int | None = None
    """Number of the block (counted as served) whose last byte is flipped."""
    leaves_after: int | None = None
    """Blocks that it serves before it drops every connection and refuses new ones."""
    deaf: bool = False
    """After the handshake it reads nothing and says nothing."""
    loses: frozenset[int] = frozenset()
    """Positions of blocks that it has lost: it answers notfound."""


@dataclass
class MemoryStore:
    """What a directory would hold."""

    headers: list[bytes] = field(default_factory=list)
    blocks: dict[int, bytes] = field(default_factory=dict)
    invalid: list[bytes] = field(default_factory=list)
    saved: list[tuple[float, BookChanges]] = field(default_factory=list)
    """Changes of the address book, and when they were ordered."""


class World:
    def __init__(self, network: Network = TOYNET) -> None:
        self.network = network
        self.now = 0.0
        self.listening: dict[Address, VirtualNode] = {}
        self.names: dict[str, tuple[Address, ...]] = {}
        self.resolved: list[tuple[str, ...]] = []
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def later(self, delay: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (self.now + delay, self._count, action))

    def node(
        self,
        blocks: Sequence[bytes] = (),
        *,
        at: str = "",
        fault: Fault | None = None,
        book: BookRecords | None = None,
        **config: Any,
    ) -> VirtualNode:
        """A node that has `blocks`; `at`: where it listens and serves, empty for one that only takes; `book`: its
        address book as it was kept, None when it is not kept."""
        address = Address.parse(at) if at else None
        config = {"network": self.network, "dns": False, "peers": 0 if at else 8, "serve": bool(at), **config}
        node = VirtualNode(self, NodeConfig(**config), blocks, address, fault or Fault(), book)
        if address is not None:
            self.listening[address] = node
        node.start()
        return node

    def run(self, seconds: float, *, until: Callable[[], bool] = lambda: False) -> bool:
        """Let virtual time pass; True as soon as `until` holds."""
        end = self.now + seconds
        while not until():
            if not self._queue or self._queue[0][0] > end:
                self.now = end
                return until()
            at, _, action = heapq.heappop(self._queue)
            self.now = max(self.now, at)
            action()
        return True


class VirtualNode:
    def __init__(
        self,
        world: World,
        config: NodeConfig,
        blocks: Sequence[bytes],
        address: Address | None,
        fault: Fault,
        book: BookRecords | None = None,
    ) -> None:
        self.world = world
        self.address = address
        self.fault = fault
        self.store = MemoryStore()
        self.tree = HeaderTree(config.network)
        if blocks:
            headers = headers_of(config.network, blocks)
            self.tree.restore(records.pack(headers, config.network.rules.header_size))
            self.store.blocks.update(enumerate(blocks, 1))
        self.rng = random.Random(len(world.listening) + 1)
        self.machine = NodeMachine(config, self.tree, rng=self.rng, stored=self.store.blocks, book=book)
        self.events: list[NodeEvent] = []
        self.served = 0
        self.inputs = 0
        self._held: list[Load] = []  # reads that a stalling node has not done
        self._far: dict[int, tuple[VirtualNode, int]] = {}  # our peer number -> its node and its number for us
        self._timer_at: float | None = None

    def start(self) -> None:
        self.machine.start(WALL + self.world.now, self.world.now)
        self.settle()

    def events_of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def grow(self, blocks: Sequence[bytes]) -> None:
        """New blocks come to a serving node, as if it had mined them; it announces them."""
        added = self.tree.add(headers_of(self.world.network, blocks), WALL + self.world.now)
        first = added.last - added.count + 1
        sync = self.machine.sync
        for position, raw in enumerate(blocks[len(blocks) - added.count :], first):
            self.store.blocks[position] = raw
            sync.chain.mark(position)
        moved = sync.chain.advance()
        self.machine._server.announce([self.tree.hash(position) for position in moved.connected], self.world.now)
        self.machine.handle_timer(self.world.now)
        self.settle()

    def give(self, name: str, *arguments: Any) -> Any:
        """One input to the machine, and all its orders carried out."""
        self.inputs += 1
        result = getattr(self.machine, name)(*arguments, self.world.now)
        self.settle()
        return result

    def settle(self) -> None:
        while orders := self.machine.orders():
            for order in orders:
                self._carry_out(order)
        due = self.machine.get_timer()
        if due is not None and due != self._timer_at:
            self._timer_at = due
            self.world.later(max(due - self.world.now, 0.0), lambda: self._fire(due))

    def _fire(self, due: float) -> None:
        if due == self._timer_at:
            self._timer_at = None
            self.world.now = max(self.world.now, due)  # not a rounding error before it
            self.give("handle_timer")

    def _carry_out(self, order: Order) -> None:
        match order:
            case Connect():
                self.world.later(LATENCY, lambda: self._dial(order))
            case Disconnect():
                if far := self._far.pop(order.peer, None):
                    self.world.later(LATENCY, lambda: far[0]._closed(far[1]))
            case Send():
                self._send(order)
            case Verify():
                verdict = self.world.network.rules.verify_block(order.request, order.context, order.raw)
                self._result(order.order, verdict)
            case Prove():
                failures = ((proof.number, detail) for proof in order.proofs if (detail := proof.check()))
                self._result(order.order, next(failures, None))
            case Store():
                self._write(order)
            case Load():
                self._load(order)
            case LoadHeaders():
                headers = headers_of(self.world.network, [self.store.blocks[position] for position in order.positions])
                self._result(order.order, records.proven(headers, self.world.network.rules, order.context))
            case Resolve():
                self.world.resolved.append(order.names)
                found = (SeedAnswer(name, self.world.names.get(name, ())) for name in order.names)
                self._result(order.order, tuple(found))
            case SavePeers():
                self.store.saved.append((self.world.now, order.changes))
                self._result(order.order, None)
            case Emit():
                self.events.append(order.event)

    def _result(self, order: int, result: Any) -> None:
        self.world.later(0.0, lambda: self.give("handle_result", order, result))

    def _dial(self, order: Connect) -> None:
        far = self.world.listening.get(order.address)
        there = far.give("handle_inbound", Address("10.0.0.1", 1)) if far is not None else None
        if far is None or there is None:
            self.give("handle_connect_failed", order.peer, "connection refused")
            return
        self._far[order.peer] = (far, there)
        far._far[there] = (self, order.peer)
        self.give("handle_connected", order.peer)

    def _send(self, order: Send) -> None:
        for chunk in order.data:
            data = bytes(chunk)
            # Who a peer is may be known only once `handle_inbound` returned: look it up when the bytes leave.
            self.world.later(0.0, lambda data=data: self._travel(order.peer, data))  # type: ignore[misc]
        self.world.later(0.0, lambda: self.give("handle_writable", order.peer, 0))

    def _travel(self, peer: int, data: Raw) -> None:
        if far := self._far.get(peer):
            self.world.later(LATENCY, lambda: far[0]._arrive(far[1], data))

    def _arrive(self, peer: int, data: Raw) -> None:
        machine = self.machine.peer(peer)
        if not (self.fault.deaf and machine is not None and machine.version is not None):
            self.give("receive_data", peer, data)

    def _closed(self, peer: int) -> None:
        self._far.pop(peer, None)
        self.give("receive_eof", peer)

    def _write(self, order: Store) -> None:
        for write in order.writes:
            match write:
                case WriteHeaders():
                    self.store.headers.append(write.raw)
                case WriteInvalid():
                    self.store.invalid.append(write.hash)
                case WriteBlock():
                    self.store.blocks[write.position] = bytes(write.raw)
        self._result(order.order, None)

    def _load(self, order: Load) -> None:
        fault = self.fault
        if fault.stalls_after is not None and self.served >= fault.stalls_after:
            self._held.append(order)
            return
        if fault.leaves_after is not None and self.served >= fault.leaves_after:
            self.leave()
            return
        self.served += 1
        raw = None if order.position in fault.loses else self.store.blocks[order.position]
        if raw is not None and fault.corrupts == self.served:
            raw = raw[:-1] + bytes([raw[-1] ^ 1])
        self._result(order.order, raw)

    def resume(self) -> None:
        """A stalling node goes on."""
        held, self._held = self._held, []
        for order in held:
            self._load(order)

    def leave(self) -> None:
        """Drop every connection and be gone."""
        if self.address is not None:
            self.world.listening.pop(self.address, None)
        for peer in tuple(self._far):
            self.give("disconnect", peer, "leaving")


def headers_of(network: Network, blocks: Sequence[bytes]) -> Headers:
    """The headers of these blocks, as a message."""
    parser = network.codec.parser
    raws = [parser.block_header(block).raw for block in blocks]
    if size := network.rules.header_size:
        return Headers.fixed(b"".join(raws), parser, size=size)
    ends = tuple(itertools.accumulate(map(len, raws)))
    return Headers(b"".join(raws), (0, *ends[:-1]), ends, parser)


def network_with(network: Network = TOYNET, **timing: float) -> Network:
    """The same network with other durations."""
    return replace(network, timing=replace(network.timing, **timing))
