"""Hosts and how they reach each other: who listens where, dials that succeed, fail or hang, partitions.

A host has a name, addresses and two lines (up and down). What sits on it (a node, an actor) listens and dials; this
module neither knows nor cares what is said. Called by `node`, `actor` and `scenario`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from headway.sim.link import Connection, End, Line, Path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.sim.simulation import Simulation
    from headway.types import Address


class Listener(Protocol):
    """Who takes the connections that come to a host."""

    def accept(self, end: End) -> None:
        """Take it (set `end.party`), or close it."""


class Dialler(Protocol):
    """Who dialled, and is told once."""

    def connected(self, end: End) -> None: ...
    def connect_failed(self, why: str) -> None: ...


@dataclass(eq=False)
class Host:
    """A machine on the network."""

    name: str
    addresses: tuple[Address, ...]
    path: Path = field(default_factory=Path)
    """From the middle of the network to it; the path between two hosts is the sum of theirs."""
    up: Line = field(default_factory=Line)
    down: Line = field(default_factory=Line)
    listener: Listener | None = None
    """None: it refuses."""
    is_dark: bool = False
    """Nothing answers: a dial hangs."""
    side: int = 0
    """Hosts reach each other while their sides are equal."""


class Internet:
    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.names: dict[str, tuple[Address, ...]] = {}
        """What the seeds say."""
        self.dials = 0
        self._hosts: dict[Address, Host] = {}
        self._connections: dict[Connection, tuple[Host, Host]] = {}
        self._rng = simulation.rng("internet")
        self._last_port = 49_151

    def add(self, host: Host) -> Host:
        for address in host.addresses:
            assert address not in self._hosts, "one host an address"
            self._hosts[address] = host
        return host

    def host(self, address: Address) -> Host | None:
        return self._hosts.get(address)

    @property
    def connections(self) -> tuple[Connection, ...]:
        return tuple(self._connections)

    def connections_of(self, host: Host) -> list[Connection]:
        return [connection for connection, ends in self._connections.items() if host in ends]

    def dial(self, source: Host, target: Address, dialler: Dialler) -> Dial:
        """Dial: after the way there and back the dialler is told, or it is never answered."""
        self.dials += 1
        dial = Dial(dialler)
        host = self._hosts.get(target)
        if host is None or host.is_dark or host.side != source.side:
            return dial  # what nobody answers hangs
        there = source.path.latency + host.path.latency
        self.simulation.later(2 * there, self._answer, dial, source, host, target)
        return dial

    def _answer(self, dial: Dial, source: Host, host: Host, target: Address) -> None:
        if dial.given_up or host.is_dark or host.side != source.side:
            return
        if host.listener is None:
            dial.dialler.connect_failed("connection refused")
            return
        path = Path(source.path.latency + host.path.latency, source.path.jitter + host.path.jitter)
        self._last_port = self._last_port + 1 if self._last_port < 65_535 else 49_152
        here = type(target)(source.addresses[0].host, self._last_port)
        ends = (here, source.up, source.down), (target, host.up, host.down)
        connection = Connection(self.simulation, path, self._rng, ends, self._forget)
        self._connections[connection] = (source, host)
        host.listener.accept(connection.b)
        dial.dialler.connected(connection.a)

    def split(self, hosts: Iterable[Host]) -> None:
        """Part these from the others: what is on its way arrives, nothing more leaves, and nobody is told."""
        for host in hosts:
            host.side = 1
        for connection, (a, b) in tuple(self._connections.items()):
            if a.side != b.side:
                connection.cut()
            else:
                connection.heal()  # parted before, and now on the same side

    def heal(self) -> None:
        """All reach each other again; what waited goes on its way."""
        for host in self._hosts.values():
            host.side = 0
        for connection in tuple(self._connections):
            connection.heal()

    def drop(self, host: Host, *, silently: bool = False) -> None:
        """End all connections of a host: broken for both, or (silently) gone without a word for the others."""
        for connection in self.connections_of(host):
            if silently:
                connection.vanish(connection.a if self._connections[connection][0] is host else connection.b)
            else:
                connection.break_off()

    def _forget(self, connection: Connection) -> None:
        self._connections.pop(connection, None)


class Dial:
    """A dial under way; `give_up` and nobody is told."""

    __slots__ = ("dialler", "given_up")

    def __init__(self, dialler: Dialler) -> None:
        self.dialler = dialler
        self.given_up = False

    def give_up(self) -> None:
        self.given_up = True
