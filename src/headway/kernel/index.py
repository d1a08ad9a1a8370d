"""The header index: hash -> position, and per position raw header, parent, height and chainwork, in columns.

Positions count up in order of arrival; nothing is ever removed. The native twin has the same face and less memory.
Called by `chain.headers` only.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate

NO_PARENT = -1


class HeaderIndex:
    """Pure reference. About 250 bytes a header, most of it the dict."""

    def __init__(self, record_size: int) -> None:
        """`record_size`: bytes of a raw header; 0 keeps none (where headers vary in size, the store keeps them)."""
        self._record_size = record_size
        self._positions: dict[bytes, int] = {}
        self._hashes: list[bytes] = []
        self._raw = bytearray()
        self._parents = array("i")
        self._heights = array("I")
        self._works = bytearray()  # 32 bytes little endian a position, cumulative

    def __len__(self) -> int:
        return len(self._hashes)

    def find(self, block_hash: bytes) -> int:
        """Position, or -1."""
        return self._positions.get(block_hash, -1)

    def extend(self, raw: bytes, hashes: bytes, parent: int, works: Sequence[int]) -> int:
        """Append a linked run, returns the position of the first.

        The first header's parent is position `parent` (-1: none), each next one's the one before it. `hashes`: 32 bytes
        each, all new; `works`: work of each by itself. Raises ValueError when the sizes do not agree or a hash is known
        already.
        """
        count = len(works)
        if len(hashes) != 32 * count or len(raw) != self._record_size * count or not NO_PARENT <= parent < len(self):
            raise ValueError("sizes of a header run do not agree")
        run = [hashes[i : i + 32] for i in range(0, len(hashes), 32)]
        first = len(self)
        positions = dict(zip(run, range(first, first + count), strict=True))
        if len(positions) != count or not self._positions.keys().isdisjoint(positions):
            raise ValueError("a header of the run is known already")
        self._positions.update(positions)
        self._hashes.extend(run)
        self._raw += raw
        self._parents.append(parent) if count else None
        self._parents.extend(range(first, first + count - 1))
        height = self.height(parent) + 1 if parent >= 0 else 0
        self._heights.extend(range(height, height + count))
        total = self.chainwork(parent) if parent >= 0 else 0
        self._works += b"".join([each.to_bytes(32, "little") for each in accumulate(works, initial=total)][1:])
        return first

    def hash(self, position: int) -> bytes:
        return self._hashes[position]

    def raw(self, position: int) -> bytes:
        return bytes(self._raw[position * self._record_size : (position + 1) * self._record_size])

    def parent(self, position: int) -> int:
        return self._parents[position]

    def height(self, position: int) -> int:
        return self._heights[position]

    def chainwork(self, position: int) -> int:
        """Work of the chain up to and including this header."""
        return int.from_bytes(self._works[position * 32 : position * 32 + 32], "little")
