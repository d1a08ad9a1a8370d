"""The families of the demo: each makes a chain that its network's rules find valid, and tells the truth about it."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice

import pytest

from headway.cli.demo.family import FAMILIES, Family
from headway.network import BlockStatus
from headway.networks.dbft.rules import DbftRules
from headway.types import BlockRequest


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Family:
    return FAMILIES[request.param]()


def test_a_family_has_the_name_by_which_it_is_loaded(family: Family) -> None:
    assert FAMILIES[family.name]().network.name == family.network.name


def test_blocks_are_valid_and_the_same_every_time(family: Family) -> None:
    blocks = list(family.make(6))
    assert list(islice(family.make(6), 6)) == blocks
    rules = family.network.rules
    for height, raw in enumerate(blocks, 1):
        header = family.network.codec.parser.block_header(raw)
        verdict = rules.verify_block(BlockRequest(header, height), None, raw)
        assert verdict.status is BlockStatus.VALID, verdict


def test_blocks_have_about_the_size_that_is_told(family: Family) -> None:
    blocks = list(family.make(60))
    assert sum(map(len, blocks)) / len(blocks) == pytest.approx(family.block_size, rel=0.25)


@pytest.mark.parametrize("name", ["neo3", "neo2"])
def test_validators_of_neo_change_once_and_half_way(name: str) -> None:
    family = FAMILIES[name]()
    rules = family.network.rules
    assert isinstance(rules, DbftRules)
    headers = [rules.parser.block_header(raw) for raw in family.make(8)]
    scripts = [header.verification for header in headers]
    assert len(set(scripts[:4])) == len(set(scripts[4:])) == 1
    assert scripts[0] != scripts[-1]


def test_the_names_are_there_without_any_chain_being_loaded() -> None:
    program = "import sys, headway.cli.demo.family; print([m for m in sys.modules if m.startswith('headway.n')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
