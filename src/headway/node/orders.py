"""What a node machine wants done by its driver, and what it tells its owner.

Orders are imperatives. Those with an `order` number are answered by `handle_result(order, result, now)`; the others
are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from headway.peer.events import Reason
from headway.types import Address, BlockId, BlockRequest, BookChanges, Height

if TYPE_CHECKING:
    from headway.network import Proof
    from headway.sync.output import Write
    from headway.types import Raw
    from headway.wire.messages import Block


@dataclass(frozen=True, slots=True)
class Connect:
    """Dial; then `handle_connected(peer, now)` or `handle_connect_failed(peer, why, now)`."""

    peer: int
    address: Address


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close this peer's socket, or give up its dial. The machine has forgotten the peer already."""

    peer: int


@dataclass(frozen=True, slots=True)
class Send:
    """Write to this peer's socket; then `handle_writable(peer, queued_bytes, now)`, and once more when it is empty."""

    peer: int
    data: list[Raw]


@dataclass(frozen=True, slots=True)
class Verify:
    """Result: `rules.verify_block(request, context, raw)`, a BlockVerdict."""

    order: int
    request: BlockRequest
    context: Any
    raw: Raw


@dataclass(frozen=True, slots=True)
class Prove:
    """Check these proofs of headers. Result: number of the first header whose proof does not hold, and what is wrong
    with it; or None."""

    order: int
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class Store:
    """Write these, in this order; then flush, then prune. Result: `Written`, None for one that says nothing, or the
    StoreError (then the node stops with it)."""

    order: int
    writes: tuple[Write, ...]
    keep_from: Height = 0
    """Blocks below this height may go, where the store is to be pruned."""
    flush: bool = False
    """Have on the medium what was written until now, as far as the store's durability waits for that."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a store has to tell once it has written."""

    found: tuple[int, ...] = ()
    """Positions of blocks that it has, whose headers had been lost."""
    pruned_below: Height = 0
    """No block below this height need be there."""


@dataclass(frozen=True, slots=True)
class Load:
    """Read a stored block. Result: its raw bytes, or None when the store does not have it."""

    order: int
    position: int
    """In the header tree."""


@dataclass(frozen=True, slots=True)
class LoadHeaders:
    """Read stored headers, whole, and check their proofs. Result: `Headers`, up to the first that is not there or whose
    proof does not hold (`records.proven`)."""

    order: int
    positions: tuple[int, ...]
    """Of a linked run in the header tree."""
    context: Any
    """The `header_context` of the first one's parent."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """Ask these DNS seeds. Result: a tuple of SeedAnswer, one for each name."""

    order: int
    names: tuple[str, ...]
    port: int
    services: int = 0
    """Bits by which they are to choose, where they can (`Network.seed_filter`)."""


@dataclass(frozen=True, slots=True)
class SeedAnswer:
    """What became of one seed."""

    seed: str
    """Its name: the source of what it gave."""
    addresses: tuple[Address, ...] = ()
    """Behind a proxy the seed's own name: to be dialled as a peer, and asked for addresses."""
    error: str = ""
    """For people, when it gave none."""


@dataclass(frozen=True, slots=True)
class SavePeers:
    """Keep these changes of the address book. Result: None, or the StoreError (the node goes on without)."""

    order: int
    changes: BookChanges


@dataclass(frozen=True, slots=True)
class PeerReady:
    peer: int
    address: Address
    inbound: bool
    user_agent: str
    """As the remote states it, made harmless."""


@dataclass(frozen=True, slots=True)
class PeerLost:
    """A connection or a dial has ended."""

    peer: int
    address: Address
    inbound: bool
    was_ready: bool
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class TipChanged:
    """The best header chain has a new tip."""

    tip: BlockId
    disconnected: int
    """Headers that left the best chain: the depth of the reorganisation, 0 when it only grew."""


@dataclass(frozen=True, slots=True)
class BlockConnected:
    """A verified and stored block joined the delivered chain.

    The machine leaves `block` None; `Node.follow` fills it in.
    """

    id: BlockId
    block: Block | None = None


@dataclass(frozen=True, slots=True)
class BlockDisconnected:
    """A reorganisation took this block off the delivered chain."""

    id: BlockId


@dataclass(frozen=True, slots=True)
class ConflictSeen:
    """An alarm: on a chain without reorganisations a peer showed a second block at one height, as valid as ours. Those
    who sign its blocks broke its promise, or lost their keys. Ours stays; the peer is not blamed."""

    address: Address | None
    """Of the peer, None when it has gone."""
    block: BlockId
    ours: BlockId


@dataclass(frozen=True, slots=True)
class ChainRejected:
    """A peer follows a chain through a block that our own rules found invalid. It is left, and may be honest: where
    most peers do so, it is rather we who are wrong."""

    address: Address | None
    """Of the peer, None when it has gone."""
    block: BlockId
    """The one that was found invalid."""


NodeEvent: TypeAlias = (
    PeerReady | PeerLost | TipChanged | BlockConnected | BlockDisconnected | ConflictSeen | ChainRejected
)


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell the owner."""

    event: NodeEvent


Order: TypeAlias = (
    Connect | Disconnect | Send | Verify | Prove | Store | Load | LoadHeaders | Resolve | SavePeers | Emit
)
