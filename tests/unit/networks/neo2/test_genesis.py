from __future__ import annotations

import pytest

from headway.networks.neo2.genesis import genesis_block
from headway.networks.neo2.parser import PARSER
from headway.types import hash_hex
from tests.neodata import vectors

HASHES = {
    "mainnet": "d42561e3d30e15be6400b6df2f328e02d2bf6354c41dce433bc57687c82144bf",
    "testnet": "b3181718ef6167105b70920e4a8fbbd0a0a56aacf460d70e10ba6fa1668f1fef",
    "privnet_coz_4cn": "996e37358dc369912041f966f8c5d8d3a8255ba5dcbd3447f8a82b55db869099",
    "privnet_single": "dcc84c9d9c48f4095021455248d33ffd1a1b34b7fb82056274d146fee8e0b3d5",
}


def genesis_of(name: str) -> bytes:
    return genesis_block([bytes.fromhex(key) for key in vectors("legacy")["networks"][name]["standby_validators"]])


@pytest.mark.parametrize("name", HASHES)
def test_genesis_has_the_hash_that_everybody_knows(name: str) -> None:
    assert hash_hex(PARSER.block_header(genesis_of(name)).hash) == HASHES[name]


def test_genesis_is_the_block_of_the_chain_byte_for_byte() -> None:
    blocks = vectors("legacy")["blocks"]
    assert genesis_of("mainnet").hex() == blocks["mainnet_0"]["hex"]
    assert genesis_of("privnet_single").hex() == blocks["privnet_single_0"]["hex"]


def test_the_assets_have_the_ids_that_everybody_knows() -> None:
    """NEO and GAS are named by the hashes of the transactions that registered them."""
    miner, share, coin, issue = PARSER.transactions(genesis_of("mainnet"))
    assert hash_hex(share.txid) == "c56f33fc6ecfcd0c225c4ab356fee59390af8560be0e930faebe74a6daff7c9b"
    assert hash_hex(coin.txid) == "602c79718b16e442de58778e148d0b1084e3b2dffd5de6b7b16cee7969282de7"
    assert [each.type for each in (miner, share, coin, issue)] == [0x00, 0x40, 0x40, 0x01]
    assert [(each.asset, each.value) for each in issue.outputs] == [(share.txid, 10**16)]


def test_the_order_of_the_validators_does_not_matter() -> None:
    keys = [bytes.fromhex(key) for key in vectors("legacy")["networks"]["mainnet"]["standby_validators"]]
    assert genesis_block(keys[::-1]) == genesis_block(keys)


def test_keys_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="not a"):
        genesis_block([bytes(33)])
    with pytest.raises(ValueError, match="0 keys"):
        genesis_block([])
