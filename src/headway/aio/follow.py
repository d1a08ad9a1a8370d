"""A node's chain as a stream of events: blocks in order from the store, and those taken back that a better chain left.

Not here: which blocks are brought, and when (`sync`). Called by `node`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.errors import StoreError
from headway.node.orders import BlockConnected, BlockDisconnected
from headway.wire.messages import Block

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from headway.aio.node import Node
    from headway.aio.readers import Readers
    from headway.node.machine import NodeMachine
    from headway.types import Height


async def follow(
    node: Node, readers: Readers, start: Height
) -> AsyncGenerator[BlockConnected | BlockDisconnected, None]:
    """What `Node.follow` gives. `readers` is told how far it has come, so that what it has not read is kept."""
    machine, parser = node.machine, node.network.codec.parser
    tree, chain, reader = machine.tree, machine.sync.chain, object()
    if start < chain.pruned_below:
        raise StoreError(f"blocks below height {chain.pruned_below} were pruned: follow from there on")
    readers.read_on(reader, start)
    try:
        last: int | None = None  # position of the block given last
        while True:
            seen, height = chain.tip_position, start if last is None else tree.height(last) + 1
            readers.read_on(reader, height)
            if last is not None and _was_taken_back(machine, last):
                gone, parent = tree.id(last), tree.parent(last)
                last = parent if gone.height > start else None
                yield BlockDisconnected(gone)
            elif height < chain.pruned_below:
                raise StoreError(f"block {height} was pruned before it was read")
            elif (position := chain.delivered(height)) is None:
                await node.until(lambda seen=seen: chain.tip_position != seen)  # type: ignore[misc]  # bound now
            elif (raw := await node.driver.load(position)) is None:
                await node.until(
                    lambda at=position: chain.holds(at) or chain.delivered(tree.height(at)) != at  # type: ignore[misc]
                )
            else:
                last = position
                yield BlockConnected(tree.id(position), Block(raw, parser))
    finally:
        readers.left(reader)


def _was_taken_back(machine: NodeMachine, position: int) -> bool:
    """The delivered chain does not go through this block any more. One that merely ends below it may come back."""
    tree, chain = machine.tree, machine.sync.chain
    if (now := chain.delivered(tree.height(position))) is not None:
        return now != position
    if chain.tip_position < 0:
        return False
    while tree.height(position) > tree.height(chain.tip_position):
        position = tree.parent(position)
    return position != chain.tip_position
