"""One connection as a test sees it: what it has said, what it has heard, how it ended. No socket and no clock.

Nothing is done by itself but what a dumb peer cannot leave: bytes become messages, and pings are answered. All else is
an order of the test. What takes time (to wait for a message, above all) is in `stories`. The socket is behind `Line`.

# Security
The remote is a program under test and may send anything: no input raises for it. What is kept of it is bounded
(`MAX_INBOX`, `MAX_INBOX_BYTES`, the lines of the transcript), and so is what is answered by itself (`MAX_QUEUED`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypedDict, Unpack

from headway import __version__
from headway.errors import CodecError, ExpectationFailed, LocalProtocolError, PeerGone
from headway.peer.trace import describe
from headway.testing.frames import corrupt
from headway.testing.transcript import Transcript
from headway.types import Services, printable
from headway.wire.messages import Message, Ping, Pong, Version

if TYPE_CHECKING:
    import random

    from headway.network import Network
    from headway.testing.frames import Damage
    from headway.types import Address, Instant
    from headway.wire.frames import Frame

USER_AGENT: Final = f"/headway-test:{__version__}/"
SERVICES: Final = int(Services.NETWORK | Services.WITNESS)
"""What a test peer claims to offer: with less, nodes under test ask it for nothing."""
MAX_INBOX: Final = 10_000
"""Messages kept that nobody has taken; of more the oldest are dropped."""
MAX_INBOX_BYTES: Final = 64_000_000
"""Bytes of them on the wire: sixteen blocks of the largest size."""
MAX_QUEUED: Final = 4_000_000
"""Bytes that wait for a remote which does not read, before nothing more is answered by itself."""
MAX_OPENING: Final = 1_000_000
"""Bytes kept of what a remote says before we say anything, for an actor that is to hear it from the beginning."""


class Line(Protocol):
    """The socket of a conversation."""

    @property
    def queued(self) -> int:
        """Bytes that the system has not taken yet."""

    def send(self, data: bytes) -> None: ...

    def half_close(self) -> None:
        """Say that nothing more will be sent (FIN), and go on reading."""

    def close(self) -> None:
        """Close with a FIN."""

    def drop(self) -> None:
        """Close with a RST: what is queued, here or there, is lost."""


class Audience(Protocol):
    """Who hears the bytes that come, and answers in place of the test: an actor (`stage`)."""

    @property
    def is_reading(self) -> bool: ...

    def receive(self, data: bytes, now: Instant) -> None: ...
    def ended(self, now: Instant) -> None: ...


class VersionFields(TypedDict, total=False):
    """Fields of a version message that a test says otherwise than a dumb peer would."""

    protocol: int
    services: int
    wall_time: int
    nonce: int
    user_agent: str
    start_height: int
    relay: bool
    port: int
    remote: Address | None
    local: Address | None
    magic: int
    capabilities: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """How a connection ended."""

    by: str
    """`remote`, or `us`."""
    how: str
    """`closed` (FIN), `reset` (RST), or the system's words for another failure."""
    seconds: float
    """From the last bytes that we sent to the end."""

    def __str__(self) -> str:
        return f"{self.how} by {self.by}"


class Heard(NamedTuple):
    """A message that nobody has taken yet."""

    message: Message
    size: int
    """Bytes on the wire."""
    is_answered: bool
    """A ping that had its pong at once."""


class Conversation:
    """See the module. `now` is the last argument everywhere."""

    def __init__(
        self,
        network: Network,
        line: Line,
        remote: Address,
        *,
        inbound: bool,
        auto_pong: bool,
        rng: random.Random,
        wall_time: float,
        now: Instant,
    ) -> None:
        self.network = network
        self.inbound = inbound
        self.remote = remote
        self.auto_pong = auto_pong
        self.transcript = Transcript(now)
        self.theirs: Version | None = None
        """Their first version, once it has come."""
        self.closed: Closed | None = None
        self.unreadable = ""
        """Why nothing that comes can be read any more."""
        self.audience: Audience | None = None
        self._line = line
        self._rng = rng
        self._wall_offset = wall_time - now
        self._wire = network.codec.open(inbound=inbound)
        self._inbox: deque[Heard] = deque()
        self._inbox_bytes = 0
        self._opening = bytearray()
        self._has_begun = False
        """Something was said, or too much was heard before."""
        self._sent_at = now
        self._height = 0
        self.transcript.note(f"= connected {'by' if inbound else 'to'} {remote}", now)

    @property
    def queued(self) -> int:
        """Bytes that the system has not taken yet."""
        return self._line.queued

    @property
    def is_reading(self) -> bool:
        """Whether what comes is wanted now."""
        return self.audience is None or self.audience.is_reading

    def open_to(self, audience: Audience, now: Instant) -> None:
        """From now on this one hears what comes, and answers; what has come before it is told at once.

        Raises LocalProtocolError when something was said already, or too much was heard.
        """
        if self._has_begun:
            raise LocalProtocolError("an actor has a connection from the first byte on, and this one is under way")
        self.audience = audience
        heard, self._opening = bytes(self._opening), bytearray()
        audience.receive(heard, now)

    # What comes.

    def receive_data(self, data: bytes, now: Instant) -> None:
        self._read(data, now)
        if self.audience is not None:
            self.audience.receive(data, now)
        elif not self._has_begun:
            self._opening += data
            if len(self._opening) > MAX_OPENING:
                self._begin()

    def _read(self, data: bytes, now: Instant) -> None:
        if self.unreadable:
            return
        self._wire.receive_data(data)
        try:
            for frame in self._wire.frames():
                self._hear(frame, now)
        except CodecError as error:
            self.unreadable = printable(str(error))
            self.transcript.note(f"! nothing can be read any more: {self.unreadable}", now)

    def receive_eof(self, now: Instant) -> None:
        self._read(b"", now)  # what only more bytes could have told is told now
        self._end("remote", "closed", now)

    def handle_connection_lost(self, why: str, now: Instant) -> None:
        self._end("remote", why, now)

    def _hear(self, frame: Frame, now: Instant) -> None:
        try:
            message = self._wire.decode(frame)
        except CodecError as error:
            self.transcript.note(f"! {printable(frame.command, 32)}: {printable(str(error))}", now)
            return
        self.transcript.note(f"< {describe(message)}", now)
        if isinstance(message, Version):
            self.theirs = self.theirs or message
            self._wire.negotiated(message)
        self._inbox.append(Heard(message, frame.size, self._answer_ping(message, now)))
        self._inbox_bytes += frame.size
        while len(self._inbox) > MAX_INBOX or self._inbox_bytes > MAX_INBOX_BYTES:
            self.take()

    def _answer_ping(self, message: Message, now: Instant) -> bool:
        if not (self.auto_pong and isinstance(message, Ping) and message.nonce is not None):
            return False
        if self.audience is not None or self.closed or self.queued > MAX_QUEUED:
            return False
        self.say([Pong(message.nonce, self._height, self.wall_time(now))], now)
        return True

    # What is said. All of it raises PeerGone once the connection has ended.

    def version(self, now: Instant, **fields: Unpack[VersionFields]) -> Version:
        """Our version message: a dumb peer's, but for these fields."""
        codec = self.network.codec
        nonce = self._rng.getrandbits(codec.nonce_bits)
        own = Version(
            codec.protocol_version,
            SERVICES,
            self.wall_time(now),
            nonce,
            USER_AGENT,
            self._height,
            remote=self.remote,
        )
        return replace(own, **fields)

    def ping(self, now: Instant) -> Ping:
        """A new one, not sent yet."""
        return Ping(self._rng.getrandbits(self.network.codec.nonce_bits) or 1, self._height, self.wall_time(now))

    def say(self, messages: Iterable[Message], now: Instant) -> None:
        """All of them in one write. Raises LocalProtocolError for what this network cannot say."""
        said = list(messages)
        self._send(b"".join(map(self.encode, said)), [f"> {describe(message)}" for message in said], now)
        self._height = next((each.start_height for each in reversed(said) if isinstance(each, Version)), self._height)

    def say_raw(self, data: bytes, now: Instant) -> None:
        self._send(data, [f"> {len(data)} raw bytes"], now)

    def say_corrupt(self, message: Message, how: Damage, seed: int, now: Instant) -> None:
        data = corrupt(self.network, message, how, seed=seed)
        self._send(data, [f"> {describe(message)}, corrupt: {how}"], now)

    def say_part(self, data: bytes, now: Instant) -> None:
        """Of something whose line stands in the transcript."""
        self._send(data, [], now)

    def encode(self, what: Message | bytes) -> bytes:
        return what if isinstance(what, bytes) else b"".join(bytes(chunk) for chunk in self._wire.encode(what))

    def _send(self, data: bytes, lines: Iterable[str], now: Instant) -> None:
        self._check_open()
        for line in lines:
            self.transcript.note(line, now)
        self._sent_at = now
        self._begin()
        self._line.send(data)

    def _begin(self) -> None:
        """It is too late for an actor."""
        self._has_begun = True
        self._opening.clear()

    # Ends.

    def half_close(self, now: Instant) -> None:
        self._check_open()
        self.transcript.note("= we send nothing more (FIN)", now)
        self._line.half_close()

    def close(self, now: Instant) -> None:
        self._line.close()
        self._end("us", "closed", now)

    def drop(self, now: Instant) -> None:
        self._line.drop()
        self._end("us", "reset", now)

    def _end(self, by: str, how: str, now: Instant) -> None:
        if self.closed is None:
            self.closed = Closed(by, how, now - self._sent_at)
            self.transcript.note(f"x {self.closed}", now)
            if self.audience is not None:
                self.audience.ended(now)

    def _check_open(self) -> None:
        if self.closed:
            raise PeerGone(f"nothing can be said to {self.remote} any more: {self.closed}")

    # What was heard.

    @property
    def unread(self) -> Collection[Heard]:
        """What nobody has taken, oldest first."""
        return self._inbox

    def take(self, heard: Heard | None = None) -> Heard:
        """The oldest message, or this one, which is there."""
        if heard is None:
            heard = self._inbox.popleft()
        else:
            self._inbox.remove(heard)
        self._inbox_bytes -= heard.size
        return heard

    def failed(self, what: str, now: Instant) -> ExpectationFailed:
        """What a story raises: the words, and the transcript."""
        self.transcript.note(f"- {what}", now)
        return ExpectationFailed(f"{what}\n{self.transcript.tail()}")

    def check_not_ours(self) -> None:
        """Raises LocalProtocolError when the end of this connection proves nothing about the remote."""
        if self.closed and self.closed.by == "us":
            raise LocalProtocolError("we have closed this connection ourselves")

    def wall_time(self, now: Instant) -> int:
        """Unix seconds."""
        return int(self._wall_offset + now)
