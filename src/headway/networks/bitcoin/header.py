"""One Bitcoin block header as a value, for those who ask for it: the engine itself works on raw bytes.

Called by `parser` and by users of `Headers` and `Block`.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

from headway.kernel import sha256d
from headway.types import Hash, hash_hex

HEADER_SIZE: Final = 80
"""Bytes of a header (Core CBlockHeader)."""

_LAYOUT: Final = Struct("<i32s32sIII")


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """80 bytes and what they say (Core CBlockHeader). Equal by `raw` alone. Build it with `from_raw`."""

    raw: bytes
    version: int
    prev_hash: Hash
    merkle_root: Hash
    time: int
    """Unix seconds, as the miner states them."""
    bits: int
    """The target in compact form (Core nBits)."""
    nonce: int

    @classmethod
    def from_raw(cls, raw: bytes) -> BlockHeader:
        """Raises ValueError unless `raw` has 80 bytes; any 80 bytes are a header."""
        if len(raw) != HEADER_SIZE:
            raise ValueError(f"a header has {HEADER_SIZE} bytes, not {len(raw)}")
        return cls(raw, *_LAYOUT.unpack(raw))

    @property
    def hash(self) -> Hash:
        """Computed at each call: keep it if you need it often."""
        return sha256d(self.raw)

    def __str__(self) -> str:
        return f"{hash_hex(self.hash)} after {hash_hex(self.prev_hash)}"
