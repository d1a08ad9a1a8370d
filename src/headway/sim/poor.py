"""Honest peers that are hard to live with: slow, taciturn, behind, with little to give. None may ever be discouraged.

They may be left for better ones. Options are keyword arguments, as of all actors. Called by `scenarios`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from headway.sim.actor import Honest, Talk
from headway.wire import messages as m

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from headway.sim.actor import Port
    from headway.sim.chain import Chain
    from headway.types import Address, Hash, Height, Instant


class Slow(Honest):
    """Thinks for a while before each answer, one after another."""

    name: ClassVar[str] = "slow"

    def __init__(
        self, chain: Chain, rng: random.Random, *, height: Height | None = None, delay: tuple[float, float] = (0.5, 2.0)
    ) -> None:
        """`delay`: least and most seconds."""
        super().__init__(chain, rng, height=height)
        self.delay = delay
        self._free_at: dict[Talk, float] = {}

    def received(self, talk: Talk, message: m.Message) -> None:
        if not talk.is_ready:
            super().received(talk, message)
            return
        now = talk.port.now
        at = max(now, self._free_at.get(talk, now)) + self.rng.uniform(*self.delay)
        self._free_at[talk] = at
        talk.port.later(at - now, super().received, talk, message)

    def ended(self, talk: Talk) -> None:
        self._free_at.pop(talk, None)
        super().ended(talk)


class Taciturn(Honest):
    """Says nothing when it has no headers to give, as bcoin and btcd."""

    name: ClassVar[str] = "taciturn"

    def asked_headers(self, talk: Talk, question: m.GetHeaders) -> None:
        if self.headers_for(question):
            super().asked_headers(talk, question)


class InvOnly(Honest):
    """Announces by hash, whatever it was asked for."""

    name: ClassVar[str] = "inv-only"

    def announce(self, talk: Talk, first: Height) -> None:
        talk.wants_headers = False
        super().announce(talk, first)


class Unannouncing(Honest):
    """Never tells of a new block; it has to be asked."""

    name: ClassVar[str] = "unannouncing"

    def announce(self, talk: Talk, first: Height) -> None:
        """It says nothing."""


class Pruned(Honest):
    """Has the last blocks alone, though it offers all."""

    name: ClassVar[str] = "pruned"

    def __init__(self, chain: Chain, rng: random.Random, *, height: Height | None = None, keeps: int = 50) -> None:
        """`keeps`: blocks up to its tip."""
        super().__init__(chain, rng, height=height)
        self.keeps = keeps

    def block_for(self, talk: Talk, block: Hash) -> bytes | None:
        height = self.chain.heights.get(block, 0)
        return super().block_for(talk, block) if height > self.height - self.keeps else None


class Backwards(Honest):
    """Answers the last question of several first: the order of blocks is nobody's right."""

    name: ClassVar[str] = "backwards"

    def asked_blocks(self, talk: Talk, hashes: Sequence[Hash]) -> None:
        super().asked_blocks(talk, hashes[::-1])


class Chopped(Honest):
    """Its line cuts what it says into small pieces, at random."""

    name: ClassVar[str] = "chopped"

    def __init__(
        self, chain: Chain, rng: random.Random, *, height: Height | None = None, pieces: tuple[int, int] = (1, 600)
    ) -> None:
        """`pieces`: least and most bytes of one."""
        super().__init__(chain, rng, height=height)
        self.pieces = pieces

    def connected(self, port: Port, *, inbound: bool, remote: Address) -> Talk:
        return super().connected(_Chopping(port, self.rng, self.pieces), inbound=inbound, remote=remote)


class _Chopping:
    """A `Port` that sends in pieces."""

    def __init__(self, port: Port, rng: random.Random, pieces: tuple[int, int]) -> None:
        self._port = port
        self._rng = rng
        self._pieces = pieces

    @property
    def now(self) -> Instant:
        return self._port.now

    @property
    def wall_time(self) -> float:
        return self._port.wall_time

    def send(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            size = self._rng.randint(*self._pieces)
            self._port.send(data[at : at + size])
            at += size

    def close(self) -> None:
        self._port.close()

    def later(self, delay: float, action: Callable[..., None], *arguments: Any) -> None:
        self._port.later(delay, action, *arguments)

    def set_reading(self, *, reading: bool) -> None:
        self._port.set_reading(reading=reading)


POOR: Final[Mapping[str, type[Honest]]] = {
    each.name: each for each in (Slow, Taciturn, InvOnly, Unannouncing, Pruned, Backwards, Chopped)
}
"""By name."""
