"""Frames of the Neo networks by hand, over a plain socket: what a real node says before any code of ours reads it.

Not a codec: it knows as much of the frames as the probes of `test_neo_nodes` need.
"""

from __future__ import annotations

import hashlib
import socket
import struct
from types import TracebackType
from typing import Final, Self

DEADLINE: Final = 20.0
"""Seconds for one answer of a node."""
NONCE: Final = 0x0BADCAFE


def sha256d(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def dial(port: int) -> socket.socket:
    """A connection to a node on loopback, for a probe."""
    return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)


class Listener:
    """Where a node that is told of `port` finds a probe."""

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(DEADLINE)
        self.port: int = self._server.getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    def accept(self) -> socket.socket:
        """The next connection that a node made, for a probe."""
        connection, _ = self._server.accept()
        connection.settimeout(DEADLINE)
        return connection


class _Probe:
    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def _take(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            assert more, f"the node closed the connection after {data.hex()}"
            data += more
        return data


class N3Probe(_Probe):
    """Flags, command, payload. Reads no compressed payload."""

    def write(self, command: int, payload: bytes = b"") -> None:
        assert len(payload) < 0xFD, "a longer length would need more bytes"
        self._socket.sendall(bytes([0, command, len(payload)]) + payload)

    def read(self) -> tuple[int, int, bytes]:
        flags, command, length = self._take(3)
        if length == 0xFD:
            (length,) = struct.unpack("<H", self._take(2))
        return flags, command, self._take(length)

    def read_until(self, command: int) -> bytes:
        """The payload of the next message with this command."""
        while (frame := self.read())[1] != command:
            pass
        return frame[2]

    def shake_hands(self, magic: int, *, height: int = 0) -> bytes:
        """Read its version, send ours, exchange veracks; returns the payload of its version."""
        version = self.read()
        assert version[:2] == (0, 0x00), version
        ours = struct.pack("<IIIIB", magic, 0, 0, NONCE, 0) + b"\x01\x10" + struct.pack("<I", height)
        self.write(0x00, ours)
        verack = self.read()
        assert verack == (0, 0x01, b""), verack
        self.write(0x01)
        return version[2]


class LegacyProbe(_Probe):
    """Magic, command, length, checksum, payload."""

    def __init__(self, connection: socket.socket, magic: int) -> None:
        super().__init__(connection)
        self._magic = magic

    def write(self, command: str, payload: bytes = b"") -> None:
        self.write_together((command, payload))

    def write_together(self, *messages: tuple[str, bytes]) -> None:
        """Several messages in one segment."""
        frames = b""
        for command, payload in messages:
            frames += struct.pack("<I12sI", self._magic, command.encode(), len(payload))
            frames += sha256d(payload)[:4] + payload
        self._socket.sendall(frames)

    def read(self) -> tuple[str, bytes]:
        magic, command, length, checksum = struct.unpack("<I12sI4s", self._take(24))
        payload = self._take(length)
        assert magic == self._magic, hex(magic)
        assert sha256d(payload)[:4] == checksum
        return command.rstrip(b"\0").decode(), payload

    def read_until(self, command: str) -> bytes:
        """The payload of the next message with this command."""
        while (frame := self.read())[0] != command:
            pass
        return frame[1]

    def version(self, *, height: int = 0, relay: bool = True) -> bytes:
        """The payload of a version of ours."""
        user_agent = b"/probe/"
        head = struct.pack("<IQIHIB", 0, 1, 0, 0, NONCE, len(user_agent))
        return head + user_agent + struct.pack("<IB", height, relay)

    def shake_hands(self, *, height: int = 0, relay: bool = True) -> bytes:
        """Read its version, send ours, exchange veracks; returns the payload of its version."""
        command, version = self.read()
        assert command == "version", command
        self.write("version", self.version(height=height, relay=relay))
        assert self.read() == ("verack", b"")
        self.write("verack")
        return version
