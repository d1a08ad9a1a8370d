"""A scenario as data, and one run of it: who is there, what they have, what happens when, and how it must end.

    outcome = Run(SCENARIOS["a staller among honest peers"], chains, seed=7).play()

The seed decides all that a scenario leaves open: latencies, rates, the moments of faults, and every choice of the node
and of the actors. `invariants` looks at each step. Who makes the chains is not our business (`headway.testing` does).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from headway.node.config import NodeConfig
from headway.sim.actor import SERVICES, Honest
from headway.sim.deeds import perform
from headway.sim.host import ActorHost
from headway.sim.internet import Host, Internet
from headway.sim.invariants import Watch
from headway.sim.link import Line, Path
from headway.sim.node import MemoryStore, SimNode
from headway.sim.simulation import Simulation
from headway.sync.window import WINDOW
from headway.types import Address, Height

if TYPE_CHECKING:
    from headway.network import Network
    from headway.sim.chain import Chain

Needs: TypeAlias = Literal["", "pool", "presync"]
Families: TypeAlias = Literal["regtest", "neo2", "neo3"]
Deed: TypeAlias = Literal[
    "grow",
    "switch",
    "break",
    "vanish",
    "dark",
    "light",
    "split",
    "heal",
    "restart",
    "fill disk",
    "empty disk",
    "want",
    "clock",
]

MAIN: Final = "main"
NODE: Final = "node"
CLOSING: Final = 60.0
"""Seconds in which everything must be gone once everybody was disconnected."""
MAX_HEADERS: Final = 2_000
"""In one message, on every network."""
PORT: Final = 8333
HERE: Final = Address("9.9.9.9", PORT)
"""Where the node is."""


@dataclass(frozen=True, slots=True)
class ChainPlan:
    """A chain to be made. `testing.simulated` says what the faults are."""

    length: Height
    of: str = ""
    """The chain from which it forks off; empty: it begins at genesis."""
    at: Height = 0
    """Height of the last block that it shares with that."""
    headers_only: int = 0
    """Headers after the last block, without blocks."""
    sizes: tuple[int, int] = (0, 400)
    """Least and most bytes of a block."""
    fault: str = ""
    """The rule that its block at `fault_at` breaks, or what else is wrong with it. Where a proof is missing, it is
    missing from there on: who signs a block stands for all before it."""
    fault_at: Height = 0
    dated: float | None = None
    """When its last block was made, in seconds after the start; None: years ago, as all the others."""

    @property
    def top(self) -> Height:
        """Height of its last header."""
        return self.at + self.length + self.headers_only


@dataclass(frozen=True, slots=True)
class Role:
    """So many of one kind."""

    actor: type[Honest] | None = Honest
    """None: a node of ours that serves."""
    count: int = 1
    chain: str = MAIN
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the actor."""
    second: str = ""
    """Another chain that the actor holds, as one more argument: for those who show two."""
    among: tuple[tuple[type[Honest], Mapping[str, Any]], ...] = ()
    """Actors with their options, of which the seed picks one for each of the number: instead of `actor`."""
    connects: str = ""
    """Of a node of ours: the role that it syncs from, or `node`. It begins with nothing, and must end with all."""
    latency: tuple[float, float] = (0.005, 0.15)
    """Seconds to the middle of the network: least and most."""
    jitter: float = 0.01
    rate: tuple[float, float] = (0.0, 0.0)
    """Bytes a second of its line up: least and most; 0: no limit."""
    known: bool = True
    """The node is told of it at its start."""
    dials: float = 0.0
    """It dials the node, and again so many seconds after each end; 0: it does not."""
    addresses: int = 1
    """Where it is to be found: so many addresses lead to the one host."""
    is_dark: bool = False
    """Nothing answers there at first."""
    refuses: bool = False
    """It takes no connections."""
    network_group: int = 0
    """All of its addresses lie in the /16 with this number; 0: each lies in one of its own."""
    tells: str = ""
    """The role whose addresses alone it tells others; empty: it tells everybody's."""


@dataclass(frozen=True, slots=True)
class Cue:
    """At an instant, somebody does something."""

    at: tuple[float, float]
    """Seconds after the start: earliest and latest."""
    deed: Deed
    who: str = ""
    """A role (one of its number, at random), `node`, or empty where nobody does it."""
    to: Any = None
    """`grow`: the height; `switch`: the chain; `fill disk`: bytes that are left; `want`: the floor; `clock`: seconds
    that it is ahead from then on."""
    everyone: bool = False
    """The whole role does it. (`grow`, `switch` and `split` are always for all.)"""


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    about: str
    """A sentence for people: what is wrong here, and what must come of it."""
    cast: Mapping[str, Role]
    chains: Mapping[str, ChainPlan] = field(default_factory=lambda: {MAIN: ChainPlan(200)})
    family: Families = "regtest"
    network: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the network that differ here."""
    cues: tuple[Cue, ...] = ()
    node: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `NodeConfig`."""
    named: bool = True
    """The peers are those that its user named; False: it finds them (its book is given what is known)."""
    rate: tuple[float, float] = (0.0, 0.0)
    """Bytes a second of the node's own line down: least and most."""
    clock_skew: tuple[float, float] = (0.0, 0.0)
    within: float = 3600.0
    """Virtual seconds in which the node must have the best honest chain, whole."""
    patience: float = 400.0
    """Virtual seconds that may pass without any progress while an honest peer can be reached."""
    linger: float = 30.0
    """Virtual seconds that we go on watching afterwards."""
    validators: int = 1
    """Who sign a chain of Neo: their signatures are most of what such a run costs."""
    seeds: Mapping[str, str] = field(default_factory=dict)
    """Name of a DNS seed -> the role whose addresses it tells; empty: it is dead."""
    weight: int = 1
    """How often it is played, beside the others."""
    max_headers: int = 0
    """Headers that its tree may hold at any time; 0: as many as the chains have."""
    fills_pool: bool = False
    """Enough honest peers can be had: when the node has rested, every slot is taken."""
    max_dials: int = 0
    """Times that one address may be dialled; 0: that is not looked at."""
    needs: Needs = ""
    """What the engine must have before this can hold; it is not run until then."""

    @property
    def is_long(self) -> bool:
        """More than one message of headers and one window of blocks."""
        longest = max(self.chains.values(), key=lambda plan: plan.at + plan.length)
        return longest.at + longest.length > WINDOW and longest.top > MAX_HEADERS


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; a run that breaks something raises `Broken` instead."""

    scenario: str
    seed: int
    seconds: float
    """Virtual, until the node had everything."""
    events: int
    headers: int
    blocks: int


class Run:
    """One run. `play` it once."""

    def __init__(
        self,
        scenario: Scenario,
        network: Network,
        chains: Mapping[str, Chain],
        *,
        seed: int,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        self.scenario = scenario
        self.network = replace(network, **scenario.network)
        self.chains = chains
        self.simulation = Simulation(seed, trace=trace)
        self.internet = Internet(self.simulation)
        self.actors: dict[str, list[ActorHost]] = {}
        self.servers: list[SimNode] = []
        self.followers: list[SimNode] = []
        """Nodes of ours that sync, too."""
        self.done = False
        """The node has had everything once."""
        self.rng = self.simulation.rng("scenario")
        self._hosts = 0
        for role, plan in scenario.cast.items():
            self.actors[role] = [self._place(role, plan) for _ in range(plan.count)]
        self._spread_addresses()
        for name, role in scenario.seeds.items():
            self.internet.names[name] = self._addresses_of(role) if role else ()
        self._clock_skew = self.rng.uniform(*scenario.clock_skew)
        self._book: tuple[Address, ...] = ()  # of a node that was killed: what the next one is told
        self.node = self._make_node(MemoryStore())
        self.watch = Watch(self)

    # Setting the stage.

    def _place(self, role: str, plan: Role) -> ActorHost:
        host = self.internet.add(self._host(role, plan))
        host.is_dark = plan.is_dark
        chain = self.chains[plan.chain]
        rng = self.simulation.rng(host.name)
        if plan.actor is None:
            return self._place_node(host, plan, chain)
        make, options = rng.choice(plan.among) if plan.among else (plan.actor, plan.options)
        if plan.second:
            options = {**options, "second": self.chains[plan.second]}
        return ActorHost(self.internet, host, make(chain, rng, **options), listens=not plan.refuses)

    def _place_node(self, host: Host, plan: Role, chain: Chain) -> ActorHost:
        """A node of ours; an actor stands for what it has, and what it is yet to bring is nobody's."""
        config = NodeConfig(network=self.network, peers=0, dns=False, serve=True, port=PORT)
        if plan.connects:
            follows = replace(config, connect=self._addresses_of(plan.connects))
            self.followers.append(SimNode(self.internet, host, follows))
            return ActorHost(self.internet, host, Honest(chain, self.rng, height=0), listens=False)
        self.servers.append(SimNode(self.internet, host, config, store=MemoryStore.of(chain)))
        return ActorHost(self.internet, host, Honest(chain, self.rng), listens=False)

    def _addresses_of(self, role: str) -> tuple[Address, ...]:
        if role == NODE:
            return (HERE,)
        return tuple(address for each in self.actors[role] for address in each.host.addresses)

    def _host(self, role: str, plan: Role) -> Host:
        rng = self.rng
        addresses = tuple(self._next_address(plan.network_group) for _ in range(plan.addresses))
        return Host(
            f"{role}@{addresses[0]}",
            addresses,
            Path(rng.uniform(*plan.latency), plan.jitter),
            up=Line(rng.uniform(*plan.rate)),
        )

    def _next_address(self, group: int) -> Address:
        """Each in a network of its own (/16), or all in one."""
        self._hosts += 1
        host = f"{1 + self._hosts % 100 + 10}.{self._hosts // 100 % 250}.7.{1 + self._hosts % 250}"
        if group:
            host = f"150.{group}.{self._hosts // 250}.{1 + self._hosts % 250}"
        return Address(host, PORT, services=SERVICES)

    def _spread_addresses(self) -> None:
        everybody = [address for each in self._everybody() for address in each.host.addresses]
        for role, plan in self.scenario.cast.items():
            for each in self.actors[role]:
                each.actor.addresses = self._addresses_of(plan.tells) if plan.tells else everybody

    def _everybody(self) -> list[ActorHost]:
        return [each for role in self.actors.values() for each in role]

    def _make_node(self, store: MemoryStore) -> SimNode:
        scenario = self.scenario
        known = tuple(
            address for role, plan in scenario.cast.items() if plan.known for address in self._addresses_of(role)
        )
        if self._book:
            known = self._book
        where: dict[str, Any] = {"connect" if scenario.named else "peers_file": known}
        config = NodeConfig(network=self.network, **{"dns": False, **where, **scenario.node})
        host = self.internet.host(HERE)
        if host is None:
            host = self.internet.add(Host(NODE, (HERE,), Path(0.01, 0.002)))
            host.down = Line(self.rng.uniform(*scenario.rate))
        return SimNode(self.internet, host, config, store=store, clock_skew=self._clock_skew)

    def restart(self) -> None:
        """The node is killed, and begins again with what it has stored."""
        self._clock_skew = self.node.clock_skew
        if not self.scenario.named:
            self._book = tuple(entry.address for entry in self.node.machine.slots.book.entries())
        self.node.stop()
        self.node = self._make_node(self.node.store)
        self.watch.restarted()
        self.node.start()

    # The play.

    def play(self) -> Outcome:
        """Raises `invariants.Broken` for what must not be."""
        simulation, scenario = self.simulation, self.scenario
        for other in (*self.servers, *self.followers):
            other.start()
        self.node.start()
        for role, plan in scenario.cast.items():
            if plan.dials:
                for each in self.actors[role]:
                    simulation.later(self.rng.random(), self._dial_node, each, plan.dials)
        last_cue = 0.0
        for cue in scenario.cues:
            at = self.rng.uniform(*cue.at)
            last_cue = max(last_cue, at)
            simulation.at(at, perform, self, cue)
        simulation.after_event = self.watch.look
        simulation.run(last_cue)
        self.watch.must(simulation.run(scenario.within, until=self.has_everything), "the sync did not end in time")
        self.done, took = True, simulation.now
        simulation.run(scenario.linger)
        self.watch.at_rest()
        self.node.close()
        simulation.run(CLOSING)
        self.watch.at_end()
        tip = self.node.tree.tip.height
        return Outcome(scenario.name, simulation.seed, took, simulation.events, tip, len(self.node.store.blocks))

    def has_everything(self) -> bool:
        """The node has the best honest chain, and knows that there is no better one; so has each of ours."""
        return self.node.machine.is_at_tip and all(map(self.has_best_chain, (self.node, *self.followers)))

    def has_best_chain(self, node: SimNode | None = None) -> bool:
        """The node, or another one of ours, has the headers of the best honest chain, and its blocks.

        It may know of better headers: of a chain whose blocks nobody gives.
        """
        node = node or self.node
        tip, height = node.tree.id(node.machine.sync.chain.goal.tip), self.best_height()
        wanted = height if node.config.ceiling is None else min(height, node.config.ceiling)
        is_best = tip.height == height and any(tip == chain.id(top) for chain, top in self._honest() if top == height)
        return is_best and node.machine.is_stored_to(wanted)

    def best_height(self) -> Height:
        """Of the best chain that an honest peer has: on these networks each block weighs the same."""
        return max(top for _, top in self._honest())

    def _honest(self) -> list[tuple[Chain, Height]]:
        return [(each.actor.chain, each.actor.height) for each in self._everybody() if each.actor.is_honest]

    def is_honest_reachable(self) -> bool:
        side = self.node.host.side
        return any(
            each.actor.is_honest and not each.host.is_dark and each.host.listener is not None and each.host.side == side
            for each in self._everybody()
        )

    def _dial_node(self, each: ActorHost, again: float) -> None:
        each.dial(self.node.host.addresses[0], again_after=again)
