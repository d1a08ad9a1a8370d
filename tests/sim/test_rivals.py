"""Rival chains of real headers: the main chain of Bitcoin against another with as true a proof of work."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

import pytest

from headway.network import Network
from headway.networks.bitcoin import MAINNET
from headway.node.orders import TipChanged
from headway.sim.chain import Chain
from headway.sim.scenario import Cue, Role, Run, Scenario
from tests.data import read

ALT_TOP: Final = 2_016
"""Its last header has four times the work: 2,016 headers of the other weigh less than these."""
SEEDS: Final = range(3)


@cache
def chains(network: Network) -> dict[str, Chain]:
    """Headers alone: 1 to 10,236 of the main chain, and 1 to 2,016 of `altmainnet`, which leaves it after genesis."""
    raw = read("bitcoin", "mainnet-headers-0-10236.bin.xz")
    framed, alt, at = read("bitcoin", "blocks", "altmainnet-1-2016.blk.dat.xz"), [], 0
    while at < len(framed):
        size = int.from_bytes(framed[at + 4 : at + 8], "little")
        alt.append(framed[at + 8 : at + 88])
        at += 8 + size
    assert len(alt) == ALT_TOP
    return {
        "main": Chain(network, [], [raw[at : at + 80] for at in range(80, len(raw), 80)]),
        "alt": Chain(network, [], alt),
    }


def work(network: Network, height: int) -> int:
    """Of the main chain up to this height: all of these blocks are equal."""
    unit = network.rules.check_headers(chains(network)["main"].headers(1, 1), network.rules.context_at(1), 1.7e9).works[
        0
    ]
    return unit * (height + 1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("minimum", [0, 2_010], ids=["any work", "a minimum of work"])
def test_the_chain_with_most_work_is_followed_and_among_equals_the_first_seen(seed: int, minimum: int) -> None:
    """With a minimum and peers that nobody named, both show their work before they are kept: it takes more than a
    message of headers."""
    network = replace(MAINNET, minimum_chainwork=0, checkpoints=())
    network = replace(network, minimum_chainwork=work(network, minimum) if minimum else 0)
    grows = (
        (10.0, "alt", 2_015),
        (20.0, "alt", 2_016),
        (30.0, "main", 2_018),
        (40.0, "main", 2_019),
        (50.0, "main", 2_020),
        (60.0, "main", 10_236),
    )
    scenario = Scenario(
        "rivals",
        "Two chains with true work.",
        {"main": Role(chain="main", options={"height": 2_015}), "alt": Role(chain="alt", options={"height": 0})},
        cues=tuple(Cue((at, at), "grow", who, to) for at, who, to in grows),
        node={"floor": None},
        named=not minimum,
    )
    run = Run(scenario, network, chains(network), seed=seed)
    run.play()
    seen = [(event.tip, event.disconnected) for event in run.node.events if isinstance(event, TipChanged)]
    main, alt = chains(network)["main"], chains(network)["alt"]
    moved = [(tip, left) for tip, left in seen if left]
    assert moved == [(alt.id(2_016), 2_015), (main.id(2_020), 2_016)]
    before = seen[: seen.index(moved[0])]
    assert before[-1] == (main.id(2_015), 0), "the other of equal work came later"
    assert seen[-1] == (main.id(10_236), 0)
    assert run.node.machine.counters.misbehaved == 0
