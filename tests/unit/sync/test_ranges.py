"""Headers between checkpoints, from many peers at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headway.chain.headers import HeaderTree
from headway.network import Limits
from headway.sync.ranges import MAX_FAILURES, MAX_FORK, MAX_HELD, TAKEOVER, Arrived, Ranges
from tests.toynet import HEADER_SIZE, toy_chain, toy_hash, toy_headers, toynet

NOW = 1_700_000_000.0
CHAIN = toy_chain(100)
FULL = 5
SPACED = range(10, 61, 10)
"""Heights of checkpoints."""


class Story:
    def __init__(
        self,
        known: Sequence[bytes] = (),
        checkpoints: Sequence[int] = SPACED,
        more: Sequence[tuple[int, bytes]] = (),
        max_held: int = MAX_HELD,
    ) -> None:
        points = (*((height, toy_hash(CHAIN[height - 1])) for height in checkpoints), *more)
        self.network = toynet(checkpoints=points, limits=Limits(full_headers=FULL))
        self.tree = HeaderTree(self.network)
        self.tree.add(toy_headers(known), NOW)
        self.ranges = Ranges(self.network, self.tree, max_held=max_held)

    def take(self, peer: int, now: float = 0.0) -> tuple[int, int] | None:
        """Heights after and up to which the peer is asked."""
        question = self.ranges.take(peer, now)
        if question is None:
            return None
        heights = {toy_hash(block): height for height, block in enumerate(CHAIN, 1)}
        return heights.get(question.locator[0].hash, 0), heights[question.stop]

    def give(self, peer: int, first: int, last: int, chain: Sequence[bytes] = CHAIN) -> Arrived:
        """Headers of these heights."""
        arrived = self.ranges.receive(peer, toy_headers(chain[first - 1 : last]))
        if arrived is Arrived.MORE:
            self.ranges.question(peer, 0.0)
        return arrived

    def judge(self) -> list[tuple[int, int]]:
        """Who sent which heights of what is whole, taken into the tree in order."""
        seen = []
        while self.ranges.has_next:
            peer, headers = self.ranges.next()
            added = self.tree.add(headers, NOW)
            self.ranges.judged(holds=added.error is None and added.connects)
            seen.append((peer, self.tree.height(self.tree.tip_position)))
        return seen


def test_without_checkpoints_there_are_no_ranges() -> None:
    assert not Story(checkpoints=()).ranges.is_open


def test_each_peer_has_a_range_of_its_own() -> None:
    story = Story()
    assert story.ranges.is_open
    assert [story.take(peer) for peer in range(1, 9)] == [
        (0, 10), (10, 20), (20, 30), (30, 40), (40, 50), (50, 60), None, None,
    ]  # fmt: skip


def test_few_peers_have_longer_ranges_as_long_as_there_are_some_for_each() -> None:
    """So that fewer of their messages are short."""
    assert [ends_at(seventeen(), 1, peers=peers) for peers in (1, 2, 3, 4, 20)] == [27, 15, 9, 9, 9]
    story = seventeen()
    assert [ends_at(story, peer, peers=1) for peer in range(1, 9)] == [27, 51, 75, 87, 93, 99, None, None]
    assert ends_at(seventeen(max_held=18 * HEADER_SIZE), 1, peers=1) == 21, "and no longer than may be held"


def seventeen(**story: Any) -> Story:
    """A story with seventeen ranges, the first of which peer 9 has brought."""
    told = Story(checkpoints=range(3, 100, 6), **story)
    told.ranges.take(9, 0.0, peers=1)
    assert told.give(9, 1, 3) is Arrived.WHOLE
    told.judge()
    return told


def ends_at(story: Story, peer: int, *, peers: int) -> int | None:
    """The height at which the range that this one of so many is given ends."""
    question = story.ranges.take(peer, 0.0, peers=peers)
    return None if question is None else [toy_hash(block) for block in CHAIN].index(question.stop) + 1


def test_ranges_begin_where_our_chain_ends() -> None:
    assert Story(CHAIN[:24]).take(1) == (24, 30)
    assert not Story(CHAIN[:60]).ranges.is_open


def test_a_range_comes_in_messages_and_is_judged_once_it_is_whole_and_its_turn_has_come() -> None:
    story = Story()
    story.take(1)
    story.take(2)
    shared = [story.ranges.is_shared]
    assert [story.give(2, 11, 15), story.give(2, 16, 20)] == [Arrived.MORE, Arrived.WHOLE]
    assert [*shared, story.ranges.is_shared] == [False, True]
    assert story.judge() == [], "what lies before it is not there"
    assert story.ranges.held == 10
    assert story.give(1, 1, 5) is Arrived.MORE
    assert story.judge() == []
    assert story.give(1, 6, 10) is Arrived.WHOLE
    assert story.judge() == [(1, 5), (1, 10), (2, 15), (2, 20)]
    assert story.ranges.held == 0
    assert story.take(2) == (20, 30)


def test_headers_beyond_the_end_are_left_out() -> None:
    story = Story()
    story.take(1)
    assert story.give(1, 1, 14) is Arrived.WHOLE
    assert story.judge() == [(1, 10)]


def test_all_ranges_done_close_the_matter() -> None:
    story = Story(checkpoints=(5,))
    story.take(1)
    assert story.give(1, 1, 5) is Arrived.WHOLE
    story.judge()
    assert not story.ranges.is_open


def test_a_range_that_ends_in_another_block_is_dropped_and_its_sender_asked_no_more() -> None:
    story, other = Story(), toy_chain(20, salt=1)
    story.take(1)
    assert story.give(1, 1, 5, other) is Arrived.MORE
    assert story.give(1, 6, 10, other) is Arrived.USELESS
    assert story.ranges.held == 0
    assert story.take(1) is None
    assert story.take(2) == (0, 10)


def test_headers_that_follow_something_else_and_none_at_all_are_useless() -> None:
    story = Story()
    for peer, (first, last) in enumerate([(30, 34), (1, 5), (1, 0)], 1):
        story.take(8)
        story.take(peer)
        assert story.give(peer, first, last) is Arrived.USELESS
        story.ranges.drop_peer(8)


def test_a_message_that_is_not_full_and_does_not_reach_the_end_is_kept_and_goes_on_elsewhere() -> None:
    story = Story()
    story.take(1)
    assert story.give(1, 1, 3) is Arrived.USELESS
    assert story.take(2) == (3, 10)
    assert story.give(2, 4, 10) is Arrived.WHOLE
    assert story.judge() == [(1, 3), (2, 10)]


def test_after_some_failures_the_checkpoints_are_doubted() -> None:
    story = Story()
    for peer in range(1, MAX_FAILURES + 1):
        assert story.ranges.is_open
        story.take(peer)
        assert story.give(peer, 1, 0) is Arrived.USELESS
    assert not story.ranges.is_open


def test_a_range_that_breaks_a_rule_is_asked_for_again() -> None:
    story = Story()
    story.take(1)
    story.give(1, 1, 10)
    story.ranges.next()
    story.ranges.judged(holds=False)
    assert story.ranges.held == 0
    assert story.take(2) == (0, 10)


def test_a_lost_peer_leaves_what_it_sent_and_another_goes_on() -> None:
    story = Story()
    story.take(1)
    story.give(1, 1, 5)
    story.ranges.drop_peer(1)
    assert story.take(2) == (5, 10)
    assert not story.ranges.is_asked(1)


def test_an_idle_peer_is_asked_for_the_lowest_range_too_that_is_slow() -> None:
    story = Story(checkpoints=(10, 20))
    story.take(1, 0.0)
    story.take(2, 0.0)
    assert story.take(3, TAKEOVER - 0.1) is None
    assert story.take(3, TAKEOVER) == (0, 10)
    assert story.take(4, TAKEOVER) == (10, 20)
    assert story.take(5, 9 * TAKEOVER) is None, "two are enough"
    assert story.give(3, 1, 5) is Arrived.MORE
    assert story.give(1, 1, 5) is Arrived.LATE
    assert story.give(3, 6, 10) is Arrived.WHOLE
    assert story.judge() == [(3, 5), (3, 10)]


def test_the_slower_of_two_may_be_the_faster_after_all() -> None:
    story = Story(checkpoints=(10,))
    story.take(1, 0.0)
    story.take(3, TAKEOVER)
    assert story.give(1, 1, 10) is Arrived.WHOLE
    story.judge()
    assert story.ranges.is_asked(3)
    assert story.give(3, 1, 10) is Arrived.LATE
    assert not story.ranges.is_asked(3)


def test_what_is_answered_after_the_end_of_all_ranges_is_late() -> None:
    story = Story()
    story.take(1)
    story.ranges.close()
    assert not story.ranges.is_open
    assert story.give(1, 1, 5) is Arrived.LATE


def test_a_tip_off_the_chain_of_the_checkpoints_is_no_hindrance() -> None:
    story = Story([*CHAIN[:12], *toy_chain(5, salt=1, parent=CHAIN[11])])
    assert story.tree.tip.height == 17
    question = story.ranges.take(1, 0.0)
    assert question is not None
    assert len(question.locator) > 1
    assert story.give(1, 13, 17) is Arrived.MORE
    assert story.give(1, 18, 20) is Arrived.WHOLE
    assert story.judge() == [(1, 17), (1, 20)]
    assert story.tree.tip.hash == toy_hash(CHAIN[19])


def test_a_tip_that_left_the_chain_long_ago_is_one() -> None:
    """To begin so far down could mean to hold the whole chain."""
    for own, arrived in ((MAX_FORK, Arrived.MORE), (MAX_FORK + 1, Arrived.USELESS)):
        points = [(10_000, b"?" * 32)]
        story = Story([*CHAIN[:12], *toy_chain(own, salt=1, parent=CHAIN[11])], checkpoints=(), more=points)
        story.ranges.take(1, 0.0)
        assert story.give(1, 13, 17) is arrived


def test_no_more_is_asked_for_than_may_be_held() -> None:
    story = Story(max_held=25 * HEADER_SIZE)
    assert [story.take(peer) for peer in range(1, 5)] == [(0, 10), (10, 20), None, None]
    story.give(1, 1, 10)
    story.judge()
    assert story.take(1) == (20, 30)
