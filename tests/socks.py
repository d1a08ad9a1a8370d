"""A SOCKS5 proxy of the tests: it leads where the test says, notes what it was asked, and has faults to order.

It looks no name up and dials nothing but what stands in its routes, so a test that goes astray reaches nobody.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from headway.types import Address
from tests.farend import meanwhile
from tests.loopback import TOO_LONG, listen

NO_LOGIN = 0
LOGIN = 2


@dataclass(frozen=True)
class Asked:
    """One request as the proxy saw it."""

    kind: int
    """1: IPv4, 3: name, 4: IPv6."""
    host: str
    port: int
    username: str = ""
    password: str = ""


@dataclass(frozen=True)
class Fault:
    """What this proxy does otherwise than it should; `at` names the moment: hello, login or request."""

    answer: bytes | None = None
    """Says this at the moment, and hangs up."""
    at: str = ""
    is_silent: bool = False
    """Says nothing at the moment, and waits."""
    code: int = 0
    """Answers the request with this code."""
    trickles: bool = False
    """Sends its answers byte by byte."""


@dataclass
class SocksProxy:
    """`async with SocksProxy(...)`: it listens at `address`."""

    routes: Mapping[str, Address] = field(default_factory=dict)
    """Host as it was asked for -> where it leads. Others are unreachable."""
    fault: Fault = Fault()
    method: int = LOGIN
    """The one that it takes."""
    asked: list[Asked] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._listener, self.address = listen()
        self.silence = asyncio.Event()
        """Set when it has fallen silent."""
        self._accepting = asyncio.create_task(self._accept())
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._accepting.cancel()
        await asyncio.wait([self._accepting])
        self._listener.close()

    async def _accept(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                accepted, _ = await asyncio.get_running_loop().sock_accept(self._listener)
                group.create_task(self._serve(*await asyncio.open_connection(sock=accepted)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far = await self._shake(reader, writer)
            if far is not None:
                await _relay(reader, writer, far)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.transport.abort()

    async def _shake(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Address | None:
        _, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        assert self.method in offered
        if not await self._say(writer, "hello", bytes((5, self.method))):
            return None
        username = password = b""
        if self.method == LOGIN:
            username = await reader.readexactly((await reader.readexactly(2))[1])
            password = await reader.readexactly((await reader.readexactly(1))[0])
            if not await self._say(writer, "login", b"\x01\x00"):
                return None
        _, command, _, kind = await reader.readexactly(4)
        assert command == 1
        host = await _read_host(reader, kind)
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        self.asked.append(Asked(kind, host, port, username.decode(), password.decode()))
        far = self.routes.get(host)
        code = self.fault.code or (0 if far else 4)
        said = await self._say(writer, "request", bytes((5, code, 0, 1, 127, 0, 0, 1, 0, 80)))
        return far if said and not code else None

    async def _say(self, writer: asyncio.StreamWriter, moment: str, answer: bytes) -> bool:
        """False: it was the last word."""
        is_moment = self.fault.at == moment
        if is_moment and self.fault.is_silent:
            self.silence.set()
            await asyncio.get_running_loop().create_future()
        if is_moment and self.fault.answer is not None:
            answer = self.fault.answer
        for piece in [answer[at : at + 1] for at in range(len(answer))] if self.fault.trickles else [answer]:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return not (is_moment and self.fault.answer is not None)


async def _read_host(reader: asyncio.StreamReader, kind: int) -> str:
    if kind == 3:
        return (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    return str(ipaddress.ip_address(await reader.readexactly({1: 4, 4: 16}[kind])))


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: Address) -> None:
    far_reader, far_writer = await asyncio.open_connection(far.host, far.port)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(reader, far_writer))
            group.create_task(_pump(far_reader, writer))
    except* ConnectionError:
        pass  # one of them has gone, and so the other
    finally:
        far_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


@contextmanager
def in_a_thread(proxy: SocksProxy) -> Iterator[SocksProxy]:
    """The same for tests without a loop of their own."""
    loop = asyncio.new_event_loop()
    started, stopped = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with proxy:
            started.set()
            await stopped.wait()

    with meanwhile(lambda: loop.run_until_complete(serve())):
        assert started.wait(TOO_LONG)
        try:
            yield proxy
        finally:
            loop.call_soon_threadsafe(stopped.set)
    loop.close()
