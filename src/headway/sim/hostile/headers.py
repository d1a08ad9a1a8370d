"""Peers that are wrong about headers: of their height, of their order, of what follows what.

One that serves a bad chain in good faith's manner is an `Impostor`: what is wrong is in its chain (`ChainPlan.fault`).
Called by `scenarios`; the registry is `hostile.ACTORS`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, ClassVar, Final

from headway.kernel import sha256d
from headway.network import Headers
from headway.sim.actor import Honest, Talk
from headway.wire import messages as m

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from headway.network import Network
    from headway.sim.chain import Chain
    from headway.types import Hash, Height

MANY: Final = 1_000_000
"""A bound for those who heed none."""


def headers_of(network: Network, raws: Sequence[bytes]) -> Headers:
    """These raw headers, as a message of the network holds them."""
    size, parser = network.rules.header_size, network.codec.parser
    return Headers.fixed(b"".join(raws), parser, size=size) if size else Headers.joined(raws, parser)


def send_loosely(actor: Honest, talk: Talk, message: m.Message) -> None:
    """Send what our own codec would refuse to encode, because it is more than the protocol allows."""
    codec = actor.network.codec
    loose = replace(codec.limits, max_headers=MANY, max_inventory=MANY, max_addresses=MANY)
    wire = replace(codec, limits=loose).open(inbound=talk.inbound)
    talk.send_raw(b"".join(bytes(chunk) for chunk in wire.encode(message)))


class Impostor(Honest):
    """Answers as an honest one would, from a chain that is not the one, or not good."""

    name: ClassVar[str] = "impostor"
    is_honest: ClassVar[bool] = False


class Liar(Honest):
    """Claims to be higher than it is, at each occasion."""

    name: ClassVar[str] = "liar"
    is_honest: ClassVar[bool] = False

    def __init__(self, chain: Chain, rng: random.Random, *, height: Height | None = None, by: int = 1_000_000) -> None:
        """`by`: blocks."""
        super().__init__(chain, rng, height=height)
        self.by = by

    def claimed_height(self) -> Height:
        return self.height + self.by

    def pinged(self, talk: Talk, ping: m.Ping) -> None:
        if ping.nonce is not None:
            talk.send(m.Pong(ping.nonce, height=self.claimed_height(), wall_time=int(talk.port.wall_time)))


class Headless(Honest):
    """Has no headers for anybody, whatever it claims."""

    name: ClassVar[str] = "headless"
    is_honest: ClassVar[bool] = False

    def headers_for(self, question: m.GetHeaders) -> Headers:
        del question
        return self.chain.headers(1, 0)


class Jumbled(Honest):
    """Gives the right headers in no order."""

    name: ClassVar[str] = "jumbled"
    is_honest: ClassVar[bool] = False

    def headers_for(self, question: m.GetHeaders) -> Headers:
        headers = super().headers_for(question)
        raws = [headers.raw_at(number) for number in range(len(headers))]
        self.rng.shuffle(raws)
        return headers_of(self.network, raws)


class Torn(Honest):
    """Leaves one out in the middle of a message: what follows does not stand on what is before."""

    name: ClassVar[str] = "torn"
    is_honest: ClassVar[bool] = False

    def headers_for(self, question: m.GetHeaders) -> Headers:
        headers = super().headers_for(question)
        gap = len(headers) // 2
        return headers_of(self.network, [headers.raw_at(at) for at in range(len(headers)) if at != gap])


class Unconnected(Honest):
    """Begins further up than it was asked to: its headers follow nothing that was shown."""

    name: ClassVar[str] = "unconnected"
    is_honest: ClassVar[bool] = False

    def __init__(self, chain: Chain, rng: random.Random, *, height: Height | None = None, skips: int = 3) -> None:
        """`skips`: headers that it leaves out."""
        super().__init__(chain, rng, height=height)
        self.skips = skips

    def headers_for(self, question: m.GetHeaders) -> Headers:
        headers = super().headers_for(question)
        return headers.part(self.skips, len(headers))


class Rerun(Honest):
    """Answers each question with the first headers of its chain."""

    name: ClassVar[str] = "rerun"
    is_honest: ClassVar[bool] = False

    def headers_for(self, question: m.GetHeaders) -> Headers:
        del question
        return self.chain.headers(1, min(self.height, self.network.limits.max_headers))


class Sneaky(Honest):
    """Shows one chain first, and another to whoever asks for it from the beginning once more."""

    name: ClassVar[str] = "sneaky"
    is_honest: ClassVar[bool] = False

    def __init__(
        self, chain: Chain, rng: random.Random, *, height: Height | None = None, second: Chain | None = None
    ) -> None:
        """`second`: what it shows then."""
        super().__init__(chain, rng, height=height)
        self.second = second or chain
        self._begun: dict[Talk, int] = {}

    def asked_headers(self, talk: Talk, question: m.GetHeaders) -> None:
        is_first = question.first_height == 1 if question.first_height is not None else not self._fork(question)
        self._begun[talk] = self._begun.get(talk, 0) + is_first
        first, height = self.chain, self.height
        if self._begun[talk] > 1:
            self.chain, self.height = self.second, len(self.second)
        super().asked_headers(talk, question)
        self.chain, self.height = first, height

    def ended(self, talk: Talk) -> None:
        self._begun.pop(talk, None)
        super().ended(talk)


class Endless(Honest):
    """Has a new chain for each who asks from the beginning, and tells of blocks again and again so that it is asked.

    It makes them on the spot, of Bitcoin's headers with as little work as its network's first block has.
    """

    name: ClassVar[str] = "endless"
    is_honest: ClassVar[bool] = False

    def __init__(
        self,
        chain: Chain,
        rng: random.Random,
        *,
        height: Height | None = None,
        length: int = 4_000,
        interval: float = 2.0,
    ) -> None:
        """`length`: of each chain; `interval`: seconds between two words of a new block."""
        super().__init__(chain, rng, height=height)
        self.length, self.interval = length, interval
        self._made: dict[Talk, dict[Hash, int]] = {}  # the last chain of each: hash -> height
        self._raws: dict[Talk, list[bytes]] = {}

    def claimed_height(self) -> Height:
        return self.length

    def ready(self, talk: Talk) -> None:
        talk.send(m.Inv((m.InvEntry(m.InvType.BLOCK, self.rng.randbytes(32)),)))
        talk.port.later(self.interval, self.ready, talk)

    def asked_headers(self, talk: Talk, question: m.GetHeaders) -> None:
        made = self._made.get(talk, {})
        height = next((made[entry.hash] for entry in question.locator if entry.hash in made), 0)
        if not height:
            self._make(talk)
        raws = self._raws[talk][height : height + self.network.limits.max_headers]
        talk.send(headers_of(self.network, raws))

    def ended(self, talk: Talk) -> None:
        self._made.pop(talk, None)
        self._raws.pop(talk, None)
        super().ended(talk)

    def _make(self, talk: Talk) -> None:
        raw, parent = self.network.rules.genesis, self.chain.hashes[0]
        raws, made = self._raws[talk], self._made[talk] = [], {}
        for height in range(1, self.length + 1):
            raw = _mined(raw, parent, self.rng.randbytes(32))
            parent = sha256d(raw)
            raws.append(raw)
            made[parent] = height


def _mined(parent: bytes, parent_hash: Hash, merkle_root: Hash) -> bytes:
    """A header of a minute later, with the same target as its parent."""
    time = int.from_bytes(parent[68:72], "little") + 60
    bits = int.from_bytes(parent[72:76], "little")
    target = (bits & 0xFFFFFF) << 8 * ((bits >> 24) - 3)
    head = b"\0\0\0\x20" + parent_hash + merkle_root + time.to_bytes(4, "little") + parent[72:76]
    return next(
        raw
        for nonce in count()
        if int.from_bytes(sha256d(raw := head + nonce.to_bytes(4, "little")), "little") <= target
    )


class Oversized(Honest):
    """Gives more in one message than the protocol allows: of headers, or (as `what` says) of something else."""

    name: ClassVar[str] = "oversized"
    is_honest: ClassVar[bool] = False

    def __init__(
        self, chain: Chain, rng: random.Random, *, height: Height | None = None, what: str = "headers"
    ) -> None:
        """`what`: headers, inv or addr."""
        super().__init__(chain, rng, height=height)
        self.what = what

    def asked_headers(self, talk: Talk, question: m.GetHeaders) -> None:
        del question
        send_loosely(self, talk, self._excess())

    def _excess(self) -> m.Message:
        limits = self.network.limits
        match self.what:
            case "headers":
                return headers_of(self.network, self.chain.raw_headers[:1] * (limits.max_headers + 1))
            case "inv":
                return m.Inv((m.InvEntry(m.InvType.BLOCK, self.chain.hashes[1]),) * (limits.max_inventory + 1))
            case "addr":
                return m.Addr(tuple(self.addresses[:1]) * (limits.max_addresses + 1))
        raise ValueError(f"nothing is known of {self.what}")
