"""The faulty store of a serving peer, and its process. Faults that end or hold a process are seen in `test_init`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headway.cli.demo import peer
from headway.cli.demo.family import FAMILIES
from headway.cli.demo.peer import Fault, FaultyStore, corrupted
from headway.network import BlockStatus
from headway.networks.bitcoin import REGTEST
from headway.store import Store
from headway.testing.chain import regtest_chain, store_chain
from headway.types import BlockRequest

CHAIN = list(regtest_chain(6))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    with Store.open(tmp_path, REGTEST) as store:
        list(store_chain(store, CHAIN))
    return tmp_path


def test_without_a_fault_every_block_is_as_it_was_stored(directory: Path) -> None:
    with FaultyStore.open(directory, REGTEST, readonly=True) as store:
        assert [store.get_block(position) for position in range(1, 7)] == CHAIN


def test_a_corrupting_store_changes_one_bit_of_one_block(directory: Path) -> None:
    with FaultyStore.open(directory, REGTEST, readonly=True) as store:
        store.fault, store.after = Fault.CORRUPT, 3
        read = [store.get_block(position) or b"" for position in range(1, 7)]
    assert [number for number in range(6) if read[number] != CHAIN[number]] == [3]
    changed = int.from_bytes(read[3], "big") ^ int.from_bytes(CHAIN[3], "big")
    assert changed.bit_count() == 1
    assert len(read[3]) == len(CHAIN[3])


@pytest.mark.parametrize("name", FAMILIES)
def test_on_every_chain_a_corrupted_block_is_a_bad_copy_of_a_good_one(name: str) -> None:
    family = FAMILIES[name]()
    parser, rules = family.network.codec.parser, family.network.rules
    for height, raw in enumerate(family.make(5), 1):
        request = BlockRequest(parser.block_header(raw), height)
        verdict = rules.verify_block(request, None, corrupted(raw, parser))
        assert verdict.status is BlockStatus.MUTATED
        assert "root" in verdict.rule


def test_a_block_that_is_not_there_cannot_be_corrupted(directory: Path) -> None:
    with FaultyStore.open(directory, REGTEST, readonly=True) as store:
        store.fault = Fault.CORRUPT
        assert store.get_block(99) is None


def test_a_process_says_where_it_listens_and_ends_when_its_stdin_does(directory: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", peer.__name__, str(directory), "bitcoin", "stall", "0"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        host, _, port = process.stdout.readline().strip().rpartition(":")
        assert host == "127.0.0.1"
        assert 0 < int(port) < 65_536
        process.stdin.close()
        assert process.wait(60) == 0
