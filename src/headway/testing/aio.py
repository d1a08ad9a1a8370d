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
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, overload

from headway.aio.connection import words
from headway.errors import PeerGone, RequestTimeout
from headway.testing import script, stories
from headway.testing.conversation import Closed, VersionFields
from headway.testing.face import LOOPBACK, Face, address_of, network_of
from headway.testing.listener import ListenerFace
from headway.testing.stories import TIMEOUT
from headway.types import Address

if TYPE_CHECKING:
    from headway.network import Network
    from headway.sim.actor import Honest
    from headway.testing.face import Watched
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

    async def play(
        self, actor: Honest, *, timeout: float = TIMEOUT, until: Callable[[], bool] | None = None
    ) -> Closed | None:
        __tracebackhide__ = True
        return await self._go(self._acts(actor, timeout, until))

    async def _flush(self, timeout: float) -> None:
        await self._run(stories.flush(self._talk, timeout, self._now()))

    async def _run(self, story: Story[T]) -> T:
        __tracebackhide__ = True
        return await self._go(self._steps(story))

    async def _go(self, steps: Generator[Instant, None, T]) -> T:
        __tracebackhide__ = True
        try:
            while True:
                until = next(steps)
                self._waiter = _Waiter([self._watched], until)
                await self._waiter.wait()
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            steps.close()

    def _wake(self) -> None:
        """Whoever waits here goes on, before a descriptor is closed that is watched."""
        if self._waiter is not None:
            self._waiter.stop()

    def _now(self) -> Instant:
        return self._loop.time()


class AsyncListener(ListenerFace[AsyncTestPeer]):
    """As `Listener`: where a node under test can dial us."""

    def __init__(self, network: Network, host: str, port: int) -> None:
        super().__init__(AsyncTestPeer, network, host, port)
        self._waiters: set[_Waiter] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._close_all()

    def close(self) -> None:
        for waiter in tuple(self._waiters):
            waiter.stop()
        super().close()

    async def accept(self, *, timeout: float = TIMEOUT, auto_pong: bool = True) -> AsyncTestPeer:
        __tracebackhide__ = True
        until = asyncio.get_running_loop().time() + timeout
        while (peer := self._accept_now(auto_pong=auto_pong)) is None:
            if asyncio.get_running_loop().time() >= until:
                raise self._nobody(timeout)
            await self._wait(until)
        return peer

    async def play(
        self, actor: Honest, *, timeout: float = TIMEOUT, until: Callable[[], bool] | None = None
    ) -> list[AsyncTestPeer]:
        __tracebackhide__ = True
        steps = self._steps(actor, timeout, until)
        try:
            while True:
                due = next(steps)
                await self._wait(due)
        except StopIteration as done:
            had: list[AsyncTestPeer] = done.value
            return had
        finally:
            steps.close()

    async def _wait(self, until: Instant) -> None:
        waiter = _Waiter(self._watched, until)
        self._waiters.add(waiter)
        for peer in self._playing:
            peer._waiter = waiter  # noqa: SLF001  # to be woken before the peer is closed
        try:
            await waiter.wait()
        finally:
            self._waiters.remove(waiter)


class _Waiter:
    """One wait for descriptors. Nothing is read or written here, so a wait that is cancelled loses nothing."""

    def __init__(self, watched: Iterable[Watched], until: Instant) -> None:
        self._loop = asyncio.get_running_loop()
        self._watched = list(watched)
        self._woken: asyncio.Future[None] = self._loop.create_future()
        self._alarm = self._loop.call_at(until, self.stop)
        for fd, reads, writes in self._watched:
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
        """The descriptors are watched no longer, and whoever waits goes on."""
        self._alarm.cancel()
        for fd, reads, writes in self._watched:
            if reads:
                self._loop.remove_reader(fd)
            if writes:
                self._loop.remove_writer(fd)
        self._watched.clear()
        if not self._woken.done():
            self._woken.set_result(None)
