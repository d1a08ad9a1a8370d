"""A test peer for programs without asyncio: plain sockets in the thread of the caller. It says and hears what you want.

    with TestPeer.connect("127.0.0.1:18444", network="regtest") as peer:
        peer.handshake()
        peer.send(Ping(7))
        assert peer.expect(Pong).nonce == 7

    with TestPeer.listen("regtest") as listener:       # the node under test dials listener.address
        peer = listener.accept()

There is no thread: the remote is heard, and its pings are answered, while a call of yours runs. `aio` has the same on
an event loop; what the calls do is in `stories`.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, Unpack, overload

from headway.blocking.connection import words
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

_LONGEST: Final = 60_000
"""Milliseconds of one wait; after it comes another."""


class TestPeer(Face):
    """One connection to a node under test; see the module. One thread at a time may use it.

    Every wait has a `timeout` in seconds. What was expected and did not come raises ExpectationFailed, which is an
    AssertionError, with the transcript; what is said to a remote that has gone raises PeerGone.
    """

    @classmethod
    def connect(
        cls,
        target: str | Address,
        *,
        network: Network | str = "regtest",
        timeout: float = TIMEOUT,
        source: str = "",
        auto_pong: bool = True,
    ) -> Self:
        """Dial; nothing is said yet. `source`: our own IP address, such as 127.0.0.2, for nodes that remember it.

        Raises PeerGone that says why nothing answered, RequestTimeout, ConfigError.
        """
        chain = network_of(network)
        address = address_of(target, chain)
        try:
            dialled = socket.create_connection((address.host, address.port), timeout, (source, 0) if source else None)
        except TimeoutError:
            raise RequestTimeout(f"cannot connect to {address}: no answer within {timeout:g} s") from None
        except OSError as error:
            raise PeerGone(f"cannot connect to {address}: {words(error)}") from None
        return cls(dialled, network=chain, auto_pong=auto_pong)

    @classmethod
    def listen(cls, network: Network | str = "regtest", *, host: str = LOOPBACK, port: int = 0) -> Listener:
        """Wait to be dialled at `listener.address`. `port` 0: any that is free. Raises ConfigError."""
        return Listener(network_of(network), host, port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # To say.

    def send(self, *messages: Message, timeout: float = TIMEOUT) -> None:
        """Say these, in one write. Raises RequestTimeout when the remote does not read."""
        self._talk.say(messages, self._now())
        self._flush(timeout)

    def send_raw(self, data: bytes, *, timeout: float = TIMEOUT) -> None:
        """Bytes as they are."""
        self._talk.say_raw(data, self._now())
        self._flush(timeout)

    def send_corrupt(self, message: Message, how: Damage, *, seed: int = 0, timeout: float = TIMEOUT) -> None:
        """The frame of a message with one thing wrong (`frames.Damage`); the same seed, the same bytes."""
        self._talk.say_corrupt(message, how, seed, self._now())
        self._flush(timeout)

    def trickle(self, what: Message | bytes, *, chunk: int = 1, pause: float = 0.05) -> int:
        """A few bytes at a time. Ends early when the remote hangs up; how many bytes went."""
        return self._run(stories.trickle(self._talk, what, chunk, pause, self._now()))

    def handshake(self, *, timeout: float = TIMEOUT, **fields: Unpack[VersionFields]) -> Version:
        """A whole handshake, in the order of this network; the remote's version. `fields`: of ours, where it differs.

        Step by step it is `send(peer.version(...))`, `expect(Version)`, `send(Verack())`, `expect(Verack)`.
        """
        __tracebackhide__ = True
        return self._run(stories.handshake(self._talk, timeout, fields, self._now()))

    def half_close(self) -> None:
        """Say that nothing more will be sent (FIN); the remote can still be heard."""
        self._talk.half_close(self._now())

    # To wait.

    @overload
    def expect(self, want: type[M], where: Callable[[M], bool] | None = None, *, timeout: float = TIMEOUT) -> M: ...
    @overload
    def expect(self, want: Want, where: Callable[[Any], bool] | None = None, *, timeout: float = TIMEOUT) -> Any: ...
    def expect(self, want: Any, where: Callable[[Any], bool] | None = None, *, timeout: float = TIMEOUT) -> Any:
        """The next message that is wanted (`wants`), and for which `where` holds; those before it are passed over."""
        __tracebackhide__ = True
        return self._run(stories.expect(self._talk, want, where, timeout, self._now()))

    @overload
    def expect_next(self, want: type[M], *, timeout: float = TIMEOUT) -> M: ...
    @overload
    def expect_next(self, want: Want, *, timeout: float = TIMEOUT) -> Any: ...
    def expect_next(self, want: Any, *, timeout: float = TIMEOUT) -> Any:
        """The very next message, which must be this; pings that were answered by themselves do not count."""
        __tracebackhide__ = True
        return self._run(stories.expect_next(self._talk, want, timeout, self._now()))

    def expect_silence(self, seconds: float, *, of: Want | None = None) -> None:
        """No such message (None: none but pings) was left untaken or comes within `seconds`, and the remote stays.

        After `ping()` there is no need to wait: 0 seconds.
        """
        __tracebackhide__ = True
        self._run(stories.expect_silence(self._talk, seconds, of, self._now()))

    def expect_closed(self, *, timeout: float = TIMEOUT) -> Closed:
        """The remote hangs up: how, and after how long. What it said before can still be taken."""
        __tracebackhide__ = True
        return self._run(stories.expect_closed(self._talk, timeout, self._now()))

    def ping(self, *, timeout: float = TIMEOUT) -> float:
        """Seconds to the pong. By then the remote has handled all that was said before; its messages are not taken."""
        __tracebackhide__ = True
        return self._run(stories.ping(self._talk, timeout, self._now()))

    def delay(self, seconds: float) -> None:
        """Let time pass, and hear what comes."""
        self._run(stories.delay(seconds, self._now()))

    # At length.

    def serve(
        self,
        chain: Sequence[bytes] | ServedChain,
        *,
        timeout: float = TIMEOUT,
        until: Callable[[], bool] | None = None,
        **tricks: Unpack[Tricks],
    ) -> ServedChain:
        """Answer from these blocks (of heights 1 and up) as an honest peer, but for the `tricks`.

        Ends when `until` holds, which must happen within `timeout` seconds (ExpectationFailed); without it when the
        time is over or the remote has gone. The result tells what was asked for, and can be served again.
        """
        __tracebackhide__ = True
        served = self._served(chain, tricks)
        return self._run(stories.serve(self._talk, served, timeout, until, self._now()))

    def script(self, steps: Iterable[Message | bytes | Step]) -> list[str]:
        """Play the steps (`script`) one after another; the lines that the transcript has of it."""
        __tracebackhide__ = True
        return self._run(script.play(self._talk, list(steps), self._now()))

    def play(
        self, actor: Honest, *, timeout: float = TIMEOUT, until: Callable[[], bool] | None = None
    ) -> Closed | None:
        """An actor (`actors`) acts in place of the test, handshake and all: before it nothing may be said here.

        Ends as `serve`; what came can be taken afterwards. How the connection ended, or None: the actor can go on.
        """
        __tracebackhide__ = True
        return self._go(self._acts(actor, timeout, until))

    def _flush(self, timeout: float) -> None:
        self._run(stories.flush(self._talk, timeout, self._now()))

    def _run(self, story: Story[T]) -> T:
        __tracebackhide__ = True
        return self._go(self._steps(story))

    def _go(self, steps: Generator[Instant, None, T]) -> T:
        __tracebackhide__ = True
        try:
            while True:
                until = next(steps)
                _wait([self._watched], until)
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            steps.close()


class Listener(ListenerFace[TestPeer]):
    """Where a node under test can dial us. At the end of its `with` it is closed, and so are the peers it accepted."""

    def __init__(self, network: Network, host: str, port: int) -> None:
        super().__init__(TestPeer, network, host, port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._close_all()

    def accept(self, *, timeout: float = TIMEOUT, auto_pong: bool = True) -> TestPeer:
        """The next connection. Raises ExpectationFailed when nobody dials in time."""
        __tracebackhide__ = True
        until = time.monotonic() + timeout
        while (peer := self._accept_now(auto_pong=auto_pong)) is None:
            if time.monotonic() >= until:
                raise self._nobody(timeout)
            _wait(self._watched, until)
        return peer

    def play(
        self, actor: Honest, *, timeout: float = TIMEOUT, until: Callable[[], bool] | None = None
    ) -> list[TestPeer]:
        """An actor (`actors`) sits here, and acts on each connection that is made, as `TestPeer.play`.

        Ends as `serve`, but not when remotes have gone: others may come. The peers on which it has acted; those that
        are still connected it has again when it plays once more.
        """
        __tracebackhide__ = True
        steps = self._steps(actor, timeout, until)
        try:
            while True:
                due = next(steps)
                _wait(self._watched, due)
        except StopIteration as done:
            had: list[TestPeer] = done.value
            return had
        finally:
            steps.close()


def _wait(watched: Iterable[Watched], until: Instant) -> None:
    """Until bytes can move, or that instant."""
    waiting = select.poll()
    for fd, reads, writes in watched:
        if reads or writes:
            waiting.register(fd, select.POLLIN * reads | select.POLLOUT * writes)
    waiting.poll(min(max(ceil(1_000 * (until - time.monotonic())), 0), _LONGEST))
