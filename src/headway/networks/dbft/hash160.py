"""RIPEMD-160 of SHA-256: what Neo calls a script hash, and every `next_consensus` is one.

OpenSSL 3 may lack RIPEMD-160 (its legacy provider is off on some systems), so a plain one stands by: 300 microseconds
for the 32 bytes that SHA-256 leaves, against 2.
Called by `consensus`, `rules` and the genesis blocks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from hashlib import sha256
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

from headway.types import Raw

HASH160_SIZE: Final = 20
"""Bytes of a script hash (Neo UInt160)."""

_MASK: Final = 0xFFFFFFFF
_State: TypeAlias = tuple[int, int, int, int, int]
_START: Final[_State] = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
_WORDS: Final = Struct("<16I")
_DIGEST: Final = Struct("<5I")

# The tables of the RIPEMD-160 paper (Dobbertin, Bosselaers, Preneel 1996), for each of the two lines of 80 steps: which
# word of the block a step takes, and how far it rotates.
_WORD_LEFT: Final = (
    *(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    *(7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8),
    *(3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12),
    *(1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2),
    *(4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13),
)
_WORD_RIGHT: Final = (
    *(5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12),
    *(6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2),
    *(15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13),
    *(8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14),
    *(12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11),
)
_ROTATE_LEFT: Final = (
    *(11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8),
    *(7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12),
    *(11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5),
    *(11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12),
    *(9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6),
)
_ROTATE_RIGHT: Final = (
    *(8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6),
    *(9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11),
    *(9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5),
    *(15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8),
    *(8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11),
)
_MIX: Final[tuple[Callable[[int, int, int], int], ...]] = (
    lambda x, y, z: x ^ y ^ z,
    lambda x, y, z: (x & y) | (~x & z),
    lambda x, y, z: (x | ~y) ^ z,
    lambda x, y, z: (x & z) | (y & ~z),
    lambda x, y, z: x ^ (y | ~z),
)


class _Line(NamedTuple):
    words: tuple[int, ...]
    rotations: tuple[int, ...]
    adds: tuple[int, ...]
    """What each group of 16 steps adds."""
    mixes: tuple[Callable[[int, int, int], int], ...]
    """How each group mixes three words."""


_LEFT: Final = _Line(_WORD_LEFT, _ROTATE_LEFT, (0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E), _MIX)
_RIGHT: Final = _Line(_WORD_RIGHT, _ROTATE_RIGHT, (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0), _MIX[::-1])


def hash160(data: Raw) -> bytes:
    """20 bytes, in wire order."""
    return ripemd160(sha256(data).digest())


def plain_ripemd160(data: bytes) -> bytes:
    """RIPEMD-160 without a library."""
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + (8 * len(data)).to_bytes(8, "little")
    state = _START
    for at in range(0, len(padded), 64):
        block = _WORDS.unpack_from(padded, at)
        left, right = _walked(_LEFT, state, block), _walked(_RIGHT, state, block)
        state = (
            (state[1] + left[2] + right[3]) & _MASK,
            (state[2] + left[3] + right[4]) & _MASK,
            (state[3] + left[4] + right[0]) & _MASK,
            (state[4] + left[0] + right[1]) & _MASK,
            (state[0] + left[1] + right[2]) & _MASK,
        )
    return _DIGEST.pack(*state)


def _walked(line: _Line, state: _State, block: tuple[int, ...]) -> _State:
    a, b, c, d, e = state
    for step in range(80):
        group = step // 16
        total = (a + (line.mixes[group](b, c, d) & _MASK) + block[line.words[step]] + line.adds[group]) & _MASK
        a, b, c, d, e = e, (_rotated(total, line.rotations[step]) + e) & _MASK, b, _rotated(c, 10), d
    return a, b, c, d, e


def _rotated(value: int, by: int) -> int:
    return ((value << by) | (value >> (32 - by))) & _MASK


def _library_ripemd160(data: bytes) -> bytes:
    return hashlib.new("ripemd160", data, usedforsecurity=False).digest()


def best_ripemd160(library: Callable[[bytes], bytes] = _library_ripemd160) -> Callable[[bytes], bytes]:
    """The library's function where it works, else ours."""
    try:
        library(b"")
    except ValueError:  # what hashlib raises for a digest that OpenSSL does not provide
        return plain_ripemd160
    return library


ripemd160: Final = best_ripemd160()
