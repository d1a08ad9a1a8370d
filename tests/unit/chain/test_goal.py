"""The chain whose blocks are brought: the best one, or another."""

from __future__ import annotations

import pytest

from headway.chain.goal import Goal
from headway.chain.headers import HeaderTree
from tests.toynet import TOYNET, toy_chain, toy_headers

NOW = 1_700_000_000.0
MAIN = toy_chain(10)
LIGHT = toy_chain(4, salt=1, parent=MAIN[3])
"""Heights 5 to 8, positions 11 to 14."""


def forked() -> HeaderTree:
    tree = HeaderTree(TOYNET)
    tree.add(toy_headers(MAIN), NOW)
    tree.add(toy_headers(LIGHT), NOW)
    return tree


def test_it_is_the_best_chain_and_follows_it() -> None:
    tree = forked()
    goal = Goal(tree)
    assert (goal.is_best, goal.tip, goal.height) == (True, 10, 10)
    assert [goal.at(height) for height in (0, 5, 10)] == [0, 5, 10]
    tree.add(toy_headers(toy_chain(2, parent=MAIN[-1])), NOW)
    assert goal.height == 12
    assert goal.has(tree.tip_position)


def test_turned_it_is_the_chain_that_ends_there() -> None:
    goal = Goal(forked())
    goal.turn(14)
    assert (goal.is_best, goal.tip, goal.height) == (False, 14, 8)
    assert [goal.at(height) for height in (0, 4, 5, 8)] == [0, 4, 11, 14]
    assert [goal.has(position) for position in (0, 4, 5, 10, 11, 14)] == [True, True, False, False, True, True]
    with pytest.raises(IndexError):
        goal.at(9)


def test_it_may_end_below_the_tip_of_the_best_chain() -> None:
    goal = Goal(forked())
    goal.turn(7)
    assert (goal.is_best, goal.height, goal.at(7), goal.has(8)) == (False, 7, 7, False)
    goal.turn(None)
    assert (goal.is_best, goal.height) == (True, 10)


def test_where_another_chain_leaves_it() -> None:
    goal = Goal(forked())
    assert goal.fork(14) == 4
    assert goal.fork(7) == 7
    goal.turn(14)
    assert goal.fork(10) == 4
    assert goal.fork(13) == 13


def test_the_search_for_a_fork_ends_where_it_came_by_before() -> None:
    tree = forked()
    goal = Goal(tree)
    assert goal.fork(14, 12) == 12
    assert goal.fork(14, 9) == 4


def test_it_stays_the_same_chain_when_the_best_one_changes_branch() -> None:
    tree = forked()
    goal = Goal(tree)
    goal.turn(10)
    heavier = toy_chain(5, salt=2, parent=LIGHT[-1])
    tree.add(toy_headers(heavier), NOW)
    goal.renew()
    assert (goal.tip, goal.height, goal.at(5), goal.at(10)) == (10, 10, 5, 10)
    best = Goal(tree)
    assert (best.height, best.at(5)) == (13, 11)
