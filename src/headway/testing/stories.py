"""What takes time in a conversation: to wait for a message, for silence, for the end; a handshake; to serve a chain.

A story is a generator: it yields the instant until which it waits at most, and is resumed with the time once something
has come or gone, or that instant has. What it waits for raises ExpectationFailed when it does not happen. Whoever has
the socket runs it: `peer` in the thread of the caller, `aio` on an event loop. `now` is the last argument everywhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from headway.errors import LocalProtocolError, PeerGone, RequestTimeout
from headway.peer.trace import describe
from headway.testing.conversation import MAX_QUEUED, Closed, Conversation, VersionFields
from headway.testing.wants import matches, words
from headway.types import Instant
from headway.wire.messages import Message, Pong, Verack, Version

if TYPE_CHECKING:
    from headway.testing.serving import ServedChain
    from headway.testing.wants import Want

T = TypeVar("T")
Story: TypeAlias = Generator[Instant, Instant, T]

TIMEOUT: Final = 5.0
"""Seconds that a test waits unless it says otherwise: a program on the same machine answers in milliseconds."""
POLL: Final = 0.02
"""Seconds between two looks at something that gives no event."""


def expect(
    talk: Conversation, want: Want, where: Callable[[Any], bool] | None, timeout: float, now: Instant
) -> Story[Message]:
    """The next message that is wanted; those before it are passed over."""
    __tracebackhide__ = True
    until, passed = now + timeout, _Passed()
    while True:
        while talk.unread:
            message = talk.take().message
            if matches(want, message) and (where is None or where(message)):
                return message
            passed.add(message)
        if why := _why_no_more(talk, until, timeout, now):
            raise talk.failed(f"no {words(want)}{' as it should be' if where else ''}: {why}; {passed}", now)
        now = yield until


def expect_next(talk: Conversation, want: Want, timeout: float, now: Instant) -> Story[Message]:
    """The very next message, which must be wanted; pings that had their pong do not count."""
    __tracebackhide__ = True
    until = now + timeout
    while True:
        while talk.unread:
            heard = talk.take()
            if matches(want, heard.message):
                return heard.message
            if not heard.is_answered:
                raise talk.failed(f"no {words(want)}: next came {describe(heard.message)}", now)
        if why := _why_no_more(talk, until, timeout, now):
            raise talk.failed(f"no {words(want)}: {why}", now)
        now = yield until


def expect_silence(talk: Conversation, seconds: float, of: Want | None, now: Instant) -> Story[None]:
    """Nothing of this (None: nothing at all, but pings that had their pong) waits to be taken or comes, and the remote
    stays."""
    __tracebackhide__ = True
    until = now + seconds
    while True:
        for heard in talk.unread:
            if matches(of, heard.message) if of is not None else not heard.is_answered:
                raise talk.failed(f"no silence: {describe(heard.message)}", now)
        talk.check_not_ours()
        if talk.closed:
            raise talk.failed(f"no silence: {talk.closed}", now)
        if now >= until:
            return
        now = yield until


def expect_closed(talk: Conversation, timeout: float, now: Instant) -> Story[Closed]:
    """The remote ends the connection. What it said before can still be taken."""
    __tracebackhide__ = True
    until = now + timeout
    while talk.closed is None:
        if now >= until:
            came = _Passed()
            for heard in talk.unread:
                came.add(heard.message)
            raise talk.failed(f"still connected after {timeout:g} s; {came}", now)
        now = yield until
    talk.check_not_ours()
    return talk.closed


def delay(seconds: float, now: Instant) -> Story[None]:
    """Let time pass; what comes meanwhile can be taken later."""
    until = now + seconds
    while now < until:
        now = yield until


def flush(talk: Conversation, timeout: float, now: Instant) -> Story[None]:
    """Until the system has taken all that was said. Raises RequestTimeout, and PeerGone when the remote goes before."""
    until = now + timeout
    while talk.queued:
        if now >= until:
            raise RequestTimeout(f"{talk.remote} does not read: {talk.queued} bytes wait for it")
        now = yield until
        if talk.closed:
            raise PeerGone(f"{talk.remote} did not take all of it: {talk.closed}")


def trickle(talk: Conversation, what: Message | bytes, chunk: int, between: float, now: Instant) -> Story[int]:
    """`chunk` bytes at a time, `between` seconds behind each. Ends early when the remote does. How many bytes went."""
    data = talk.encode(what)
    if chunk < 1:
        raise LocalProtocolError(f"a chunk of {chunk} bytes; it has at least 1")
    talk.transcript.note(f"> {len(data)} bytes, {chunk} every {between:g} s", now)
    for at in range(0, len(data), chunk):
        talk.say_part(data[at : at + chunk], now)
        until = now + between
        while now < until and not talk.closed:
            now = yield until
        if talk.closed:
            return min(at + chunk, len(data))
    return len(data)


def handshake(talk: Conversation, timeout: float, fields: VersionFields, now: Instant) -> Story[Version]:
    """Version and verack in the order of this network. Theirs is the answer."""
    __tracebackhide__ = True
    until, policy, ours = now + timeout, talk.network.handshake, talk.version(now, **fields)
    is_first = policy.speaks_first(inbound=talk.inbound)
    if is_first:
        talk.say([ours], now)
    while talk.theirs is None:
        if why := _why_no_more(talk, until, timeout, now):
            raise talk.failed(f"no version: {why}", now)
        now = yield until
    if not is_first:
        talk.say([ours], now)
    waits = policy.awaits_verack(talk.theirs)
    if not waits:
        talk.say([Verack()], now)
    yield from expect(talk, Verack, None, max(until - now, 0.0), now)
    if waits:
        talk.say([Verack()], now)
    return talk.theirs


def ping(talk: Conversation, timeout: float, now: Instant) -> Story[float]:
    """Seconds until a ping had its pong. By then all that was said before has been handled. Takes its pong alone."""
    __tracebackhide__ = True
    asked, asked_at, until = talk.ping(now), now, now + timeout
    talk.say([asked], now)
    while True:
        for heard in talk.unread:
            if isinstance(heard.message, Pong) and heard.message.nonce == asked.nonce:
                talk.take(heard)
                return now - asked_at
        if why := _why_no_more(talk, until, timeout, now):
            raise talk.failed(f"no pong: {why}", now)
        now = yield until


def serve(
    talk: Conversation, chain: ServedChain, timeout: float, until: Callable[[], bool] | None, now: Instant
) -> Story[ServedChain]:
    """Answer from the chain until time is up, the remote goes, or `until` holds; where it is given, it must."""
    __tracebackhide__ = True
    end = now + timeout
    while True:
        while talk.unread and not talk.closed:
            for reply in chain.answers(talk.take().message):
                while talk.queued > MAX_QUEUED and not talk.closed and now < end:
                    now = yield end
                if talk.closed or now >= end:
                    break
                talk.say([reply], now)
        if until is not None and until():
            return chain
        if talk.closed or now >= end:
            if until is None:
                return chain
            why = talk.closed or f"{timeout:g} s are over"
            raise talk.failed(f"what the chain was served for has not happened: {why}", now)
        now = yield end if until is None else min(end, now + POLL)


def _why_no_more(talk: Conversation, until: Instant, timeout: float, now: Instant) -> str:
    """Why nothing more is to be waited for; empty while something is."""
    if talk.closed:
        return f"the connection was {talk.closed}"
    if talk.unreadable:
        return f"nothing can be read any more ({talk.unreadable})"
    return f"none within {timeout:g} s" if now >= until else ""


class _Passed:
    """What came instead, for the words of a failure."""

    def __init__(self) -> None:
        self._words: deque[str] = deque(maxlen=8)
        self._count = 0

    def add(self, message: Message) -> None:
        self._words.append(describe(message))
        self._count += 1

    def __str__(self) -> str:
        if not self._count:
            return "nothing came"
        others = self._count - len(self._words)
        return f"instead came {f'{others} others, ' if others else ''}{', '.join(self._words)}"
