"""Which blocks to ask of which peer: each once, but for the hedge, and none beyond what memory allows.

What may be asked is `window`; who has it, how much he may owe and whose turn it is are `sources`. What a lost peer owed
can be asked again at once. Three things can keep the first missing block, for which all others wait, from coming, and
each has its remedy: its peer withholds it while the window is full (`staller`), it is late though nothing else is to be
asked (`hedge`), or nobody gives it (`withheld`). The cost of an input does not grow with the number of peers. Not here:
deadlines (each peer machine keeps its own), verification, storage. Called by `sync.scheduler`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from headway.chain.blocks import Advance
from headway.sync.hedge import Hedge, patience
from headway.sync.output import AskBlocks, Stalled
from headway.sync.sources import MAX_SKIPS, Source, Sources
from headway.sync.staller import Staller
from headway.sync.window import Window
from headway.sync.withheld import Withheld

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headway.chain.blocks import BlockChain
    from headway.chain.headers import HeaderTree
    from headway.types import Height, Instant

BlockOutput: TypeAlias = AskBlocks | Stalled | Advance


class BlockScheduler:
    def __init__(
        self,
        tree: HeaderTree,
        chain: BlockChain,
        *,
        typical_size: int,
        ceiling: Height | None = None,
        max_in_flight: int,
    ) -> None:
        """`ceiling`: highest block to ask for, None for no end. `max_in_flight`: of the network, at one peer."""
        self._tree = tree
        self._chain = chain
        self.window = Window(tree, chain, typical_size=typical_size, ceiling=ceiling)
        self.sources = Sources(tree, chain.goal, self.window, most=max_in_flight)
        self._staller = Staller()
        self._hedge = Hedge()
        self._withheld = Withheld(tree, chain, self.sources)
        self._must_aim = False  # another goal may be better now
        self._out: list[BlockOutput] = []
        self.flowing: frozenset[int] = frozenset()
        """Peers that are in the middle of a message, and send it as fast as our line lets them."""
        self.enabled = False

    # What others ask of it.

    @property
    def in_flight(self) -> int:
        return len(self.window.asked)

    @property
    def in_hand(self) -> int:
        return len(self.window.in_hand)

    @property
    def bytes_in_hand(self) -> int:
        return self.window.bytes_in_hand

    @property
    def is_done(self) -> bool:
        """Every block of the best chain that can be had is here, and those of a better one were asked for in vain."""
        return self.window.first is None and not self._withheld.is_coming

    # What happens.

    def rebase(self) -> Advance:
        """The tree's best chain has changed branch, or the floor has moved: look again from the first missing block on.

        Returns how the delivered chain moved.
        """
        self._withheld.renew()
        self._chain.goal.renew()
        return self._aim()

    def add_peer(self, peer: int, *, keeps: int | None = None) -> None:
        """A peer that may have blocks. `keeps`: only so many of its newest; None: all."""
        self.sources.add(peer, keeps=keeps)

    def know(self, peer: int, best: int) -> None:
        """The peer has shown the chain that ends at this header."""
        is_news = self.sources.know(peer, best)
        if is_news and self._withheld and self._tree.chainwork(best) > self._tree.chainwork(self._chain.goal.tip):
            self._must_aim = True
            self._withheld.hurry()

    def drop_peer(self, peer: int) -> None:
        if (source := self.sources.drop(peer)) is not None:
            self._give_up(peer, source)
            for position in source.allowance.positions():
                self._withheld.failed(position)

    def received(self, peer: int, position: int, size: int, now: Instant) -> bool:
        """A block arrived.

        True: verify it. False: we have it, never wanted it, or did not ask for it and have no room (a late copy costs
        nobody anything).
        """
        if self.sources.get(peer) is not None:
            self.sources.brought(peer, position, size, now)
        owner = self.window.asked.pop(position, None)
        if owner is None and not (self.window.wants(position) and self.window.has_room):
            return False
        if position == self._hedge.position and self._hedge.is_beaten(now):
            self._beat(self._hedge.first, position, now)
        self.window.receive(position, size)
        return True

    def stored(self, position: int) -> None:
        """It is in the store, or needs not be."""
        self.window.release(position)
        self._staller.stored()
        self._must_aim = self._withheld.discard(position) or self._must_aim

    def rejected(self, position: int) -> None:
        """The copy in hand was no good, or could not be stored: ask again."""
        self.window.release(position)
        self._again(position)

    def refused(self, peer: int, positions: Iterable[int], now: Instant) -> None:
        """The peer said notfound: these go to others, never to it again."""
        if self.sources.get(peer) is None:
            return
        for position in positions:
            self.sources.refused(peer, position, now)
            self._withheld.failed(position)
            if self.window.asked.get(position) == peer:
                self._again(position)

    def tick(self, now: Instant) -> list[BlockOutput]:
        """What can be asked now, and who holds everybody up. Call after every input, and when `due` has come."""
        if self.enabled:
            if self._must_aim:
                self._out.append(self._aim())
            self._ask(now)
            while self._watch(now):
                self._ask(now)
            for peer, position in self._withheld.probes(now):
                self._request(peer, (position,), now)
        out, self._out = self._out, []
        return out

    def due(self) -> Instant | None:
        """When `tick` has something to do though nothing happens."""
        if not self.enabled:
            return None
        times = (self._staller.due(), self._hedge.due(), self._withheld.due())
        return min((at for at in times if at is not None), default=None)

    # Asking.

    def _ask(self, now: Instant) -> None:
        if self.window.extend():
            self.sources.wake_lacking()
        while (lowest := self.window.next()) is not None and self.window.has_room:
            peer = self.sources.next(lowest)
            if peer is None:
                return
            source = self.sources[peer]
            if positions := self._choose(peer, source):
                self._request(peer, positions, now)
                self.sources.feed(peer, source)

    def _choose(self, peer: int, source: Source) -> list[int]:
        """Positions to ask of it. None: it steps aside."""
        window, most = self.window, self.sources.may_be_asked(source)
        chosen: list[int] = []
        skipped: list[Height] = []
        while window.has_room and len(chosen) < most and len(skipped) < MAX_SKIPS:
            height = window.next()
            if height is None or not source.lowest <= height <= source.reach:
                break
            window.pop()
            position = self._chain.goal.at(height)
            if source.can_be_asked(position):
                chosen.append(position)
                window.asked[position] = peer
            else:
                skipped.append(height)
        for height in skipped:
            window.push(height)
        if not chosen:
            self.sources.step_aside(peer, source, window.next(), skipped)
        return chosen

    def _request(self, peer: int, positions: Sequence[int], now: Instant) -> None:
        self.sources[peer].allowance.ask(positions, now)
        self.window.asked.update(dict.fromkeys(positions, peer))
        self._out.append(AskBlocks(peer, tuple(map(self._tree.request, positions))))

    def _again(self, position: int) -> None:
        self.window.asked.pop(position, None)
        self.window.again(position)
        self.sources.wake_lacking()

    def _give_up(self, peer: int, source: Source) -> None:
        """What it owes can be asked of others."""
        for position in source.allowance.positions():
            if self.window.asked.get(position) == peer:
                self._again(position)

    # Waiting for the first missing block.

    def _watch(self, now: Instant) -> bool:
        """Who or what holds everybody up. True: something more can be asked now."""
        first = self.window.first
        owner = None if first is None else self.window.asked.get(first)
        second = None if first is None or owner is None else self.sources.second(first, owner)
        if first is None or owner is None or second is None:
            self._staller.rest()
            self._hedge.rest()
            return self._is_withheld(first, owner, now)
        self._withheld.rest()
        if self.window.is_full:
            self._hedge.rest()
            return self._is_stalling(first, owner, second, now)
        self._staller.rest()
        return self._is_late(first, owner, second, now)

    def _is_stalling(self, position: int, owner: int, second: int, now: Instant) -> bool:
        """The window is full. One that is slower than its helper would be loses what it owes, without blame; one that
        sends nothing at all is a staller."""
        first, other = self.sources[owner].allowance, self.sources[second].allowance
        since, wait = first.since(position), patience(other.delay)
        is_sending = owner in self.flowing
        is_known = other.delay is not None if is_sending else first.delay is not None
        if is_known and (now >= since + wait if is_sending else (first.delay or 0.0) > wait):
            self._release(owner, now)
            return True
        if is_sending or other.owed:
            self._staller.rest()
            return False
        self.sources.cut(owner, now)
        timeout = self._staller.timeout
        if self._staller.watch(owner, since, now):
            self._release(owner, now)
            self._out.append(Stalled(owner, timeout))
            return True
        return False

    def _is_late(self, position: int, owner: int, second: int, now: Instant) -> bool:
        """The window is not full: all that may be asked is out. What is late is asked of a second peer; of a third, or
        of one of which we do not know how quick it is, only while nothing at all comes in."""
        delay = self.sources[second].allowance.delay
        given_up = self._hedge.first if position == self._hedge.position else None
        if self.flowing and (delay is None or given_up is not None):
            self._hedge.rest()
            return False
        since = self.sources[owner].allowance.since(position)
        if not self._hedge.watch(position, since, delay, now):
            return False
        if given_up is not None and self.sources.get(given_up) is not None:
            self._release(given_up, now)
        self._hedge.asked(owner, since, now)
        self._request(second, (position,), now)
        return True

    def _beat(self, first: int | None, position: int, now: Instant) -> None:
        """The block is here. Where the first still owes it, the second has won."""
        source = None if first is None else self.sources.get(first)
        if first is not None and source is not None and source.allowance.owes(position):
            self._release(first, now)
            self._out.append(Stalled(first))

    def _release(self, peer: int, now: Instant) -> None:
        """What it owes can be asked of others; should it come all the same, the first copy is taken."""
        self.sources.slow(peer, now)
        self._give_up(peer, self.sources[peer])

    # The goal.

    def _is_withheld(self, first: int | None, owner: int | None, now: Instant) -> bool:
        """Nobody else can be asked for the first missing block, if one is missing. True: there is another goal now."""
        is_coming = first in self.window.in_hand or owner in self.flowing
        if first is None or is_coming or len(self.sources) < 2:
            self._withheld.rest()
            return False
        since = 0.0 if owner is None else self.sources[owner].allowance.since(first)
        if not self._withheld.watch(first, since, now, is_owed=owner is not None):
            return False
        self._out.append(self._aim())
        return True

    def _aim(self) -> Advance:
        """Turn to the best chain that can be had."""
        self._must_aim = False
        self._chain.goal.turn(self._withheld.best_goal())
        moved = self._chain.advance()
        self.window.reset()
        self.sources.turn()
        return moved
