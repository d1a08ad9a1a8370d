"""LZ4 in payloads of Neo N3: read, never written. Remotes compress whether they were asked not to or not.

    uncompressed length 4 | one raw LZ4 block

# Security
One byte of LZ4 can stand for 255 at most, so a length beyond that is a lie, and is refused before anything of it is
allocated; so is a length above the limit of payloads. Called by `frames`.
"""

from __future__ import annotations

from typing import Final

from headway.errors import CodecError

LENGTH_SIZE: Final = 4
"""Bytes of the uncompressed length."""
MAX_RATIO: Final = 255
"""Bytes that one byte of an LZ4 block can stand for at most (its format: a length byte of 255)."""


def decompress(payload: bytes, max_size: int) -> bytes:
    """What a compressed payload holds. Raises CodecError when it is damaged or larger than `max_size` bytes."""
    if len(payload) < LENGTH_SIZE:
        raise CodecError(f"a compressed payload has {len(payload)} bytes, at least {LENGTH_SIZE}")
    size, packed = int.from_bytes(payload[:LENGTH_SIZE], "little"), memoryview(payload)[LENGTH_SIZE:]
    if size > max_size:
        raise CodecError(f"a compressed payload announces {size} bytes, at most {max_size}")
    if size > MAX_RATIO * len(packed):
        raise CodecError(f"a compressed payload announces {size} bytes, more than {len(packed)} can stand for")
    from lz4 import block as lz4  # noqa: PLC0415  only who meets LZ4 loads it

    try:
        plain: bytes = lz4.decompress(packed, uncompressed_size=size)
    except lz4.LZ4BlockError:
        raise CodecError(f"a compressed payload is no LZ4 block of {size} bytes") from None
    if len(plain) != size:
        raise CodecError(f"a compressed payload has {len(plain)} bytes, not the {size} that it announces")
    return plain
