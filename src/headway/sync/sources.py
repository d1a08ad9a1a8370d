"""Peers as sources of blocks: what each has, how much it may owe, and which of them can take more.

Together they may owe no more than the window holds: where their allowances exceed it, all are less by the same part.
Not here: what is asked (`sync.blocks`). Called by `sync.blocks` and `sync.withheld`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from headway.chain.headers import NOT_KNOWN
from headway.sync.allowance import Allowance
from headway.sync.hedge import UNKNOWN
from headway.sync.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headway.chain.goal import Goal
    from headway.chain.headers import HeaderTree
    from headway.sync.window import Window
    from headway.types import Height, Instant

MAX_LOOK: Final = 16
"""Peers looked at to find one with nothing to do, so that many peers do not make it dear."""
MAX_SKIPS: Final = 16
"""Blocks passed over in one look because a peer lacks them, likewise."""
MAX_MISSING: Final = 1024
"""Remembered notfound answers a peer; beyond it the peer is no source of blocks any more."""


@dataclass(slots=True)
class Source:
    """One peer."""

    allowance: Allowance
    keeps: int | None
    """How many of its newest blocks it has; None: all."""
    best: int = NOT_KNOWN
    """Position of the heaviest header that it has shown."""
    fork: int = NOT_KNOWN
    """Position at which its chain leaves the goal."""
    reach: Height = -1
    """Highest block of the goal that it has."""
    lowest: Height = 0
    missing: set[int] = field(default_factory=set)
    """Positions for which it said notfound."""
    is_slow: bool = False
    """What it owed was given to others; it is asked for nothing more until it brings a block."""

    def can_be_asked(self, position: int) -> bool:
        """It was not asked for this block, and has not said that it lacks it."""
        return position not in self.missing and not self.allowance.owes(position)


class Sources:
    def __init__(self, tree: HeaderTree, goal: Goal, window: Window, *, most: int) -> None:
        """`most`: what one peer may owe at all (`Limits.max_blocks_in_flight`)."""
        self._tree = tree
        self._goal = goal
        self._window = window
        self._most = most
        self._sources: dict[int, Source] = {}
        self._turns = Turns()
        self._limits = 0.0  # the sum of all allowances
        self._slow = 0  # of them

    def __len__(self) -> int:
        return len(self._sources)

    def __iter__(self) -> Iterator[tuple[int, Source]]:
        return iter(self._sources.items())

    def __getitem__(self, peer: int) -> Source:
        return self._sources[peer]

    def get(self, peer: int) -> Source | None:
        return self._sources.get(peer)

    # What happens.

    def add(self, peer: int, *, keeps: int | None) -> None:
        source = self._sources[peer] = Source(Allowance(self._most), keeps)
        self._limits += source.allowance.limit

    def drop(self, peer: int) -> Source | None:
        """It has gone; returns what it was."""
        self._turns.drop(peer)
        source = self._sources.pop(peer, None)
        if source is not None:
            self._limits -= source.allowance.limit
            self._slow -= source.is_slow
            self._turns.wake_sated()
        return source

    def know(self, peer: int, best: int) -> bool:
        """It has shown the chain that ends at this header. True: that is news."""
        source = self._sources[peer]
        is_news = source.best != best
        fork = self._goal.fork(best, source.best)
        source.fork, source.best = source.fork if fork == source.best else fork, best
        self._reckon(source)
        self.feed(peer, source)
        return is_news

    def turn(self) -> None:
        """The goal is another one."""
        for peer, source in self._sources.items():
            if source.best > NOT_KNOWN:
                source.fork = self._goal.fork(source.best)
                self._reckon(source)
                self.feed(peer, source)

    def brought(self, peer: int, position: int, size: int, now: Instant) -> None:
        """It has brought a block."""
        source = self._sources[peer]
        self._limits -= source.allowance.limit
        source.allowance.take(position, size, self._window.mean_size, now)
        self._limits += source.allowance.limit
        self._is_there(peer, source)

    def refused(self, peer: int, position: int, now: Instant) -> None:
        """It said notfound. That is an answer: it is slow no more."""
        source = self._sources[peer]
        source.allowance.forget(position, now)
        source.missing.add(position)
        self._reckon(source)
        self._is_there(peer, source)

    def cut(self, peer: int, now: Instant) -> None:
        """It holds everybody up."""
        source = self._sources[peer]
        self._limits -= source.allowance.limit
        source.allowance.cut(now)
        self._limits += source.allowance.limit

    def slow(self, peer: int, now: Instant) -> None:
        """It held everybody up: it may owe half as much, and nothing new until it brings a block."""
        source = self._sources[peer]
        self.cut(peer, now)
        self._slow += not source.is_slow
        source.is_slow = True
        self._turns.drop(peer)

    def _is_there(self, peer: int, source: Source) -> None:
        """It has answered."""
        self._slow -= source.is_slow
        source.is_slow = False
        self.feed(peer, source)

    # Whose turn it is.

    def feed(self, peer: int, source: Source) -> None:
        """It may have its turn once it owes no more than half of its allowance: requests travel in groups."""
        if source.allowance.owed <= int(self._fitting(source)) // 2 and not source.is_slow:
            self._turns.put(peer)

    def may_be_asked(self, source: Source) -> int:
        """Blocks for which it may be asked now: towards the end it may owe no more than its part of what is left."""
        at_work = max(len(self._sources) - self._turns.useless - self._slow, 1)
        share = max(1, int(min(self._fitting(source), math.ceil(self._window.left / at_work))))
        owed = source.allowance.owed
        return share - owed if 2 * owed <= share + 1 else 0

    def _fitting(self, source: Source) -> float:
        return max(1.0, source.allowance.limit * min(1.0, self._window.capacity / self._limits))

    def next(self, lowest: Height) -> int | None:
        """Who is to be asked next, when `lowest` is the first to ask for."""
        self._turns.wake(lowest)
        return self._turns.next()

    def step_aside(self, peer: int, source: Source, lowest: Height | None, skipped: Sequence[Height]) -> None:
        """Nothing suits it now: it lacks the `skipped`, or does not reach to `lowest`, or has nothing so low, or has
        its share."""
        if len(skipped) == MAX_SKIPS:
            self._turns.wait_above(peer, skipped[-1] + 1)
        elif skipped or lowest is None:
            self._turns.wait_lacking(peer)
        elif lowest > source.reach:
            self._turns.wait_below(peer, source.reach)
        elif lowest < source.lowest:
            self._turns.wait_above(peer, source.lowest)
        else:
            self._turns.wait_sated(peer)
            return
        self._turns.wake_sated()

    def wake_lacking(self) -> None:
        """Something else is to be asked."""
        self._turns.wake_lacking()

    def second(self, position: int, first: int) -> int | None:
        """Who could bring a block instead of the peer that was asked: the least busy first, then the quickest."""
        height = self._tree.height(position)
        found, best = None, (True, float("inf"))
        for peer in self._turns.first(MAX_LOOK):
            source = self._sources[peer]
            if peer == first or not (source.lowest <= height <= source.reach and source.can_be_asked(position)):
                continue
            delay = source.allowance.delay
            rank = (source.allowance.owed > 0, UNKNOWN if delay is None else delay)
            if found is None or rank < best:
                found, best = peer, rank
        return found

    def _reckon(self, source: Source) -> None:
        source.reach = -1 if len(source.missing) > MAX_MISSING else self._tree.height(source.fork)
        source.lowest = 0 if source.keeps is None else self._tree.height(source.best) - source.keeps + 1
