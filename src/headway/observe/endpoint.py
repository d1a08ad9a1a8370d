"""Where metrics can be asked for: `GET /metrics` by HTTP, one answer a connection, on the node's own event loop.

Not the server of prometheus-client: it has a thread for each connection and no end to any of them, and would read the
node's state while the loop changes it.

# Security
It listens where it was told and nowhere else, and knows nobody: whoever reaches it may ask, and learns what
docs/reference/metrics.md lists. A request has `MAX_HEAD` bytes and `TIMEOUT` seconds, and there are `MAX_CONNECTIONS`
of them at a time; of what it says, method and path are looked at and nothing else.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from headway.errors import LocalProtocolError
from headway.observe.metrics import CONTENT_TYPE, render, require_client
from headway.types import Address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self

    from headway.observe.families import Scrape

PATH: Final = "/metrics"
MAX_HEAD: Final = 8_192
"""Bytes of a request line and its headers."""
TIMEOUT: Final = 10.0
"""Seconds for a request to come and its answer to go (Prometheus gives up after as many, scrape_timeout)."""
MAX_CONNECTIONS: Final = 16
"""At one time; who comes then is hung up on."""


class MetricsEndpoint:
    """Open from `async with` on, and closed at its end with nothing left running."""

    def __init__(self, address: Address, scrape: Callable[[], Awaitable[Scrape]], *, patience: float = TIMEOUT) -> None:
        """`address`: where to listen, port 0 for any free one. Raises ConfigError without prometheus-client."""
        require_client()
        self.address = address
        """With the real port once it is open."""
        self._scrape = scrape
        self._patience = patience
        self._server: asyncio.Server | None = None
        self._answers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Raises OSError when it cannot listen there."""
        self._server = await asyncio.start_server(
            self._accept, self.address.host, self.address.port, limit=MAX_HEAD, backlog=MAX_CONNECTIONS
        )
        self.address = Address(*self._server.sockets[0].getsockname()[:2])
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None, "it was opened"
        self._server.close()
        for task in self._answers:
            task.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._answers) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(TimeoutError, OSError, asyncio.IncompleteReadError):  # gone, or slow: nothing to say to it
                async with asyncio.timeout(self._patience):
                    writer.write(await self._answer(reader))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _response("431 Request Header Fields Too Large")
        words = head.partition(b"\r\n")[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _response("400 Bad Request")
        if words[1].partition(b"?")[0] != PATH.encode():
            return _response("404 Not Found", b"metrics are at /metrics\n")
        if words[0] != b"GET":
            return _response("405 Method Not Allowed", header="Allow: GET\r\n")
        try:
            return _response("200 OK", render(await self._scrape()), kind=CONTENT_TYPE)
        except LocalProtocolError:
            return _response("503 Service Unavailable", b"the node is closing\n")


def _response(status: str, body: bytes = b"", *, kind: str = "text/plain; charset=utf-8", header: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{header}Connection: close\r\n\r\n"
    )
    return head.encode() + body
