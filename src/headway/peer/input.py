"""What enters a peer machine: bytes in any chunking become messages, counted and traced.

The twin of `peer.output`. Not here: which message is legal when (`peer.machine`). Called by `peer.machine` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headway.types import printable
from headway.wire.messages import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headway.peer.config import PeerConfig
    from headway.peer.exchange import Exchange
    from headway.peer.output import Output
    from headway.types import Instant, Raw
    from headway.wire.frames import Frame
    from headway.wire.messages import Message

SCRATCH_SIZE: Final = 65_536
"""Bytes of the receive buffer that a machine makes when its driver shares none."""


class Input:
    """One machine's inputs of bytes."""

    __slots__ = ("_exchange", "_fills_wire", "_output", "_scratch", "_wire")

    def __init__(self, config: PeerConfig, output: Output, scratch: memoryview | None, exchange: Exchange) -> None:
        self._wire = output.wire
        self._wire.defer_checksum = config.verifies_blocks
        self._exchange = exchange
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
                self._drop(frame, frame.fault, now)
                continue
            message = self._wire.decode(frame)
            if isinstance(message, Block) and message.unchecked and self._is_worthless(message):
                self._drop(frame, "an unasked block with a wrong checksum", now)
                continue
            stats.note_received(message, frame.size, now)
            self._output.trace_message("<", message)
            yield message

    def _is_worthless(self, block: Block) -> bool:
        """Nobody asked for it, so nobody verifies it: what its checksum says counts."""
        return not self._exchange.is_asked(block.hash) and block.is_damaged

    def _drop(self, frame: Frame, why: str, now: Instant) -> None:
        self._output.stats.dropped_frames += 1
        self._output.trace(f"! dropped {printable(frame.command, 32)}: {why}")
        self._exchange.damaged(frame.command, now)
