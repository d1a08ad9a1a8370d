"""The v1 frame of Bitcoin and Neo Legacy: bytes in any chunking become frames.

    magic 4 | command 12, NUL-padded | payload length u32 LE | checksum 4 | payload

The checksum is the first 4 bytes of sha256d of the payload. Cost is linear in the bytes, however they are cut. Memory
grows with what has arrived, never with what was announced, but for one case: the payload of a `block` that its owner
has asked for is received straight into a buffer of its length, which is then given away as it is.
Not here: what a payload means (the codecs), Neo N3's frame. The wires of the codecs build on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from struct import Struct
from typing import Final, NamedTuple

from headway.errors import CodecError, LocalProtocolError
from headway.types import Raw

_HEADER: Final = Struct("<4s12sI4s")
HEADER_SIZE: Final = _HEADER.size
MAGIC_SIZE: Final = 4
COMMAND_SIZE: Final = 12
MIN_DEFERRED: Final = 1_000
"""Bytes of a block from which on leaving its checksum out is worth anything (below, it costs a microsecond)."""
UNKNOWN_SIZE: Final = 16
"""Bytes at the start of a stream that must match nothing we know before we call its sender unknown: by as many does
an encrypted connection tell a v1 peer from its own (BIP324)."""

# What speaks first bytes like these, where a frame of ours should begin. For the words of an error only.
_FOREIGN: Final = (
    (b"HTTP", "an HTTP server"),
    (b"GET ", "an HTTP client"),
    (b"POST", "an HTTP client"),
    (b"HEAD", "an HTTP client"),
    (b"CONN", "an HTTP client"),
    (b"<htm", "an HTTP server"),
    (b"SSH-", "an SSH server"),
    (b"\x16\x03", "TLS"),
    (b"\x15\x03", "TLS"),
    (b"\x00\x00", "Neo N3"),  # flags 0, command 0 (version): N3 frames have no magic
)


class Frame(NamedTuple):
    """One complete frame: its command and payload, checked as far as a frame can be.

    `fault` says why the frame must be dropped while its connection stays (wrong checksum, a command that is not ASCII);
    then the payload is empty.
    """

    command: str
    payload: Raw
    size: int
    """Bytes on the wire, header included."""
    fault: str = ""
    unchecked: bytes = b""
    """The checksum that the header states, where comparing it was left to whoever verifies the payload."""


class _Header(NamedTuple):
    command: str
    length: int
    checksum: bytes
    fault: str


class FrameDecoder:
    """The receiving half of one connection. See `headway.network.Wire` for what its four methods promise."""

    __slots__ = (
        "_block",
        "_consumed",
        "_error",
        "_filled",
        "_has_ended",
        "_header",
        "_known_magics",
        "_magic",
        "_max_payload",
        "_may_defer",
        "_received",
        "defer_checksum",
        "expect_block",
    )

    def __init__(
        self,
        magic: bytes,
        *,
        max_payload: int,
        known_magics: Mapping[bytes, str] | None = None,
        blocks_prove_themselves: bool = False,
    ) -> None:
        """`known_magics` names other networks of this frame, for the words of the error that a wrong magic is.

        `blocks_prove_themselves`: a verified block has every byte right, so that `defer_checksum` may be obeyed.
        """
        self.expect_block = False
        self.defer_checksum = False
        self._may_defer = blocks_prove_themselves
        self._magic = magic
        self._max_payload = max_payload
        self._known_magics = known_magics or {}
        self._received = bytearray()
        """What has come and is not handed out yet; starts at a frame, or at its payload once `_header` is there."""
        self._consumed = 0
        """Bytes of the frames before, for the words of an error."""
        self._header: _Header | None = None
        """Of the frame whose payload is not complete yet."""
        self._block: bytearray | None = None
        """The payload of an asked block, at its full length; then `_received` holds only what comes after it."""
        self._filled = 0
        """Bytes of `_block` that have come."""
        self._error: CodecError | None = None
        """Why this stream is dead."""
        self._has_ended = False
        """The remote sends no more: what might have been told by more bytes is told now."""

    def receive_data(self, data: Raw) -> None:
        if self._error is not None:
            return
        self._has_ended = self._has_ended or not data
        if self._block is not None:
            count = min(len(data), len(self._block) - self._filled)
            self._block[self._filled : self._filled + count] = data[:count]
            self._filled += count
            data = data[count:]
        self._received += data

    def receive_buffer(self) -> memoryview | None:
        if self._block is None or self._filled == len(self._block):
            return None
        return memoryview(self._block)[self._filled :]

    def receive_buffered(self, count: int) -> None:
        assert self._block is not None, "bytes are written only into a buffer that receive_buffer gave"
        assert 0 <= count <= len(self._block) - self._filled, "receive_buffer ends where the block ends"
        self._filled += count

    def frames(self) -> Iterator[Frame]:
        while (frame := self._next_frame()) is not None:
            yield frame

    def _next_frame(self) -> Frame | None:
        if self._error is not None:
            raise self._error
        if self._header is None and not self._read_header():
            return None
        assert self._header is not None, "_read_header sets it or says no"
        payload = self._take_payload(self._header.length)
        if payload is None:
            return None
        header, self._header = self._header, None
        size = HEADER_SIZE + header.length
        self._consumed += size
        if header.command == "block" and len(payload) >= MIN_DEFERRED and self._defers:
            return Frame(header.command, payload, size, unchecked=header.checksum)
        fault = header.fault or _checksum_fault(payload, header.checksum)
        return Frame(header.command, b"" if fault else payload, size, fault)

    @property
    def _defers(self) -> bool:
        return self._may_defer and self.defer_checksum and self.expect_block

    def _read_header(self) -> bool:
        received = self._received
        if len(received) >= MAGIC_SIZE and not received.startswith(self._magic):
            if why := self._wrong_magic(bytes(received[:UNKNOWN_SIZE])):
                self._fail(why)
            return False
        if len(received) < HEADER_SIZE:
            return False
        _, field, length, checksum = _HEADER.unpack_from(received)
        if length > self._max_payload:
            self._fail(f"a frame announces {length} bytes of payload, at most {self._max_payload}")
        name = field.rstrip(b"\0").decode("latin-1")
        if name.isascii() and name.isprintable():  # exactly 0x20 to 0x7e: a NUL inside does not print
            self._header = _Header(name, length, checksum, "")
        else:
            self._header = _Header("", length, checksum, f"command {field.hex()} is not NUL-padded ASCII")
        del received[:HEADER_SIZE]
        if self.expect_block and name == "block" and len(received) < length:
            self._block = bytearray(length)
            self._filled = len(received)
            self._block[: self._filled] = received
            received.clear()
        return True

    def _take_payload(self, length: int) -> Raw | None:
        """The whole payload, or None while it is not all there."""
        if self._block is not None:
            if self._filled < length:
                return None
            payload = memoryview(self._block).toreadonly()
            self._block = None  # given away: nobody writes to it from now on
            return payload
        if len(self._received) < length:
            return None
        with memoryview(self._received) as received, received[:length] as part:
            copy = bytes(part)
        del self._received[:length]
        return copy

    def _wrong_magic(self, start: bytes) -> str:
        """Why bytes that are no magic of ours end the stream; nothing while a few more can tell more."""
        magic = start[:MAGIC_SIZE]
        message = f"wrong magic {magic.hex()} at byte {self._consumed}, not {self._magic.hex()}"
        if self._consumed:
            return f"{message}: frames no longer begin where the last one ended"
        if magic in self._known_magics:
            return f"{message}: this peer is of the network {self._known_magics[magic]}"
        if what := foreign(start):
            return f"{message}: this looks like {what}"
        if len(start) == UNKNOWN_SIZE:
            return f"{message}, and no magic that we know: unknown, perhaps an encrypted (v2) peer"
        return message if self._has_ended else ""

    def _fail(self, message: str) -> None:
        self._error = CodecError(message)
        self._received.clear()
        raise self._error


def foreign(start: bytes) -> str:
    """What else speaks first bytes like these, for the words of an error; empty when we do not know it."""
    return next((what for prefix, what in _FOREIGN if start.startswith(prefix)), "")


def encode_frame(magic: bytes, command: str, payload: Sequence[Raw]) -> list[Raw]:
    """A frame ready to be written, chunk after chunk: its header, then the payload's chunks as they are.

    Raises LocalProtocolError for a command that a frame cannot carry.
    """
    if len(command) > COMMAND_SIZE or not (command.isascii() and command.isprintable()):
        raise LocalProtocolError(f"not a command: {command!r} (at most {COMMAND_SIZE} printable ASCII characters)")
    length = sum(map(len, payload))
    return [_HEADER.pack(magic, command.encode(), length, checksum(*payload)), *payload]


def checksum(*chunks: Raw) -> bytes:
    """First 4 bytes of sha256d of the chunks one after another."""
    inner = sha256()
    for chunk in chunks:
        inner.update(chunk)
    return sha256(inner.digest()).digest()[:4]


def _checksum_fault(payload: Raw, stated: bytes) -> str:
    actual = sha256(sha256(payload).digest()).digest()[:4]  # `checksum`, without its loop over chunks
    return "" if actual == stated else f"wrong checksum {stated.hex()}, the payload has {actual.hex()}"
