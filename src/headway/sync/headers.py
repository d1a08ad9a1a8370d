"""Whom to ask for headers, and whether every peer has been heard about the tip.

At first one peer is asked, and another beside it when it takes long; once a first peer has told all it has, every
other one is asked at once, which costs a header or two each. A peer is *heard* when it answered a locator that starts
at our tip's parent: with headers of which none outweighs our tip, or with the pong behind the request (silence then
means nothing more; bcoin and btcd send no empty headers), or by silence where that is an answer. Who draws that out is
not waited for. Claimed start heights never count. Not here: judging headers (`chain.headers`). Called by
`sync.scheduler`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway.chain.headers import NOT_KNOWN, Added

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.chain.headers import HeaderTree
    from headway.types import Hash, Instant, Locator

PATIENCE = 5.0
"""Seconds that the first peer may keep us waiting for one message before a second one is asked too.

Nobody is blamed.
"""
UNCONNECTED_INTERVAL = 120.0
"""Seconds between two getheaders that a peer can provoke by headers that do not connect (Core HEADERS_RESPONSE_TIME).

What comes sooner is asked for when they have passed: it may be the last that the peer announces for long.
"""
MAX_STRANGE = 3
"""Questions in a row that a peer may answer with headers that do not connect. (An announcement may cross one.)"""
HEARING_TIMEOUT = 120.0
"""Seconds that a peer's answers may take in all, since it last brought something new, before nobody waits for it any
more: four questions, answered as late as it can."""
FUTURE_RETRY = 600.0
"""Seconds until a header from the future is asked for again: about a block interval."""


@dataclass(frozen=True, slots=True)
class AskHeaders:
    """Ask this peer for headers after the locator, with a ping behind the request."""

    peer: int
    locator: Locator


@dataclass(frozen=True, slots=True)
class AskAnnounced:
    """Ask this peer for a block that it announced, and whose header it did not give: some leave out their tip's."""

    peer: int
    hash: Hash


@dataclass(frozen=True, slots=True)
class Stranger:
    """This peer answers with headers that follow nothing we know: it is on another chain, or we are."""

    peer: int


@dataclass(slots=True)
class _Peer:
    best: int = NOT_KNOWN
    """Position of the heaviest header that it has shown us."""
    asked_at: Instant | None = None
    waited: float = 0.0
    """Seconds that its answers have taken since it last brought something new."""
    heard: bool = False
    again: bool = False
    """News came while a request was out: ask once more after it."""
    asked_from: int = NOT_KNOWN
    """Position from which a continuation was asked: the answer must lead beyond it."""
    announced: Hash = b""
    """The last block that it announced and we did not know."""
    strange: bool = False
    """Since it was asked it has sent headers that do not connect, and none that do."""
    strange_answers: int = 0
    """Questions in a row that ended so."""
    is_polled: bool = False
    """What is asked of it now nobody waits for."""
    provoked_at: Instant = -UNCONNECTED_INTERVAL


class HeaderSync:
    def __init__(self, tree: HeaderTree, *, full_headers: int, poll_interval: float = 0.0) -> None:
        """`full_headers`: see `Limits`; `poll_interval`: see `Timing`."""
        self._tree = tree
        self._full_headers = full_headers
        self._poll_interval = poll_interval
        self._last_ask_at: Instant = 0.0
        self._peers: dict[int, _Peer] = {}
        self._waiting: dict[int, None] = {}  # peers to be asked, in order of arrival
        self._asked: dict[int, None] = {}  # peers with a request out
        self._started = False  # a first peer has told all that it has
        self._asks: list[AskHeaders | AskAnnounced | Stranger] = []
        self._retry_at: dict[int, Instant] = {}

    # What others ask of it.

    @property
    def all_heard(self) -> bool:
        """At least one peer, and every one of them heard."""
        return bool(self._peers) and not self._waiting and all(self._peers[peer].is_polled for peer in self._asked)

    @property
    def started(self) -> bool:
        """A first peer has told all that it has: blocks may be asked for."""
        return self._started

    def best(self, peer: int) -> int:
        """Position of the heaviest header that this peer has shown, -1 before any."""
        found = self._peers.get(peer)
        return NOT_KNOWN if found is None else found.best

    def peers_asked(self) -> Iterable[int]:
        return tuple(self._asked)

    # What happens.

    def add_peer(self, peer: int) -> None:
        self._peers[peer] = _Peer()
        self._waiting[peer] = None

    def drop_peer(self, peer: int) -> None:
        self._peers.pop(peer, None)
        self._waiting.pop(peer, None)
        self._asked.pop(peer, None)
        self._retry_at.pop(peer, None)

    def settled(self, peer: int, added: Added | None, count: int, now: Instant) -> None:
        """Our request to this peer was settled:

        `added` says what its `count` headers brought, None when the pong came first, or silence was the answer.
        """
        state = self._peers.get(peer)
        if state is None:
            return  # it left while its headers were being proved
        self._asked.pop(peer, None)
        if state.asked_at is not None and not state.is_polled:
            state.waited += now - state.asked_at
        state.asked_at = None
        asked_from, state.asked_from = state.asked_from, NOT_KNOWN
        if added is not None:
            self._note(peer, state, added, now)
            goes_on = count >= self._full_headers and added.last > NOT_KNOWN
            if goes_on and self._tree.height(added.last) > self._tree.height(max(asked_from, 0)):
                self._ask(peer, state, added.last, now)
                return
        elif state.strange:
            self._count_strange(peer, state)
            return
        state.heard, self._started = True, True
        if state.again:
            state.again = False
            self._waiting[peer] = None
            return
        announced, state.announced = state.announced, b""
        if announced and self._tree.find(announced) is None:
            self._asks.append(AskAnnounced(peer, announced))

    def announced(self, peer: int, added: Added, now: Instant) -> None:
        """Headers that we did not ask for, as the tree took them."""
        state = self._peers.get(peer)
        if state is None:
            return
        self._note(peer, state, added, now)
        state.strange = state.strange or not added.connects
        if not added.connects:
            soonest = state.provoked_at + UNCONNECTED_INTERVAL
            self._retry_at[peer] = min(self._retry_at.get(peer, soonest), soonest)

    def shown(self, peer: int, position: int) -> None:
        """The peer announced a block whose header we have."""
        self._note(peer, self._peers[peer], Added(position), 0.0)

    def news(self, peer: int, block_hash: Hash = b"") -> None:
        """The peer announced a block that we do not know (this one), or something else worth a question."""
        state = self._peers[peer]
        state.announced = block_hash or state.announced
        if peer in self._asked:
            state.again = True
        else:
            state.heard = False
            self._waiting[peer] = None

    def tick(self, now: Instant) -> list[AskHeaders | AskAnnounced | Stranger]:
        """Requests that are due. Call after every input, and when `due` has come."""
        for peer, at in list(self._retry_at.items()):
            if at <= now:
                del self._retry_at[peer]
                self._peers[peer].provoked_at = now
                self.news(peer)
        while self._waiting and (self._started or self._may_ask_another(now)):
            peer = next(iter(self._waiting))
            del self._waiting[peer]
            self._ask(peer, self._peers[peer], None, now)
        if self._may_poll and now >= self._last_ask_at + self._poll_interval:
            self._poll(now)
        asks, self._asks = self._asks, []
        return asks

    def due(self) -> Instant | None:
        """When `tick` has something to do even if nothing happens."""
        times = list(self._retry_at.values())
        if self._may_poll:
            times.append(self._last_ask_at + self._poll_interval)
        if self._waiting and self._asked and not self._started:
            times.append(self._last_asked_at() + PATIENCE)
        return min(times, default=None)

    # How.

    def _count_strange(self, peer: int, state: _Peer) -> None:
        """Its answer was none to us: ask again, or have done with it."""
        state.strange_answers += 1
        if state.strange_answers < MAX_STRANGE:
            self._waiting[peer] = None
        else:
            self._asks.append(Stranger(peer))

    @property
    def _may_poll(self) -> bool:
        return bool(self._poll_interval and self._started and self._peers) and not self._asked and not self._waiting

    def _poll(self, now: Instant) -> None:
        """Ask the peer that was not polled for the longest time."""
        peer = next(iter(self._peers))
        state = self._peers[peer] = self._peers.pop(peer)
        self._ask(peer, state, None, now)
        state.is_polled = True

    def _last_asked_at(self) -> Instant:
        return max(self._peers[peer].asked_at or 0.0 for peer in self._asked)

    def _may_ask_another(self, now: Instant) -> bool:
        return not self._asked or now >= self._last_asked_at() + PATIENCE

    def _ask(self, peer: int, state: _Peer, after: int | None, now: Instant) -> None:
        """Ask from `after` on, or (None) from our tip's parent: a peer at our tip then still shows that it has it."""
        start = self._tree.tip_position if after is None else after
        if after is None:
            start = max(self._tree.parent(start), 0)
        else:
            state.asked_from = after
        state.asked_at = self._last_ask_at = now
        state.is_polled = state.waited > HEARING_TIMEOUT
        state.strange = False
        self._asked[peer] = None
        self._asks.append(AskHeaders(peer, self._tree.locator(start)))

    def _note(self, peer: int, state: _Peer, added: Added, now: Instant) -> None:
        if added.count:
            state.waited = 0.0
        if added.last > NOT_KNOWN:
            state.strange, state.strange_answers = False, 0
            heavier = state.best < 0 or self._tree.chainwork(added.last) > self._tree.chainwork(state.best)
            if heavier or not self._tree.is_valid(state.best):
                state.best = added.last
        if added.error is not None:  # only a header from the future leaves its peer here: retried later, without blame
            self._retry_at[peer] = now + FUTURE_RETRY
