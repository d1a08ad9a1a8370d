"""Peers that keep us waiting: that say nothing, no more, or no more than they must.

Called by `scenarios`; the registry is `hostile.ACTORS`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

from headway.sim.actor import Honest, Talk
from headway.wire import messages as m

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from headway.sim.chain import Chain
    from headway.types import Hash, Height


class Silent(Honest):
    """Takes the connection and says nothing at all."""

    name: ClassVar[str] = "silent"
    is_honest: ClassVar[bool] = False

    def opened(self, talk: Talk) -> None:
        """It does not greet, not even where it should speak first."""

    def receive(self, talk: Talk, data: bytes) -> None:
        """It does not listen."""


class Unshaken(Honest):
    """Says its version, and never a verack."""

    name: ClassVar[str] = "unshaken"
    is_honest: ClassVar[bool] = False

    def received(self, talk: Talk, message: m.Message) -> None:
        if isinstance(message, m.Version) and not talk.version_sent:
            self.say_version(talk)


class Mute(Honest):
    """Shakes hands, and then says nothing: no pong, either."""

    name: ClassVar[str] = "mute"
    is_honest: ClassVar[bool] = False

    def received(self, talk: Talk, message: m.Message) -> None:
        if isinstance(message, m.Version | m.Verack):
            super().received(talk, message)


class Unreading(Honest):
    """Shakes hands, and then reads nothing any more."""

    name: ClassVar[str] = "unreading"
    is_honest: ClassVar[bool] = False

    def ready(self, talk: Talk) -> None:
        talk.port.set_reading(reading=False)


class Staller(Honest):
    """Gives so many blocks, and then no more; all else it answers."""

    name: ClassVar[str] = "staller"
    is_honest: ClassVar[bool] = False

    def __init__(self, chain: Chain, rng: random.Random, *, height: Height | None = None, after: int = 5) -> None:
        """`after`: blocks on each connection."""
        super().__init__(chain, rng, height=height)
        self.after = after

    def asked_blocks(self, talk: Talk, hashes: Sequence[Hash]) -> None:
        super().asked_blocks(talk, hashes[: max(self.after - talk.served, 0)])


class Trickler(Honest):
    """Gives one block just before each time that the network's progress clock would run out."""

    name: ClassVar[str] = "trickler"
    is_honest: ClassVar[bool] = False

    def __init__(self, chain: Chain, rng: random.Random, *, height: Height | None = None, share: float = 0.95) -> None:
        """`share`: of the time that it has for a block."""
        super().__init__(chain, rng, height=height)
        self.interval = share * self.network.timing.batch_timeout
        self._owed: dict[Talk, deque[Hash]] = {}

    def asked_blocks(self, talk: Talk, hashes: Sequence[Hash]) -> None:
        owed = self._owed.get(talk)
        if owed is None:
            owed = self._owed[talk] = deque()
            talk.port.later(self.interval, self._give, talk)
        owed.extend(hashes)

    def ended(self, talk: Talk) -> None:
        self._owed.pop(talk, None)
        super().ended(talk)

    def _give(self, talk: Talk) -> None:
        if owed := self._owed[talk]:
            super().asked_blocks(talk, [owed.popleft()])
        talk.port.later(self.interval, self._give, talk)


class Dribbler(Honest):
    """Gives blocks a few bytes at a time, so that there is always one on its way."""

    name: ClassVar[str] = "dribbler"
    is_honest: ClassVar[bool] = False

    def __init__(
        self, chain: Chain, rng: random.Random, *, height: Height | None = None, interval: float = 5.0, size: int = 1
    ) -> None:
        """`size` bytes each `interval` seconds, once a block has begun."""
        super().__init__(chain, rng, height=height)
        self.interval, self.size = interval, size
        self._left: dict[Talk, bytes] = {}

    def give_block(self, talk: Talk, raw: bytes) -> None:
        data = b"".join(bytes(chunk) for chunk in talk.wire.encode(m.Block(raw, self.network.codec.parser)))
        if talk in self._left:
            self._left[talk] += data
        else:
            self._left[talk] = data
            self._drip(talk)

    def pinged(self, talk: Talk, ping: m.Ping) -> None:
        """A pong would have to stand behind the block."""
        if talk not in self._left:
            super().pinged(talk, ping)

    def asked_headers(self, talk: Talk, question: m.GetHeaders) -> None:
        """The same."""
        if talk not in self._left:
            super().asked_headers(talk, question)

    def announce(self, talk: Talk, first: Height) -> None:
        if talk not in self._left:
            super().announce(talk, first)

    def ended(self, talk: Talk) -> None:
        self._left.pop(talk, None)
        super().ended(talk)

    def _drip(self, talk: Talk) -> None:
        data = self._left[talk]
        self._left[talk] = data[self.size :]
        talk.send_raw(data[: self.size])
        if self._left[talk]:
            talk.port.later(self.interval, self._drip, talk)
        else:
            del self._left[talk]


class Tarpit(Honest):
    """Answers each question for headers as late as it may, with as little as it can."""

    name: ClassVar[str] = "tarpit"
    is_honest: ClassVar[bool] = False

    def __init__(
        self,
        chain: Chain,
        rng: random.Random,
        *,
        height: Height | None = None,
        share: float = 0.95,
        count: int = 1,
    ) -> None:
        """`share`: of the time that it has; `count`: headers in an answer."""
        super().__init__(chain, rng, height=height)
        self.delay = share * self.network.timing.headers_timeout
        self.count = count

    def pinged(self, talk: Talk, ping: m.Ping) -> None:
        """After the headers that were asked for before it."""
        talk.port.later(self.delay, super().pinged, talk, ping)

    def asked_headers(self, talk: Talk, question: m.GetHeaders) -> None:
        if headers := self.headers_for(question).part(0, self.count):
            talk.port.later(self.delay, talk.send, headers)
