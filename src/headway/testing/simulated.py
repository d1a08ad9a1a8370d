"""Runs of the simulator: its scenarios with chains that are made on the spot.

    outcome = simulate("stallers", seed=7)

`headway.sim` is pure and takes its chains from whoever has them; here they are made by `chain` and `neo_chain`, what is
wrong with them by `faulty` and `faulty_neo`, and they are kept for the next run of the process. Called by
`headway simulate`, the fixture `simnet` and the tests.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol
from zlib import crc32

from headway.sim.chain import Chain
from headway.sim.scenario import ChainPlan, Families, Outcome, Run, Scenario
from headway.sim.scenarios import SCENARIOS
from headway.sim.simulation import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from headway.network import Network
    from headway.testing.neo_chain import Generation
    from headway.types import Height

ANOTHER_GENESIS: Final = "another genesis"
"""The fault of a chain: nothing in it is of this network, though its peers speak as if it were."""
ANOTHER_MAGIC: Final = "another magic"
"""The same, and they speak so."""
CHANGES: Final = (50, 150)
"""Heights of a chain of Neo whose blocks name other validators."""


def simulate(scenario: str | Scenario, seed: int, *, trace: Callable[[str], None] | None = None) -> Outcome:
    """Play a scenario (by its name, or one of your own). Raises `sim.invariants.Broken` where something gave way."""
    return run_of(scenario, seed, trace=trace).play()


def run_of(scenario: str | Scenario, seed: int, *, trace: Callable[[str], None] | None = None) -> Run:
    """The run, not yet played: for those who want to look around in it afterwards."""
    if isinstance(scenario, str):
        scenario = SCENARIOS[scenario]
    network, chains = cast_chains(scenario.family, tuple(scenario.chains.items()), validators=scenario.validators)
    return Run(scenario, network, chains, seed=seed, trace=trace)


def cast_chains(
    family: Families, plans: tuple[tuple[str, ChainPlan], ...], *, validators: int = 1
) -> tuple[Network, Mapping[str, Chain]]:
    """A network of that family, and the chains on it: those of equal plans are the same, whatever the scenario."""
    by_name = dict(plans)
    chains = {name: _made(family, validators, _lineage(by_name, name)) for name in by_name}
    return _maker(family, validators).network, chains


def _lineage(plans: Mapping[str, ChainPlan], name: str) -> tuple[tuple[str, ChainPlan], ...]:
    """The plan of a chain behind those from which it forks off."""
    plan = plans[name]
    return (*(_lineage(plans, plan.of) if plan.of else ()), (name, plan))


@cache
def _made(family: Families, validators: int, lineage: tuple[tuple[str, ChainPlan], ...]) -> Chain:
    parent = _made(family, validators, lineage[:-1]) if len(lineage) > 1 else None
    return _maker(family, validators).make(lineage[-1][1], parent, crc32(repr(lineage).encode()))


@cache
def _maker(family: Families, validators: int) -> _Maker:
    return _Regtest() if family == "regtest" else _Neo(family, validators)


class _Maker(Protocol):
    network: Network

    def make(self, plan: ChainPlan, parent: Chain | None, salt: int) -> Chain: ...


class _Regtest:
    def __init__(self) -> None:
        from headway.networks.bitcoin import REGTEST  # noqa: PLC0415

        self.network = REGTEST

    def make(self, plan: ChainPlan, parent: Chain | None, salt: int) -> Chain:
        from headway.testing.chain import GENESIS  # noqa: PLC0415

        if plan.fault in {ANOTHER_GENESIS, ANOTHER_MAGIC}:
            return self._foreign(plan, salt)
        blocks = list(parent.blocks[: plan.at]) if parent is not None else []
        headers = parent.raw_headers[len(blocks) : plan.at] if parent is not None else []
        if not headers:
            blocks += self._blocks(plan, blocks[-1] if blocks else GENESIS, plan.at, salt)
        top, *_ = [*headers[-1:], *blocks[-1:], GENESIS]
        headers += self._headers(plan, top, salt)
        return _chain(self.network, plan, blocks, headers)

    @staticmethod
    def _headers(plan: ChainPlan, parent: bytes, salt: int) -> Iterator[bytes]:
        """Those without blocks."""
        from headway.testing.chain import regtest_headers  # noqa: PLC0415
        from headway.testing.faulty import faulty_header  # noqa: PLC0415

        height = plan.at + plan.length
        top = height + plan.headers_only
        while height < top:
            for header in regtest_headers(top - height, salt=salt, parent=parent):
                height += 1
                parent = faulty_header(header, plan.fault) if plan.fault and height == plan.fault_at else header
                yield parent
                if parent is not header:
                    break

    def _blocks(self, plan: ChainPlan, parent: bytes, height: Height, salt: int) -> Iterator[bytes]:
        from headway.testing.chain import regtest_chain  # noqa: PLC0415

        top = height + plan.length
        while height < top:
            for block in regtest_chain(top - height, salt=salt, parent=parent, sizes=plan.sizes, height=height):
                height += 1
                parent = self._changed(block, plan, height)
                yield parent
                if parent is not block:
                    break

    @staticmethod
    def _changed(block: bytes, plan: ChainPlan, height: Height) -> bytes:
        from headway.testing.faulty import dated, faulty_block  # noqa: PLC0415

        if plan.fault and height == plan.fault_at:
            return faulty_block(block, plan.fault)
        if plan.dated is not None and height == plan.at + plan.length:
            return dated(block, int(EPOCH + plan.dated))
        return block

    def _foreign(self, plan: ChainPlan, salt: int) -> Chain:
        from headway.networks.bitcoin import SIGNET, BitcoinRules  # noqa: PLC0415
        from headway.testing.chain import regtest_headers  # noqa: PLC0415
        from headway.testing.faulty import dated  # noqa: PLC0415

        rules = self.network.rules
        assert isinstance(rules, BitcoinRules), "it is regtest"
        genesis = dated(rules.genesis_block, int.from_bytes(rules.genesis[68:72], "little") + 1)
        network = replace(self.network, rules=replace(rules, params=replace(rules.params, genesis_block=genesis)))
        if plan.fault == ANOTHER_MAGIC:
            network = replace(network, codec=SIGNET.codec, magic=SIGNET.magic)
        headers = regtest_headers(plan.length, salt=salt, parent=genesis)
        return Chain(network, [], headers, valid_headers=0, valid_blocks=0)


class _Neo:
    def __init__(self, generation: Generation, count: int) -> None:
        from headway.testing.neo_chain import neo_network, validators  # noqa: PLC0415

        self._generation = generation
        self._first, self._second = validators(count), validators(count, salt=1)
        self._strangers = validators(count, salt=2)
        self.network = neo_network(self._generation, self._first)

    def make(self, plan: ChainPlan, parent: Chain | None, salt: int) -> Chain:
        from headway.testing.faulty_neo import WITNESS_FAULTS  # noqa: PLC0415
        from headway.testing.neo_chain import MAGIC, NeoChain, neo_network  # noqa: PLC0415

        if plan.fault in {ANOTHER_GENESIS, ANOTHER_MAGIC}:
            magic = MAGIC + (plan.fault == ANOTHER_MAGIC)
            network = neo_network(self._generation, self._strangers, magic=magic)
            blocks = list(NeoChain(network, self._strangers, salt=salt).blocks(plan.length))
            return Chain(network, blocks, valid_headers=0, valid_blocks=0)
        changes = dict(zip(CHANGES, (self._second, self._first), strict=True))
        maker = NeoChain(self.network, self._first, changes=changes, salt=salt, transactions=(0, 1))
        blocks = list(parent.blocks[: plan.at]) if parent is not None else []
        for height in range(plan.at + 1, plan.at + plan.length + 1):
            (block,) = maker.blocks(1, parent=blocks[-1] if blocks else b"")
            is_bad = height == plan.fault_at or (plan.fault in WITNESS_FAULTS and height > plan.fault_at)
            blocks.append(self._with_fault(block, plan.fault) if is_bad else block)
        return _chain(self.network, plan, blocks, ())

    def _with_fault(self, block: bytes, fault: str) -> bytes:
        from headway.networks.dbft.rules import DbftRules  # noqa: PLC0415
        from headway.testing.faulty_neo import faulty_neo_block  # noqa: PLC0415
        from headway.testing.neo_chain import script_of  # noqa: PLC0415

        rules = self.network.rules
        assert isinstance(rules, DbftRules), "it is a network of Neo"
        script = rules.parser.block_header(block).verification
        signers = next(each for each in (self._first, self._second) if script_of(rules, each) == script)
        return faulty_neo_block(rules, block, fault, signers)


BLOCK_FAULTS: Final = frozenset(
    {"bad-cb-height", "bad-txns-nonfinal", "bad-txns-vout-toolarge", "duplicate-transaction"}
)
"""Faults behind a good header."""


def _chain(network: Network, plan: ChainPlan, blocks: list[bytes], headers: Iterable[bytes]) -> Chain:
    last_good = plan.fault_at - 1 if plan.fault else None
    return Chain(
        network,
        blocks,
        headers,
        valid_headers=None if plan.fault in BLOCK_FAULTS else last_good,
        valid_blocks=last_good,
    )
