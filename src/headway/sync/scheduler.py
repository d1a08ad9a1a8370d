"""The sync as a whole: what peers bring goes in, what to ask, verify and store comes out.

It owns the order of things (headers first, then blocks) and nothing else: whom to ask for headers is `sync.headers`,
what becomes of them `sync.intake`, which blocks of whom is `sync.blocks`, single blocks `sync.fetch`, what is best is
`chain.headers`, what has been delivered is `chain.blocks`, and what comes out is listed in `sync.output`.
Called by `node.machine`.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from headway.chain.blocks import Advance, BlockChain
from headway.chain.headers import NOT_KNOWN
from headway.errors import CodecError, HandshakeRejected, InvalidBlock, MutatedBlock
from headway.network import BlockStatus, BlockVerdict, Headers
from headway.peer.events import HeadersReceived
from headway.sync.blocks import BlockScheduler
from headway.sync.fetch import Fetches
from headway.sync.headers import HeaderSync, Stranger
from headway.sync.intake import HeaderIntake
from headway.sync.lowwork import LowWork
from headway.sync.output import (
    Blame,
    BlocksDelivered,
    SyncOutput,
    TipMoved,
    VerifyBlock,
    WriteBlock,
    WriteInvalid,
)
from headway.sync.ranges import Ranges

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

    from headway.chain.headers import HeaderTree
    from headway.network import Network
    from headway.peer.events import BlockReceived
    from headway.types import BlockRequest, Hash, Height, Instant
    from headway.wire.messages import Block

OTHER_CHAIN: Final = (
    "another chain: its headers follow no block that we know. Is the network right, and the file that describes it?"
)

MAX_DAMAGED: Final = 16
"""Blocks of one connection that may come damaged: a line that damages more brings nothing."""


class Phase(Enum):
    HEADERS = auto()
    """No peer has told all its headers yet."""
    BLOCKS = auto()
    CURRENT = auto()
    """Every ready peer was heard about the tip, and every wanted block is stored."""


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
        rng: random.Random,
    ) -> None:
        """`stored`: positions of the blocks in the store. `floor`: lowest wanted block, None for headers only.

        `ceiling`: highest wanted block, None for no end. `thorough`: have every header proved, not only as many as
        prove all. `rng`: of secrets, so not to be foreseen.
        """
        self._tree = tree
        self._ceiling = ceiling
        self._final = network.rules.final
        self._out: list[SyncOutput] = []
        self.chain = BlockChain(tree, stored, floor=floor or 0)
        ranges = Ranges(network, tree)
        self.headers = HeaderSync(
            tree,
            ranges,
            full_headers=network.limits.full_headers,
            poll_interval=network.timing.poll_interval,
            minimum_work=network.minimum_chainwork,
        )
        self.low_work = LowWork(network, tree, rng=rng)
        self._intake = HeaderIntake(network, tree, self.headers, ranges, self.low_work, self._out, thorough=thorough)
        self.blocks = BlockScheduler(
            tree,
            self.chain,
            typical_size=network.limits.typical_block_size,
            ceiling=ceiling,
            max_in_flight=network.limits.max_blocks_in_flight,
        )
        self._wants_blocks = floor is not None
        self._ready: dict[int, int | None] = {}  # peer -> how many of its newest blocks it keeps, None: all
        self.fetches = Fetches(tree, self.headers, self._ready, rng=rng)
        self._verifying: dict[int, tuple[int, BlockRequest, Block]] = {}  # position -> sender, request, answer
        self._damaged: Counter[int] = Counter()  # by peer
        self._storing: dict[int, int] = {}  # position -> bytes being written
        self.blocks.rebase()

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
    def has_all_headers(self) -> bool:
        """Every ready peer was heard about the tip."""
        return self.headers.all_heard and self._intake.is_idle

    @property
    def is_current(self) -> bool:
        return self.has_all_headers and (not self._wants_blocks or self.blocks.is_done)

    def has_blocks_to(self, height: Height) -> bool:
        """Whether every wanted block of the best chain that can be had is stored up to `height`.

        Always true for headers only.
        """
        if self._ceiling is not None:
            height = min(height, self._ceiling)
        return not self._wants_blocks or self.chain.first_missing > height

    def take(self) -> list[SyncOutput]:
        out = self._out[:]
        self._out.clear()
        return out

    # What happens.

    def want_blocks(self, floor: Height) -> None:
        """From now on bring blocks from this height up; what is stored below the floor stays."""
        self._wants_blocks = True
        self.chain.start_at(floor)
        self._deliver(self.blocks.rebase())

    def peer_ready(self, peer: int, *, keeps: int | None = None, is_trusted: bool = False) -> None:
        """`keeps`: it has only so many of its newest blocks; None: all. `is_trusted`: its user named it."""
        self._ready[peer] = keeps
        self.low_work.add_peer(peer, is_trusted=is_trusted)
        self.headers.add_peer(peer, is_trusted=is_trusted)
        self.blocks.add_peer(peer, keeps=keeps)

    def peer_lost(self, peer: int, now: Instant) -> None:
        if peer in self._ready:
            self._follow(peer, moved=self._intake.lost(peer, now))
        self._ready.pop(peer, None)
        self._damaged.pop(peer, None)
        self.fetches.drop_peer(peer)
        self.low_work.drop_peer(peer)
        self.headers.drop_peer(peer)
        self.blocks.drop_peer(peer)

    def headers_received(self, peer: int, event: HeadersReceived, wall_time: float, now: Instant) -> None:
        if peer in self._ready:
            self._follow(peer, moved=self._intake.received(peer, event, wall_time, now))

    def proved(self, number: int, failure: tuple[int, str] | None, now: Instant) -> None:
        """Proofs were checked. `failure`: number of the first header whose proof does not hold, and what is wrong."""
        peer = self._intake.prover(number)
        self._follow(peer, moved=self._intake.proved(number, failure, now))

    def headers_unanswered(self, peer: int) -> None:
        """A question for headers went unanswered, and the peer is kept: it is asked again."""
        self.headers.unanswered(peer)

    def work(self, now: Instant) -> None:
        """Judge headers that have come, once the questions that follow on them are on their way."""
        for peer in self._intake.unjudged():
            self._follow(peer, moved=self._intake.judge_of(peer, now))

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
        self.fetches.received(peer, event.block)
        block_hash = event.request.hash if event.request is not None else event.block.hash
        position = self._tree.find(block_hash)
        if position is None or not self._wants_blocks:
            return
        if self.blocks.received(peer, position, len(event.block), now):
            request = self._tree.request(position)
            self._verifying[position] = (peer, request, event.block)
            context = self._tree.block_context(self._tree.parent(position))
            self._out.append(VerifyBlock(peer, position, request, context, event.block.raw))

    def blocks_not_found(self, peer: int, requests: Sequence[BlockRequest], now: Instant) -> None:
        positions = (self._tree.find(request.hash) for request in requests)
        self.blocks.refused(peer, [position for position in positions if position is not None], now)
        self.fetches.refused(peer, [request.hash for request in requests])

    def verified(self, position: int, verdict: BlockVerdict) -> None:
        peer, request, block = self._verifying.pop(position)
        if verdict.status is not BlockStatus.VALID and block.is_damaged:
            self._lose(peer, position, verdict)
            return
        match verdict.status:
            case BlockStatus.VALID:
                self._storing[position] = len(block)
                self._out.append(WriteBlock(peer, position, request.hash, block.raw))
            case BlockStatus.MUTATED:
                self.blocks.rejected(position)
                self._out.append(Blame(peer, MutatedBlock(verdict.rule, request.id, verdict.detail)))
            case BlockStatus.INVALID:
                self.blocks.stored(position)
                self._out.append(Blame(peer, InvalidBlock(verdict.rule, request.id, verdict.detail)))
                self._condemn(position)

    def stored(self, position: int) -> None:
        del self._storing[position]
        self.chain.mark(position)
        self.blocks.stored(position)
        self._deliver(self.chain.advance())

    def reconsider(self) -> None:
        """Blocks turned out to be there, or to be lost (`chain.mark`, `chain.forget`): ask for what is missing now."""
        self._deliver(self.blocks.rebase())

    def tick(self, now: Instant) -> None:
        """Choose work from the state as it is; call after every input, and when `due` has come."""
        self._intake.tick(now)
        for ask in self.headers.tick(now):
            self._out.append(Blame(ask.peer, HandshakeRejected(OTHER_CHAIN)) if isinstance(ask, Stranger) else ask)
        self.blocks.enabled = self._wants_blocks and (self.headers.started or self._is_sure)
        for output in self.blocks.tick(now):
            if isinstance(output, Advance):
                self._deliver(output)
            else:
                self._out.append(output)
        self.fetches.tick(now)
        self._out += self.fetches.take()

    def due(self) -> Instant | None:
        times = self._intake.due(), self.headers.due(), self.blocks.due()
        return min((at for at in times if at is not None), default=None)

    # How.

    @property
    def _is_sure(self) -> bool:
        """There are headers that no others replace, so that their blocks are wanted whatever else peers have."""
        return self._final and self._tree.tip_position > 0

    def _take_header(self, peer: int, block: Block, wall_time: float, now: Instant) -> None:
        """An announced block that was asked for: its header is judged. The block is asked for again in its turn."""
        raw = block.header.raw
        headers = Headers(raw, (0,), (len(raw),), block.parser)
        self.headers_received(peer, HeadersReceived(headers, None), wall_time, now)

    def _follow(self, peer: int, *, moved: bool) -> None:
        """The peer has shown headers; `moved`: the best chain has changed branch."""
        if moved:
            self._deliver(self.blocks.rebase())
        self._learn(peer)

    def _learn(self, peer: int) -> None:
        """Tell the block scheduler which chain this peer has shown."""
        best = self.headers.best(peer)
        if best > NOT_KNOWN:
            self.blocks.know(peer, best)

    def _lose(self, peer: int, position: int, verdict: BlockVerdict) -> None:
        """The block came damaged (its checksum says so): no fault of the remote's, until there are too many."""
        self.blocks.rejected(position)
        self._damaged[peer] += 1
        if self._damaged[peer] >= MAX_DAMAGED:
            self._out.append(Blame(peer, CodecError(f"{MAX_DAMAGED} blocks came damaged, the last: {verdict.rule}")))

    def _condemn(self, position: int) -> None:
        self._out.append(WriteInvalid(self._tree.hash(position)))
        disconnected = self._tree.invalidate(position)
        self._out.append(TipMoved(self._tree.tip, disconnected))
        self._deliver(self.blocks.rebase())
        for peer in self._ready:  # its headers may be better than what is left; a final chain has not kept them
            self.headers.news(peer)

    def _deliver(self, moved: Advance) -> None:
        if self._wants_blocks and moved:
            ids = self._tree.id
            self._out.append(BlocksDelivered(tuple(map(ids, moved.disconnected)), tuple(map(ids, moved.connected))))
