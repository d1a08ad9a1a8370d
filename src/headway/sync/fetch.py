"""Single blocks that somebody asks for, wherever they lie: one peer after another is asked until one brings it.

They are judged as all blocks are, and stored nowhere. What the window asks for is another matter (`blocks`): a block
may be brought for both. Who says notfound, or brings bytes that are not the block, is asked again only once everybody
else has had his turn. Called by `sync.scheduler`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from headway.chain.headers import NOT_KNOWN
from headway.errors import InvalidBlock, LocalProtocolError, MutatedBlock
from headway.network import BlockStatus
from headway.sync.output import AskBlocks, Blame, JudgeBlock

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping

    from headway.chain.headers import HeaderTree
    from headway.network import BlockVerdict
    from headway.sync.headers import HeaderSync
    from headway.types import Hash, Instant, Raw
    from headway.wire.messages import Block

MAX_WISHES: Final = 1_024
"""Blocks that may be asked for at one time."""
PATIENCE: Final = 5.0
"""Seconds until another peer is asked, too. (Who brings nothing at all is ended by the clocks of its own batch.)"""
PAUSE: Final = 5.0
"""Seconds until everybody is asked once more, when all have failed."""
MAX_ROUNDS: Final = 3
"""When everybody has failed so often, there is no hope left."""


@dataclass(slots=True)
class _Wish:
    wanted_by: int = 0
    asked: dict[int, Instant] = field(default_factory=dict)
    """Peers that owe it, since when."""
    failed: set[int] = field(default_factory=set)
    """Those that had their turn in this round."""
    rounds: int = 0
    rests_until: Instant = 0.0
    judging: Block | None = None
    """Being judged: `brought_by` a peer."""
    brought_by: int = 0
    found: Block | InvalidBlock | None = None
    """The block; or why nobody can have a valid one."""


class Fetches:
    def __init__(
        self, tree: HeaderTree, headers: HeaderSync, peers: Mapping[int, int | None], *, rng: random.Random
    ) -> None:
        """`peers`: those that are ready, and how many of its newest blocks each keeps (None: all)."""
        self._tree = tree
        self._headers = headers
        self._peers = peers
        self._rng = rng
        self._wishes: dict[int, _Wish] = {}  # by position
        self._out: list[AskBlocks | JudgeBlock | Blame] = []

    def __len__(self) -> int:
        return len(self._wishes)

    def take(self) -> list[AskBlocks | JudgeBlock | Blame]:
        out, self._out = self._out, []
        return out

    # What others want.

    def want(self, position: int) -> None:
        """Bring this block. Follow with `release`, however it ends. Raises LocalProtocolError for too many."""
        if position not in self._wishes and len(self._wishes) >= MAX_WISHES:
            raise LocalProtocolError(f"{MAX_WISHES} blocks are asked for already: wait for some of them")
        self._wishes.setdefault(position, _Wish()).wanted_by += 1

    def release(self, position: int) -> None:
        """He who wanted it has it, or wants it no more."""
        wish = self._wishes[position]
        wish.wanted_by -= 1
        if not wish.wanted_by:
            del self._wishes[position]

    def found(self, position: int) -> Block | InvalidBlock | None:
        """What has come: the block, valid; or the error of one that our rules find invalid, whoever brings it."""
        return self._wishes[position].found

    def is_hopeless(self, position: int) -> bool:
        """All peers have been asked for it, again and again."""
        return self._wishes[position].rounds >= MAX_ROUNDS

    # What happens.

    def received(self, peer: int, block: Block) -> None:
        position = self._tree.find(block.hash) if self._wishes else None
        wish = None if position is None else self._wishes.get(position)
        if position is None or wish is None:
            return
        wish.asked.pop(peer, None)
        if wish.found is not None or wish.judging is not None:
            return
        wish.judging, wish.brought_by = block, peer
        context = self._tree.block_context(self._tree.parent(position))
        self._out.append(JudgeBlock(position, self._tree.request(position), context, block.raw))

    def judged(self, position: int, raw: Raw, verdict: BlockVerdict) -> None:
        """`raw`: the very bytes of the order. Who gave up and asked again may have others in judgement by now."""
        wish = self._wishes.get(position)
        if wish is None or wish.judging is None or wish.judging.raw is not raw:
            return
        block, wish.judging = wish.judging, None
        if verdict.status is BlockStatus.VALID:
            wish.found = block
            return
        wish.failed.add(wish.brought_by)
        if block.is_damaged:
            return  # on its way: nobody is to blame
        kind = MutatedBlock if verdict.status is BlockStatus.MUTATED else InvalidBlock
        error = kind(verdict.rule, self._tree.id(position), verdict.detail)
        self._out.append(Blame(wish.brought_by, error))
        if isinstance(error, InvalidBlock):
            wish.found = error

    def refused(self, peer: int, hashes: Iterable[Hash]) -> None:
        """It said notfound."""
        for each in hashes if self._wishes else ():
            wish = self._wishes.get(-1 if (position := self._tree.find(each)) is None else position)
            if wish is not None:
                wish.asked.pop(peer, None)
                wish.failed.add(peer)

    def drop_peer(self, peer: int) -> None:
        for wish in self._wishes.values():
            if wish.asked.pop(peer, None) is not None:
                wish.failed.add(peer)

    def tick(self, now: Instant) -> None:
        for position, wish in self._wishes.items():
            waits = any(now < since + PATIENCE for since in wish.asked.values())
            if wish.found is None and wish.judging is None and not waits and now >= wish.rests_until:
                self._ask(position, wish, now)

    # How.

    def _ask(self, position: int, wish: _Wish, now: Instant) -> None:
        """The least busy of those who have it and had no turn yet."""
        having = [peer for peer, keeps in self._peers.items() if self._has(peer, keeps, position)]
        fresh = [peer for peer in having if peer not in wish.failed and peer not in wish.asked]
        if not fresh:
            if having and not wish.asked:
                wish.rounds, wish.rests_until = wish.rounds + 1, now + PAUSE
                wish.failed.clear()
            return
        peer = min(fresh, key=lambda each: (self._owed(each), self._rng.random()))
        wish.asked[peer] = now
        self._out.append(AskBlocks(peer, (self._tree.request(position),)))

    def _owed(self, peer: int) -> int:
        return sum(peer in wish.asked for wish in self._wishes.values())

    def _has(self, peer: int, keeps: int | None, position: int) -> bool:
        """Its chain goes through this block, and it keeps blocks so old."""
        best, height = self._headers.best(peer), self._tree.height(position)
        if best <= NOT_KNOWN or (top := self._tree.height(best)) < height:
            return False
        reaches = keeps is None or height > top - keeps
        return reaches and self._tree.branch(best).position(height) == position
