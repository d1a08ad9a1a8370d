"""The node machine on an event loop: its orders carried out, the results brought back.

Dials, lookups and jobs are tasks of one group. Blocks are judged in a pool of threads, written by the one writer
thread and read by another; headers are proved in a pool, which reads the stored ones, too: they are proved once more.
So the loop waits for no disk and no hash. Not here: what users see (`node`), what is to be done at all
(`node.machine`), what the threads do with the data directory (`storage`). Called by `node`.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import random
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, assert_never

from headway import kernel
from headway.aio.connection import Connection
from headway.aio.dial import dial
from headway.aio.dns import ask_seeds
from headway.aio.storage import Storage
from headway.aio.timer import Timer
from headway.errors import ConfigError, ProxyFailed, RequestFailed, StoreError
from headway.node import orders as do
from headway.node.machine import NodeMachine
from headway.node.slots import Kind
from headway.peer.info import peer_info
from headway.peer.log import node_tracer
from headway.store import DamagedFile
from headway.types import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from headway.network import BlockVerdict, ChainRules, Proof
    from headway.node.config import NodeConfig
    from headway.peer.info import PeerInfo
    from headway.store import Store
    from headway.store.peers import PeerStore
    from headway.types import Instant

logger = logging.getLogger(__name__)

JUDGES: Final = (os.cpu_count() or 1) if kernel.NAME == "native" else 1
"""Threads that verify blocks. Pure Python holds the interpreter's lock: a second one would only be in the way."""
LOT: Final = 16
"""Blocks that one thread judges in one go, at most."""
LOT_SIZE: Final = 256 * 1024
"""Bytes of them with which a lot is complete: larger blocks go one by one, to all threads."""
PROVERS: Final = os.cpu_count() or 1
"""Threads that check proofs of headers: the library of signatures gives the interpreter's lock free."""


class NodeDriver:
    def __init__(
        self,
        config: NodeConfig,
        store: Store,
        peers: PeerStore | None,
        *,
        group: asyncio.TaskGroup,
        writer: Executor,
        changed: Callable[[], None],
    ) -> None:
        """`peers`: where the address book is kept, None: nowhere. `writer` has one thread, the one that opened both.
        `changed()` is called after every input."""
        self._loop = asyncio.get_running_loop()
        self._network = config.network
        self._ways = config.ways
        self._store = store
        self._storage = Storage(config.network, store, peers)
        self._group = group
        self._writer = writer
        self._judges = ThreadPoolExecutor(JUDGES, "headway-verify")
        self._provers = ThreadPoolExecutor(PROVERS, "headway-prove")
        self._readers = ThreadPoolExecutor(1, "headway-read")
        self._changed = changed
        self._timer = Timer(self._loop, self._ring)
        self._connections: dict[int, Connection] = {}
        self._dials: dict[int, asyncio.Task[None]] = {}
        self._writes: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()  # all others
        self._lot: list[do.Verify] = []  # blocks that one thread is to judge, one after another
        self._lot_size = 0
        self._servers: list[asyncio.Server] = []
        if store.prune_size is not None or store.pruned_below:
            config = replace(config, pruned=True)
        self.machine = NodeMachine(
            config,
            store.tree,
            rng=random.SystemRandom(),
            stored=store.stored_positions(),
            book=None if peers is None else peers.load(),
            log=node_tracer(),
        )
        self.machine.sync.chain.prune(store.pruned_below)

    # Its life.

    def start(self) -> None:
        self.machine.start(time.time(), self._loop.time())
        self.after_input()

    async def listen(self, address: Address) -> Address:
        """Accept connections there, too. Returns where, with the real port when 0 was asked. Raises OSError."""
        server = await self._loop.create_server(self._accept, address.host, address.port)
        self._servers.append(server)
        return Address(*server.sockets[0].getsockname()[:2])

    async def close(self) -> None:
        """Disconnect everybody, finish what is being written, end every thread but the writer. Raises StoreError."""
        for server in self._servers:
            server.close()
        self.machine.close(self._loop.time())
        self.after_input()
        for task in self._tasks:
            task.cancel()
        try:
            while self._connections or self._writes:  # the machine's timer ends those that do not drain
                await asyncio.wait({*self._writes, *(connection.closed for connection in self._connections.values())})
            if self.machine.failure is None:  # the last writes may have made room for this
                await self._loop.run_in_executor(self._writer, self._store.prune, self.machine.sync.chain.keep_from)
            for pool in (self._judges, self._provers, self._readers):
                await self._loop.run_in_executor(self._writer, functools.partial(pool.shutdown, cancel_futures=True))
        finally:
            self._timer.cancel()
            for connection in self._connections.values():  # none is left, unless we were cancelled
                connection.close()

    async def load(self, position: int) -> bytes | None:
        """A stored block; None when it is not there, or damaged: then it is fetched again. Raises StoreError."""
        try:
            return await self._loop.run_in_executor(self._readers, self._storage.read, position)
        except DamagedFile as error:
            logger.warning("! block %s is lost, and fetched again: %s", self._store.tree.id(position), error)
        await self._loop.run_in_executor(self._writer, self._storage.drop, position)
        self.machine.sync.chain.forget(position)
        self.machine.sync.reconsider()
        self.look_again()
        return None

    def peer_infos(self) -> list[PeerInfo]:
        """Every connection, whatever its state."""
        machine, now, wall_time = self.machine, self._loop.time(), time.time()
        infos = []
        for number, connection in self._connections.items():
            peer, bound = machine.peer(number), connection.local
            if peer is None or bound is None:
                continue
            best = machine.sync.headers.best(number)
            synced = (machine.tree.height(best) if best >= 0 else -1, -1)
            kind = machine.slots.kind(number) or "inbound"
            info = peer_info(
                peer,
                now,
                wall_time,
                number=number,
                bound=bound,
                connection_type=kind,
                synced=synced,
                presynced=machine.sync.low_work.height(number),
            )
            infos.append(info)
        return infos

    # Inputs.

    def look_again(self) -> None:
        """Something else is wanted of the machine."""
        self.machine.handle_timer(self._loop.time())
        self.after_input()

    def after_input(self) -> None:
        """Carry out what the machine orders; every input ends here."""
        while orders := self.machine.orders():
            for order in orders:
                self._carry_out(order)
        self._judge()
        self._timer.arm(self.machine.get_timer())
        self._changed()

    def _ring(self, now: Instant) -> None:
        self.machine.handle_clock(time.time(), now)
        self.machine.handle_timer(now)
        self.after_input()

    def _result(self, order: int, result: Any) -> None:
        self.machine.handle_result(order, result, self._loop.time())
        self.after_input()

    # Orders.

    def _carry_out(self, order: do.Order) -> None:  # noqa: C901, PLR0912  # one case for each order
        match order:
            case do.Connect():
                if (task := self._spawn(self._dial(order), self._tasks)) is not None:
                    self._dials[order.peer] = task
                    task.add_done_callback(functools.partial(self._forget_dial, order.peer))
            case do.Disconnect():
                self._disconnect(order.peer)
            case do.Send():
                self._connections[order.peer].write(order.data)
            case do.Verify():
                self._lot.append(order)
                self._lot_size += len(order.raw)
                if self._lot_size >= LOT_SIZE or len(self._lot) == LOT:
                    self._judge()
            case do.Prove():
                self._spawn(self._prove(order), self._tasks)
            case do.Store():
                write = functools.partial(self._storage.write, order)
                self._spawn(self._work(order.order, self._writer, write), self._writes)
            case do.Load():
                self._spawn(self._load(order), self._tasks)
            case do.LoadHeaders():
                read = functools.partial(self._storage.read_headers, order)
                self._spawn(self._work(order.order, self._provers, read), self._tasks)
            case do.Resolve():
                self._spawn(self._resolve(order), self._tasks)
            case do.SavePeers():
                save = functools.partial(self._storage.save, order.changes)
                self._spawn(self._work(order.order, self._writer, save), self._writes)
            case do.Emit():
                _log(order.event)
            case _:
                assert_never(order)

    def _spawn(self, coroutine: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> asyncio.Task[None] | None:
        try:
            task = self._group.create_task(coroutine)
        except RuntimeError:  # a task has failed, and the group is ending because of it
            coroutine.close()
            return None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    async def _work(self, order: int, pool: Executor, function: Callable[[], Any]) -> None:
        self._result(order, await self._loop.run_in_executor(pool, function))

    def _judge(self) -> None:
        """Have judged what has come together: to hand a small block to a thread and back is dearer than to judge it."""
        if lot := self._lot:
            self._lot, self._lot_size = [], 0
            self._spawn(self._judged(lot), self._tasks)

    async def _judged(self, lot: Sequence[do.Verify]) -> None:
        verdicts = await self._loop.run_in_executor(self._judges, _verify, self._network.rules, lot)
        numbers = (order.order for order in lot)
        self.machine.handle_results(zip(numbers, verdicts, strict=True), self._loop.time())
        self.after_input()

    async def _prove(self, order: do.Prove) -> None:
        """The proofs in turns over the threads. Each gives up at the first that fails: the lowest of these counts."""
        parts = [order.proofs[start::PROVERS] for start in range(min(PROVERS, len(order.proofs)))]
        failures = await asyncio.gather(*(self._loop.run_in_executor(self._provers, _check, part) for part in parts))
        self._result(order.order, min(filter(None, failures), default=None))

    async def _load(self, order: do.Load) -> None:
        try:
            raw = await self.load(order.position)
        except StoreError as error:
            logger.warning("a stored block cannot be read: %s", error)
            raw = None
        self._result(order.order, raw)

    async def _resolve(self, order: do.Resolve) -> None:
        self._result(order.order, await ask_seeds(order, self._ways))

    # Connections.

    async def _dial(self, order: do.Connect) -> None:
        timeout = self._network.timing.connect_timeout * self._ways.patience(order.address)
        try:
            self._check(order)
            sock = await dial(order.address, timeout, self._ways)
            await self._keep(order.peer, Connection(_Remote(self.machine, order.peer), self.after_input)).attach(sock)
        except (RequestFailed, ConfigError, OSError) as error:
            at_proxy = isinstance(error, ProxyFailed)
            self.machine.handle_connect_failed(order.peer, str(error), self._loop.time(), at_proxy=at_proxy)
            self.after_input()

    def _check(self, order: do.Connect) -> None:
        """Raises ConfigError for an address that the node may not choose by itself: whoever wants to be seen in one
        network alone must not be seen in another, whatever the address book holds."""
        if not self._ways.is_reachable(order.address) and self.machine.slots.kind(order.peer) is not Kind.MANUAL:
            raise ConfigError(self._ways.why_not(order.address))

    def _forget_dial(self, peer: int, _task: asyncio.Task[None]) -> None:
        del self._dials[peer]

    def _disconnect(self, peer: int) -> None:
        if (task := self._dials.get(peer)) is not None:
            task.cancel()
        if (connection := self._connections.get(peer)) is not None:
            connection.close()

    def _accept(self) -> Connection:
        remote = _Inbound(self.machine, self._keep)
        remote.connection = Connection(remote, self.after_input)
        return remote.connection

    def _keep(self, peer: int, connection: Connection) -> Connection:
        self._connections[peer] = connection
        connection.closed.add_done_callback(lambda _closed: self._connections.pop(peer))
        return connection


class _Remote:
    """One peer of the machine, as its connection sees it."""

    def __init__(self, machine: NodeMachine, peer: int) -> None:
        self._machine = machine
        self.peer = peer

    def handle_connected(self, now: Instant, wall_time: float) -> None:
        self._machine.handle_clock(wall_time, now)
        self._machine.handle_connected(self.peer, now)

    def receive_buffer(self) -> memoryview:
        return self._machine.receive_buffer(self.peer)

    def receive_buffered(self, n: int, now: Instant) -> None:
        self._machine.receive_buffered(self.peer, n, now)

    def receive_eof(self, now: Instant) -> None:
        self._machine.receive_eof(self.peer, now)

    def handle_writable(self, queued_bytes: int, now: Instant) -> None:
        self._machine.handle_writable(self.peer, queued_bytes, now)

    def handle_connection_lost(self, message: str, now: Instant) -> None:
        self._machine.handle_connection_lost(self.peer, message, now)


class _Inbound(_Remote):
    """One who dialled us. The machine gives it a number, or refuses it: then it stays nobody's, and is closed."""

    NOBODY: Final = 0
    connection: Connection

    def __init__(self, machine: NodeMachine, keep: Callable[[int, Connection], Connection]) -> None:
        super().__init__(machine, self.NOBODY)
        self._keep = keep

    def handle_connected(self, now: Instant, wall_time: float) -> None:
        self._machine.handle_clock(wall_time, now)
        address = self.connection.remote
        peer = self._machine.handle_inbound(address, now) if address is not None else None
        if peer is None:
            self.connection.close()
            return
        self.peer = peer
        self._keep(peer, self.connection)


def _verify(rules: ChainRules, lot: Sequence[do.Verify]) -> list[BlockVerdict]:
    return [rules.verify_block(order.request, order.context, order.raw) for order in lot]


def _check(proofs: Sequence[Proof]) -> tuple[int, str] | None:
    """The first proof that does not hold: its number, and what is wrong."""
    return next(((proof.number, detail) for proof in proofs if (detail := proof.check())), None)


def _log(event: do.NodeEvent) -> None:
    match event:
        case do.PeerReady():
            logger.info("= %d %s READY %s", event.peer, event.address, event.user_agent)
        case do.PeerLost():
            logger.info("x %d %s %s: %s", event.peer, event.address, event.reason.name, event.message)
        case do.TipChanged():
            if event.disconnected:
                logger.info("= reorganisation, %d headers deep: the tip is %s", event.disconnected, event.tip)
        case do.ConflictSeen():
            logger.error(
                "! ALARM: this chain is final, and %s shows a second valid block at one height, %s beside ours, %s. "
                "Those who sign its blocks broke its promise. Ours is kept: compare it with operators whom you trust",
                event.address or "a peer",
                event.block,
                event.ours,
            )
        case do.ChainRejected():
            logger.warning(
                "! our own rules reject the chain of %s: block %s was found invalid. If most peers follow it, update",
                event.address or "a peer",
                event.block,
            )
        case do.BlockConnected() | do.BlockDisconnected():
            pass  # followers look at the chain itself
