from __future__ import annotations

import pytest

from headway.network import Network
from headway.networks import network_named
from headway.networks.bitcoin.genesis import genesis_block
from headway.networks.bitcoin.transaction import Transaction
from headway.types import BlockRequest, hash_hex
from tests.data import read

HASHES = {
    "bitcoin": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "testnet3": "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
    "testnet4": "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
    "signet": "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
    "regtest": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
}


@pytest.fixture(params=HASHES)
def network(request: pytest.FixtureRequest) -> Network:
    return network_named(request.param)


def test_genesis_has_the_hash_that_everybody_knows(network: Network) -> None:
    assert hash_hex(network.rules.parse_header(network.rules.genesis).hash) == HASHES[network.name]


def test_genesis_block_passes_its_own_rules(network: Network) -> None:
    request = BlockRequest(network.rules.parse_header(network.rules.genesis), 0)
    assert network.rules.verify_block(request, None, network.rules.genesis_block).rule == ""


def test_genesis_of_mainnet_is_the_block_of_the_chain() -> None:
    """Byte for byte, behind magic and length."""
    start = read("bitcoin", "blocks", "mainnet-0-438.blk.dat.xz")[8 : 8 + 285]
    assert network_named("bitcoin").rules.genesis_block == start


def test_long_messages_are_pushed_behind_an_opcode() -> None:
    """As that of testnet4, which is longer than the pushes that have opcodes of their own."""
    for size in (75, 76):
        message = b"m" * size
        coinbase = Transaction.from_raw(genesis_block(0, 0, 0, message=message)[81:])
        push = bytes([size]) if size == 75 else b"\x4c" + bytes([size])
        assert coinbase.inputs[0].script == bytes.fromhex("04ffff001d0104") + push + message
