"""Rival chains of real blocks: a node that has the one turns to the other, whatever its peers are like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from headway.network import Network
from headway.networks.bitcoin import MAINNET
from headway.node import orders as do
from headway.sim.chain import Chain
from headway.sim.hostile.silence import Staller
from headway.sim.scenario import MAIN, ChainPlan, Cue, Role, Run, Scenario
from tests.data import read

NETWORK: Network = replace(MAINNET, minimum_chainwork=0, presync=None)
"""The rules of mainnet; both chains have too little work to be believed there."""
RIVAL = "rival"


def framed(name: str) -> list[bytes]:
    """The raw blocks of a `blk*.dat` file."""
    raw, blocks, at = read("bitcoin", "blocks", name), [], 0
    while at < len(raw):
        size = int.from_bytes(raw[at + 4 : at + 8], "little")
        blocks.append(raw[at + 8 : at + 8 + size])
        at += 8 + size
    return blocks


def play(main: list[bytes], rival: list[bytes], cast: Mapping[str, Role], *, seed: int) -> Run:
    """All have `main` at first; after a minute the honest ones turn to `rival`."""
    chains = {MAIN: Chain(NETWORK, main), RIVAL: Chain(NETWORK, rival)}
    plans = {name: ChainPlan(len(chain)) for name, chain in chains.items()}
    cues = (Cue((60.0, 60.0), "switch", "honest", RIVAL),)
    run = Run(Scenario("real", "Rival chains.", cast, plans, cues=cues), NETWORK, chains, seed=seed)
    run.play()
    return run


def told(run: Run) -> list[tuple[bool, int]]:
    """Whether it joined the chain, and its height, of each block that was told of."""
    moves = (event for event in run.node.events if isinstance(event, do.BlockConnected | do.BlockDisconnected))
    return [(isinstance(event, do.BlockConnected), event.id.height) for event in moves]


@pytest.mark.parametrize("seed", range(3))
def test_from_the_first_blocks_of_mainnet_to_another_chain_on_its_genesis(seed: int) -> None:
    main = framed("mainnet-0-438.blk.dat.xz")[1:]
    rival = framed("altmainnet-1-2016.blk.dat.xz")
    run = play(main, rival, {"honest": Role(count=3), "staller": Role(Staller, options={"after": 100})}, seed=seed)
    assert run.node.machine.sync.chain.tip == run.chains[RIVAL].tip
    left = [height for joined, height in told(run) if not joined]
    assert left == list(range(438, 0, -1))
    joined = [height for joined, height in told(run) if joined]
    assert joined == [*range(1, 439), *range(1, 2_017)]


def test_from_one_branch_of_a_short_fork_to_the_other_once_it_has_more_work() -> None:
    trunk = framed("altchain-blk-0-to-4.blk.dat")[1:]
    rival = [*trunk[:2], *(block for name in "345" for block in framed(f"altchain-blk-{name}A.blk.dat"))]
    run = play(trunk, rival, {"honest": Role(count=2)}, seed=1)
    assert told(run) == [
        *((True, height) for height in (1, 2, 3, 4)),
        (False, 4),
        (False, 3),
        *((True, height) for height in (3, 4, 5)),
    ]
