"""An actor of the simulator alone in a room with a test: a `Port` without a network, and what is said on it.

meeting = Meeting(Staller(chain, rng, after=2))
meeting.shake()
meeting.say(GetHeaders(...))
assert meeting.heard() == [...]
"""

from __future__ import annotations

import heapq
import random
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from headway.sim.scenario import MAIN, ChainPlan, Families
from headway.sim.simulation import EPOCH
from headway.testing.simulated import cast_chains
from headway.types import ZERO_HASH, Address, BlockId, BlockRequest
from headway.wire import messages as m

if TYPE_CHECKING:
    from collections.abc import Callable

    from headway.sim.actor import Honest
    from headway.sim.chain import Chain

FAMILIES: Final[tuple[Families, ...]] = ("regtest", "neo2", "neo3")
SHORT: Final = ChainPlan(30)
REMOTE: Final = Address("9.9.9.9", 8333)


def chain_of(family: Families = "regtest", plan: ChainPlan = SHORT) -> Chain:
    """A chain made on the spot, kept for the next test."""
    return cast_chains(family, ((MAIN, plan),))[1][MAIN]


def seeded() -> random.Random:
    """A random source that is the same in each test."""
    return random.Random("a test")


class RoomPort:
    """A `sim.actor.Port` that keeps what is sent, and lets time pass when it is told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sent = bytearray()
        self.is_open = True
        self.is_reading = True
        self._plans: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = count()

    @property
    def wall_time(self) -> float:
        return EPOCH + self.now

    def send(self, data: bytes) -> None:
        assert self.is_open, "an actor speaks on a connection that it has closed"
        self.sent += data

    def close(self) -> None:
        self.is_open = False

    def later(self, delay: float, action: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._plans, (self.now + delay, next(self._numbers), action, arguments))

    def set_reading(self, *, reading: bool) -> None:
        self.is_reading = reading

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self.is_open and self._plans and self._plans[0][0] <= end:
            self.now, _, action, arguments = heapq.heappop(self._plans)
            action(*arguments)
        self.now = end

    def take(self) -> bytes:
        """What was sent since the last time."""
        data, self.sent = bytes(self.sent), bytearray()
        return data


class Meeting:
    """One connection of an actor, and we at its other end."""

    def __init__(self, actor: Honest, *, inbound: bool = True) -> None:
        """`inbound`: we dialled the actor."""
        self.actor = actor
        self.chain = actor.chain
        self.network = actor.chain.network
        self.port = RoomPort()
        self.wire = self.network.codec.open(inbound=not inbound)
        self.talk = actor.connected(self.port, inbound=inbound, remote=REMOTE)

    def say(self, *messages: m.Message) -> None:
        """Say these to the actor."""
        for message in messages:
            self.hear(b"".join(bytes(chunk) for chunk in self.wire.encode(message)))

    def hear(self, data: bytes) -> None:
        """Bytes come to the actor."""
        if self.port.is_open and self.port.is_reading:
            self.actor.receive(self.talk, data)

    def heard(self) -> list[m.Message]:
        """What the actor has said since the last time. Raises CodecError for what is no message."""
        if data := self.port.take():
            self.wire.receive_data(data)
        return [self.wire.decode(frame) for frame in self.wire.frames()]

    def version(self) -> m.Version:
        return m.Version(self.network.codec.protocol_version, 1, int(EPOCH), 7, "/test/", 0, port=1)

    def shake(self) -> list[m.Message]:
        """Shake hands; returns what the actor said meanwhile."""
        self.say(self.version(), m.Verack())
        return self.heard()

    # Questions, as this network has them, and the answers.

    def ask_headers(self, height: int = 0) -> list[m.Message]:
        """Ask for what follows the block at `height` of its own chain."""
        self.say(self.wire.ask_headers((BlockId(height, self.chain.hashes[height]),), ZERO_HASH))
        return self.heard()

    def ask_blocks(self, *heights: int) -> list[m.Message]:
        """Ask for these blocks."""
        requests = [BlockRequest(None, height, hash=self.chain.hashes[height]) for height in heights]
        self.say(*self.wire.ask_blocks(requests))
        return self.heard()

    def heights(self, messages: list[m.Message]) -> list[int | None]:
        """Of the blocks among messages; None for one that is not of its chain."""
        return [self.chain.heights.get(each.hash) for each in messages if isinstance(each, m.Block)]

    def is_answered(self) -> bool:
        """Whether a ping is."""
        self.say(m.Ping(9))
        return m.Pong in map(type, self.heard())
