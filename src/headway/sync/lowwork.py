"""Chains with too little work so far: left alone where they end, presynchronised where they may go on.

Anybody can make headers of little work in masses, so a chain is kept only once it has the work of `enough_work`. A
message that ends below it is ignored; after a full one its peer sends the chain twice (`chain.presync`), one presync a
peer. Who was named by the user is believed at once: `Limits.max_low_work_headers` bounds what he can make us keep.
A peer that fails again and again is left: `MAX_ATTEMPTS`, and for each a deadline, because an endless chain would hold
us for ever. Not here: the headers that come of it (`sync.intake`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headway.chain.presync import ChainStart, Outcome, Phase, Presync, Step, enough_work
from headway.errors import UnwantedChain

if TYPE_CHECKING:
    import random

    from headway.chain.headers import HeaderTree, Judged
    from headway.network import Headers, Network
    from headway.types import Height, Instant, Locator

MAX_ATTEMPTS: Final = 3
"""Times that one peer may fail to show a chain with enough work, before it is left."""
BASE_TIMEOUT: Final = 60.0
"""Seconds that a presync may take, whatever there is to send (Core HEADERS_DOWNLOAD_TIMEOUT_BASE: 15 minutes)."""
HEADER_TIMEOUT: Final = 0.002
"""Seconds more for each header that the chain should have by now. (Core HEADERS_DOWNLOAD_TIMEOUT_PER_HEADER: 1 ms.)"""

_WHY: Final = {
    Outcome.TOO_LITTLE_WORK: "its chain has too little work",
    Outcome.TOO_LONG: "its chain has more headers than can have been mined",
    Outcome.UNCONNECTED: "its chain changes while it sends it",
    Outcome.INCOMPLETE: "the second time it did not send its whole chain",
    Outcome.CHANGED: "it lies: the second time it sent another chain than the first time",
}


@dataclass(frozen=True, slots=True)
class PresyncProgress:
    """How far a chain has come that is not kept yet."""

    height: Height
    """Up to which it was seen."""
    share: float
    """Of the chain's first passage, 0 to 1; afterwards it comes again, and is kept."""


@dataclass(slots=True)
class _Peer:
    is_trusted: bool
    attempts: int = 0
    """That have failed."""
    presync: Presync | None = None
    patience: float = 0.0
    """Seconds for it."""
    due_at: Instant = 0.0


class LowWork:
    def __init__(self, network: Network, tree: HeaderTree, *, rng: random.Random) -> None:
        self._network = network
        self._tree = tree
        self._rng = rng
        self._is_on = network.presync is not None and network.minimum_chainwork > 0
        self._peers: dict[int, _Peer] = {}

    def add_peer(self, peer: int, *, is_trusted: bool) -> None:
        self._peers[peer] = _Peer(is_trusted)

    def drop_peer(self, peer: int) -> None:
        self._peers.pop(peer, None)

    # What others ask of it.

    def is_too_little(self, peer: int, judged: Judged) -> bool:
        """Whether the chain that ends with these headers must not be kept, for all that we know of it."""
        state = self._peers.get(peer)
        if not self._is_on or (state is not None and state.is_trusted):
            return False
        enough, work = enough_work(self._tree, self._network), self._tree.chainwork(judged.parent)
        return work < enough and work + sum(judged.verdict.works) < enough

    def is_under_way(self, peer: int) -> bool:
        """Whether what this peer answers belongs to its presync."""
        state = self._peers.get(peer)
        return state is not None and state.presync is not None

    def locator(self, peer: int) -> Locator:
        """Where its chain is to go on."""
        presync = self._presync(peer)
        start = self._tree.find(presync.start.id.hash)
        below = self._tree.locator(start)
        if presync.tip == presync.start.id:
            return below
        return (presync.tip, *below)[: self._network.limits.max_locator]

    def progress(self) -> PresyncProgress | None:
        """Of the presync that is furthest; None: there is none, or its headers are being kept already."""
        running = (state.presync for state in self._peers.values())
        first = [presync for presync in running if presync is not None and presync.phase is Phase.COMMITTING]
        best = max(first, key=lambda presync: presync.work, default=None)
        return None if best is None else PresyncProgress(best.tip.height, best.share)

    def height(self, peer: int) -> Height:
        """Up to which this peer's chain was seen and is not kept yet; -1: no presync is under way."""
        state = self._peers.get(peer)
        return -1 if state is None or state.presync is None else state.presync.tip.height

    def due(self) -> Instant | None:
        return min((state.due_at for state in self._peers.values() if state.presync is not None), default=None)

    # What happens.

    def begin(self, peer: int, judged: Judged, wall_time: float, now: Instant) -> Step:
        """The peer's chain has too little work and may go on."""
        state = self._peers[peer]
        start = ChainStart.at(self._tree, self._network, judged.parent)
        goal = enough_work(self._tree, self._network)
        state.presync = Presync(self._network, start, goal, rng=self._rng, wall_time=wall_time)
        expected = max(wall_time - start.median_time, 0.0) / self._network.block_interval
        state.patience = BASE_TIMEOUT + HEADER_TIMEOUT * expected
        state.due_at = now + state.patience
        return self.receive(peer, judged.run, wall_time, is_full=True)

    def receive(self, peer: int, headers: Headers, wall_time: float, *, is_full: bool) -> Step:
        """What it answered to a question for what follows `locator`."""
        return self._presync(peer).receive(headers, wall_time, is_full=is_full)

    def end(self, peer: int, outcome: Outcome) -> UnwantedChain | None:
        """The presync has ended so. The fault, if the peer is to be left."""
        state = self._peers[peer]
        state.presync = None
        if outcome in {Outcome.DONE, Outcome.INVALID}:  # the latter is a fault by itself
            state.attempts = 0
            return None
        state.attempts += 1
        if outcome is not Outcome.CHANGED and state.attempts < MAX_ATTEMPTS:
            return None
        return UnwantedChain(_WHY[outcome] + (f", in {state.attempts} attempts" if state.attempts > 1 else ""))

    def ignored(self, peer: int) -> UnwantedChain | None:
        """It answered with a chain that ends with too little work. That counts as long as we need one that has it: who
        has none is no use to us. The fault, if the peer is to be left."""
        if self._tree.chainwork(self._tree.tip_position) >= self._network.minimum_chainwork:
            return None
        return self.end(peer, Outcome.TOO_LITTLE_WORK)

    def overdue(self, now: Instant) -> list[tuple[int, str]]:
        """Peers whose presync takes too long, and why to leave them if there are others. Each is told once a
        deadline."""
        found = []
        for peer, state in self._peers.items():
            if state.presync is not None and state.due_at <= now:
                state.due_at = now + state.patience
                found.append((peer, f"its chain has too little work after {state.patience:.0f} s of headers"))
        return found

    # How.

    def _presync(self, peer: int) -> Presync:
        presync = self._peers[peer].presync
        assert presync is not None, "it is under way"
        return presync
