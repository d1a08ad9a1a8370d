"""Peers as sources: what each has, how much each may owe, and how they share."""

from __future__ import annotations

import pytest

from headway.chain.blocks import BlockChain
from headway.chain.headers import HeaderTree
from headway.sync.allowance import START
from headway.sync.sources import MAX_LOOK, MAX_MISSING, MAX_SKIPS, Sources
from headway.sync.window import WINDOW, Window
from tests.toynet import TOYNET, toy_chain, toy_headers

NOW = 1_700_000_000.0
BLOCKS = toy_chain(1_100)


class Story:
    """Peers that have shown the main chain, where a position is a height."""

    def __init__(self, peers: int, *, length: int = 1_100, size: int = 1_000) -> None:
        self.tree = HeaderTree(TOYNET)
        self.tree.add(toy_headers(BLOCKS[:length]), NOW)
        self.chain = BlockChain(self.tree)
        self.window = Window(self.tree, self.chain, typical_size=size, ceiling=None)
        self.window.extend()
        self.sources = Sources(self.tree, self.chain.goal, self.window, most=1_024)
        for peer in range(1, peers + 1):
            self.sources.add(peer, keeps=None)
            self.sources.know(peer, length)

    def share(self, peer: int) -> int:
        return self.sources.may_be_asked(self.sources[peer])

    def line(self) -> list[int]:
        found = []
        while (peer := self.sources.next(1)) is not None:
            found.append(peer)
        return found


def test_a_peer_may_owe_its_allowance_where_the_window_holds_them_all() -> None:
    story = Story(4)
    assert story.share(1) == START


def test_where_it_does_not_all_may_owe_less_by_the_same_part() -> None:
    story = Story(4)
    for peer, limit in ((1, 1_024.0), (2, 512.0), (3, 256.0), (4, 256.0)):
        story.sources[peer].allowance.limit = limit
    story.sources._limits = 2_048.0
    assert [story.share(peer) for peer in (1, 2, 3, 4)] == [512, 256, 128, 128]


def test_everybody_may_owe_one_block_however_many_they_are() -> None:
    story = Story(200, size=64 * 1024 * 1024)
    assert story.share(1) == 1


def test_the_sum_of_allowances_is_what_it_is_whatever_happens() -> None:
    story = Story(5)
    for peer in range(1, 6):
        story.sources[peer].allowance.ask(range(peer * 10, peer * 10 + 10), 0.0)
    story.sources.brought(1, 10, 1_000, 1.0)
    story.sources.refused(2, 20, 1.0)
    story.sources.slow(3, 2.0)
    story.sources.cut(4, 2.0)
    story.sources.drop(5)
    story.sources.drop(77)
    assert story.sources._limits == pytest.approx(sum(source.allowance.limit for _, source in story.sources))
    assert len(story.sources) == 4


def test_towards_the_end_what_is_left_is_shared_by_those_who_can_give_some() -> None:
    story = Story(4, length=20)
    assert story.share(1) == 5
    story.sources.slow(2, 1.0)
    assert story.share(1) == 7  # of three
    story.sources.step_aside(3, story.sources[3], 50, [])
    assert story.share(1) == 10
    story.sources.drop(2)
    assert story.share(1) == 10
    assert not story.sources.know(3, 20)
    assert story.share(1) == 7


def test_a_peer_stands_in_line_once_it_owes_no_more_than_half() -> None:
    story = Story(1)
    source = story.sources[1]
    story.line()
    source.allowance.ask(range(1, START + 1), 0.0)
    source.allowance.limit = 100.0
    story.sources.feed(1, source)
    assert story.line() == [1]
    source.allowance.limit = float(START)
    story.sources.feed(1, source)
    assert story.line() == []


def test_who_owes_more_than_half_of_what_it_may_is_asked_for_nothing() -> None:
    story = Story(2, length=20)
    allowance = story.sources[1].allowance
    allowance.ask(range(1, 6), 0.0)
    assert story.share(1) == 5
    allowance.ask([6], 0.0)
    assert story.share(1) == 0


def test_a_slow_peer_is_asked_for_nothing_until_it_answers() -> None:
    story = Story(2)
    story.sources[1].allowance.ask([1, 2], 0.0)
    story.sources[2].allowance.ask([3], 0.0)
    for peer in (1, 2):
        story.sources.slow(peer, 1.0)
        story.sources.slow(peer, 1.5)
        story.sources.know(peer, 1_100)
    assert story.line() == []
    story.sources.brought(1, 1, 1_000, 2.0)
    story.sources.refused(2, 3, 2.0)
    assert story.line() == [1, 2]
    assert story.sources._slow == 0


def test_why_a_peer_steps_aside_tells_when_it_comes_back() -> None:
    story = Story(6)
    reasons = {1: (1_101, []), 2: (50, []), 3: (None, []), 4: (7, [7]), 5: (1, list(range(1, MAX_SKIPS + 1)))}
    story.sources[2].lowest = 100
    story.line()
    for peer, (lowest, skipped) in reasons.items():
        story.sources.step_aside(peer, story.sources[peer], lowest, skipped)
    assert story.sources.next(MAX_SKIPS) == 1
    assert story.sources.next(MAX_SKIPS + 1) == 5
    assert story.sources.next(99) is None
    assert story.sources.next(100) == 2
    story.sources.wake_lacking()
    assert story.line() == [3, 4]


def test_a_peer_that_has_its_share_comes_back_when_another_has_nothing() -> None:
    story = Story(3)
    story.line()
    story.sources.step_aside(1, story.sources[1], 7, [])
    assert story.line() == []
    story.sources.step_aside(2, story.sources[2], 2_000, [])
    assert story.line() == [1, 2]


def test_a_peer_reaches_to_where_its_chain_leaves_the_goal() -> None:
    story = Story(1, length=20)
    last = story.tree.add(toy_headers(toy_chain(3, salt=1, parent=BLOCKS[6])), NOW).last
    story.sources.add(2, keeps=None)
    story.sources.know(2, last)
    assert story.sources[2].reach == 7
    more = story.tree.add(toy_headers(toy_chain(2, salt=1, parent=toy_chain(3, salt=1, parent=BLOCKS[6])[-1])), NOW)
    story.sources.know(2, more.last)
    assert story.sources[2].reach == 7
    story.chain.goal.turn(last)
    story.sources.turn()
    assert (story.sources[1].reach, story.sources[2].reach) == (7, 10)


def test_a_limited_peer_has_the_newest_blocks_of_its_own_chain() -> None:
    story = Story(0, length=100)
    story.sources.add(1, keeps=10)
    story.sources.know(1, 95)
    assert (story.sources[1].lowest, story.sources[1].reach) == (86, 95)


def test_who_lacks_too_much_is_no_source_any_more() -> None:
    story = Story(1)
    for position in range(1, MAX_MISSING + 1):
        story.sources.refused(1, position, 0.0)
    assert story.sources[1].reach == 1_100
    story.sources.refused(1, MAX_MISSING + 1, 0.0)
    assert story.sources[1].reach == -1
    story.sources.know(1, 1_100)
    assert story.sources[1].reach == -1


def test_the_second_is_one_that_has_it_the_least_busy_first_then_the_quickest() -> None:
    story = Story(7)
    for peer, delay in ((2, 0.3), (3, 0.2), (4, 0.1), (5, 0.01), (6, 0.01), (7, 0.01)):
        story.sources[peer].allowance.delay = delay
    story.sources[4].allowance.ask([99], 0.0)
    story.sources[5].missing.add(50)
    story.sources[6].lowest = 51
    story.sources[7].allowance.ask([50], 0.0)
    assert story.sources.second(50, 1) == 3
    assert story.sources.second(50, 3) == 2
    story.sources.drop(3)
    story.sources.drop(2)
    assert story.sources.second(50, 1) == 4
    story.sources.drop(4)
    assert story.sources.second(50, 1) is None


def test_only_some_are_looked_at_to_find_a_second() -> None:
    story = Story(MAX_LOOK + 2)
    for peer in range(2, MAX_LOOK + 1):
        story.sources[peer].missing.add(50)
    assert story.sources.second(50, 1) is None
    story.sources.drop(2)
    assert story.sources.second(50, 1) == MAX_LOOK + 1


def test_all_allowances_at_their_most_fill_the_window() -> None:
    story = Story(8)
    for peer in range(1, 9):
        story.sources[peer].allowance.limit = 1_024.0
    story.sources._limits = 8 * 1_024.0
    assert sum(story.share(peer) for peer in range(1, 9)) == WINDOW
