"""The conversation with one READY peer: our questions and their answers, its pings and announcements.

Each request is settled by its own answer, expires at its own deadline, or fails with the connection. Answers that
settle nothing (announcements, late ones) are reported with `request=None`; what the owner must answer, as it is.
Not here: which message may come when, and the end (`peer.machine`). Called by `peer.machine` only.

# Security
Nothing of the remote is kept but the numbers in `requests` and `blocks`, whose tables are bounded by what we asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from headway.errors import LocalProtocolError
from headway.peer.blocks import BlockBatch, Downloads, asking
from headway.peer.deadlines import Cause, Deadlines
from headway.peer.events import (
    AddressesReceived,
    BatchFinished,
    BlockReceived,
    BlocksNotFound,
    HeadersReceived,
    HeightStated,
    InvReceived,
    MessageReceived,
    PongReceived,
    Reason,
    RequestTimedOut,
    TransactionReceived,
)
from headway.peer.requests import (
    AddressesRequest,
    HeadersRequest,
    Outstanding,
    PingRequest,
    Request,
    RequestTable,
    TransactionRequest,
    fresh_nonce,
    require_hashes,
)
from headway.wire.messages import Addr, AddrV2, Block, Headers, Inv, Message, NotFound, Ping, Pong, Tx

if TYPE_CHECKING:
    from headway.peer.config import PeerConfig
    from headway.peer.output import Output
    from headway.types import Address, BlockRequest, Hash, Height, Instant, Locator

End: TypeAlias = Callable[[Reason, str, "Instant"], None]
"""Ends the connection: why, in words for people, and when."""


class Exchange:
    """One peer's requests and what becomes of them."""

    __slots__ = (
        "_address", "_answers_pings", "_config", "_deadlines", "_end", "_height", "_last_id", "_output", "_rng",
        "_table", "_wire", "downloads", "wall_clock",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917  (its one caller hands over its own parts)
        self,
        config: PeerConfig,
        address: Address,
        rng: random.Random,
        output: Output,
        deadlines: Deadlines,
        end: End,
    ) -> None:
        limits, timing = config.network.limits, config.network.timing
        self.downloads = Downloads(deadlines, limits, timing)
        self._config = config
        self._address = address
        self._wire = output.wire
        self._output = output
        self._deadlines = deadlines
        self._rng = rng
        self._end = end
        self._table = RequestTable(limits.max_queued_requests)
        self._last_id = 0
        self._height = 0  # the greatest that the remote has stated
        self._answers_pings = config.network.codec.answers_pings  # and, where not all do: whether this one has done so
        self.wall_clock = 0.0
        """Wall time less the driver's time; for what a ping says."""

    def outstanding(self, now: Instant) -> Outstanding:
        batch, ping = self._table.out(BlockBatch), self._table.out(PingRequest)
        waited = max(self._deadlines.clock(now) - ping.sent_at, 0.0) if ping else None
        return Outstanding(tuple(batch.in_flight.values()) if batch else (), waited)

    def is_asked(self, block_hash: Hash) -> bool:
        batch = self._table.out(BlockBatch)
        return batch is not None and block_hash in batch.in_flight

    def start(self, now: Instant) -> None:
        """The peer is READY."""
        self._height = self._output.stats.height
        self._deadlines.arm(Cause.PING, self._config.network.timing.ping_interval, now)

    def close(self) -> None:
        """The connection has ended: all that was outstanding or waiting has failed."""
        for request in self._table.clear():
            self._note_cancelled(request)
            if isinstance(request, BlockBatch):
                request.is_finished = True
        self.downloads.close()
        self._wire.expect_block = False
        self._output.drop_late()

    # What the owner orders. Each raises LocalProtocolError for what cannot be asked, or when too many wait already.

    def request_headers(self, locator: Locator, stop: Hash, now: Instant, *, fence: bool, expected: int = 0) -> int:
        limits, rules = self._config.network.limits, self._config.network.rules
        if len(locator) > limits.max_locator:
            raise LocalProtocolError(f"a locator of {len(locator)} blocks, at most {limits.max_locator}")
        require_hashes([stop, *(block.hash for block in locator)])
        messages = [self._wire.ask_headers(locator, stop)]
        fence = fence and self._answers_pings
        nonce = self._fresh_nonce() if fence else 0
        if fence:
            messages.append(self._ping(nonce, now))
        known = frozenset((rules.root.hash, *(block.hash for block in locator)))
        must_answer = fence or not self._config.network.codec.silence_is_answer
        return self._put(HeadersRequest(self._new_id(), messages, known, stop, nonce, expected, must_answer), now)

    def request_blocks(self, requests: Sequence[BlockRequest], now: Instant) -> BlockBatch:
        batch = BlockBatch(self._new_id(), self._messages({}, requests), self._extend, self._finish)
        batch.in_flight.update((request.hash, request) for request in requests)
        self._put(batch, now)
        return batch

    def request_addresses(self, now: Instant) -> int:
        return self._put(AddressesRequest(self._new_id(), [self._wire.ask_addresses()]), now)

    def request_transaction(self, txid: Hash, now: Instant) -> int:
        require_hashes([txid])
        return self._put(TransactionRequest(self._new_id(), [self._wire.ask_transaction(txid)], txid), now)

    def ping(self, now: Instant, *, is_keepalive: bool = False) -> int:
        nonce, must_answer = self._fresh_nonce(), self._answers_pings
        ping = self._ping(nonce, now)
        request = PingRequest(self._new_id(), [ping], nonce, is_keepalive=is_keepalive, must_answer=must_answer)
        return self._put(request, now)

    def cancel(self, request_id: int, now: Instant) -> None:
        request = self._table.find(request_id)
        if isinstance(request, BlockBatch):
            self._finish(request, now)
        elif request is not None:
            self._note_cancelled(request)
            self._remove(request, now)

    # What the remote says.

    def receive(self, message: Message, now: Instant) -> None:
        """Take a message. Raises CodecError when it cannot be read far enough to know what it answers."""
        handler = self._HANDLERS.get(type(message))
        if handler is None:
            self._output.emit(MessageReceived(message))
        else:
            handler(self, message, now)

    def _on_headers(self, headers: Headers, now: Instant) -> None:
        request = self._table.out(HeadersRequest)
        if request is None or not request.is_settled_by(headers):
            self._output.emit(HeadersReceived(headers, None))
            return
        self._output.emit(HeadersReceived(headers, request.id))
        self._settle(request, now)

    def _on_block(self, block: Block, now: Instant) -> None:
        batch = self._table.out(BlockBatch)
        before = batch.progress_at if batch else 0.0
        request = self.downloads.receive(batch, block.hash, len(block), now)
        self._output.emit(BlockReceived(block, request))
        if batch and request:
            self._output.stats.note_block(len(block), batch.progress_at - before)
            self._settle_if_empty(batch, now)

    def _on_not_found(self, message: NotFound, now: Instant) -> None:
        batch, transaction = self._table.out(BlockBatch), self._table.out(TransactionRequest)
        missing = [self.downloads.miss(batch, entry.hash, now) for entry in message.entries]
        if requests := tuple(request for request in missing if request):
            self._output.emit(BlocksNotFound(requests))
        if batch and requests:
            self._settle_if_empty(batch, now)
        if transaction and any(entry.hash == transaction.txid for entry in message.entries):
            self._output.emit(TransactionReceived(None, transaction.txid, transaction.id))
            self._settle(transaction, now)

    def damaged(self, command: str, now: Instant) -> None:
        """A frame came damaged and was dropped; a block is asked for again. Raises CodecError where that has no end."""
        batch = self._table.out(BlockBatch)
        if batch is not None and command == Block.command:
            for message in self._wire.ask_blocks([self.downloads.lose(batch, now)]):
                self._output.write(message, now)

    def _on_transaction(self, transaction: Tx, now: Instant) -> None:
        request, txid = self._table.out(TransactionRequest), transaction.txid
        if request is None or request.txid != txid:
            self._output.emit(TransactionReceived(transaction, txid, None))
            return
        self._output.emit(TransactionReceived(transaction, txid, request.id))
        self._settle(request, now)

    def _on_addresses(self, message: Addr | AddrV2, now: Instant) -> None:
        request = self._table.out(AddressesRequest)
        if request is None or not request.is_settled_by(message.addresses, self._address):
            self._output.emit(AddressesReceived(message.addresses, None))
            return
        self._output.emit(AddressesReceived(message.addresses, request.id))
        self._settle(request, now)

    def _on_inv(self, message: Inv, now: Instant) -> None:  # noqa: ARG002  (a handler of the table)
        self._output.emit(InvReceived(message.entries))

    def _on_ping(self, ping: Ping, now: Instant) -> None:
        """Answered once the owner has taken what came before. A ping without a nonce asks for no pong."""
        self._note_height(ping.height)
        if ping.nonce is not None:
            self._output.write_late(Pong(ping.nonce, self._config.start_height(), self._wall_time(now)), now)

    def _on_pong(self, pong: Pong, now: Instant) -> None:
        """As Core ProcessPong: another nonce leaves the ping outstanding, none or zero cancels it."""
        headers, ping = self._table.out(HeadersRequest), self._table.out(PingRequest)
        self._answers_pings = True
        self._note_height(pong.height)
        if headers and pong.nonce and pong.nonce == headers.fence:
            self._nothing_more(headers, now)
        elif ping and pong.nonce == ping.nonce:
            round_trip = max(self._deadlines.clock(now) - ping.sent_at, 0.0)  # rounding may make it less than nothing
            self._output.stats.note_round_trip(round_trip)
            self._output.emit(PongReceived(round_trip, None if ping.is_keepalive else ping.id))
            self._settle(ping, now)
        elif ping and not pong.nonce:
            self._output.stats.of(ping.kind).expired += 1
            self._report_expired(ping, ends_peer=False)
            self._remove(ping, now)

    def _nothing_more(self, request: HeadersRequest, now: Instant) -> None:
        """No headers came, and that is an answer."""
        nothing = Headers(b"", (), (), self._config.network.codec.parser)
        self._output.emit(HeadersReceived(nothing, request.id, fenced=True))
        self._settle(request, now)

    def _note_height(self, height: Height) -> None:
        if height > self._height:
            self._height = height
            self._output.emit(HeightStated(height))

    # What time does.

    def expire(self, cause: Cause, now: Instant) -> None:
        """The deadline of `cause` has passed."""
        if cause is Cause.PING:
            if self._table.out(PingRequest) is None:
                self.ping(now, is_keepalive=True)
            return
        request = self._table.out(self._KINDS[cause])
        assert request is not None, "a request that goes takes its deadline with it"
        if isinstance(request, BlockBatch):
            why = self.downloads.overdue(request, now)
        else:
            why = f"{request.command} unanswered for {request.timeout(self._config.network.timing):g} s"
        if why:
            self._expire(request, why, now)

    # How a request goes through.

    def _put(self, request: Request, now: Instant) -> int:
        if self._table.put(request):
            self._begin(request, now)
        return request.id

    def _begin(self, request: Request, now: Instant) -> None:
        """Its turn has come."""
        self._output.stats.of(request.kind).asked += 1
        for message in request.messages:
            self._output.write(message, now)
        request.messages, request.sent_at = [], self._deadlines.clock(now)
        if isinstance(request, BlockBatch):
            self._wire.expect_block = True
            self.downloads.start(request, now)
            return
        self._deadlines.arm(request.cause, request.timeout(self._config.network.timing), now)

    def _settle(self, request: Request, now: Instant) -> None:
        self._output.stats.of(request.kind).note_settled(self._deadlines.clock(now) - request.sent_at)
        self._remove(request, now)

    def _expire(self, request: Request, why: str, now: Instant) -> None:
        """No answer in time. What follows depends on whether there had to be one."""
        if isinstance(request, HeadersRequest) and not request.must_answer:
            self._nothing_more(request, now)
            return
        self._output.stats.of(request.kind).expired += 1
        self._output.trace(f"- response_timeout {request.command}")
        ends_peer = request.must_answer and not (isinstance(request, HeadersRequest) and self._config.is_needed(now))
        self._report_expired(request, ends_peer=ends_peer)
        if not ends_peer:
            self._remove(request, now)
            return
        self._table.remove(request)
        if isinstance(request, BlockBatch):
            request.is_finished = True
        self._end(Reason.PING_TIMEOUT if isinstance(request, PingRequest) else Reason.STALLED, why, now)

    def _note_cancelled(self, request: Request) -> None:
        """One that still waited for its turn was never asked, so it counts for nothing."""
        if not request.messages:
            self._output.stats.of(request.kind).cancelled += 1

    def _report_expired(self, request: Request, *, ends_peer: bool) -> None:
        if not (isinstance(request, PingRequest) and request.is_keepalive):
            self._output.emit(RequestTimedOut(request.id, request.kind, ends_peer))

    def _remove(self, request: Request, now: Instant) -> None:
        """A request is over, whatever came of it; the next of its kind has its turn."""
        if self._table.is_out(request):
            self._deadlines.disarm(request.cause)
            if isinstance(request, BlockBatch):
                self.downloads.end(request)
                self._wire.expect_block = False
            elif isinstance(request, PingRequest):
                self._deadlines.arm(Cause.PING, self._config.network.timing.ping_interval, now)
        following = self._table.remove(request)
        if following is not None:
            self._begin(following, now)

    # Block batches, as their owner handles them.

    def _extend(self, batch: BlockBatch, requests: Sequence[BlockRequest], now: Instant) -> None:
        if batch.is_finished:
            raise LocalProtocolError("this batch is finished: ask in a new one")
        messages = self._messages(batch.in_flight, requests)
        batch.in_flight.update((request.hash, request) for request in requests)
        if not self._table.is_out(batch):
            batch.messages += messages
            return
        for message in messages:
            self._output.write(message, now)
        self.downloads.extend(batch, requests, now)

    def _finish(self, batch: BlockBatch, now: Instant) -> None:
        if batch.is_finished:
            return
        self._note_cancelled(batch)
        self._finished(batch, now)

    def _settle_if_empty(self, batch: BlockBatch, now: Instant) -> None:
        if not batch.in_flight:
            self._output.stats.of(batch.kind).settled += 1
            self._finished(batch, now)

    def _finished(self, batch: BlockBatch, now: Instant) -> None:
        batch.is_finished = True
        self._output.emit(BatchFinished(batch.id))
        self._remove(batch, now)

    def _messages(self, in_flight: Mapping[Hash, BlockRequest], requests: Sequence[BlockRequest]) -> list[Message]:
        return asking(self._wire, self._config.network.limits, in_flight, requests)

    # Small things.

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _fresh_nonce(self) -> int:
        return fresh_nonce(self._rng, self._config.network.codec.nonce_bits)

    def _ping(self, nonce: int, now: Instant) -> Ping:
        return Ping(nonce, self._config.start_height(), self._wall_time(now))

    def _wall_time(self, now: Instant) -> int:
        return int(now + self.wall_clock)

    _HANDLERS: ClassVar[Mapping[type[Message], Callable[[Exchange, Any, Instant], None]]] = {
        Headers: _on_headers,
        Block: _on_block,
        NotFound: _on_not_found,
        Tx: _on_transaction,
        Addr: _on_addresses,
        AddrV2: _on_addresses,
        Ping: _on_ping,
        Pong: _on_pong,
        Inv: _on_inv,
    }
    _KINDS: ClassVar[Mapping[Cause, type[Request]]] = {
        Cause.PONG: PingRequest,
        Cause.HEADERS: HeadersRequest,
        Cause.ADDRESSES: AddressesRequest,
        Cause.TRANSACTION: TransactionRequest,
        Cause.PROGRESS: BlockBatch,
        Cause.BLOCK: BlockBatch,
    }
