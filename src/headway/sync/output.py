"""What the sync wants of its owner and tells it: questions, work for other threads, writes, verdicts and news.

Called by `sync.scheduler` and its parts, which make them, and by `node.dispatch`, which carries them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from headway.sync.headers import AskAnnounced, AskHeaders

if TYPE_CHECKING:
    from headway.errors import RemoteProtocolError
    from headway.network import Proof
    from headway.types import BlockId, BlockRequest, Hash, Raw


@dataclass(frozen=True, slots=True)
class AskBlocks:
    """Ask this peer for these blocks, in this order."""

    peer: int
    requests: tuple[BlockRequest, ...]


@dataclass(frozen=True, slots=True)
class WriteHeaders:
    """Headers that joined the tree, back to back, and who brought them."""

    peer: int
    raw: bytes
    count: int


@dataclass(frozen=True, slots=True)
class WriteInvalid:
    hash: Hash


@dataclass(frozen=True, slots=True)
class WriteBlock:
    """A valid block, and who brought it."""

    peer: int
    position: int
    hash: Hash
    raw: Raw


Write: TypeAlias = WriteHeaders | WriteInvalid | WriteBlock


@dataclass(frozen=True, slots=True)
class ProveHeaders:
    """Check these proofs off the loop; tell `SyncScheduler.proved(number, first that fails)`."""

    number: int
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class VerifyBlock:
    """Judge a block off the loop: `rules.verify_block(request, context, raw)`; tell `SyncScheduler.verified`."""

    peer: int
    position: int
    request: BlockRequest
    context: Any
    raw: Raw


@dataclass(frozen=True, slots=True)
class JudgeBlock:
    """The same for a block that somebody asked for by itself; tell `Fetches.judged`."""

    position: int
    request: BlockRequest
    context: Any
    raw: Raw


@dataclass(frozen=True, slots=True)
class Blame:
    """The peer broke a rule; what follows stands on the error."""

    peer: int
    error: RemoteProtocolError


@dataclass(frozen=True, slots=True)
class Stalled:
    """The peer held everybody up; what it owed is being asked of others."""

    peer: int
    waited: float = 0.0
    """Seconds for which the full window waited for a block of it and it brought none: unless something excuses it, it
    is to be disconnected. 0: it was slower than another peer, and is not blamed for that."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """The peer has sent headers for too long without showing a chain worth it: leave it, if there is another."""

    peer: int
    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The peer follows a chain through this block, which our own rules found invalid. What becomes of the peer is told
    beside it (`Blame`); that many peers do so may mean that it is we who are wrong."""

    peer: int
    block: BlockId


@dataclass(frozen=True, slots=True)
class Conflict:
    """On a final chain the peer showed a header beside ours that is as valid as ours. It is not blamed for that."""

    peer: int
    block: BlockId
    ours: BlockId


@dataclass(frozen=True, slots=True)
class TipMoved:
    """The best header chain has a new tip; `disconnected` headers left it (0: it only grew)."""

    tip: BlockId
    disconnected: int


@dataclass(frozen=True, slots=True)
class BlocksDelivered:
    """The chain of stored blocks moved: ids taken back (newest first), then ids added (oldest first)."""

    disconnected: tuple[BlockId, ...]
    connected: tuple[BlockId, ...]


SyncOutput: TypeAlias = (
    AskHeaders | AskAnnounced | AskBlocks | Write | ProveHeaders | VerifyBlock | JudgeBlock
    | Blame | Stalled | Overdue | Rejected | Conflict | TipMoved | BlocksDelivered
)  # fmt: skip
