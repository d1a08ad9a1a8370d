"""Target `machine`: a whole PeerMachine between a remote, an owner and a driver that do what the input says.

    flags 1 | steps: a number 1, then what that step reads; time moves only by steps, so the clock is the input's, too

What must hold after each step is in `tests.fuzz.invariants`. Not here: a model of which answer settles what; that is
`tests/prop/test_peer_life.py`, whose inputs are all well-formed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from headway.errors import CodecError, FutureHeader, InvalidHeader, LocalProtocolError, MutatedBlock
from headway.peer.blocks import BlockBatch
from headway.peer.config import PeerConfig
from headway.peer.events import PeerState, Reason
from headway.peer.machine import PeerMachine
from headway.types import BlockId, BlockRequest
from headway.wire import messages as m
from tests.fuzz.invariants import Watch
from tests.fuzz.source import Source
from tests.fuzz.subjects import Subject
from tests.link import THERE, WALL, Remote, block_of, blocks_of, genesis_of, headers_of, missing, requests_of
from tests.scene import Scene

_NONCE: Final = 0x1234
_MAX_STEPS: Final = 40
_STEPS_AFTER_END: Final = 5
_INBOUND, _CONNECT, _SHAKE, _DRAINS, _TRACE = 0x01, 0x02, 0x04, 0x40, 0x88
"""Flags. Two more choose the config. The trace is slow, so it takes two bits."""
_SCRATCH: Final = memoryview(bytearray(65_536))


@dataclass(frozen=True)
class Stage:
    """What the inputs of one network share; built once."""

    subject: Subject
    messages: Sequence[m.Message]
    """What a remote may say, and an owner, too."""
    frames: Sequence[bytes]
    """The same, encoded."""
    shake: bytes
    """The remote's half of a handshake."""
    blocks: Sequence[bytes]
    requests: Sequence[BlockRequest]
    transaction: m.Tx
    encode: Callable[[m.Message], bytes]
    """As the remote writes it. What it often says is remembered: the fuzzer is to spend its time on reading."""
    configs: Sequence[PeerConfig] = field(default=())

    @classmethod
    def of(cls, subject: Subject) -> Stage:
        network = subject.network
        blocks = blocks_of(network, 20)
        remote = Remote(network, nonce=_NONCE)
        scene = Scene(network, blocks)
        transaction = m.Tx(subject.transaction(blocks), network.codec.parser)
        messages = [*scene.messages(remote), transaction]
        configs = [
            PeerConfig(
                network,
                nonce=_NONCE,
                start_height=lambda: 500,
                required_services=9 if number & 1 else 0,
                is_own_nonce=(lambda nonce: nonce == _NONCE) if number & 2 else (lambda _nonce: False),
            )
            for number in range(4)
        ]
        return cls(
            subject,
            messages,
            [remote.encode(each) for each in messages],
            remote.encode(remote.version, m.Verack()),
            blocks,
            requests_of(network, blocks),
            transaction,
            lru_cache(1_000)(remote.encode),
            configs,
        )


def target(subject: Subject) -> Callable[[bytes], None]:
    stage = Stage.of(subject)

    def one_input(data: bytes) -> None:
        _Life(stage, data).run()

    return one_input


class _Life:
    """One machine's life, as one input tells it."""

    def __init__(self, stage: Stage, data: bytes) -> None:
        self.stage = stage
        self.source = Source(data)
        self.flags = self.source.u8()
        self.now = 0.0
        self.pending = b""
        """What the remote has sent and the driver holds back."""
        self.batches: list[BlockBatch] = []
        self.peer = PeerMachine(
            stage.configs[self.flags >> 4 & 3],
            inbound=bool(self.flags & _INBOUND),
            address=THERE,
            rng=random.Random(1),
            scratch=_SCRATCH,
            log=_harmless if self.flags & _TRACE == _TRACE else None,
        )
        self.watch = Watch(self.peer, stage.subject)

    def run(self) -> None:
        if self.flags & _CONNECT:
            self._connect()
            if self.flags & _SHAKE:
                self._receive(self.stage.shake)
        self.watch.look()
        steps = _MAX_STEPS
        while steps and self.source.has_more:
            _STEPS[self.source.u8() % len(_STEPS)](self)
            self.watch.look()
            steps = min(steps, _STEPS_AFTER_END) - 1 if self.watch.ended else steps - 1
        self._end()

    def _end(self) -> None:
        """Disconnect: all that was outstanding has failed, and nothing is left."""
        self.watch.is_lazy = False
        self.peer.disconnect(Reason.REQUESTED, "enough", self.now)
        self.watch.look()
        if self.flags & _DRAINS:
            self.peer.handle_writable(0, self.now)
        if self.peer.state is PeerState.CLOSING:
            self._fire()
        self.watch.look()
        self.watch.check_end()
        if self.flags & _TRACE == _TRACE:
            self.watch.check_info(self.now)
        assert all(batch.is_finished for batch in self.batches)

    # The remote.

    def _receive(self, data: bytes) -> None:
        """What it says, by the driver's one way."""
        try:
            self.peer.receive_data(data, self.now)
        except LocalProtocolError:
            assert self.peer.state is PeerState.CONNECTING, "inputs never raise for what the remote did"
        self.watch.check_wire()

    def _deliver(self, data: bytes) -> None:
        """By either way, all of it or a part: the rest comes later."""
        how = self.source.u8()
        data = self.pending + data
        held = how >> 2 if how & 1 else 0
        data, self.pending = data[: max(len(data) - held, 0)], data[max(len(data) - held, 0) :]
        if not how & 2:
            self._receive(data)
            return
        if self.peer.state is PeerState.CONNECTING:
            return
        while data:
            buffer = self.peer.receive_buffer()
            assert len(buffer), "a buffer without room would stop the driver"
            count = min(len(buffer), len(data))
            buffer[:count] = data[:count]
            self.peer.receive_buffered(count, self.now)
            self.watch.check_wire()
            data = data[count:]
            self.watch.look()

    def garbage(self) -> None:
        self._deliver(self.source.take(self.source.u8()))

    def payload(self) -> None:
        """A sound frame around any payload."""
        stage = self.stage
        number = self.source.u8()
        command = stage.messages[number % len(stage.messages)].command
        if stage.subject.commands and number & 0x80:
            command = stage.subject.commands[number % 0x80 % len(stage.subject.commands)]
        self._frame(command, self.source.take(self.source.u8()))

    def _frame(self, command: str, payload: bytes) -> None:
        self._deliver(self.stage.subject.frame(command, payload))

    def message(self) -> None:
        frames = self.stage.frames
        self._deliver(frames[self.source.u8() % len(frames)])

    def changed(self) -> None:
        """A sensible message with one byte of its payload changed, in a sound frame."""
        stage = self.stage
        number = self.source.u8() % len(stage.frames)
        payload = bytearray(stage.subject.payload(stage.frames[number]))
        at, change = self.source.u8(), self.source.u8()
        if payload:
            payload[at % len(payload)] ^= change
        self._frame(stage.messages[number].command, bytes(payload))

    def damaged(self) -> None:
        frame = bytearray(self.stage.frames[self.source.u8() % len(self.stage.frames)])
        frame[self.source.u8() % len(frame)] ^= self.source.u8()
        self._deliver(bytes(frame))

    def answer(self) -> None:
        """The questions heard since the last time, answered as an honest remote may."""
        how = self.source.u8()
        for message in self.watch.heard():
            if how & 0x80 and not isinstance(message, m.Ping):
                continue  # a pong, and silence about all else
            for reply in self._answers(message, how):
                self._receive(self.stage.encode(reply))

    def _answers(self, message: m.Message, how: int) -> Sequence[m.Message]:
        network, blocks = self.stage.subject.network, self.stage.blocks
        match message:
            case m.Ping(nonce):
                return [m.Pong(nonce)]
            case m.GetHeaders() if how % 20 or not network.codec.silence_is_answer:
                return [headers_of(network, blocks[: how % 20])]
            case m.GetBlockByIndex(first, count) if first:
                found = [block_of(network, raw) for raw in blocks[first - 1 : first - 1 + count]]
                return found[: 1 + how // 2 % 8]
            case m.GetData(entries) if how & 1 and entries[0].hash == self.stage.transaction.txid:
                return [self.stage.transaction]
            case m.GetData(entries) if how & 1:
                return [missing(*(entry.hash for entry in entries))]
            case m.GetData(entries):
                wanted = {entry.hash for entry in entries}
                pairs = zip(self.stage.requests, blocks, strict=True)
                return [block_of(network, raw) for request, raw in pairs if request.hash in wanted][: 1 + how // 2 % 8]
            case m.GetAddr():
                return [m.Addr((THERE, THERE))]
            case m.Version():
                return [m.Verack()]
            case _:
                return []

    # The owner.

    def _order(self, order: Callable[[], Any]) -> Any:
        """What it raises is documented, and then nothing has changed."""
        before = self.watch.outstanding()
        try:
            result = order()
        except LocalProtocolError:
            assert self.watch.outstanding() == before
            return None
        assert self.peer.state is PeerState.READY, "only a peer that is ready takes orders"
        return result

    def _ask(self, order: Callable[[], int]) -> None:
        if (number := self._order(order)) is not None:
            self.watch.open.add(number)

    def ask_headers(self) -> None:
        how = self.source.u8()
        locator = tuple(
            BlockId(height, request.hash) for height, request in enumerate(self.stage.requests[: how % 16], 1)
        ) or (genesis_of(self.stage.subject.network),)
        self._ask(lambda: self.peer.request_headers(locator, self.now, fence=bool(how & 0x80)))

    def _wanted(self) -> Sequence[BlockRequest]:
        how = self.source.u8()
        return self.stage.requests[how & 15 : (how & 15) + (how >> 4)]

    def ask_blocks(self) -> None:
        wanted = self._wanted()
        batch = self._order(lambda: self.peer.request_blocks(wanted, self.now))
        if batch is not None:
            self.batches.append(batch)
            self.watch.open.add(batch.id)

    def _batch(self) -> BlockBatch | None:
        number = self.source.u8()
        return self.batches[number % len(self.batches)] if self.batches else None

    def extend(self) -> None:
        batch, wanted = self._batch(), self._wanted()
        if batch is not None:
            self._order(lambda: batch.extend(wanted, self.now) or True)  # type: ignore[func-returns-value]

    def finish(self) -> None:
        if (batch := self._batch()) is not None:
            batch.finish(self.now)

    def ask_addresses(self) -> None:
        self._ask(lambda: self.peer.request_addresses(self.now))

    def ask_transaction(self) -> None:
        txid = (self.stage.transaction.txid, bytes(32), bytes(31))[self.source.u8() % 3]
        self._ask(lambda: self.peer.request_transaction(txid, self.now))

    def ping(self) -> None:
        self._ask(lambda: self.peer.ping(self.now))

    def cancel(self) -> None:
        number = self.source.u8()
        is_silent = number in self.watch.outstanding() and all(batch.id != number for batch in self.batches)
        self.peer.cancel(number, self.now)
        if is_silent:  # a batch says so itself
            self.watch.open.discard(number)

    def send(self) -> None:
        messages = self.stage.messages
        message = messages[self.source.u8() % len(messages)]
        self._order(lambda: self.peer.send(message, self.now) or True)  # type: ignore[func-returns-value]

    def blame(self) -> None:
        kind = self.source.u8() % 4
        block = BlockId(1, bytes(32))
        errors = (
            FutureHeader("rule", block),
            InvalidHeader("rule", block),
            MutatedBlock("rule", block),
            CodecError("x"),
        )
        self.peer.misbehaved(errors[kind], self.now)

    def disconnect(self) -> None:
        reasons = tuple(Reason)
        self.peer.disconnect(reasons[self.source.u8() % len(reasons)], "enough", self.now)

    def slow_line(self) -> None:
        self.peer.min_rate = float(self.source.u8() * 100)

    # The driver.

    def _connect(self) -> None:
        try:
            self.peer.handle_connected(self.now, WALL + self.now)
        except LocalProtocolError:
            assert self.peer.state in {PeerState.HANDSHAKING, PeerState.READY}, "handle_connected twice"

    def connect(self) -> None:
        self._connect()

    def _fire(self) -> None:
        """The machine's own timer."""
        if (at := self.peer.get_timer()) is not None:
            self.now = max(self.now, at)
        self._handle_timer()

    def _handle_timer(self) -> None:
        self.peer.handle_timer(self.now)
        at = self.peer.get_timer()
        assert at is None or at > self.now, "what is due has been dealt with"

    def fire(self) -> None:
        self._fire()

    def wait(self) -> None:
        self.now += self.source.u8() ** 2 / 100  # 10 ms to 11 minutes
        if self.source.u8() & 1:  # else the driver is late
            self._handle_timer()

    def eof(self) -> None:
        if self.source.u8() < 40:  # seldom: all that comes after it is for nothing
            self.peer.receive_eof(self.now)

    def lose(self) -> None:
        if self.source.u8() < 40:
            self.peer.handle_connection_lost("reset\x1b[2J", self.now)

    def writable(self) -> None:
        self.peer.handle_writable(self.source.u8() << 8, self.now)

    def pause(self) -> None:
        self.peer.handle_paused(self.now)

    def resume(self) -> None:
        self.peer.handle_resumed(self.now)

    def lazy(self) -> None:
        """From now on the driver takes nothing, or everything again."""
        self.watch.is_lazy = not self.watch.is_lazy


def _harmless(line: str) -> None:
    assert line.isprintable(), "a line of the trace is one line, without escapes of the remote"


_STEPS: Final[Sequence[Callable[[_Life], None]]] = (
    _Life.garbage, _Life.payload, _Life.message, _Life.changed, _Life.damaged, _Life.answer, _Life.ask_headers,
    _Life.ask_blocks, _Life.extend, _Life.finish, _Life.ask_addresses, _Life.ask_transaction, _Life.ping, _Life.cancel,
    _Life.send, _Life.blame, _Life.disconnect, _Life.slow_line, _Life.connect, _Life.fire, _Life.wait, _Life.eof,
    _Life.lose, _Life.writable, _Life.pause, _Life.resume, _Life.lazy, _Life.answer, _Life.message, _Life.payload,
    _Life.fire, _Life.wait,
)  # fmt: skip
"""32 of them: new ones take the place of those at the end, so that a corpus keeps its meaning."""
