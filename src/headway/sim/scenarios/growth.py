"""Chains that grow and chains that fork, while the node catches up and afterwards: no peer does anything wrong."""

from __future__ import annotations

from typing import Final

from headway.sim.poor import InvOnly, Taciturn, Unannouncing
from headway.sim.scenario import MAIN, NODE, ChainPlan, Cue, Role, Scenario
from headway.sim.scenarios.quiet import NEO

LEFT: Final = "left"
RIGHT: Final = "right"


def _grow(role: str, heights: range, first: float, spacing: float) -> tuple[Cue, ...]:
    """One height after another, each at a random moment of its own time."""
    return tuple(
        Cue((first + number * spacing, first + (number + 0.9) * spacing), "grow", role, to=height)
        for number, height in enumerate(heights)
    )


def _overtake(rounds: int) -> tuple[Cue, ...]:
    """Two branches by turns: each brings two blocks more than the other has."""
    return tuple(
        Cue((20.0 * number, 20.0 * number + 15.0), "grow", (LEFT, RIGHT)[number % 2], to=101 + number)
        for number in range(rounds)
    )


def _reorganisation(name: str, about: str, depth: int, when: tuple[float, float], height: int = 150) -> Scenario:
    """All peers turn to a branch that leaves the chain `depth` blocks below its tip."""
    plans = {MAIN: ChainPlan(height), "better": ChainPlan(depth + 2, of=MAIN, at=height - depth)}
    return Scenario(name, about, {"honest": Role(count=4)}, plans, cues=(Cue(when, "switch", "honest", to="better"),))


SCENARIOS: Final = (
    Scenario(
        "growing",
        "The chain grows by a block every few seconds while we catch up, and goes on so.",
        {"honest": Role(count=4, options={"height": 150})},
        cues=_grow("honest", range(151, 201), 0.0, 2.0),
    ),
    Scenario(
        "growing-at-tip",
        "The chain grows now and then after we have it all; each peer announces in its own way.",
        {
            "honest": Role(count=2, options={"height": 180}),
            "inv": Role(InvOnly, options={"height": 180}),
            "taciturn": Role(Taciturn, options={"height": 180}),
        },
        cues=tuple(cue for role in ("honest", "inv", "taciturn") for cue in _grow(role, range(181, 201), 30.0, 30.0)),
    ),
    Scenario(
        "growing-by-leaps",
        "Hundreds of blocks come at once after we have it all, more than one message of headers tells.",
        {"honest": Role(count=3, options={"height": 10})},
        {MAIN: ChainPlan(1_100, headers_only=1_500)},
        node={"ceiling": 1_100},
        cues=(
            Cue((20.0, 40.0), "grow", "honest", to=400),
            Cue((50.0, 60.0), "grow", "honest", to=2_600),
        ),
        weight=5,
    ),
    Scenario(
        "growing-unheard",
        "One peer announces what is new, the others say nothing until they are asked.",
        {"honest": Role(options={"height": 100}), "silent": Role(Unannouncing, count=3, options={"height": 100})},
        cues=tuple(cue for role in ("honest", "silent") for cue in _grow(role, range(101, 121), 10.0, 20.0)),
    ),
    Scenario(
        "growing-neo2",
        "Neo Legacy grows while we catch up and afterwards.",
        {"honest": Role(count=3, options={"height": 100})},
        {MAIN: NEO},
        family="neo2",
        cues=_grow("honest", range(101, 161), 0.0, 5.0),
    ),
    Scenario(
        "growing-neo3",
        "Neo N3 grows while we catch up and afterwards.",
        {"honest": Role(count=3, options={"height": 100})},
        {MAIN: NEO},
        family="neo3",
        cues=_grow("honest", range(101, 161), 0.0, 5.0),
    ),
    Scenario(
        "growing-neo3-unheard",
        "Nobody announces a block of Neo N3: a pong tells the height.",
        {"silent": Role(Unannouncing, count=3, options={"height": 100})},
        {MAIN: NEO},
        family="neo3",
        cues=_grow("silent", range(101, 111), 10.0, 10.0),
    ),
    _reorganisation("reorg-1", "The last block is replaced by two others after we have it.", 1, (20.0, 30.0)),
    _reorganisation("reorg-10", "The last ten blocks are replaced after we have them.", 10, (20.0, 30.0)),
    _reorganisation("reorg-100", "The last hundred blocks are replaced after we have them.", 100, (20.0, 30.0)),
    _reorganisation("reorg-early", "All change branch while we catch up.", 100, (0.1, 1.5)),
    Scenario(
        "reorg-long",
        "All change to a branch longer than a window, after we have the other one.",
        {"honest": Role(count=4)},
        {MAIN: ChainPlan(1_060), "better": ChainPlan(1_055, of=MAIN, at=10, headers_only=1_000)},
        node={"ceiling": 1_060},
        cues=(Cue((0.2, 20.0), "switch", "honest", to="better"),),
        weight=3,
    ),
    Scenario(
        "reorg-restart",
        "The node is started anew in the middle of a reorganisation.",
        {"honest": Role(count=4)},
        {MAIN: ChainPlan(150), "better": ChainPlan(130, of=MAIN, at=50)},
        cues=(Cue((10.0, 12.0), "switch", "honest", to="better"), Cue((10.0, 13.0), "restart", NODE)),
    ),
    Scenario(
        "two-branches",
        "Each of two branches overtakes the other again and again, while we catch up and afterwards.",
        {
            "left": Role(count=2, chain=LEFT, options={"height": 100}),
            "right": Role(count=2, chain=RIGHT, options={"height": 99}),
        },
        {LEFT: ChainPlan(130), RIGHT: ChainPlan(70, of=LEFT, at=60)},
        cues=_overtake(20),
    ),
    Scenario(
        "two-branches-fast",
        "The same, faster than blocks can be brought.",
        {
            "left": Role(count=2, chain=LEFT, options={"height": 100}, latency=(0.2, 0.5)),
            "right": Role(count=2, chain=RIGHT, options={"height": 99}, latency=(0.2, 0.5)),
        },
        {LEFT: ChainPlan(130), RIGHT: ChainPlan(70, of=LEFT, at=60)},
        cues=tuple(
            Cue((0.5 * number, 0.5 * number + 0.4), "grow", (LEFT, RIGHT)[number % 2], to=101 + number)
            for number in range(20)
        ),
    ),
    Scenario(
        "lesser-branch",
        "Some are on a branch that is a little shorter, and stay there.",
        {"honest": Role(count=3), "lesser": Role(count=3, chain="lesser")},
        {MAIN: ChainPlan(150), "lesser": ChainPlan(95, of=MAIN, at=50)},
    ),
    Scenario(
        "equal-branches",
        "Two branches are equally good: either will do.",
        {"honest": Role(count=2), "others": Role(count=2, chain="other")},
        {MAIN: ChainPlan(150), "other": ChainPlan(20, of=MAIN, at=130)},
    ),
)
