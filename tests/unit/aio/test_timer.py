"""The alarm clock on a loop whose time the test sets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from headway.aio.timer import HELD_UP, MAX_GRACE, Timer


class SlowLoop:
    """What a timer needs of a loop. `run_to` passes the time, and calls what became due only then."""

    def __init__(self) -> None:
        self.now = 100.0
        self.handles: list[asyncio.TimerHandle] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, (), cast("asyncio.AbstractEventLoop", self))
        self.handles.append(handle)
        return handle

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback)

    def run_to(self, now: float) -> None:
        self.now = now
        for handle in [each for each in self.handles if each.when() <= now]:
            self.handles.remove(handle)
            handle._run()

    def get_debug(self) -> bool:
        """A handle asks."""
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self.handles.remove(handle)


class Bell:
    def __init__(self) -> None:
        self.loop = SlowLoop()
        self.rung: list[float] = []
        self.timer = Timer(cast("asyncio.AbstractEventLoop", self.loop), self.rung.append)


@pytest.fixture
def bell() -> Bell:
    return Bell()


def test_it_rings_when_it_is_due_and_once(bell: Bell) -> None:
    bell.timer.arm(101.0)
    bell.loop.run_to(100.9)
    assert bell.rung == []
    bell.loop.run_to(101.0)
    bell.loop.run_to(105.0)
    assert bell.rung == [101.0]


def test_no_ring_is_told_an_earlier_time_than_it_was_due(bell: Bell) -> None:
    bell.timer.arm(101.0)
    (handle,) = bell.loop.handles
    bell.loop.now = 100.999  # a loop may wake early by its clock's resolution
    handle._run()
    assert bell.rung == [101.0]


def test_a_deadline_that_moved_away_does_not_ring_at_its_old_time(bell: Bell) -> None:
    bell.timer.arm(101.0)
    bell.timer.arm(103.0)
    bell.loop.run_to(102.0)
    assert bell.rung == []
    bell.loop.run_to(103.0)
    assert bell.rung == [103.0]


def test_a_deadline_that_came_nearer_rings_then(bell: Bell) -> None:
    bell.timer.arm(103.0)
    bell.timer.arm(101.0)
    bell.loop.run_to(101.0)
    assert bell.rung == [101.0]


def test_nothing_rings_once_cancelled(bell: Bell) -> None:
    bell.timer.arm(101.0)
    bell.timer.cancel()
    bell.loop.run_to(110.0)
    assert bell.rung == []
    assert bell.loop.handles == []


def test_a_loop_that_was_held_up_lets_sockets_be_read_before_a_deadline_counts(bell: Bell) -> None:
    bell.timer.arm(101.0)
    late = 101.0 + 2 * HELD_UP
    bell.loop.run_to(late)
    assert bell.rung == []
    bell.timer.arm(104.0)  # what was read moved it
    bell.loop.run_to(103.9)
    assert bell.rung == []
    bell.loop.run_to(104.0)
    assert bell.rung == [104.0]


def test_a_flood_of_inputs_cannot_stretch_the_grace(bell: Bell) -> None:
    bell.timer.arm(101.0)
    bell.loop.run_to(105.0)
    end = 105.0 + MAX_GRACE
    for step in range(100):
        bell.timer.arm(101.0)  # every input ends so; this one did not move the deadline
        bell.loop.run_to(105.0 + step / 100 * MAX_GRACE)
    assert bell.rung == []
    bell.loop.run_to(end)
    assert bell.rung == [end]
