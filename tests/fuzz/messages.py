"""Target `messages`: every payload decoder of a codec.

Bytes give a message or a CodecError. A message is written again, and what is written means the same message and is
written the same; where a payload has only one form, that form is what came in (bytes behind the last field are ignored,
as in Core). What a message reads on demand raises CodecError at the worst, and what is said about it is harmless.

    command 1 (its high bit: as a memoryview) | payload
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from headway.errors import CodecError
from headway.network import Wire
from headway.peer.inbox import size_of
from headway.peer.trace import describe
from headway.types import Raw
from headway.wire import messages as m
from headway.wire.frames import Frame
from tests.fuzz.subjects import Subject

_AS_VIEW = 0x80


def target(subject: Subject) -> Callable[[bytes], None]:
    def one_input(data: bytes) -> None:
        wire = subject.network.codec.open(inbound=False)
        number = data[0] if data else 0
        command = subject.commands[number % _AS_VIEW % len(subject.commands)]
        payload = data[1:]
        try:
            message = _decode(wire, command, memoryview(payload) if number & _AS_VIEW else payload)
        except CodecError:
            return
        assert message.command == command
        read_on_demand(message)
        assert describe(message).isprintable()
        assert 0 <= size_of(message) <= 6_000 + 70 * len(payload), "nothing grows out of all proportion"
        if subject.is_one_way(message):
            return
        written = subject.payload(b"".join(wire.encode(message)))
        again = _decode(wire, command, written)
        assert subject.settled(again) == subject.settled(message), "it comes back as it was"
        assert subject.payload(b"".join(wire.encode(again))) == written, "it is written as before"
        if not subject.is_rewritten(message, payload):
            assert payload.startswith(written), "it is written as it came"

    return one_input


def _decode(wire: Wire, command: str, payload: Raw) -> Any:
    return wire.decode(Frame(command, payload, 24 + len(payload)))


def read_on_demand(message: m.Message) -> None:
    """All that a message parses only when it is asked. Raises for anything but a CodecError."""
    match message:
        case m.Headers():
            for header in message:
                assert len(header.hash) == len(header.prev_hash) == 32
            assert message.compact().startswith(message.part(0, 1).compact())
        case m.Block():
            with suppress(CodecError):
                assert message.hash == message.header.hash
                assert len(message.transactions) >= 0
                assert len(message.parser.stripped(message.raw)) <= len(message)
        case m.Tx():
            with suppress(CodecError):
                assert len(message.txid) == 32
        case m.CmpctBlock():
            assert len(message.header.hash) == 32
            assert all(item.transaction.txid for item in message.prefilled)  # the decoder has found them sound
        case m.BlockTxn():
            assert all(transaction.txid for transaction in message.transactions)
        case m.MerkleBlock():
            assert len(message.header.hash) == 32
