"""What waits for a slow consumer: in order, bounded, and with an end."""

from __future__ import annotations

import asyncio

import pytest

from headway.aio.backlog import MAX_BYTES, MAX_MESSAGES, Backlog, size_of
from headway.peer.events import PeerDisconnected, Reason
from headway.types import BlockId
from headway.wire import messages as m
from tests.loopback import on_loop
from tests.toynet import PARSER, toy_chain, toy_headers


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
async def test_full_by_number_until_half_was_taken() -> None:
    backlog: Backlog[int] = Backlog()
    full = []
    for number in range(MAX_MESSAGES):
        backlog.put(number, 1)
        full.append(backlog.is_full)
    assert full == [False] * (MAX_MESSAGES - 1) + [True]
    full = []
    for _ in range(MAX_MESSAGES // 2):
        await backlog.get()
        full.append(backlog.is_full)
    assert full == [True] * (MAX_MESSAGES // 2 - 1) + [False]


@on_loop
async def test_full_by_bytes_until_half_was_taken() -> None:
    backlog: Backlog[str] = Backlog()
    full = []
    for half in ("one", "other"):
        backlog.put(half, MAX_BYTES // 2)
        full.append(backlog.is_full)
    await backlog.get()
    assert [*full, backlog.is_full] == [False, True, False]


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
async def test_clear_drops_what_waits_and_it_goes_on() -> None:
    backlog: Backlog[int] = Backlog()
    backlog.put(1, MAX_BYTES)
    backlog.clear()
    assert not backlog.is_full
    backlog.put(2, 1)
    assert await backlog.get() == 2


@on_loop
async def test_consumer_is_the_task_that_took_last() -> None:
    backlog: Backlog[int] = Backlog()
    backlog.put(1, 1)
    task = asyncio.create_task(backlog.get())
    await task
    assert backlog.consumer is task


HASH = bytes(32)


@pytest.mark.parametrize(
    ("message", "least"),
    [
        (toy_headers(toy_chain(10)), 10 * 44),
        (m.Block(bytes(1_000), PARSER), 1_000),
        (m.Tx(bytes(1_000), PARSER), 1_000),
        (m.Inv((m.InvEntry(1, HASH),) * 100), 100 * 32),
        (m.Unknown("x", bytes(1_000)), 1_000),
        (m.GetHeaders((BlockId(0, HASH),) * 101), 101 * 32),
        (PeerDisconnected(Reason.IDLE, "quiet"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_size_is_not_less_than_what_a_message_holds(message: m.Message, least: int) -> None:
    assert size_of(message) >= least
