"""The sync as a whole: what goes in, what comes out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import pytest

from headway.chain.headers import HeaderTree
from headway.errors import InvalidBlock, InvalidHeader, MutatedBlock
from headway.network import BlockStatus, BlockVerdict, Network
from headway.peer.events import BlockReceived, HeadersReceived
from headway.sync.headers import AskHeaders
from headway.sync.output import (
    AskBlocks,
    Blame,
    BlocksDelivered,
    SyncOutput,
    TipMoved,
    VerifyBlock,
    WriteBlock,
    WriteHeaders,
    WriteInvalid,
)
from headway.sync.scheduler import Phase, SyncScheduler
from headway.types import BlockId, BlockRequest
from headway.wire.messages import Block
from tests.toynet import PARSER, TOYNET, toy_block, toy_chain, toy_hash, toy_headers, toy_requests

T = TypeVar("T")
NOW = 1_700_000_000.0
VALID = BlockVerdict(BlockStatus.VALID)


class Story:
    def __init__(self, *, floor: int | None = 0, peers: int = 1, network: Network = TOYNET) -> None:
        self.tree = HeaderTree(network)
        self.sync = SyncScheduler(network, self.tree, floor=floor, rng=random.Random(1))
        for peer in range(1, peers + 1):
            self.sync.peer_ready(peer)

    def outputs(self) -> list[SyncOutput]:
        self.sync.tick(0.0)
        return self.sync.take()

    def headers(self, peer: int, blocks: Sequence[bytes], request: int | None = 1) -> None:
        self.sync.headers_received(peer, HeadersReceived(toy_headers(blocks), request), NOW, 0.0)

    def block(self, peer: int, raw: bytes) -> None:
        self.sync.block_received(peer, BlockReceived(Block(raw, PARSER), toy_requests([raw])[0]), NOW, 0.0)

    def bring(self, peer: int, *blocks: bytes) -> list[SyncOutput]:
        """Blocks arrive, are found valid and stored."""
        seen = []
        for raw in blocks:
            self.block(peer, raw)
            for verify in [output for output in self.sync.take() if isinstance(output, VerifyBlock)]:
                self.sync.verified(verify.position, VALID)
                self.sync.stored(verify.position)
            seen += self.sync.take()
        return seen

    def phase(self) -> Phase:
        return self.sync.phase


def only(outputs: Sequence[object], kind: type[T]) -> list[T]:
    return [output for output in outputs if isinstance(output, kind)]


def test_headers_come_first_then_blocks_then_the_sync_is_current() -> None:
    blocks = toy_chain(3)
    story = Story()
    assert only(story.outputs(), AskHeaders)[0].peer == 1
    assert story.phase() is Phase.HEADERS
    story.headers(1, blocks)
    outputs = story.outputs()
    assert only(outputs, WriteHeaders) == [WriteHeaders(1, b"".join(block[:44] for block in blocks), 3)]
    assert only(outputs, TipMoved) == [TipMoved(BlockId(3, toy_hash(blocks[2])), 0)]
    assert [request.height for request in only(outputs, AskBlocks)[0].requests] == [1, 2, 3]
    assert story.phase() is Phase.BLOCKS
    story.bring(1, *blocks)
    assert story.phase() is Phase.CURRENT


def test_no_block_is_asked_while_headers_are_still_coming() -> None:
    story = Story(peers=2)
    story.outputs()
    story.headers(1, toy_chain(TOYNET.limits.max_headers))
    outputs = story.outputs()
    assert only(outputs, AskBlocks) == []
    assert only(outputs, AskHeaders)[0].locator[0].height == TOYNET.limits.max_headers
    story.sync.work(0.0)
    assert only(story.outputs(), AskBlocks) == []


def test_on_a_final_chain_blocks_are_asked_as_soon_as_there_are_headers() -> None:
    """No others replace them; and where silence means that there are no more, that takes its time to be heard."""
    rules = replace(TOYNET.rules, final=True)  # type: ignore[type-var]  # the protocol is a dataclass here
    story = Story(network=replace(TOYNET, rules=rules))
    assert only(story.outputs(), AskBlocks) == []
    story.headers(1, toy_chain(TOYNET.limits.max_headers))
    asked = only(story.outputs(), AskHeaders)
    story.sync.work(0.0)
    assert [request.height for request in only(story.outputs(), AskBlocks)[0].requests[:2]] == [1, 2]
    assert asked[0].locator[0].height == TOYNET.limits.max_headers
    assert story.phase() is Phase.HEADERS


def test_a_block_is_verified_then_stored_then_delivered_in_order() -> None:
    blocks = toy_chain(3)
    story = Story()
    story.outputs()
    story.headers(1, blocks)
    story.outputs()
    story.block(1, blocks[1])
    verify = only(story.outputs(), VerifyBlock)[0]
    assert (verify.peer, verify.request.height, verify.request.chainwork) == (1, 2, 3)
    story.sync.verified(verify.position, VALID)
    write = only(story.outputs(), WriteBlock)[0]
    assert (write.position, write.hash, write.raw) == (2, toy_hash(blocks[1]), blocks[1])
    story.sync.stored(write.position)
    assert only(story.outputs(), BlocksDelivered) == []
    delivered = only(story.bring(1, blocks[0]), BlocksDelivered)
    assert [block.height for block in delivered[0].connected] == [1, 2]


def test_a_mutated_block_blames_its_sender_and_is_asked_of_another() -> None:
    blocks = toy_chain(2)
    story = Story(peers=2)
    story.outputs()
    story.headers(1, blocks)
    story.outputs()
    story.headers(2, blocks[1:])
    story.outputs()
    story.block(1, blocks[0])
    position = only(story.outputs(), VerifyBlock)[0].position
    story.sync.verified(position, BlockVerdict(BlockStatus.MUTATED, "bad-check"))
    blame = only(story.outputs(), Blame)[0]
    assert isinstance(blame.error, MutatedBlock)
    assert (blame.peer, blame.error.rule, blame.error.block.height) == (1, "bad-check", 1)
    story.sync.peer_lost(1, 0.0)
    asked = {request.height for ask in only(story.outputs(), AskBlocks) for request in ask.requests}
    assert 1 in asked
    assert story.tree.is_valid(position)


def test_an_invalid_block_condemns_its_chain_and_another_is_followed() -> None:
    blocks, rival = toy_chain(3), toy_chain(2, salt=1)
    story = Story(peers=2)
    story.outputs()
    story.headers(1, blocks)
    story.outputs()
    story.headers(2, rival)
    story.outputs()
    story.block(1, blocks[0])
    position = only(story.outputs(), VerifyBlock)[0].position
    story.sync.verified(position, BlockVerdict(BlockStatus.INVALID, "bad-transaction"))
    outputs = story.outputs()
    assert isinstance(only(outputs, Blame)[0].error, InvalidBlock)
    assert only(outputs, WriteInvalid) == [WriteInvalid(toy_hash(blocks[0]))]
    assert only(outputs, TipMoved) == [TipMoved(BlockId(2, toy_hash(rival[1])), 3)]
    assert [request.hash for request in only(outputs, AskBlocks)[0].requests] == [toy_hash(block) for block in rival]


def test_after_a_bad_block_everybody_is_asked_for_what_is_best_now() -> None:
    blocks = toy_chain(3)
    story = Story(peers=2)
    story.outputs()
    story.headers(1, blocks)
    story.outputs()
    story.headers(2, [])
    story.outputs()
    assert story.sync.headers.all_heard
    story.block(1, blocks[1])
    position = only(story.outputs(), VerifyBlock)[0].position
    story.sync.verified(position, BlockVerdict(BlockStatus.INVALID, "bad-transaction"))
    asked = only(story.outputs(), AskHeaders)
    assert [(ask.peer, ask.locator[0].height) for ask in asked] == [(1, 0), (2, 0)]
    assert not story.sync.headers.all_heard


def test_invalid_headers_blame_their_sender_and_leave_nothing() -> None:
    story = Story()
    story.outputs()
    blocks = toy_chain(2)
    story.headers(1, [*blocks, toy_block(toy_hash(blocks[1]), 5)])
    outputs = story.outputs()
    assert isinstance(only(outputs, Blame)[0].error, InvalidHeader)
    assert only(outputs, WriteHeaders) == []
    assert len(story.tree) == 1


def test_a_reorganisation_is_followed_once_its_blocks_are_here() -> None:
    blocks = toy_chain(4)
    rival = toy_chain(3, salt=1, parent=blocks[1])
    story = Story()
    story.outputs()
    story.headers(1, blocks)
    story.outputs()
    story.bring(1, *blocks)
    story.headers(1, rival, request=None)
    outputs = story.outputs()
    assert only(outputs, TipMoved)[0].disconnected == 2
    assert [request.height for request in only(outputs, AskBlocks)[0].requests] == [3, 4, 5]
    moved = only(story.bring(1, *rival), BlocksDelivered)
    assert [block.height for block in moved[0].disconnected] == [4, 3]
    assert [block.hash for block in moved[0].connected] == [toy_hash(block) for block in rival]
    assert story.phase() is Phase.CURRENT


def test_headers_only_asks_for_no_block() -> None:
    story = Story(floor=None)
    story.outputs()
    story.headers(1, toy_chain(5))
    assert only(story.outputs(), AskBlocks) == []
    assert story.phase() is Phase.CURRENT
    story.block(1, toy_chain(1)[0])
    assert only(story.outputs(), VerifyBlock) == []


def test_blocks_wanted_later_are_brought_from_there_on() -> None:
    story = Story(floor=None)
    story.outputs()
    story.headers(1, toy_chain(5))
    story.outputs()
    story.sync.want_blocks(4)
    assert [request.height for request in only(story.outputs(), AskBlocks)[0].requests] == [4, 5]


def test_an_announced_block_that_we_know_shows_how_far_the_peer_is() -> None:
    blocks = toy_chain(5)
    story = Story(peers=2)
    story.outputs()
    story.headers(1, blocks)
    story.sync.peer_lost(1, 0.0)
    story.outputs()
    story.sync.headers_received(2, HeadersReceived(toy_headers([]), 1, fenced=True), NOW, 0.0)
    assert only(story.outputs(), AskBlocks) == []
    story.sync.block_announced(2, toy_hash(blocks[3]))
    assert [request.height for request in only(story.outputs(), AskBlocks)[0].requests] == [1, 2, 3, 4]


def test_an_announced_block_that_we_do_not_know_is_asked_about() -> None:
    story = Story()
    story.outputs()
    story.headers(1, toy_chain(2))
    story.outputs()
    story.sync.block_announced(1, b"?" * 32)
    assert only(story.outputs(), AskHeaders)[0].peer == 1


def test_what_a_lost_peer_still_says_is_ignored() -> None:
    story = Story()
    story.sync.peer_lost(1, 0.0)
    story.headers(1, toy_chain(2))
    story.sync.block_announced(1, b"?" * 32)
    story.sync.blocks_not_found(1, toy_requests(toy_chain(1)), 0.0)
    assert story.outputs() == []
    assert len(story.tree) == 1


def test_an_announced_block_brings_its_header_and_is_asked_for_as_any_other() -> None:
    story, blocks = Story(), toy_chain(3)
    story.outputs()
    story.headers(1, blocks[:2])
    story.outputs()
    wanted = BlockRequest(None, hash=toy_hash(blocks[2]))
    story.sync.block_received(1, BlockReceived(Block(blocks[2], PARSER), wanted), NOW, 0.0)
    seen = story.outputs()
    assert only(seen, TipMoved) == [TipMoved(BlockId(3, toy_hash(blocks[2])), 0)]
    assert story.tree.tip.height == 3
    assert only(seen, VerifyBlock) == []


def test_a_block_that_the_store_has_lost_is_asked_for_again_and_nothing_else_is() -> None:
    blocks = toy_chain(4)
    story = Story()
    story.outputs()
    story.headers(1, blocks)
    story.outputs()
    story.bring(1, *blocks)
    assert story.phase() is Phase.CURRENT
    story.sync.chain.forget(2)
    story.sync.reconsider()
    assert story.phase() is Phase.BLOCKS
    asked = only(story.outputs(), AskBlocks)
    assert [request.height for ask in asked for request in ask.requests] == [2]
    assert only(story.bring(1, blocks[1]), BlocksDelivered) == []
    assert story.phase() is Phase.CURRENT


def test_blocks_that_the_store_has_found_are_delivered_and_not_asked_for() -> None:
    blocks = toy_chain(4)
    story = Story()
    story.outputs()
    story.headers(1, blocks)
    for position in (1, 2, 4):
        story.sync.chain.mark(position)
    story.sync.reconsider()
    outputs = story.outputs()
    assert [[block.height for block in moved.connected] for moved in only(outputs, BlocksDelivered)] == [[1, 2]]
    assert [request.height for ask in only(outputs, AskBlocks) for request in ask.requests] == [3]


@pytest.mark.parametrize("status", [BlockStatus.MUTATED, BlockStatus.INVALID])
def test_a_block_that_we_put_together_wrongly_blames_nobody_and_is_asked_for_again(status: BlockStatus) -> None:
    blocks = toy_chain(1)
    story = Story()
    story.outputs()
    story.headers(1, blocks)
    story.outputs()
    block = replace(Block(blocks[0], TOYNET.codec.parser), is_assembled=True)
    request = story.tree.request(1)
    story.sync.block_received(1, BlockReceived(block, request), 0.0, 0.0)
    position = only(story.outputs(), VerifyBlock)[0].position
    story.sync.verified(position, BlockVerdict(status, "bad-check"))
    outputs = story.outputs()
    assert only(outputs, Blame) == []
    assert [each.hash for ask in only(outputs, AskBlocks) for each in ask.requests] == [request.hash]
    assert story.tree.is_valid(position)
