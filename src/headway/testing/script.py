"""A script as data: what a test peer does, step by step.

    peer.script([
        Handshake(),
        Ping(7),                 # a message is sent
        Expect(Pong),
        b"garbage",              # bytes are sent as they are
        ExpectClosed(timeout=2),
    ])

Each step is a call of `TestPeer` by the same name. The first that fails ends the script; the error says which one it
was. Called by `peer` and `aio`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Unpack

from headway.errors import HeadwayError
from headway.testing import stage, stories
from headway.testing.conversation import Conversation, VersionFields
from headway.testing.serving import ServedChain, Tricks
from headway.testing.stories import TIMEOUT

if TYPE_CHECKING:
    from headway.sim.actor import Honest
    from headway.testing.frames import Damage
    from headway.testing.stories import Story
    from headway.testing.wants import Want
    from headway.types import Instant
    from headway.wire.messages import Message


class Step(Protocol):
    """One step, but for messages and bytes, which are sent."""

    def story(self, talk: Conversation, now: Instant) -> Story[object]: ...


def play(talk: Conversation, steps: Sequence[Message | bytes | Step], now: Instant) -> Story[list[str]]:
    """One after another; the lines that were added to the transcript."""
    __tracebackhide__ = True
    begun = talk.transcript.count
    for number, step in enumerate(steps, 1):
        try:
            yield from _story(talk, step, now)
        except HeadwayError as error:
            error.add_note(f"in step {number} of {len(steps)}, {type(step).__name__}")
            raise
        now = yield now  # what time is it?
    return talk.transcript.since(begun)


def _story(talk: Conversation, step: Message | bytes | Step, now: Instant) -> Story[object]:
    __tracebackhide__ = True
    if isinstance(step, bytes):
        talk.say_raw(step, now)
    elif hasattr(step, "story"):
        return step.story(talk, now)
    else:
        talk.say([step], now)
    return stories.flush(talk, TIMEOUT, now)


class Handshake:
    def __init__(self, *, timeout: float = TIMEOUT, **fields: Unpack[VersionFields]) -> None:
        self._timeout, self._fields = timeout, fields

    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        return stories.handshake(talk, self._timeout, self._fields, now)


@dataclass(frozen=True)
class Expect:
    want: Want
    where: Callable[[Any], bool] | None = None
    timeout: float = TIMEOUT

    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        return stories.expect(talk, self.want, self.where, self.timeout, now)


@dataclass(frozen=True)
class ExpectNext:
    want: Want
    timeout: float = TIMEOUT

    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        return stories.expect_next(talk, self.want, self.timeout, now)


@dataclass(frozen=True)
class ExpectSilence:
    seconds: float
    of: Want | None = None

    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        return stories.expect_silence(talk, self.seconds, self.of, now)


@dataclass(frozen=True)
class ExpectClosed:
    timeout: float = TIMEOUT

    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        return stories.expect_closed(talk, self.timeout, now)


@dataclass(frozen=True)
class Corrupt:
    message: Message
    how: Damage
    seed: int = 0

    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        talk.say_corrupt(self.message, self.how, self.seed, now)
        return stories.flush(talk, TIMEOUT, now)


@dataclass(frozen=True)
class Trickle:
    what: Message | bytes
    chunk: int = 1
    pause: float = 0.05

    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        return stories.trickle(talk, self.what, self.chunk, self.pause, now)


@dataclass(frozen=True)
class Delay:
    seconds: float

    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        del talk
        return stories.delay(self.seconds, now)


@dataclass(frozen=True)
class Serve:
    blocks: Sequence[bytes]
    timeout: float = TIMEOUT
    until: Callable[[], bool] | None = None
    tricks: Tricks = field(default_factory=Tricks)

    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        chain = ServedChain(talk.network, self.blocks, **self.tricks)
        return stories.serve(talk, chain, self.timeout, self.until, now)


@dataclass(frozen=True)
class Play:
    """The first step, as nothing may be said before it."""

    actor: Honest
    timeout: float = TIMEOUT
    until: Callable[[], bool] | None = None

    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        return stage.play(talk, self.actor, self.timeout, self.until, now)


@dataclass(frozen=True)
class HalfClose:
    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        talk.half_close(now)
        return stories.flush(talk, TIMEOUT, now)


@dataclass(frozen=True)
class Close:
    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        talk.close(now)
        return stories.flush(talk, TIMEOUT, now)


@dataclass(frozen=True)
class Drop:
    def story(self, talk: Conversation, now: Instant) -> Story[object]:
        talk.drop(now)
        return stories.flush(talk, TIMEOUT, now)
