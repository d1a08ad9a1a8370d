"""Whom to ask for headers, and whether every peer has been heard about the tip.

At first one peer is asked; another beside it when it takes long, or announces a block. Between checkpoints all are
asked, for a range each (`sync.ranges`). Once a first peer has told all it has, every other one is asked at once, which
costs a header or two each. A peer is *heard* when it answered a locator that starts at our tip's parent: with headers
of which none outweighs our tip, or with the pong behind the request (silence then means nothing more; bcoin and btcd
send no empty headers), or by silence where that is an answer. Claimed start heights never count.
Not here: what becomes of headers (`sync.intake`). Called by `sync.scheduler` and `sync.intake`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway.chain.headers import NOT_KNOWN, Added
from headway.types import ZERO_HASH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.chain.headers import HeaderTree
    from headway.sync.ranges import Ranges
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
"""Seconds for which peers may have us ask on and bring nothing new, before nobody waits for them any more: time to
answer four questions as late as they can."""
FUTURE_RETRY = 600.0
"""Seconds until a header from the future is asked for again: about a block interval."""
LOW_WORK_RETRY = 60.0
"""Seconds until some peer is asked again while nobody has a chain with the network's minimum work."""


@dataclass(frozen=True, slots=True)
class AskHeaders:
    """Ask this peer for headers after the locator up to `stop` (zero: as many as it gives), with a ping behind."""

    peer: int
    locator: Locator
    stop: Hash = ZERO_HASH


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
    is_trusted: bool = False
    """Named by the user: that it has told all it has is enough to begin with blocks, however little that is."""
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
    provoked_at: Instant = -UNCONNECTED_INTERVAL


class HeaderSync:
    def __init__(
        self,
        tree: HeaderTree,
        ranges: Ranges,
        *,
        full_headers: int,
        poll_interval: float = 0.0,
        minimum_work: int = 0,
    ) -> None:
        """`full_headers`: see `Limits`; `poll_interval`: see `Timing`; `minimum_work`: see `Network`."""
        self._tree = tree
        self._ranges = ranges
        self._full_headers = full_headers
        self._poll_interval = poll_interval
        self._minimum_work = minimum_work
        self._last_ask_at: Instant = 0.0
        self._peers: dict[int, _Peer] = {}
        self._waiting: dict[int, None] = {}  # peers to be asked, in order of arrival
        self._asked: dict[int, None] = {}  # peers with a request out
        self._unheard: set[int] = set()  # peers to be heard about the tip
        self._still_since: Instant | None = None  # since when we wait for them, and nothing new comes
        self._still_size = 0
        self._is_impatient = False
        self._started = False  # a first peer has told all that it has
        self._extra = -1  # a peer that announced a block before that, to be asked beside the first
        self._extra_for: Hash = b""
        self._asks: list[AskHeaders | AskAnnounced | Stranger] = []
        self._retry_at: dict[int, Instant] = {}

    # What others ask of it.

    @property
    def all_heard(self) -> bool:
        """Every peer was heard, and one at least. Some are not waited for for ever: see HEARING_TIMEOUT."""
        unheard = len(self._unheard)
        return self._started and unheard < len(self._peers) and (not unheard or self._is_impatient)

    @property
    def started(self) -> bool:
        """A first peer has told all that it has: blocks may be asked for."""
        return self._started

    @property
    def held(self) -> int:
        """Headers that wait for those before them."""
        return self._ranges.held

    def best(self, peer: int) -> int:
        """Position of the heaviest header that this peer has shown, -1 before any."""
        found = self._peers.get(peer)
        return NOT_KNOWN if found is None else found.best

    def peers_asked(self) -> Iterable[int]:
        return tuple(self._asked)

    # What happens.

    def add_peer(self, peer: int, *, is_trusted: bool = False) -> None:
        """`is_trusted`: its user named it."""
        self._peers[peer] = _Peer(is_trusted=is_trusted)
        self._wait(peer)

    def drop_peer(self, peer: int) -> None:
        self._peers.pop(peer, None)
        self._waiting.pop(peer, None)
        self._asked.pop(peer, None)
        self._retry_at.pop(peer, None)
        self._unheard.discard(peer)
        self._ranges.drop_peer(peer)

    def settled(self, peer: int, added: Added | None, count: int, now: Instant) -> None:
        """Our request to this peer was settled:

        `added` says what its `count` headers brought, None when the pong came first, or silence was the answer.
        """
        state = self._peers.get(peer)
        if state is None:
            return  # it left while its headers were being proved
        self._end_question(peer, state)
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
        self._start_if_enough(state)
        if state.again:
            state.again = False
            self._wait(peer)
            return
        self._unheard.discard(peer)
        announced, state.announced = state.announced, b""
        if announced and self._tree.find(announced) is None:
            self._asks.append(AskAnnounced(peer, announced))

    def go_on(self, peer: int, locator: Locator, now: Instant, stop: Hash = ZERO_HASH) -> None:
        """Our request to this peer was settled, and it is asked on from there, as it surely has more."""
        state = self._peers.get(peer)
        if state is not None:
            self._end_question(peer, state)
            self._put(peer, state, locator, now, stop)

    def ask_again(self, peer: int) -> None:
        """What it answered led nowhere: ask it about the tip, in its turn."""
        state = self._peers.get(peer)
        if state is not None:
            self._end_question(peer, state)
            self._wait(peer)

    def unanswered(self, peer: int) -> None:
        """It did not answer in time, and is kept."""
        self._ranges.release(peer)
        self.ask_again(peer)

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
        """The peer announced a block that we do not know (this one), or something else worth a question.

        Before a first peer is through, each new block has one more peer asked (Core), so that nobody can hold us for
        longer than until the next one is found.
        """
        state = self._peers[peer]
        state.announced = block_hash or state.announced
        if peer in self._asked:
            state.again = True
            return
        self._wait(peer)
        if block_hash and block_hash != self._extra_for and not self._started:
            self._extra, self._extra_for = peer, block_hash

    def tick(self, now: Instant) -> list[AskHeaders | AskAnnounced | Stranger]:
        """Requests that are due. Call after every input, and when `due` has come."""
        for peer, at in list(self._retry_at.items()):
            if at <= now:
                del self._retry_at[peer]
                self._peers[peer].provoked_at = now
                self.news(peer)
        self._mind_those_who_hold_up(now)
        if self._ranges.is_open:
            self._ask_ranges(now)
        if not self._ranges.is_open:
            self._ask_tips(now)
        if self._may_poll and now >= self._last_ask_at + self._interval:
            self._poll(now)
        asks, self._asks = self._asks, []
        return asks

    def due(self) -> Instant | None:
        """When `tick` has something to do even if nothing happens."""
        times = list(self._retry_at.values())
        if self._may_poll:
            times.append(self._last_ask_at + self._interval)
        if self._still_since is not None and not self._is_impatient:
            times.append(self._still_since + HEARING_TIMEOUT)
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

    def _wait(self, peer: int) -> None:
        """It is to be asked about the tip."""
        self._waiting[peer] = None
        self._unheard.add(peer)

    def _mind_those_who_hold_up(self, now: Instant) -> None:
        """Those who come, tell nothing and go must not keep us waiting by taking turns, so that all of them have one
        time in common."""
        if not self._started or not self._unheard:
            self._still_since, self._is_impatient = None, False
        elif self._still_since is None or (self._still_size != len(self._tree) and not self._is_impatient):
            self._still_since, self._still_size = now, len(self._tree)
        elif now >= self._still_since + HEARING_TIMEOUT:
            self._is_impatient = True

    def _start_if_enough(self, state: _Peer) -> None:
        has_enough = state.is_trusted or self._tree.chainwork(self._tree.tip_position) >= self._minimum_work
        self._started = self._started or has_enough

    def _end_question(self, peer: int, state: _Peer) -> None:
        self._asked.pop(peer, None)
        state.asked_at = None

    def _ask_tips(self, now: Instant) -> None:
        """Ask as many of those who wait as may be asked now."""
        while self._waiting and (self._started or self._extra in self._waiting or self._may_ask_another(now)):
            peer = self._extra if self._extra in self._waiting else next(iter(self._waiting))
            del self._waiting[peer]
            self._ask(peer, self._peers[peer], None, now)

    def _ask_ranges(self, now: Instant) -> None:
        """Give a range to each that waits: one at first, as long as nobody has shown that it has our chain."""
        for peer in tuple(self._waiting):
            if not self._ranges.is_shared and not self._may_ask_another(now):
                return
            if (question := self._ranges.take(peer, now, peers=len(self._peers))) is not None:
                del self._waiting[peer]
                self._put(peer, self._peers[peer], question.locator, now, question.stop)
        if self._waiting and not self._asked:
            self._ranges.close()  # nobody here has them

    @property
    def _interval(self) -> float:
        """Seconds until somebody is asked again; 0: never."""
        return self._poll_interval if self._started or not self._minimum_work else LOW_WORK_RETRY

    @property
    def _may_poll(self) -> bool:
        is_due = self._started or self._minimum_work > 0
        return bool(is_due and self._interval and self._peers) and not self._asked and not self._waiting

    def _poll(self, now: Instant) -> None:
        """Ask the peer that was not polled for the longest time. Nobody waits for what it says."""
        peer = next(iter(self._peers))
        state = self._peers[peer] = self._peers.pop(peer)
        self._ask(peer, state, None, now)

    def _last_asked_at(self) -> Instant:
        return max(self._peers[peer].asked_at or 0.0 for peer in self._asked)

    def _may_ask_another(self, now: Instant) -> bool:
        return not self._asked or now >= self._last_asked_at() + PATIENCE

    def _ask(self, peer: int, state: _Peer, after: int | None, now: Instant) -> None:
        """Ask from `after` on, or (None) from our tip's parent: a peer at our tip then still shows that it has it."""
        start = self._tree.tip_position if after is None else after
        if after is None:
            start = max(self._tree.parent(start), 0)
        self._put(peer, state, self._tree.locator(start), now)
        state.asked_from = NOT_KNOWN if after is None else after

    def _put(self, peer: int, state: _Peer, locator: Locator, now: Instant, stop: Hash = ZERO_HASH) -> None:
        state.asked_at = self._last_ask_at = now
        state.asked_from = NOT_KNOWN
        state.strange = False
        self._asked[peer] = None
        self._asks.append(AskHeaders(peer, locator, stop))

    def _note(self, peer: int, state: _Peer, added: Added, now: Instant) -> None:
        if added.last > NOT_KNOWN:
            state.strange, state.strange_answers = False, 0
            heavier = state.best < 0 or self._tree.chainwork(added.last) > self._tree.chainwork(state.best)
            if heavier or not self._tree.is_valid(state.best):
                state.best = added.last
        if added.error is not None:  # only a header from the future leaves its peer here: retried later, without blame
            self._retry_at[peer] = now + FUTURE_RETRY
