"""The far end of many idle connections: a process that shakes hands, answers pings, and hangs up when told.

    python -m bench.crowd DESCRIPTORS       may open so many; prints `listening PORT`

Each line on stdin is answered by one on stdout: `drop N` closes the oldest N connections and says how many are left,
`pings` says how many pings were answered. It ends when stdin does. It reads of a frame what it needs and checks
nothing, so that thousands of connections cost it little: it is no node.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Final

from bench.processes import allow_descriptors
from bench.source import frame
from headway.types import Address, Services
from headway.wire.compact import SendCmpct
from headway.wire.messages import FeeFilter, Message, SendAddrV2, Verack, Version, WtxidRelay

HEADER_SIZE: Final = 24
_COMMAND: Final = slice(4, 16)
_LENGTH: Final = slice(16, 20)
_BACKLOG: Final = 1_024
"""Connections that wait to be accepted: they come in a rush."""
SOMEBODY: Final = Address("127.0.0.1", 1)


class Crowd:
    """What its connections share."""

    def __init__(self) -> None:
        services = Services.NETWORK | Services.WITNESS
        version = Version(70016, services, int(time.time()), 1, "/crowd/", 7, remote=SOMEBODY, local=SOMEBODY)
        cmpct = SendCmpct(announce=False, version=2)
        said: tuple[Message, ...] = (version, WtxidRelay(), SendAddrV2(), Verack(), cmpct, FeeFilter(1_000))
        self.handshake = b"".join(frame(message) for message in said)  # what Core says of itself
        self.remotes: dict[Remote, None] = {}
        self.pings = 0

    def drop(self, count: int) -> int:
        for remote in list(self.remotes)[:count]:
            remote.transport.close()
            del self.remotes[remote]
        return len(self.remotes)

    def obey(self, order: str) -> int:
        match order.split():
            case ["drop", count]:
                return self.drop(int(count))
            case ["pings"]:
                return self.pings
            case _:
                raise ValueError(f"no such order: {order!r}")


class Remote(asyncio.Protocol):
    """One connection."""

    __slots__ = ("_crowd", "_received", "transport")
    transport: asyncio.Transport

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "a stream"
        self.transport = transport
        self._crowd.remotes[self] = None

    def data_received(self, data: bytes) -> None:
        received = self._received + data
        while len(received) >= HEADER_SIZE:
            end = HEADER_SIZE + int.from_bytes(received[_LENGTH], "little")
            if len(received) < end:
                break
            self._answer(received[:end])
            received = received[end:]
        self._received = received

    def _answer(self, message: bytes) -> None:
        match message[_COMMAND].rstrip(b"\0"):
            case b"version":
                self.transport.write(self._crowd.handshake)
            case b"ping":  # a pong is the same but for one letter
                self._crowd.pings += 1
                self.transport.write(message[:5] + b"o" + message[6:])
            case _:
                pass

    def connection_lost(self, _error: Exception | None) -> None:
        self._crowd.remotes.pop(self, None)


async def main() -> None:
    loop, crowd = asyncio.get_running_loop(), Crowd()
    server = await loop.create_server(lambda: Remote(crowd), "127.0.0.1", 0, backlog=_BACKLOG)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while order := (await orders.readline()).decode():
        print(crowd.obey(order), flush=True)


if __name__ == "__main__":
    allow_descriptors(int(sys.argv[1]))
    asyncio.run(main())
