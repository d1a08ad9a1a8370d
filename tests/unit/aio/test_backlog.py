"""What waits for a slow consumer: in order, awaited, and with an end."""

from __future__ import annotations

import asyncio

import pytest

from headway.aio.backlog import Backlog
from tests.loopback import on_loop


@on_loop
async def test_items_come_in_order_also_to_one_who_waited_first() -> None:
    backlog: Backlog[int] = Backlog()
    first = asyncio.create_task(backlog.get())
    await asyncio.sleep(0)
    backlog.put(1, 10)
    backlog.put(2, 10)
    assert [await first, await backlog.get()] == [1, 2]
    assert len(backlog) == 0


@on_loop
async def test_end_gives_the_rest_then_none() -> None:
    backlog: Backlog[int] = Backlog()
    backlog.put(1, 1)
    backlog.end()
    backlog.put(2, 1)  # too late
    assert [await backlog.get(), await backlog.get(), await backlog.get()] == [1, None, None]


@on_loop
async def test_end_with_an_error_gives_the_rest_then_raises_also_to_one_who_waits() -> None:
    backlog: Backlog[int] = Backlog()
    waiting = asyncio.create_task(backlog.get())
    await asyncio.sleep(0)
    backlog.end(ValueError("gone"))
    with pytest.raises(ValueError, match="gone"):
        await waiting


@on_loop
async def test_consumer_is_the_task_that_took_last() -> None:
    backlog: Backlog[int] = Backlog()
    backlog.put(1, 1)
    task = asyncio.create_task(backlog.get())
    await task
    assert backlog.consumer is task
