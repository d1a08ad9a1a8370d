"""A node's figures at one moment, as plain values: for those who look at it from outside, metrics above all.

Taking one looks at every peer and every discouraged host, so it is for now and then. Nothing is judged here. Called by
`aio`; read by `observe`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway.peer.events import PeerState
from headway.types import Net, network_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headway.node.machine import NodeMachine
    from headway.node.reassembly import CacheUse
    from headway.node.tally import Tally
    from headway.sync.scheduler import Phase
    from headway.types import Height


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """Counts are of this run, unless something else is said."""

    network: str
    """Of the chain."""
    peers: Mapping[tuple[Net, bool], int]
    """Ready ones: where they are, and whether they dialled us. Those that are none are left out."""
    connections: Mapping[tuple[PeerState, bool], int]
    """All of them, whatever their state; whether they are inbound."""
    tally: Tally
    """What all connections did, those that have gone among them."""
    phase: Phase
    header_height: Height
    """Of the best header chain."""
    block_height: Height | None
    """Of the last block that was delivered in order; None before the first, and where no blocks are brought."""
    headers: int
    """Stored."""
    blocks: int
    """Verified and stored."""
    block_bytes: int
    stalls: int
    reorgs: int
    misbehaved: int
    """Peers that served invalid data."""
    blocks_asked: int
    """In flight now."""
    blocks_in_hand: int
    """Received, and being verified or stored now."""
    bytes_in_hand: int
    headers_held: int
    """In the data directory, forks included."""
    blocks_held: int
    """The same; the first block of the chain counts."""
    addresses: int
    """In the address book."""
    discouraged: int
    """Hosts, for what they did."""
    transactions: int
    """Of ours, that are handed to those who ask."""
    tx_cache: CacheUse
    """Those of others, and what they were good for."""


def snapshot_of(machine: NodeMachine, wall_time: float) -> NodeSnapshot:
    """The figures of a node now, which is `wall_time` (unix seconds)."""
    sync, counters, book = machine.sync, machine.counters, machine.slots.book
    tally = machine.tally.copy()
    peers: Counter[tuple[Net, bool]] = Counter()
    connections: Counter[tuple[PeerState, bool]] = Counter()
    for number in machine.peer_ids:
        peer = machine.peer(number)
        assert peer is not None, "its number was just told"
        tally.add(peer.stats, inbound=peer.inbound)
        connections[peer.state, peer.inbound] += 1
        if peer.state is PeerState.READY:
            peers[network_of(peer.address), peer.inbound] += 1
    delivered = sync.chain.tip if sync.wants_blocks else None
    return NodeSnapshot(
        network=machine.config.network.name,
        peers=peers,
        connections=connections,
        tally=tally,
        phase=sync.phase,
        header_height=machine.tree.tip.height,
        block_height=None if delivered is None else delivered.height,
        headers=counters.headers,
        blocks=counters.blocks,
        block_bytes=counters.block_bytes,
        stalls=counters.stalls,
        reorgs=counters.reorgs,
        misbehaved=counters.misbehaved,
        blocks_asked=sync.blocks.in_flight,
        blocks_in_hand=sync.blocks.in_hand,
        bytes_in_hand=sync.blocks.bytes_in_hand,
        headers_held=len(machine.tree),
        blocks_held=sync.chain.held,
        addresses=len(book),
        discouraged=book.bans.count_discouraged(wall_time),
        transactions=len(machine.broadcaster),
        tx_cache=machine.reassembly.use,
    )
