"""The sync as a whole: what peers bring goes in, what to ask, verify and store comes out.

It owns the order of things (headers first, then blocks) and nothing else: whom to ask for headers is `sync.headers`,
which blocks of whom is `sync.blocks`, what is best is `chain.headers`, what has been delivered is `chain.blocks`.
Called by `node.machine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from headway.chain.blocks import BlockChain
from headway.chain.headers import NOT_KNOWN, Added, HeaderTree, Judged
from headway.errors import FutureHeader, HandshakeRejected, InvalidBlock, MutatedBlock, RemoteProtocolError
from headway.network import BlockStatus, BlockVerdict, Headers
from headway.peer.events import HeadersReceived
from headway.sync.blocks import AskBlocks, BlockScheduler
from headway.sync.headers import AskAnnounced, AskHeaders, HeaderSync, Stranger
from headway.types import BlockId, BlockRequest, Hash, Height, Instant, Raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headway.network import Network, Proof
    from headway.peer.events import BlockReceived
    from headway.wire.messages import Block


OTHER_CHAIN: Final = (
    "another chain: its headers follow no block that we know. Is the network right, and the file that describes it?"
)
MAX_PROVING: Final = 4
"""Messages of headers of one peer whose proofs are being checked; what more it announces meanwhile is left unread, and
asked for afterwards."""


class Phase(Enum):
    HEADERS = auto()
    """No peer has told all its headers yet."""
    BLOCKS = auto()
    CURRENT = auto()
    """Every ready peer was heard about the tip, and every wanted block is stored."""


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
class Blame:
    """The peer broke a rule; what follows stands on the error."""

    peer: int
    error: RemoteProtocolError


@dataclass(frozen=True, slots=True)
class Stalled:
    """The peer held everybody up; what it owed is being asked of others. It is not blamed for that."""

    peer: int


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
    AskHeaders | AskAnnounced | AskBlocks | Write | ProveHeaders | VerifyBlock
    | Blame | Stalled | Conflict | TipMoved | BlocksDelivered
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Provisional:
    """Headers whose proofs are being checked: neither in the tree nor in the store."""

    peer: int
    event: HeadersReceived
    judged: Judged


class SyncScheduler:
    """One network's sync."""

    def __init__(
        self,
        network: Network,
        tree: HeaderTree,
        *,
        stored: Iterable[int] = (),
        floor: Height | None,
        ceiling: Height | None = None,
        thorough: bool = False,
    ) -> None:
        """`stored`: positions of the blocks in the store. `floor`: lowest wanted block, None for headers only.

        `ceiling`: highest wanted block, None for no end. `thorough`: have every header proved, not only as many as
        prove all.
        """
        self._tree = tree
        self._ceiling = ceiling
        self._thorough = thorough
        self.chain = BlockChain(tree, stored, floor=floor or 0)
        self.headers = HeaderSync(
            tree, full_headers=network.limits.full_headers, poll_interval=network.timing.poll_interval
        )
        self.blocks = BlockScheduler(
            tree,
            self.chain,
            typical_size=network.limits.typical_block_size,
            ceiling=ceiling,
            max_in_flight=network.limits.max_blocks_in_flight,
        )
        self._wants_blocks = floor is not None
        self._ready: set[int] = set()
        self._proving: dict[int, _Provisional] = {}  # by number
        self._last_number = 0
        self._verifying: dict[int, tuple[int, BlockRequest, Raw]] = {}  # position -> sender, request, bytes
        self._storing: dict[int, int] = {}  # position -> bytes being written
        self._out: list[SyncOutput] = []
        self.blocks.reset()

    # What others ask of it.

    @property
    def phase(self) -> Phase:
        if not self.headers.started:
            return Phase.HEADERS
        return Phase.CURRENT if self.is_current else Phase.BLOCKS

    @property
    def wants_blocks(self) -> bool:
        return self._wants_blocks

    @property
    def is_current(self) -> bool:
        return (
            self.headers.all_heard
            and not self._proving
            and self.has_blocks_to(self._tree.height(self._tree.tip_position))
        )

    def has_blocks_to(self, height: Height) -> bool:
        """Whether every wanted block of the best chain up to `height` is stored (always true for headers only)."""
        if self._ceiling is not None:
            height = min(height, self._ceiling)
        return not self._wants_blocks or self.chain.first_missing > height

    def take(self) -> list[SyncOutput]:
        out, self._out = self._out, []
        return out

    # What happens.

    def want_blocks(self, floor: Height) -> None:
        """From now on bring blocks from this height up; what is stored below the floor stays."""
        self._wants_blocks = True
        self.chain.start_at(floor)
        self.blocks.reset()

    def peer_ready(self, peer: int) -> None:
        self._ready.add(peer)
        self.headers.add_peer(peer)

    def peer_lost(self, peer: int) -> None:
        self._ready.discard(peer)
        self.headers.drop_peer(peer)
        self.blocks.drop_peer(peer)

    def headers_received(self, peer: int, event: HeadersReceived, wall_time: float, now: Instant) -> None:
        if peer not in self._ready:
            return
        if not len(event.headers):
            self._after_headers(peer, event, None if event.fenced else Added(NOT_KNOWN), now)
            return
        judged = self._tree.judge(event.headers, wall_time, thorough=self._thorough)
        if isinstance(judged, Added):
            self._after_headers(peer, event, judged, now)
        elif not judged.verdict.proofs:
            self._after_headers(peer, event, self._tree.accept(judged), now)
        else:
            self._prove(_Provisional(peer, event, judged))

    def proved(self, number: int, failure: tuple[int, str] | None, now: Instant) -> None:
        """Proofs were checked. `failure`: number of the first header whose proof does not hold, and what is wrong."""
        provisional = self._proving.pop(number)
        if failure is not None:
            self._out.append(Blame(provisional.peer, self._tree.disproved(provisional.judged, *failure)))
            return
        self._after_headers(provisional.peer, provisional.event, self._tree.accept(provisional.judged), now)

    def height_stated(self, peer: int, height: Height) -> None:
        """The peer says how high it is. Proves nothing, and is worth a question when that is above our tip."""
        if peer in self._ready and height > self._tree.height(self._tree.tip_position):
            self.headers.news(peer)

    def block_announced(self, peer: int, block_hash: Hash) -> None:
        if peer not in self._ready:
            return
        position = self._tree.find(block_hash)
        if position is None:
            self.headers.news(peer, block_hash)
        elif self._tree.is_valid(position):
            self.headers.shown(peer, position)
            self._learn(peer)

    def block_received(self, peer: int, event: BlockReceived, wall_time: float, now: Instant) -> None:
        """A block of a batch, or one that nobody asked for: the latter only when we lack it."""
        if event.request is not None and event.request.header is None:
            self._take_header(peer, event.block, wall_time, now)
            return
        block_hash = event.request.hash if event.request is not None else event.block.hash
        position = self._tree.find(block_hash)
        if position is None or not self._wants_blocks:
            return
        if self.blocks.received(peer, position, len(event.block)):
            request = self._tree.request(position)
            self._verifying[position] = (peer, request, event.block.raw)
            context = self._tree.block_context(self._tree.parent(position))
            self._out.append(VerifyBlock(peer, position, request, context, event.block.raw))

    def blocks_not_found(self, peer: int, requests: Sequence[BlockRequest]) -> None:
        positions = (self._tree.find(request.hash) for request in requests)
        self.blocks.refused(peer, [position for position in positions if position is not None])

    def verified(self, position: int, verdict: BlockVerdict) -> None:
        peer, request, raw = self._verifying.pop(position)
        match verdict.status:
            case BlockStatus.VALID:
                self._storing[position] = len(raw)
                self._out.append(WriteBlock(peer, position, request.hash, raw))
            case BlockStatus.MUTATED:
                self.blocks.rejected(position)
                self.blocks.refused(peer, ())
                self._out.append(Blame(peer, MutatedBlock(verdict.rule, request.id, verdict.detail)))
            case BlockStatus.INVALID:
                self.blocks.stored(position)
                self._out.append(Blame(peer, InvalidBlock(verdict.rule, request.id, verdict.detail)))
                self._condemn(position)

    def stored(self, position: int) -> None:
        del self._storing[position]
        self.blocks.stored(position)
        self.chain.mark(position)
        self._advance()

    def tick(self, now: Instant) -> None:
        """Choose work from the state as it is; call after every input, and when `due` has come."""
        for ask in self.headers.tick(now):
            self._out.append(Blame(ask.peer, HandshakeRejected(OTHER_CHAIN)) if isinstance(ask, Stranger) else ask)
        self.blocks.enabled = self._wants_blocks and self.headers.started
        self._out.extend(self.blocks.asks())
        if (peer := self.blocks.stalled(now)) is not None:
            self._out.append(Stalled(peer))
            self._out.extend(self.blocks.asks())

    def due(self) -> Instant | None:
        return min((at for at in (self.headers.due(), self.blocks.due()) if at is not None), default=None)

    # How.

    def _take_header(self, peer: int, block: Block, wall_time: float, now: Instant) -> None:
        """An announced block that was asked for: its header is judged. The block is asked for again in its turn."""
        raw = block.header.raw
        headers = Headers(raw, (0,), (len(raw),), block.parser)
        self.headers_received(peer, HeadersReceived(headers, None), wall_time, now)

    def _prove(self, provisional: _Provisional) -> None:
        waiting = sum(other.peer == provisional.peer for other in self._proving.values())
        if provisional.event.request is None and waiting >= MAX_PROVING:
            self.headers.news(provisional.peer)
            return
        self._last_number += 1
        self._proving[self._last_number] = provisional
        self._out.append(ProveHeaders(self._last_number, provisional.judged.verdict.proofs))

    def _after_headers(self, peer: int, event: HeadersReceived, added: Added | None, now: Instant) -> None:
        """What a headers message came to is known; `added` None: there was none, the pong came first."""
        if added is not None:
            if added.error is not None and not isinstance(added.error, FutureHeader):
                self._out.append(Blame(peer, added.error))
                return
            self._after_add(peer, added)
        if event.request is not None:
            self.headers.settled(peer, added, len(event.headers), now)
        elif added is not None:
            self.headers.announced(peer, added, now)
        self._learn(peer)

    def _after_add(self, peer: int, added: Added) -> None:
        if added.conflict is not None:
            ours = self._tree.id(self._tree.at(added.conflict.height))
            self._out.append(Conflict(peer, added.conflict, ours))
        if not added.count:
            return
        self._out.append(WriteHeaders(peer, added.raw, added.count))
        if self._tree.on_best_chain(added.last):
            self._out.append(TipMoved(self._tree.tip, added.disconnected))
            if added.disconnected:
                self._rebase()

    def _learn(self, peer: int) -> None:
        """Tell the block scheduler how far up the best chain this peer is known to reach."""
        best = self.headers.best(peer)
        if best > NOT_KNOWN:
            self.blocks.know(peer, self._tree.height(self._tree.fork(best)))

    def _rebase(self) -> None:
        """The best chain has changed branch."""
        for peer in self._ready:
            self._learn(peer)
        self._advance()
        self.blocks.reset()

    def _condemn(self, position: int) -> None:
        self._out.append(WriteInvalid(self._tree.hash(position)))
        disconnected = self._tree.invalidate(position)
        self._out.append(TipMoved(self._tree.tip, disconnected))
        self._rebase()

    def _advance(self) -> None:
        if not self._wants_blocks:
            return
        moved = self.chain.advance()
        if moved:
            ids = self._tree.id
            self._out.append(BlocksDelivered(tuple(map(ids, moved.disconnected)), tuple(map(ids, moved.connected))))
