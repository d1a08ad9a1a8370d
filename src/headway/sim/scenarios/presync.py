"""Chains with little work behind them, which cost their maker nothing and must cost us nothing either.

Nobody is named here where it matters: a peer that the user named is believed.
"""

from __future__ import annotations

from typing import Final

from headway.network import Limits
from headway.sim.hostile.headers import Endless, Impostor, Sneaky
from headway.sim.scenario import MAIN, NODE, ChainPlan, Cue, Role, Scenario
from headway.sim.scenarios.quiet import HONEST

LOW: Final = "low"
_WORK: Final = 2
"""Of one header on regtest."""
_LEAST: Final = 5_000
"""Headers that a chain must have here, or work to match."""
_CHAIN: Final = ChainPlan(60, headers_only=_LEAST + 500)
_NETWORK: Final = {"minimum_chainwork": _WORK * _LEAST}
_FEW: Final = {**_NETWORK, "limits": Limits(max_low_work_headers=_LEAST + 1_000)}
"""No more low headers are kept than the good chain needs to begin with, and a little."""
_UP_TO: Final = {"ceiling": 60}


def _low(length: int, at: int = 0) -> ChainPlan:
    return ChainPlan(0, of=MAIN, at=at, headers_only=length)


SCENARIOS: Final = (
    Scenario(
        "least-work",
        "The network tells how much work its chain has at least: there it is.",
        {"honest": HONEST},
        {MAIN: _CHAIN},
        network=_NETWORK,
        node=_UP_TO,
    ),
    Scenario(
        "least-work-behind",
        "Some honest peers are at the beginning of the chain: they are not blamed for that.",
        {"honest": HONEST, "behind": Role(count=4, options={"height": 3_000})},
        {MAIN: _CHAIN},
        network=_NETWORK,
        node=_UP_TO,
    ),
    Scenario(
        "low-work",
        "Several peers have long chains without the work that there must be: none of their headers is kept.",
        {
            "honest": Role(count=2),
            **{f"low-{number}": Role(Impostor, chain=f"low-{number}", latency=(0.005, 0.02)) for number in range(4)},
        },
        {MAIN: _CHAIN, **{f"low-{number}": _low(4_500, at=number) for number in range(4)}},
        network=_NETWORK,
        node=_UP_TO,
        max_headers=_CHAIN.top + 1,
        named=False,
        needs="presync",
    ),
    Scenario(
        "low-work-crowds",
        "They bring so many headers that there would be no room for the good ones.",
        {
            "honest": Role(count=2, latency=(0.3, 0.5)),
            **{f"low-{number}": Role(Impostor, chain=f"low-{number}", latency=(0.005, 0.02)) for number in range(4)},
        },
        {MAIN: _CHAIN, **{f"low-{number}": _low(4_500, at=number) for number in range(4)}},
        network=_FEW,
        node=_UP_TO,
        max_headers=_CHAIN.top + 1,
        named=False,
        needs="presync",
    ),
    Scenario(
        "low-work-endless",
        "Two peers bring one long chain without work after another, for as long as we ask.",
        {
            "honest": Role(count=2, latency=(0.3, 0.5)),
            "endless": Role(Endless, count=2, options={"length": _LEAST - 500}, latency=(0.005, 0.02)),
        },
        {MAIN: _CHAIN},
        network=_NETWORK,
        node=_UP_TO,
        max_headers=_CHAIN.top + 1,
        named=False,
        needs="presync",
    ),
    Scenario(
        "low-work-restart",
        "The node is killed while it looks at what work a chain has.",
        {"honest": Role(count=2, latency=(0.3, 0.5)), "low": Role(Impostor, count=2, chain=LOW)},
        {MAIN: _CHAIN, LOW: _low(4_500)},
        network=_NETWORK,
        node=_UP_TO,
        cues=tuple(Cue((0.0, 8.0), "restart", NODE) for _ in range(3)),
        max_headers=_CHAIN.top + 1,
        named=False,
        needs="presync",
    ),
    Scenario(
        "sneaky",
        "A peer shows a chain with work enough, and when it is to give it another one without.",
        {
            "honest": Role(count=2, latency=(0.3, 0.5)),
            "sneaky": Role(Sneaky, count=2, chain="shown", second=LOW, latency=(0.005, 0.02)),
        },
        {MAIN: _CHAIN, "shown": _low(5_200, at=10), LOW: _low(4_800, at=20)},
        network=_NETWORK,
        node=_UP_TO,
        max_headers=_CHAIN.top + 1,
        named=False,
        needs="presync",
    ),
    Scenario(
        "low-work-at-tip",
        "After we have the chain, peers bring a long branch that leaves it near its beginning.",
        {"honest": HONEST, "low": Role(Impostor, count=2, chain=LOW, is_dark=True)},
        {MAIN: _CHAIN, LOW: _low(4_000, at=50)},
        network=_NETWORK,
        node=_UP_TO,
        cues=(Cue((60.0, 61.0), "light", LOW, everyone=True),),
        max_headers=_CHAIN.top + 1,
        named=False,
        needs="presync",
    ),
)
