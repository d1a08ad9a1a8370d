"""The window: bounded in blocks and in bytes, from the first missing block on."""

from __future__ import annotations

import pytest

from headway.chain.blocks import BlockChain
from headway.chain.headers import HeaderTree
from headway.sync.window import MANY, SIZES, WINDOW, WINDOW_BYTES, Window
from tests.toynet import TOYNET, toy_chain, toy_headers

NOW = 1_700_000_000.0
BLOCKS = toy_chain(1_100)


class Story:
    def __init__(self, length: int = 100, *, size: int = 1_000, ceiling: int | None = None) -> None:
        self.tree = HeaderTree(TOYNET)
        self.tree.add(toy_headers(BLOCKS[:length]), NOW)
        self.chain = BlockChain(self.tree)
        self.window = Window(self.tree, self.chain, typical_size=size, ceiling=ceiling)
        self.window.reset()
        self.window.extend()

    def ask(self, most: int = 10_000) -> list[int]:
        """Ask peer 1 for what may be asked. (On this chain a position is a height.)"""
        asked: list[int] = []
        while len(asked) < most and self.window.has_room and (height := self.window.next()) is not None:
            self.window.pop()
            self.window.asked[height] = 1
            asked.append(height)
        return asked

    def receive(self, *heights: int, size: int = 1_000) -> None:
        for height in heights:
            del self.window.asked[height]
            self.window.receive(height, size)

    def store(self, *heights: int, size: int = 1_000) -> None:
        self.receive(*heights, size=size)
        for height in heights:
            self.window.release(height)
            self.chain.mark(height)
        self.chain.advance()
        self.window.extend()


def test_what_is_missing_is_asked_for_lowest_first() -> None:
    story = Story(20)
    assert story.ask() == list(range(1, 21))
    assert story.window.next() is None


def test_it_ends_so_many_blocks_after_the_first_missing_one() -> None:
    story = Story(1_100)
    assert story.ask() == list(range(1, WINDOW + 1))
    assert story.window.is_full
    story.store(*range(2, 50))
    assert story.ask() == []
    assert story.window.is_full
    story.store(1)
    assert story.ask() == list(range(WINDOW + 1, WINDOW + 50))


def test_near_the_tip_it_is_not_full_though_all_is_asked() -> None:
    story = Story(20)
    story.ask()
    assert not story.window.is_full
    assert story.window.left == 20
    assert Story(1_100).window.left == MANY


def test_it_is_bounded_in_bytes() -> None:
    story = Story(size=WINDOW_BYTES // 10)
    assert len(story.ask()) == 10
    assert story.window.capacity == pytest.approx(10)


def test_guesses_of_sizes_bound_what_is_asked_and_do_not_make_anybody_a_staller() -> None:
    story = Story(size=WINDOW_BYTES // 10)
    story.ask()
    assert not story.window.is_full
    story.receive(1, size=WINDOW_BYTES // 10)
    assert story.window.is_full


def test_bytes_in_hand_count_until_they_are_stored() -> None:
    story = Story(size=WINDOW_BYTES // 4)
    assert story.ask() == [1, 2, 3, 4]
    story.receive(1, 2, size=WINDOW_BYTES // 4)
    assert story.ask() == []
    story.window.release(1)
    story.chain.mark(1)
    assert story.ask() == [5]


def test_one_block_may_always_be_asked_for_however_large() -> None:
    assert Story(size=WINDOW_BYTES * 2).ask() == [1]


def test_blocks_of_two_branches_together_are_no_more_than_the_window_holds() -> None:
    story = Story(1_100)
    story.ask()
    story.tree.add(toy_headers(toy_chain(1_100, salt=1)), NOW)
    story.tree.add(toy_headers(toy_chain(5, salt=1, parent=toy_chain(1_100, salt=1)[-1])), NOW)
    story.chain.advance()
    story.window.reset()
    story.window.extend()
    assert story.window.next() is not None
    assert not story.window.has_room


def test_a_size_is_the_average_of_the_last_ones() -> None:
    story = Story(size=2_000_000)
    story.ask()
    story.receive(1, size=1_000)
    assert story.window.mean_size == 1_000
    story.receive(2, size=3_000)
    assert story.window.mean_size == 2_000
    story.receive(*range(3, 60), size=500)
    assert story.window.mean_size == pytest.approx(500, rel=0.2)
    before = story.window.mean_size
    story.receive(60, size=500 + 1_600)
    assert story.window.mean_size == pytest.approx(before + (2_100 - before) / SIZES)


def test_what_is_to_be_asked_again_comes_in_its_turn() -> None:
    story = Story(20)
    story.ask(10)
    del story.window.asked[4]
    story.window.again(4)
    assert story.ask(2) == [4, 11]


def test_what_is_here_or_asked_is_not_asked_again() -> None:
    story = Story(6)
    story.ask(3)
    story.receive(2)
    for position in (1, 2, 3):
        story.window.again(position)
    assert story.ask() == [4, 5, 6]


def test_a_position_off_the_goal_is_not_asked_again() -> None:
    story = Story(6)
    story.tree.add(toy_headers(toy_chain(2, salt=1)), NOW)
    story.window.again(8)
    assert story.ask() == [1, 2, 3, 4, 5, 6]


def test_blocks_off_the_goal_or_beyond_the_window_are_not_wanted() -> None:
    story = Story(1_100)
    wants = story.window.wants
    assert wants(1)
    assert wants(WINDOW)
    assert not wants(WINDOW + 1)
    assert not wants(0)
    story.tree.add(toy_headers(toy_chain(2, salt=1)), NOW)
    assert not wants(1_101)
    story.ask(1)
    story.receive(1)
    assert not wants(1)


def test_the_first_missing_block_is_the_one_for_which_all_wait() -> None:
    story = Story(3)
    assert story.window.first == 1
    story.ask()
    story.store(2)
    assert story.window.first == 1
    story.store(1, 3)
    assert story.window.first is None


def test_nothing_is_asked_beyond_the_ceiling() -> None:
    story = Story(20, ceiling=7)
    assert story.ask() == [1, 2, 3, 4, 5, 6, 7]
    story.store(*range(1, 8))
    assert story.window.first is None
