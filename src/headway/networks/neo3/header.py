"""One header of Neo N3 as a value, for those who ask for it, and where a header ends among other bytes.

    version 4 | previous hash 32 | merkle root 32 | time 8 (ms) | nonce 8 | height 4 | primary 1 | next consensus 20
    | previous state root 32, only on networks with StateRootInHeader | witness

The hash covers all before the witness (its kept part, which the header tree holds), and signatures sign that hash.
Not here: whether the witness proves anything (the rules). Called by `parser`, the payloads and the rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from struct import Struct
from typing import Final

from headway.kernel.scan import compact_size
from headway.types import Hash, Height, hash_hex

KEPT_SIZE: Final = 109
"""Bytes that the hash covers: all before the witness."""
STATE_ROOT_SIZE: Final = 32
"""As many more on a network with StateRootInHeader (neo-go)."""
MAX_SCRIPT: Final = 1_024
"""Bytes of each of the two scripts of a witness (C# Witness MaxInvocationScript, MaxVerificationScript)."""
MIN_HEADER_SIZE: Final = KEPT_SIZE + 3
"""A header whose witness has two empty scripts."""
MAX_HEADER_SIZE: Final = KEPT_SIZE + STATE_ROOT_SIZE + 1 + 2 * (3 + MAX_SCRIPT)
"""Lengths of scripts take 3 bytes each at most."""

_LAYOUT: Final = Struct("<I32s32sQQIB20s")


def kept_size(*, state_root: bool) -> int:
    """Bytes of a header's kept part."""
    return KEPT_SIZE + STATE_ROOT_SIZE if state_root else KEPT_SIZE


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """A header, with its witness or without. Equal by `raw` alone. Build it with `from_raw`."""

    raw: bytes
    version: int = field(compare=False)
    prev_hash: Hash = field(compare=False)
    merkle_root: Hash = field(compare=False)
    timestamp: int = field(compare=False)
    """The time in the unit of the chain: milliseconds of unix time."""
    nonce: int = field(compare=False)
    height: Height = field(compare=False)
    """As the header states it: the wire's index."""
    primary_index: int = field(compare=False)
    """Which validator proposed the block."""
    next_consensus: bytes = field(compare=False)
    """Hash of the verification script that must sign the next block: 20 bytes in wire order."""
    prev_state_root: bytes = field(compare=False)
    """32 bytes on a network with StateRootInHeader, else empty."""
    invocation: bytes = field(compare=False)
    """The witness's first script, which pushes signatures; empty in a kept part."""
    verification: bytes = field(compare=False)
    """The witness's second script, which holds the keys; empty in a kept part."""

    @classmethod
    def from_raw(cls, raw: bytes, *, state_root: bool = False) -> BlockHeader:
        """A whole header or its kept part. Raises ValueError for anything else."""
        kept = kept_size(state_root=state_root)
        invocation = verification = b""
        if len(raw) != kept:
            invocation, verification, end = _read_witness(raw, kept)
            if end != len(raw):
                raise ValueError(f"a header that ends at byte {end} has {len(raw)} bytes")
        version, prev, root, timestamp, nonce, height, primary, consensus = _LAYOUT.unpack_from(raw)
        state = raw[KEPT_SIZE:kept]
        return cls(
            raw, version, prev, root, timestamp, nonce, height, primary, consensus, state, invocation, verification
        )

    @property
    def time(self) -> int:
        """Unix seconds."""
        return self.timestamp // 1000

    @property
    def unsigned(self) -> bytes:
        """What the hash covers: all but the witness."""
        return self.raw[: KEPT_SIZE + len(self.prev_state_root)]

    @property
    def hash(self) -> Hash:
        """Computed at each call: keep it if you need it often."""
        return sha256(self.unsigned).digest()

    def __str__(self) -> str:
        return f"{self.height}:{hash_hex(self.hash)} after {hash_hex(self.prev_hash)}"


def header_end(raw: bytes, start: int, *, state_root: bool = False) -> int:
    """Where the whole header that begins at `start` ends. Raises ValueError for bytes that are no header."""
    return _read_witness(raw, start + kept_size(state_root=state_root))[2]


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
