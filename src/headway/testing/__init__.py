"""For those who test nodes: peers that say what you want, and chains made on the spot.

A peer:     with TestPeer.connect("127.0.0.1:18444", network="regtest") as peer: ...
asyncio:    async with await AsyncTestPeer.connect(...) as peer: ...
A script:   peer.script([Handshake(), Ping(7), Expect(Pong), b"garbage", ExpectClosed()])
An actor:   peer.play(actors.Staller(Chain(REGTEST, blocks), rng))     those of the simulator, over TCP (`actors`)
Chains:     regtest_chain(20), fork(chain, at=10, length=15), damaged(block, "witness"), NeoChain(...)
Networks:   SimNet()(Scenario("mine", "...", {"honest": Role(count=3)}), seed=7)        in virtual time
pytest:     the fixtures `test_peer`, `regtest_chain` and `simnet` are there wherever headway is installed (`plugin`)

Nothing is loaded before it is used: neither pytest nor asyncio nor the library of signatures.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headway.errors import ExpectationFailed as ExpectationFailed
    from headway.sim.invariants import Broken as Broken
    from headway.sim.scenario import ChainPlan as ChainPlan
    from headway.sim.scenario import Cue as Cue
    from headway.sim.scenario import Outcome as Outcome
    from headway.sim.scenario import Role as Role
    from headway.sim.scenario import Scenario as Scenario
    from headway.testing.aio import AsyncListener as AsyncListener
    from headway.testing.aio import AsyncTestPeer as AsyncTestPeer
    from headway.testing.chain import fork as fork
    from headway.testing.chain import regtest_chain as regtest_chain
    from headway.testing.chain import regtest_headers as regtest_headers
    from headway.testing.chain import store_chain as store_chain
    from headway.testing.conversation import Closed as Closed
    from headway.testing.damage import damaged as damaged
    from headway.testing.fixtures import PeerFactory as PeerFactory
    from headway.testing.frames import corrupt as corrupt
    from headway.testing.frames import craft_frame as craft_frame
    from headway.testing.neo_chain import NeoChain as NeoChain
    from headway.testing.neo_chain import neo_network as neo_network
    from headway.testing.neo_chain import validators as validators
    from headway.testing.peer import Listener as Listener
    from headway.testing.peer import TestPeer as TestPeer
    from headway.testing.script import Close as Close
    from headway.testing.script import Corrupt as Corrupt
    from headway.testing.script import Delay as Delay
    from headway.testing.script import Drop as Drop
    from headway.testing.script import Expect as Expect
    from headway.testing.script import ExpectClosed as ExpectClosed
    from headway.testing.script import ExpectNext as ExpectNext
    from headway.testing.script import ExpectSilence as ExpectSilence
    from headway.testing.script import HalfClose as HalfClose
    from headway.testing.script import Handshake as Handshake
    from headway.testing.script import Play as Play
    from headway.testing.script import Serve as Serve
    from headway.testing.script import Step as Step
    from headway.testing.script import Trickle as Trickle
    from headway.testing.serving import ServedChain as ServedChain
    from headway.testing.simnet import SimNet as SimNet

_HOME = {
    "headway.errors": ("ExpectationFailed",),
    "headway.sim.invariants": ("Broken",),
    "headway.sim.scenario": ("ChainPlan", "Cue", "Outcome", "Role", "Scenario"),
    "headway.testing.aio": ("AsyncListener", "AsyncTestPeer"),
    "headway.testing.chain": ("fork", "regtest_chain", "regtest_headers", "store_chain"),
    "headway.testing.conversation": ("Closed",),
    "headway.testing.damage": ("damaged",),
    "headway.testing.fixtures": ("PeerFactory",),
    "headway.testing.frames": ("corrupt", "craft_frame"),
    "headway.testing.neo_chain": ("NeoChain", "neo_network", "validators"),
    "headway.testing.peer": ("Listener", "TestPeer"),
    "headway.testing.script": (
        *("Close", "Corrupt", "Delay", "Drop", "Expect", "ExpectClosed", "ExpectNext", "ExpectSilence"),
        *("HalfClose", "Handshake", "Play", "Serve", "Step", "Trickle"),
    ),
    "headway.testing.serving": ("ServedChain",),
    "headway.testing.simnet": ("SimNet",),
}
"""Module -> the public names that live there."""
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [*_MODULE_OF]  # noqa: PLE0604  # strings all, from the table above


if not TYPE_CHECKING:  # or a type checker would believe in every name

    def __getattr__(name: str) -> Any:
        if name not in _MODULE_OF:
            raise AttributeError(f"module 'headway.testing' has no attribute {name!r}")
        value = globals()[name] = getattr(importlib.import_module(_MODULE_OF[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
