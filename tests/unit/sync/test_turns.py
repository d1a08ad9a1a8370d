"""Whose turn it is, and who steps aside until when."""

from __future__ import annotations

from headway.sync.turns import SLACK, Turns


def line(turns: Turns) -> list[int]:
    """Everybody whose turn it is, in order; the line is empty afterwards."""
    found = []
    while (peer := turns.next()) is not None:
        found.append(peer)
    return found


def test_first_come_first_served_and_nobody_stands_there_twice() -> None:
    turns = Turns()
    for peer in (3, 1, 2, 3):
        turns.put(peer)
    assert list(turns.first(2)) == [3, 1]
    turns.drop(1)
    assert line(turns) == [3, 2]


def test_who_does_not_reach_so_high_comes_back_for_what_is_low_enough() -> None:
    turns = Turns()
    turns.wait_below(1, 100)
    turns.wait_below(2, 50)
    assert turns.useless == 2
    for lowest in (None, 101):
        turns.wake(lowest)
        assert line(turns) == []
    turns.wake(100)
    assert line(turns) == [1]
    turns.wake(3)
    assert line(turns) == [2]
    assert turns.useless == 0


def test_who_has_nothing_so_low_comes_back_for_what_is_high_enough() -> None:
    turns = Turns()
    turns.wait_above(1, 100)
    turns.wait_above(2, 50)
    turns.wake(49)
    assert line(turns) == []
    turns.wake(70)
    assert line(turns) == [2]
    turns.wake(100)
    assert line(turns) == [1]


def test_who_lacks_everything_comes_back_when_there_is_something_else() -> None:
    turns = Turns()
    turns.wait_lacking(1)
    turns.wake(5)
    assert (line(turns), turns.useless) == ([], 1)
    turns.wake_lacking()
    assert (line(turns), turns.useless) == ([1], 0)


def test_who_has_its_part_comes_back_when_there_is_more_or_are_fewer_to_share_it() -> None:
    turns = Turns()
    for wake in (turns.wake_sated, turns.wake_lacking):
        turns.wait_sated(1)
        turns.wake(5)
        assert (line(turns), turns.useless) == ([], 0)
        wake()
        assert line(turns) == [1]


def test_who_has_gone_or_was_put_back_waits_for_nothing_any_more() -> None:
    turns = Turns()
    turns.wait_below(1, 10)
    turns.wait_above(2, 10)
    turns.wait_lacking(3)
    turns.wait_below(4, 10)
    turns.wait_sated(5)
    for peer in (1, 2, 3, 5):
        turns.drop(peer)
    turns.put(4)
    assert line(turns) == [4]
    turns.wake(10)
    turns.wake_lacking()
    assert (line(turns), turns.useless) == ([], 0)


def test_who_waits_for_another_height_than_before_is_not_woken_by_the_old_one() -> None:
    turns = Turns()
    turns.wait_below(1, 100)
    turns.put(1)
    assert turns.next() == 1
    turns.wait_below(1, 10)
    turns.wake(50)
    assert line(turns) == []
    turns.wake(10)
    assert line(turns) == [1]


def test_entries_that_are_left_over_do_not_pile_up() -> None:
    turns = Turns()
    for height in range(1_000):
        for wait in (turns.wait_below, turns.wait_above):
            wait(1, height + 1_000)
            turns.put(1)
    assert len(turns._below_heap) <= SLACK + 3
    assert len(turns._above_heap) <= SLACK + 3


def test_to_wake_one_of_many_costs_no_more_than_one() -> None:
    turns = Turns()
    for peer in range(1_000):
        turns.wait_below(peer, peer)
    looked: list[int] = []

    class Counting(dict[int, int]):
        def get(self, key: int, default: int | None = None) -> int | None:  # type: ignore[override]
            looked.append(key)
            return super().get(key, default)

    turns._below = Counting(turns._below)
    turns.wake(998)
    assert sorted(looked) == [998, 999]
