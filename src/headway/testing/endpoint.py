"""One TCP socket of a test peer: bytes out as the system takes them, bytes in when somebody looks. It never waits.

The `Line` of a conversation. Who waits until it can move, and how, are `peer` and `aio`.
"""

from __future__ import annotations

import os
import select
import socket
from typing import TYPE_CHECKING, Final

from headway.blocking.connection import words
from headway.errors import PeerGone
from headway.types import Address

if TYPE_CHECKING:
    from headway.testing.conversation import Conversation
    from headway.types import Instant

_AT_ONCE: Final = 1 << 18
"""Bytes read from the system in one call."""
MAX_READ: Final = 32_000_000
"""Bytes read before somebody looks at the clock again: as many as the system may hold for us (its largest receive
buffer), so that nobody is blamed for our own delay, and a flood cannot put off a deadline for ever."""
_ENDS: Final = getattr(select, "POLLRDHUP", 0)
"""The remote sends no more: Linux tells that before all is read. Failures are told by every system, and unasked."""
_RESET: Final = b"\x01\0\0\0\0\0\0\0"
"""SO_LINGER: on, 0 seconds. A close is a RST then."""


class Endpoint:
    """Takes a connected socket, which is closed by `close` or `drop`."""

    def __init__(self, connection: socket.socket) -> None:
        try:
            ours, theirs = connection.getsockname(), connection.getpeername()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what was said has been sent
        except OSError as error:
            connection.close()
            raise PeerGone(f"the connection ended before it was used: {words(error)}") from None
        self.ours = Address(ours[0], ours[1])
        self.theirs = Address(theirs[0], theirs[1])
        self._socket = connection
        self._queue = bytearray()
        self._failure = ""
        """Why nothing can be sent any more: told when all that came before was read."""
        self._ends_soon = False
        """A FIN follows what is queued."""
        self.has_ended = False
        """Nothing more will come."""

    def fileno(self) -> int:
        """-1 once it is closed."""
        return self._socket.fileno()

    @property
    def queued(self) -> int:
        return len(self._queue)

    def send(self, data: bytes) -> None:
        if not self._failure:
            self._queue += data
            self.flush()

    def flush(self) -> None:
        """Give the system what it takes now."""
        try:
            while self._queue:
                del self._queue[: self._socket.send(self._queue)]
            if self._ends_soon:
                self._ends_soon = False
                self._socket.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass
        except OSError as error:
            self._failure = words(error)
            self._queue.clear()

    def read_into(self, talk: Conversation, now: Instant) -> None:
        """Tell the conversation what has come, as far as it wants to hear, and the end."""
        total = 0
        while talk.is_reading and not self.has_ended and total < MAX_READ:
            try:
                data = self._socket.recv(_AT_ONCE)
            except BlockingIOError:
                return
            except OSError as error:
                self.has_ended = True
                talk.handle_connection_lost(_how(error), now)
                return
            total += len(data)
            if data:
                talk.receive_data(data, now)
            else:
                self.has_ended = True
                talk.receive_eof(now)
        if not talk.is_reading and not self.has_ended:
            self._look_for_end(talk, now)

    def _look_for_end(self, talk: Conversation, now: Instant) -> None:
        """Tell the end alone, and leave unread what stands before it."""
        waiting = select.poll()
        waiting.register(self._socket, _ENDS)
        for _, seen in waiting.poll(0):
            self.has_ended = True
            failure = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if seen & select.POLLERR else 0
            if failure:
                talk.handle_connection_lost(_how(OSError(failure, os.strerror(failure))), now)
            else:
                talk.receive_eof(now)

    def half_close(self) -> None:
        self._ends_soon = True
        self.flush()

    def close(self) -> None:
        """A FIN, behind what the system has taken. What has come and was not read would make it a RST: it is read."""
        if self.fileno() == -1:
            return
        try:
            self._socket.shutdown(socket.SHUT_WR)
            total = 0
            while total < MAX_READ and (data := self._socket.recv(_AT_ONCE)):
                total += len(data)
        except OSError:  # nothing more to read, or the remote was faster
            pass
        self._close()

    def drop(self) -> None:
        if self.fileno() != -1:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._close()

    def _close(self) -> None:
        self._socket.close()
        self._queue.clear()
        self.has_ended = True


def _how(error: OSError) -> str:
    """A connection ended with it."""
    return "reset" if isinstance(error, ConnectionResetError) else words(error)
