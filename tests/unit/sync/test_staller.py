"""The peer that holds everybody up, and its time, which adapts."""

from __future__ import annotations

import pytest

from headway.sync.staller import DECAY, MAX_TIMEOUT, TIMEOUT, Staller


def test_it_is_found_when_its_time_has_run_out_not_before() -> None:
    staller = Staller()
    assert not staller.watch(1, 5.0, 10.0)
    assert staller.due() == 10.0 + TIMEOUT
    assert not staller.watch(1, 5.0, 10.0 + TIMEOUT - 0.01)
    assert staller.watch(1, 5.0, 10.0 + TIMEOUT)
    assert staller.due() is None


def test_what_is_due_is_found_at_that_very_instant_whatever_the_rounding() -> None:
    for start in (0.1, 1.1, 17.7, 1_000.3, 123_456.7):
        staller = Staller()
        staller.watch(1, 0.0, start)
        due = staller.due()
        assert due is not None
        assert staller.watch(1, 0.0, due)


def test_another_suspect_or_nobody_begins_anew() -> None:
    staller = Staller()
    staller.watch(1, 0.0, 10.0)
    assert not staller.watch(2, 0.0, 11.9)
    assert staller.due() == 11.9 + TIMEOUT
    staller.rest()
    assert staller.due() is None
    assert not staller.watch(2, 0.0, 14.0)
    assert staller.due() == 14.0 + TIMEOUT


def test_what_comes_in_its_turn_gives_it_more_time() -> None:
    staller = Staller()
    staller.watch(1, 0.0, 10.0)
    assert not staller.watch(1, 11.5, 12.5)
    assert staller.due() == 11.5 + TIMEOUT


def test_its_time_doubles_when_it_runs_out_and_sinks_with_each_stored_block() -> None:
    staller, now, found = Staller(), 0.0, []
    for peer in range(7):
        staller.watch(peer, 0.0, now)
        due = staller.due()
        assert due is not None
        found.append(due - now)
        now = due
        assert staller.watch(peer, 0.0, now)
    assert found == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 64.0]
    assert staller.timeout == MAX_TIMEOUT
    staller.stored()
    assert staller.timeout == pytest.approx(MAX_TIMEOUT * DECAY)
    for _ in range(50):
        staller.stored()
    assert staller.timeout == TIMEOUT
