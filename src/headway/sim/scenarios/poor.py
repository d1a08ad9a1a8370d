"""Honest peers that are hard to live with, bad lines, wrong clocks: nobody is to be blamed for any of it."""

from __future__ import annotations

from typing import Final

from headway.sim.poor import Backwards, Chopped, Pruned, Slow, Taciturn
from headway.sim.scenario import MAIN, NODE, ChainPlan, Cue, Role, Scenario
from headway.sim.scenarios.quiet import HONEST, LONG, NEO, UP_TO_BLOCKS

HOUR: Final = 3600.0
_THIN: Final = (8_000, 16_000)
"""A line's rate at which two thousand blocks take half a minute."""
FRESH: Final = ChainPlan(150, dated=-30.0)
"""Its last block is half a minute old."""

SCENARIOS: Final = (
    Scenario("slow", "Everybody thinks before each answer.", {"slow": Role(Slow, count=4)}),
    Scenario(
        "one-slow",
        "One of many is slow: the others do not wait for it, and it is not blamed.",
        {"honest": HONEST, "slow": Role(Slow, options={"delay": (3.0, 8.0)})},
        {MAIN: LONG},
        node=UP_TO_BLOCKS,
        weight=5,
    ),
    Scenario(
        "taciturn",
        "Nobody sends empty headers: only a pong tells that there are no more.",
        {"taciturn": Role(Taciturn, count=4)},
        cues=(Cue((5.0, 30.0), "grow", "taciturn", to=200),),
    ),
    Scenario(
        "behind",
        "Most peers have only a part of the chain, and stay there.",
        {
            "empty": Role(count=2, options={"height": 0}),
            "half": Role(count=2, options={"height": 1_000}),
            "honest": Role(count=2),
        },
        {MAIN: LONG},
        node=UP_TO_BLOCKS,
        weight=5,
    ),
    Scenario(
        "pruned",
        "Most peers have the last blocks alone, and say so only when they are asked for others.",
        {"pruned": Role(Pruned, count=4), "honest": Role()},
    ),
    Scenario(
        "pruned-long",
        "For a while nobody has the first blocks: what follows is brought as far as the window goes, and no further.",
        {"pruned": Role(Pruned, 3, options={"keeps": 2_045}, rate=_THIN), "honest": Role(is_dark=True)},
        {MAIN: ChainPlan(2_050)},
        cues=(Cue((20.0, 40.0), "light", "honest"),),
    ),
    Scenario(
        "disorder",
        "Blocks come in the reverse order, and everything in small pieces.",
        {"backwards": Role(Backwards, count=2), "chopped": Role(Chopped, count=2)},
    ),
    Scenario(
        "slow-lines",
        "Peers with lines of 30 to 200 kB a second share the work.",
        {"honest": Role(count=5, rate=(30_000, 200_000))},
        {MAIN: ChainPlan(100, sizes=(10_000, 100_000))},
    ),
    Scenario(
        "our-slow-line",
        "Our own line brings 50 kB a second, whoever sends: no peer is too slow for that.",
        {"honest": Role(count=4)},
        {MAIN: ChainPlan(100, sizes=(10_000, 60_000))},
        rate=(50_000, 50_000),
    ),
    Scenario(
        "our-very-slow-line",
        "Our own line brings 5 kB a second.",
        {"honest": Role(count=4)},
        {MAIN: ChainPlan(60, sizes=(5_000, 40_000))},
        rate=(5_000, 5_000),
        within=2 * HOUR,
    ),
    Scenario(
        "satellites",
        "An answer takes six seconds, and a little more or less.",
        {"honest": Role(count=4, latency=(3.0, 3.0), jitter=0.5)},
        {MAIN: LONG},
        node=UP_TO_BLOCKS,
        weight=5,
    ),
    Scenario(
        "satellites-neo2",
        "An answer takes six seconds, on Neo Legacy.",
        {"honest": Role(count=3, latency=(3.0, 3.0), jitter=0.5)},
        {MAIN: NEO},
        family="neo2",
    ),
    Scenario(
        "satellites-neo3",
        "An answer takes six seconds, on Neo N3.",
        {"honest": Role(count=3, latency=(3.0, 3.0), jitter=0.5)},
        {MAIN: NEO},
        family="neo3",
    ),
    Scenario(
        "clock-wrong",
        "Our clock is up to an hour wrong, and the chain is fresh.",
        {"honest": HONEST},
        {MAIN: FRESH},
        clock_skew=(-HOUR, HOUR),
    ),
    Scenario(
        "clock-behind",
        "Our clock is three hours behind: the last header is from the future, until time has passed.",
        {"honest": HONEST},
        {MAIN: FRESH},
        clock_skew=(-3 * HOUR, -2.5 * HOUR),
        within=3 * HOUR,
        patience=1.5 * HOUR,
    ),
    Scenario(
        "clock-set",
        "Our clock is a day behind, and then it is set right.",
        {"honest": HONEST},
        {MAIN: FRESH},
        clock_skew=(-24 * HOUR, -24 * HOUR),
        cues=(Cue((10.0, 100.0), "clock", NODE, to=0.0),),
        patience=1000.0,
    ),
)
