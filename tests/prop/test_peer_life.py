"""A peer machine between a remote, an owner and a driver that do as they like, held against a model of its requests."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from headway.errors import InvalidHeader, LocalProtocolError, MutatedBlock
from headway.peer import events as e
from headway.peer.blocks import BlockBatch
from headway.peer.events import PeerDisconnected, PeerEvent, PeerState, Reason, RequestKind
from headway.types import Address, BlockId
from headway.wire import messages as m
from tests.growth import past_their_caps
from tests.link import Remote, block_of, genesis_of, headers_of, missing, requests_of
from tests.scene import WORLDS, Scene


class AnyLife(RuleBasedStateMachine):
    """A machine between a remote, an owner and a driver that do whatever they like, in any order.

    The model knows which requests are open and in which order; the machine has to agree after every step.
    """

    world = "toynet"

    @initialize(inbound=st.booleans(), shaken=st.integers(0, 5))
    def begin(self, *, inbound: bool, shaken: int) -> None:
        self.scene = Scene.of(self.world)
        self.remote = Remote(self.scene.network, inbound=inbound)
        self.peer = self.remote.peer
        self.requests = requests_of(self.scene.network, self.scene.blocks)
        self.now = 0.0
        self.open: dict[RequestKind, list[int]] = {kind: [] for kind in RequestKind}
        self.batches: dict[int, BlockBatch] = {}
        self.owed: dict[int, set[bytes]] = {}
        self.ended = False
        self.pauses = 0
        self.sent: list[m.Message] = []
        self.peer.handle_connected(self.now, 1e9)
        self._look()
        if shaken:
            self.remote_shakes_hands()

    # The remote.

    @rule(number=st.integers(0, 49))
    def remote_says(self, number: int) -> None:
        messages = self.scene.messages(self.remote)
        self.remote.says(messages[number % len(messages)], now=self.now)
        self._look()

    @rule()
    def remote_shakes_hands(self) -> None:
        if self.peer.state is PeerState.HANDSHAKING:
            self.remote.says(self.remote.version, m.Verack(), now=self.now)
        self._look()

    @rule(count=st.integers(1, 3))
    def remote_answers(self, count: int) -> None:
        """The questions heard last are answered as an honest remote does."""
        for message in self.sent[-count:]:
            for answer in self._answers(message):
                self.remote.says(answer, now=self.now)
        self.sent.clear()
        self._look()

    @rule(rare=st.integers(1, 20))
    def remote_leaves(self, rare: int) -> None:
        if rare == 1:
            self.peer.receive_eof(self.now)
        self._look()

    # The owner.

    @rule(fence=st.booleans())
    def ask_headers(self, *, fence: bool) -> None:
        self._order(
            RequestKind.HEADERS,
            lambda: self.peer.request_headers((genesis_of(self.scene.network),), self.now, fence=fence),
        )

    @rule(at=st.integers(0, 19), count=st.integers(1, 8))
    def ask_blocks(self, at: int, count: int) -> None:
        wanted = self.requests[at : at + count]

        def order() -> int:
            batch = self.peer.request_blocks(wanted, self.now)
            self.batches[batch.id] = batch
            self.owed[batch.id] = {request.hash for request in wanted}
            return batch.id

        self._order(RequestKind.BLOCKS, order)

    @rule(at=st.integers(0, 19), count=st.integers(1, 8))
    @precondition(lambda self: self.batches)
    def extend(self, at: int, count: int) -> None:
        batch = self.batches[max(self.batches)]
        more = [request for request in self.requests[at : at + count] if request.hash not in batch.in_flight]
        possible = bool(more) and not batch.is_finished and len(batch.in_flight) + len(more) <= 12
        if possible:
            batch.extend(more, self.now)
            self.owed[batch.id].update(request.hash for request in more)
        else:
            with pytest.raises(LocalProtocolError):
                batch.extend(more, self.now)
        self._look()

    @rule()
    @precondition(lambda self: self.batches)
    def finish(self) -> None:
        self.batches[max(self.batches)].finish(self.now)
        self._look()

    @rule(kind=st.sampled_from([RequestKind.ADDRESSES, RequestKind.TRANSACTION, RequestKind.PING]))
    def ask(self, kind: RequestKind) -> None:
        orders = {
            RequestKind.ADDRESSES: lambda: self.peer.request_addresses(self.now),
            RequestKind.TRANSACTION: lambda: self.peer.request_transaction(bytes(32), self.now),
            RequestKind.PING: lambda: self.peer.ping(self.now),
        }
        self._order(kind, orders[kind])

    @rule(pick=st.integers(0, 30))
    def cancel(self, pick: int) -> None:
        for kind, line in self.open.items():
            if pick in line and kind is not RequestKind.BLOCKS:
                line.remove(pick)
        self.peer.cancel(pick, self.now)
        self._look()

    @rule(rare=st.integers(1, 15))
    def blame(self, rare: int) -> None:
        if rare <= 2:
            kind = InvalidHeader if rare == 1 else MutatedBlock
            self.peer.misbehaved(kind("rule", BlockId(1, bytes(32))), self.now)
        elif rare == 3:
            self.peer.disconnect(Reason.REQUESTED, "enough", self.now)
        self._look()

    # The driver.

    @rule(seconds=st.floats(0.0, 30.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.peer.handle_timer(self.now)
        self._look()
        self._check_timer()

    @rule()
    def timer_fires(self) -> None:
        if (at := self.peer.get_timer()) is not None:
            self.now = max(self.now, at)
        self.peer.handle_timer(self.now)
        self._look()
        self._check_timer()

    @rule(seconds=st.floats(0.0, 1_000.0))
    def pause(self, seconds: float) -> None:
        before = self.peer.get_timer()
        self.peer.handle_paused(self.now)
        self.now += seconds
        self.peer.handle_timer(self.now)
        self.peer.handle_resumed(self.now)
        if before is not None and self.peer.state is PeerState.READY:
            assert self.peer.get_timer() == pytest.approx(before + seconds)
        self._look()

    @rule(queued=st.integers(0, 2_000_000))
    def writable(self, queued: int) -> None:
        self.peer.handle_writable(queued, self.now)
        self._look()

    # What must hold.

    @invariant()
    def is_consistent(self) -> None:
        if not hasattr(self, "peer"):
            return
        assert self.ended == (self.peer.state in {PeerState.CLOSING, PeerState.CLOSED})
        if self.peer.state is PeerState.CLOSED:
            assert self.peer.get_timer() is None
            assert self.peer.wants_close()
        for number, batch in self.batches.items():
            assert len(batch.in_flight) <= 12
            assert set(batch.in_flight) == self.owed[number]
            assert batch.is_finished == (number not in self.open[RequestKind.BLOCKS])
        assert past_their_caps(self.peer) == {}

    def _check_timer(self) -> None:
        at = self.peer.get_timer()
        assert at is None or at > self.now

    def _order(self, kind: RequestKind, order: Any) -> None:
        if self.peer.state is not PeerState.READY:
            with pytest.raises(LocalProtocolError):
                order()
            return
        try:
            self.open[kind].append(order())
        except LocalProtocolError:
            assert len(self.open[kind]) >= 3, "only too many waiting ones are refused"  # a keepalive may be out, too
        self._look()

    def _look(self) -> None:
        """Take what the machine says and hold it against the model."""
        was_ready = self.peer.version is not None and self.peer.state is PeerState.READY
        heard = self.remote.hears()
        if not was_ready and not self.ended:
            assert {message.command for message in heard} <= {"version", "wtxidrelay", "sendaddrv2", "verack"}
        self.sent = (self.sent + heard)[-5:]
        for event in self.remote.events():
            assert not self.ended, "nothing comes after the end"
            self._account(event)

    def _account(self, event: PeerEvent) -> None:
        match event:
            case e.HeadersReceived(request=int(number)):
                self._close(RequestKind.HEADERS, number)
            case e.AddressesReceived(request=int(number)):
                self._close(RequestKind.ADDRESSES, number)
            case e.TransactionReceived(request=int(number)):
                self._close(RequestKind.TRANSACTION, number)
            case e.PongReceived(round_trip=seconds, request=number):
                assert seconds >= 0.0
                if number is not None:
                    self._close(RequestKind.PING, number)
            case e.RequestTimedOut(request=number, kind=kind):
                self._close(kind, number)
            case e.BatchFinished(request=number):
                self.open[RequestKind.BLOCKS].remove(number)  # by its owner, in any order
            case e.BlockReceived(block=block, request=request) if request is not None:
                assert block.hash == request.hash
                self._deliver(request.hash)
            case e.BlocksNotFound(requests=requests):
                for request in requests:
                    self._deliver(request.hash)
            case PeerDisconnected():
                self.ended = True
                self.open = {kind: [] for kind in RequestKind}

    def _deliver(self, block_hash: bytes) -> None:
        """Only the batch that is out can get a block, and each block once."""
        self.owed[self.open[RequestKind.BLOCKS][0]].remove(block_hash)

    def _close(self, kind: RequestKind, number: int) -> None:
        """Requests of a kind are over in the order in which they were asked, each once."""
        assert self.open[kind][0] == number
        self.open[kind].pop(0)

    def _answers(self, message: m.Message) -> list[m.Message]:
        match message:
            case m.Ping():
                return [m.Pong(message.nonce)]
            case m.GetHeaders():
                return [headers_of(self.scene.network, self.scene.blocks)]
            case m.GetAddr():
                return [m.Addr((Address("192.0.2.1", 1), Address("192.0.2.2", 2)))]
            case m.GetData():
                by_hash = {each.hash: raw for each, raw in zip(self.requests, self.scene.blocks, strict=True)}
                known = [by_hash[entry.hash] for entry in message.entries if entry.hash in by_hash]
                lost = [entry.hash for entry in message.entries if entry.hash not in by_hash]
                found = [block_of(self.scene.network, raw) for raw in known]
                return [*found, missing(*lost)] if lost else [*found]
            case m.GetBlockByIndex(first, count):
                return [block_of(self.scene.network, raw) for raw in self.scene.blocks[first - 1 : first - 1 + count]]
        return []


@pytest.mark.parametrize("world", WORLDS)
def test_any_life_keeps_its_promises(world: str) -> None:
    life = type("Life", (AnyLife,), {"world": world})
    run_state_machine_as_test(life, settings=settings(stateful_step_count=40))
