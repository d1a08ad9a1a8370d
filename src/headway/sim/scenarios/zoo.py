"""Several of everything: which attackers come along, the seed picks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from headway.sim.hostile.blocks import Corrupt, Doubler, Lacking, Phantom, Pushy, Swapped, Unpayloaded
from headway.sim.hostile.floods import Babbler, Flooder, Greedy
from headway.sim.hostile.handshake import Early, Leaver, Mirror, Obsolete, Stutterer, Teaser
from headway.sim.hostile.headers import Headless, Jumbled, Liar, Oversized, Rerun, Torn, Unconnected
from headway.sim.hostile.silence import Dribbler, Mute, Silent, Staller, Tarpit, Trickler, Unreading, Unshaken
from headway.sim.hostile.witnesses import Unproven
from headway.sim.poor import POOR
from headway.sim.scenario import MAIN, NODE, ChainPlan, Cue, Families, Role, Scenario
from headway.sim.scenarios.quiet import LONG, NEO, UP_TO_BLOCKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headway.sim.actor import Honest

Specimen: TypeAlias = "tuple[type[Honest], Mapping[str, Any]]"

_PLAIN: Final[tuple[type[Honest], ...]] = (
    *(Silent, Unshaken, Mute, Unreading, Trickler, Dribbler, Tarpit),
    *(Liar, Headless, Jumbled, Torn, Unconnected, Rerun),
    *(Swapped, Lacking, Doubler, Pushy, Unpayloaded, Phantom),
    *(Babbler, Early, Stutterer, Obsolete, Mirror, Leaver, Teaser),
)
_SPECIMENS: Final[tuple[Specimen, ...]] = (
    *((kind, {}) for kind in _PLAIN),
    *((Staller, {"after": after}) for after in (0, 1, 20)),
    *((Corrupt, {"share": share}) for share in (0.01, 0.1, 1.0)),
    *((Oversized, {"what": what}) for what in ("headers", "inv", "addr")),
    *((Flooder, {"what": what, "count": 20}) for what in ("inv", "addr", "ping", "unknown", "headers", "getdata")),
    (Greedy, {"interval": 2.0}),
)
_OF_NEO: Final[tuple[Specimen, ...]] = (
    *_SPECIMENS,
    *((Unproven, {"where": where}) for where in ("middle", "last", "all")),
)
_POOR: Final[tuple[Specimen, ...]] = tuple((kind, {}) for kind in POOR.values())


def _cast(count: int, family: Families, **fields: Any) -> dict[str, Role]:
    specimens = _SPECIMENS if family == "regtest" else _OF_NEO
    return {
        "honest": Role(count=2, **fields),
        "poor": Role(count=1, among=_POOR, **fields),
        "hostile": Role(count=count, among=specimens, latency=(0.005, 0.1)),
        "caller": Role(count=3, among=specimens, known=False, dials=2.0),
    }


SCENARIOS: Final = (
    Scenario(
        "zoo",
        "Eight attackers of any kind and three more at the door, two honest peers and a poor one.",
        _cast(8, "regtest"),
        node={"serve": True},
        weight=6,
    ),
    Scenario(
        "zoo-long",
        "The same on a long chain.",
        _cast(8, "regtest"),
        {MAIN: LONG},
        node={"serve": True, **UP_TO_BLOCKS},
        weight=12,
    ),
    Scenario(
        "zoo-restart",
        "The same, and the node is killed, lines break, and the chain grows and forks.",
        _cast(6, "regtest"),
        {MAIN: ChainPlan(200), "better": ChainPlan(60, of=MAIN, at=150)},
        node={"serve": True},
        cues=(
            Cue((0.0, 20.0), "restart", NODE),
            Cue((0.0, 20.0), "break", "honest"),
            Cue((0.0, 20.0), "break", NODE),
            Cue((5.0, 60.0), "switch", "honest", to="better"),
            Cue((5.0, 60.0), "switch", "poor", to="better"),
        ),
        weight=6,
    ),
    Scenario(
        "zoo-slow",
        "The same over slow and long lines.",
        {
            name: Role(
                role.actor,
                role.count,
                among=role.among,
                known=role.known,
                dials=role.dials,
                latency=(0.1, 2.0),
                jitter=0.3,
                rate=(20_000, 100_000),
            )
            for name, role in _cast(6, "regtest").items()
        },
        {MAIN: ChainPlan(150, sizes=(0, 20_000))},
        node={"serve": True},
        weight=3,
    ),
    *(
        Scenario(
            f"zoo-{family}",
            "The same on Neo, and some without proofs.",
            _cast(6, family),
            {MAIN: NEO},
            family=family,
            node={"serve": True},
            weight=4,
        )
        for family in ("neo2", "neo3")
    ),
)
