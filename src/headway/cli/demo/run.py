"""The demo from its start to its end: the chain, the peers, the sync, the report.

Called by the command `demo`. Not here: how it looks (`view`), what is seen of the peers (`watch`).
"""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from headway import kernel
from headway.aio.node import Node
from headway.cli.demo import view, words
from headway.cli.demo.chain import find_chain, make_chain
from headway.cli.demo.network import serving_peers
from headway.cli.demo.watch import Watch
from headway.cli.output import Exit
from headway.errors import StoreError
from headway.types import hash_hex

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headway.aio.status import NodeStatus
    from headway.cli.demo.chain import KeptChain
    from headway.cli.demo.family import Family
    from headway.cli.demo.network import ServingPeer
    from headway.cli.demo.watch import PeerView
    from headway.cli.output import Output
    from headway.network import Network

PATIENCE: Final = 3.0
"""Seconds that a peer may owe blocks and bring none. Real networks deserve a minute; on loopback a block takes a
hundredth of a second, and somebody is watching."""
PING_INTERVAL: Final = 0.5
FRAME_INTERVAL: Final = 0.1
"""Seconds between two looks."""
MEETING_TIMEOUT: Final = 30.0
"""Seconds for all peers to shake hands and to show headers: on loopback a second, and ten where silence tells the end
of them."""
LAST_FAULT_TIMEOUT: Final = 15.0
"""Seconds from the end of the sync by which the last fault must have been noticed: PATIENCE, and much besides."""
SYNC_TIMEOUT: Final = 300.0
"""Seconds for the whole sync: ten times what the longest chain needs."""


async def demonstrate(directory: Path, family: Family, length: int, output: Output, interrupted: asyncio.Event) -> Exit:
    """The whole demo. `interrupted` ends it at any moment with everything put away."""
    signalled = asyncio.create_task(interrupted.wait())
    work = asyncio.create_task(_demonstrate(directory, family, length, output))
    await asyncio.wait({work, signalled}, return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    if work.done():
        return work.result()
    work.cancel()
    await asyncio.wait({work})
    output.say("interrupted: the peers are ended, their blocks removed. Run it again at any time")
    return Exit.INTERRUPTED


async def _demonstrate(directory: Path, family: Family, length: int, output: Output) -> Exit:
    chain = find_chain(directory, family, length)
    if chain is None:
        chain = await _make(directory, family, length, output)
    for line in words.chain_lines(chain, family):
        output.note(line)
    async with serving_peers(chain.path, family, length) as peers:
        output.note(words.cast_line(peers))
        status, views = await _sync(chain, _impatient(family), peers, output)
    output.result(_result(status, views), text=words.report(status, views))
    failures = words.failures(chain, status, views)
    for each in failures:
        output.error(each)
    return Exit.FAILED if failures else Exit.DONE


async def _make(directory: Path, family: Family, length: int, output: Output) -> KeptChain:
    with view.making(output, family, length) as show, closing(make_chain(directory, family, length)) as heights:
        for height in heights:
            show(height)
            await asyncio.sleep(0)  # here a signal gets through
    chain = find_chain(directory, family, length)
    if chain is None:
        raise StoreError(f"the chain just made in {directory} is not there any more: run the demo again")
    return chain


def _impatient(family: Family) -> Network:
    """The family's network for the one who syncs."""
    network = family.network
    return replace(
        network,
        timing=replace(
            network.timing,
            batch_timeout=PATIENCE,
            ping_interval=PING_INTERVAL if network.codec.answers_pings else 0.0,
        ),
        # A large block over a slow line has all the time that it needs, so patience counts only where blocks are small.
        limits=replace(network.limits, typical_block_size=family.block_size),
    )


async def _sync(
    chain: KeptChain, network: Network, peers: Sequence[ServingPeer], output: Output
) -> tuple[NodeStatus, Sequence[PeerView]]:
    """Sync into a temporary directory, shown as it goes, until it is done and every fault has been noticed.

    Returns what was so at the end, also when a deadline made it one. Raises StoreError.
    """
    clock = asyncio.get_running_loop().time
    watch = Watch(peers)
    async with Node(network=network, connect=[peer.address for peer in peers]) as node:

        async def show_until(holds: Callable[[Sequence[PeerView]], bool], seconds: float) -> Sequence[PeerView]:
            deadline = clock() + seconds
            while True:
                views = watch.look(node.machine, clock())
                show(node.status(), views)
                if holds(views) or clock() > deadline:
                    return views
                await asyncio.sleep(FRAME_INTERVAL)

        synced = asyncio.create_task(_synced(node, watch))
        try:
            with view.syncing(output, chain) as show:
                await show_until(lambda _views: synced.done(), SYNC_TIMEOUT)
                if synced.done():
                    synced.result()  # or what it raised
                views = await show_until(lambda views: all(peer.is_as_expected for peer in views), LAST_FAULT_TIMEOUT)
        finally:
            synced.cancel()
        return node.status(), views


async def _synced(node: Node, watch: Watch) -> None:
    """Blocks are asked for once all peers are there, so that each has its share and reaches its fault. A peer can be
    asked once it has shown its headers, which takes longer where it has to prove them."""

    def all_are_there() -> bool:
        machine = node.machine
        return watch.meet(machine) and all(machine.sync.headers.best(peer) >= 0 for peer in machine.peer_ids)

    with suppress(TimeoutError):
        async with asyncio.timeout(MEETING_TIMEOUT):
            await node.until(all_are_there)
    await node.synced()


def _result(status: NodeStatus, peers: Sequence[PeerView]) -> dict[str, Any]:
    """The object that `demo --json` prints."""
    return {
        "network": status.network,
        "height": status.tip.height,
        "hash": hash_hex(status.tip.hash),
        "blocks": status.blocks,
        "seconds": round(status.seconds, 3),
        "mb_per_second": round(status.mb_per_second, 1),
        "kernel": kernel.NAME,
        "peers": [
            {
                "name": peer.name,
                "fault": peer.fault,
                "outcome": peer.outcome,
                "reason": peer.reason,
                "blocks": peer.blocks,
            }
            for peer in peers
        ],
    }
