"""Chains that are not good, or not ours: bad headers, bad blocks behind good headers, other networks, forged proofs."""

from __future__ import annotations

from typing import Final

from headway.sim.hostile.headers import Impostor
from headway.sim.hostile.silence import Staller
from headway.sim.hostile.witnesses import Unproven
from headway.sim.scenario import MAIN, NODE, ChainPlan, Cue, Families, Role, Scenario
from headway.sim.scenarios.quiet import HONEST, LONG, NEO, UP_TO_BLOCKS

BAD: Final = "bad"
IMPOSTORS: Final = Role(Impostor, count=2, chain=BAD)


def _bad_chain(name: str, about: str, fault: str, at: int, *, fork: int = 60, family: Families = "regtest") -> Scenario:
    """Most peers have a longer chain that leaves the good one, and breaks a rule."""
    plans = {MAIN: ChainPlan(120), BAD: ChainPlan(100, of=MAIN, at=fork, fault=fault, fault_at=at)}
    return Scenario(name, about, {"honest": HONEST, "impostor": IMPOSTORS}, plans, family=family)


SCENARIOS: Final = (
    _bad_chain("bad-work", "A header does not have the work that it claims.", "high-hash", 61),
    _bad_chain("bad-bits", "A header claims another difficulty than it must.", "bad-diffbits", 100),
    _bad_chain("bad-time", "A header is older than the median before it.", "time-too-old", 159),
    _bad_chain("bad-version", "A header has a version that has been given up.", "bad-version", 80),
    _bad_chain("bad-block-height", "A block states another height than it has.", "bad-cb-height", 70),
    _bad_chain("bad-block-early", "A transaction may not be in a block yet.", "bad-txns-nonfinal", 61),
    _bad_chain("bad-block-rich", "A block pays more than there is.", "bad-txns-vout-toolarge", 119),
    Scenario(
        "bad-header-late",
        "After a good message of headers comes one with a bad header, on the longer chain.",
        {"honest": HONEST, "impostor": IMPOSTORS},
        {MAIN: LONG, BAD: ChainPlan(0, of=MAIN, at=1_900, headers_only=600, fault="high-hash", fault_at=2_400)},
        node=UP_TO_BLOCKS,
        weight=4,
    ),
    Scenario(
        "bad-block-long",
        "A window of blocks is brought of the longer branch before its bad one is seen.",
        {"honest": HONEST, "impostor": Role(Impostor, count=3, chain=BAD)},
        {MAIN: LONG, BAD: ChainPlan(1_200, of=MAIN, at=30, headers_only=900, fault="bad-cb-height", fault_at=900)},
        node=UP_TO_BLOCKS,
        weight=3,
    ),
    Scenario(
        "bad-block-restart",
        "What was found bad is bad after a restart, too.",
        {"honest": HONEST, "impostor": IMPOSTORS},
        {MAIN: ChainPlan(120), BAD: ChainPlan(100, of=MAIN, at=60, fault="bad-cb-height", fault_at=100)},
        cues=tuple(Cue((0.0, 6.0), "restart", NODE) for _ in range(2)),
    ),
    Scenario(
        "bad-block-at-tip",
        "After we have the chain a better one comes, with a bad block at its very end.",
        {"honest": Role(count=3), "impostor": Role(Impostor, count=2, chain=BAD, options={"height": 60})},
        {MAIN: ChainPlan(120), BAD: ChainPlan(61, of=MAIN, at=60, fault="bad-txns-nonfinal", fault_at=121)},
        cues=(Cue((20.0, 30.0), "grow", "impostor", to=121),),
    ),
    Scenario(
        "two-bad-chains",
        "Two better branches, each with a bad block, leave the good one at different heights.",
        {"honest": HONEST, "one": IMPOSTORS, "other": Role(Impostor, count=2, chain="other")},
        {
            MAIN: ChainPlan(120),
            BAD: ChainPlan(100, of=MAIN, at=60, fault="bad-cb-height", fault_at=100),
            "other": ChainPlan(150, of=BAD, at=80, fault="bad-txns-nonfinal", fault_at=90),
        },
    ),
    Scenario(
        "withheld-branch",
        "A shorter branch is shown before the good chain, and nobody gives its blocks.",
        {
            "staller": Role(Staller, count=3, chain="lesser", options={"after": 0}, latency=(0.005, 0.01)),
            "honest": Role(count=2, latency=(0.3, 0.5)),
        },
        {MAIN: ChainPlan(150), "lesser": ChainPlan(85, of=MAIN, at=60)},
    ),
    Scenario(
        "future-branch",
        "A branch as good as ours ends in the future: until then it is not, and nobody is blamed for it.",
        {"honest": HONEST, "impostor": IMPOSTORS},
        {MAIN: ChainPlan(120), BAD: ChainPlan(60, of=MAIN, at=60, dated=24 * 3_600.0)},
    ),
    Scenario(
        "another-genesis",
        "Some peers speak as ours do, and are on a chain that begins with another block.",
        {"honest": HONEST, "stranger": IMPOSTORS},
        {MAIN: ChainPlan(120), BAD: ChainPlan(200, fault="another genesis")},
    ),
    Scenario(
        "another-genesis-neo2",
        "The same on Neo Legacy.",
        {"honest": HONEST, "stranger": IMPOSTORS},
        {MAIN: NEO, BAD: ChainPlan(100, fault="another genesis")},
        family="neo2",
    ),
    Scenario(
        "another-genesis-neo3",
        "The same on Neo N3, where headers are asked for by height.",
        {"honest": HONEST, "stranger": IMPOSTORS},
        {MAIN: NEO, BAD: ChainPlan(200, fault="another genesis")},
        family="neo3",
    ),
    *(
        Scenario(
            f"another-network-{family}",
            "Some peers are of another network, and the first frame says so.",
            {"honest": HONEST, "stranger": IMPOSTORS},
            {MAIN: ChainPlan(60), BAD: ChainPlan(20, fault="another magic")},
            family=family,
        )
        for family in ("regtest", "neo2", "neo3")
    ),
    *(
        _bad_chain(f"{fault.replace(' ', '-')}-{family}", about, fault, at, fork=at - 1, family=family)
        for family in ("neo2", "neo3")
        for fault, about, at in (
            ("bad-witness", "Headers are signed with nonsense.", 121),
            ("bad-witness too few", "Headers lack a signature.", 100),
            ("bad-witness-script", "Headers are signed by others than those whom the one before names.", 101),
            ("bad-witness-script none", "Headers are signed by nobody.", 61),
        )
    ),
    *(
        Scenario(
            f"forged-early-{family}",
            "Forged headers come before the real ones are known, from faster peers.",
            {
                "honest": Role(count=2, latency=(0.3, 0.5)),
                "impostor": Role(Impostor, count=3, chain=BAD, latency=(0.005, 0.01)),
            },
            {MAIN: NEO, BAD: ChainPlan(160, of=MAIN, at=10, fault="bad-witness", fault_at=11)},
            family=family,
        )
        for family in ("neo2", "neo3")
    ),
    *(
        Scenario(
            f"unproven-{where}-{family}",
            "Headers come without their proofs: where no proof is needed they will do, elsewhere they will not.",
            {"honest": Role(count=2), "unproven": Role(Unproven, count=2, options={"where": where})},
            {MAIN: NEO},
            family=family,
        )
        for family in ("neo2", "neo3")
        for where in ("middle", "last", "all")
    ),
    *(
        Scenario(
            f"two-heads-{family}",
            "The validators sign a second block beside our tip: it is told, and ours stays.",
            {"honest": HONEST, "rival": Role(Impostor, count=2, chain=BAD, is_dark=True)},
            {MAIN: NEO, BAD: ChainPlan(1, of=MAIN, at=159)},
            family=family,
            cues=(Cue((60.0, 80.0), "light", "rival", everyone=True),),
        )
        for family in ("neo2", "neo3")
    ),
    *(
        Scenario(
            f"bad-block-{family}",
            "The validators signed a last block that no copy makes good, and a good one beside it.",
            {"honest": HONEST, "impostor": IMPOSTORS},
            {MAIN: NEO, BAD: ChainPlan(1, of=MAIN, at=159, fault="duplicate-transaction", fault_at=160)},
            family=family,
        )
        for family in ("neo2", "neo3")
    ),
)
