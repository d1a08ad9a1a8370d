"""The far end of blocking peers: a bare socket in the same thread, or in a thread of its own; an asyncio node in one.

What a far end says before we read waits in the socket, so most stories need no thread. A test that leaves a thread or a
descriptor behind has failed; nothing here sleeps.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Unpack

from headway.aio.config import Keywords
from headway.blocking import Peer
from headway.network import Network
from headway.peer.config import PeerConfig
from headway.types import Address
from headway.wire import messages as m
from tests.loopback import TOO_LONG, ToyServer, descriptors
from tests.toynet import PROTOCOL, TOYNET

VERSION = m.Version(PROTOCOL, 0, 0, 1, "/far:1/", 7)


@contextmanager
def leaving_nothing() -> Iterator[None]:
    """What is opened or started inside has ended at its end."""
    before, threads = descriptors(), set(threading.enumerate())
    yield
    assert descriptors() == before
    assert set(threading.enumerate()) <= threads


class FarEnd:
    """A bare socket that says and reads what the test wants."""

    def __init__(self, sock: socket.socket, network: Network = TOYNET) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what was said has been sent
        self.sock = sock
        self._wire = network.codec.open(inbound=True)

    def encode(self, *messages: m.Message) -> bytes:
        return b"".join(bytes(chunk) for message in messages for chunk in self._wire.encode(message))

    def say(self, *messages: m.Message) -> None:
        self.sock.sendall(self.encode(*messages))

    def shake(self, version: m.Version = VERSION) -> None:
        """Its half of a handshake; what we say is left unread."""
        self.say(version, m.Verack())

    def hear(self, command: str) -> m.Message:
        """The next message of this command; those before it are forgotten."""
        while True:
            for frame in self._wire.frames():
                message = self._wire.decode(frame)
                if message.command == command:
                    return message
            data = self.sock.recv(1 << 16)
            assert data, f"the end came before a {command}"
            self._wire.receive_data(data)

    def hear_now(self) -> list[str]:
        """The commands of what has arrived."""
        self.sock.setblocking(False)
        try:
            while data := self.sock.recv(1 << 16):
                self._wire.receive_data(data)
        except BlockingIOError:
            pass
        self.sock.setblocking(True)
        return [frame.command for frame in self._wire.frames()]

    def reset(self) -> None:
        """Close without a word."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # on, 0 s
        self.sock.close()


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of one TCP connection: ours that dialled, and the one that was accepted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dialled = socket.create_connection(listener.getsockname())
        return dialled, listener.accept()[0]


@contextmanager
def pair(network: Network = TOYNET, *, version: m.Version = VERSION, **config: Any) -> Iterator[tuple[Peer, FarEnd]]:
    """A ready peer of ours and its far end. `config`: fields of PeerConfig."""
    dialled, accepted = socket_pair()
    with accepted, Peer(dialled, config=PeerConfig(network, **config)) as peer:
        far = FarEnd(accepted, network)
        far.shake(version)
        peer.handshake()
        far.hear("verack")
        yield peer, far


@contextmanager
def meanwhile(story: Callable[[], object]) -> Iterator[None]:
    """`story` goes on in a thread; what it raises comes out at the end."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            story()
        except BaseException as error:  # noqa: BLE001  # for the thread of the test
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(TOO_LONG)
    if failures:
        raise failures[0]


@contextmanager
def served(chain: Sequence[bytes], network: Network = TOYNET, **identity: Unpack[Keywords]) -> Iterator[Address]:
    """A node that serves a toy chain, on an event loop in a thread of its own; where it listens."""
    loop = asyncio.new_event_loop()
    stopped = asyncio.Event()
    started = threading.Event()
    addresses: list[Address] = []

    async def serve() -> None:
        async with ToyServer(chain, network, **identity) as server:
            addresses.append(server.address)
            started.set()
            await stopped.wait()

    with meanwhile(lambda: loop.run_until_complete(serve())):
        assert started.wait(TOO_LONG)
        try:
            yield addresses[0]
        finally:
            loop.call_soon_threadsafe(stopped.set)
    loop.close()


def devour(sock: socket.socket) -> int:
    """Read to the end; how many bytes came."""
    total = 0
    while data := os.read(sock.fileno(), 1 << 20):
        total += len(data)
    return total
