"""Headers from a message into the tree: judged, proved, written."""

from __future__ import annotations

from collections.abc import Sequence

from headway.chain.headers import HeaderTree
from headway.errors import InvalidHeader
from headway.network import Network
from headway.peer.events import HeadersReceived
from headway.sync.headers import AskHeaders, HeaderSync
from headway.sync.intake import MAX_PROVING, HeaderIntake
from headway.sync.output import Blame, Conflict, ProveHeaders, SyncOutput, TipMoved, WriteHeaders
from headway.types import BlockId
from headway.wire.messages import Headers
from tests.sealednet import SEALED, sealed_chain, sealed_headers
from tests.toynet import TOYNET, toy_block, toy_chain, toy_hash, toy_headers

NOW = 1_700_000_000.0


class Story:
    """An intake with what it works for, told as messages that come."""

    def __init__(self, network: Network = TOYNET, peers: int = 1) -> None:
        self.tree = HeaderTree(network)
        self.sync = HeaderSync(self.tree, full_headers=network.limits.full_headers)
        self.out: list[SyncOutput] = []
        self.intake = HeaderIntake(self.tree, self.sync, self.out, thorough=False)
        for peer in range(1, peers + 1):
            self.sync.add_peer(peer)
        self.sync.tick(0.0)

    def take(self) -> list[SyncOutput]:
        out = self.out[:]
        self.out.clear()
        return out

    def announce(self, peer: int, headers: Headers) -> bool:
        return self.intake.received(peer, HeadersReceived(headers, None), NOW, 0.0)

    def answer(self, peer: int, headers: Headers) -> bool:
        return self.intake.received(peer, HeadersReceived(headers, 1), NOW, 0.0)


def raw_of(blocks: Sequence[bytes]) -> bytes:
    return b"".join(block[:44] for block in blocks)


def test_good_headers_join_the_tree_are_written_and_told_of() -> None:
    story, blocks = Story(), toy_chain(3)
    assert not story.answer(1, toy_headers(blocks))
    assert story.take() == [WriteHeaders(1, raw_of(blocks), 3), TipMoved(BlockId(3, toy_hash(blocks[2])), 0)]
    assert story.tree.tip.height == 3
    assert story.sync.best(1) == 3
    assert story.sync.started


def test_a_bad_header_blames_its_sender_and_nothing_of_the_message_is_kept() -> None:
    story, blocks = Story(), toy_chain(2)
    story.answer(1, toy_headers([*blocks, toy_block(toy_hash(blocks[1]), 5)]))
    [blame] = story.take()
    assert isinstance(blame, Blame)
    assert isinstance(blame.error, InvalidHeader)
    assert (blame.peer, blame.error.rule) == (1, "time-too-old")
    assert len(story.tree) == 1


def test_a_lighter_branch_is_written_and_the_tip_stays() -> None:
    story = Story()
    story.answer(1, toy_headers(toy_chain(3)))
    story.take()
    rival = toy_chain(2, salt=1)
    assert not story.announce(1, toy_headers(rival))
    assert story.take() == [WriteHeaders(1, raw_of(rival), 2)]


def test_a_heavier_branch_moves_the_chain() -> None:
    story = Story()
    story.answer(1, toy_headers(toy_chain(3)))
    story.take()
    rival = toy_chain(4, salt=1)
    assert story.announce(1, toy_headers(rival))
    assert story.take()[1:] == [TipMoved(BlockId(4, toy_hash(rival[3])), 3)]


def test_headers_that_are_signed_wait_for_their_proofs() -> None:
    story = Story(SEALED)
    story.answer(1, sealed_headers(sealed_chain(5)))
    [prove] = story.take()
    assert isinstance(prove, ProveHeaders)
    assert len(story.tree) == 1
    idle = [story.intake.is_idle]
    assert story.intake.proved(prove.number, None, 0.0) == (1, False)
    assert [*idle, story.intake.is_idle] == [False, True]
    assert [type(output) for output in story.take()] == [WriteHeaders, TipMoved]
    assert story.tree.tip.height == 5


def test_a_proof_that_does_not_hold_blames_its_sender_and_keeps_nothing() -> None:
    story = Story(SEALED)
    story.answer(1, sealed_headers(sealed_chain(5)))
    [prove] = story.take()
    assert isinstance(prove, ProveHeaders)
    story.intake.proved(prove.number, (2, "no seal"), 0.0)
    [blame] = story.take()
    assert isinstance(blame, Blame)
    assert isinstance(blame.error, InvalidHeader)
    assert (blame.error.rule, blame.error.block.height) == ("bad-witness", 3)
    assert len(story.tree) == 1


def test_a_second_valid_header_on_a_final_chain_is_a_conflict() -> None:
    story = Story(SEALED)
    for blocks in (sealed_chain(2), sealed_chain(1, salt=1)):
        story.announce(1, sealed_headers(blocks))
        [prove] = story.take()
        assert isinstance(prove, ProveHeaders)
        story.intake.proved(prove.number, None, 0.0)
        outputs = story.take()
    [conflict] = outputs
    assert isinstance(conflict, Conflict)
    assert (conflict.peer, conflict.block.height, conflict.ours.height) == (1, 1, 1)


def test_who_announces_more_than_we_can_prove_is_asked_afterwards() -> None:
    story, blocks = Story(SEALED), sealed_chain(5)
    story.sync.settled(1, None, 0, 0.0)
    for _ in range(MAX_PROVING + 3):
        story.announce(1, sealed_headers(blocks))
    assert len(story.take()) == MAX_PROVING
    assert [type(ask) for ask in story.sync.tick(0.0)] == [AskHeaders]
