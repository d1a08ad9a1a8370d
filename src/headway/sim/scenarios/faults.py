"""What breaks without anybody's fault: lines, hosts, partitions, our own process, our own disk."""

from __future__ import annotations

from typing import Final

from headway.sim.scenario import MAIN, NODE, ChainPlan, Cue, Role, Scenario
from headway.sim.scenarios.quiet import HONEST, LONG, NEO, UP_TO_BLOCKS

_WHOLE: Final = ChainPlan(400, sizes=(0, 4_000))
_LAZY: Final = (20_000, 60_000)
"""A line's rate at which the chain takes its time, so that what happens finds the node at work."""


def _often(count: int, until: float, deed: str, who: str) -> tuple[Cue, ...]:
    return tuple(Cue((0.0, until), deed, who) for _ in range(count))  # type: ignore[arg-type]


SCENARIOS: Final = (
    Scenario(
        "resets",
        "Connections are reset at random while we catch up.",
        {"honest": Role(count=4, rate=_LAZY)},
        {MAIN: _WHOLE},
        cues=_often(12, 20.0, "break", "honest"),
    ),
    Scenario(
        "resets-long",
        "The same on a long chain.",
        {"honest": Role(count=4, rate=(100_000, 300_000))},
        {MAIN: LONG},
        node=UP_TO_BLOCKS,
        cues=_often(8, 6.0, "break", "honest"),
        weight=5,
    ),
    Scenario(
        "resets-neo3",
        "The same on Neo N3.",
        {"honest": Role(count=3, rate=(3_000, 10_000))},
        {MAIN: NEO},
        family="neo3",
        cues=_often(6, 20.0, "break", "honest"),
    ),
    Scenario(
        "line-breaks",
        "Our own line breaks again and again: all connections at once.",
        {"honest": Role(count=4, rate=_LAZY)},
        {MAIN: _WHOLE},
        cues=_often(6, 30.0, "break", NODE),
    ),
    Scenario(
        "half-open",
        "Peers vanish without a word: to us it looks as if they were silent.",
        {"doomed": Role(count=3, rate=_LAZY), "honest": Role(rate=_LAZY)},
        {MAIN: _WHOLE},
        cues=_often(6, 15.0, "vanish", "doomed"),
    ),
    Scenario(
        "half-open-at-tip",
        "All peers but one vanish when there is nothing to do, and then the chain grows.",
        {"doomed": Role(count=3, options={"height": 150}), "honest": Role(options={"height": 150})},
        cues=(*_often(9, 60.0, "vanish", "doomed"), Cue((100.0, 4_000.0), "grow", "honest", to=200)),
        within=4 * 3600.0,
    ),
    Scenario(
        "half-open-neo2",
        "Peers of Neo Legacy vanish without a word.",
        {"doomed": Role(count=2, rate=(3_000, 10_000)), "honest": Role(rate=(3_000, 10_000))},
        {MAIN: NEO},
        family="neo2",
        cues=_often(4, 20.0, "vanish", "doomed"),
    ),
    Scenario(
        "dead-dials",
        "Of the peers that were named most do not answer, or refuse.",
        {"honest": HONEST, "dark": Role(count=3, is_dark=True), "refusing": Role(count=3, refuses=True)},
    ),
    Scenario(
        "late-dials",
        "Nobody answers at first; some do after a while.",
        {"honest": Role(count=3, is_dark=True), "refusing": Role(count=2, refuses=True)},
        cues=(
            *_often(6, 60.0, "light", "honest"),
            *_often(2, 60.0, "light", "refusing"),
            Cue((60.0, 61.0), "light", "honest", everyone=True),
        ),
    ),
    Scenario(
        "partition",
        "A partition parts us from some peers, and heals; nobody is told.",
        {"here": Role(count=2, rate=_LAZY), "there": Role(count=2, rate=_LAZY)},
        {MAIN: _WHOLE},
        cues=(Cue((0.0, 10.0), "split", "there"), Cue((20.0, 200.0), "heal")),
    ),
    Scenario(
        "partition-whole",
        "A partition parts us from everybody, and heals.",
        {"honest": Role(count=4, rate=_LAZY)},
        {MAIN: _WHOLE},
        cues=(Cue((0.0, 10.0), "split", NODE), Cue((20.0, 200.0), "heal")),
    ),
    Scenario(
        "partition-branches",
        "While we are parted from them, the others go on along a better branch; then it heals.",
        {
            "here": Role(count=2, options={"height": 150}),
            "there": Role(count=2, chain="there", options={"height": 100}),
        },
        {MAIN: ChainPlan(200), "there": ChainPlan(150, of=MAIN, at=100)},
        cues=(
            Cue((5.0, 10.0), "split", "there"),
            Cue((20.0, 60.0), "grow", "here", to=200),
            Cue((20.0, 60.0), "grow", "there", to=250),
            Cue((80.0, 100.0), "heal"),
        ),
        patience=1_500.0,
    ),
    Scenario(
        "restart",
        "The node is killed while it catches up, and begins again with what it has stored.",
        {"honest": Role(count=4, rate=_LAZY)},
        {MAIN: _WHOLE},
        cues=_often(3, 15.0, "restart", NODE),
    ),
    Scenario(
        "restart-long",
        "The node is killed several times while it brings a long chain.",
        {"honest": Role(count=4)},
        {MAIN: LONG},
        node=UP_TO_BLOCKS,
        cues=_often(3, 3.0, "restart", NODE),
        weight=6,
    ),
    Scenario(
        "restart-neo2",
        "The node is killed several times on Neo Legacy.",
        {"honest": Role(count=3, rate=(3_000, 10_000))},
        {MAIN: NEO},
        family="neo2",
        cues=_often(3, 15.0, "restart", NODE),
    ),
    Scenario(
        "restart-neo3",
        "The node is killed several times on Neo N3.",
        {"honest": Role(count=3, rate=(3_000, 10_000))},
        {MAIN: NEO},
        family="neo3",
        cues=_often(3, 15.0, "restart", NODE),
    ),
    Scenario(
        "disk-full",
        "The disk is full after a while: the node stops and says so, and goes on once there is room and it is started.",
        {"honest": Role(count=4, rate=_LAZY)},
        cues=(Cue((0.0, 0.2), "fill disk", NODE, to=10_000), Cue((80.0, 90.0), "empty disk", NODE)),
    ),
    Scenario(
        "disk-full-for-headers",
        "There is no room for a message of headers, and there would be for the blocks behind it.",
        {"honest": Role(count=4)},
        {MAIN: LONG},
        node=UP_TO_BLOCKS,
        cues=(Cue((0.0, 0.0), "fill disk", NODE, to=100_000), Cue((80.0, 90.0), "empty disk", NODE)),
        weight=2,
    ),
    Scenario(
        "disk-full-neo3",
        "The disk is full on Neo N3.",
        {"honest": HONEST},
        {MAIN: NEO},
        family="neo3",
        cues=(Cue((0.0, 0.3), "fill disk", NODE, to=10_000), Cue((80.0, 90.0), "empty disk", NODE)),
    ),
)
