"""Who sits on the other hosts: an honest peer, without any of the machinery of our own.

An actor is given connections and bytes, and gives bytes back; it holds a chain, and answers as the protocol has it.
What the hostile ones do differently stands in the modules beside this one: each overrides what it does wrong. They are
no machines of ours on purpose: two halves of one mistake would agree.

An actor sees a connection as a `Port`: the simulation gives it one (`host.ActorHost`), and so can a real socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from headway.errors import CodecError
from headway.network import Headers
from headway.wire import messages as m

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from headway.sim.chain import Chain
    from headway.types import Address, Hash, Height, Instant

USER_AGENT: Final = "/actor:1/"
SERVICES: Final = 1 | 1 << 3
"""NODE_NETWORK and NODE_WITNESS, which a peer of Bitcoin must offer."""
MAX_BLOCKS_INV: Final = 500
"""Hashes in the answer to one getblocks."""
MAX_ANNOUNCED: Final = 8
"""Headers of one announcement; of more new blocks the last one's hash alone is told (Core MAX_BLOCKS_TO_ANNOUNCE)."""
BLOCKS: Final = (m.InvType.BLOCK, m.InvType.WITNESS_BLOCK, m.InvType.CMPCT_BLOCK)
"""Asked for as a compact block, one comes whole, as BIP152 allows."""


class Port(Protocol):
    """A connection, as an actor holds it."""

    @property
    def now(self) -> Instant: ...

    @property
    def wall_time(self) -> float:
        """Unix seconds."""

    def send(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def later(self, delay: float, action: Callable[..., None], *arguments: Any) -> None:
        """Nothing happens once the connection has ended."""

    def set_reading(self, *, reading: bool) -> None: ...


class Talk:
    """One connection of an actor, and what was said on it."""

    def __init__(self, actor: Honest, port: Port, *, inbound: bool, remote: Address) -> None:
        """`inbound`: they dialled us."""
        self.port = port
        self.inbound = inbound
        self.remote = remote
        self.wire = actor.chain.network.codec.open(inbound=inbound)
        self.theirs: m.Version | None = None
        self.version_sent = False
        self.is_ready = False
        self.wants_headers = False
        self.takes_witness = actor.chain.network.rules.header_size > 0
        """How it asked for blocks last: only Bitcoin has a form without witness, and another word for the whole."""
        self.is_over = False
        self.served = 0
        """Blocks that it was given."""

    def send(self, *messages: m.Message) -> None:
        """Say these."""
        self.port.send(b"".join(bytes(chunk) for message in messages for chunk in self.wire.encode(message)))

    def send_raw(self, data: bytes) -> None:
        self.port.send(data)

    def close(self) -> None:
        self.is_over = True
        self.port.close()


class Honest:
    """An honest peer: it has a chain up to a height, answers, and announces what is new.

    Options are keyword arguments, so that a scenario can name them.
    """

    name: ClassVar[str] = "honest"
    is_honest: ClassVar[bool] = True

    def __init__(self, chain: Chain, rng: random.Random, *, height: Height | None = None) -> None:
        """`height`: how much of the chain it has at first; None: all."""
        self.chain = chain
        self.height = len(chain) if height is None else height
        self.rng = rng
        self.talks: dict[Talk, None] = {}
        self.addresses: Sequence[Address] = ()
        """What it tells those who ask for addresses."""

    @property
    def network(self) -> Any:
        return self.chain.network

    # What happens.

    def connected(self, port: Port, *, inbound: bool, remote: Address) -> Talk:
        """A connection is there."""
        talk = Talk(self, port, inbound=inbound, remote=remote)
        self.talks[talk] = None
        self.opened(talk)
        return talk

    def ended(self, talk: Talk) -> None:
        """It has ended, whoever ended it."""
        talk.is_over = True
        self.talks.pop(talk, None)

    def receive(self, talk: Talk, data: bytes) -> None:
        """Bytes have come."""
        talk.wire.receive_data(data)
        try:
            for frame in talk.wire.frames():
                if talk.is_over:
                    return
                self.received(talk, talk.wire.decode(frame))
        except CodecError:
            talk.close()

    def grow(self, height: Height) -> None:
        """It has more of its chain now, and says so."""
        first, self.height = self.height + 1, min(height, len(self.chain))
        for talk in tuple(self.talks):
            if talk.is_ready:
                self.announce(talk, first)

    def switch(self, chain: Chain, height: Height | None = None) -> None:
        """It is on another chain now, and says so."""
        fork = 0
        while fork < min(len(chain), self.height) and chain.hashes[fork + 1] == self.chain.hashes[fork + 1]:
            fork += 1
        self.chain, self.height = chain, fork
        self.grow(len(chain) if height is None else height)

    # What it says. Each of these is for others to do differently.

    def opened(self, talk: Talk) -> None:
        if self.network.handshake.speaks_first(inbound=talk.inbound):
            self.say_version(talk)

    def say_version(self, talk: Talk) -> None:
        talk.version_sent = True
        talk.send(self.version(talk))

    def version(self, talk: Talk) -> m.Version:
        return m.Version(
            protocol=self.network.codec.protocol_version,
            services=SERVICES,
            wall_time=int(talk.port.wall_time),
            nonce=self.rng.getrandbits(self.network.codec.nonce_bits) or 1,
            user_agent=USER_AGENT,
            start_height=self.claimed_height(),
            relay=True,
            port=self.network.port,
            remote=talk.remote,
        )

    def claimed_height(self) -> Height:
        return self.height

    def received(self, talk: Talk, message: m.Message) -> None:
        match message:
            case m.Version():
                self.shake(talk, message)
            case m.Verack():
                self.shaken(talk)
            case m.Ping():
                self.pinged(talk, message)
            case m.GetHeaders():
                self.asked_headers(talk, message)
            case m.GetBlocks():
                self.asked_inventory(talk, message)
            case m.GetData():
                wanted = [entry for entry in message.entries if entry.type in BLOCKS]
                talk.takes_witness = all(entry.type != m.InvType.BLOCK for entry in wanted)
                self.asked_blocks(talk, [entry.hash for entry in wanted])
            case m.GetBlockByIndex():
                most = min(message.count or MAX_BLOCKS_INV, MAX_BLOCKS_INV)
                last = min(message.first_height + most - 1, self.height)
                self.asked_blocks(talk, self.chain.hashes[message.first_height : last + 1])
            case m.GetAddr():
                self.asked_addresses(talk)
            case m.SendHeaders():
                talk.wants_headers = True
            case _:
                pass

    def shake(self, talk: Talk, theirs: m.Version) -> None:
        policy = self.network.handshake
        if talk.theirs is not None:
            return
        talk.theirs = theirs
        talk.wire.negotiated(theirs)
        if not talk.version_sent:
            self.say_version(talk)
        talk.send(*policy.before_verack(theirs))
        if not policy.awaits_verack(theirs):
            talk.send(m.Verack())

    def shaken(self, talk: Talk) -> None:
        if talk.theirs is None or talk.is_ready:
            return
        talk.is_ready = True
        if self.network.handshake.awaits_verack(talk.theirs):
            talk.send(m.Verack())
        talk.send(*self.network.handshake.after_verack(talk.theirs))
        self.ready(talk)

    def ready(self, talk: Talk) -> None:
        """The handshake is done."""

    def pinged(self, talk: Talk, ping: m.Ping) -> None:
        if ping.nonce is not None:
            talk.send(m.Pong(ping.nonce, height=self.height, wall_time=int(talk.port.wall_time)))

    def asked_headers(self, talk: Talk, question: m.GetHeaders) -> None:
        headers = self.headers_for(question)
        if headers or not self.network.codec.silence_is_answer:
            talk.send(headers)

    def headers_for(self, question: m.GetHeaders) -> Headers:
        most = min(question.count or self.network.limits.max_headers, self.network.limits.max_headers)
        by_height = question.first_height
        first = self._fork(question) + 1 if by_height is None else by_height
        last = min(first + most - 1, self.height)
        if (stop := self.chain.heights.get(question.stop, 0)) >= max(first, 1):  # one that is behind stops nothing
            last = min(last, stop)
        return self.chain.headers(first, last)

    def asked_inventory(self, talk: Talk, question: m.GetBlocks) -> None:
        first = self._fork(question) + 1
        hashes = self.chain.hashes[first : min(first + MAX_BLOCKS_INV, self.height + 1)]
        if hashes:
            talk.send(m.Inv(tuple(m.InvEntry(m.InvType.BLOCK, each) for each in hashes)))

    def _fork(self, question: m.GetHeaders | m.GetBlocks) -> Height:
        """Height of the first block of the locator that is on our chain."""
        known = (self.chain.heights.get(entry.hash) for entry in question.locator)
        return next((height for height in known if height is not None and height <= self.height), 0)

    def asked_blocks(self, talk: Talk, hashes: Sequence[Hash]) -> None:
        missing = []
        for each in hashes:
            if talk.is_over:
                return
            raw = self.block_for(talk, each)
            if raw is None:
                missing.append(each)
            else:
                self.give_block(talk, raw)
        if missing and not talk.is_over:
            kind = m.InvType.WITNESS_BLOCK if talk.takes_witness else m.InvType.BLOCK
            talk.send(m.NotFound(tuple(m.InvEntry(kind, each) for each in missing)))

    def block_for(self, talk: Talk, block: Hash) -> bytes | None:
        """What it gives who asks for this block; None: it has none."""
        height = self.chain.heights.get(block)
        raw = None if height is None or height > self.height else self.chain.block(height)
        return raw if raw is None or talk.takes_witness else bytes(self.network.codec.parser.stripped(raw))

    def give_block(self, talk: Talk, raw: bytes) -> None:
        talk.served += 1
        talk.send(m.Block(raw, self.network.codec.parser))

    def asked_addresses(self, talk: Talk) -> None:
        if self.addresses:
            known = self.rng.sample(self.addresses, min(len(self.addresses), self.network.limits.max_addresses))
            talk.send(m.Addr(tuple(known)))

    def announce(self, talk: Talk, first: Height) -> None:
        """Blocks from `first` up are new."""
        if first > self.height:
            return
        is_short = self.height - first < MAX_ANNOUNCED
        if talk.wants_headers and is_short and self.network.rules.header_size:
            talk.send(self.chain.headers(first, self.height))
        else:
            talk.send(m.Inv((m.InvEntry(m.InvType.BLOCK, self.chain.hashes[self.height]),)))
