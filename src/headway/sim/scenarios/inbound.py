"""A node that serves: attackers dial it, while it catches up from honest peers and others follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headway.sim.actor import Honest
from headway.sim.hostile.blocks import Pushy
from headway.sim.hostile.floods import Babbler, Flooder, Greedy
from headway.sim.hostile.handshake import Early, Leaver, Mirror, Obsolete, Stutterer
from headway.sim.hostile.headers import Impostor, Oversized
from headway.sim.hostile.silence import Mute, Silent, Unreading, Unshaken
from headway.sim.scenario import MAIN, ChainPlan, Cue, Families, Role, Scenario
from headway.sim.scenarios.quiet import NEO

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVING: Final[Mapping[str, Any]] = {"serve": True, "max_inbound": 12}
LEECH: Final = Role(None, connects="node", known=False)
"""A node of ours that knows this one alone: it must get everything, whatever others do."""
HONEST: Final = Role(count=3, options={"height": 150})
_GROWS: Final = (Cue((5.0, 25.0), "grow", "honest", to=200),)


def _caller(kind: type[Honest], *, count: int = 3, again: float = 1.0, **options: Any) -> Role:
    """So many of a kind dial us, and again so soon after each end."""
    return Role(kind, count=count, options=options, known=False, dials=again)


def _flood(what: str, entries: int) -> Role:
    return Role(Flooder, count=2, options={"what": what, "count": entries}, known=False, dials=1.0)


def _besieged(
    name: str, about: str, callers: Mapping[str, Role], *, family: Families = "regtest", weight: int = 1
) -> Scenario:
    chains = {MAIN: ChainPlan(200) if family == "regtest" else NEO}
    honest = HONEST if family == "regtest" else Role(count=2)
    cues = _GROWS if family == "regtest" else ()
    cast = {"honest": honest, "leech": LEECH, **callers}
    return Scenario(name, about, cast, chains, family=family, node=SERVING, cues=cues, weight=weight, linger=10.0)


SCENARIOS: Final = (
    _besieged("inbound-friends", "Honest peers dial us, too.", {"friend": _caller(Honest)}),
    _besieged(
        "inbound-silence",
        "Those who dial us say nothing, or nothing more.",
        {
            "silent": _caller(Silent),
            "unshaken": _caller(Unshaken),
            "mute": _caller(Mute),
        },
    ),
    _besieged(
        "inbound-hammer",
        "One host dials again the moment it has left.",
        {"leaver": _caller(Leaver, again=0.01, after=(0.0, 0.2))},
    ),
    _besieged(
        "inbound-early",
        "Those who dial us do not know how to shake hands.",
        {
            "early": _caller(Early),
            "stutterer": _caller(Stutterer),
            "mirror": _caller(Mirror),
            "obsolete": _caller(Obsolete),
        },
    ),
    _besieged(
        "inbound-greedy",
        "Those who dial us ask for everything and read nothing.",
        {"greedy": _caller(Greedy, interval=1.0), "unreading": _caller(Unreading)},
    ),
    _besieged(
        "inbound-floods",
        "Those who dial us flood us with questions.",
        {
            "getheaders": _flood("getheaders", 5),
            "getdata": _flood("getdata", 20),
            "ping": _flood("ping", 20),
        },
    ),
    _besieged(
        "inbound-noise",
        "Those who dial us send what nobody wants.",
        {
            "babbler": _caller(Babbler, count=2),
            "oversized": _caller(Oversized, count=2, what="inv"),
            "pushy": _caller(Pushy, count=2),
            "addr": _flood("addr", 50),
        },
    ),
    _besieged(
        "inbound-crowd",
        "More dial us than we take: those who are here are served all the same.",
        {"crowd": _caller(Honest, count=30, again=2.0)},
    ),
    _besieged(
        "inbound-neo2",
        "Floods, silence and greed at the door of Neo Legacy.",
        {
            "ping": _flood("ping", 20),
            "mute": _caller(Mute, count=2),
            "greedy": _caller(Greedy, count=2, interval=1.0),
            "early": _caller(Early, count=2),
        },
        family="neo2",
    ),
    _besieged(
        "inbound-neo3",
        "Floods, silence and greed at the door of Neo N3.",
        {
            "ping": _flood("ping", 20),
            "mute": _caller(Mute, count=2),
            "greedy": _caller(Greedy, count=2, interval=1.0),
            "early": _caller(Early, count=2),
        },
        family="neo3",
    ),
    Scenario(
        "inbound-other-chain",
        "Those who dial us announce a better chain with a bad block: inbound peers are not asked.",
        {
            "honest": Role(count=3),
            "leech": LEECH,
            "impostor": Role(Impostor, count=3, chain="bad", known=False, dials=1.0),
        },
        {MAIN: ChainPlan(150), "bad": ChainPlan(100, of=MAIN, at=100, fault="bad-cb-height", fault_at=130)},
        node=SERVING,
    ),
    Scenario(
        "inbound-long",
        "A node of ours brings a long chain from us while we bring it ourselves, and others flood us.",
        {
            "honest": Role(count=3),
            "leech": Role(None, connects="node", known=False),
            "ping": _flood("ping", 5),
            "greedy": _caller(Greedy, count=2, interval=2.0),
        },
        {MAIN: ChainPlan(2_050)},
        node=SERVING,
    ),
)
