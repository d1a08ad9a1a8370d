"""What is Neo N3's own: the version, the proposer, the magic under each signature, and state roots in headers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.network import BlockStatus
from headway.networks.neo3.rules import Neo3Rules
from headway.testing.neo_chain import NeoChain, neo_network, validators
from headway.types import ZERO_HASH, BlockRequest
from tests.neorun import Signed, judge, signed

PRIMARY_AT = 88


@pytest.fixture(scope="module")
def chain() -> Signed:
    return signed("neo3", 6)


def rules_of(chain: Signed) -> Neo3Rules:
    assert isinstance(chain.rules, Neo3Rules)
    return chain.rules


@pytest.mark.parametrize("thorough", [True, False])
def test_there_is_only_version_0(chain: Signed, thorough: bool) -> None:
    headers = [*chain.headers[:2], chain.resigned(3, 0, b"\x01\x00\x00\x00"), *chain.headers[3:]]
    found = judge(chain.rules, headers, chain.context(1), thorough=thorough)
    assert (found.accepted, found.rule) == (2, "bad-version")


@pytest.mark.parametrize("thorough", [True, False])
def test_the_proposer_is_one_of_the_validators(chain: Signed, thorough: bool) -> None:
    for primary, accepted in ((3, 1), (4, 0), (255, 0)):
        header = chain.resigned(3, PRIMARY_AT, bytes([primary]))
        found = judge(chain.rules, [header], chain.context(3), thorough=thorough)
        assert (found.accepted, found.rule) == (accepted, "" if accepted else "bad-primary")


def test_a_signature_holds_under_its_own_magic_alone(chain: Signed) -> None:
    other = replace(rules_of(chain), magic=b"\x2b\x00\x00\x00")
    found = judge(other, chain.headers, chain.context(1))
    assert (found.accepted, sorted(found.refused)) == (6, [0, 1, 2, 3, 4, 5])
    assert other.verify_block(chain.request(3), chain.context(3), chain.blocks[2]).rule == "bad-witness"


def test_a_block_may_be_empty() -> None:
    empty = signed("neo3", 2, transactions=(0, 0))
    assert empty.rules.parser.block_header(empty.blocks[0]).merkle_root == ZERO_HASH
    verdict = empty.rules.verify_block(empty.request(1), empty.context(1), empty.blocks[0])
    assert verdict.status is BlockStatus.VALID


def test_headers_with_a_state_root_are_hashed_and_signed_with_it() -> None:
    signers = validators(4)
    network = neo_network("neo3", signers, state_root=True)
    made = NeoChain(network, signers)
    chain = Signed("neo3", made.rules, signers, list(made.blocks(4)))
    assert chain.rules.kept_size == 141
    assert len(chain.rules.genesis) == 141
    found = judge(chain.rules, chain.headers, chain.context(1))
    assert (found.accepted, found.refused) == (4, {})
    for height, raw in enumerate(chain.blocks, 1):
        request = BlockRequest(chain.rules.parser.block_header(raw), height)
        assert chain.rules.verify_block(request, chain.context(height), raw).status is BlockStatus.VALID
    changed = bytearray(chain.headers[3])
    changed[140] ^= 1
    assert list(judge(chain.rules, [bytes(changed)], chain.context(4)).refused) == [0]


@pytest.mark.parametrize("state_root", [False, True])
def test_a_blank_header_says_what_is_known_and_no_more(state_root: bool) -> None:
    rules = neo_network("neo3", validators(1), state_root=state_root).rules
    assert isinstance(rules, Neo3Rules)
    header = rules.parser.header(rules.blank_header(0x01020304, bytes(range(20))))
    assert (header.height, header.next_consensus) == (0x01020304, bytes(range(20)))
    assert (header.version, header.prev_hash, header.merkle_root, header.timestamp) == (0, ZERO_HASH, ZERO_HASH, 0)
    assert (header.nonce, header.primary_index, header.prev_state_root) == (0, 0, bytes(32 * state_root))
