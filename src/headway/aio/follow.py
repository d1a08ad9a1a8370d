"""A node's chain as a stream of events: blocks in order from the store, and those taken back that a better chain left.

Not here: which blocks are brought, and when (`sync`). Called by `node`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.errors import LocalProtocolError, StoreError
from headway.node.orders import BlockConnected, BlockDisconnected
from headway.wire.messages import Block

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from headway.aio.node import Node
    from headway.aio.readers import Readers
    from headway.node.machine import NodeMachine
    from headway.types import Height, Locator


async def follow(
    node: Node, readers: Readers, start: Height | Locator, want: Callable[[Height], None]
) -> AsyncGenerator[BlockConnected | BlockDisconnected, None]:
    """What `Node.follow` gives. `readers` is told how far it has come, so that what it has not read is kept; `want`
    has blocks brought from a height on."""
    machine, parser = node.machine, node.network.codec.parser
    tree, chain, reader = machine.tree, machine.sync.chain, object()
    last: int | None = None  # position of the block given last
    lowest = start if isinstance(start, int) else tree.root.height
    if not isinstance(start, int):
        known, last = await _resume(node, start)
        for gone in start[:known]:
            yield BlockDisconnected(gone)
    want(lowest if last is None else tree.height(chain.goal.fork(last)) + 1)
    if lowest < chain.pruned_below and last is None:
        raise StoreError(f"blocks below height {chain.pruned_below} were pruned: follow from there on")
    readers.read_on(reader, lowest if last is None else tree.height(last) + 1)
    try:
        while True:
            seen, height = chain.tip_position, lowest if last is None else tree.height(last) + 1
            readers.read_on(reader, height)
            if last is not None and _was_taken_back(machine, last):
                gone, parent = tree.id(last), tree.parent(last)
                last = parent if gone.height > lowest else None
                yield BlockDisconnected(gone)
            elif height < chain.pruned_below:
                raise StoreError(f"block {height} was pruned before it was read")
            elif (position := chain.delivered(height)) is None:
                want(height)
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


async def _resume(node: Node, blocks: Locator) -> tuple[int, int]:
    """Which of these is the newest that we know (its number, and its position). Whether the newest of all is known
    shows at the latest when the headers are current."""
    machine = node.machine
    if not blocks:
        raise LocalProtocolError("no block to follow from")
    newest = blocks[0].hash
    await node.until(lambda: machine.tree.find(newest) is not None or machine.sync.has_all_headers)
    for number, block in enumerate(blocks):
        if (position := machine.tree.find(block.hash)) is not None:
            return number, position
    raise LocalProtocolError(
        f"block {newest[::-1].hex()} at height {blocks[0].height} is on no chain that we know: follow from an earlier "
        f"block, or name several, the newest first"
    )


def _was_taken_back(machine: NodeMachine, position: int) -> bool:
    """The delivered chain does not go through this block any more, and outweighs it. One that merely ends below it may
    come back, and one of which we have headers alone takes nothing back."""
    tree, chain = machine.tree, machine.sync.chain
    if (now := chain.delivered(tree.height(position))) is not None and now == position:
        return False
    tip = chain.tip_position
    if tip < 0 or (tree.is_valid(position) and tree.chainwork(tip) <= tree.chainwork(position)):
        return False
    height = min(tree.height(tip), tree.height(position))
    return tree.branch(tip).position(height) != tree.branch(position).position(height)
