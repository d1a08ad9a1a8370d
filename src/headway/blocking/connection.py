"""One TCP connection in the thread of the caller: bytes in, bytes out, and the waiting. No meaning.

The socket never blocks; what waits is a selector, and for no longer than it is told. Received bytes go straight into
the buffer that the machine names. Called by `peer` only.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Final

from headway.errors import PeerGone
from headway.types import Address

if TYPE_CHECKING:
    from headway.peer.machine import PeerMachine
    from headway.types import Instant, Raw

_AT_ONCE: Final = 64
"""Chunks given to the system in one call; Linux takes up to 1,024 (IOV_MAX)."""


class Connection:
    """What moves the bytes of one machine. The socket is closed by `close` alone."""

    __slots__ = ("_failure", "_machine", "_queue", "_selector", "_socket", "_watched", "queued")

    def __init__(self, connected: socket.socket, machine: PeerMachine) -> None:
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._machine = machine
        self._socket = connected
        self._selector = selectors.DefaultSelector()
        self._selector.register(connected, selectors.EVENT_READ)
        self._watched = selectors.EVENT_READ
        self._queue: deque[memoryview] = deque()
        self._failure = ""  # why nothing can be sent any more
        self.queued = 0
        """Bytes that the system has not taken yet."""

    @property
    def is_closed(self) -> bool:
        return self._socket.fileno() == -1

    def write(self, chunks: Iterable[Raw], now: Instant) -> None:
        """Send what the system takes now; the rest goes out by `exchange`. The machine is told how much waits."""
        for chunk in chunks:
            if chunk:  # what is empty would never be taken
                self._queue.append(memoryview(chunk))
                self.queued += len(chunk)
        self._flush(now)

    def exchange(self, timeout: float, *, reading: bool = True) -> int:
        """Wait up to `timeout` seconds (inf: for ever) until bytes can move, then move them once. Tells how many came.

        0: time is up, only ours moved, or the connection has ended, which the machine has then been told.
        """
        self._watch((selectors.EVENT_READ * reading) | (selectors.EVENT_WRITE * bool(self._queue)))
        if not self._watched:
            return 0
        ready = 0
        for _, mask in self._selector.select(None if timeout == inf else max(timeout, 0.0)):
            ready |= mask
        now = time.monotonic()
        if ready & selectors.EVENT_WRITE:
            self._flush(now)
        return self._read(now) if ready & selectors.EVENT_READ else 0

    def close(self) -> None:
        """End it now; what the system has not taken is dropped."""
        self._selector.close()
        self._socket.close()
        self._queue.clear()
        self.queued = 0

    def _read(self, now: Instant) -> int:
        try:
            count = self._socket.recv_into(self._machine.receive_buffer())
        except BlockingIOError:  # a spurious wake-up
            return 0
        except OSError as error:
            self._machine.handle_connection_lost(words(error), now)
            return 0
        if count:
            self._machine.receive_buffered(count, now)
        elif self._failure:
            self._machine.handle_connection_lost(self._failure, now)
        else:
            self._machine.receive_eof(now)
        return count

    def _flush(self, now: Instant) -> None:
        try:
            while self._queue:
                self._taken(self._socket.sendmsg(islice(self._queue, _AT_ONCE)))
        except BlockingIOError:
            pass
        except OSError as error:  # told at the end of what we read: what the remote said last comes before it
            self._failure = "" if isinstance(error, BrokenPipeError) else words(error)  # a pipe breaks where one closed
            self._queue.clear()
            self.queued = 0
        self._machine.handle_writable(self.queued, now)

    def _taken(self, count: int) -> None:
        self.queued -= count
        while count:
            chunk = self._queue.popleft()
            if len(chunk) > count:
                self._queue.appendleft(chunk[count:])
            count -= min(count, len(chunk))

    def _watch(self, wanted: int) -> None:
        """Tell the selector what to wait for, if that is news."""
        if wanted == self._watched:
            return
        if not wanted:
            self._selector.unregister(self._socket)
        elif not self._watched:
            self._selector.register(self._socket, wanted)
        else:
            self._selector.modify(self._socket, wanted)
        self._watched = wanted


def words(error: OSError) -> str:
    """The system's words for an error of a socket."""
    return (error.strerror or str(error)).lower()


def endpoints(connection: socket.socket) -> tuple[Address, Address]:
    """Our end and the remote's. Takes the socket: closed when it is no connection (any more)."""
    try:
        ours, theirs = connection.getsockname(), connection.getpeername()
    except OSError as error:
        connection.close()
        raise PeerGone(f"the connection ended before it was used: {words(error)}") from None
    return Address(ours[0], ours[1]), Address(theirs[0], theirs[1])
