"""A bare remote for the prepared source: blocking, no checks, as little Python as a socket needs.

It receives what the limits are measured on, and what other libraries are given to parse: they run in an environment
without headway, so nothing of it is used here. It believes every byte: only for `source`.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final, Self

MAGIC: Final = bytes.fromhex("fabfb5da")
GENESIS: Final = bytes.fromhex("06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f")
"""Hash of regtest's genesis block, as it travels."""
FRAME: Final = struct.Struct("<4s12sI4s")
MAX_HEADERS: Final = 2_000
WITNESS_BLOCK: Final = 0x40000002
BATCH: Final = 16
"""Blocks asked for at a time."""
_BUFFER: Final = 4_100_000


class Client:
    """One connection, ready for questions once made."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = memoryview(bytearray(_BUFFER))
        version = struct.pack("<iQq26s26sQ8sib", 70016, 0, int(time.time()), b"", b"", 2, b"\x07/bench/", 0, 0)
        self.send("version", version)
        self.wait_for("verack")
        self.send("verack", b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def release(self) -> socket.socket:
        """The connection itself, for somebody else to go on with."""
        return self._socket

    def send(self, command: str, payload: bytes) -> None:
        self._socket.sendall(frame(command, payload))

    def receive(self) -> tuple[str, memoryview]:
        """The next message: its command, and its frame whole. It is gone with the next call."""
        self._fill(self._buffer[: FRAME.size])
        _, command, length, _ = FRAME.unpack_from(self._buffer)
        self._fill(self._buffer[FRAME.size : FRAME.size + length])
        return command.rstrip(b"\0").decode(), self._buffer[: FRAME.size + length].toreadonly()

    def wait_for(self, command: str) -> memoryview:
        """The frame of the next message of this command."""
        while True:
            found, message = self.receive()
            if found == command:
                return message

    def headers_after(self, block_hash: bytes) -> memoryview:
        """The frame of the headers message that follows a block."""
        self.send("getheaders", struct.pack("<IB32s32x", 70016, 1, block_hash))
        return self.wait_for("headers")

    def all_headers(self) -> Iterator[memoryview]:
        """Payloads of the headers messages of the whole chain."""
        last, count = GENESIS, MAX_HEADERS
        while count == MAX_HEADERS:
            payload = self.headers_after(last)[FRAME.size :]
            count, _ = count_at(payload)
            if count:
                last = sha256d(payload[-81:-1])
                yield payload

    def blocks(self, hashes: Sequence[bytes]) -> Iterator[memoryview]:
        """The frame of each block, asked for in groups."""
        for at in range(0, len(hashes), BATCH):
            group = hashes[at : at + BATCH]
            entries = b"".join(struct.pack("<I32s", WITNESS_BLOCK, each) for each in group)
            self.send("getdata", bytes([len(group)]) + entries)
            for _ in group:
                yield self.wait_for("block")

    def hashes(self) -> list[bytes]:
        """Hashes of the whole chain after genesis."""
        return [
            sha256d(payload[at : at + 80])
            for payload in self.all_headers()
            for at in range(count_at(payload)[1], len(payload), 81)
        ]

    def _fill(self, buffer: memoryview) -> None:
        filled = 0
        while filled < len(buffer):
            count = self._socket.recv_into(buffer[filled:])
            if not count:
                raise ConnectionError("the source has gone")
            filled += count


def frame(command: str, payload: bytes) -> bytes:
    return FRAME.pack(MAGIC, command.encode(), len(payload), sha256d(payload)[:4]) + payload


def sha256d(data: bytes | memoryview) -> bytes:
    return sha256(sha256(data).digest()).digest()


def count_at(payload: memoryview) -> tuple[int, int]:
    """The count with which a payload begins (at most 65,535), and where it ends."""
    return (payload[0], 1) if payload[0] < 0xFD else (int.from_bytes(payload[1:3], "little"), 3)
