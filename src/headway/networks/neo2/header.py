"""One header of Neo Legacy as a value, for those who ask for it, and where a header ends among other bytes.

    version 4 | previous hash 32 | merkle root 32 | time 4 | height 4 | nonce 8 | next consensus 20 | witness

Only the first 104 bytes are hashed and signed; that is the kept part, which the header tree holds without its witness.
Not here: whether the witness proves anything (the rules). Called by `parser`, the payloads and the rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from headway.kernel import sha256d
from headway.kernel.scan import compact_size
from headway.types import Hash, Height, hash_hex

KEPT_SIZE: Final = 104
"""Bytes that the hash covers: all before the witness."""
MAX_SCRIPT: Final = 65_536
"""Bytes of each of the two scripts of a witness (C# Witness)."""
MIN_HEADER_SIZE: Final = KEPT_SIZE + 3
"""A header whose witness has two empty scripts."""
MAX_HEADER_SIZE: Final = KEPT_SIZE + 1 + 2 * (5 + MAX_SCRIPT)
"""Lengths of scripts take 5 bytes each at most."""

_LAYOUT: Final = Struct("<I32s32sIIQ20s")


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """A header, with its witness or without. Equal by `raw` alone. Build it with `from_raw`."""

    raw: bytes
    version: int = field(compare=False)
    prev_hash: Hash = field(compare=False)
    merkle_root: Hash = field(compare=False)
    time: int = field(compare=False)
    """Unix seconds."""
    height: Height = field(compare=False)
    """As the header states it: the wire's index."""
    nonce: int = field(compare=False)
    """Called consensus data on the wire."""
    next_consensus: bytes = field(compare=False)
    """Hash of the verification script that must sign the next block: 20 bytes in wire order."""
    invocation: bytes = field(compare=False)
    """The witness's first script, which pushes signatures; empty in a kept part."""
    verification: bytes = field(compare=False)
    """The witness's second script, which holds the keys; empty in a kept part."""

    @classmethod
    def from_raw(cls, raw: bytes) -> BlockHeader:
        """A whole header or its kept part. Raises ValueError for anything else."""
        invocation = verification = b""
        if len(raw) != KEPT_SIZE:
            invocation, verification, end = _read_witness(raw, KEPT_SIZE)
            if end != len(raw):
                raise ValueError(f"a header that ends at byte {end} has {len(raw)} bytes")
        version, prev_hash, merkle_root, time, height, nonce, next_consensus = _LAYOUT.unpack_from(raw)
        return cls(raw, version, prev_hash, merkle_root, time, height, nonce, next_consensus, invocation, verification)

    @property
    def timestamp(self) -> int:
        """The time in the unit of the chain: seconds."""
        return self.time

    @property
    def unsigned(self) -> bytes:
        """What is hashed and signed: all but the witness."""
        return self.raw[:KEPT_SIZE]

    @property
    def hash(self) -> Hash:
        """Computed at each call: keep it if you need it often."""
        return sha256d(self.raw[:KEPT_SIZE])

    def __str__(self) -> str:
        return f"{self.height}:{hash_hex(self.hash)} after {hash_hex(self.prev_hash)}"


def header_end(raw: bytes, start: int) -> int:
    """Where the whole header that begins at `start` ends. Raises ValueError for bytes that are no header."""
    return _read_witness(raw, start + KEPT_SIZE)[2]


def _read_witness(raw: bytes, at: int) -> tuple[bytes, bytes, int]:
    """Both scripts of the one witness at `at`, and where it ends. Raises ValueError."""
    try:
        if raw[at] != 1:
            raise ValueError(f"a header has one witness, not {raw[at]}")
        invocation_size, invocation_at = compact_size(raw, at + 1)
        verification_size, verification_at = compact_size(raw, invocation_at + invocation_size)
    except IndexError:
        raise ValueError(f"a header does not end within {len(raw)} bytes") from None
    end = verification_at + verification_size
    if max(invocation_size, verification_size) > MAX_SCRIPT:
        longest = max(invocation_size, verification_size)
        raise ValueError(f"a script of a header's witness has {longest} bytes, at most {MAX_SCRIPT}")
    if end > len(raw):
        raise ValueError(f"a header does not end within {len(raw)} bytes")
    return raw[invocation_at : invocation_at + invocation_size], raw[verification_at:end], end
