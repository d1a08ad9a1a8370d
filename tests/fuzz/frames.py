"""Target `frames`: a stream of frames, sound and damaged, in any chunking.

Chunked or whole, by `receive_data` or into the buffer that the wire gives out, with a block expected or not, the frames
and the error are the same; nothing but CodecError comes out; and the wire holds no more than what has arrived and not
left it, plus one payload of the largest size while a block is expected.

    flags 1 | number of cuts 1 | size of each chunk 1 | segments
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from headway.errors import CodecError
from headway.network import Wire
from tests.fuzz.source import Source
from tests.fuzz.subjects import Subject, held

_COMMANDS: Final = ("block", "block", "ping", "tx", "anything")
_MAX_CUTS: Final = 40
_MAX_SEGMENTS: Final = 20

Outcome = tuple[list[tuple[str, bytes, int, str]], str]
"""The frames, and the error that ended them."""


def target(subject: Subject) -> Callable[[bytes], None]:
    def one_input(data: bytes) -> None:
        source = Source(data)
        flags = source.u8()
        cuts = source.take(source.u8() % _MAX_CUTS)
        stream = _stream(subject, source)
        assert _chunked(subject, stream, cuts, flags) == _whole(subject, stream)

    return one_input


def _stream(subject: Subject, source: Source) -> bytes:
    stream = bytearray()
    for _ in range(_MAX_SEGMENTS):
        if not source.has_more:
            break
        kind = source.u8() % 4
        if kind == 0:
            stream += source.take(source.u8())
            continue
        command = _COMMANDS[source.u8() % len(_COMMANDS)]
        payload = source.take(source.u8()) if kind < 3 else bytes(source.u16() % 6_000)
        frame = bytearray(subject.frame(command, payload))
        if kind == 2:  # damaged somewhere
            frame[source.u8() % len(frame)] ^= source.u8()
        elif kind == 3:  # cut: what follows is taken for its payload
            del frame[source.u8() + 24 :]
        stream += frame
    return bytes(stream)


def _whole(subject: Subject, stream: bytes) -> Outcome:
    wire = subject.network.codec.open(inbound=False)
    wire.receive_data(stream)
    outcome: Outcome = [], ""
    return _drain(wire, outcome)


def _chunked(subject: Subject, stream: bytes, cuts: bytes, flags: int) -> Outcome:
    wire: Any = subject.network.codec.open(inbound=False)
    outcome: Outcome = [], ""
    has_expected = False
    at = turn = 0
    while at < len(stream):
        size = cuts[turn] + 1 if turn < len(cuts) else len(stream)
        wire.expect_block = bool(flags >> turn % 7 & 1)
        has_expected |= wire.expect_block
        at += _feed(wire, stream[at : at + size], into_buffer=bool(flags & 0x80))
        if not outcome[1]:
            outcome = _drain(wire, outcome)
        handed_out = sum(size for _, _, size, _ in outcome[0])
        most = at - handed_out + (subject.network.limits.max_payload if has_expected else 0)
        assert held(wire) <= most, "it holds more than has arrived"
        turn += 1
    return outcome


def _feed(wire: Wire, chunk: bytes, *, into_buffer: bool) -> int:
    """Give it the chunk, or as much of it as its buffer takes; says how much."""
    buffer = wire.receive_buffer() if into_buffer else None
    if buffer is None:
        wire.receive_data(chunk)
        return len(chunk)
    assert len(buffer), "a buffer without room would stop the driver"
    count = min(len(buffer), len(chunk))
    buffer[:count] = chunk[:count]
    wire.receive_buffered(count)
    return count


def _drain(wire: Wire, outcome: Outcome) -> Outcome:
    frames, error = outcome
    try:
        for frame in wire.frames():
            assert not (frame.fault and frame.payload), "a damaged payload goes no further"
            frames.append((frame.command, bytes(frame.payload), frame.size, frame.fault))
    except CodecError as fault:
        error = str(fault)
    return frames, error
