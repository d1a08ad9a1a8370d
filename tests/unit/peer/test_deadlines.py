"""The table itself: what it forgets, what it orders, and a clock that stands still."""

from __future__ import annotations

from headway.peer.deadlines import NEVER, Cause, Deadlines


def test_nothing_is_due_in_an_empty_table() -> None:
    table = Deadlines()
    assert table.next() is None
    assert table.due(1e12) == []


def test_the_earliest_of_all_causes_is_next() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 30.0, 100.0)
    table.arm(Cause.PONG, 10.0, 100.0)
    table.arm(Cause.HEADERS, 20.0, 100.0)
    assert table.next() == 110.0
    table.disarm(Cause.PONG)
    assert table.next() == 120.0


def test_a_delay_of_zero_switches_a_timer_off() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 5.0, 0.0)
    table.arm(Cause.IDLE, 0.0, 1.0)
    assert table.next() is None
    assert table.at(Cause.IDLE) == NEVER


def test_arming_again_moves_the_one_entry_of_a_cause() -> None:
    table = Deadlines()
    for now in range(1_000):
        table.arm(Cause.IDLE, 5.0, float(now))
    assert table.next() == 1_004.0
    assert table.due(1_004.0) == [Cause.IDLE]


def test_all_that_is_due_comes_earliest_first_and_not_before_its_time() -> None:
    table = Deadlines()
    table.arm(Cause.BLOCK, 3.0, 0.0)
    table.arm(Cause.IDLE, 1.0, 0.0)
    table.arm(Cause.PING, 2.0, 0.0)
    assert table.due(0.999) == []
    assert table.due(1.0) == [Cause.IDLE]
    assert table.due(10.0) == [Cause.IDLE, Cause.PING, Cause.BLOCK]


def test_a_pause_moves_every_deadline_by_its_length() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 10.0, 0.0)
    table.pause(4.0)
    assert table.next() is None
    assert table.due(1_000.0) == []
    table.resume(104.0)
    assert table.next() == 110.0
    assert table.due(109.9) == []
    assert table.due(110.0) == [Cause.IDLE]


def test_what_is_armed_during_a_pause_has_its_whole_time_after_it() -> None:
    table = Deadlines()
    table.pause(0.0)
    table.arm(Cause.PONG, 5.0, 50.0)
    table.resume(100.0)
    assert table.next() == 105.0


def test_pauses_nest_and_only_the_last_resume_starts_the_clock() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 10.0, 0.0)
    table.pause(1.0)
    table.pause(2.0)
    table.resume(3.0)
    assert table.next() is None
    table.resume(5.0)
    assert table.next() == 14.0


def test_a_resume_without_a_pause_does_nothing() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 10.0, 0.0)
    table.resume(5.0)
    assert table.next() == 10.0
    table.pause(5.0)
    assert table.next() is None


def test_clearing_ends_pauses_and_forgets_deadlines() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 10.0, 0.0)
    table.pause(1.0)
    table.clear()
    assert table.next() is None
    table.arm(Cause.CLOSE, 5.0, 2.0)
    assert table.next() == 7.0


def test_rounding_does_not_set_the_timer_and_the_deadline_apart() -> None:
    table = Deadlines()
    table.pause(15.411253314445393)
    table.resume(15.411253314445393 + 999.0)
    table.arm(Cause.PROGRESS, 10.0, 15.411253314445393 + 999.0)
    at = table.next()
    assert at is not None
    assert table.due(at) == [Cause.PROGRESS]
    assert table.has_passed(table.at(Cause.PROGRESS), at)
