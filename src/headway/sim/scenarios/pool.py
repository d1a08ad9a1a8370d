"""Peers that the node finds by itself: dead seeds, attackers' gossip, eclipses, hosts that come and go."""

from __future__ import annotations

from typing import Any, Final

from headway.sim.hostile.floods import Flooder
from headway.sim.hostile.handshake import Leaver
from headway.sim.hostile.headers import Impostor
from headway.sim.hostile.silence import Mute, Staller
from headway.sim.scenario import MAIN, NODE, ChainPlan, Cue, Role, Scenario
from headway.sim.scenarios.quiet import LONG, UP_TO_BLOCKS

HOUR: Final = 3600.0
STALE: Final = "stale"
BRANCHES: Final = {MAIN: ChainPlan(200), STALE: ChainPlan(20, of=MAIN, at=100)}
SEEDS: Final = ("seed.one.example", "seed.two.example")


def _found(name: str, about: str, cast: dict[str, Role], **fields: Any) -> Scenario:
    """The node is given no peer by its user."""
    return Scenario(name, about, cast, named=False, **fields)


SCENARIOS: Final = (
    _found("found", "A node finds its peers in what it knows already.", {"honest": Role(count=20)}, fills_pool=True),
    _found(
        "found-long",
        "A node with more peers to choose from than it wants brings a long chain.",
        {"honest": Role(count=20)},
        fills_pool=True,
        chains={MAIN: LONG},
        node=UP_TO_BLOCKS,
        weight=4,
    ),
    _found(
        "seeds",
        "One of two seeds is dead, and the other one knows a few peers, which know the others.",
        {"known": Role(count=2, known=False), "others": Role(count=20, known=False)},
        node={"dns": True},
        network={"dns_seeds": SEEDS},
        seeds={SEEDS[0]: "", SEEDS[1]: "known"},
        fills_pool=True,
    ),
    _found(
        "seeds-dead",
        "All seeds are dead, and of the peers that we know most are, too.",
        {"honest": Role(count=2), "dead": Role(count=60, is_dark=True)},
        node={"dns": True},
        network={"dns_seeds": SEEDS},
        seeds={SEEDS[0]: "", SEEDS[1]: ""},
    ),
    _found(
        "all-lost",
        "All peers are lost, and are there again after an hour: so are we, soon after.",
        {"honest": Role(count=8, options={"height": 150})},
        cues=(
            Cue((20.0, 30.0), "dark", "honest", everyone=True),
            Cue((30.0, 31.0), "break", NODE),
            Cue((HOUR, HOUR), "light", "honest", everyone=True),
            Cue((HOUR, HOUR + 10.0), "grow", "honest", to=200),
        ),
        linger=300.0,
        fills_pool=True,
        needs="pool",
    ),
    _found(
        "partition-found",
        "A partition parts a node from everybody for half an hour, and heals.",
        {"honest": Role(count=12, options={"height": 150})},
        cues=(
            Cue((0.0, 30.0), "split", NODE),
            Cue((HOUR / 2, HOUR / 2), "heal"),
            Cue((HOUR / 2, HOUR / 2 + 10.0), "grow", "honest", to=200),
        ),
        patience=2_000.0,
    ),
    _found(
        "one-group",
        "Nine in ten of the addresses that we hear of belong to one attacker, and lie in one network.",
        {
            "honest": Role(count=12),
            "attacker": Role(Impostor, chain=STALE, addresses=110, network_group=7, tells="attacker"),
        },
        chains=BRANCHES,
        needs="pool",
        within=4 * HOUR,
        patience=3 * HOUR,  # that a tip is stale shows after half an hour, and then one more peer is tried at a time
    ),
    _found(
        "eclipse",
        "One attacker has a hundred addresses in as many networks, and tells of no others.",
        {
            "honest": Role(count=12),
            "attacker": Role(Impostor, chain=STALE, addresses=100, tells="attacker"),
        },
        chains=BRANCHES,
        needs="pool",
        within=4 * HOUR,
        patience=3 * HOUR,  # that a tip is stale shows after half an hour, and then one more peer is tried at a time
    ),
    _found(
        "eclipse-restart",
        "The same, and the node is started anew when it has the good chain and it has grown.",
        {
            "honest": Role(count=12, options={"height": 150}),
            "attacker": Role(Impostor, chain=STALE, addresses=100, tells="attacker"),
        },
        chains=BRANCHES,
        cues=(Cue((600.0, 700.0), "restart", NODE), Cue((600.0, 600.0), "grow", "honest", to=200)),
        needs="pool",
        within=4 * HOUR,
        patience=3 * HOUR,  # that a tip is stale shows after half an hour, and then one more peer is tried at a time
    ),
    _found(
        "eclipse-by-flood",
        "An attacker floods us with addresses that nobody has.",
        {"honest": Role(count=10), "flooder": Role(Flooder, count=4, options={"what": "addr", "count": 100})},
        linger=10.0,
    ),
    _found(
        "useless",
        "Peers that are far behind fill all slots: there must be room for one that is not.",
        {"behind": Role(count=60, options={"height": 20}), "honest": Role(count=4)},
        needs="pool",
        within=4 * HOUR,
        patience=3 * HOUR,  # that a tip is stale shows after half an hour, and then one more peer is tried at a time
    ),
    _found(
        "useless-late",
        "All that we are connected to stops growing, and others have gone on.",
        {
            "stuck": Role(count=12, options={"height": 150}),
            "honest": Role(count=12, options={"height": 150}, is_dark=True),
        },
        cues=(Cue((60.0, 60.0), "light", "honest", everyone=True), Cue((70.0, 90.0), "grow", "honest", to=200)),
        within=2 * HOUR,
        patience=HOUR,
        needs="pool",
    ),
    _found(
        "mute-crowd",
        "Most hosts shake hands and say nothing more: the node is at the tip in spite of them.",
        {"mute": Role(Mute, count=60), "honest": Role(count=10)},
        needs="pool",
        within=4 * HOUR,
        patience=3 * HOUR,  # that a tip is stale shows after half an hour, and then one more peer is tried at a time
    ),
    _found(
        "stalling-crowd",
        "Most hosts show all headers and give no block.",
        {"staller": Role(Staller, count=40, options={"after": 1}), "honest": Role(count=6)},
        chains={MAIN: LONG},
        node=UP_TO_BLOCKS,
        weight=4,
    ),
    _found(
        "flapping",
        "Many hosts leave after a second, and are there again: none is dialled again and again.",
        {"leaver": Role(Leaver, count=20, options={"after": (0.5, 2.0)}), "honest": Role(count=4)},
        linger=HOUR,
        max_dials=24,
    ),
    _found(
        "hammered",
        "Hosts that refuse or do not answer are dialled less and less often.",
        {
            "refusing": Role(count=20, refuses=True),
            "dark": Role(count=20, is_dark=True),
            "honest": Role(count=3),
        },
        linger=2 * HOUR,
        max_dials=16,
    ),
)
