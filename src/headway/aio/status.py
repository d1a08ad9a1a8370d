"""What a node is doing, as a snapshot for progress lines and reports. Taken by `node`, read by users and `cli`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from headway.peer.events import PeerState
from headway.types import BlockId

if TYPE_CHECKING:
    from headway.node.machine import NodeMachine
    from headway.node.reassembly import CacheUse
    from headway.sync.lowwork import PresyncProgress
    from headway.ways import Ways

MAX_ERRORS: Final = 5
"""Addresses of each kind of which `last_errors` tells."""
MAX_LOOK: Final = 1_000
"""Addresses that it looks through for those out of reach."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """Counts are of this run; heights are of the data directory."""

    network: str
    phase: str
    """headers, blocks or current."""
    header_tip: BlockId
    """Of the best header chain."""
    block_tip: BlockId | None
    """The last block delivered in order; None when no blocks are brought."""
    headers: int
    """Stored."""
    blocks: int
    """Verified and stored."""
    block_bytes: int
    seconds: float
    """From the first request to the last record stored: start-up and idle time are not in it."""
    peers: int
    """Ready."""
    connecting: int
    """Outbound peers that are not ready yet."""
    in_flight: int
    """Blocks asked for and not yet here."""
    stalls: int
    reorgs: int
    misbehaved: int
    """Peers that served invalid data."""
    presync: PresyncProgress | None = None
    """How far headers have come that are not kept yet, because their chain has still to show its work; None: no such
    chain is on its way."""
    held_headers: int = 0
    """Headers that wait for those before them, which other peers bring."""
    rejected: int = 0
    """Peers that follow a chain which our own rules found invalid."""
    tx_cache: CacheUse | None = None
    """What the transaction cache is good for; None: there is none."""

    @property
    def tip(self) -> BlockId:
        """How far the node is: the last block where it brings blocks, else the last header."""
        return self.header_tip if self.block_tip is None else self.block_tip

    @property
    def headers_per_second(self) -> float:
        return self.headers / self.seconds if self.seconds else 0.0

    @property
    def blocks_per_second(self) -> float:
        return self.blocks / self.seconds if self.seconds else 0.0

    @property
    def mb_per_second(self) -> float:
        """Block payload; 1 MB = 10^6 bytes."""
        return self.block_bytes / 1e6 / self.seconds if self.seconds else 0.0


def status_of(machine: NodeMachine) -> NodeStatus:
    """What a node is doing now."""
    counters, chain = machine.counters, machine.sync.chain
    first, last = counters.first_request_at, counters.last_stored_at
    return NodeStatus(
        network=machine.config.network.name,
        phase=machine.sync.phase.name.lower(),
        header_tip=machine.tree.tip,
        block_tip=chain.tip if machine.sync.wants_blocks else None,
        headers=counters.headers,
        blocks=counters.blocks,
        block_bytes=counters.block_bytes,
        seconds=last - first if first is not None and last is not None else 0.0,
        peers=machine.ready_count,
        connecting=machine.slots.count(PeerState.CONNECTING) + machine.slots.count(PeerState.HANDSHAKING),
        in_flight=machine.sync.blocks.in_flight,
        stalls=counters.stalls,
        reorgs=counters.reorgs,
        misbehaved=counters.misbehaved,
        presync=machine.sync.low_work.progress(),
        held_headers=machine.sync.headers.held,
        rejected=counters.rejected,
        tx_cache=machine.reassembly.use if machine.config.tx_cache else None,
    )


def last_errors(machine: NodeMachine, ways: Ways) -> list[str]:
    """`address: why` of addresses and DNS seeds that failed."""
    slots = machine.slots
    unreached = (e.address for e in islice(slots.book.entries(), MAX_LOOK) if not e.manual)
    out_of_reach = [f"{each}: {ways.why_not(each)}" for each in unreached if not ways.is_reachable(each)]
    found = [
        *([slots.proxy_error] if slots.proxy_error else []),
        *slots.book.last_errors(MAX_ERRORS),
        *out_of_reach[:MAX_ERRORS],
        *machine.pool.seeds.last_errors(),
    ]
    return list(dict.fromkeys(found))
