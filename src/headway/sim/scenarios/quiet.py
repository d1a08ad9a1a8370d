"""All is well: whole chains from honest peers, on each network, and the parts of a chain that a user may want."""

from __future__ import annotations

from typing import Final

from headway.sim.scenario import MAIN, NODE, ChainPlan, Cue, Role, Scenario

LONG: Final = ChainPlan(1_100, headers_only=1_000)
"""More than a window of blocks and a message of headers. Blocks are asked up to the last one that there is."""
UP_TO_BLOCKS: Final = {"ceiling": 1_100}
NEO: Final = ChainPlan(160)
"""Validators change twice in it."""
HONEST: Final = Role(count=3)

SCENARIOS: Final = (
    Scenario("quiet", "Six honest peers have a short chain.", {"honest": Role(count=6)}),
    Scenario("alone", "One honest peer is all that there is.", {"honest": Role()}),
    Scenario("genesis", "Nobody has a block yet.", {"honest": HONEST}, {MAIN: ChainPlan(0)}),
    Scenario(
        "quiet-long",
        "All blocks of a chain that is longer than a message of headers and two windows.",
        {"honest": Role(count=6)},
        {MAIN: ChainPlan(2_200)},
    ),
    Scenario(
        "window",
        "The chain is longer than a message of headers and a window of blocks.",
        {"honest": Role(count=5)},
        {MAIN: LONG},
        node=UP_TO_BLOCKS,
        weight=10,
    ),
    Scenario(
        "headers-only",
        "Three messages of headers, and no block is wanted.",
        {"honest": HONEST},
        {MAIN: ChainPlan(0, headers_only=5_000)},
        node={"floor": None},
    ),
    Scenario(
        "slice",
        "Of a long chain only the blocks between two heights are wanted.",
        {"honest": HONEST},
        {MAIN: LONG},
        node={"floor": 40, "ceiling": 1_090},
        weight=5,
    ),
    Scenario(
        "blocks-later",
        "Headers alone at first, and then blocks from a height on.",
        {"honest": HONEST},
        node={"floor": None},
        cues=(Cue((0.0, 20.0), "want", NODE, to=50),),
    ),
    Scenario(
        "large-blocks",
        "Blocks of up to a quarter of a megabyte come in many pieces.",
        {"honest": Role(count=4, rate=(200_000, 2_000_000))},
        {MAIN: ChainPlan(60, sizes=(10_000, 250_000))},
    ),
    Scenario("quiet-neo2", "A chain of Neo Legacy.", {"honest": Role(count=4)}, {MAIN: ChainPlan(300)}, family="neo2"),
    Scenario("quiet-neo3", "A chain of Neo N3.", {"honest": Role(count=4)}, {MAIN: ChainPlan(300)}, family="neo3"),
    Scenario("committee-neo2", "Four validators sign.", {"honest": HONEST}, {MAIN: NEO}, family="neo2", validators=4),
    Scenario("committee-neo3", "Four validators sign.", {"honest": HONEST}, {MAIN: NEO}, family="neo3", validators=4),
    Scenario(
        "window-neo3",
        "More than a window of blocks of Neo N3, and 2,000 headers.",
        {"honest": HONEST},
        {MAIN: ChainPlan(2_050)},
        family="neo3",
        node={"ceiling": 1_100},
    ),
    Scenario("servers", "The peers are nodes of ours that serve.", {"server": Role(None, count=3)}),
    Scenario(
        "servers-long",
        "The peers are nodes of ours that serve a long chain.",
        {"server": Role(None, count=3)},
        {MAIN: ChainPlan(2_100)},
        node={"ceiling": 1_100},
    ),
    Scenario(
        "servers-neo2", "Nodes of ours serve Neo Legacy.", {"server": Role(None, count=2)}, {MAIN: NEO}, family="neo2"
    ),
    Scenario(
        "servers-neo3", "Nodes of ours serve Neo N3.", {"server": Role(None, count=2)}, {MAIN: NEO}, family="neo3"
    ),
    Scenario(
        "relay",
        "Three nodes in a row: the one in the middle has nothing at first, and passes on what it gets.",
        {"honest": HONEST, "relay": Role(None, connects="honest"), "leech": Role(None, connects="node", known=False)},
        node={"serve": True},
    ),
)
