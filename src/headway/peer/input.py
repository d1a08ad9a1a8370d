"""What enters a peer machine: bytes in any chunking become messages, counted and traced.

The twin of `peer.output`. Not here: which message is legal when (`peer.machine`). Called by `peer.machine` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from headway.types import printable

if TYPE_CHECKING:
    from headway.network import Wire
    from headway.peer.output import Output
    from headway.types import Instant, Raw
    from headway.wire.messages import Message

SCRATCH_SIZE: Final = 65_536
"""Bytes of the receive buffer that a machine makes when its driver shares none."""


Damaged: TypeAlias = Callable[[str, "Instant"], None]
"""Told of a frame that came damaged: its command, and when."""


class Input:
    """One machine's inputs of bytes."""

    __slots__ = ("_damaged", "_fills_wire", "_output", "_scratch", "_wire")

    def __init__(self, wire: Wire, output: Output, scratch: memoryview | None, damaged: Damaged) -> None:
        self._wire = wire
        self._damaged = damaged
        self._output = output
        self._scratch = scratch
        self._fills_wire = False  # the driver writes into the wire's buffer, not into the scratch one

    def receive_data(self, data: Raw, now: Instant) -> None:
        if data:  # no bytes would be the end
            self._wire.receive_data(data)
            self._output.stats.note_bytes(len(data), now)

    def end(self) -> None:
        """No more bytes come: what is not told yet, because more might have told more, is told now."""
        self._wire.receive_data(b"")

    def buffer(self, *, is_reading: bool) -> memoryview:
        """The wire's own where it has one (a block on its way), else the scratch one."""
        buffer = self._wire.receive_buffer() if is_reading else None
        self._fills_wire = buffer is not None
        if buffer is not None:
            return buffer
        if self._scratch is None:
            self._scratch = memoryview(bytearray(SCRATCH_SIZE))
        return self._scratch

    def receive_buffered(self, count: int, now: Instant) -> None:
        """`count` bytes were written to the start of the last `buffer`. Those in the scratch one are copied."""
        if self._fills_wire:
            self._wire.receive_buffered(count)
            self._output.stats.note_bytes(count, now)
        else:
            assert self._scratch is not None, "buffer gave it out"
            self.receive_data(bytes(self._scratch[:count]), now)

    def messages(self, now: Instant) -> Iterator[Message]:
        """All that is complete; damaged frames are dropped, counted and told of. Raises CodecError."""
        stats = self._output.stats
        for frame in self._wire.frames():
            stats.bytes_whole += frame.size
            if frame.fault:
                stats.dropped_frames += 1
                self._output.trace(f"! dropped {printable(frame.command, 32)}: {frame.fault}")
                self._damaged(frame.command, now)
                continue
            message = self._wire.decode(frame)
            stats.note_received(message, frame.size, now)
            self._output.trace_message("<", message)
            yield message
