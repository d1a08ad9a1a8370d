"""What a test peer does at once, whoever waits for the rest: what it is, what it has heard, how it ends.

`TestPeer` (`peer`) and `AsyncTestPeer` (`aio`) are this and the calls that take time.
"""

from __future__ import annotations

import random
import socket
import time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar, Unpack

from headway.errors import ConfigError, LocalProtocolError
from headway.network_file import load_network
from headway.testing import stage
from headway.testing.conversation import Closed, Conversation, VersionFields
from headway.testing.endpoint import Endpoint
from headway.testing.serving import ServedChain, Tricks
from headway.types import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from headway.network import Network
    from headway.sim.actor import Honest
    from headway.testing.stories import Story
    from headway.testing.transcript import Transcript
    from headway.types import Instant
    from headway.wire.messages import Message, Version

T = TypeVar("T")

LOOPBACK: Final = "127.0.0.1"
_rng: Final = random.SystemRandom()


class Watched(NamedTuple):
    """A descriptor, and what somebody waits for there."""

    fd: int
    reads: bool
    writes: bool


class Face:
    """One connection. It is closed at the end of its `with`, by `close()` or `drop()`."""

    __test__ = False
    """Nothing for pytest to collect."""

    def __init__(
        self,
        connection: socket.socket,
        *,
        network: Network | str = "regtest",
        inbound: bool = False,
        auto_pong: bool = True,
    ) -> None:
        """`connection`: a connected socket; from now on it is ours to close. `inbound`: the remote has dialled us.

        `auto_pong`: pings are answered by themselves. Raises PeerGone when the remote has hung up already.
        """
        chain = network_of(network)
        self._endpoint = Endpoint(connection)
        self._talk = Conversation(
            chain,
            self._endpoint,
            self._endpoint.theirs,
            inbound=inbound,
            auto_pong=auto_pong,
            rng=_rng,
            wall_time=time.time(),
            now=self._now(),
        )
        self._is_busy = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address} {self.closed or 'open'}>"

    @property
    def network(self) -> Network:
        return self._talk.network

    @property
    def address(self) -> Address:
        """The remote's end of the connection."""
        return self._endpoint.theirs

    @property
    def local_address(self) -> Address:
        """Our end."""
        return self._endpoint.ours

    @property
    def their_version(self) -> Version | None:
        """The remote's first version message, once it has come."""
        return self._talk.theirs

    @property
    def closed(self) -> Closed | None:
        """How the connection ended, as far as the last call saw; None while it stands."""
        return self._talk.closed

    @property
    def transcript(self) -> Transcript:
        """Everything that was said and heard; `str` of it is for people, `lines` for assertions."""
        return self._talk.transcript

    def version(self, **fields: Unpack[VersionFields]) -> Version:
        """A version message as `handshake` would send it, not sent yet: for handshakes step by step."""
        return self._talk.version(self._now(), **fields)

    def heard(self) -> list[Message]:
        """All messages that have come and were not taken yet; now they are. Waits for nothing."""
        self._move()
        return [self._talk.take().message for _ in range(len(self._talk.unread))]

    def close(self) -> None:
        """End the connection (FIN)."""
        self._talk.close(self._now())

    def drop(self) -> None:
        """End the connection as a crash would (RST): what the remote has not read yet is lost."""
        self._talk.drop(self._now())

    # For those who wait.

    def _now(self) -> Instant:
        return time.monotonic()

    def _move(self) -> None:
        """Bytes that can move do; nothing waits."""
        self._endpoint.flush()
        self._endpoint.read_into(self._talk, self._now())

    @property
    def _watched(self) -> Watched:
        """What to wait for."""
        reads = self._talk.is_reading and not self._endpoint.has_ended
        return Watched(self._endpoint.fileno(), reads=reads, writes=bool(self._endpoint.queued))

    def _steps(self, story: Story[T]) -> Generator[Instant, None, T]:
        """The story, with the bytes that belong to it: the instants until which to wait."""
        __tracebackhide__ = True
        self._check_idle()
        self._is_busy = True
        try:
            self._move()
            until = next(story)
            while True:
                yield until
                self._move()
                until = story.send(self._now())
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            self._is_busy = False

    def _acts(
        self, actor: Honest, timeout: float, until: Callable[[], bool] | None = None
    ) -> Generator[Instant, None, Closed | None]:
        """As `_steps`: the actor's part."""
        self._check_idle()
        return self._steps(stage.play(self._talk, actor, timeout, until, self._now()))

    def _check_idle(self) -> None:
        if self._is_busy:
            raise LocalProtocolError(f"{self!r} is at work: one call at a time")

    def _served(self, chain: Sequence[bytes] | ServedChain, tricks: Tricks) -> ServedChain:
        if not isinstance(chain, ServedChain):
            return ServedChain(self.network, chain, **tricks)
        if tricks:
            raise LocalProtocolError("what a ServedChain does wrong is said where it is made")
        return chain


def network_of(network: Network | str) -> Network:
    """Raises ConfigError for a name that there is not."""
    return load_network(network) if isinstance(network, str) else network


def address_of(target: str | Address, network: Network) -> Address:
    """Of `host:port`, or a host with the network's port. Raises ConfigError."""
    try:
        return target if isinstance(target, Address) else Address.parse(target, network.port)
    except ValueError as error:
        raise ConfigError(str(error)) from None
