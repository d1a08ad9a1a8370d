"""What users may write for a block or a place in a chain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.peer.questions import block_request, locator
from headway.types import UNKNOWN_HEIGHT, BlockId, BlockRequest
from tests.toynet import GENESIS, PARSER, TOYNET, toy_chain

HASH = bytes(range(32))
HEADER = PARSER.block_header(toy_chain(1)[0])


@pytest.mark.parametrize(
    ("wanted", "request_"),
    [
        (HASH, BlockRequest(None, UNKNOWN_HEIGHT, hash=HASH)),
        (BlockId(7, HASH), BlockRequest(None, 7, hash=HASH)),
        (HEADER, BlockRequest(HEADER)),
        (BlockRequest(HEADER, 1, 1), BlockRequest(HEADER, 1, 1)),
    ],
    ids=["hash", "id", "header", "request"],
)
def test_block_request_keeps_all_that_is_known(wanted: object, request_: BlockRequest) -> None:
    assert block_request(wanted) == request_  # type: ignore[arg-type]  # one of each kind


def test_locator_is_of_one_block_or_as_it_was_given() -> None:
    assert locator(GENESIS, TOYNET) == (GENESIS,)
    assert locator(HASH, TOYNET) == (BlockId(UNKNOWN_HEIGHT, HASH),)
    assert locator((BlockId(1, HASH), GENESIS), TOYNET) == (BlockId(1, HASH), GENESIS)


def test_a_hash_that_the_network_knows_gets_its_height() -> None:
    network = replace(TOYNET, checkpoints=((70, HASH),))
    assert locator(GENESIS.hash, network) == (GENESIS,)
    assert locator(HASH, network) == (BlockId(70, HASH),)
