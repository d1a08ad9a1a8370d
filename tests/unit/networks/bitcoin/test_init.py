"""The five networks as values: facts that users and peers rely on."""

from __future__ import annotations

import dataclasses
from hashlib import sha256

import pytest

from headway.network import Network
from headway.networks.bitcoin import MAINNET, REGTEST, SIGNET, TESTNET3, TESTNET4
from headway.types import Services
from headway.wire.messages import Verack

ALL = (MAINNET, TESTNET3, TESTNET4, SIGNET, REGTEST)


def test_each_network_announces_itself_by_its_magic_and_port() -> None:
    assert {network.name: (network.magic.hex(), network.port) for network in ALL} == {
        "bitcoin": ("f9beb4d9", 8333),
        "testnet3": ("0b110907", 18333),
        "testnet4": ("1c163f28", 48333),
        "signet": ("0a03cf40", 38333),
        "regtest": ("fabfb5da", 18444),
    }


def test_magic_of_signet_follows_from_its_challenge() -> None:
    """BIP325: the start of the hash of the length-prefixed challenge, a 1-of-2 multisignature of the default signet."""
    challenge = bytes.fromhex(
        "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430"
        "210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae"
    )
    prefixed = bytes([len(challenge)]) + challenge
    assert sha256(sha256(prefixed).digest()).digest()[:4] == SIGNET.magic


@pytest.mark.parametrize("network", ALL, ids=lambda network: network.name)
def test_codec_rules_and_limits_are_of_the_same_network(network: Network) -> None:
    frame = b"".join(bytes(chunk) for chunk in network.codec.open(inbound=False).encode(Verack()))
    assert frame.startswith(network.magic)
    assert network.rules.genesis == network.rules.genesis_block[:80]


def test_full_nodes_with_witness_are_required_everywhere() -> None:
    assert {network.required_services for network in ALL} == {Services.NETWORK | Services.WITNESS}


def test_only_regtest_believes_any_chain_and_has_no_seeds() -> None:
    assert {network.name for network in ALL if not network.minimum_chainwork} == {"regtest"}
    assert {network.name for network in ALL if not network.dns_seeds} == {"regtest"}


def test_low_work_headers_are_bounded_above_the_real_heights() -> None:
    assert {network.name: network.limits.max_low_work_headers for network in ALL} == {
        "bitcoin": 2_000_000,
        "testnet3": 10_000_000,
        "testnet4": 2_000_000,
        "signet": 2_000_000,
        "regtest": 2_000_000,
    }


def test_a_network_of_one_s_own_is_a_changed_copy() -> None:
    private = dataclasses.replace(REGTEST, name="private", port=1)
    assert (private.rules, private.port, REGTEST.port) == (REGTEST.rules, 1, 18444)
