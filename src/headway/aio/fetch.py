"""Blocks and headers of a node's best chain on demand: out of the store where it has them, else of some peer.

Not here: whom to ask (`sync.fetch`), and the chain as it comes (`follow`). Called by `node`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final

from headway.errors import InvalidBlock, LocalProtocolError, RequestFailed
from headway.types import BlockId, hash_hex
from headway.wire.messages import Block

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from headway.aio.node import Node
    from headway.chain.headers import HeaderTree
    from headway.types import Hash, Header, Height

AHEAD: Final = 16
"""Blocks of a range that are asked for before the first one has been taken."""


async def position_of(node: Node, which: Height | Hash | BlockId) -> int:
    """Where a block stands in the header tree: of the best chain for a height, of any for a hash. Waits for its header
    until all headers are here. Raises LocalProtocolError for one that is not among them."""
    machine = node.machine
    tree, sync = machine.tree, machine.sync
    if isinstance(which, int):
        _require_above_root(tree, which)
        await node.until(lambda: tree.tip.height >= which or sync.has_all_headers)
        if tree.tip.height < which:
            raise LocalProtocolError(f"height {which} is above the tip, which is at {tree.tip.height}")
        return tree.at(which)
    block_hash = which.hash if isinstance(which, BlockId) else which
    await node.until(lambda: tree.find(block_hash) is not None or sync.has_all_headers)
    position = tree.find(block_hash)
    if position is None:
        raise LocalProtocolError(f"block {hash_hex(block_hash)} is on no chain that we know")
    if isinstance(which, BlockId) and tree.height(position) != which.height:
        raise LocalProtocolError(
            f"block {hash_hex(block_hash)} is at height {tree.height(position)}, not {which.height}"
        )
    return position


async def fetch(node: Node, position: int) -> Block:
    """A block, valid; of the store if it is there. Without peers it waits for them. Raises InvalidBlock for one that
    our own rules find invalid, RequestFailed when no peer gives it, and StoreError."""
    machine, parser = node.machine, node.network.codec.parser
    if position == 0:
        if not (first := node.network.rules.genesis_block):
            raise LocalProtocolError(f"{machine.tree.root} is where our trust begins: it is not fetched")
        return Block(first, parser)
    if machine.sync.chain.holds(position) and (raw := await node.driver.load(position)) is not None:
        return Block(raw, parser)
    fetches = machine.sync.fetches
    fetches.want(position)
    try:
        node.driver.look_again()
        await node.until(lambda: fetches.found(position) is not None or fetches.is_hopeless(position))
        found = fetches.found(position)
    finally:
        fetches.release(position)
    if found is None:
        raise RequestFailed(f"no peer gives block {machine.tree.id(position)}, and all that have its header were asked")
    if isinstance(found, InvalidBlock):
        raise found
    return found


async def blocks(node: Node, first: Height, last: Height | None) -> AsyncGenerator[Block, None]:
    """Those at these heights, in order, of the chain that is best at the beginning; several are asked for at a time."""
    tree, top = node.machine.tree, await _top(node, first, last)
    heights = iter(range(first, tree.height(top) + 1))
    asked: deque[asyncio.Task[Block]] = deque()
    try:
        while True:
            for height in islice(heights, AHEAD - len(asked)):
                asked.append(asyncio.create_task(fetch(node, tree.branch(top).position(height))))
            if not asked:
                return
            block = await asked[0]
            asked.popleft()
            yield block
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def headers(node: Node, first: Height, last: Height | None) -> AsyncGenerator[Header, None]:
    """Those at these heights, in order, of the chain that is best at the beginning."""
    tree, rules, top = node.machine.tree, node.network.rules, await _top(node, first, last)
    for height in range(first, tree.height(top) + 1):
        yield rules.parse_header(tree.header(tree.branch(top).position(height)))


async def _top(node: Node, first: Height, last: Height | None) -> int:
    """Where a range ends: at the tip, once all headers are here, for None. Raises LocalProtocolError."""
    tree = node.machine.tree
    _require_above_root(tree, first)
    if last is not None:
        return await position_of(node, last)
    await node.until(lambda: node.machine.sync.has_all_headers)
    return tree.tip_position


def _require_above_root(tree: HeaderTree, height: Height) -> None:
    if height < tree.root.height:
        raise LocalProtocolError(f"the chain begins at height {tree.root.height}, and {height} is below")
