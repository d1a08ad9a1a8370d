"""One TCP connection on the event loop: bytes in, bytes out, no meaning.

Received bytes go straight into the buffer that the machine names, and every input ends with one call of `after_input`,
where the owner takes what the machine has to say. One scratch buffer serves all connections of a loop: asyncio on POSIX
fills a buffer and hands it over in one step. Called by `peer` (one machine) and `node` (many peers of one machine).
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakKeyDictionary

from headway.errors import PeerGone
from headway.types import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headway.types import Instant, Raw

SCRATCH_SIZE: Final = 256 * 1024
"""Bytes taken from a socket at once; more than Linux's default receive buffer brings nothing."""

_scratch: WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview] = WeakKeyDictionary()


def shared_scratch() -> memoryview:
    """The receive buffer that all connections of the running loop share."""
    loop = asyncio.get_running_loop()
    if loop not in _scratch:
        _scratch[loop] = memoryview(bytearray(SCRATCH_SIZE))
    return _scratch[loop]


class Receiver(Protocol):
    """What a connection tells: a `PeerMachine` as it is, or one peer of a node machine."""

    def handle_connected(self, now: Instant, wall_time: float) -> None: ...
    def receive_buffer(self) -> memoryview: ...
    def receive_buffered(self, n: int, now: Instant) -> None: ...
    def receive_eof(self, now: Instant) -> None: ...
    def handle_writable(self, queued_bytes: int, now: Instant) -> None: ...
    def handle_connection_lost(self, message: str, now: Instant) -> None: ...


class Connection(asyncio.BufferedProtocol):
    """The driver's half of a connection. It ends with one `handle_connection_lost`, and `closed` is done."""

    __slots__ = ("_after_input", "_failure", "_loop", "_receiver", "_transport", "closed")

    def __init__(self, receiver: Receiver, after_input: Callable[[], None]) -> None:
        self._receiver = receiver
        self._after_input = after_input
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._failure: Exception | None = None
        self.closed: asyncio.Future[None] = self._loop.create_future()

    async def attach(self, sock: socket.socket) -> None:
        """Take over a connected socket. Whatever it raises, cancellation included, then the connection has ended.

        Raises OSError, and what the receiver raised when it was told.
        """
        try:
            await self._loop.create_connection(lambda: self, sock=sock)
        except BaseException as error:
            if self._transport is None:
                sock.close()
                self.connection_lost(error if isinstance(error, OSError) else None)
            self.close()
            raise
        if self._failure is not None:
            raise self._failure

    @property
    def remote(self) -> Address | None:
        """Who is at the other end; None when the connection broke before it could be asked."""
        return self._end_of_it("peername")

    @property
    def local(self) -> Address | None:
        """Our own end."""
        return self._end_of_it("sockname")

    def _end_of_it(self, which: str) -> Address | None:
        name = self._transport.get_extra_info(which) if self._transport else None
        return Address(name[0], name[1]) if name else None

    def write(self, chunks: Iterable[Raw]) -> None:
        """Queue bytes for the socket and tell how many wait there now. Nothing happens once it has ended."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines(chunks)
            self._receiver.handle_writable(self._transport.get_write_buffer_size(), self._loop.time())

    def close(self) -> None:
        """End it now. Bytes that the socket has not taken are dropped: the machine has waited for them long enough."""
        if self._transport is not None:
            self._transport.abort()

    def pause_reading(self) -> None:
        """Leave what arrives in the socket, so that the remote is slowed and our memory is not."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "asyncio gives a stream transport to a stream protocol"
        self._transport = transport
        sock = transport.get_extra_info("socket")
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            # asyncio does this by itself only for sockets that name their protocol, which accepted ones do not.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Say when the queue is empty, not merely shorter: a machine that is closing waits for its last byte.
        transport.set_write_buffer_limits(high=0)
        try:
            self._receiver.handle_connected(self._loop.time(), time.time())
        except Exception as error:  # noqa: BLE001  # asyncio would log it and go on; `attach` raises it
            self._failure = error
            transport.abort()
        else:
            self._after_input()

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._receiver.receive_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        self._receiver.receive_buffered(nbytes, self._loop.time())
        self._after_input()

    def eof_received(self) -> bool:
        self._receiver.receive_eof(self._loop.time())
        self._after_input()
        return True  # the machine decides when the other half ends

    def pause_writing(self) -> None:
        """Nothing to do: `write` has just told how much waits."""

    def resume_writing(self) -> None:
        self._receiver.handle_writable(0, self._loop.time())
        self._after_input()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.closed.done():
            return
        self._receiver.handle_connection_lost(words(exc) if exc else "closed", self._loop.time())
        self.closed.set_result(None)
        self._after_input()


def words(error: Exception) -> str:
    """The system's words for an error of a socket; asyncio puts its own in their place."""
    if isinstance(error, OSError) and error.errno and error.errno > 0:  # the resolver's numbers are its own
        return os.strerror(error.errno).lower()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def endpoints(connection: socket.socket) -> tuple[Address, Address]:
    """Our end and the remote's. Takes the socket: closed when it is no connection (any more)."""
    try:
        ours, theirs = connection.getsockname(), connection.getpeername()
    except OSError as error:
        connection.close()
        raise PeerGone(f"the connection ended before it was used: {error.strerror}") from None
    return Address(ours[0], ours[1]), Address(theirs[0], theirs[1])
