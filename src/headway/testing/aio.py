"""A test peer on an event loop, for nodes under test that live on the same one: `TestPeer`, awaited.

    async with await AsyncTestPeer.connect(address, network="regtest") as peer:
        await peer.handshake()

    async with AsyncTestPeer.listen("regtest") as listener:
        peer = await listener.accept()

Call for call as `peer`, where each is described; what they do is in `stories`. A call can be cancelled; what it waited
for then stays to be taken. Nothing runs between calls: a peer that has to answer meanwhile is a task that serves.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, Unpack, overload

from headway.aio.connection import words
from headway.errors import ExpectationFailed, PeerGone, RequestTimeout
from headway.testing import script, stories
from headway.testing.conversation import Closed, VersionFields
from headway.testing.face import LOOPBACK, Face, address_of, listening_socket, network_of
from headway.testing.stories import TIMEOUT
from headway.types import Address

if TYPE_CHECKING:
    from headway.network import Network
    from headway.testing.frames import Damage
    from headway.testing.script import Step
    from headway.testing.serving import ServedChain, Tricks
    from headway.testing.stories import Story
    from headway.testing.wants import Want
    from headway.types import Instant
    from headway.wire.messages import Message, Version

M = TypeVar("M", bound="Message")
T = TypeVar("T")


class AsyncTestPeer(Face):
    """One connection to a node under test, on the running event loop. One call at a time."""

    def __init__(
        self,
        connection: socket.socket,
        *,
        network: Network | str = "regtest",
        inbound: bool = False,
        auto_pong: bool = True,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: _Waiter | None = None
        super().__init__(connection, network=network, inbound=inbound, auto_pong=auto_pong)

    @classmethod
    async def connect(
        cls,
        target: str | Address,
        *,
        network: Network | str = "regtest",
        timeout: float = TIMEOUT,
        source: str = "",
        auto_pong: bool = True,
    ) -> Self:
        chain = network_of(network)
        address = address_of(target, chain)
        dialled = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET)
        try:
            dialled.setblocking(False)
            if source:
                dialled.bind((source, 0))
            async with asyncio.timeout(timeout):
                await asyncio.get_running_loop().sock_connect(dialled, (address.host, address.port))
        except BaseException as error:
            dialled.close()
            if isinstance(error, TimeoutError):
                raise RequestTimeout(f"cannot connect to {address}: no answer within {timeout:g} s") from None
            if isinstance(error, OSError):
                raise PeerGone(f"cannot connect to {address}: {words(error)}") from None
            raise
        return cls(dialled, network=chain, auto_pong=auto_pong)

    @classmethod
    def listen(cls, network: Network | str = "regtest", *, host: str = LOOPBACK, port: int = 0) -> AsyncListener:
        return AsyncListener(network_of(network), host, port)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        self._wake()
        super().close()

    def drop(self) -> None:
        self._wake()
        super().drop()

    # To say.

    async def send(self, *messages: Message, timeout: float = TIMEOUT) -> None:
        self._talk.say(messages, self._now())
        await self._flush(timeout)

    async def send_raw(self, data: bytes, *, timeout: float = TIMEOUT) -> None:
        self._talk.say_raw(data, self._now())
        await self._flush(timeout)

    async def send_corrupt(self, message: Message, how: Damage, *, seed: int = 0, timeout: float = TIMEOUT) -> None:
        self._talk.say_corrupt(message, how, seed, self._now())
        await self._flush(timeout)

    async def trickle(self, what: Message | bytes, *, chunk: int = 1, pause: float = 0.05) -> int:
        return await self._run(stories.trickle(self._talk, what, chunk, pause, self._now()))

    async def handshake(self, *, timeout: float = TIMEOUT, **fields: Unpack[VersionFields]) -> Version:
        __tracebackhide__ = True
        return await self._run(stories.handshake(self._talk, timeout, fields, self._now()))

    def half_close(self) -> None:
        self._talk.half_close(self._now())

    # To wait.

    @overload
    async def expect(
        self, want: type[M], where: Callable[[M], bool] | None = None, *, timeout: float = TIMEOUT
    ) -> M: ...
    @overload
    async def expect(
        self, want: Want, where: Callable[[Any], bool] | None = None, *, timeout: float = TIMEOUT
    ) -> Any: ...
    async def expect(self, want: Any, where: Callable[[Any], bool] | None = None, *, timeout: float = TIMEOUT) -> Any:
        __tracebackhide__ = True
        return await self._run(stories.expect(self._talk, want, where, timeout, self._now()))

    @overload
    async def expect_next(self, want: type[M], *, timeout: float = TIMEOUT) -> M: ...
    @overload
    async def expect_next(self, want: Want, *, timeout: float = TIMEOUT) -> Any: ...
    async def expect_next(self, want: Any, *, timeout: float = TIMEOUT) -> Any:
        __tracebackhide__ = True
        return await self._run(stories.expect_next(self._talk, want, timeout, self._now()))

    async def expect_silence(self, seconds: float, *, of: Want | None = None) -> None:
        __tracebackhide__ = True
        await self._run(stories.expect_silence(self._talk, seconds, of, self._now()))

    async def expect_closed(self, *, timeout: float = TIMEOUT) -> Closed:
        __tracebackhide__ = True
        return await self._run(stories.expect_closed(self._talk, timeout, self._now()))

    async def ping(self, *, timeout: float = TIMEOUT) -> float:
        __tracebackhide__ = True
        return await self._run(stories.ping(self._talk, timeout, self._now()))

    async def delay(self, seconds: float) -> None:
        await self._run(stories.delay(seconds, self._now()))

    # At length.

    async def serve(
        self,
        chain: Sequence[bytes] | ServedChain,
        *,
        timeout: float = TIMEOUT,
        until: Callable[[], bool] | None = None,
        **tricks: Unpack[Tricks],
    ) -> ServedChain:
        __tracebackhide__ = True
        served = self._served(chain, tricks)
        return await self._run(stories.serve(self._talk, served, timeout, until, self._now()))

    async def script(self, steps: Iterable[Message | bytes | Step]) -> list[str]:
        __tracebackhide__ = True
        return await self._run(script.play(self._talk, list(steps), self._now()))

    async def _flush(self, timeout: float) -> None:
        await self._run(stories.flush(self._talk, timeout, self._now()))

    async def _run(self, story: Story[T]) -> T:
        __tracebackhide__ = True
        self._begin()
        try:
            until = next(story)
            while True:
                await self._wait(until)
                self._move()
                until = story.send(self._now())
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            self._is_busy = False

    async def _wait(self, until: Instant) -> None:
        """Until bytes can move, or that instant, or our own end."""
        reads, writes = not self._endpoint.has_ended, bool(self._endpoint.queued)
        self._waiter = _Waiter(self._endpoint.fileno(), until, reads=reads, writes=writes)
        await self._waiter.wait()

    def _wake(self) -> None:
        if self._waiter is not None:
            self._waiter.stop()

    def _now(self) -> Instant:
        return self._loop.time()


class AsyncListener:
    """As `Listener`: where a node under test can dial us."""

    def __init__(self, network: Network, host: str, port: int) -> None:
        self._network = network
        self._socket = listening_socket(host, port)
        self._socket.setblocking(False)
        name = self._socket.getsockname()
        self.address: Final = Address(name[0], name[1])
        self._accepted: list[AsyncTestPeer] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.close()
        for peer in self._accepted:
            peer.close()

    async def accept(self, *, timeout: float = TIMEOUT, auto_pong: bool = True) -> AsyncTestPeer:
        __tracebackhide__ = True
        until = asyncio.get_running_loop().time() + timeout
        while True:
            try:
                accepted, _ = self._socket.accept()
            except BlockingIOError:
                if asyncio.get_running_loop().time() >= until:
                    raise ExpectationFailed(f"nobody connected to {self.address} within {timeout:g} s") from None
                await _Waiter(self._socket.fileno(), until, reads=True).wait()
                continue
            peer = AsyncTestPeer(accepted, network=self._network, inbound=True, auto_pong=auto_pong)
            self._accepted.append(peer)
            return peer

    def close(self) -> None:
        self._socket.close()


class _Waiter:
    """One wait for a descriptor. Nothing is read or written here, so a wait that is cancelled loses nothing."""

    def __init__(self, fd: int, until: Instant, *, reads: bool = False, writes: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        self._fd, self._reads, self._writes = fd, reads, writes
        self._woken: asyncio.Future[None] = self._loop.create_future()
        self._alarm = self._loop.call_at(until, self.stop)
        if reads:
            self._loop.add_reader(fd, self.stop)
        if writes:
            self._loop.add_writer(fd, self.stop)

    async def wait(self) -> None:
        try:
            await self._woken
        finally:
            self.stop()

    def stop(self) -> None:
        """The descriptor is watched no longer, and whoever waits goes on."""
        self._alarm.cancel()
        if self._reads:
            self._loop.remove_reader(self._fd)
        if self._writes:
            self._loop.remove_writer(self._fd)
        self._reads = self._writes = False
        if not self._woken.done():
            self._woken.set_result(None)
