"""A conversation of a test peer without a socket: what it sends is kept, what it hears is put in, time is a number.

Used by the tests of `testing`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.testing.conversation import Conversation
from headway.testing.stories import Story
from headway.types import Address, Instant
from headway.wire import messages as m

T = TypeVar("T")

BEGIN = 100.0
WALL = 1_700_000_000.0
REMOTE = Address("192.0.2.20", 4444)
THEIRS = m.Version(70016, 9, int(WALL), 77, "/far:1/", 500)


class Tape:
    """The line of a conversation, and the far end of it."""

    def __init__(self, network: Network = REGTEST, *, inbound: bool = False, auto_pong: bool = True) -> None:
        self.sent = bytearray()
        self.queued = 0
        self.ends: list[str] = []
        self._wire = network.codec.open(inbound=not inbound)
        self.talk = Conversation(
            network,
            self,
            REMOTE,
            inbound=inbound,
            auto_pong=auto_pong,
            rng=random.Random(1),
            wall_time=WALL,
            now=BEGIN,
        )

    # What a conversation asks of its line.

    def send(self, data: bytes) -> None:
        self.sent += data

    def half_close(self) -> None:
        self.ends.append("half_close")

    def close(self) -> None:
        self.ends.append("close")

    def drop(self) -> None:
        self.ends.append("drop")

    # The far end.

    def says(self, *messages: m.Message, now: Instant = BEGIN) -> None:
        """It is heard at once."""
        self.talk.receive_data(b"".join(bytes(chunk) for each in messages for chunk in self._wire.encode(each)), now)

    def hears(self) -> list[m.Message]:
        """What was sent since the last time."""
        data, self.sent = bytes(self.sent), bytearray()
        self._wire.receive_data(data)
        return [self._wire.decode(frame) for frame in self._wire.frames()]


def told(story: Story[T], happenings: Sequence[tuple[float, Callable[[], Any]]] = ()) -> T:
    """Play a story from BEGIN on: what happens so many seconds later, in order, and then nothing. Its result."""
    now = BEGIN
    try:
        until = next(story)
        for after, happens in happenings:
            while until < BEGIN + after:
                now = max(now, until)
                until = story.send(now)
            now = BEGIN + after
            happens()
            until = story.send(now)
        while True:
            now = max(now, until)
            until = story.send(now)
    except StopIteration as done:
        result: T = done.value
        return result
