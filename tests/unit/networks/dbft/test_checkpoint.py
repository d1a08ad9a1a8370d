"""A trusted start: what the user writes, and what the rules make of it."""

from __future__ import annotations

import pytest

from headway.errors import ConfigError
from headway.network import Network
from headway.networks.dbft.address import address_of
from headway.networks.dbft.checkpoint import Trusted
from headway.networks.dbft.consensus import next_consensus
from headway.networks.dbft.rules import DbftRules
from headway.testing.neo_chain import Generation, neo_network, validators
from headway.types import BlockId, hash_hex
from tests.neorun import GENERATIONS, ListBranch, judge, signed

HASH = bytes(range(32))
HEIRS = bytes(range(20))


def network_of(generation: Generation) -> Network:
    return neo_network(generation, validators(4))


def rules_of(network: Network) -> DbftRules:
    assert isinstance(network.rules, DbftRules)
    return network.rules


def trusting(network: Network, height: int, block_hash: bytes, heirs: bytes) -> DbftRules:
    return rules_of(network).trusting(f"{height}:{hash_hex(block_hash)}:{heirs[::-1].hex()}")


@pytest.fixture(params=GENERATIONS)
def network(request: pytest.FixtureRequest) -> Network:
    return network_of(request.param)


def test_the_tree_begins_at_the_trusted_block(network: Network) -> None:
    rules = trusting(network, 5, HASH, HEIRS)
    assert rules.root == BlockId(5, HASH)
    assert rules.genesis_block == b""
    assert len(rules.genesis) == rules.kept_size
    header = rules.parse_header(rules.genesis)
    assert (header.height, header.next_consensus, header.time, header.prev_hash) == (5, HEIRS, 0, bytes(32))
    assert rules_of(network).root.height == 0, "the network itself is as it was"


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_chain_goes_on_from_the_trusted_block_as_from_genesis(generation: Generation) -> None:
    chain = signed(generation, 6)
    start = chain.rules.parser.header(chain.headers[2])
    rules = trusting(network_of(generation), 3, start.hash, start.next_consensus)
    at = rules.context_at(4)
    assert at == rules.context(RootBranch(rules))
    found = judge(rules, chain.headers[3:], at)
    assert (found.accepted, found.refused, found.verdict.unchecked) == (3, {}, {})
    wrong = trusting(network_of(generation), 3, start.hash, HEIRS)
    assert judge(wrong, chain.headers[3:], wrong.context_at(4)).rule == "bad-witness-script"
    wrong = trusting(network_of(generation), 3, HASH, start.next_consensus)
    assert judge(wrong, chain.headers[3:], wrong.context_at(4)).rule == "bad-prevblk"


class RootBranch(ListBranch):
    """The tree's root alone: nobody hashes it, its hash is given."""

    def __init__(self, rules: DbftRules) -> None:
        super().__init__([rules.genesis], rules, rules.root.height)

    @property
    def hash(self) -> bytes:
        return self.rules.root.hash


def test_genesis_is_still_known_to_files_that_begin_there(network: Network) -> None:
    rules = trusting(network, 5, HASH, HEIRS)
    assert rules.context_at(0) == rules_of(network).context_at(0)
    assert rules.context_at(1) == rules_of(network).context_at(1)
    assert rules.context_at(2).hash is None


def test_it_is_written_as_height_hash_and_next_consensus(network: Network) -> None:
    version = rules_of(network).address_version
    for consensus in (address_of(HEIRS, version), HEIRS[::-1].hex(), "0x" + HEIRS[::-1].hex()):
        for digits in (hash_hex(HASH), "0x" + hash_hex(HASH)):
            rules = rules_of(network).trusting(f"5:{digits}:{consensus}")
            assert rules.trusted == Trusted(5, HASH, HEIRS)


def test_the_address_of_a_network_s_own_validators_is_understood() -> None:
    network = network_of("neo3")
    heirs = next_consensus(rules_of(network).dialect, validators(4).keys)
    text = f"5:{hash_hex(HASH)}:{address_of(heirs, rules_of(network).address_version)}"
    assert rules_of(network).trusting(text).trusted == Trusted(5, HASH, heirs)


H, N = hash_hex(HASH), HEIRS.hex()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is written HEIGHT:HASH:NEXT_CONSENSUS"),
        (f"5:{H}", "is written HEIGHT:HASH:NEXT_CONSENSUS"),
        (f"five:{H}:{N}", "'five' is not a height"),
        (f"-5:{H}:{N}", "'-5' is not a height"),
        (f"\u0665:{H}:{N}", "is not a height"),
        (f"{'9' * 5000}:{H}:{N}", "is not a height"),
        (f"0:{H}:{N}", "a height from 1 to 4294967295, not 0"),
        (f"4294967296:{H}:{N}", "a height from 1 to 4294967295"),
        (f"5:{H[:-1]}:{N}", "64 hex digits"),
        (f"5:{H}:{N[:-1]}", "neither an address nor 40 hex digits"),
        (f"5:{H}:{N}:1", "neither an address nor 40 hex digits"),
        (f"5:{H}:{address_of(HEIRS, 23)}", "an address of another chain"),
    ],
)
def test_every_mistake_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        rules_of(network_of("neo3")).trusting(text)
