"""One remote peer for programs without asyncio: the machine of `peer.machine` behind calls that wait.

A call drives the machine until its answer is there: bytes that have arrived go in before a due timer fires, and what
has to be said goes out. Between calls nothing runs. Then the clocks of blocks that are owed stand still, for the remote
may be waiting for us to read; all others go on. One thread at a time may use a peer.
Not here: the protocol (`peer.machine`), the socket (`connection`).
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final, Self, cast

from headway.blocking.blocks import BlockStream
from headway.blocking.connection import Connection, endpoints
from headway.errors import LocalProtocolError, PeerGone, RequestTimeout
from headway.peer import events
from headway.peer.config import PeerConfig
from headway.peer.ending import why_gone, why_no_handshake
from headway.peer.events import PeerDisconnected, PeerEvent, PeerState, Reason
from headway.peer.feed import Feed
from headway.peer.inbox import Inbox, message_of, size_of
from headway.peer.info import PeerInfo, peer_info
from headway.peer.log import numbers, tracer
from headway.peer.machine import PeerMachine
from headway.peer.questions import block_request, locator
from headway.types import ZERO_HASH, Address

if TYPE_CHECKING:
    from headway.peer.stats import PeerStats
    from headway.types import BlockId, BlockRequest, Hash, Header, Instant, Locator
    from headway.wire import messages as m

MAX_OVERTIME: Final = 32_000_000
"""Bytes still read when time is up: as many as may have arrived by then (the system's largest receive buffer), so that
nobody is blamed for our own delay, and a flood cannot put off a deadline for ever."""

_rng: Final = random.SystemRandom()


@dataclass(slots=True)
class _Question:
    """What the call that runs now waits for."""

    request: int | None
    """None: of nothing that the machine knows."""
    is_answered: bool = False
    answer: Any = None
    error: RequestTimeout | None = None


class Peer:
    """One connection. `handshake()` first; `connect` has done that. Use it in a `with`, or `close()` it.

    Every call takes a `timeout` in seconds, after which it raises RequestTimeout and the peer stays as it is. None: the
    network's own deadlines decide (`Timing`), and where one ends the peer, what is asked later is PeerGone.
    `id` is unique in this process and never changes.
    """

    def __init__(
        self, connection: socket.socket, *, inbound: bool = False, config: PeerConfig, address: Address | None = None
    ) -> None:
        """`connection`: a connected socket, dialled or accepted; from now on it is ours to close.

        `address`: who the remote is, where the socket does not tell: it ends at a proxy. Raises PeerGone when the
        remote has hung up already.
        """
        self.id = next(numbers)
        self._bound, remote = endpoints(connection)
        self._machine = PeerMachine(config, inbound=inbound, address=address or remote, rng=_rng, log=tracer(self.id))
        self._connection = Connection(connection, self._machine)
        self._network = config.network
        self._gone: PeerDisconnected | None = None
        self._fault: Exception | None = None  # what the remote did, when that ended it
        self._question: _Question | None = None
        self._feeds: list[Feed] = []
        self._inbox: Inbox[m.Message] = Inbox()
        self._is_collecting = False
        self._is_paused = False

    def __repr__(self) -> str:
        return f"<Peer {self.id} {self._machine.address} {self.state.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

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
        kind, now = "inbound" if self._machine.inbound else "manual", time.monotonic()
        return peer_info(self._machine, now, time.time(), number=self.id, bound=self._bound, connection_type=kind)

    @property
    def stats(self) -> PeerStats:
        """What happened so far, in numbers, up to why it ended; goes on counting. For reading only."""
        return self._machine.stats

    @property
    def disconnected(self) -> PeerDisconnected | None:
        """Why it ended; None while it lives, as far as the last call saw."""
        return self._gone

    # Its life.

    def handshake(self, *, timeout: float | None = None) -> None:
        """Shake hands. Raises HandshakeRejected or RequestTimeout, and then the connection is closed."""
        if self.state is not PeerState.CONNECTING:
            raise LocalProtocolError(f"handshake on a peer that is {self.state.name}")
        try:
            self._machine.handle_connected(time.monotonic(), time.time())
            is_ready = self._drive(lambda: self.state is PeerState.READY, timeout)
        except BaseException as error:
            self.close(timeout=0.0)
            if isinstance(error, PeerGone):
                assert self._gone is not None, "a handshake fails by the end of the peer"
                raise why_no_handshake(self.address, self._gone, self._fault) from None
            raise
        if not is_ready:
            self.close(timeout=0.0)
            raise RequestTimeout(f"no handshake with {self.address} within {timeout:g} s")

    def poll(self, *, timeout: float = 0.0) -> None:
        """Between other calls: hear what has arrived and answer its pings, for `timeout` seconds. Raises PeerGone."""
        with self._at_work():
            self._drive(lambda: self._inbox.is_full, timeout)

    def close(self, *, timeout: float | None = None) -> None:
        """End the connection; nothing is left of it. What is queued still goes out, for `Timing.close_timeout`."""
        now = time.monotonic()
        until = inf if timeout is None else now + timeout
        self._machine.disconnect(Reason.REQUESTED, "closed by us", now)
        try:
            self._after_input()
            while not self._connection.is_closed and now < until:
                self._connection.exchange(self._soonest(until) - now, reading=False)
                now = time.monotonic()
                self._machine.handle_timer(now)
                self._after_input()
        finally:
            self._connection.close()
            self._machine.handle_connection_lost("closed", now)

    # Questions.

    def ping(self, *, timeout: float | None = None) -> float:
        """Seconds that a ping took. Raises RequestFailed."""
        return cast("float", self._reply(self._machine.ping, timeout))

    def request_headers(
        self,
        start: Locator | BlockId | Hash,
        *,
        stop: Hash = ZERO_HASH,
        fence: bool = False,
        timeout: float | None = None,
    ) -> m.Headers:
        """The headers that follow the newest block of `start` which the remote has; unchecked. Raises RequestFailed.

        Empty: nothing follows. Some nodes say so by silence: with `fence` a ping goes behind the question, and its
        pong is taken for "nothing"; without it, silence is a RequestTimeout, save on chains where it is an answer
        (Neo): there it is "nothing" at the deadline.
        """

        def ask(now: Instant) -> int:
            return self._machine.request_headers(locator(start, self._network), now, stop=stop, fence=fence)

        return cast("m.Headers", self._reply(ask, timeout))

    def request_blocks(
        self, wanted: Iterable[BlockRequest | Header | BlockId | Hash], *, timeout: float | None = None
    ) -> BlockStream:
        """The blocks of headers, ids, hashes or BlockRequests, in order of arrival; asked once iteration begins.

        The iteration raises RequestFailed when the peer goes, or no block comes for `timeout` seconds of waiting; what
        did not come is in `missing` of the stream.
        """
        feed = Feed(map(block_request, wanted), self._network.limits.max_blocks_in_flight)
        return BlockStream(self._stream(feed, timeout), feed)

    def request_addresses(self, *, timeout: float | None = None) -> tuple[Address, ...]:
        """Addresses of other nodes. Silence is lawful here, so a RequestTimeout does not end the peer."""
        return cast("tuple[Address, ...]", self._reply(self._machine.request_addresses, timeout))

    def request_transaction(self, txid: Hash, *, timeout: float | None = None) -> m.Tx | None:
        """One transaction, None when the remote says that it does not have it. Raises RequestFailed."""
        return cast("m.Tx | None", self._reply(lambda now: self._machine.request_transaction(txid, now), timeout))

    def send(self, message: m.Message, *, timeout: float | None = None) -> None:
        """Send, and expect no answer. Returns when the system has taken it.

        Raises PeerGone, or RequestTimeout where the remote does not read; what is queued then goes out with later
        calls. Raises LocalProtocolError before the handshake is done.
        """
        with self._at_work() as now:
            self._machine.send(message, now)
            if not self._drive(lambda: not self._connection.queued, timeout):
                raise RequestTimeout(f"{self.address} does not read: {self._connection.queued} bytes wait for it")
            if self._gone is not None:
                raise self._why_gone()

    def messages(self, *, timeout: float | None = None) -> Iterator[m.Message]:
        """Every message from the first call on that answered no question of ours; pings, pongs and the handshake are
        not shown.

        Ends when nothing came for `timeout` seconds of waiting (0: once all that has arrived was taken), and when we
        close the peer; raises PeerGone when the remote ends it. What comes during other calls waits here. Once a bound
        is reached nothing more is read, and a call that would have to is a LocalProtocolError.
        """
        if self._gone is not None and not self._inbox:
            raise self._why_gone()
        self._is_collecting = True
        return self._take_messages(timeout)

    def _take_messages(self, timeout: float | None) -> Generator[m.Message, None, None]:
        while True:
            if self._gone is None:
                with self._at_work():
                    if not self._drive(lambda: len(self._inbox) > 0, timeout):
                        return
            elif not self._inbox:
                if self._gone.reason is Reason.REQUESTED:
                    return
                raise self._why_gone()
            yield self._inbox.take()

    # Answers.

    @contextmanager
    def _at_work(self) -> Iterator[Instant]:
        """A call of the user runs. Raises PeerGone when there is nobody left to ask."""
        if self._gone is not None:
            raise self._why_gone()
        now = time.monotonic()
        if self._is_paused:
            self._is_paused = False
            self._machine.handle_resumed(now)
        try:
            yield now
        finally:
            if self._gone is None and any(feed.is_owed for feed in self._feeds):
                self._is_paused = True
                self._machine.handle_paused(time.monotonic())

    def _reply(self, ask: Callable[[Instant], int], timeout: float | None) -> Any:
        with self._at_work() as now:
            request = ask(now)
            question = _Question(request)
            try:
                self._wait(question, lambda: question.is_answered, timeout)
            finally:
                if not question.is_answered and self._gone is None:
                    self._machine.cancel(request, time.monotonic())
            return question.answer

    def _stream(self, feed: Feed, timeout: float | None) -> Generator[m.Block, None, None]:
        self._feeds.append(feed)
        try:
            while not feed.is_done:
                if self._gone is None or not feed.has_block:
                    with self._at_work() as now:
                        feed.ask_more(self._machine, now)
                        self._wait(_Question(feed.request), lambda: feed.has_block or feed.is_done, timeout)
                if feed.has_block:
                    yield feed.take()
        finally:
            self._feeds.remove(feed)
            if self._gone is None:
                with self._at_work() as now:
                    feed.finish(now)
                    self._after_input()

    def _wait(self, question: _Question, done: Callable[[], bool], timeout: float | None) -> None:
        """Until `done`. Raises RequestTimeout and PeerGone."""
        self._question = question
        try:
            if not self._drive(lambda: done() or question.error is not None, timeout):
                raise RequestTimeout(f"{self.address} did not answer within {timeout:g} s")
        finally:
            self._question = None
        if question.error is not None:
            raise question.error

    # The machine.

    def _drive(self, done: Callable[[], bool], timeout: float | None) -> bool:
        """Move bytes and time until `done`; False: not within `timeout`. Raises PeerGone.

        Bytes and time move once in any case: a call whose answer is here already must not leave a ping unanswered.
        """
        until, overtime = inf if timeout is None else time.monotonic() + timeout, 0
        self._after_input()
        if self._gone is None and not self._inbox.is_full:
            if not self._connection.exchange(0.0):
                self._machine.handle_timer(time.monotonic())  # a spurious call does nothing
            self._after_input()
        while not done():
            if self._gone is not None:
                raise self._why_gone()
            if self._inbox.is_full:
                raise LocalProtocolError(f"{self!r}: the answer stands behind messages that wait; take them first")
            soonest = self._soonest(until)
            came = self._connection.exchange(soonest - time.monotonic())
            now = time.monotonic()
            overtime = overtime + came if now >= soonest else 0
            is_quiet = not came or overtime > MAX_OVERTIME
            if is_quiet:
                self._machine.handle_timer(now)
            self._after_input()
            if is_quiet and now >= until and self._gone is None:
                return done()
        return True

    def _soonest(self, until: Instant) -> Instant:
        """When to stop waiting for bytes: at `until`, or when the machine wants to do something before that."""
        due = self._machine.get_timer()
        return until if due is None else min(until, due)

    def _after_input(self) -> None:
        """Take what the machine has to say; every input ends here."""
        while True:
            happened = self._machine.events_received()
            for event in happened:
                self._handle(event)
            if chunks := self._machine.data_to_send():
                self._connection.write(chunks, time.monotonic())
            if not happened and not chunks:
                break
        if self._machine.wants_close():
            self._connection.close()

    def _handle(self, event: PeerEvent) -> None:  # noqa: C901  # one case for each event that concerns somebody
        match event:
            case events.HeadersReceived(headers=answer, request=int(request)):
                self._settle(request, answer)
            case events.AddressesReceived(addresses=answer, request=int(request)):
                self._settle(request, answer)
            case events.TransactionReceived(transaction=answer, request=int(request)):
                self._settle(request, answer)
            case events.PongReceived(round_trip=answer, request=int(request)):
                self._settle(request, answer)
            case events.BlockReceived(block=block, request=wanted) if wanted is not None:
                any(feed.accept(wanted, block) for feed in self._feeds)
            case events.BlocksNotFound():
                for feed in self._feeds:
                    feed.not_found(event.requests)
            case events.RequestTimedOut():
                self._expire(event)
            case events.PeerMisbehaved():
                self._fault = event.error
            case PeerDisconnected():
                self._gone = event
            case _:
                self._collect(event)

    def _settle(self, request: int, answer: Any) -> None:
        if self._question is not None and self._question.request == request:
            self._question.is_answered, self._question.answer = True, answer

    def _expire(self, event: events.RequestTimedOut) -> None:
        if self._question is not None and self._question.request == event.request:
            what = event.kind.name.lower()
            self._question.error = RequestTimeout(f"{self.address} did not answer {what} in time")

    def _collect(self, event: PeerEvent) -> None:
        """What answers nothing, for whoever reads messages."""
        if self._is_collecting and (message := message_of(event)) is not None:
            self._inbox.put(message, size_of(message))

    def _why_gone(self) -> PeerGone:
        assert self._gone is not None, "asked only of a peer that has ended"
        return why_gone(self.address, self._gone, self._fault)
