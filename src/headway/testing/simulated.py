"""Runs of the simulator: its scenarios with chains that are made on the spot.

    outcome = simulate("stallers", seed=7)

`headway.sim` is pure and takes its chains from whoever has them; here they are made by `chain` and `neo_chain`, and
kept for the next run of the process. Called by `headway simulate`, the fixture `simnet` and the tests.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from headway.sim.chain import Chain
from headway.sim.scenario import ChainPlan, Outcome, Run, Scenario
from headway.sim.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headway.network import Network

VALIDATORS = 1
"""Who sign a simulated chain of Neo: one, because its signatures are most of what such a run costs."""


def simulate(scenario: str | Scenario, seed: int, *, trace: Callable[[str], None] | None = None) -> Outcome:
    """Play a scenario (by its name, or one of your own). Raises `sim.invariants.Broken` where something gave way."""
    return run_of(scenario, seed, trace=trace).play()


def run_of(scenario: str | Scenario, seed: int, *, trace: Callable[[str], None] | None = None) -> Run:
    """The run, not yet played: for those who want to look around in it afterwards."""
    if isinstance(scenario, str):
        scenario = SCENARIOS[scenario]
    network, chains = cast_chains(scenario.family, tuple(scenario.chains.items()))
    return Run(scenario, network, chains, seed=seed, trace=trace)


@cache
def cast_chains(family: str, plans: tuple[tuple[str, ChainPlan], ...]) -> tuple[Network, Mapping[str, Chain]]:
    """A network of that family, and the chains on it."""
    maker = _MAKERS[family]()
    chains: dict[str, Chain] = {}
    for name, plan in plans:
        chains[name] = maker.make(plan, chains.get(plan.of))
    return maker.network, chains


class _Regtest:
    def __init__(self) -> None:
        from headway.networks.bitcoin import REGTEST  # noqa: PLC0415

        self.network = REGTEST
        self._salt = 0

    def make(self, plan: ChainPlan, parent: Chain | None) -> Chain:
        from headway.testing.chain import GENESIS, regtest_chain, regtest_headers  # noqa: PLC0415

        shared = list(parent.blocks[: plan.at]) if parent is not None else []
        tip = shared[-1] if shared else GENESIS
        blocks = [*shared, *regtest_chain(plan.length, salt=self._salt, parent=tip, sizes=plan.sizes)]
        self._salt += 1
        headers = regtest_headers(plan.headers_only, salt=self._salt, parent=blocks[-1] if blocks else GENESIS)
        return Chain(self.network, blocks, headers)


class _Neo:
    def __init__(self, generation: str) -> None:
        from headway.testing.neo_chain import NeoChain, neo_network, validators  # noqa: PLC0415

        first, second = validators(VALIDATORS), validators(VALIDATORS, salt=1)
        self.network = neo_network(generation, first)  # type: ignore[arg-type]
        self._maker = NeoChain
        self._signers = first, second
        self._salt = 0

    def make(self, plan: ChainPlan, parent: Chain | None) -> Chain:
        first, second = self._signers
        shared = list(parent.blocks[: plan.at]) if parent is not None else []
        changes = {50: second, 150: first}
        maker = self._maker(self.network, first, changes=changes, salt=self._salt, transactions=(0, 1))
        self._salt += 1
        return Chain(self.network, [*shared, *maker.blocks(plan.length, parent=shared[-1] if shared else b"")])


_MAKERS: dict[str, Callable[[], _Regtest | _Neo]] = {
    "regtest": _Regtest,
    "neo2": lambda: _Neo("neo2"),
    "neo3": lambda: _Neo("neo3"),
}
