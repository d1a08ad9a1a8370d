"""The checkpoints of the main chain, against the chain."""

from __future__ import annotations

import json
from itertools import pairwise

from headway.networks.bitcoin import MAINNET, REGTEST, SIGNET, TESTNET3, TESTNET4
from headway.networks.bitcoin.checkpoints import mainnet
from tests.data import read


def test_checkpoints_are_evenly_spaced_and_none_comes_twice() -> None:
    points = mainnet()
    heights = [height for height, _ in points]
    assert heights[0] == 8_063
    assert {after - before for before, after in pairwise(heights)} == {8_064}
    assert len({block for _, block in points}) == len(points) == 118
    assert all(len(block) == 32 and block[-8:] == bytes(8) for _, block in points[40:])


def test_the_main_network_alone_has_them() -> None:
    assert MAINNET.checkpoints == mainnet()
    assert [network.checkpoints for network in (TESTNET3, TESTNET4, SIGNET, REGTEST)] == [()] * 4


def test_the_headers_after_them_name_them() -> None:
    """The first header of each difficulty period, as far as the data goes."""
    records = read("bitcoin", "mainnet-retarget-headers.bin.xz")
    headers = {
        int.from_bytes(records[at : at + 4], "little"): MAINNET.rules.parse_header(records[at + 4 : at + 84])
        for at in range(0, len(records), 84)
    }
    known = [(height, block) for height, block in mainnet() if height + 1 in headers]
    assert len(known) == 109
    assert all(headers[height + 1].prev_hash == block for height, block in known)


def test_they_are_those_of_their_source() -> None:
    source = json.loads(read("bitcoin", "checkpoints-electrum-mainnet.json"))
    assert [block[::-1].hex() for _, block in mainnet()] == [shown for shown, _ in source[3::4]]
