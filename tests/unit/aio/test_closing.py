"""How what a node has opened is closed again."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from headway.aio.closing import Leave, close_stores
from headway.errors import StoreError
from headway.store import Store
from headway.store.peers import PeerStore
from tests.loopback import on_loop
from tests.toynet import TOYNET


async def fail(error: Exception) -> None:
    raise error


async def within(body: Coroutine[Any, Any, None], *tasks: Coroutine[Any, Any, None]) -> None:
    """Run `body` beside tasks of a group that is left in this way."""
    group = asyncio.TaskGroup()
    async with AsyncExitStack() as stack:
        stack.push_async_exit(Leave(group))
        await group.__aenter__()
        for task in tasks:
            group.create_task(task)
        await body


@on_loop
async def test_an_error_of_the_body_passes_by_unchanged() -> None:
    with pytest.raises(KeyError, match="of the body"):
        await within(fail(KeyError("of the body")))


@on_loop
async def test_an_error_of_a_task_ends_the_body() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await within(asyncio.sleep(3600), fail(StoreError("a task failed")))
    assert [str(error) for error in caught.value.exceptions] == ["a task failed"]


@pytest.mark.parametrize("with_book", [True, False])
def test_stores_are_closed_and_free_for_the_next(tmp_path: Path, with_book: bool) -> None:
    @on_loop
    async def opened_and_closed() -> None:
        with ThreadPoolExecutor(1, "headway-write") as writer:

            def opened() -> tuple[Store, PeerStore | None]:
                return Store.open(tmp_path, TOYNET), PeerStore.open(tmp_path, TOYNET) if with_book else None

            await close_stores(asyncio.get_running_loop().run_in_executor(writer, opened), writer)

    opened_and_closed()
    with Store.open(tmp_path, TOYNET):
        PeerStore.open(tmp_path, TOYNET).close()


@on_loop
async def test_what_could_not_be_opened_need_not_be_closed() -> None:
    failed: asyncio.Future[tuple[Store, PeerStore | None]] = asyncio.get_running_loop().create_future()
    failed.set_exception(StoreError("locked"))
    with ThreadPoolExecutor(1, "headway-write") as writer:
        await close_stores(failed, writer)
