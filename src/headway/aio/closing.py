"""How what a node has opened is closed again, in every way in which it can end. Called by `node`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from headway.errors import StoreError

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from types import TracebackType

    from headway.store import Store
    from headway.store.peers import PeerStore


class Leave:
    """Leaves a task group: an error of the body passes by unchanged, an error of a task ends the body."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group

    async def __call__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        if isinstance(error, asyncio.CancelledError):
            return await self._group.__aexit__(kind, error, trace)
        await self._group.__aexit__(None, None, None)
        return None


async def close_stores(opening: asyncio.Future[tuple[Store, PeerStore | None]], writer: Executor) -> None:
    """Close what was opened in the thread that wrote to it, also what was still being opened when we were cancelled."""
    try:
        store, book = await opening
    except StoreError:
        return
    run = asyncio.get_running_loop().run_in_executor
    try:
        if book is not None:
            await run(writer, book.close)
    finally:
        await run(writer, store.close)
