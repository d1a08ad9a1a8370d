"""The actors of the simulator, for `play`: an honest peer, honest ones that are hard to live with, and hostile ones.

    peer.play(Staller(Chain(REGTEST, blocks), Random(7), after=10))

Each takes a `Chain`, a random source, and options by keyword; all know `height`, how much of the chain it has at first.
Who writes one derives it from `Honest`, and overrides what it does otherwise. Not here: what they do (`headway.sim`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headway.sim.actor import Honest, Port, Talk
from headway.sim.chain import Chain
from headway.sim.hostile import ACTORS as HOSTILE
from headway.sim.hostile.blocks import Corrupt, Doubler, Lacking, Phantom, Pushy, Swapped, Unpayloaded, Withholder
from headway.sim.hostile.floods import Babbler, Flooder, Greedy
from headway.sim.hostile.handshake import Early, Leaver, Mirror, Obsolete, Stutterer, Teaser
from headway.sim.hostile.headers import (
    Endless,
    Headless,
    Impostor,
    Jumbled,
    Liar,
    Oversized,
    Rerun,
    Sneaky,
    Torn,
    Unconnected,
)
from headway.sim.hostile.silence import Dribbler, Mute, Silent, Staller, Tarpit, Trickler, Unreading, Unshaken
from headway.sim.hostile.witnesses import Unproven
from headway.sim.poor import POOR, Backwards, Chopped, InvOnly, Pruned, Slow, Taciturn, Unannouncing

ACTORS: Final[Mapping[str, type[Honest]]] = {Honest.name: Honest, **POOR, **HOSTILE}
"""All of them, by name."""

__all__ = [
    "ACTORS",
    "Babbler",
    "Backwards",
    "Chain",
    "Chopped",
    "Corrupt",
    "Doubler",
    "Dribbler",
    "Early",
    "Endless",
    "Flooder",
    "Greedy",
    "Headless",
    "Honest",
    "Impostor",
    "InvOnly",
    "Jumbled",
    "Lacking",
    "Leaver",
    "Liar",
    "Mirror",
    "Mute",
    "Obsolete",
    "Oversized",
    "Phantom",
    "Port",
    "Pruned",
    "Pushy",
    "Rerun",
    "Silent",
    "Slow",
    "Sneaky",
    "Staller",
    "Stutterer",
    "Swapped",
    "Taciturn",
    "Talk",
    "Tarpit",
    "Teaser",
    "Torn",
    "Trickler",
    "Unannouncing",
    "Unconnected",
    "Unpayloaded",
    "Unproven",
    "Unreading",
    "Unshaken",
    "Withholder",
]
