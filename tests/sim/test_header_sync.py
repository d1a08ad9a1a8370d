"""Headers among peers that have too little work, too much to say, or too little of a line; and the gain of ranges.

The actors are hostile to header sync alone; the others stand in the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

import pytest

from headway.kernel import HeaderParams, sha256d
from headway.kernel.difficulty import PERIOD, bits_of, retarget, target_of
from headway.network import Headers, Network
from headway.networks.bitcoin import network_of, params
from headway.sim.actor import Honest
from headway.sim.chain import Chain
from headway.sim.scenario import MAIN, ChainPlan, Cue, Role, Run, Scenario
from headway.testing.simulated import cast_chains, run_of
from headway.types import Hash, PresyncParams
from headway.wire import messages as m

SEEDS: Final = range(4)
POOR: Final = "poor"
EASY: Final = (1 << 255) - 1
HEADERS_ONLY: Final = {"floor": None}


# A network on which work is cheap, and yet some headers have more of it than others.


def mined(parent: bytes, count: int, *, spacing: int, salt: int = 0) -> list[bytes]:
    """Headers after `parent`, one every `spacing` seconds. With more than ten minutes they stay as easy as they are;
    with less, and from genesis on, the difficulty follows."""
    raws: list[bytes] = []
    first, bits = parent, int.from_bytes(parent[72:76], "little")
    for height in range(1, count + 1):
        time = int.from_bytes(parent[68:72], "little") + spacing
        if height % PERIOD == 0 and spacing < 600:
            bits = retarget(bits, time - spacing - int.from_bytes(first[68:72], "little"), EASY)
        target = target_of(bits).to_bytes(32, "big")
        head = b"\0\0\0\x20" + sha256d(parent) + salt.to_bytes(32, "little") + time.to_bytes(4, "little")
        head += bits.to_bytes(4, "little")
        nonce = 0
        while sha256d(head + nonce.to_bytes(4, "little"))[::-1] > target:
            nonce += 1
        parent = head + nonce.to_bytes(4, "little")
        first = parent if height % PERIOD == 0 else first
        raws.append(parent)
    return raws


def _network() -> Network:
    """Regtest with retargets, and a minimum that nearly the whole of the good chain is needed for. As blocks should be
    rare, a presync has a minute or so."""
    rules = HeaderParams(EASY, True, False, False, 1, 1, 1)
    presync = PresyncParams(commitment_period=50, redownload_buffer=1_200)
    facts = replace(params.REGTEST, header=rules, minimum_chainwork=1_100_000, presync=presync)
    assert bits_of(EASY) == 0x207FFFFF
    return replace(network_of(facts), block_interval=1e7)


NETWORK: Final = _network()
GENESIS: Final = NETWORK.rules.genesis
GOOD: Final = mined(GENESIS, 5 * PERIOD - 100, spacing=60)
"""Four times as much work a header with each period: 1.3 million at its end."""
CHAINS: Final = {
    MAIN: Chain(NETWORK, [], GOOD),
    POOR: Chain(NETWORK, [], mined(GENESIS, 4_500, spacing=700, salt=1)),
}
"""The poor one has a work of 2 a header, whatever comes."""


class Low(Honest):
    """Has a chain of too little work, in good faith or not."""

    name: ClassVar[str] = "low"
    is_honest: ClassVar[bool] = False


class Endless(Low):
    """Goes on for ever: each question for headers is answered with 2,000 more of the same poor chain."""

    name: ClassVar[str] = "endless"
    raws: ClassVar[list[bytes]] = []
    heights: ClassVar[dict[Hash, int]] = {}

    def headers_for(self, question: m.GetHeaders) -> Headers:
        first = max((self.heights.get(entry.hash, 0) for entry in question.locator), default=0)
        most = self.network.limits.max_headers
        while len(self.raws) < first + most:
            for raw in mined(self.raws[-1] if self.raws else GENESIS, most, spacing=700, salt=2):
                self.raws.append(raw)
                self.heights[sha256d(raw)] = len(self.raws)
        return Headers.fixed(b"".join(self.raws[first : first + most]), self.network.codec.parser, size=80)


class Sneaky(Honest):
    """Shows the good chain until its work is seen, and gives a poor one when it is asked again."""

    name: ClassVar[str] = "sneaky"
    is_honest: ClassVar[bool] = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.from_start = 0
        """Times that it was asked for its whole chain."""

    def headers_for(self, question: m.GetHeaders) -> Headers:
        good = self.chain
        self.from_start += self._fork(question) == 0
        if self.from_start % 2 == 0:
            self.chain = CHAINS[POOR]
        headers = super().headers_for(question)
        self.chain = good
        return headers


class Forgetful(Sneaky):
    """The same, and then has nothing any more."""

    name: ClassVar[str] = "forgetful"

    def headers_for(self, question: m.GetHeaders) -> Headers:
        headers = super().headers_for(question)
        return headers if self.from_start % 2 else headers.part(0, 0)


def among(name: str, about: str, others: Mapping[str, Role], **scenario: Any) -> Scenario:
    """Two honest peers that nobody named, and those."""
    cast = {**others, "honest": Role(count=2)}
    return Scenario(name, about, cast, node=HEADERS_ONLY, named=False, **scenario)


TOP: Final = len(GOOD)
NEAR: Final = (0.005, 0.01)
SCENARIOS: Final = (
    among("low-work", "Most peers have a chain of too little work: nothing of it is kept.", {
        "low": Role(Low, count=4, chain=POOR), "short": Role(Low, count=2, chain=POOR, options={"height": 900}),
    }),
    among("endless", "Endless chains of too little work hold us up for a while, and no longer.", {
        "endless": Role(Endless, count=3, latency=NEAR, rate=(100_000, 300_000)),
    }),
    among("endless-and-slow", "The same over slow lines.", {
        "endless": Role(Endless, count=4, latency=NEAR, rate=(10_000, 40_000)),
    }),
    among("sneaky", "Work is shown, and another chain is sent the second time.", {
        "sneaky": Role(Sneaky, count=4, latency=NEAR),
    }),
    among("forgetful", "Work is shown, and nothing is sent the second time.", {
        "forgetful": Role(Forgetful, count=4, latency=NEAR),
    }),
    among("presync-lost", "Peers go while they show their chain.", {},
          cues=tuple(Cue((0.1, 3.0), "break", "honest") for _ in range(4))),
    among("presync-restart", "The node is killed meanwhile.", {},
          cues=tuple(Cue((0.3, 3.0), "restart", "node") for _ in range(2))),
    among("presync-growth", "The chain grows meanwhile.", {
        "growing": Role(count=2, options={"height": TOP - 100}),
    }, cues=tuple(Cue((0.5, 30.0), "grow", "growing", to) for to in (TOP - 50, TOP - 10, TOP))),
)  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_best_chain_is_brought_and_nothing_of_the_poor_one(scenario: Scenario, seed: int) -> None:
    run = Run(scenario, NETWORK, CHAINS, seed=seed)
    run.play()
    tree = run.node.tree
    assert tree.tip == CHAINS[MAIN].tip
    assert not any(tree.find(block) for block in CHAINS[POOR].hashes[1:])
    assert not any(tree.find(block) for block in Endless.heights)


# Ranges between checkpoints.

MANY: Final = 60_000
PLANS: Final = {MAIN: ChainPlan(10, headers_only=MANY), POOR: ChainPlan(10, headers_only=9_000)}
SLOW: Final = (100_000.0, 100_000.0)
"""Bytes a second: a message of headers takes 1.6 s."""


def seconds(peers: int, *, spacing: int, seed: int, role: Role | None = None) -> float:
    """Virtual seconds that a sync takes from so many peers, with checkpoints every `spacing` headers (0: none)."""
    _, chains = cast_chains("regtest", tuple(PLANS.items()))
    chain = chains[MAIN]
    points = tuple((height, chain.hashes[height]) for height in range(spacing, len(chain), spacing)) if spacing else ()
    cast = {"honest": Role(count=peers, rate=SLOW)}
    if role is not None:
        cast["other"] = role
    network = {"checkpoints": points, "minimum_chainwork": MANY}
    scenario = Scenario(
        "ranges", "Slow peers bring a range each.", cast, PLANS, network=network, node=HEADERS_ONLY, named=False
    )
    return run_of(scenario, seed).play().seconds


def test_the_gain_of_ranges_comes_near_to_the_number_of_peers() -> None:
    """Without them the chain is sent twice as well, because it has to show its work first."""
    alone = seconds(8, spacing=0, seed=1)
    assert seconds(1, spacing=4_000, seed=1) < alone / 1.3
    assert seconds(4, spacing=4_000, seed=1) < alone / 4
    assert seconds(8, spacing=4_000, seed=1) < alone / 7


@pytest.mark.parametrize("seed", SEEDS)
def test_peers_that_are_on_another_chain_or_slow_hold_nobody_up(seed: int) -> None:
    plain = seconds(4, spacing=4_000, seed=seed)
    slow = Role(count=2, rate=(8_000, 12_000))
    assert seconds(4, spacing=4_000, seed=seed, role=slow) < 2 * plain
    stranger = Role(Low, count=2, chain=POOR)
    assert seconds(4, spacing=4_000, seed=seed, role=stranger) < 2 * plain
    short = Role(count=2, options={"height": 5_000})
    assert seconds(4, spacing=4_000, seed=seed, role=short) < 2 * plain


def test_wrong_checkpoints_cost_time_and_nothing_else() -> None:
    """Nobody can bring what ends in a block that is not: then headers come one message after another."""
    _, chains = cast_chains("regtest", tuple(PLANS.items()))
    points = ((2_000, chains[MAIN].hashes[2_000]), (4_000, b"?" * 32), (6_000, b"!" * 32))
    scenario = Scenario(
        "wrong checkpoints", "", {"honest": Role(count=4)}, PLANS, network={"checkpoints": points}, node=HEADERS_ONLY
    )
    run: Run = run_of(scenario, 1)
    run.play()
    assert run.node.tree.tip == chains[MAIN].tip
    assert run.node.machine.counters.misbehaved == 0
