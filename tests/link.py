"""Peer machines without sockets or clocks: two of them joined in virtual time, or one whose far end the test plays.

Bytes travel both ways after a latency, in pieces of any size; time is a number that moves when nothing else can. Same
calls, same events. Used by the tests of `peer`.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, TypeVar

from headway.network import Network, Timing
from headway.networks.bitcoin import REGTEST
from headway.networks.dbft.rules import DbftRules
from headway.networks.neo3 import Neo3Rules
from headway.peer.config import PeerConfig
from headway.peer.events import HandshakeCompleted, PeerDisconnected, PeerEvent, PeerState
from headway.peer.machine import PeerMachine
from headway.testing.neo_chain import Generation, NeoChain, neo_network, validators
from headway.types import Address, BlockId, BlockRequest, Instant
from headway.wire.messages import Block, Headers, InvEntry, InvType, Message, NotFound, Unknown, Verack, Version
from tests.neorun import message as signed_headers
from tests.toynet import HEADER_SIZE, NEO_MANNERS, TOYNET, toy_chain, toynet

WALL = 1_700_000_000.0
"""Unix seconds when the driver's time is 0."""
HERE = Address("192.0.2.10", 4444)
THERE = Address("192.0.2.20", 4444)

NEO_SIGNERS: Final = validators(1)


def _neo(generation: Generation) -> Network:
    """A private network of Neo whose one validator is ours; with the same durations as the others here."""
    return replace(neo_network(generation, NEO_SIGNERS), timing=Timing())


FORGIVING: Final = {"regtest": REGTEST, "toynet": TOYNET}
"""By the manners of Bitcoin: both speak at once, what comes too early or twice is ignored, silence is no answer."""
NEO: Final = {generation: _neo(generation) for generation in ("neo2", "neo3")}
STRICT: Final = {"toynet with Neo's manners": toynet(handshake=NEO_MANNERS), **NEO}
"""By the manners of Neo: the dialler waits, what comes too early or twice ends the peer."""
NETWORKS: Final = {**FORGIVING, **NEO}
"""Where the neutral stories are told."""

_E = TypeVar("_E")


def machine(network: Network, *, inbound: bool = False, seed: int = 1, **config: Any) -> PeerMachine:
    """A machine whose remote is at THERE; `config` are fields of PeerConfig, `log` takes the trace."""
    log = config.pop("log", None)
    scratch = config.pop("scratch", None)
    return PeerMachine(
        PeerConfig(network, **config), inbound=inbound, address=THERE, rng=random.Random(seed), scratch=scratch, log=log
    )


def genesis_of(network: Network) -> BlockId:
    return BlockId(0, network.rules.parse_header(network.rules.genesis).hash)


def blocks_of(network: Network, n: int, salt: int = 0) -> list[bytes]:
    """`n` raw blocks after genesis. A peer judges none of them, so Bitcoin's carry no work and no transaction."""
    if isinstance(network.rules, DbftRules):
        return _signed_blocks("neo3" if isinstance(network.rules, Neo3Rules) else "neo2", n, salt)
    if network.rules.header_size == HEADER_SIZE:
        return toy_chain(n, salt)
    blocks: list[bytes] = []
    prev_hash = genesis_of(network).hash
    for number in range(n):
        header = (
            (4).to_bytes(4, "little") + prev_hash + bytes(32) + number.to_bytes(8, "little") + bytes([salt, 0, 0, 0])
        )
        blocks.append(header + b"\0")
        prev_hash = network.codec.parser.header(header).hash
    return blocks


@cache
def _signed_blocks(generation: Generation, n: int, salt: int) -> list[bytes]:
    return list(NeoChain(NEO[generation], NEO_SIGNERS, salt=salt).blocks(n))


def headers_of(network: Network, blocks: Sequence[bytes]) -> Headers:
    if isinstance(network.rules, DbftRules):
        parse = network.codec.parser.block_header
        return signed_headers(network.rules, [parse(block).raw for block in blocks])
    size = network.rules.header_size
    return Headers.fixed(b"".join(block[:size] for block in blocks), network.codec.parser, size=size)


def requests_of(network: Network, blocks: Sequence[bytes], first_height: int = 1) -> list[BlockRequest]:
    parse = network.codec.parser.block_header
    return [BlockRequest(parse(block), height, height) for height, block in enumerate(blocks, first_height)]


def block_of(network: Network, raw: bytes) -> Block:
    return Block(raw, network.codec.parser)


def unknown(network: Network, number: int, payload: bytes) -> Unknown:
    """A message of a type that nobody has: `toy99`, or a number on the chain whose types are numbers."""
    name = f"{number:#04x}" if isinstance(network.rules, Neo3Rules) else f"toy{number}"
    return Unknown(name, payload)


def missing(*hashes: bytes) -> NotFound:
    return NotFound(tuple(InvEntry(InvType.BLOCK, each) for each in hashes))


class Remote:
    """The far end of one machine, played by the test: says messages, hears messages, keeps the events."""

    def __init__(self, network: Network, *, inbound: bool = False, **config: Any) -> None:
        self.network = network
        self.peer = machine(network, inbound=inbound, **config)
        self.wire = network.codec.open(inbound=not inbound)
        self.version = Version(
            network.codec.protocol_version, 9, int(WALL), 77, "/far:1/", 500, remote=HERE, local=THERE
        )  # services 9: NETWORK and WITNESS

    def connect(self, now: Instant = 0.0) -> list[Message]:
        """The connection is made; what our machine says first."""
        self.peer.handle_connected(now, WALL + now)
        return self.hears()

    def shake(self, now: Instant = 0.0, **version: Any) -> list[PeerEvent]:
        """The connection and the whole handshake; the events of it."""
        self.connect(now)
        self.says(replace(self.version, **version), Verack(), now=now)
        self.hears()
        assert self.peer.state is PeerState.READY
        return self.events()

    def says(self, *messages: Message, now: Instant) -> None:
        """All of them at once."""
        self.peer.receive_data(self.encode(*messages), now)

    def encode(self, *messages: Message) -> bytes:
        return b"".join(bytes(chunk) for message in messages for chunk in self.wire.encode(message))

    def hears(self) -> list[Message]:
        """What our machine has sent since the last time. (Both ends of v1 read alike.)"""
        for chunk in self.peer.data_to_send():
            self.wire.receive_data(chunk)
        return [self.wire.decode(frame) for frame in self.wire.frames()]

    def commands(self) -> list[str]:
        return [message.command for message in self.hears()]

    def events(self) -> list[PeerEvent]:
        return self.peer.events_received()

    def timer(self) -> Instant:
        """The machine's timer, which must be set."""
        at = self.peer.get_timer()
        assert at is not None
        return at

    def ended(self) -> PeerDisconnected:
        """The last event, which must be the end."""
        event = self.events()[-1]
        assert isinstance(event, PeerDisconnected)
        return event


def only(kind: type[_E], events: Sequence[Any]) -> _E:
    """The only event of a kind."""
    [event] = of(kind, events)
    return event


def ready(network: Network, **config: Any) -> Remote:
    """A remote that has shaken hands; `config` as for `machine`."""
    remote = Remote(network, **config)
    remote.shake()
    return remote


def quiet(network: Network, **durations: float) -> Network:
    """Without keepalives, so that only the timer under test is armed; a minute for everything."""
    minute = dict.fromkeys(("headers_timeout", "addresses_timeout", "transaction_timeout", "batch_timeout"), 60.0)
    return replace(network, timing=Timing(ping_interval=0.0, idle_timeout=0.0, **(minute | durations)))


def of(kind: type[_E], events: Sequence[Any]) -> list[_E]:
    return [event for event in events if isinstance(event, kind)]


Owner = Callable[["End", PeerEvent, Instant], None]


@dataclass
class End:
    """One of the two machines of a link, with its driver's memory."""

    peer: PeerMachine
    owner: Owner | None = None
    """What it does when something happens."""
    events: list[PeerEvent] = field(default_factory=list)
    is_mute: bool = False
    """What it sends is lost."""
    is_open: bool = True

    def of(self, kind: type[_E]) -> list[_E]:
        return of(kind, self.events)


class Link:
    """Two machines, the first outbound and the second inbound, joined by two streams of bytes."""

    def __init__(
        self,
        network: Network,
        *,
        latency: float = 0.05,
        piece: int = 1 << 30,
        ours: dict[str, Any] | None = None,
        theirs: dict[str, Any] | None = None,
    ) -> None:
        """`piece`: the most bytes that arrive at once. `ours`, `theirs`: PeerConfig fields."""
        self.now: Instant = 0.0
        self.a = End(machine(network, seed=1, **(ours or {})))
        self.b = End(machine(network, seed=2, inbound=True, **(theirs or {})))
        self._latency = latency
        self._piece = piece
        self._queue: list[tuple[Instant, int, End, bytes | None]] = []  # when, order, to whom; None is the end
        self._sent = 0

    def connect(self) -> None:
        for end in (self.a, self.b):
            end.peer.handle_connected(self.now, WALL + self.now)
        self.pump()

    def run(self, until: Instant) -> None:
        """Let time pass until `until`, or for ever when both ends are silent. Bytes come before timers."""
        while True:
            timers = [at for end in (self.a, self.b) if (at := end.peer.get_timer()) is not None]
            arrival = self._queue[0][0] if self._queue else until
            self.now = min([arrival, until, *timers])
            if self._queue and self._queue[0][0] <= self.now:
                self._deliver(*heapq.heappop(self._queue)[2:])
            elif self.now >= until:
                return
            for end in (self.a, self.b):
                end.peer.handle_timer(self.now)
            self.pump()

    def pump(self) -> None:
        """Take what the machines have to say, until they have no more."""
        busy = True
        while busy:
            busy = False
            for end, other in ((self.a, self.b), (self.b, self.a)):
                for event in end.peer.events_received():
                    busy = True
                    end.events.append(event)
                    if end.owner:
                        end.owner(end, event, self.now)
                data = b"".join(bytes(chunk) for chunk in end.peer.data_to_send())
                if data and not end.is_mute:
                    for at in range(0, len(data), self._piece):
                        self._send(other, data[at : at + self._piece])
                if end.is_open and end.peer.wants_close():
                    end.is_open = False
                    self._send(other, None)
                    end.peer.handle_connection_lost("closed", self.now)

    def _send(self, to: End, data: bytes | None) -> None:
        self._sent += 1
        heapq.heappush(self._queue, (self.now + self._latency, self._sent, to, data))

    def _deliver(self, to: End, data: bytes | None) -> None:
        if data is None:
            to.peer.receive_eof(self.now)
        else:
            to.peer.receive_data(data, self.now)


def is_ready(end: End) -> bool:
    return bool(end.of(HandshakeCompleted)) and end.peer.state is PeerState.READY
