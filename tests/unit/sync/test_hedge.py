"""When the one block for which all wait is asked of a second peer."""

from __future__ import annotations

from headway.sync.hedge import LEAST, MULTIPLE, UNKNOWN, Hedge, patience


def test_patience_is_a_multiple_of_the_usual_time_and_half_a_second_at_least() -> None:
    assert patience(1.0) == MULTIPLE
    assert patience(0.01) == LEAST
    assert patience(None) == MULTIPLE * UNKNOWN


def test_it_is_due_after_the_patience_not_before() -> None:
    hedge = Hedge()
    assert not hedge.watch(7, 10.0, 0.5, 10.0)
    assert hedge.due() == 11.5
    assert not hedge.watch(7, 10.0, 0.5, 11.49)
    assert hedge.watch(7, 10.0, 0.5, 11.5)


def test_what_the_first_brings_in_its_turn_puts_it_off() -> None:
    hedge = Hedge()
    hedge.watch(7, 10.0, 0.5, 10.0)
    assert not hedge.watch(7, 11.0, 0.5, 11.5)
    assert hedge.due() == 12.5


def test_each_further_peer_is_asked_after_twice_the_time() -> None:
    hedge = Hedge()
    assert hedge.watch(7, 0.0, 0.5, 1.5)
    hedge.asked(1, 0.0, 1.5)
    assert (hedge.first, hedge.due()) == (1, None)
    assert not hedge.watch(7, 1.5, 0.5, 1.5)
    assert hedge.due() == 1.5 + 3.0
    hedge.asked(2, 1.5, 4.5)
    assert not hedge.watch(7, 4.5, 0.5, 4.5)
    assert (hedge.first, hedge.due()) == (2, 4.5 + 6.0)


def test_another_block_begins_anew() -> None:
    hedge = Hedge()
    hedge.watch(7, 0.0, 0.5, 1.5)
    hedge.asked(1, 0.0, 1.5)
    assert not hedge.watch(8, 1.6, 0.5, 1.6)
    assert (hedge.position, hedge.first, hedge.due()) == (8, None, 1.6 + 1.5)


def test_at_rest_nothing_is_due_and_what_was_asked_is_remembered() -> None:
    hedge = Hedge()
    hedge.watch(7, 0.0, 0.5, 1.5)
    hedge.asked(1, 0.0, 1.5)
    hedge.watch(7, 1.5, 0.5, 2.0)
    hedge.rest()
    assert (hedge.position, hedge.first, hedge.due()) == (7, 1, None)


def test_the_first_is_beaten_by_who_was_three_times_as_quick() -> None:
    """On a slow line of ours both are slow, and the second proves nothing."""
    hedge = Hedge()
    hedge.watch(7, 0.0, 0.5, 1.5)
    hedge.asked(1, 0.0, 1.5)
    assert hedge.is_beaten(2.0)
    assert hedge.is_beaten(2.25)
    assert not hedge.is_beaten(2.3)
    assert not hedge.is_beaten(60.0)
