"""The hashes of Bitcoin's wire and chain, by hashlib. Part of the pure reference, see `face`."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from operator import eq

from headway.types import Raw


def sha256d(data: Raw) -> bytes:
    """SHA-256 of the SHA-256: the hash of headers, transactions and merkle nodes (Core CHash256)."""
    return sha256(sha256(data).digest()).digest()


def sha256d_each(data: bytes, starts: Iterable[int], size: int) -> list[bytes]:
    """`sha256d` of the `size` bytes at each of `starts`."""
    return [sha256(sha256(data[at : at + size]).digest()).digest() for at in starts]


def checksum(data: Raw) -> bytes:
    """The first four bytes of `sha256d`: what a v1 frame header says of its payload."""
    return sha256d(data)[:4]


def merkle_root(hashes: bytes) -> tuple[bytes, bool]:
    """Root over hashes of 32 bytes each, and whether the tree is mutated: see `merkle_root_of`."""
    return merkle_root_of([hashes[at : at + 32] for at in range(0, len(hashes), 32)])


def merkle_root_of(level: list[bytes]) -> tuple[bytes, bool]:
    """Root of the tree (32 zero bytes without leaves), and whether two equal nodes stand side by side as a pair.

    An odd node pairs with itself, so a list of transactions and the same list with its tail repeated have one root
    (CVE-2012-2459); the second has such a pair, and no honest block does (Core ComputeMerkleRoot).
    """
    mutated = False
    while len(level) > 1:
        mutated = mutated or any(map(eq, level[::2], level[1::2]))
        if len(level) % 2:
            level = [*level, level[-1]]
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [sha256(sha256(left + right).digest()).digest() for left, right in pairs]
    return (level[0] if level else bytes(32)), mutated
