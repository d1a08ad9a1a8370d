"""The hashes of Bitcoin's wire and chain, by hashlib. Part of the pure reference, see `face`."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
