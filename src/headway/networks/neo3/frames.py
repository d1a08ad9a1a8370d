"""The frame of Neo N3: bytes in any chunking become frames.

    flags 1 | command 1 | payload length (compact size) | payload

No magic, no checksum: the network stands in `version` alone, and damage shows only in what a payload means. Flag 1 is
compression; others are ignored. Memory grows with what has arrived, never with what was announced.
Not here: what a payload means (`payload`). The wire of `codec` builds on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from headway.errors import CodecError, LocalProtocolError
from headway.networks.dbft.magics import KNOWN_MAGICS
from headway.networks.neo3.compression import decompress
from headway.types import Raw
from headway.wire.buffer import Reader, compact_size
from headway.wire.frames import Frame, foreign

MAX_PAYLOAD: Final = 0x02000000
"""Bytes of a payload, packed or not: 32 MiB (C# Message.PayloadMaxSize)."""
COMPRESSED: Final = 0x01

_MIN_SIZE: Final = 3
_START_SIZE: Final = 4
"""Bytes that tell what else a stream is."""
_LENGTH_SIZES: Final = {0xFD: 3, 0xFE: 5, 0xFF: 9}
"""First byte of a compact size -> its bytes; any other has one."""

COMMANDS: Final[Mapping[int, str]] = {
    0x00: "version",
    0x01: "verack",
    0x10: "getaddr",
    0x11: "addr",
    0x18: "ping",
    0x19: "pong",
    0x20: "getheaders",
    0x21: "headers",
    0x24: "getblocks",
    0x25: "mempool",
    0x27: "inv",
    0x28: "getdata",
    0x29: "getblockbyindex",
    0x2A: "notfound",
    0x2B: "tx",
    0x2C: "block",
    0x2E: "extensible",
    0x2F: "reject",
    0x30: "filterload",
    0x31: "filteradd",
    0x32: "filterclear",
    0x38: "merkleblock",
    0x40: "alert",
    0x50: "notaryrequest",  # these three are neo-go's own
    0x51: "getmptdata",
    0x52: "mptdata",
}
"""Numbers on the wire, and the names that the rest of headway knows. Others are named after their number: `0x77`."""
_NUMBERS: Final = {name: number for number, name in COMMANDS.items()}


class N3FrameDecoder:
    """The receiving half of one connection. See `headway.network.Wire` for what its four methods promise."""

    __slots__ = ("_begun", "_error", "_has_ended", "_max_payload", "_received", "defer_checksum", "expect_block")

    def __init__(self, *, max_payload: int) -> None:
        self.defer_checksum = False
        """Without effect: there is no checksum."""
        self.expect_block = False
        """Without effect: blocks of Neo are small, and are received like anything else."""
        self._max_payload = max_payload
        self._received = bytearray()
        """What has come and is not handed out yet; starts at a frame."""
        self._begun = False
        """A frame has come."""
        self._error: CodecError | None = None
        """Why this stream is dead."""
        self._has_ended = False
        """The remote sends no more: what might have been told by more bytes is told now."""

    def receive_data(self, data: Raw) -> None:
        if self._error is None:
            self._has_ended = self._has_ended or not data
            self._received += data

    def receive_buffer(self) -> memoryview | None:
        return None

    def receive_buffered(self, count: int) -> None:
        raise AssertionError(f"receive_buffer gave no buffer for these {count} bytes")

    def frames(self) -> Iterator[Frame]:
        while (frame := self._next_frame()) is not None:
            yield frame

    def _next_frame(self) -> Frame | None:
        if self._error is not None:
            raise self._error
        try:
            return self._read_frame()
        except CodecError as error:
            self._error = error
            self._received.clear()
            raise

    def _read_frame(self) -> Frame | None:
        received = self._received
        if not self._begun and received and received[0]:
            self._refuse_start()
            return None
        if len(received) < _MIN_SIZE or len(received) < (start := 2 + _LENGTH_SIZES.get(received[2], 1)):
            return None
        length = Reader(bytes(received[2:start])).compact_size("frame.length", self._max_payload)
        size = start + length
        if len(received) < size:
            return None
        flags, command = received[0], received[1]
        with memoryview(received) as view, view[start:size] as part:
            payload = bytes(part)
        del received[:size]
        self._begun = True
        if flags & COMPRESSED:
            payload = decompress(payload, self._max_payload)
        return Frame(COMMANDS.get(command, f"{command:#04x}"), payload, size)

    def _refuse_start(self) -> None:
        """No first frame has flags: whoever speaks here speaks something else. Who, may take more bytes to tell."""
        start = bytes(self._received[:_START_SIZE])
        if len(start) < _START_SIZE and not self._has_ended:
            return
        message = f"first bytes {start.hex()} are no version message of Neo N3"
        if start in KNOWN_MAGICS:
            raise CodecError(f"{message}: this peer is of the network {KNOWN_MAGICS[start]}")
        if what := foreign(start):
            raise CodecError(f"{message}: this looks like {what}")
        raise CodecError(f"{message}, and nothing that we know: perhaps a private network of Neo Legacy")


def encode_frame(command: str, payload: Sequence[Raw]) -> list[Raw]:
    """A frame ready to be written, chunk after chunk: its header, then the payload's chunks as they are.

    Raises LocalProtocolError for a command that N3 does not have.
    """
    length = sum(map(len, payload))
    if length > MAX_PAYLOAD:
        raise LocalProtocolError(f"a payload of {length} bytes, at most {MAX_PAYLOAD}")
    return [bytes([0, _number(command)]) + compact_size(length), *payload]


def _number(command: str) -> int:
    if command in _NUMBERS:
        return _NUMBERS[command]
    digits = command.removeprefix("0x")
    if len(command) == 4 and len(digits) == 2 and all(c in "0123456789abcdef" for c in digits):
        return int(digits, 16)
    raise LocalProtocolError(f"Neo N3 has no {command!r}")
