"""What waits for a slow consumer: in order, awaited, and with an end."""

from __future__ import annotations

import asyncio

import pytest

from headway.aio.backlog import Backlog
from headway.peer.inbox import MAX_MESSAGES
from tests.loopback import on_loop


def unheard() -> None:
    """Nobody has to know when there is room again."""


@on_loop
async def test_items_come_in_order_also_to_one_who_waited_first() -> None:
    backlog: Backlog[int] = Backlog(unheard)
    first = asyncio.create_task(backlog.get())
    await asyncio.sleep(0)
    backlog.put(1, 10)
    backlog.put(2, 10)
    assert [await first, await backlog.get()] == [1, 2]
    assert len(backlog) == 0


@on_loop
async def test_end_gives_the_rest_then_none() -> None:
    backlog: Backlog[int] = Backlog(unheard)
    backlog.put(1, 1)
    backlog.end()
    backlog.put(2, 1)  # too late
    assert [await backlog.get(), await backlog.get(), await backlog.get()] == [1, None, None]


@on_loop
async def test_end_with_an_error_gives_the_rest_then_raises_also_to_one_who_waits() -> None:
    backlog: Backlog[int] = Backlog(unheard)
    waiting = asyncio.create_task(backlog.get())
    await asyncio.sleep(0)
    backlog.end(ValueError("gone"))
    with pytest.raises(ValueError, match="gone"):
        await waiting


@on_loop
async def test_consumer_is_the_task_that_took_last() -> None:
    backlog: Backlog[int] = Backlog(unheard)
    backlog.put(1, 1)
    task = asyncio.create_task(backlog.get())
    await task
    assert backlog.consumer is task


def test_room_is_told_once_when_half_was_taken_and_not_for_each_item() -> None:
    left: list[int] = []
    backlog: Backlog[int] = Backlog(lambda: left.append(len(backlog)))
    for _ in range(2):
        for number in range(MAX_MESSAGES):
            backlog.put(number, 1)
        while backlog:
            backlog.take()
    backlog.put(1, 1)
    backlog.take()
    assert left == [MAX_MESSAGES // 2] * 2


@on_loop
async def test_arrival_is_done_at_once_when_something_is_here_or_nothing_will_come() -> None:
    backlog: Backlog[int] = Backlog(unheard)
    later = backlog.arrival()
    assert not later.done()
    backlog.put(1, 1)
    await later
    assert backlog.arrival().done()
    backlog.end()
    assert backlog.is_over is False  # the item is still to be taken
    assert backlog.take() == 1
    assert backlog.arrival().done()


def test_it_is_over_once_it_has_ended_and_the_rest_was_taken() -> None:
    backlog: Backlog[int] = Backlog(unheard)
    backlog.end()
    assert backlog.is_over
