"""Headers on their way from a message into the tree: judged, proved off the loop where a chain signs, taken in.

What a message came to is told to `sync.headers`, which chooses the next question. Not here: blocks. Called by
`sync.scheduler`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headway.chain.headers import NOT_KNOWN, Added
from headway.errors import FutureHeader
from headway.sync.output import Blame, Conflict, ProveHeaders, TipMoved, WriteHeaders

if TYPE_CHECKING:
    from headway.chain.headers import HeaderTree, Judged
    from headway.peer.events import HeadersReceived
    from headway.sync.headers import HeaderSync
    from headway.sync.output import SyncOutput
    from headway.types import Instant

MAX_PROVING: Final = 4
"""Messages of headers of one peer whose proofs are being checked; what more it announces meanwhile is left unread, and
asked for afterwards."""


@dataclass(frozen=True, slots=True)
class _Provisional:
    """Headers whose proofs are being checked: neither in the tree nor in the store."""

    peer: int
    event: HeadersReceived
    judged: Judged


class HeaderIntake:
    """What peers send as headers, until it is in the tree or refused."""

    def __init__(self, tree: HeaderTree, headers: HeaderSync, out: list[SyncOutput], *, thorough: bool) -> None:
        """`out` takes what it wants done; `thorough`: see `SyncScheduler`."""
        self._tree = tree
        self._headers = headers
        self._out = out
        self._thorough = thorough
        self._proving: dict[int, _Provisional] = {}  # by number
        self._last_number = 0

    @property
    def is_idle(self) -> bool:
        """Nothing is being proved."""
        return not self._proving

    def received(self, peer: int, event: HeadersReceived, wall_time: float, now: Instant) -> bool:
        """Headers of a ready peer have come. True: the best chain has changed branch."""
        if not len(event.headers):
            return self._settle(peer, event, None if event.fenced else Added(NOT_KNOWN), now)
        judged = self._tree.judge(event.headers, wall_time, thorough=self._thorough)
        if isinstance(judged, Added):
            return self._settle(peer, event, judged, now)
        if not judged.verdict.proofs:
            return self._settle(peer, event, self._tree.accept(judged), now)
        self._prove(_Provisional(peer, event, judged))
        return False

    def proved(self, number: int, failure: tuple[int, str] | None, now: Instant) -> tuple[int, bool]:
        """Proofs were checked. `failure`: number of the first header whose proof does not hold, and what is wrong.

        Returns who brought them, and whether the best chain has changed branch.
        """
        provisional = self._proving.pop(number)
        peer, judged = provisional.peer, provisional.judged
        if failure is not None:
            self._out.append(Blame(peer, self._tree.disproved(judged, *failure)))
            return peer, False
        return peer, self._settle(peer, provisional.event, self._tree.accept(judged), now)

    # How.

    def _prove(self, provisional: _Provisional) -> None:
        waiting = sum(other.peer == provisional.peer for other in self._proving.values())
        if provisional.event.request is None and waiting >= MAX_PROVING:
            self._headers.news(provisional.peer)
            return
        self._last_number += 1
        self._proving[self._last_number] = provisional
        self._out.append(ProveHeaders(self._last_number, provisional.judged.verdict.proofs))

    def _settle(self, peer: int, event: HeadersReceived, added: Added | None, now: Instant) -> bool:
        """What a headers message came to is known; `added` None: there was none, the pong came first."""
        moved = False
        if added is not None:
            if added.error is not None and not isinstance(added.error, FutureHeader):
                self._out.append(Blame(peer, added.error))
                return False
            moved = self._tell(peer, added)
        if event.request is not None:
            self._headers.settled(peer, added, len(event.headers), now)
        elif added is not None:
            self._headers.announced(peer, added, now)
        return moved

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
