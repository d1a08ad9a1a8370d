"""Headers from a message into the tree: judged, proved, written."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from headway.chain.headers import HeaderTree
from headway.errors import CondemnedHeader, InvalidHeader, UnwantedChain
from headway.network import Limits, Network
from headway.peer.events import HeadersReceived
from headway.sync.headers import AskHeaders, HeaderSync
from headway.sync.intake import MAX_PROVING, HeaderIntake
from headway.sync.lowwork import MAX_ATTEMPTS, LowWork
from headway.sync.output import Blame, Conflict, Overdue, ProveHeaders, Rejected, SyncOutput, TipMoved, WriteHeaders
from headway.sync.ranges import Ranges
from headway.types import BlockId, PresyncParams
from headway.wire.messages import Headers
from tests.sealednet import PARSER, SEALED, sealed_chain, sealed_headers
from tests.toynet import TOYNET, toy_block, toy_chain, toy_hash, toy_headers, toynet

NOW = 1_700_000_000.0


class Story:
    """An intake with what it works for, told as messages that come."""

    def __init__(self, network: Network = TOYNET, peers: int = 1) -> None:
        self.tree = HeaderTree(network)
        self.ranges = Ranges(network, self.tree)
        self.sync = HeaderSync(
            self.tree,
            self.ranges,
            full_headers=network.limits.full_headers,
            minimum_work=network.minimum_chainwork,
        )
        self.low_work = LowWork(network, self.tree, rng=random.Random(1))
        self.out: list[SyncOutput] = []
        self.intake = HeaderIntake(network, self.tree, self.sync, self.ranges, self.low_work, self.out, thorough=False)
        for peer in range(1, peers + 1):
            self.low_work.add_peer(peer, is_trusted=False)
            self.sync.add_peer(peer)
        self.sync.tick(0.0)

    def take(self) -> list[SyncOutput]:
        out = self.out[:]
        self.out.clear()
        return out

    def asks(self) -> list[tuple[int, int]]:
        """Peer and first locator height of each question for headers."""
        return [(ask.peer, ask.locator[0].height) for ask in self.sync.tick(0.0) if isinstance(ask, AskHeaders)]

    def arrive(self, peer: int, headers: Headers) -> bool:
        """It comes, and is not judged yet if there is more."""
        return self.intake.received(peer, HeadersReceived(headers, 1), NOW, 0.0)

    def announce(self, peer: int, headers: Headers) -> bool:
        return self.intake.received(peer, HeadersReceived(headers, None), NOW, 0.0)

    def answer(self, peer: int, headers: Headers) -> bool:
        """It comes, and is judged."""
        moved = self.intake.received(peer, HeadersReceived(headers, 1), NOW, 0.0)
        return self.intake.judge_of(peer, 0.0) or moved


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
    assert story.intake.prover(prove.number) == 1
    assert not story.intake.proved(prove.number, None, 0.0)
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


# Asking on before headers are judged.

FULL = 10
SMALL = toynet(limits=Limits(full_headers=FULL))
LONG = toy_chain(100)


def test_the_next_question_leaves_before_a_full_message_is_judged() -> None:
    story = Story(SMALL)
    story.arrive(1, toy_headers(LONG[:FULL]))
    assert story.asks() == [(1, 10)]
    assert (len(story.tree), story.take(), story.intake.unjudged()) == (1, [], (1,))
    assert story.intake.due() == 0.0
    story.intake.judge_of(1, 0.0)
    assert [type(output) for output in story.take()] == [WriteHeaders, TipMoved]
    assert story.tree.tip.height == 10
    assert story.intake.due() is None
    assert story.asks() == []


def test_what_came_before_is_judged_before_what_comes_next() -> None:
    story = Story(SMALL)
    story.arrive(1, toy_headers(LONG[:FULL]))
    story.arrive(1, toy_headers(LONG[FULL : 2 * FULL]))
    assert story.tree.tip.height == 10, "one unverified message of a peer, and no more"
    assert story.asks() == [(1, 10), (1, 20)]
    story.arrive(1, toy_headers(LONG[2 * FULL : 2 * FULL + 3]))
    assert story.tree.tip.height == 23
    assert story.sync.started


def test_a_bad_message_that_was_asked_on_blames_its_sender() -> None:
    story = Story(SMALL)
    story.arrive(1, toy_headers([*LONG[: FULL - 1], toy_block(toy_hash(LONG[FULL - 2]), 5)]))
    assert story.take() == []
    story.intake.judge_of(1, 0.0)
    [blame] = story.take()
    assert isinstance(blame, Blame)
    assert len(story.tree) == 1


def test_what_a_lost_peer_sent_still_counts() -> None:
    story = Story(SMALL)
    story.arrive(1, toy_headers(LONG[:FULL]))
    story.intake.lost(1, 0.0)
    assert story.tree.tip.height == 10


def test_a_full_message_that_leads_nowhere_is_judged_at_once() -> None:
    story = Story(SMALL)
    story.answer(1, toy_headers(LONG[:20]))
    story.asks()
    for blocks in (LONG[:FULL], LONG[40:50]):
        story.arrive(1, toy_headers(blocks))
        assert story.intake.unjudged() == ()


def test_while_signatures_are_proved_the_next_message_comes_and_waits() -> None:
    story, blocks = Story(SEALED), sealed_chain(30)
    story.answer(1, sealed_headers(blocks[:10]))
    assert story.asks() == [(1, 10)]
    [first] = story.take()
    assert isinstance(first, ProveHeaders)
    story.arrive(1, sealed_headers(blocks[10:20]))
    assert story.asks() == [], "the next is asked for when the first has been proved"
    assert story.take() == []
    story.intake.proved(first.number, None, 0.0)
    assert story.tree.tip.height == 10
    assert story.asks() == [(1, 20)]
    story.intake.judge_of(1, 0.0)
    second = story.take()[-1]
    assert isinstance(second, ProveHeaders)
    story.intake.proved(second.number, None, 0.0)
    assert story.tree.tip.height == 20


def test_what_waits_behind_a_proof_that_fails_is_dropped() -> None:
    story, blocks = Story(SEALED), sealed_chain(30)
    story.answer(1, sealed_headers(blocks[:10]))
    [first] = story.take()
    assert isinstance(first, ProveHeaders)
    story.arrive(1, sealed_headers(blocks[10:20]))
    story.intake.proved(first.number, (3, "no seal"), 0.0)
    assert [type(output) for output in story.take()] == [Blame]
    assert story.intake.is_idle


# Too little work.

MINIMUM = 41
DEMANDING = toynet(
    limits=Limits(full_headers=FULL), minimum_chainwork=MINIMUM, presync=PresyncParams(2, 15)
)  # fmt: skip


def present(story: Story, blocks: Sequence[bytes]) -> list[tuple[int, int]]:
    """Message after message comes and is judged; the questions that follow."""
    asked = []
    for start in range(0, len(blocks), FULL):
        story.answer(1, toy_headers(blocks[start : start + FULL]))
        asked += story.asks()
    return asked


def test_a_chain_that_comes_twice_is_kept_the_second_time() -> None:
    story = Story(DEMANDING)
    assert present(story, LONG[:40]) == [(1, 10), (1, 20), (1, 30), (1, 0)]
    assert (len(story.tree), story.take()) == (1, [])
    assert not story.sync.started
    assert present(story, LONG[:40]) == [(1, 10), (1, 20), (1, 30), (1, 40)]
    assert [type(output) for output in story.take()] == [WriteHeaders, TipMoved] * 4
    assert story.tree.tip.height == 40
    assert present(story, LONG[40:55]) == [(1, 50)]
    assert story.tree.tip.height == 55
    assert story.sync.started


def test_a_short_chain_of_little_work_is_ignored_asked_or_not() -> None:
    story = Story(DEMANDING)
    story.answer(1, toy_headers(LONG[:8]))
    story.announce(1, toy_headers(LONG[:9]))
    story.announce(1, toy_headers(LONG[:30]))
    assert (len(story.tree), story.take()) == (1, [])
    assert not story.sync.started
    assert not story.low_work.is_under_way(1)


def test_a_chain_that_never_has_the_work_is_left_after_some_attempts() -> None:
    story = Story(DEMANDING)
    for _ in range(MAX_ATTEMPTS):
        assert story.take() == []
        present(story, LONG[:35])
    [blame] = story.take()
    assert isinstance(blame, Blame)
    assert str(blame.error) == "its chain has too little work, in 3 attempts"
    assert len(story.tree) == 1


def test_another_chain_the_second_time_is_a_lie() -> None:
    story = Story(DEMANDING)
    present(story, LONG[:40])
    present(story, toy_chain(30, salt=4))
    [blame] = story.take()
    assert isinstance(blame, Blame)
    assert isinstance(blame.error, UnwantedChain)
    assert "it lies" in str(blame.error)


def test_a_bad_header_in_a_presync_is_a_bad_header() -> None:
    story = Story(DEMANDING)
    present(story, LONG[:20])
    story.answer(1, toy_headers([*LONG[20:25], toy_block(toy_hash(LONG[24]), 5)]))
    [blame] = story.take()
    assert isinstance(blame, Blame)
    assert isinstance(blame.error, InvalidHeader)


def test_a_chain_that_changes_on_its_way_is_asked_for_again() -> None:
    story = Story(DEMANDING)
    present(story, LONG[:20])
    story.answer(1, toy_headers(LONG[:5]))
    assert story.asks() == [(1, 0)]
    assert story.take() == []


def test_a_presync_that_lasts_too_long_is_told() -> None:
    story = Story(DEMANDING)
    present(story, LONG[:20])
    due = story.intake.due()
    assert due is not None
    story.intake.tick(due)
    [overdue] = story.take()
    assert isinstance(overdue, Overdue)
    assert overdue.peer == 1


def test_a_block_that_is_found_bad_meanwhile_makes_it_our_own_rules_that_reject_the_chain() -> None:
    """The headers that are given out follow what has been condemned: that is no lie of the peer."""
    story = Story(DEMANDING)
    present(story, LONG[:40])
    present(story, LONG[:30])
    assert story.tree.tip.height == 10
    position = story.tree.at(7)
    story.tree.invalidate(position)
    story.take()
    present(story, LONG[30:40])
    rejected, blame = story.take()
    assert rejected == Rejected(1, story.tree.id(position))
    assert isinstance(blame, Blame)
    assert isinstance(blame.error, CondemnedHeader)


def test_who_follows_a_chain_that_was_condemned_is_told_of_by_the_bad_block() -> None:
    story, blocks = Story(), toy_chain(8)
    story.answer(1, toy_headers(blocks))
    story.tree.invalidate(story.tree.at(5))
    story.take()
    story.announce(1, toy_headers(toy_chain(1, parent=blocks[-1])))
    rejected, blame = story.take()
    assert rejected == Rejected(1, BlockId(5, toy_hash(blocks[4])))
    assert isinstance(blame, Blame)
    assert "our own rules" in str(blame.error)


# Ranges between checkpoints.

POINTS = tuple((height, toy_hash(LONG[height - 1])) for height in (15, 30, 45))
RANGED = toynet(limits=Limits(full_headers=FULL), checkpoints=POINTS)


def test_ranges_are_asked_of_all_and_judged_in_order() -> None:
    story = Story(RANGED, peers=3)
    assert story.sync.peers_asked() == (1,), "the first one asked in the story's beginning"
    story.arrive(1, toy_headers(LONG[:10]))
    assert story.asks() == [(1, 10), (2, 15), (3, 30)]
    story.arrive(3, toy_headers(LONG[30:40]))
    story.arrive(2, toy_headers(LONG[15:25]))
    story.arrive(2, toy_headers(LONG[25:30]))
    assert len(story.tree) == 1
    story.asks()
    story.arrive(1, toy_headers(LONG[10:15]))
    assert story.tree.tip.height == 30
    assert [output.peer for output in story.take() if isinstance(output, WriteHeaders)] == [1, 1, 2, 2]
    story.asks()
    story.arrive(3, toy_headers(LONG[40:45]))
    assert story.tree.tip.height == 45
    assert story.asks() == [(2, 44)], "then one is asked for what lies above"


def test_who_sent_the_bad_part_of_a_range_is_blamed() -> None:
    network = replace(RANGED, checkpoints=((20, toy_hash(BENT[-1])),))
    story = Story(network, peers=2)
    story.arrive(1, toy_headers(BENT[:10]))
    story.ranges.drop_peer(1)
    story.asks()
    story.arrive(2, toy_headers(BENT[10:]))
    blame = story.take()[-1]
    assert isinstance(blame, Blame)
    assert blame.peer == 2
    assert story.tree.tip.height == 10


BENT = [*LONG[:14], *toy_chain(6, salt=2, parent=toy_block(toy_hash(LONG[13]), 5))]
BENT[14] = toy_block(toy_hash(LONG[13]), 5)
BENT[15:] = toy_chain(5, parent=BENT[14])
"""Twenty blocks, of which the fifteenth is older than the one before."""


def test_ranges_of_signed_headers_are_proved_in_order() -> None:
    blocks = sealed_chain(40)
    points = tuple((height, PARSER.block_header(blocks[height - 1]).hash) for height in (20, 40))
    story = Story(replace(SEALED, checkpoints=points), peers=2)
    story.arrive(1, sealed_headers(blocks[:10]))
    story.asks()
    story.arrive(2, sealed_headers(blocks[20:40]))
    assert story.take() == []
    story.arrive(1, sealed_headers(blocks[10:20]))
    for height in (10, 20, 40):
        [prove] = [output for output in story.take() if isinstance(output, ProveHeaders)]
        story.intake.proved(prove.number, None, 0.0)
        assert story.tree.tip.height == height


def test_no_presync_where_a_checkpoint_stands_for_the_work() -> None:
    story = Story(replace(RANGED, minimum_chainwork=90, presync=PresyncParams(2, 15)))
    story.arrive(1, toy_headers(LONG[:10]))
    story.asks()
    story.arrive(1, toy_headers(LONG[10:15]))
    assert story.tree.tip.height == 15
    assert not story.low_work.is_under_way(1)
