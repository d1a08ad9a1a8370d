from __future__ import annotations

import pytest

from headway.networks.neo3.genesis import genesis_block
from headway.networks.neo3.parser import PARSER, Neo3Parser
from headway.types import hash_hex
from tests.data import read
from tests.neodata import vectors

HASHES = {
    "mainnet": "1f4d1defa46faa5e7b9b8d3f79a06bec777d7c26c4aa5f6f5899a291daa87c15",
    "testnet_T5": "9d3276785e7306daf59a3f3b9e31912c095598bbfb8a4476b821b0e59be4c57a",
    "privnet_4cn": "0f8fb4e17d2ab9f3097af75ca7fd16064160fb8043db94909e00dd4e257b9dc4",
    "privnet_single": "625b01600e23640e605f4faafafa7490eb1daece2d0db4c4572905de56c278fe",
}


def validators_of(name: str) -> list[bytes]:
    network = vectors("n3")["networks"][name]
    return [bytes.fromhex(key) for key in network["standby_committee"][: network["validators_count"]]]


@pytest.mark.parametrize("name", HASHES)
def test_genesis_has_the_hash_that_everybody_knows(name: str) -> None:
    assert hash_hex(PARSER.block_header(genesis_block(validators_of(name))).hash) == HASHES[name]


@pytest.mark.parametrize(
    ("name", "file"), [("mainnet", "n3-mainnet-block-0.bin"), ("testnet_T5", "n3-testnet-block-0.bin")]
)
def test_genesis_is_the_block_of_the_chain_byte_for_byte(name: str, file: str) -> None:
    assert genesis_block(validators_of(name)) == read("neo", file)


def test_with_a_state_root_it_has_32_zeros_more() -> None:
    keys = validators_of("mainnet")
    raw = genesis_block(keys, state_root=True)
    header = Neo3Parser(state_root=True).block_header(raw)
    assert header.prev_state_root == bytes(32)
    assert raw.replace(header.unsigned, b"") == genesis_block(keys)[109:]


def test_keys_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="not a"):
        genesis_block([bytes(33)])
    with pytest.raises(ValueError, match="0 keys"):
        genesis_block([])
