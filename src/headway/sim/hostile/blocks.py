"""Peers whose blocks are not what was asked for: damaged, others, twice, or none.

Called by `scenarios`; the registry is `hostile.ACTORS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from headway.sim.actor import Honest, Talk
from headway.wire import messages as m
from headway.wire.buffer import compact_size

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from headway.network import Network
    from headway.sim.chain import Chain
    from headway.types import Hash, Height


class Corrupt(Honest):
    """Gives damaged copies of good blocks."""

    name: ClassVar[str] = "corrupt"
    is_honest: ClassVar[bool] = False

    def __init__(
        self,
        chain: Chain,
        rng: random.Random,
        *,
        height: Height | None = None,
        damage: str = "",
        share: float = 1.0,
    ) -> None:
        """`damage`: one of `DAMAGES`; empty: another each time. `share`: how many of its blocks are damaged."""
        super().__init__(chain, rng, height=height)
        self.damage = damage
        self.share = share

    def give_block(self, talk: Talk, raw: bytes) -> None:
        if self.rng.random() < self.share:
            damage = self.damage or self.rng.choice(list(DAMAGES))
            raw = DAMAGES[damage](raw, self.network, self.rng)
        super().give_block(talk, raw)


class Swapped(Honest):
    """Gives another block of the chain instead of the one that was asked for."""

    name: ClassVar[str] = "swapped"
    is_honest: ClassVar[bool] = False

    def block_for(self, talk: Talk, block: Hash) -> bytes | None:
        del block
        other = self.rng.randint(1, min(self.height, len(self.chain.blocks)))
        return super().block_for(talk, self.chain.hashes[other])


class Lacking(Honest):
    """Shows all headers, and says notfound for each block."""

    name: ClassVar[str] = "lacking"
    is_honest: ClassVar[bool] = False

    def block_for(self, talk: Talk, block: Hash) -> bytes | None:
        del talk, block
        return None


class Withholder(Honest):
    """Shows a chain, and gives its blocks up to a height alone."""

    name: ClassVar[str] = "withholder"
    is_honest: ClassVar[bool] = False

    def __init__(
        self,
        chain: Chain,
        rng: random.Random,
        *,
        height: Height | None = None,
        above: Height = 0,
        denies: bool = False,
    ) -> None:
        """`above`: the last that it gives; `denies`: it says notfound for the others, else nothing."""
        super().__init__(chain, rng, height=height)
        self.above, self.denies = above, denies

    def asked_blocks(self, talk: Talk, hashes: Sequence[Hash]) -> None:
        given = hashes if self.denies else [each for each in hashes if self.chain.heights.get(each, 0) <= self.above]
        super().asked_blocks(talk, given)

    def block_for(self, talk: Talk, block: Hash) -> bytes | None:
        return super().block_for(talk, block) if self.chain.heights.get(block, 0) <= self.above else None


class Doubler(Honest):
    """Gives each block twice."""

    name: ClassVar[str] = "doubler"
    is_honest: ClassVar[bool] = False

    def give_block(self, talk: Talk, raw: bytes) -> None:
        super().give_block(talk, raw)
        super().give_block(talk, raw)


class Pushy(Honest):
    """Gives blocks that nobody asked it for, again and again, and those that were asked for, too."""

    name: ClassVar[str] = "pushy"
    is_honest: ClassVar[bool] = False

    def __init__(
        self,
        chain: Chain,
        rng: random.Random,
        *,
        height: Height | None = None,
        count: int = 4,
        interval: float = 0.25,
    ) -> None:
        """`count` blocks each `interval` seconds."""
        super().__init__(chain, rng, height=height)
        self.count, self.interval = count, interval

    def ready(self, talk: Talk) -> None:
        for block in self.rng.choices(self.chain.blocks, k=self.count):
            super().give_block(talk, block)
        talk.port.later(self.interval, self.ready, talk)


class Unpayloaded(Honest):
    """Gives block messages without a block in them."""

    name: ClassVar[str] = "unpayloaded"
    is_honest: ClassVar[bool] = False

    def give_block(self, talk: Talk, raw: bytes) -> None:
        super().give_block(talk, raw[:40])


class Phantom(Honest):
    """Announces blocks that nobody can have, and has none of them."""

    name: ClassVar[str] = "phantom"
    is_honest: ClassVar[bool] = False

    def __init__(
        self, chain: Chain, rng: random.Random, *, height: Height | None = None, interval: float = 0.5
    ) -> None:
        """One each `interval` seconds."""
        super().__init__(chain, rng, height=height)
        self.interval = interval

    def ready(self, talk: Talk) -> None:
        talk.send(m.Inv((m.InvEntry(m.InvType.BLOCK, self.rng.randbytes(32)),)))
        talk.port.later(self.interval, self.ready, talk)


# What can be done to a block so that any rule of its own network sees it.


def _flip(raw: bytes, start: int, end: int, rng: random.Random) -> bytes:
    at = rng.randrange(start, end)
    return raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :]


def _header(raw: bytes, network: Network, rng: random.Random) -> bytes:
    """A bit of what its hash covers: it is another block."""
    return _flip(raw, 0, network.rules.kept_size, rng)


def _body(raw: bytes, network: Network, rng: random.Random) -> bytes:
    """A bit of the rest; of a block of Neo, of its own witness: nothing covers those of its transactions."""
    header = network.codec.parser.block_header(raw).raw
    kept = network.rules.kept_size
    return _flip(raw, kept, len(header) if len(header) > kept else len(raw), rng)


def _short(raw: bytes, network: Network, rng: random.Random) -> bytes:
    """The end is missing."""
    header = len(network.codec.parser.block_header(raw).raw)
    return raw[: rng.randrange(header, len(raw))]


def _long(raw: bytes, network: Network, rng: random.Random) -> bytes:
    """Something stands behind it."""
    del network
    return raw + rng.randbytes(rng.randint(1, 100))


def _repeated(raw: bytes, network: Network, rng: random.Random) -> bytes:
    """The last transactions once more, so that the merkle root stays as it is (CVE-2012-2459): where their number is
    odd, and not one."""
    transactions: Sequence[Any] = network.codec.parser.transactions(raw)
    if len(transactions) < 3 or len(transactions) % 2 == 0:
        return _long(raw, network, rng)
    size = sum(len(each.raw) for each in transactions)
    count = len(compact_size(len(transactions)))
    header = raw[: len(raw) - size - count]
    return b"".join((header, compact_size(len(transactions) + 1), raw[len(raw) - size :], transactions[-1].raw))


def _stripped(raw: bytes, network: Network, rng: random.Random) -> bytes:
    """Without its witnesses, where a block has such a form."""
    bare = bytes(network.codec.parser.stripped(raw))
    return bare if bare != raw else _body(raw, network, rng)


DAMAGES: Final[Mapping[str, Callable[[bytes, Network, random.Random], bytes]]] = {
    "header": _header,
    "body": _body,
    "short": _short,
    "long": _long,
    "repeated": _repeated,
    "stripped": _stripped,
}
"""By name."""
