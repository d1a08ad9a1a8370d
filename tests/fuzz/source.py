"""An input of the fuzzer, read as numbers and bytes from its front. What is not there any more is zero or empty.

So every input is a valid program, and the fuzzer may cut and join them as it likes. Called by the targets.
"""

from __future__ import annotations


class Source:
    """A cursor over one input."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def has_more(self) -> bool:
        return self._at < len(self._data)

    def u8(self) -> int:
        at = self._at
        self._at = at + 1
        return self._data[at] if at < len(self._data) else 0

    def u16(self) -> int:
        return self.u8() | self.u8() << 8

    def take(self, count: int) -> bytes:
        """Up to `count` bytes."""
        at = self._at
        self._at = at + count
        return self._data[at : at + count]

    def rest(self) -> bytes:
        return self.take(len(self._data))
