"""What users may write for a block or a place in a chain, as the machine wants it. Called by `aio` and `blocking`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.types import UNKNOWN_HEIGHT, BlockId, BlockRequest

if TYPE_CHECKING:
    from headway.types import Hash, Header, Locator


def block_request(wanted: BlockRequest | Header | BlockId | Hash) -> BlockRequest:
    """What to ask for, from whatever names a block."""
    if isinstance(wanted, BlockRequest):
        return wanted
    if isinstance(wanted, BlockId):
        return BlockRequest(None, wanted.height, hash=wanted.hash)
    if isinstance(wanted, bytes):
        return BlockRequest(None, UNKNOWN_HEIGHT, hash=wanted)
    return BlockRequest(wanted)


def locator(start: Locator | BlockId | Hash) -> Locator:
    """Where to go on from: blocks newest first, or the one block."""
    if isinstance(start, BlockId):
        return (start,)
    if isinstance(start, bytes):
        return (BlockId(UNKNOWN_HEIGHT, start),)
    return tuple(start)
