"""Single blocks on demand: who is asked, in what order, and when there is no hope."""

from __future__ import annotations

import random

import pytest

from headway.chain.headers import HeaderTree
from headway.errors import InvalidBlock, LocalProtocolError, MutatedBlock
from headway.network import BlockStatus, BlockVerdict
from headway.peer.events import BlockReceived, HeadersReceived
from headway.sync.fetch import MAX_ROUNDS, MAX_WISHES, PATIENCE, PAUSE
from headway.sync.output import AskBlocks, Blame, JudgeBlock, SyncOutput, WriteBlock
from headway.sync.scheduler import SyncScheduler
from headway.wire.messages import Block
from tests.toynet import PARSER, TOYNET, toy_chain, toy_headers, toy_requests

NOW = 1_700_000_000.0
CHAIN = toy_chain(30)
VALID, MUTATED = BlockVerdict(BlockStatus.VALID), BlockVerdict(BlockStatus.MUTATED, "merkle-root")
INVALID = BlockVerdict(BlockStatus.INVALID, "too-late")


class Story:
    """Peers that have shown a chain, and a node that brings no blocks by itself."""

    def __init__(self, *keeps: int | None, chain: list[bytes] = CHAIN) -> None:
        self.now = 0.0
        self.sync = SyncScheduler(TOYNET, HeaderTree(TOYNET), floor=None, rng=random.Random(1))
        self.fetches = self.sync.fetches
        for peer, each in enumerate(keeps, 1):
            self.sync.peer_ready(peer, keeps=each)
            self.sync.headers_received(peer, HeadersReceived(toy_headers(chain), None), NOW, self.now)
        self.outputs()

    def outputs(self, later: float = 0.0) -> list[SyncOutput]:
        self.now += later
        self.sync.tick(self.now)
        return self.sync.take()

    def asked(self, later: float = 0.0) -> list[tuple[int, int]]:
        """Peer and height of each question since the last time."""
        found = [output for output in self.outputs(later) if isinstance(output, AskBlocks)]
        return [(ask.peer, request.height) for ask in found for request in ask.requests]

    def bring(self, peer: int, height: int, verdict: BlockVerdict, raw: bytes | None = None) -> list[SyncOutput]:
        raw = CHAIN[height - 1] if raw is None else raw
        request = toy_requests([CHAIN[height - 1]])[0]
        self.sync.block_received(peer, BlockReceived(Block(raw, PARSER), request), NOW, self.now)
        found = self.outputs()
        for judge in [output for output in found if isinstance(output, JudgeBlock)]:
            assert (judge.position, judge.raw) == (height, raw)
            self.fetches.judged(judge.position, judge.raw, verdict)
        return self.outputs()

    def refuse(self, peer: int, height: int) -> None:
        self.sync.blocks_not_found(peer, toy_requests([CHAIN[height - 1]]), self.now)


def test_a_block_is_asked_of_one_peer_judged_and_given_and_is_stored_nowhere() -> None:
    story = Story(None)
    story.fetches.want(7)
    assert story.asked() == [(1, 7)]
    outputs = story.bring(1, 7, VALID)
    found = story.fetches.found(7)
    assert isinstance(found, Block)
    assert bytes(found) == CHAIN[6]
    assert not [output for output in outputs if isinstance(output, WriteBlock | Blame)]
    story.fetches.release(7)
    assert len(story.fetches) == 0
    assert story.asked(PATIENCE) == []


def test_who_wants_the_same_block_shares_the_answer() -> None:
    story = Story(None)
    for _ in range(2):
        story.fetches.want(7)
    assert story.asked() == [(1, 7)]
    story.bring(1, 7, VALID)
    story.fetches.release(7)
    assert isinstance(story.fetches.found(7), Block)


def test_several_blocks_are_asked_of_several_peers() -> None:
    story = Story(None, None, None)
    for height in range(1, 7):
        story.fetches.want(height)
    asked = story.asked()
    assert sorted(height for _, height in asked) == [1, 2, 3, 4, 5, 6]
    assert sorted(peer for peer, _ in asked) == [1, 1, 2, 2, 3, 3]


def test_who_brings_nothing_has_a_second_peer_beside_him_and_the_first_answer_counts() -> None:
    story = Story(None, None)
    story.fetches.want(7)
    [(first, _)] = story.asked()
    assert story.asked(PATIENCE - 0.1) == []
    [(second, height)] = story.asked(0.2)
    assert (second, height) == (3 - first, 7)
    story.bring(first, 7, VALID)
    assert isinstance(story.fetches.found(7), Block)
    assert story.bring(second, 7, MUTATED) == []  # too late to be judged


def test_who_has_it_not_and_who_has_gone_is_asked_no_more_in_that_round() -> None:
    story = Story(None, None, None)
    story.fetches.want(7)
    [(first, _)] = story.asked()
    story.refuse(first, 7)
    [(second, _)] = story.asked()
    story.sync.peer_lost(second, story.now)
    [(third, _)] = story.asked()
    assert {first, second, third} == {1, 2, 3}
    story.refuse(third, 7)
    assert story.asked() == []
    assert story.asked(PAUSE + 0.1)[0][0] in {first, third}, "another round"
    assert not story.fetches.is_hopeless(7)


def test_when_all_have_refused_again_and_again_there_is_no_hope() -> None:
    story = Story(None)
    story.fetches.want(7)
    for _ in range(MAX_ROUNDS):
        assert not story.fetches.is_hopeless(7)
        assert story.asked(PAUSE + 0.1) == [(1, 7)]
        story.refuse(1, 7)
        assert story.asked() == []
    assert story.fetches.is_hopeless(7)


def test_without_peers_it_waits_and_asks_the_first_that_has_shown_the_block() -> None:
    story = Story()
    tree = story.sync._tree
    tree.add(toy_headers(CHAIN), NOW)
    story.fetches.want(7)
    assert story.asked(100.0) == []
    story.sync.peer_ready(1)
    assert story.asked() == []
    story.sync.headers_received(1, HeadersReceived(toy_headers(CHAIN[:7]), None), NOW, story.now)
    assert story.asked() == [(1, 7)]
    assert not story.fetches.is_hopeless(7)


def test_who_keeps_only_the_newest_is_not_asked_for_older_ones() -> None:
    story = Story(10)
    story.fetches.want(20)
    story.fetches.want(21)
    assert story.asked() == [(1, 21)]


def test_a_block_of_another_branch_is_asked_of_those_who_are_on_it() -> None:
    story = Story(None)
    rival = [*CHAIN[:20], *toy_chain(5, salt=1, parent=CHAIN[19])]
    story.sync.peer_ready(2)
    story.sync.headers_received(2, HeadersReceived(toy_headers(rival), None), NOW, story.now)
    story.outputs()
    position = story.sync._tree.find(toy_headers(rival)[-1].hash)
    assert position is not None
    story.fetches.want(position)
    assert story.asked() == [(2, 25)]


def test_who_brings_a_mutated_block_is_blamed_and_another_is_asked() -> None:
    story = Story(None, None)
    story.fetches.want(7)
    [(first, _)] = story.asked()
    [blame, ask] = story.bring(first, 7, MUTATED)
    assert isinstance(blame, Blame)
    assert (blame.peer, type(blame.error)) == (first, MutatedBlock)
    assert isinstance(ask, AskBlocks)
    assert ask.peer == 3 - first
    assert story.fetches.found(7) is None


def test_an_invalid_block_is_the_answer_whoever_brings_it() -> None:
    story = Story(None, None)
    story.fetches.want(7)
    [(first, _)] = story.asked()
    [blame] = story.bring(first, 7, INVALID)
    assert isinstance(blame, Blame)
    found = story.fetches.found(7)
    assert isinstance(found, InvalidBlock)
    assert "too-late" in str(found)


def test_no_more_blocks_are_asked_for_than_can_be_held() -> None:
    story = Story(chain=CHAIN)
    for position in range(MAX_WISHES):
        story.fetches.want(position)
    story.fetches.want(0)
    with pytest.raises(LocalProtocolError, match="wait for some of them"):
        story.fetches.want(MAX_WISHES)


def test_a_block_that_nobody_wants_is_not_judged() -> None:
    story = Story(None)
    story.fetches.want(8)
    story.outputs()
    assert story.bring(1, 7, VALID) == []
    assert story.fetches.found(8) is None


def test_a_verdict_counts_for_the_bytes_that_were_judged_alone() -> None:
    """Whoever asked gave up while a good block was judged, and asks again: then bytes that are no block come."""
    story = Story(None)
    request = toy_requests([CHAIN[6]])[0]
    judged: list[JudgeBlock] = []
    for raw in (CHAIN[6], CHAIN[6][:-1] + b"?"):
        story.fetches.want(7)
        story.outputs()
        story.sync.block_received(1, BlockReceived(Block(raw, PARSER), request), NOW, story.now)
        judged += [output for output in story.outputs() if isinstance(output, JudgeBlock)]
        if raw is CHAIN[6]:
            story.fetches.release(7)
    first, second = judged
    story.fetches.judged(7, first.raw, VALID)
    assert story.fetches.found(7) is None
    story.fetches.judged(7, second.raw, MUTATED)
    assert story.fetches.found(7) is None
