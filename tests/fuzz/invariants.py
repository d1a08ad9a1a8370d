"""What holds of a peer machine after every step, whatever happened: the oracle of the target `machine`.

It looks inside, because growth is inside. Called by `tests.fuzz.machine` only.
"""

from __future__ import annotations

from typing import Any, Final

from headway.peer import events as e
from headway.peer.blocks import BlockBatch
from headway.peer.events import PeerDisconnected, PeerEvent, PeerState
from headway.peer.info import peer_info
from headway.peer.machine import PeerMachine
from headway.peer.output import MAX_LATE
from headway.peer.requests import AddressesRequest, HeadersRequest, PingRequest, Request, TransactionRequest
from headway.types import Raw
from headway.wire import messages as m
from tests.fuzz.subjects import Subject, held
from tests.link import HERE, WALL

_ORDER: Final = {state: rank for rank, state in enumerate(PeerState)}
_ENDED: Final = frozenset({PeerState.CLOSING, PeerState.CLOSED})
_KINDS: Final[tuple[type[Request], ...]] = (
    HeadersRequest,
    BlockBatch,
    AddressesRequest,
    TransactionRequest,
    PingRequest,
)
_CLASSES: Final = {each.kind: each for each in _KINDS}
_MAX_COMMANDS: Final = 48
"""More than any codec has."""
_QUESTIONS: Final = frozenset({"ping", "getheaders", "getdata", "getblockbyindex", "getaddr", "version"})
_LARGEST_CHUNK: Final = 6_000
"""Bytes that the target delivers at once, and a little more."""


class Watch:
    """One machine under observation. It is also the driver that takes the outputs."""

    def __init__(self, peer: PeerMachine, subject: Subject) -> None:
        self.peer = peer
        self.limits = subject.network.limits
        self.network = subject.network
        self.open: set[int] = set()
        """Ids of the owner's requests that are not settled."""
        self.is_lazy = False
        """The driver takes nothing."""
        self.ended = False
        self.rank = 0
        self._heard: list[Raw] = []
        self._exchange, self._output = peer._exchange, peer._output
        self._lines = self._exchange._table._by_kind

    def look(self) -> None:
        """Take what the machine says and check what must hold."""
        peer = self.peer
        rank = _ORDER[peer.state]
        assert rank >= self.rank, "a life has one direction"
        self.rank = rank
        if peer.state is PeerState.CLOSED:
            assert peer.get_timer() is None
            assert peer.wants_close()
        if not self.is_lazy:
            for event in peer.events_received():
                assert not self.ended, "nothing comes after the end"
                self._account(event)
            if chunks := peer.data_to_send():
                self._heard = [*chunks, *self._heard][:20]
            assert self.ended == (peer.state in _ENDED), "the end is told, once"
            assert self.outstanding() == self.open, "each request is settled once, by what says so"
        self._check_tables()

    def heard(self) -> list[m.Message]:
        """What was sent to the remote since the last time, as far as it was kept."""
        wire = self.network.codec.open(inbound=False)
        for chunk in self._heard:
            wire.receive_data(chunk)
        self._heard = []
        return [wire.decode(frame) for frame in wire.frames() if frame.command in _QUESTIONS]

    def outstanding(self) -> set[int]:
        """Ids of the owner's requests that are out or wait."""
        return {
            each.id
            for line in self._lines.values()
            for each in line
            if not (type(each) is PingRequest and each.is_keepalive)
        }

    def check_end(self) -> None:
        """Closed: nothing is outstanding, nothing is kept, nothing is to be done."""
        peer, exchange = self.peer, self.peer._exchange
        assert self.ended
        assert peer.state is PeerState.CLOSED
        assert not self.open
        assert not len(exchange._table)
        assert not exchange.downloads._late
        assert not peer._output._late
        assert peer._handshake is None
        assert not exchange._wire.expect_block
        assert peer.data_to_send() == []
        assert peer.events_received() == []
        assert peer.stats.ended is not None
        assert peer.stats.message.isprintable()

    def check_info(self, now: float) -> None:
        """What people are shown of it."""
        info = peer_info(self.peer, now, WALL + now, number=1, bound=HERE, connection_type="manual")
        assert info.subver.isprintable()

    def check_wire(self) -> None:
        """After bytes: of what came, no more is kept than one message can be."""
        assert held(self._exchange._wire) <= self.limits.max_payload + _LARGEST_CHUNK

    def _account(self, event: PeerEvent) -> None:
        match event:
            case (
                e.HeadersReceived(request=int(number))
                | e.AddressesReceived(request=int(number))
                | e.TransactionReceived(request=int(number))
                | e.PongReceived(request=int(number))
                | e.RequestTimedOut(request=number)
                | e.BatchFinished(request=number)
            ):
                self.open.remove(number)
            case e.BlockReceived(block=block, request=request) if request is not None:
                assert block.hash == request.hash
            case e.PeerMisbehaved(error=error):
                assert error.peer, "it says of whom"
            case PeerDisconnected(message=message):
                assert message.isprintable()
                self.ended = True
                self.open.clear()

    def _check_tables(self) -> None:
        """Every collection that a remote can grow has its cap."""
        output, stats, lines = self._output, self.peer.stats, self._lines
        for line in lines.values():
            assert 0 < len(line) <= self.limits.max_queued_requests + 1
        assert len(self._exchange.downloads._late) <= self.limits.max_blocks_in_flight
        assert len(output._late) <= MAX_LATE
        assert len(stats.received) <= _MAX_COMMANDS
        assert len(stats.sent) <= _MAX_COMMANDS
        assert output.size == (sum(map(len, output._chunks)) if output._chunks else 0)
        if self.peer._handshake is not None:
            assert len(self.peer._handshake.negotiated) <= 4
        for kind, counted in stats.requests.items():
            settled = counted.settled + counted.expired + counted.cancelled
            assert counted.asked == settled + (_CLASSES[kind] in lines), "what was asked has one fate"
        batch: Any = lines[BlockBatch][0] if BlockBatch in lines else None
        assert self._exchange._wire.expect_block == (batch is not None)
        if batch is not None:
            assert len(batch.in_flight) <= self.limits.max_blocks_in_flight
            assert batch._asked.keys() == batch.in_flight.keys()
