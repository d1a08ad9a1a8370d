"""Peers that do something wrong, among honest ones: about blocks, about headers, with silence, with noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headway.sim.hostile.blocks import Corrupt, Doubler, Lacking, Phantom, Pushy, Swapped, Unpayloaded, Withholder
from headway.sim.hostile.floods import Babbler, Flooder, Greedy
from headway.sim.hostile.handshake import Early, Leaver, Mirror, Obsolete, Stutterer, Teaser
from headway.sim.hostile.headers import Headless, Jumbled, Liar, Oversized, Rerun, Torn, Unconnected
from headway.sim.hostile.silence import Dribbler, Mute, Silent, Staller, Tarpit, Trickler, Unreading, Unshaken
from headway.sim.scenario import MAIN, ChainPlan, Cue, Families, Role, Scenario
from headway.sim.scenarios.quiet import LONG, NEO, UP_TO_BLOCKS

if TYPE_CHECKING:
    from headway.sim.actor import Honest

BETTER: Final = "better"
FAST: Final = (0.005, 0.05)
"""Attackers are near, so that they are asked first; honest peers are anywhere."""


def _attack(
    name: str,
    about: str,
    *kinds: tuple[type[Honest], dict[str, Any]],
    family: Families = "regtest",
    long: bool = False,
    weight: int = 1,
    honest: int = 2,
    **fields: Any,
) -> Scenario:
    """Two of each kind, and honest ones."""
    cast = {"honest": Role(count=honest)}
    for number, (kind, options) in enumerate(kinds):
        cast[f"{kind.name}-{number}" if f"{kind.name}" in cast else kind.name] = Role(
            kind, count=2, options=options, latency=FAST
        )
    chains = {MAIN: LONG if long else NEO if family != "regtest" else ChainPlan(200)}
    node = UP_TO_BLOCKS if long else {}
    return Scenario(name, about, cast, chains, family=family, node=node, weight=weight, **fields)


SCENARIOS: Final = (
    # Blocks.
    _attack("stallers", "Half of the peers give a few blocks and then no more.", (Staller, {}), honest=2),
    _attack(
        "stallers-long",
        "Stallers on a long chain: the window stands still until what they owe is asked of others.",
        (Staller, {"after": 20}),
        (Staller, {"after": 0}),
        long=True,
        weight=6,
    ),
    _attack("stallers-neo2", "Stallers on Neo Legacy.", (Staller, {}), family="neo2"),
    _attack("stallers-neo3", "Stallers on Neo N3.", (Staller, {}), family="neo3"),
    _attack("tricklers", "One block just before each progress deadline.", (Trickler, {}), (Trickler, {"share": 0.5})),
    _attack("tricklers-neo3", "The same on Neo N3.", (Trickler, {}), family="neo3"),
    _attack(
        "tricklers-long",
        "The same on a long chain.",
        (Trickler, {}),
        (Trickler, {"share": 0.1}),
        long=True,
        weight=5,
    ),
    _attack(
        "dribblers", "There is always a byte of a block on its way.", (Dribbler, {}), (Dribbler, {"interval": 50.0})
    ),
    _attack("corrupt", "Blocks are damaged, each in another way.", (Corrupt, {}), (Corrupt, {"share": 0.1})),
    _attack(
        "corrupt-long", "Damaged blocks now and then, on a long chain.", (Corrupt, {"share": 0.02}), long=True, weight=5
    ),
    _attack("corrupt-neo2", "Damaged blocks of Neo Legacy.", (Corrupt, {}), family="neo2"),
    _attack("corrupt-neo3", "Damaged blocks of Neo N3.", (Corrupt, {}), family="neo3"),
    _attack(
        "mutated",
        "Blocks are altered so that the header still seems to fit.",
        (Corrupt, {"damage": "repeated"}),
        (Corrupt, {"damage": "stripped"}),
    ),
    _attack("swapped", "Other blocks come than were asked for.", (Swapped, {})),
    _attack("lacking", "Half of the peers say notfound for every block.", (Lacking, {})),
    _attack("lacking-long", "The same on a long chain.", (Lacking, {}), long=True, weight=3),
    _attack("lacking-neo2", "The same on Neo Legacy.", (Lacking, {}), family="neo2"),
    _attack("pushy", "Blocks come that nobody asked for, and some come twice.", (Pushy, {}), (Doubler, {})),
    _attack("pushy-neo3", "The same on Neo N3.", (Pushy, {}), (Doubler, {}), family="neo3"),
    _attack("unpayloaded", "A block message is too short for a header.", (Unpayloaded, {})),
    *(
        Scenario(
            f"withheld-{name}",
            f"Some show a better chain, and {what}: it is not waited for.",
            {"honest": Role(count=3), "withholder": Role(Withholder, 2, BETTER, options, latency=FAST)},
            {MAIN: ChainPlan(200), BETTER: ChainPlan(150, of=MAIN, at=120)},
        )
        for name, what, options in (
            ("denied", "say notfound for each of its blocks", {"denies": True}),
            ("silent", "give no blocks at all", {}),
            ("partly", "give only its first blocks", {"above": 180}),
        )
    ),
    Scenario(
        "withheld-long",
        "Some show a better chain that forks off thousands of blocks below, and give little of it.",
        {"honest": Role(count=3), "withholder": Role(Withholder, 2, BETTER, {"above": 1_050}, latency=FAST)},
        {MAIN: ChainPlan(3_100), BETTER: ChainPlan(2_200, of=MAIN, at=1_000)},
        weight=3,
    ),
    Scenario(
        "withheld-then-given",
        "Some show a better chain and give nothing of it; later another one comes that has it all.",
        {
            "honest": Role(count=3),
            "withholder": Role(Withholder, 2, BETTER, {"above": 120}, latency=FAST),
            "giver": Role(count=1, chain=BETTER, is_dark=True),
        },
        {MAIN: ChainPlan(200), BETTER: ChainPlan(150, of=MAIN, at=120)},
        cues=(Cue((30.0, 60.0), "light", "giver"),),
    ),
    # Headers.
    _attack("liars", "Some claim a million blocks more than there are.", (Liar, {})),
    _attack("liars-neo3", "The same, in each pong.", (Liar, {}), family="neo3"),
    _attack("headless", "Some have no headers for us.", (Headless, {})),
    _attack("jumbled", "Headers come in no order, or with a gap.", (Jumbled, {}), (Torn, {})),
    _attack("jumbled-neo2", "The same on Neo Legacy.", (Jumbled, {}), (Torn, {}), family="neo2"),
    _attack("jumbled-neo3", "The same on Neo N3.", (Jumbled, {}), (Torn, {}), family="neo3"),
    _attack("unconnected", "Headers follow nothing that we know.", (Unconnected, {})),
    _attack("rerun", "Each question is answered with the first headers there are.", (Rerun, {}), long=True),
    _attack("rerun-neo3", "The same on Neo N3.", (Rerun, {}), family="neo3"),
    _attack("tarpits", "Answers come as late as they may, with one header each.", (Tarpit, {})),
    _attack("tarpits-neo2", "The same on Neo Legacy.", (Tarpit, {}), family="neo2"),
    _attack("tarpits-neo3", "The same on Neo N3.", (Tarpit, {}), family="neo3"),
    _attack(
        "oversized",
        "Messages hold more than the protocol allows.",
        (Oversized, {}),
        (Oversized, {"what": "inv"}),
        (Oversized, {"what": "addr"}),
        weight=3,
    ),
    _attack("phantoms", "Some announce blocks again and again that nobody has.", (Phantom, {})),
    _attack("phantoms-neo2", "The same on Neo Legacy.", (Phantom, {}), family="neo2"),
    # Silence.
    _attack("mute", "Some shake hands and say nothing more.", (Mute, {}), (Unreading, {})),
    _attack("mute-neo2", "The same on Neo Legacy.", (Mute, {}), (Unreading, {}), family="neo2"),
    _attack("mute-neo3", "The same on Neo N3.", (Mute, {}), (Unreading, {}), family="neo3"),
    _attack("unshaken", "Some never finish the handshake, or never begin it.", (Unshaken, {}), (Silent, {})),
    _attack("unshaken-neo2", "The same on Neo Legacy.", (Unshaken, {}), (Silent, {}), family="neo2"),
    # Handshakes.
    _attack("early", "Some speak of other things before the handshake, or say it twice.", (Early, {}), (Stutterer, {})),
    _attack("early-neo2", "The same on Neo Legacy, which is strict.", (Early, {}), (Stutterer, {}), family="neo2"),
    _attack("early-neo3", "The same on Neo N3, which is strict.", (Early, {}), (Stutterer, {}), family="neo3"),
    _attack("mirrors", "Some send back what we say, or are of another age.", (Mirror, {}), (Obsolete, {})),
    _attack("flappers", "Some leave soon, and are there again.", (Leaver, {}), (Teaser, {})),
    _attack("flappers-long", "The same on a long chain.", (Leaver, {}), (Teaser, {"blocks": 20}), long=True, weight=5),
    # Noise.
    *(
        _attack(
            f"flood-{what}",
            f"A flood of {what} from outbound peers that serve well besides.",
            (Flooder, {"what": what, "count": count}),
            linger=10.0,
        )
        for what, count in (
            ("inv", 300),
            ("tx", 300),
            ("addr", 100),
            ("ping", 50),
            ("pong", 50),
            ("garbage", 500),
            ("unknown", 50),
            ("headers", 200),
            ("block", 10),
            ("getheaders", 20),
            ("getdata", 100),
            ("getaddr", 50),
            ("version", 20),
        )
    ),
    *(
        _attack(
            f"floods-{family}",
            "Floods of announcements, pings and headers.",
            (Flooder, {"what": "inv", "count": 20}),
            (Flooder, {"what": "ping", "count": 10}),
            (Flooder, {"what": "headers", "count": 20, "interval": 2.0}),
            family=family,
            linger=10.0,
        )
        for family in ("neo2", "neo3")
    ),
    _attack(
        "babble",
        "Bytes without a sense, and questions of those who read no answers.",
        (Babbler, {}),
        (Greedy, {"interval": 1.0}),
    ),
)
