"""What we answer others: headers, block inventories, blocks and addresses.

What of our chain they may have says `offer`, how many bytes of it `budget`. Answers are made, and blocks read one at a
time a peer, only while that peer takes what it was sent: a remote that asks for much and reads nothing costs us two
bounded queues, and no reader is served before another one who waits. Pings are answered by the peer machine itself;
whoever asks for transactions (`mempool` among them) hears of none, for we keep none. Called by `node.machine`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headway.errors import InvalidCompactBlock
from headway.node.answer import Answer, Fault, ReadBlock, ReadHeaders, Refuse, ServeOutput, TellAddresses
from headway.node.budget import UploadBudget
from headway.node.compact import MAX_BLOCK_DEPTH, MAX_TRANSACTIONS_DEPTH, CompactBlocks
from headway.node.offer import Offer
from headway.peer.events import Reason
from headway.types import ZERO_HASH
from headway.wire.messages import (
    Block,
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetAddr,
    GetBlockByIndex,
    GetBlocks,
    GetBlockTxn,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvEntry,
    InvType,
    NotFound,
    SendCmpct,
    SendHeaders,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headway.chain.headers import HeaderTree
    from headway.network import Network
    from headway.sync.scheduler import SyncScheduler
    from headway.types import Address, Hash, Instant, Raw
    from headway.wire.messages import Message

MAX_BLOCKS_INV = 500
"""Hashes in the answer to one getblocks (Core's literal nLimit)."""
MAX_QUESTIONS = 100
"""Calls of getheaders and getblocks that a peer may have waiting: 93 bytes of question make 162,003 of answer, so they
are answered no faster than it reads. (Core leaves the rest in the socket; here more than this ends the peer.)"""
ENTRY_SIZE = 36
"""Bytes of an inv entry, about, whatever the chain."""
MAX_ANNOUNCED = 8
"""New blocks that one announcement carries (Core MAX_BLOCKS_TO_ANNOUNCE)."""
BLOCK_TYPES = (InvType.BLOCK, InvType.WITNESS_BLOCK, InvType.CMPCT_BLOCK)


@dataclass(slots=True)
class _Client:
    queue: deque[InvEntry | GetBlockTxn] = field(default_factory=deque)
    """Asked and not yet answered; at most `Limits.max_inventory`."""
    questions: deque[GetHeaders | GetBlocks] = field(default_factory=deque)
    """Asked and not yet answered; at most `MAX_QUESTIONS`."""
    made: int = 0
    """Bytes of answers made since the driver last told how much it holds; beyond the send queue we wait."""
    reading: InvEntry | GetBlockTxn | None = None
    awaits_headers: bool = False
    """Headers are being read for it: its next question waits."""
    full: bool = False
    """It does not take what we send: wait."""
    continue_at: Hash = b""
    """Last hash of a full answer to getblocks: when it is asked, an inv of our tip follows (Core hashContinue)."""
    wants_headers: bool = False
    """It sent `sendheaders`: new blocks are announced to it by their headers."""
    takes_compact: bool = False
    """It knows compact blocks as we make them (BIP152 version 2)."""
    wants_compact: bool = False
    """And wants new blocks in that form at once."""
    inbound: bool = True
    was_told_addresses: bool = False


class Server:
    def __init__(
        self,
        network: Network,
        tree: HeaderTree,
        sync: SyncScheduler,
        *,
        addresses: Callable[[int, Instant], Sequence[Address]] = lambda *_: (),
        nonce: Callable[[], int] = lambda: 0,
        upload_target: int = 0,
        is_pruned: bool = False,
    ) -> None:
        """`addresses(peer, now)`: what it is told when it asks for peers. `nonce()`: 64 random bits, for compact
        blocks. `upload_target`: bytes of history a day, 0: no limit. `is_pruned`: we said that we keep the newest
        blocks only."""
        self._limits = network.limits
        self._parser = network.codec.parser
        self._rules = network.rules
        self._says_nothing = network.codec.silence_is_answer
        self._keeps_whole = network.rules.kept_size == network.rules.header_size
        self._tree = tree
        self._offer = Offer(network, tree, sync)
        self._addresses = addresses
        self._is_pruned = is_pruned
        self._compact = CompactBlocks(network.codec.parser, nonce)
        reserve = network.limits.max_block_size / network.block_interval
        self.budget = UploadBudget(upload_target, reserve=reserve)
        self._clients: dict[int, _Client] = {}
        self._out: list[ServeOutput] = []

    def take(self) -> list[ServeOutput]:
        out, self._out = self._out, []
        return out

    def owes(self, peer: int) -> bool:
        """Whether it has asked for something that is not answered yet."""
        client = self._clients.get(peer)
        return client is not None and bool(client.questions or client.awaits_headers or client.queue or client.reading)

    # What happens.

    def add_peer(self, peer: int, *, inbound: bool = True) -> None:
        self._clients[peer] = _Client(inbound=inbound)

    def drop_peer(self, peer: int) -> None:
        self._clients.pop(peer, None)
        self.budget.forget(peer)

    def received(self, peer: int, message: Message, now: Instant) -> None:
        """A message of a ready peer; what is no question to us is left alone."""
        client = self._clients[peer]
        match message:
            case GetHeaders() | GetBlocks():
                if len(client.questions) >= MAX_QUESTIONS:
                    self._overdrawn(peer)
                    return
                client.questions.append(message)
                self._answer_questions(peer, client)
            case GetData():
                self._queue(peer, client, message.entries, now)
            case GetBlockByIndex():
                entries = [InvEntry(InvType.BLOCK, block) for block in self._hashes_from(message)]
                self._queue(peer, client, entries, now)
            case GetAddr():
                self._answer_addresses(peer, client, now)
            case SendHeaders():
                client.wants_headers = True
            case SendCmpct():
                client.takes_compact |= message.version == CompactBlocks.VERSION
                client.wants_compact = client.takes_compact and message.announce
            case GetBlockTxn():
                self._queue(peer, client, (message,), now)
            case FilterLoad() | FilterAdd() | FilterClear():
                self._out.append(Refuse(peer, Reason.REFUSED, "we offer no bloom filters"))
            case _:
                pass

    def writable(self, peer: int, *, full: bool, now: Instant) -> None:
        """The driver's send queue for this peer has filled up, or has room again."""
        if client := self._clients.get(peer):
            client.full, client.made = full, 0
            self._answer_questions(peer, client)
            self._pump(peer, client, now)

    def loaded(self, peer: int, raw: Raw | None, now: Instant) -> None:
        """A block was read; None when it could not be."""
        client = self._clients.get(peer)
        if client is None or client.reading is None:
            return
        entry, client.reading = client.reading, None
        if isinstance(entry, GetBlockTxn):
            self._send_transactions(peer, client, entry, raw, now)
        elif raw is None:
            self._out.append(Answer(peer, NotFound((entry,))))
        else:
            self._send_block(peer, client, entry, raw, now)
        self._pump(peer, client, now)

    def headers_loaded(self, peer: int, headers: Headers) -> None:
        """Headers were read."""
        client = self._clients.get(peer)
        if client is not None:
            client.awaits_headers = False
            self._give_headers(peer, client, headers)
            self._answer_questions(peer, client)

    def announce(self, connected: Sequence[Hash], now: Instant) -> None:
        """Blocks joined our chain: tell every client, by header or as a compact block where it asked for that."""
        new = connected[-MAX_ANNOUNCED:]
        positions = [position for block in new if (position := self._tree.find(block)) is not None]
        raw = b"".join(self._tree.header(position) for position in positions) if self._keeps_whole else b""
        for peer, client in self._clients.items():
            if client.wants_compact and len(connected) == 1:
                self._queue(peer, client, [InvEntry(InvType.CMPCT_BLOCK, block) for block in connected], now)
                continue
            message: Message = Inv(tuple(InvEntry(InvType.BLOCK, block) for block in new[-1:]))
            if raw and client.wants_headers and len(connected) <= MAX_ANNOUNCED:
                message = self._headers_of(raw)
            self._out.append(Answer(peer, message))

    # Answers.

    def _overdrawn(self, peer: int) -> None:
        self._out.append(Refuse(peer, Reason.NOT_READING, "it asks for more than it reads"))

    def _queue(self, peer: int, client: _Client, entries: Sequence[InvEntry | GetBlockTxn], now: Instant) -> None:
        if len(client.queue) + len(entries) > self._limits.max_inventory:
            self._overdrawn(peer)
            return
        client.queue.extend(entries)
        self._pump(peer, client, now)

    def _hashes_from(self, message: GetBlockByIndex) -> list[Hash]:
        most = min(message.count or MAX_BLOCKS_INV, MAX_BLOCKS_INV)
        return [self._tree.hash(position) for position in self._offer.run(message.first_height, most)]

    def _answer_addresses(self, peer: int, client: _Client, now: Instant) -> None:
        """Once a connection, and only to who came to us: whom we dial could map us by asking again and again."""
        if client.was_told_addresses or not client.inbound:
            return
        client.was_told_addresses = True
        if known := self._addresses(peer, now):
            self._out.append(TellAddresses(peer, tuple(known)))

    def _answer_questions(self, peer: int, client: _Client) -> None:
        while client.questions and not client.full and client.made < self._limits.max_send_queue:
            if client.awaits_headers:
                return
            question = client.questions.popleft()
            if isinstance(question, GetBlocks):
                self._answer_inventory(peer, client, question)
            else:
                self._answer_headers(peer, client, self._headers_wanted(question))

    def _headers_wanted(self, message: GetHeaders) -> list[int]:
        """None while our own chain has too little work: who asks is told so by an empty answer, not by silence."""
        most = min(message.count or self._limits.max_headers, self._limits.max_headers)
        if not self._offer.is_heavy_enough:
            return []
        if message.first_height is not None:
            return list(self._offer.run(message.first_height, most))
        if not message.locator:
            position = self._offer.header(message.stop)
            return [] if position is None else [position]
        return self._offer.after(message.locator, message.stop, most)

    def _answer_headers(self, peer: int, client: _Client, positions: list[int]) -> None:
        """From memory where the tree keeps them whole. The root's proof is not in the store, and genesis has none."""
        if self._keeps_whole:
            self._give_headers(peer, client, self._headers_of(b"".join(map(self._tree.header, positions))))
        elif positions and positions[0] == 0:
            self._answer_headers(peer, client, positions[1:])
        elif positions:
            client.awaits_headers = True
            context = self._tree.header_context(self._tree.parent(positions[0]))
            self._out.append(ReadHeaders(peer, tuple(positions), context))

    def _give_headers(self, peer: int, client: _Client, headers: Headers) -> None:
        client.made += len(headers.raw)
        if headers or not self._says_nothing:
            self._out.append(Answer(peer, headers))

    def _headers_of(self, raw: bytes) -> Headers:
        return Headers.fixed(raw, self._parser, size=self._rules.header_size)

    def _answer_inventory(self, peer: int, client: _Client, message: GetBlocks) -> None:
        positions = self._offer.after(message.locator, message.stop, MAX_BLOCKS_INV)
        hashes = [self._tree.hash(position) for position in positions]
        if message.stop != ZERO_HASH and hashes and hashes[-1] == message.stop:
            hashes.pop()  # the stop hash itself is not announced (Core)
        if len(hashes) == MAX_BLOCKS_INV:
            client.continue_at = hashes[-1]
        if hashes:
            client.made += len(hashes) * ENTRY_SIZE
            self._out.append(Answer(peer, Inv(tuple(InvEntry(InvType.BLOCK, block) for block in hashes))))

    def _pump(self, peer: int, client: _Client, now: Instant) -> None:
        """Work on the queue until a block must be read, or the peer has enough."""
        missing: list[InvEntry] = []
        while client.queue and client.reading is None and not client.full:
            entry = client.queue.popleft()
            if isinstance(entry, GetBlockTxn):
                self._read_transactions(peer, client, entry)
                continue
            position = self._offer.block(entry.hash) if self._is_block(client, entry) else None
            if position is None:
                missing.append(entry)
            elif why := self._objection(peer, position, now):
                client.queue.clear()
                self._out.append(Refuse(peer, Reason.REFUSED, why))
            elif position == 0:
                self._send_block(peer, client, entry, self._rules.genesis_block, now)
            else:
                client.reading = entry
                self._out.append(ReadBlock(peer, position))
        if missing:
            self._out.append(Answer(peer, NotFound(tuple(missing))))

    def _objection(self, peer: int, position: int, now: Instant) -> str:
        """Why a block that we have is not given."""
        if self._is_pruned and self._offer.is_deep(position):
            return "it asks for blocks deeper than we said that we keep"
        if self._offer.is_historical(position) and self.budget.refuses(peer, now):
            return "our upload target is reached"
        return ""

    def _send_block(self, peer: int, client: _Client, entry: InvEntry, raw: Raw, now: Instant) -> None:
        if entry.type == InvType.BLOCK:
            raw = self._parser.stripped(raw)
        self.budget.note(peer, len(raw), now)
        message: Message = Block(raw, self._parser)
        if entry.type == InvType.CMPCT_BLOCK and self._depth(entry.hash) <= MAX_BLOCK_DEPTH:
            message = self._compact.block(entry.hash, raw)
        self._out.append(Answer(peer, message))
        if entry.hash == client.continue_at:
            client.continue_at = b""
            tip = InvEntry(InvType.BLOCK, self._tree.hash(self._offer.top))
            self._out.append(Answer(peer, Inv((tip,))))

    # Compact blocks.

    @staticmethod
    def _is_block(client: _Client, entry: InvEntry) -> bool:
        return entry.type in BLOCK_TYPES and (entry.type != InvType.CMPCT_BLOCK or client.takes_compact)

    def _depth(self, block: Hash) -> int:
        """Blocks between this one and our tip, of a block that we offer."""
        position = self._offer.block(block)
        return 0 if position is None else self._tree.height(self._offer.top) - self._tree.height(position)

    def _read_transactions(self, peer: int, client: _Client, question: GetBlockTxn) -> None:
        """Of a block that we do not have, nothing is said; of one deep in the chain, all [Core ProcessMessage]."""
        position = self._offer.block(question.block_hash)
        if not client.takes_compact or not position:
            return
        if self._depth(question.block_hash) > MAX_TRANSACTIONS_DEPTH:
            client.queue.appendleft(InvEntry(InvType.WITNESS_BLOCK, question.block_hash))
            return
        client.reading = question
        self._out.append(ReadBlock(peer, position))

    def _send_transactions(
        self, peer: int, client: _Client, question: GetBlockTxn, raw: Raw | None, now: Instant
    ) -> None:
        if raw is None:
            return
        answer = self._compact.transactions(question, raw)
        if answer is None:
            client.queue.clear()
            error = InvalidCompactBlock("getblocktxn: it asks for a transaction that its block does not have")
            self._out.append(Fault(peer, error))
            return
        self.budget.note(peer, sum(len(each.raw) for each in answer.transactions), now)
        self._out.append(Answer(peer, answer))
