"""One remote peer as a pure machine: bytes and time go in, bytes and events come out. No I/O, no chain.

Inputs never raise for what the remote did: that is an event. A mistake of the owner is a LocalProtocolError. After
every input the driver takes `events_received`, sends `data_to_send`, sets its one timer by `get_timer`, and closes
the socket when `wants_close`. Bytes that have arrived go in before a due timer fires. `PeerDisconnected` is the last
event of every machine, and all that was outstanding has failed with it.
Driven by `aio`, `blocking` and `sim`, alone or inside a `node.machine.NodeMachine`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from headway.errors import Consequence, HandshakeRejected, LocalProtocolError, RemoteProtocolError
from headway.peer import states
from headway.peer.blocks import BlockBatch
from headway.peer.deadlines import Cause, Deadlines
from headway.peer.events import HandshakeCompleted, PeerDisconnected, PeerEvent, PeerMisbehaved, PeerState, Reason
from headway.peer.exchange import Exchange
from headway.peer.handshake import Handshake, our_version
from headway.peer.input import Input
from headway.peer.output import Output
from headway.peer.requests import Outstanding, fresh_nonce
from headway.peer.states import TRANSITIONS, Fate, Step
from headway.types import ZERO_HASH, printable
from headway.wire import messages as m

if TYPE_CHECKING:
    from headway.peer.config import PeerConfig
    from headway.types import Address, BlockRequest, Hash, Instant, Locator, Raw

_DRAINING: Final = frozenset({Reason.REQUESTED, Reason.REFUSED, Reason.CALLBACK_FAILED})
"""Our own doing: what is queued may still go out. Whoever failed us gets nothing more."""


class PeerMachine:
    """One connection, in either direction, from before it is made until after it is gone."""

    __slots__ = (
        "_config", "_deadlines", "_exchange", "_handshake", "_input", "_is_resting", "_output",
        "address", "inbound", "negotiated", "nonce", "since", "state", "stats", "version",
    )  # fmt: skip

    def __init__(
        self,
        config: PeerConfig,
        *,
        inbound: bool,
        address: Address,
        rng: random.Random,
        scratch: memoryview | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        """`scratch`: receive buffer that machines of one loop share; None: one of its own. `log` takes the trace."""
        self.inbound = inbound
        self.address = address
        self.state = PeerState.CONNECTING
        self.since: Instant = 0.0
        """When the present state began."""
        self.nonce = fresh_nonce(rng, config.network.codec.nonce_bits) if config.nonce is None else config.nonce
        """Ours on this connection."""
        self.version: m.Version | None = None
        """Theirs, once it was accepted."""
        self.negotiated: frozenset[str] = frozenset()
        """Commands of the negotiation messages that they sent before their verack."""
        self._config = config
        self._output = Output(config.network.codec.open(inbound=inbound), log)
        self.stats = self._output.stats
        self._deadlines = Deadlines()
        self._exchange = Exchange(config, address, rng, self._output, self._deadlines, self._end)
        self._input = Input(config, self._output, scratch, self._exchange)
        self._handshake: Handshake | None = None
        self._is_resting = False  # the handshake is done, and the owner does not know it yet

    @property
    def min_rate(self) -> float:
        """Bytes a second below which a peer is too slow; the owner lowers it when our own line is slow."""
        return self._exchange.downloads.min_rate

    @min_rate.setter
    def min_rate(self, value: float) -> None:
        self._exchange.downloads.min_rate = value

    @property
    def send_queue_full(self) -> bool:
        """More than `Limits.max_send_queue` is on its way to the remote: produce no more answers for now."""
        return self._output.queued > self._config.network.limits.max_send_queue

    def outstanding(self, now: Instant) -> Outstanding:
        return self._exchange.outstanding(now)

    # Inputs of the driver.

    def handle_connected(self, now: Instant, wall_time: float) -> None:
        """The connection is made. `wall_time`: unix seconds, for the version message. Does nothing once ended."""
        if self._has_ended:
            return
        if self.state is not PeerState.CONNECTING:
            raise LocalProtocolError("handle_connected twice")
        timing = self._config.network.timing
        self.stats.connected_at = now
        self._exchange.wall_clock = wall_time - now
        self._take(Step.CONNECTED, now)
        self._deadlines.arm(Cause.HANDSHAKE, timing.handshake_timeout, now)
        self._deadlines.arm(Cause.IDLE, timing.idle_timeout, now)
        ours = our_version(self._config, self.nonce, self.address, wall_time)
        self._handshake = Handshake(self._config, ours, inbound=self.inbound)
        for message in self._handshake.open():
            self._output.write(message, now)

    def receive_data(self, data: Raw, now: Instant) -> None:
        """Bytes of the remote, in any chunking. They are not copied: nobody may write them any more."""
        if self._may_read():
            self._input.receive_data(data, now)
            self._after_bytes(now)

    def receive_buffer(self) -> memoryview:
        """Where the driver may write the next bytes; it tells how many by `receive_buffered`, before anything else."""
        return self._input.buffer(is_reading=self._may_read())

    def receive_buffered(self, n: int, now: Instant) -> None:
        """`n` bytes were written to the start of the last `receive_buffer`."""
        if self._may_read():
            self._input.receive_buffered(n, now)
            self._after_bytes(now)

    def receive_eof(self, now: Instant) -> None:
        """The remote closed the connection."""
        self._lose(Reason.REMOTE_CLOSED, "the remote closed the connection", now)

    def handle_connection_lost(self, message: str, now: Instant) -> None:
        """The connection failed, or could not be made; also told after a close, and then it is nothing new."""
        reason = Reason.CONNECT_FAILED if self.state is PeerState.CONNECTING else Reason.CONNECTION_LOST
        self._lose(reason, printable(message), now)

    def handle_timer(self, now: Instant) -> None:
        """Time has passed. A spurious call does nothing."""
        for cause in self._deadlines.due(now):
            if self._deadlines.is_due(cause, now):  # an earlier one of this round may have ended or moved it
                self._deadlines.disarm(cause)
                self._expire(cause, now)

    def handle_writable(self, queued_bytes: int, now: Instant) -> None:
        """The driver still holds `queued_bytes` that the remote has not read."""
        self._output.at_driver = queued_bytes
        if self.state is PeerState.CLOSING and not self._output.queued:
            self._close(Step.DRAINED, now)
        elif self._output.queued > self._config.network.limits.max_unread:
            self._end(Reason.NOT_READING, f"it reads nothing, and {self._output.queued} bytes wait for it", now)

    def handle_paused(self, now: Instant) -> None:
        """Our own consumer is slow: until `handle_resumed` deadlines stand still and pongs wait. Pauses nest."""
        if not self._has_ended:
            self._deadlines.pause(now)
            self._output.is_held = True

    def handle_resumed(self, now: Instant) -> None:
        if not self._has_ended:
            self._deadlines.resume(now)
            self._output.is_held = self._deadlines.is_paused

    # Orders of the owner.

    def hold_pongs(self, *, held: bool) -> None:
        """While `held`, pongs wait behind answers that the owner still owes to what came before their pings."""
        self._output.owes_answers = held

    def send(self, message: m.Message, now: Instant) -> None:
        """Send it and expect nothing. Raises LocalProtocolError unless READY, or for what this chain cannot encode."""
        self._require_ready("send")
        self._output.write(message, now)

    def request_headers(
        self, locator: Locator, now: Instant, *, stop: Hash = ZERO_HASH, fence: bool = False, expected: int = 0
    ) -> int:
        """Ask what follows the newest block of `locator` that they have. Returns the id of the request. `fence`: a ping
        goes right behind, and its pong before any headers means "nothing more": for remotes that answer with silence at
        their tip (bcoin, btcd, neo-go). Without it, silence ends the peer at the deadline. `expected`: headers to give
        it time for. Raises LocalProtocolError unless READY, when too many wait, or for a bad question.
        """
        self._require_ready("request_headers")
        return self._exchange.request_headers(locator, stop, now, fence=fence, expected=expected)

    def request_blocks(self, requests: Sequence[BlockRequest], now: Instant) -> BlockBatch:
        """Ask for blocks in this order. Raises LocalProtocolError as `request_headers`; each block is asked once."""
        self._require_ready("request_blocks")
        return self._exchange.request_blocks(requests, now)

    def receive_block(self, block: m.Block, now: Instant) -> None:
        """The owner has put together a block out of what the remote sent: as if it had sent the whole."""
        self._require_ready("receive_block")
        self._exchange.receive(block, now)

    def request_addresses(self, now: Instant) -> int:
        """Ask for addresses of other peers; silence is lawful. Raises LocalProtocolError as `request_headers`."""
        self._require_ready("request_addresses")
        return self._exchange.request_addresses(now)

    def tell_addresses(self, addresses: Sequence[Address], now: Instant) -> None:
        """Tell the remote of other peers, in the form that it takes, if any of them can be told so."""
        takes_all = m.SendAddrV2.command in self.negotiated
        if (message := self._output.wire.tell_addresses(addresses, all_networks=takes_all)) is not None:
            self.send(message, now)

    def request_transaction(self, txid: Hash, now: Instant) -> int:
        """Ask for one transaction; silence is lawful. Raises LocalProtocolError as `request_headers`."""
        self._require_ready("request_transaction")
        return self._exchange.request_transaction(txid, now)

    def ping(self, now: Instant) -> int:
        """Measure a round trip. Raises LocalProtocolError as `request_headers`."""
        self._require_ready("ping")
        return self._exchange.ping(now)

    def cancel(self, request_id: int, now: Instant) -> None:
        """Forget a request without blame; nothing when it is settled already."""
        self._exchange.cancel(request_id, now)

    def misbehaved(self, error: RemoteProtocolError, now: Instant) -> None:
        """The owner found what we cannot see (an invalid header or block): the class of `error` says what follows."""
        if error.consequence is not Consequence.NOTHING:
            self._blame(error, now)

    def disconnect(self, reason: Reason, message: str, now: Instant) -> None:
        """End the connection; bytes already queued may still go out. Does nothing once ended."""
        self._end(reason, message, now)

    # Outputs.

    def data_to_send(self) -> list[Raw]:
        """Chunks to be written one after another."""
        return self._output.take_chunks()

    def events_received(self) -> list[PeerEvent]:
        """What happened since the last call, in order."""
        return self._output.take_events()

    def get_timer(self) -> Instant | None:
        """When to call `handle_timer`; None: no need."""
        return self._deadlines.next()

    def wants_close(self) -> bool:
        """Whether the driver should close the socket now."""
        return self.state is PeerState.CLOSED or (self.state is PeerState.CLOSING and not self._output.queued)

    # The remote's messages.

    def _after_bytes(self, now: Instant) -> None:
        self._deadlines.arm(Cause.IDLE, self._config.network.timing.idle_timeout, now)
        try:
            for message in self._input.messages(now):
                self._receive(message, now)
                if self._has_ended:
                    return
        except RemoteProtocolError as error:
            self._blame(error, now)

    def _hear_out(self, now: Instant) -> None:
        """The handshake has failed. Where the remote spoke another language all along, that is why."""
        self._input.end()
        self._after_bytes(now)

    def _receive(self, message: m.Message, now: Instant) -> None:
        legality = states.legality(message, self._config.network.handshake)
        handshake = self._handshake
        if handshake is None:
            fate = legality.ready
            if self._is_resting:
                self._begin(now)
        else:
            fate = legality.before_version if handshake.theirs is None else legality.before_verack
        if fate is Fate.EXCHANGE:
            self._exchange.receive(message, now)
        elif fate is Fate.HANDSHAKE:
            self._shake(message, now)
        else:
            self._object(fate, message)

    def _object(self, fate: Fate, message: m.Message) -> None:
        awaited = self._handshake.awaited if self._handshake is not None else ""
        error = states.objection(fate, message, self._config.network.handshake, awaited)
        if error is not None:
            raise error

    def _shake(self, message: m.Message, now: Instant) -> None:
        assert self._handshake is not None, "it lives as long as the state is HANDSHAKING"
        replies = self._handshake.receive(message)
        if self.version is None and self._handshake.theirs is not None:
            self.version = self._handshake.theirs
            self._output.wire.negotiated(self.version)
        if self._handshake.complete:
            self._become_ready(self._handshake, now)
        for reply in replies:
            self._output.write(reply, now)

    def _become_ready(self, handshake: Handshake, now: Instant) -> None:
        self.negotiated = handshake.negotiated
        self._handshake = None
        self._deadlines.disarm(Cause.HANDSHAKE)
        self._take(Step.SHAKEN, now)
        if pause := self._config.network.timing.verack_pause:
            self._is_resting = True
            self._deadlines.arm(Cause.REST, pause, now)
        else:
            self._begin(now)

    def _begin(self, now: Instant) -> None:
        """The conversation may begin."""
        assert self.version is not None, "READY comes after their version"
        self._is_resting = False
        self._deadlines.disarm(Cause.REST)
        self._output.emit(HandshakeCompleted(self.version))
        self._exchange.start(now)

    # Time, and the end.

    def _expire(self, cause: Cause, now: Instant) -> None:
        timing = self._config.network.timing
        if cause is Cause.HANDSHAKE:
            assert self._handshake is not None, "its deadline goes when it goes"
            why = f"no {self._handshake.awaited} in {timing.handshake_timeout:g} s"
            self._hear_out(now)
            self._end(Reason.HANDSHAKE_TIMEOUT, why, now)
        elif cause is Cause.IDLE:
            self._end(Reason.IDLE, f"nothing received for {timing.idle_timeout:g} s", now)
        elif cause is Cause.REST:
            self._begin(now)
        elif cause is Cause.CLOSE:
            self._close(Step.DRAINED, now)
        else:
            self._exchange.expire(cause, now)

    def _blame(self, error: RemoteProtocolError, now: Instant) -> None:
        """The remote broke a rule; once ended it is told no more."""
        if self._has_ended:
            return
        error.peer = error.peer or str(self.address)
        reason = Reason.PROTOCOL
        if isinstance(error, HandshakeRejected):
            reason = Reason.HANDSHAKE_REJECTED
        elif error.consequence is Consequence.DISCOURAGE:
            reason = Reason.MISBEHAVED
        self._output.trace(f"! {printable(error.message)}")
        self._output.emit(PeerMisbehaved(error))
        self._end(reason, printable(error.message), now)

    def _lose(self, reason: Reason, message: str, now: Instant) -> None:
        """There is no connection any more."""
        if self._handshake is not None:
            message += f" before its {self._handshake.awaited}"
            self._hear_out(now)
        self._end(reason, message, now)
        if self.state is PeerState.CLOSING:
            self._close(Step.DRAINED, now)

    def _end(self, reason: Reason, message: str, now: Instant) -> None:
        """The one way out of a conversation: whatever the reason, everything outstanding fails here, once."""
        if self._has_ended:
            return
        self._output.trace(f"x {reason.name} {message}")
        self.stats.ended, self.stats.message = reason, message
        self._deadlines.clear()
        self._exchange.close()
        self._handshake = None
        self._output.emit(PeerDisconnected(reason, message))
        timeout = self._config.network.timing.close_timeout
        if reason in _DRAINING and self._output.queued and timeout and self.state is not PeerState.CONNECTING:
            self._take(Step.LEFT, now)
            self._deadlines.arm(Cause.CLOSE, timeout, now)
        else:
            self._close(Step.ENDED, now)

    def _close(self, step: Step, now: Instant) -> None:
        """Nothing goes out any more, either."""
        self._output.take_chunks()
        self._deadlines.clear()
        self._take(step, now)

    def _take(self, step: Step, now: Instant) -> None:
        state = TRANSITIONS.get((self.state, step))
        assert state is not None, f"{step.name} in {self.state.name} is no transition of the table"
        self.state = state
        self.since = now
        self._output.trace(f"= {state.name}")

    def _may_read(self) -> bool:
        if self.state is PeerState.CONNECTING:
            raise LocalProtocolError("bytes before handle_connected")
        return not self._has_ended

    @property
    def _has_ended(self) -> bool:
        return self.state is PeerState.CLOSING or self.state is PeerState.CLOSED

    def _require_ready(self, what: str) -> None:
        if self.state is not PeerState.READY:
            raise LocalProtocolError(f"{what} on a peer that is {self.state.name}")
