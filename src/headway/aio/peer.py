"""One remote peer for users of asyncio: the machine of `peer.machine` behind awaitables, callbacks and iterators.

A reply settles its own request and runs its callback. Everything that waits for a peer fails when that peer goes. A
slow consumer of ours stops the socket, and no deadline of the remote runs while it waits for us.
Not here: the protocol (`peer.machine`), the socket (`connection`), how one gets it (`dial`), many peers (`node`).
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar, assert_never, cast

from headway.aio.blocks import AwaitedFeed, BlockStream
from headway.aio.config import LocalConfig
from headway.aio.connection import Connection, endpoints, shared_scratch
from headway.aio.consumers import Consumers
from headway.aio.timer import Timer
from headway.aio.waiters import Waiters
from headway.errors import LocalProtocolError, PeerGone, RequestTimeout
from headway.peer import events
from headway.peer.ending import why_gone, why_no_handshake
from headway.peer.events import PeerDisconnected, PeerEvent, PeerState, Reason
from headway.peer.inbox import message_of
from headway.peer.info import PeerInfo, peer_info
from headway.peer.log import numbers, tracer
from headway.peer.machine import PeerMachine
from headway.peer.questions import block_request, locator
from headway.types import ZERO_HASH, Address
from headway.wire import messages as m

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from headway.peer.stats import PeerStats
    from headway.types import BlockId, BlockRequest, Hash, Header, Instant, Locator

T = TypeVar("T")

_rng: Final = random.SystemRandom()


class Peer:
    """One connection. `await run()` shakes hands; then it lives until `close()`, or until the remote ends it.

    `id` is unique in this process and never changes.
    """

    def __init__(
        self, connection: socket.socket, *, inbound: bool = False, config: LocalConfig, address: Address | None = None
    ) -> None:
        """`connection`: a connected socket, of `open_connection` or accepted; from now on it is ours to close.

        `address`: who the remote is, where the socket does not tell: it ends at a proxy. Raises ConfigError when the
        config names no network that exists, PeerGone when the remote has hung up already.
        """
        self.id = next(numbers)
        self.config = config
        ours = config.peer_config()
        self._network = ours.network
        self._loop = asyncio.get_running_loop()
        self._socket = connection
        self._bound, remote = endpoints(connection)
        self._machine = PeerMachine(
            ours, inbound=inbound, address=address or remote, rng=_rng, scratch=shared_scratch(), log=tracer(self.id)
        )
        after_input = self._after_input  # one bound method for both
        self._connection = Connection(self._machine, after_input)
        self._timer = Timer(self._loop, self._ring)
        self._life: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None  # while we shake hands
        self._gone: PeerDisconnected | None = None
        self._fault: Exception | None = None  # what the remote did, when that ended it

        self._waiters = Waiters(self._update_flow)
        self._consumers = Consumers(config, after_input)
        self._feeds: tuple[AwaitedFeed, ...] = ()
        self._paused = False

    def __repr__(self) -> str:
        return f"<Peer {self.id} {self._machine.address} {self.state.name}>"

    # What it is.

    @property
    def state(self) -> PeerState:
        return self._machine.state

    @property
    def address(self) -> Address:
        return self._machine.address

    @property
    def version(self) -> m.Version | None:
        """The remote's version message, once it has come."""
        return self._machine.version

    @property
    def info(self) -> PeerInfo:
        """What getpeerinfo would say, now."""
        kind, now = "inbound" if self._machine.inbound else "manual", self._loop.time()
        return peer_info(self._machine, now, time.time(), number=self.id, bound=self._bound, connection_type=kind)

    @property
    def stats(self) -> PeerStats:
        """What happened so far, in numbers, up to why it ended; goes on counting. For reading only."""
        return self._machine.stats

    @property
    def disconnected(self) -> PeerDisconnected | None:
        """Why it ended; None while it lives."""
        return self._gone

    # Its life.

    async def run(self) -> None:
        """Shake hands. Returns when the peer is ready; it then goes on by itself.

        Raises HandshakeRejected or RequestTimeout, and then the connection is closed and nothing is left of it; so it
        is when this call is cancelled.
        """
        if self._life is not None or self._gone is not None:
            raise LocalProtocolError(f"{self!r} was run already")
        self._life = self._loop.create_task(self._live(), name=f"headway peer {self.id}")
        self._ready = self._loop.create_future()
        try:
            await self._connection.attach(self._socket)
            await self._wait(self._ready)
        except BaseException as error:
            self._connection.close()
            await asyncio.wait([self._life])
            if isinstance(error, PeerGone):
                assert self._gone is not None, "a handshake fails by the end of the peer"
                raise why_no_handshake(self.address, self._gone, self._fault) from None
            raise
        finally:
            self._ready = None

    def disconnect(self, message: str = "closed by us") -> None:
        """Begin to end the connection: what is queued is still sent, for `Timing.close_timeout` at most."""
        if self._gone is None:
            self._machine.disconnect(Reason.REQUESTED, message, self._loop.time())
            self._after_input()

    def close(self) -> asyncio.Future[None]:
        """End the connection. Await the result to know that nothing is left of it: no socket, no task."""
        self.disconnect()
        if self._life is None:
            self._socket.close()
        if self._life is None or self._life is asyncio.current_task():  # a callback cannot wait for its own end
            closed: asyncio.Future[None] = self._loop.create_future()
            closed.set_result(None)
            return closed
        return asyncio.shield(self._life)

    async def _live(self) -> None:
        """The one task of a peer: runs the callbacks in order of arrival, then waits for the socket to close."""
        try:
            while (call := self._consumers.next_call()) is not None:
                await call
                await self._consumers.run_callbacks(self)
            await asyncio.wait([self._connection.closed])
        finally:
            self._timer.cancel()
            self._connection.close()

    # Questions.

    async def ping(self) -> float:
        """Seconds that a ping took. Raises RequestFailed."""
        return cast("float", await self._reply(self._machine.ping(self._asking())))

    async def request_headers(
        self, start: Locator | BlockId | Hash, *, stop: Hash = ZERO_HASH, fence: bool = False
    ) -> m.Headers:
        """The headers that follow the newest block of `start` which the remote has; unchecked. Raises RequestFailed.

        Empty: nothing follows. Some nodes say so by silence: with `fence` a ping goes behind the question, and its
        pong is taken for "nothing"; without it, silence is a RequestTimeout, save on chains where it is an answer
        (Neo): there it is "nothing" at the deadline.
        """
        start_at = locator(start, self._network)
        return cast(
            "m.Headers",
            await self._reply(self._machine.request_headers(start_at, self._asking(), stop=stop, fence=fence)),
        )

    def request_blocks(self, wanted: Iterable[BlockRequest | Header | BlockId | Hash]) -> BlockStream:
        """The blocks of headers, ids, hashes or BlockRequests, in order of arrival; asked once iteration begins.

        The iteration raises RequestFailed when the peer goes; what did not come is in `missing` of the stream.
        """
        feed = AwaitedFeed(map(block_request, wanted), self._network.limits.max_blocks_in_flight)
        return BlockStream(self._stream(feed), feed)

    async def request_addresses(self) -> tuple[Address, ...]:
        """Addresses of other nodes. Silence is lawful here, so a RequestTimeout does not end the peer."""
        return cast("tuple[Address, ...]", await self._reply(self._machine.request_addresses(self._asking())))

    async def request_transaction(self, txid: Hash) -> m.Tx | None:
        """One transaction, None when the remote says that it does not have it. Raises RequestFailed."""
        return cast("m.Tx | None", await self._reply(self._machine.request_transaction(txid, self._asking())))

    def send(self, message: m.Message) -> None:
        """Send and wait for nothing. Raises PeerGone, or LocalProtocolError before the handshake is done."""
        self._machine.send(message, self._asking())
        self._after_input()

    async def messages(self) -> AsyncGenerator[m.Message, None]:
        """Every message from the first iteration on, replies included; pings, pongs and the handshake are not shown.

        Ends when we close the peer; raises PeerGone when the remote ends it. Whoever reads slowly stops the socket.
        """
        self._asking()
        async for message in self._consumers.messages():
            yield message

    # Answers.

    def _asking(self) -> Instant:
        """Now, for the machine. Raises PeerGone when there is nobody left to ask."""
        if self._gone is not None:
            raise self._why_gone()
        return self._loop.time()

    async def _reply(self, request: int) -> Any:
        reply = self._waiters.expect(request)
        self._after_input()
        try:
            return await self._wait(reply)
        finally:
            if self._waiters.forget(request) and self._gone is None:
                self._machine.cancel(request, self._loop.time())
                self._after_input()

    async def _stream(self, feed: AwaitedFeed) -> AsyncGenerator[m.Block, None]:
        self._feeds += (feed,)
        try:
            while not feed.is_done:
                if self._gone is None and feed.ask_more(self._machine, self._loop.time()):
                    self._after_input()
                if feed.has_block:
                    yield feed.take()
                else:
                    await self._wait(feed.arrival())
        finally:
            self._feeds = tuple(each for each in self._feeds if each is not feed)
            if self._gone is None:
                feed.finish(self._loop.time())
                self._after_input()

    async def _wait(self, future: asyncio.Future[T]) -> T:
        """Await what only this peer can bring. Fails as soon as it goes."""
        if self._gone is not None and not future.done():
            raise self._why_gone()
        return await self._waiters.wait(future)

    # The machine.

    def _ring(self, now: Instant) -> None:
        self._machine.handle_timer(now)
        self._after_input()

    def _after_input(self) -> None:
        """Take what the machine has to say; every input ends here."""
        while True:
            happened = self._machine.events_received()
            for event in happened:
                self._handle(event)
            self._update_flow()
            if chunks := self._machine.data_to_send():
                self._connection.write(chunks)
            if not happened and not chunks:
                break
        if self._machine.wants_close():
            self._connection.close()
        self._timer.arm(self._machine.get_timer())

    def _handle(self, event: PeerEvent) -> None:  # noqa: C901, PLR0912  # one case for each event of the union
        match event:
            case events.HandshakeCompleted():
                if self._ready is not None and not self._ready.done():  # its call may have been cancelled just now
                    self._ready.set_result(None)
            case events.HeadersReceived():
                self._settle(event.request, event.headers)
            case events.BlockReceived():
                if event.request is not None:
                    any(feed.accept(event.request, event.block) for feed in self._feeds)
            case events.BlocksNotFound():
                for feed in self._feeds:
                    feed.not_found(event.requests)
            case events.AddressesReceived():
                self._settle(event.request, event.addresses)
            case events.TransactionReceived():
                self._settle(event.request, event.transaction)
            case events.PongReceived():
                self._settle(event.request, event.round_trip)
            case events.HeightStated():
                pass  # a user reads it from `info`
            case events.InvReceived() | events.MessageReceived():
                pass  # for consumers alone
            case events.RequestTimedOut():
                self._expire(event.request, f"{self.address} did not answer {event.kind.name.lower()} in time")
            case events.PeerMisbehaved():
                self._fault = event.error
            case events.BatchFinished():
                pass  # a feed asks its batch
            case PeerDisconnected():
                self._end(event)
            case _:
                assert_never(event)
        if (message := message_of(event)) is not None:
            self._consumers.deliver(message)

    def _settle(self, request: int | None, answer: Any) -> None:
        if request is not None:
            self._waiters.settle(request, answer)

    def _expire(self, request: int, message: str) -> None:
        self._waiters.expire(request, RequestTimeout(message))
        for feed in self._feeds:
            if feed.owns(request):
                feed.fail(RequestTimeout(message))

    def _end(self, event: PeerDisconnected) -> None:
        """The last event: whatever waits for this peer waits no longer."""
        self._gone = event
        self._waiters.fail_all(self._why_gone)
        self._consumers.end(event, None if event.reason is Reason.REQUESTED else self._why_gone)

    def _why_gone(self) -> PeerGone:
        assert self._gone is not None, "asked only of a peer that has ended"
        return why_gone(self.address, self._gone, self._fault)

    # Consumers of ours.

    def callback_failed(self, error: Exception) -> None:
        """A callback raised: the peer ends, for nobody knows what was left undone."""
        if self._gone is None:
            why = f"{type(error).__name__} in a callback of ours"
            self._machine.disconnect(Reason.CALLBACK_FAILED, why, self._loop.time())
            self._after_input()

    def _update_flow(self) -> None:
        """Stop the socket while a backlog is full, and the remote's clocks while it waits for our callbacks."""
        if self._gone is not None:
            return
        full = self._consumers.full()
        if full:
            self._connection.pause_reading()
            self._waiters.fail_those({backlog.consumer for backlog in full}, self._why_stuck)
        else:
            self._connection.resume_reading()
        behind = self._consumers.is_behind and not self._waiters.is_waiting(self._life)
        paused = bool(full) or behind
        if paused != self._paused:
            self._paused = paused
            (self._machine.handle_paused if paused else self._machine.handle_resumed)(self._loop.time())
            self._timer.arm(self._machine.get_timer())

    def _why_stuck(self) -> LocalProtocolError:
        """Who awaits a reply while his own backlog is full would wait for ever: nothing is read any more."""
        return LocalProtocolError(
            f"{self!r}: the reply stands behind messages that this same task has not taken; await it in another task"
        )
