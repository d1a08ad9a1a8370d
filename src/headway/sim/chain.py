"""A chain as those who serve it hold it: whole blocks, from genesis on.

Who makes it is not our business (`headway.testing` does): here it is only looked up. A fork is a chain of its own,
which shares the blocks before. Called by `actor`, `node` and `scenario`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from headway.network import Headers
from headway.types import BlockId

if TYPE_CHECKING:
    from headway.network import Network
    from headway.types import Hash, Height


class Chain:
    """Raw blocks of `network`, the first at height 1. Where `headers_only` are given these follow the last block."""

    def __init__(
        self,
        network: Network,
        blocks: Sequence[bytes],
        headers_only: Iterable[bytes] = (),
        *,
        valid_headers: Height | None = None,
        valid_blocks: Height | None = None,
    ) -> None:
        """`valid_headers`, `valid_blocks`: the last height up to which they keep all rules; None: all of them do."""
        self.network = network
        self.blocks = blocks
        parser = network.codec.parser
        self.raw_headers: list[bytes] = [parser.block_header(raw).raw for raw in blocks]
        """As they travel; the first is that of height 1."""
        self.raw_headers += headers_only
        self.valid_headers = len(self) if valid_headers is None else valid_headers
        self.valid_blocks = min(len(blocks), self.valid_headers) if valid_blocks is None else valid_blocks

    def __len__(self) -> int:
        """Its height."""
        return len(self.raw_headers)

    @cached_property
    def heights(self) -> dict[Hash, Height]:
        """Hash -> height, genesis included."""
        header_of = self.network.codec.parser.header
        found = {self.network.rules.root.hash: 0}
        found.update((header_of(raw).hash, height) for height, raw in enumerate(self.raw_headers, 1))
        return found

    @cached_property
    def hashes(self) -> tuple[Hash, ...]:
        """By height, genesis first."""
        return tuple(self.heights)

    @cached_property
    def _joined(self) -> bytes:
        """All headers, where each has the same size."""
        return b"".join(self.raw_headers)

    @property
    def tip(self) -> BlockId:
        return self.id(len(self))

    def id(self, height: Height) -> BlockId:
        return BlockId(height, self.hashes[height])

    def block(self, height: Height) -> bytes | None:
        """Raw; None where there is a header alone, or nothing."""
        if height == 0:
            return self.network.rules.genesis_block
        return self.blocks[height - 1] if 0 < height <= len(self.blocks) else None

    def headers(self, first: Height, last: Height) -> Headers:
        """Those of `first` (1 at least) to `last`, as a message."""
        first, last = max(first, 1), min(last, len(self))
        parser = self.network.codec.parser
        if size := self.network.rules.header_size:
            return Headers.fixed(self._joined[(first - 1) * size : max(last, first - 1) * size], parser, size=size)
        return Headers.joined(self.raw_headers[first - 1 : last], parser)
