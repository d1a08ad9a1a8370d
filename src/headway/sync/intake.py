"""Headers on their way from a message into the tree: judged, proved off the loop where a chain signs, taken in.

While a full message is judged its sender is asked on already, so that the next one is on its way: one unverified
message of a peer at a time. What belongs to a range between checkpoints waits in `sync.ranges` for those before it,
what has too little work goes through `sync.lowwork`; what a message came to is told to `sync.headers`, which chooses
the next question. Not here: blocks. Called by `sync.scheduler`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from headway.chain.headers import NOT_KNOWN, Added, Judged
from headway.chain.presync import Outcome
from headway.errors import CodecError, CondemnedHeader, FutureHeader, RemoteProtocolError
from headway.sync.output import Blame, Conflict, Overdue, ProveHeaders, Rejected, TipMoved, WriteHeaders
from headway.sync.ranges import Arrived
from headway.types import BlockId

if TYPE_CHECKING:
    from headway.chain.headers import HeaderTree
    from headway.chain.presync import Step
    from headway.network import Headers, Network
    from headway.peer.events import HeadersReceived
    from headway.sync.headers import HeaderSync
    from headway.sync.lowwork import LowWork
    from headway.sync.output import SyncOutput
    from headway.sync.ranges import Ranges
    from headway.types import Instant, Locator

MAX_PROVING: Final = 4
"""Messages of headers of one peer whose proofs are being checked; what more it announces meanwhile is left unread, and
asked for afterwards."""


@dataclass(frozen=True, slots=True)
class _Message:
    """Headers of one peer."""

    peer: int
    headers: Headers
    at: Instant
    wall_time: float
    is_answer: bool
    """To a question of ours."""
    is_silence: bool = False
    """No headers came, and that is the answer."""
    is_asked_on: bool = False
    """Its sender has the next question already."""
    is_of_range: bool = False
    """It lies between checkpoints, and its sender may be busy with something else."""


class HeaderIntake:
    """What peers send as headers, until it is in the tree or refused."""

    def __init__(  # noqa: PLR0917  (its one caller hands over its own parts)
        self,
        network: Network,
        tree: HeaderTree,
        headers: HeaderSync,
        ranges: Ranges,
        low_work: LowWork,
        out: list[SyncOutput],
        *,
        thorough: bool,
    ) -> None:
        """`out` takes what it wants done; `thorough`: see `SyncScheduler`."""
        self._full = network.limits.full_headers
        self._max_locator = network.limits.max_locator
        self._tree = tree
        self._headers = headers
        self._ranges = ranges
        self._low_work = low_work
        self._out = out
        self._thorough = thorough
        self._unjudged: dict[int, _Message] = {}  # by peer, which was asked on
        self._proving: dict[int, tuple[_Message, Judged]] = {}  # by number
        self._behind: dict[int, _Message] = {}  # by peer: the answer behind one that is being proved
        self._last_number = 0

    @property
    def is_idle(self) -> bool:
        """Nothing waits to be judged or proved."""
        return not self._proving and not self._unjudged

    def unjudged(self) -> tuple[int, ...]:
        """Peers for which `judge_of` has something to do."""
        return tuple(self._unjudged)

    def prover(self, number: int) -> int:
        """Whose headers are being proved by this number."""
        return self._proving[number][0].peer

    def due(self) -> Instant | None:
        """When `SyncScheduler.work`, or `tick`, has something to do."""
        if self._unjudged:
            return min(message.at for message in self._unjudged.values())
        return self._low_work.due()

    # What happens. Each returns whether the best chain has changed branch.

    def received(self, peer: int, event: HeadersReceived, wall_time: float, now: Instant) -> bool:
        """Headers of a ready peer have come."""
        moved = self.judge_of(peer, now)
        message = _Message(peer, event.headers, now, wall_time, event.request is not None, event.fenced)
        if message.is_answer and self._is_proving(peer):
            self._behind[peer] = message
            return moved
        return self._take(message, now) or moved

    def judge_of(self, peer: int, now: Instant) -> bool:
        """Judge what this peer has sent, after it was asked on."""
        message = self._unjudged.pop(peer, None)
        return message is not None and self._judge(message, now)

    def proved(self, number: int, failure: tuple[int, str] | None, now: Instant) -> bool:
        """Proofs were checked. `failure`: number of the first header whose proof does not hold, and what is wrong."""
        message, judged = self._proving.pop(number)
        behind = self._behind.pop(message.peer, None) if message.is_answer else None
        if failure is not None:
            error = self._tree.disproved(judged, *failure)
            return self._settle(message, Added(NOT_KNOWN, error=error), now)
        moved = self._settle(message, self._tree.accept(judged), now)
        if behind is not None:
            moved = self._take(behind, now) or moved
        return self._judge_ranges(message.wall_time, now) or moved

    def lost(self, peer: int, now: Instant) -> bool:
        """The peer has gone: what it sent still counts."""
        moved = self.judge_of(peer, now)
        self._behind.pop(peer, None)
        return moved

    def tick(self, now: Instant) -> None:
        """Call when `LowWork.due` has come."""
        self._out += [Overdue(peer, why) for peer, why in self._low_work.overdue(now)]

    # The ways that a message may take.

    def _take(self, message: _Message, now: Instant) -> bool:
        if message.is_answer and self._ranges.is_asked(message.peer):
            return self._take_range(message, now)
        if message.is_answer and self._low_work.is_under_way(message.peer):
            is_full = len(message.headers) >= self._full
            step = self._low_work.receive(message.peer, message.headers, message.wall_time, is_full=is_full)
            return self._follow_presync(message, step, now)
        if message.is_answer and (locator := self._leads_on(message.headers)):
            self._headers.go_on(message.peer, locator, now)
            self._unjudged[message.peer] = replace(message, is_asked_on=True)
            return False
        return self._judge(message, now)

    def _leads_on(self, headers: Headers) -> Locator:
        """Where to ask on after a full message that begins in our tree and ends beyond it; empty for any other."""
        if len(headers) < self._full:
            return ()
        parent = self._tree.find(headers[0].prev_hash)
        try:
            last = headers[len(headers) - 1].hash
        except CodecError:
            return ()  # what is wrong is found when it is judged
        if parent is None or self._tree.find(last) is not None:
            return ()
        end = BlockId(self._tree.height(parent) + len(headers), last)
        return (end, *self._tree.locator(parent))[: self._max_locator]

    def _judge(self, message: _Message, now: Instant) -> bool:
        if not len(message.headers):
            return self._settle(message, None if message.is_silence else Added(NOT_KNOWN), now)
        judged = self._tree.judge(message.headers, message.wall_time, thorough=self._thorough)
        if isinstance(judged, Added):
            return self._settle(message, judged, now)
        if not message.is_of_range and self._low_work.is_too_little(message.peer, judged):
            return self._take_low_work(message, judged, now)
        if not judged.verdict.proofs:
            return self._settle(message, self._tree.accept(judged), now)
        self._prove(message, judged)
        return False

    def _prove(self, message: _Message, judged: Judged) -> None:
        waiting = sum(other.peer == message.peer for other, _ in self._proving.values())
        if not message.is_answer and not message.is_of_range and waiting >= MAX_PROVING:
            self._headers.news(message.peer)
            return
        self._last_number += 1
        self._proving[self._last_number] = (message, judged)
        self._out.append(ProveHeaders(self._last_number, judged.verdict.proofs))

    def _is_proving(self, peer: int) -> bool:
        """Whether an answer of this peer is being proved."""
        return any(message.is_answer and message.peer == peer for message, _ in self._proving.values())

    # Ranges between checkpoints.

    def _take_range(self, message: _Message, now: Instant) -> bool:
        peer = message.peer
        try:
            arrived = self._ranges.receive(peer, message.headers)
        except CodecError as error:
            return self._blame(peer, error)
        if arrived is Arrived.MORE:
            question = self._ranges.question(peer, now)
            self._headers.go_on(peer, question.locator, now, question.stop)
            return False
        self._headers.ask_again(peer)
        return self._judge_ranges(message.wall_time, now)

    def _judge_ranges(self, wall_time: float, now: Instant) -> bool:
        """Judge whole ranges whose turn has come, one message after another."""
        moved = False
        while self._ranges.has_next and not any(message.is_of_range for message, _ in self._proving.values()):
            peer, headers = self._ranges.next()
            message = _Message(peer, headers, now, wall_time, is_answer=False, is_of_range=True)
            moved = self._judge(message, now) or moved
        return moved

    # Too little work.

    def _take_low_work(self, message: _Message, judged: Judged, now: Instant) -> bool:
        peer, is_whole = message.peer, judged.verdict.accepted == len(judged.run)
        if not message.is_answer:
            return False
        if len(message.headers) >= self._full and is_whole:
            return self._follow_presync(message, self._low_work.begin(peer, judged, message.wall_time, now), now)
        if (error := self._low_work.ignored(peer)) is not None:
            return self._blame(peer, error)
        return self._settle(message, Added(NOT_KNOWN), now)

    def _follow_presync(self, message: _Message, step: Step, now: Instant) -> bool:
        peer, moved, added = message.peer, False, Added(NOT_KNOWN)
        for headers in step.released:
            judged = self._tree.judge(headers, message.wall_time, thorough=self._thorough)
            added = judged if isinstance(judged, Added) else self._tree.accept(judged)
            if added.error is not None:
                self._low_work.end(peer, Outcome.INVALID)
                return self._settle(message, added, now) or moved
            moved = self._tell(peer, added) or moved
        if step.outcome is Outcome.MORE:
            if not message.is_asked_on:
                self._headers.go_on(peer, self._low_work.locator(peer), now)
            return moved
        if (error := self._low_work.end(peer, step.outcome) or step.error) is not None:
            self._blame(peer, error)
        elif step.outcome in {Outcome.DONE, Outcome.TOO_LITTLE_WORK}:
            self._headers.settled(peer, added, len(message.headers), now)
        else:
            self._headers.ask_again(peer)
        return moved

    # What a message came to.

    def _settle(self, message: _Message, added: Added | None, now: Instant) -> bool:
        """What a message came to is known; `added` None: there was none, the pong came first."""
        peer = message.peer
        error = added.error if added is not None else None
        if message.is_of_range:
            self._ranges.judged(holds=error is None)
        if error is not None and not isinstance(error, FutureHeader):
            return self._blame(peer, error)
        moved = added is not None and self._tell(peer, added)
        if message.is_answer and not message.is_asked_on:
            self._headers.settled(peer, added, len(message.headers), now)
        elif added is not None:
            self._headers.announced(peer, added, now)
        return moved

    def _blame(self, peer: int, error: RemoteProtocolError) -> bool:
        if isinstance(error, CondemnedHeader):
            self._out.append(Rejected(peer, error.block))
        self._out.append(Blame(peer, error))
        return False

    def _tell(self, peer: int, added: Added) -> bool:
        """Have it written and told of."""
        if added.conflict is not None:
            ours = self._tree.id(self._tree.at(added.conflict.height))
            self._out.append(Conflict(peer, added.conflict, ours))
        if not added.count:
            return False
        self._out.append(WriteHeaders(peer, added.raw, added.count))
        if not self._tree.on_best_chain(added.last):
            return False
        self._out.append(TipMoved(self._tree.tip, added.disconnected))
        return added.disconnected > 0
