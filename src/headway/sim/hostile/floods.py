"""Peers that say too much: the same thing over and over, questions without reading the answers, bytes without a sense.

Called by `scenarios`; the registry is `hostile.ACTORS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final

from headway.sim.actor import Honest, Talk
from headway.types import ZERO_HASH, Address, BlockId
from headway.wire import messages as m

if TYPE_CHECKING:
    import random

    from headway.sim.chain import Chain
    from headway.types import Height


class Flooder(Honest):
    """Says one thing again and again; besides, it answers as an honest one."""

    name: ClassVar[str] = "flooder"
    is_honest: ClassVar[bool] = False

    def __init__(
        self,
        chain: Chain,
        rng: random.Random,
        *,
        height: Height | None = None,
        what: str = "inv",
        count: int = 100,
        interval: float = 0.25,
    ) -> None:
        """`what`: one of `FLOODS`, of which it says `count` (entries of a message, or messages) each `interval`."""
        super().__init__(chain, rng, height=height)
        self.what, self.count, self.interval = what, count, interval

    def ready(self, talk: Talk) -> None:
        FLOODS[self.what](self, talk, self.count)
        if not talk.is_over:
            talk.port.later(self.interval, self.ready, talk)


class Greedy(Honest):
    """Asks for all that there is, again and again, and reads nothing of it."""

    name: ClassVar[str] = "greedy"
    is_honest: ClassVar[bool] = False

    def __init__(
        self, chain: Chain, rng: random.Random, *, height: Height | None = None, interval: float = 0.25
    ) -> None:
        """Questions each `interval` seconds."""
        super().__init__(chain, rng, height=height)
        self.interval = interval

    def ready(self, talk: Talk) -> None:
        talk.port.set_reading(reading=False)
        _questions(self, talk, 10)
        _wishes(self, talk, 100)
        talk.port.later(self.interval, self.ready, talk)


class Babbler(Honest):
    """Sends bytes that mean nothing, from the first moment on."""

    name: ClassVar[str] = "babbler"
    is_honest: ClassVar[bool] = False

    def opened(self, talk: Talk) -> None:
        talk.send_raw(self.rng.randbytes(1_000))
        talk.port.later(1.0, self.opened, talk)


# What to flood with.


def _inventory(actor: Honest, talk: Talk, count: int) -> None:
    """Blocks that nobody has."""
    talk.send(m.Inv(tuple(m.InvEntry(m.InvType.BLOCK, actor.rng.randbytes(32)) for _ in range(count))))


def _transactions(actor: Honest, talk: Talk, count: int) -> None:
    """Transactions that nobody has."""
    talk.send(m.Inv(tuple(m.InvEntry(m.InvType.TX, actor.rng.randbytes(32)) for _ in range(count))))


def _addresses(actor: Honest, talk: Talk, count: int) -> None:
    """Hosts that nobody has; one message of as many as may be."""
    rng, port = actor.rng, actor.network.port
    count = min(count, actor.network.limits.max_addresses)
    hosts = (f"{rng.randint(12, 99)}.{rng.randint(64, 250)}.{rng.randint(1, 250)}.9" for _ in range(count))
    talk.send(m.Addr(tuple(Address(host, port) for host in hosts)))


def _pings(actor: Honest, talk: Talk, count: int) -> None:
    talk.send(*(m.Ping(actor.rng.getrandbits(31) + 1, height=actor.height) for _ in range(count)))


def _pongs(actor: Honest, talk: Talk, count: int) -> None:
    """To pings that nobody sent."""
    talk.send(*(m.Pong(actor.rng.getrandbits(31) + 1, height=actor.height) for _ in range(count)))


def _garbage(actor: Honest, talk: Talk, count: int) -> None:
    talk.send_raw(actor.rng.randbytes(count))


def _unknown(actor: Honest, talk: Talk, count: int) -> None:
    """Messages that no protocol knows, or that we do not."""
    command = "0x77" if actor.network.name.startswith("neo3") else "nonsense"
    talk.send(*(m.Unknown(command, actor.rng.randbytes(100)) for _ in range(count)))


def _headers(actor: Honest, talk: Talk, count: int) -> None:
    """The first ones of its chain, which everybody has."""
    talk.send(actor.chain.headers(1, min(count, actor.height)))


def _blocks(actor: Honest, talk: Talk, count: int) -> None:
    """One of its blocks."""
    block = actor.rng.choice(actor.chain.blocks)
    talk.send(*[m.Block(block, actor.network.codec.parser)] * count)


def _questions(actor: Honest, talk: Talk, count: int) -> None:
    """For all headers."""
    root = BlockId(0, actor.chain.hashes[0])
    talk.send(*[talk.wire.ask_headers((root,), ZERO_HASH)] * count)


def _wishes(actor: Honest, talk: Talk, count: int) -> None:
    """For blocks."""
    hashes = actor.chain.hashes[1 : min(count, actor.network.limits.max_getdata) + 1]
    talk.send(m.GetData(tuple(m.InvEntry(m.InvType.BLOCK, each) for each in hashes)))


def _address_questions(actor: Honest, talk: Talk, count: int) -> None:
    del actor
    talk.send(*[m.GetAddr()] * count)


def _versions(actor: Honest, talk: Talk, count: int) -> None:
    talk.send(*[actor.version(talk)] * count)


FLOODS: Final[Mapping[str, Callable[[Honest, Talk, int], None]]] = {
    "inv": _inventory,
    "tx": _transactions,
    "addr": _addresses,
    "ping": _pings,
    "pong": _pongs,
    "garbage": _garbage,
    "unknown": _unknown,
    "headers": _headers,
    "block": _blocks,
    "getheaders": _questions,
    "getdata": _wishes,
    "getaddr": _address_questions,
    "version": _versions,
}
"""By name."""
