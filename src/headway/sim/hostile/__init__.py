"""The hostile actors, by name: each overrides of an honest one what it does wrong. Options are keyword arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headway.sim.hostile.blocks import (
    Corrupt,
    Doubler,
    Lacking,
    Phantom,
    Pushy,
    Swapped,
    Unpayloaded,
    Withholder,
)
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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headway.sim.actor import Honest

ACTORS: Final[Mapping[str, type[Honest]]] = {
    each.name: each
    for each in (
        *(Silent, Unshaken, Mute, Unreading, Staller, Trickler, Dribbler, Tarpit),
        *(Impostor, Liar, Headless, Jumbled, Torn, Unconnected, Rerun, Sneaky, Endless, Oversized),
        *(Corrupt, Swapped, Lacking, Withholder, Doubler, Pushy, Unpayloaded, Phantom),
        *(Flooder, Greedy, Babbler),
        *(Early, Stutterer, Obsolete, Mirror, Leaver, Teaser),
        Unproven,
    )
}
"""By name."""
