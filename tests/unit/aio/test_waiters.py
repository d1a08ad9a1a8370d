"""Who waits for a peer gets his own answer, or an error at once."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from headway.aio.waiters import Waiters
from headway.errors import PeerGone, RequestTimeout
from tests.loopback import on_loop


def waiters() -> tuple[Waiters, list[int]]:
    """And how many waited at each change."""
    counts: list[int] = []
    made = Waiters(lambda: counts.append(len(made)))
    return made, counts


async def waiting(made: Waiters, reply: asyncio.Future[Any]) -> asyncio.Task[Any]:
    task = asyncio.create_task(made.wait(reply))
    await asyncio.sleep(0)
    return task


@on_loop
async def test_reply_settles_its_own_request_and_no_other() -> None:
    made, counts = waiters()
    first, second = [await waiting(made, made.expect(request)) for request in (1, 2)]
    made.settle(2, "two")
    assert await second == "two"
    assert not first.done()
    made.settle(1, "one")
    assert await first == "one"
    assert counts == [1, 2, 1, 0]


@on_loop
async def test_request_that_expired_fails_with_its_error() -> None:
    made, _ = waiters()
    task = await waiting(made, made.expect(1))
    made.expire(1, RequestTimeout("late"))
    with pytest.raises(RequestTimeout, match="late"):
        await task


@on_loop
async def test_answer_that_nobody_expects_is_nothing() -> None:
    made, _ = waiters()
    made.settle(7, "late")
    made.expire(7, RequestTimeout("late"))
    assert made.forget(7) is False


@on_loop
async def test_forgotten_request_was_expected_once() -> None:
    made, _ = waiters()
    made.expect(1)
    assert [made.forget(1), made.forget(1)] == [True, False]


@on_loop
async def test_all_fail_when_the_peer_goes_each_with_an_error_of_its_own() -> None:
    made, _ = waiters()
    tasks = [await waiting(made, made.expect(request)) for request in range(3)]
    made.fail_all(lambda: PeerGone("gone"))
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in errors] == [PeerGone] * 3
    assert len({id(error) for error in errors}) == 3
    assert len(made) == 0


@on_loop
async def test_only_the_named_tasks_fail() -> None:
    made, _ = waiters()
    stuck, other = [await waiting(made, made.expect(request)) for request in (1, 2)]
    assert made.is_waiting(stuck)
    made.fail_those({stuck}, lambda: PeerGone("stuck"))
    with pytest.raises(PeerGone):
        await stuck
    assert not made.is_waiting(stuck)
    made.settle(2, None)
    await other


@on_loop
async def test_cancelled_waiter_is_gone_and_does_not_disturb_the_end() -> None:
    made, _ = waiters()
    task = await waiting(made, made.expect(1))
    task.cancel()
    await asyncio.wait([task])
    made.settle(1, "late")
    made.fail_all(lambda: PeerGone("gone"))
    assert task.cancelled()


@on_loop
async def test_nobody_who_waits_takes_no_room() -> None:
    """Thousands of idle peers have one, and each has shaken hands and pinged by it."""
    made, _ = waiters()
    empty = sys.getsizeof(made._tasks), sys.getsizeof(made._replies)
    tasks = [await waiting(made, made.expect(request)) for request in range(3)]
    for request in range(3):
        made.settle(request, None)
    await asyncio.gather(*tasks)
    assert (sys.getsizeof(made._tasks), sys.getsizeof(made._replies)) == empty
