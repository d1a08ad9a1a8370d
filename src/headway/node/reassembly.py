"""New blocks out of transactions that are here already: BIP152's low-bandwidth mode, from the receiving side.

With a transaction cache, outbound peers that announce transactions are asked for them; the newest block is asked for in
its compact form, of a peer that has such, and of that peer what the cache lacks. Whatever does not come out right is
asked for whole: by us where short ids collide, by the sync where the block that came out is not valid (nobody is to
blame for that, see `Block.is_assembled`). Each block is asked for so once. Not here: which block is asked of whom
(`sync`), its deadlines (the peer's machine). Called by `node.machine`; `choose` by `dispatch`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from headway.errors import InvalidCompactBlock
from headway.node.answer import Answer, Assembled, Fault
from headway.node.compact import CompactBlocks
from headway.node.partial import PartialBlock
from headway.node.txcache import TxCache
from headway.node.txdownload import TxDownloads
from headway.wire.messages import BlockTxn, CmpctBlock, GetBlockTxn, SendCmpct, WtxidRelay

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headway.chain.headers import HeaderTree
    from headway.network import Network
    from headway.types import BlockRequest, Hash, Instant
    from headway.wire.messages import InvEntry, Message, Tx

_REMEMBERED: Final = 16
"""Blocks that were asked for in compact form."""


@dataclass(slots=True)
class CacheUse:
    """What the cache holds, and what it was good for."""

    transactions: int = 0
    """In the cache now."""
    bytes: int = 0
    """What they take, Python's own included."""
    blocks: int = 0
    """Compact blocks that came."""
    at_once: int = 0
    """Of them, those that the cache completed alone."""
    topped_up: int = 0
    """Of them, those that their peer completed with what the cache lacked."""
    failed: int = 0
    """Of them, those that had to be asked for whole."""
    found: int = 0
    """Transactions of them that were in the cache."""
    asked: int = 0
    """Those that were not."""

    @property
    def hit_rate(self) -> float | None:
        """The part of their transactions that was in the cache, those left out that travel whole; None before any."""
        total = self.found + self.asked
        return self.found / total if total else None


@dataclass(slots=True)
class _Peer:
    gives: bool = False
    """It has compact blocks as we read them."""
    asked: Hash = b""
    """The block that was asked of it in this form and has not come."""
    partial: PartialBlock | None = None
    """What came of it, while the rest is under way."""
    block: Hash = b""
    """Its hash."""


class Reassembly:
    def __init__(self, network: Network, tree: HeaderTree, limit: int) -> None:
        """`limit`: bytes of the cache; 0: none, and no block is asked for so, as where a chain has no such form."""
        self._tree = tree
        self._form = network.codec.parser.compact_form
        self._enabled = limit > 0 and self._form is not None
        self._max_block = network.limits.max_payload
        self._whole = network.codec.open(inbound=False).ask_blocks
        self.cache = TxCache(limit)
        self._downloads = TxDownloads(self.cache.__contains__)
        self._peers: dict[int, _Peer] = {}
        self._tried: dict[Hash, BlockRequest] = {}
        self._out: list[Answer | Assembled | Fault] = []
        self._use = CacheUse()

    @property
    def use(self) -> CacheUse:
        return replace(self._use, transactions=len(self.cache), bytes=self.cache.size)

    def take(self) -> list[Answer | Assembled | Fault]:
        out, self._out = self._out, []
        return out

    # What happens.

    def add_peer(self, peer: int, *, negotiated: frozenset[str], announces: bool) -> None:
        """An outbound peer is ready. `announces`: it was asked to announce transactions."""
        if self._enabled:
            self._peers[peer] = _Peer()
            if announces:
                self._downloads.add_peer(peer, by_wtxid=WtxidRelay.command in negotiated)

    def drop_peer(self, peer: int) -> None:
        if self._peers.pop(peer, None) is not None:
            self._downloads.drop_peer(peer)
            self.cache.drop_peer(peer)

    def announced(self, peer: int, entries: Iterable[InvEntry], now: Instant) -> None:
        """A peer sent an inv."""
        if peer in self._peers:
            self._downloads.announced(peer, entries)
            self._ask(peer, now)

    def transaction(self, peer: int, transaction: Tx, now: Instant) -> None:
        """One came, well encoded; those that nobody asked for are not kept."""
        if peer in self._peers:
            forms = transaction.parser.transaction_forms(bytes(transaction.raw))
            if self._downloads.brought(peer, {entry.hash for entry in forms}):
                self.cache.add(forms, peer)
                self._ask(peer, now)

    def received(self, peer: int, message: Message) -> None:
        """A message of a ready peer."""
        if (known := self._peers.get(peer)) is None:
            return
        try:
            match message:
                case SendCmpct():
                    known.gives |= message.version == CompactBlocks.VERSION
                case CmpctBlock():
                    self._begin(peer, known, message)
                case BlockTxn():
                    self._go_on(peer, known, message)
                case _:
                    pass
        except InvalidCompactBlock as error:
            known.partial = None
            self._out.append(Fault(peer, error))

    def tick(self, now: Instant) -> None:
        """Ask others for what did not come. Call now and then."""
        for peer in self._downloads:
            self._ask(peer, now)

    def choose(self, peer: int, requests: Sequence[BlockRequest]) -> Sequence[BlockRequest]:
        """The same blocks, about to be asked of this peer: the newest alone in compact form, where it has a chance."""
        known = self._peers.get(peer)
        if known is None or not known.gives or len(requests) != 1 or not len(self.cache):
            return requests
        newest, tip = requests[0], self._tree.hash(self._tree.tip_position)
        if newest.hash != tip or tip in self._tried:
            return requests
        self._tried[tip] = newest
        if len(self._tried) > _REMEMBERED:
            del self._tried[next(iter(self._tried))]
        known.asked = tip
        return (replace(newest, compact=True),)

    # How.

    def _ask(self, peer: int, now: Instant) -> None:
        if (question := self._downloads.question(peer, now)) is not None:
            self._out.append(Answer(peer, question))

    def _begin(self, peer: int, known: _Peer, block: CmpctBlock) -> None:
        assert self._form is not None, "there would be no peers here"
        if not known.asked or block.header.hash != known.asked:
            return  # an announcement: headers will tell, too
        known.block, known.asked = known.asked, b""
        self._use.blocks += 1
        known.partial = partial = PartialBlock(block, self._form)
        if partial.is_ambiguous:
            self._give_up(peer, known)
            return
        found = partial.fill(self.cache)
        missing = partial.missing
        self._use.found += found
        self._use.asked += len(missing)
        if missing:
            self._out.append(Answer(peer, GetBlockTxn(known.block, missing)))
        elif self._finish(peer, known, partial):
            self._use.at_once += 1

    def _go_on(self, peer: int, known: _Peer, answer: BlockTxn) -> None:
        if (partial := known.partial) is not None and answer.block_hash == known.block:
            partial.supply(answer.transactions)
            self._use.topped_up += self._finish(peer, known, partial)

    def _finish(self, peer: int, known: _Peer, partial: PartialBlock) -> bool:
        """Nothing is missing any more. False: no message holds a block so large, so it was put together wrongly."""
        if partial.size > self._max_block:
            self._give_up(peer, known)
            return False
        known.partial = None
        self._out.append(Assembled(peer, partial.whole()))
        return True

    def _give_up(self, peer: int, known: _Peer) -> None:
        """Ask the same peer for the whole block; its deadline has not changed."""
        known.partial = None
        self._use.failed += 1
        if (request := self._tried.get(known.block)) is not None:
            self._out += [Answer(peer, message) for message in self._whole((request,))]
