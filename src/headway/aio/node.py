"""The whole engine for users of asyncio: a verified chain of headers and blocks from many peers, as a data directory
and as a stream of events.

Not here: what is done and when (`node.machine`), sockets and threads (`driver`), one single peer (`peer`).
"""

from __future__ import annotations

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from headway.aio.asmap import read_asmap
from headway.aio.broadcast import wait_for
from headway.aio.closing import Leave, close_stores
from headway.aio.config import USER_AGENT
from headway.aio.connection import words
from headway.aio.driver import NodeDriver
from headway.aio.fetch import blocks, fetch, headers, position_of
from headway.aio.follow import follow
from headway.aio.places import place, reachable
from headway.aio.readers import Readers
from headway.aio.status import last_errors, status_of
from headway.aio.storage import opener
from headway.errors import ConfigError, LocalProtocolError
from headway.network_file import load_network
from headway.node.config import NodeConfig
from headway.store import Durability
from headway.store.peers import PeerStore
from headway.store.peers_file import read_peers_file
from headway.types import Address, BlockId
from headway.ways import Ways

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
    from types import TracebackType
    from typing import Self

    from headway.aio.status import NodeStatus
    from headway.network import Network
    from headway.node.broadcast import Broadcast
    from headway.node.machine import NodeMachine
    from headway.node.orders import BlockConnected, BlockDisconnected
    from headway.peer.info import PeerInfo
    from headway.store import Store
    from headway.types import Hash, Header, Height, Locator, Raw
    from headway.wire.messages import Block


class Node:
    """`async with Node(...) as node`: open, at work, and closed again with nothing left running.

    It brings headers at once, and blocks from the lowest height that somebody asks for: `synced()` asks for all,
    `follow(start=N)` for those from N on. A pool without peers is a state, not an error: it goes on trying.
    """

    def __init__(
        self,
        *,
        network: Network | str = "bitcoin",
        peers: int = 8,
        datadir: str | Path | None = None,
        connect: Sequence[str | Address] = (),
        addnode: Sequence[str | Address] = (),
        seednode: Sequence[str | Address] = (),
        peers_file: str | Path | None = None,
        asmap: str | Path | None = None,
        bind: str | Address | Sequence[str | Address] | None = None,
        externalip: Sequence[str | Address] = (),
        maxuploadtarget: int = 0,
        maxinbound: int = 117,
        metrics: str | Address | None = None,
        dnsseed: bool = True,
        proxy: str | Address | None = None,
        onion: str | Address | None = None,
        onlynet: Iterable[str] = (),
        cjdnsreachable: bool = False,
        sync: bool = True,
        headers_only: bool = False,
        relay: bool = False,
        tx_cache: int = 0,
        stop_at: Height | None = None,
        verify_every_header: bool = False,
        durability: Durability | str = Durability.BATCH,
        prune: int | None = None,
        user_agent: str = USER_AGENT,
        open_store: Callable[[Path, Network], Store] | None = None,
    ) -> None:
        """Nothing happens before `async with`.

        `peers`: outbound peers to keep connected, found by the node itself. `connect`: these and no others, an address
        named twice is connected twice. `addnode`: these besides those that are found; `seednode`: asked for addresses
        and left again, where seeds are of no use. `asmap`: a file of Core's that tells autonomous systems, so that no
        two peers are of one. `datadir`: None: a temporary one. `bind`: where to listen and serve, one place or
        several; `metrics`: where Prometheus may ask for metrics; port 0 for any free one. `externalip`: where others
        can reach us, which peers are told, and nobody without it. `maxuploadtarget`: bytes of old blocks that are given
        away in a day, 0: no limit. `maxinbound`: connections of others at a time. `dnsseed`: whether DNS seeds are
        asked. `proxy`: a SOCKS5 proxy to go through, `onion`: one of their own for onion services, "0" for none;
        `onlynet`, `cjdnsreachable`: where to look for peers (see `headway.ways`). `sync`: whether to bring a chain at
        all. `relay`: have peers tell us of transactions, or `broadcast` does not hear of its own again; theirs are not
        kept, but for `tx_cache`: bytes of them that are kept, so that a new block comes as the ids of its transactions,
        and those that are not here (BIP152). `stop_at`: highest block to bring. `verify_every_header`: on chains whose
        headers are signed, check the signatures of each, not only of as many as prove all hashes. `durability`: none,
        batch or block, see there. `prune`: bytes of blocks to keep, about; the last 288 are kept at least, and what
        nobody has read yet who follows: nothing goes before somebody asks for blocks. `open_store`: how to open the
        data directory, for a store with something around it; these two are then its own matter. Raises ConfigError for
        what cannot be.
        """
        self.network = load_network(network) if isinstance(network, str) else network
        self._datadir = None if datadir is None else Path(datadir).expanduser()
        self._peers_file = None if peers_file is None else Path(peers_file).expanduser()
        self._asmap = None if asmap is None else Path(asmap).expanduser()
        places = (bind,) if isinstance(bind, str | Address) else bind or ()
        self._binds = tuple(place(each, self.network.port, to_listen=True) for each in places)
        self._external = tuple(place(each, self._port or self.network.port) for each in externalip)
        self._upload_target = maxuploadtarget
        self._max_inbound = maxinbound
        self._metrics = None if metrics is None else place(metrics, None, to_listen=True)
        self._ways = Ways.of(proxy=proxy, onion=onion, onlynet=onlynet, cjdnsreachable=cjdnsreachable)
        named = partial(reachable, default_port=self.network.port, ways=self._ways)
        self._connect, self._addnode, self._seednode = map(named, (connect, addnode, seednode))
        self._dnsseed = dnsseed
        self._peers = peers
        self._sync = sync
        self._headers_only = headers_only
        if tx_cache and self.network.codec.parser.compact_form is None:
            raise ConfigError(f"{self.network.name} has no compact blocks, so a transaction cache would be of no use")
        self._relay = relay or tx_cache > 0
        self._tx_cache = tx_cache
        self._stop_at = stop_at
        self._thorough = verify_every_header
        own = opener(durability, prune)
        self._open_store = own if open_store is None else open_store
        self._user_agent = user_agent
        self._driver: NodeDriver | None = None
        self._stack = AsyncExitStack()
        self._watchers: dict[asyncio.Future[None], Callable[[], bool]] = {}
        self._readers = Readers(self._keep)
        self.listening: Address | None = None
        """Where others reach us, once open: the first of `bind`."""
        self.bound: tuple[Address, ...] = ()
        """The same, all of them."""
        self.metrics: Address | None = None
        """Where metrics can be asked for, once open (`GET /metrics`)."""
        self.repairs: tuple[str, ...] = ()
        """What a kill or damage had left in the data directory, put right when it was opened; one sentence each."""

    # Its life.

    async def __aenter__(self) -> Self:
        """Raises StoreError, and ConfigError for a bad peers file or map, or when it cannot listen."""
        async with AsyncExitStack() as stack:
            writer = stack.enter_context(ThreadPoolExecutor(1, "headway-write"))
            config = await asyncio.get_running_loop().run_in_executor(writer, self._config)
            directory = self._datadir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headway-")))
            opening = asyncio.get_running_loop().run_in_executor(writer, self._open, directory)
            stack.push_async_callback(close_stores, opening, writer)
            store, book = await asyncio.shield(opening)
            self.repairs = store.repairs + (book.repairs if book else ())
            group = asyncio.TaskGroup()
            stack.push_async_exit(Leave(group))
            await group.__aenter__()
            self._driver = NodeDriver(config, store, book, group=group, writer=writer, changed=self._look)
            stack.push_async_callback(self._stop)
            self._keep(self._readers.needed)
            for each in self._binds:
                self.bound += (await self._listen(self._driver, each),)
            self.listening = next(iter(self.bound), None)
            if self._metrics is not None:
                self.metrics = await self._observe(stack, self._metrics, directory)
            self._driver.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def _stop(self) -> None:
        driver, self._driver = self.driver, None
        self._look()
        await driver.close()

    # What users ask of it.

    @property
    def machine(self) -> NodeMachine:
        """Its state, to be looked at. Raises LocalProtocolError outside `async with`."""
        return self.driver.machine

    @property
    def driver(self) -> NodeDriver:
        if self._driver is None:
            raise LocalProtocolError("the node is not open: use `async with`")
        return self._driver

    def status(self) -> NodeStatus:
        """What it is doing now."""
        return status_of(self.machine)

    def peers(self) -> list[PeerInfo]:
        """What getpeerinfo would say, now."""
        return self.driver.peer_infos()

    @property
    def is_hopeless(self) -> bool:
        """No peer was ever ready and every known address failed several times, or all that were named serve invalid
        data. It goes on trying all the same; a command may rather tell its user."""
        slots = self.machine.slots
        return (self.machine.pool.discovery.hopeless or slots.all_discouraged) and self.machine.is_settled

    def last_errors(self) -> list[str]:
        """`address: why` of addresses and DNS seeds that failed."""
        return last_errors(self.machine, self._ways)

    def is_synced(self, stop_at: Height | None = None) -> bool:
        """Everything up to `stop_at` is stored; None: up to the tip, about which every ready peer was heard."""
        return self.machine.is_at_tip if stop_at is None else self.machine.is_stored_to(stop_at)

    async def synced(self, stop_at: Height | None = None) -> None:
        """Wait until `is_synced`. Without peers it waits for them. Raises StoreError."""
        if not self._headers_only and not self.machine.sync.wants_blocks:
            self._want(0)
        self._readers.none_comes()
        await self.until(lambda: self.is_synced(stop_at))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds()`, which is looked at after every input. Raises StoreError when the node has failed."""
        while not holds():
            if (failure := self.machine.failure) is not None:
                raise failure
            change = asyncio.get_running_loop().create_future()
            self._watchers[change] = holds
            try:
                await change
            finally:
                del self._watchers[change]

    async def follow(
        self, start: Height | BlockId | Locator = 0
    ) -> AsyncGenerator[BlockConnected | BlockDisconnected, None]:
        """Blocks from height `start` on, in order, verified and stored, without end; taken back where a better chain
        forks off.

        To go on after a restart, give the last block that was processed: what follows on it is given, and where it is
        not of the best chain any more, it is taken back first, and those before it down to the fork. Of a block that
        was left before we knew of it, that cannot be told: give several, the newest first, and those that are unknown
        are taken back until one is known. Raises LocalProtocolError when none is, once the headers are current.

        A consumer may be as slow as it likes: it reads from the store, and takes back what it was given when it comes
        to it. A block that is damaged on disk is fetched again. Raises StoreError, also for a `start` that was pruned;
        LocalProtocolError for a node that brings headers only.
        """
        self._require_blocks()
        async with aclosing(
            follow(self, self._readers, (start,) if isinstance(start, BlockId) else start, self._want)
        ) as events:
            async for event in events:
                yield event

    async def block(self, which: Height | Hash | BlockId) -> Block:
        """One block, verified: of the best chain by its height, of any that we know by its hash; out of the store, or
        of some peer, and then not stored. Waits for its header while headers are coming, and for peers. Raises
        LocalProtocolError for one whose header does not come, RequestFailed when no peer gives it, InvalidBlock when
        our own rules refuse it, StoreError."""
        return await fetch(self, await position_of(self, which))

    async def blocks(self, first: Height, last: Height | None = None) -> AsyncGenerator[Block, None]:
        """Those at these heights (`last` None: up to the tip), in order, as `block` gives each; several are asked for
        at a time. They are of the chain that is best at the beginning: to hear of reorganisations, `follow` it."""
        async with aclosing(blocks(self, first, last)) as found:
            async for block in found:
                yield block

    async def headers(self, first: Height = 0, last: Height | None = None) -> AsyncGenerator[Header, None]:
        """Those at these heights (`last` None: up to the tip), in order, of the chain that is best at the beginning. Of
        a chain of signed headers they come without their signatures."""
        async with aclosing(headers(self, first, last)) as found:
            async for header in found:
                yield header

    async def broadcast(
        self,
        raw: Raw,
        *,
        peers: int = 3,
        within: float = 60.0,
        progress: Callable[[Broadcast], None] | None = None,
    ) -> Broadcast:
        """Announce a transaction until so many peers have taken it, and tell what became of it.

        Returns when it was taken, and announced back by a peer that did not have it of us (which only a node with
        `relay` hears of); when all peers have taken it, and none is left to announce it back; or `within` so many
        seconds. Then it goes on for a day, as far as more peers are wanted. `progress` is called whenever the report
        changes. Only its form is checked: raises LocalProtocolError for bytes that are not exactly one transaction of
        this network, and when too many wait for peers that take them. StoreError when the node has failed.
        """
        txid = self.machine.broadcast(raw, peers, asyncio.get_running_loop().time())
        self.driver.after_input()
        return await wait_for(txid, self, within, progress)

    # How.

    def _keep(self, needed: Height | None) -> None:
        """What is read from this height on is not pruned."""
        if self._driver is not None:
            self.machine.sync.chain.needed = needed

    def _require_blocks(self) -> None:
        if self._headers_only:
            raise LocalProtocolError("this node brings headers only")

    def _want(self, floor: Height) -> None:
        """Bring blocks from `floor` on, besides those that are wanted already."""
        sync = self.machine.sync
        floor = max(floor, sync.chain.pruned_below)
        if not sync.wants_blocks or floor < sync.chain.floor:
            self.machine.want_blocks(floor, asyncio.get_running_loop().time())
            self.driver.after_input()

    def _look(self) -> None:
        """Something may have changed for those who wait."""
        for change, holds in self._watchers.items():
            if not change.done() and (self._driver is None or self.machine.failure is not None or holds()):
                change.set_result(None)

    def _open(self, directory: Path) -> tuple[Store, PeerStore | None]:
        """The store, and the address book where one is kept: in a directory that stays, by a node that finds its peers
        itself."""
        store = self._open_store(directory, self.network)
        if self._datadir is None or self._connect:
            return store, None
        try:
            return store, PeerStore.open(directory, self.network)
        except BaseException:
            store.close()
            raise

    def _config(self) -> NodeConfig:
        """Reads files, so not on the loop."""
        serves = bool(self._binds)
        return NodeConfig(
            network=self.network,
            user_agent=self._user_agent,
            peers=self._peers,
            connect=self._connect,
            addnode=self._addnode,
            seednode=self._seednode,
            peers_file=read_peers_file(self._peers_file, self.network.port) if self._peers_file else (),
            asn=read_asmap(self._asmap) if self._asmap else None,
            dns=self._peers > 0 and not self._connect,
            dnsseed=self._dnsseed,
            ways=self._ways,
            sync=self._sync,
            relay=self._relay,
            tx_cache=self._tx_cache,
            floor=0 if serves and not self._headers_only else None,
            ceiling=self._stop_at,
            thorough=self._thorough,
            serve=serves,
            port=self._port,
            external=self._external,
            upload_target=self._upload_target,
            max_inbound=self._max_inbound,
        )

    @property
    def _port(self) -> int:
        """What we say of ourselves in our version, where a chain has room for that; 0 when we do not listen."""
        return self._binds[0].port if self._binds else 0

    async def _listen(self, driver: NodeDriver, bind: Address) -> Address:
        try:
            return await driver.listen(bind)
        except OSError as error:
            raise ConfigError(f"cannot listen on {bind}: {words(error)}") from None

    async def _observe(self, stack: AsyncExitStack, address: Address, directory: Path) -> Address:
        from headway.aio.metrics import metrics_of  # noqa: PLC0415  (an extra)

        pool = stack.enter_context(ThreadPoolExecutor(1, "headway-metrics"))
        try:
            endpoint = await stack.enter_async_context(metrics_of(self, address, directory, pool))
        except OSError as error:
            raise ConfigError(f"cannot listen on {address} for metrics: {words(error)}") from None
        return endpoint.address
