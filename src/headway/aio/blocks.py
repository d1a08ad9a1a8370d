"""Blocks asked of one peer, as an async iterator: the feed of `peer.feed`, and a task that waits for it.

Not here: the clocks of a batch (`peer.machine`), blocks of many peers (`node`). Called by `peer` only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import TYPE_CHECKING

from headway.peer.feed import Feed

if TYPE_CHECKING:
    from headway.types import BlockRequest
    from headway.wire.messages import Block


class BlockStream:
    """`async for block in stream`: in order of arrival. Leaving the loop early cancels what is owed, without blame."""

    def __init__(self, blocks: AsyncGenerator[Block, None], feed: Feed) -> None:
        self._blocks = blocks
        self._feed = feed

    def __aiter__(self) -> AsyncIterator[Block]:
        return self._blocks

    @property
    def missing(self) -> tuple[BlockRequest, ...]:
        """What was asked for and did not come: not found, or owed when the iteration ended."""
        return self._feed.missing


class AwaitedFeed(Feed):
    """A feed whose changes can be awaited."""

    def __init__(self, wanted: Iterable[BlockRequest], max_ahead: int) -> None:
        super().__init__(wanted, max_ahead)
        self._arrival: asyncio.Future[None] | None = None

    def arrival(self) -> asyncio.Future[None]:
        """Done when the feed has changed; fails when the peer has gone."""
        self._arrival = asyncio.get_running_loop().create_future()
        return self._arrival

    def accept(self, request: BlockRequest, block: Block) -> bool:
        is_ours = super().accept(request, block)
        if is_ours:
            self._wake()
        return is_ours

    def not_found(self, requests: Iterable[BlockRequest]) -> None:
        super().not_found(requests)
        self._wake()

    def fail(self, error: Exception) -> None:
        """The consumer gets `error` if it waits now."""
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_exception(error)

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
