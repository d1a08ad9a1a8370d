"""Peers that cannot shake hands as one should: too early, twice, as somebody else, or not for long.

Called by `scenarios`; the registry is `hostile.ACTORS`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from headway.sim.actor import Honest, Talk
from headway.types import ZERO_HASH, BlockId
from headway.wire import messages as m

if TYPE_CHECKING:
    import random

    from headway.sim.chain import Chain
    from headway.types import Height


class Early(Honest):
    """Speaks of other things before the handshake."""

    name: ClassVar[str] = "early"
    is_honest: ClassVar[bool] = False

    def opened(self, talk: Talk) -> None:
        root = BlockId(0, self.chain.hashes[0])
        talk.send(m.Verack(), m.Ping(1, height=self.height), talk.wire.ask_headers((root,), ZERO_HASH))
        if self.chain.blocks:
            talk.send(self.chain.headers(1, 5), m.Block(self.chain.blocks[0], self.network.codec.parser))
        super().opened(talk)


class Stutterer(Honest):
    """Says everything of its handshake twice, and negotiates once more when it is over."""

    name: ClassVar[str] = "stutterer"
    is_honest: ClassVar[bool] = False

    def say_version(self, talk: Talk) -> None:
        super().say_version(talk)
        talk.send(self.version(talk))

    def ready(self, talk: Talk) -> None:
        talk.send(m.Verack())
        if talk.theirs is not None:
            talk.send(*self.network.handshake.before_verack(talk.theirs))


class Obsolete(Honest):
    """Is of another age, or offers nothing: its version says so."""

    name: ClassVar[str] = "obsolete"
    is_honest: ClassVar[bool] = False

    def version(self, talk: Talk) -> m.Version:
        return replace(super().version(talk), protocol=209, services=0)


class Mirror(Honest):
    """Sends back what it gets."""

    name: ClassVar[str] = "mirror"
    is_honest: ClassVar[bool] = False

    def opened(self, talk: Talk) -> None:
        """It has nothing to say."""

    def receive(self, talk: Talk, data: bytes) -> None:
        talk.send_raw(data)


class Leaver(Honest):
    """Ends each connection after a while."""

    name: ClassVar[str] = "leaver"
    is_honest: ClassVar[bool] = False

    def __init__(
        self,
        chain: Chain,
        rng: random.Random,
        *,
        height: Height | None = None,
        after: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        """`after`: least and most seconds from the connection on."""
        super().__init__(chain, rng, height=height)
        self.after = after

    def opened(self, talk: Talk) -> None:
        super().opened(talk)
        talk.port.later(self.rng.uniform(*self.after), talk.close)


class Teaser(Honest):
    """Ends each connection when it has given so many blocks."""

    name: ClassVar[str] = "teaser"
    is_honest: ClassVar[bool] = False

    def __init__(self, chain: Chain, rng: random.Random, *, height: Height | None = None, blocks: int = 3) -> None:
        """`blocks`: 0 to go at the first question for one."""
        super().__init__(chain, rng, height=height)
        self.blocks = blocks

    def give_block(self, talk: Talk, raw: bytes) -> None:
        if talk.served < self.blocks:
            super().give_block(talk, raw)
        else:
            talk.close()
