"""All rules at once: every real block and header of both generations, with its hash and its signatures."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from headway.kernel import merkle_root
from headway.network import BlockStatus, BlockVerdict
from headway.networks import neo2, neo3
from headway.networks.dbft.context import HeaderContext, after
from headway.networks.dbft.rules import DbftRules
from headway.networks.neo3.rules import Neo3Rules
from headway.types import UNKNOWN_HEIGHT, BlockRequest, hash_from_hex, hash_hex
from tests.data import read
from tests.neodata import chain, single_blocks, vectors
from tests.neorun import judge

UNIT_TEST_MAGIC = 42
VALID = BlockVerdict(BlockStatus.VALID)


@cache
def legacy_rules(name: str) -> DbftRules:
    network = vectors("legacy")["networks"][name]
    keys = tuple(bytes.fromhex(key) for key in network["standby_validators"])
    return rules_of(neo2.network_of(neo2.Neo2Params(name, network["magic"], 1, keys)))


@cache
def n3_rules(name: str, magic: int = 0) -> DbftRules:
    network = vectors("n3")["networks"][name]
    keys = tuple(bytes.fromhex(key) for key in network["standby_committee"][: network["validators_count"]])
    return rules_of(neo3.network_of(neo3.Neo3Params(name, magic or network["magic"], 1, keys)))


def rules_of(network: Any) -> DbftRules:
    assert isinstance(network.rules, DbftRules)
    return network.rules


def headers_of(rules: DbftRules, blocks: tuple[bytes, ...]) -> list[bytes]:
    return [rules.parser.block_header(raw).raw for raw in blocks]


CHAINS = [
    ("legacy-privnet-1-6000.acc.xz", lambda: legacy_rules("privnet_coz_4cn"), 1),
    ("legacy-privnet-single-0-1599.acc.xz", lambda: legacy_rules("privnet_single"), 0),
    ("n3-unittestnet-0-50.acc", lambda: n3_rules("privnet_4cn", UNIT_TEST_MAGIC), 0),
]
"""Name, rules, height of the first block."""


@pytest.mark.parametrize(("name", "rules_for", "first"), CHAINS, ids=[name for name, *_ in CHAINS])
def test_every_header_of_a_real_chain_is_accepted_and_proven(name: str, rules_for: Any, first: int) -> None:
    rules, blocks = rules_for(), chain(name)
    headers = headers_of(rules, blocks)
    found = judge(rules, headers, rules.context_at(first))
    assert (found.accepted, found.rule, found.refused) == (len(blocks), "", {})
    assert len(found.proven) == len(blocks) - (first == 0)
    shortcut = judge(rules, headers, rules.context_at(first), thorough=False)
    assert (shortcut.accepted, shortcut.proven, shortcut.refused) == (len(blocks), [len(blocks) - 1], {})
    assert shortcut.verdict.hashes == found.verdict.hashes == b"".join(rules.parser.header(raw).hash for raw in headers)


@pytest.mark.parametrize(("name", "rules_for", "first"), CHAINS, ids=[name for name, *_ in CHAINS])
def test_every_block_of_a_real_chain_is_valid(name: str, rules_for: Any, first: int) -> None:
    """Of the long one every tenth: all its signatures have been verified above, and blocks verify them again."""
    rules, blocks = rules_for(), chain(name)
    for index in range(0, len(blocks), 10 if len(blocks) > 5000 else 1):
        header = rules.parser.block_header(blocks[index])
        context = rules.context_at(first)
        if index:
            before = rules.parser.block_header(blocks[index - 1])
            context = after(before, before.hash)
        assert rules.verify_block(BlockRequest(header, first + index), context, blocks[index]) == VALID


def test_merkle_roots_of_all_real_blocks_are_right() -> None:
    """Those of the 6,000 without their signatures, and of the network that signs something else."""
    rules = legacy_rules("privnet_coz_4cn")
    for name in ("legacy-privnet-1-6000.acc.xz", "legacy-unittestnet-1-210.acc.xz"):
        for raw in chain(name):
            header = rules.parser.block_header(raw)
            content = rules.content(raw, header)
            assert content.fault is None
            assert merkle_root(b"".join(content.hashes))[0] == header.merkle_root


def test_the_chain_that_signs_something_else_links_and_its_first_witness_is_refused() -> None:
    rules, blocks = legacy_rules("privnet_coz_4cn"), chain("legacy-unittestnet-1-210.acc.xz")
    headers = [rules.parser.block_header(raw) for raw in blocks]
    assert all(later.prev_hash == earlier.hash for earlier, later in pairwise(headers))
    for thorough, refused in ((True, 0), (False, 0)):
        found = judge(rules, [header.raw for header in headers], rules.context_at(UNKNOWN_HEIGHT), thorough=thorough)
        assert (found.accepted, found.rule) == (refused, "bad-witness")
    verdict = rules.verify_block(BlockRequest(headers[0], 1), None, blocks[0])
    assert (verdict.status, verdict.rule) == (BlockStatus.MUTATED, "bad-witness")


NETWORKS = {
    "legacy-mainnet": lambda: rules_of(neo2.MAINNET),
    "legacy-testnet": lambda: rules_of(neo2.TESTNET),
    "n3-mainnet": lambda: rules_of(neo3.MAINNET),
    "n3-testnet": lambda: rules_of(neo3.TESTNET),
}


def test_every_single_block_of_the_public_networks_is_valid_by_its_own_script() -> None:
    seen = 0
    for entry, raw in (*single_blocks("legacy-"), *single_blocks("n3-")):
        rules = NETWORKS[entry["network"]]()
        header = rules.parser.block_header(raw)
        assert (hash_hex(header.hash), header.height) == (entry["hash"], entry["index"])
        assert header.next_consensus[::-1].hex() == entry["next_consensus"]
        seen += 1
        if header.height == 0:
            assert header.unsigned == rules.genesis
            continue
        found = judge(rules, [header.raw], rules.context_at(UNKNOWN_HEIGHT))
        assert (found.accepted, found.refused) == (1, {})
        assert set(found.verdict.unchecked) == {"link", "time", "next-consensus"}
        if entry["kind"] == "block":
            verdict = rules.verify_block(BlockRequest(header, header.height), None, raw)
            assert verdict == BlockVerdict(BlockStatus.VALID, unchecked=("next-consensus",))
    assert seen == 16


def test_five_of_seven_signed_mainnet_from_its_genesis_on() -> None:
    """Blocks 1 and 2 of Legacy follow genesis; block 1000 of N3 is signed by those whom genesis names."""
    rules = rules_of(neo2.MAINNET)
    blocks = [read("neo", f"legacy-mainnet-block-{height}.bin") for height in (1, 2)]
    found = judge(rules, headers_of(rules, tuple(blocks)), rules.context_at(1))
    assert (found.accepted, found.refused, found.verdict.unchecked) == (2, {}, {})
    rules = rules_of(neo3.MAINNET)
    raw = read("neo", "n3-mainnet-block-1000.bin")
    header = rules.parser.block_header(raw)
    heirs = rules.parse_header(rules.genesis).next_consensus
    context = HeaderContext(999, header.prev_hash, header.timestamp - 1, heirs)
    found = judge(rules, [header.raw], context)
    assert (found.accepted, found.refused, found.verdict.unchecked) == (1, {}, {})
    assert rules.verify_block(BlockRequest(header, 1000), context, raw) == VALID
    assert isinstance(rules, Neo3Rules)
    elsewhere = replace(rules, magic=b"N3T5")
    assert list(judge(elsewhere, [header.raw], context).refused) == [0]


def test_every_block_of_the_vectors_has_its_hash_and_is_valid() -> None:
    for generation, networks in (("legacy", legacy_names()), ("n3", n3_names())):
        for name, entry in vectors(generation)["blocks"].items():
            rules, raw = networks(name, entry), bytes.fromhex(entry["hex"])
            header = rules.parser.block_header(raw)
            assert header.hash == hash_from_hex(entry["hash"]), name
            context = rules.context_at(header.height) if header.height in {0, 1} else None
            verdict = rules.verify_block(BlockRequest(header, header.height), context, raw)
            assert verdict.status is BlockStatus.VALID, name


def legacy_names() -> Any:
    def find(name: str, entry: Any) -> DbftRules:
        del entry
        if name.startswith(("mainnet", "testnet")):
            return rules_of(neo2.MAINNET if name.startswith("mainnet") else neo2.TESTNET)
        return legacy_rules("privnet_single" if "single" in name else "privnet_coz_4cn")

    return find


def n3_names() -> Any:
    def find(name: str, entry: Any) -> DbftRules:
        return n3_rules("privnet_single" if "single" in name else "privnet_4cn", entry["magic"])

    return find
