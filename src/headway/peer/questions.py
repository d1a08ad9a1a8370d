"""What users may write for a block or a place in a chain, as the machine wants it. Called by `aio` and `blocking`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.types import UNKNOWN_HEIGHT, BlockId, BlockRequest

if TYPE_CHECKING:
    from headway.network import Network
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


def locator(start: Locator | BlockId | Hash, network: Network) -> Locator:
    """Where to go on from: blocks newest first, or the one block.

    A hash alone gets its height where the network value knows it, for chains that ask by height.
    """
    if isinstance(start, BlockId):
        return (start,)
    if isinstance(start, bytes):
        return (BlockId(_height_of(start, network), start),)
    return tuple(start)


def _height_of(block: Hash, network: Network) -> int:
    root = network.rules.root
    known = {root.hash: root.height} | {checkpoint: height for height, checkpoint in network.checkpoints}
    return known.get(block, UNKNOWN_HEIGHT)
