"""Blocks asked of one peer, as an iterator. Not here: what is asked when (`peer.feed`). Called by `peer` only."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from headway.peer.feed import Feed
    from headway.types import BlockRequest
    from headway.wire.messages import Block


class BlockStream:
    """`for block in stream`: in order of arrival. `close()`, or forgetting it, cancels what is owed without blame."""

    def __init__(self, blocks: Generator[Block, None, None], feed: Feed) -> None:
        self._blocks = blocks
        self._feed = feed

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Block:
        """Raises RequestTimeout or PeerGone; the stream has then ended."""
        return next(self._blocks)

    def close(self) -> None:
        """Want no more of them."""
        self._blocks.close()

    @property
    def missing(self) -> tuple[BlockRequest, ...]:
        """What was asked for and did not come: not found, or owed when the iteration ended."""
        return self._feed.missing
