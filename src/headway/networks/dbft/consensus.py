"""From a set of validators to the script that all their signatures stand for, and to its hash, `next_consensus`.

Called by the genesis blocks, by private networks and by the makers of chains. Not here: who the validators are (the
votes decide; a header only commits to the result).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from headway.networks.dbft.hash160 import hash160
from headway.networks.dbft.script import KEY_SIZE, Dialect, build_verification

# P-256 (SEC 2, secp256r1): y^2 = x^3 - 3x + b over the field of p elements.
_P: Final = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_EVEN: Final = 2
"""First byte of a compressed point whose y is even; 3 where it is odd."""


def threshold(count: int) -> int:
    """How many of `count` validators must sign (m): all but the third that may be faulty (C# GetBFTAddress)."""
    return count - (count - 1) // 3


def point(key: bytes) -> tuple[int, int]:
    """X and Y of a compressed key. Raises ValueError for bytes that are no point of the curve."""
    x = int.from_bytes(key[1:], "big")
    if len(key) != KEY_SIZE or key[0] not in {_EVEN, _EVEN + 1} or x >= _P:
        raise ValueError(f"not a compressed key: {key[: KEY_SIZE + 1].hex()}")
    square = (x * x * x - 3 * x + _B) % _P
    y = pow(square, (_P + 1) // 4, _P)  # a root wherever there is one, for p is 3 modulo 4
    if y * y % _P != square:
        raise ValueError(f"not a point of the curve: {key.hex()}")
    return x, y if y % 2 == key[0] % 2 else _P - y


def sorted_keys(keys: Iterable[bytes]) -> tuple[bytes, ...]:
    """In the order of their points: by X, then by Y, as numbers (C# ECPoint.CompareTo). Not the order of the bytes."""
    return tuple(sorted(keys, key=point))


def consensus_script(dialect: Dialect, validators: Sequence[bytes]) -> bytes:
    """The verification script of blocks that `validators` sign. Raises ValueError for keys that are none."""
    return build_verification(dialect, threshold(len(validators)), sorted_keys(validators))


def next_consensus(dialect: Dialect, validators: Sequence[bytes]) -> bytes:
    """What the header before commits to: 20 bytes in wire order."""
    return hash160(consensus_script(dialect, validators))
