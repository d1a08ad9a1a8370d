"""The blocks of one question of a user, on their way from the machine to him.

Only so many are asked ahead of the consumer as a bounded memory holds: a slow one is sent less, while the socket stays
open for everything else. Not here: the clocks of a batch (`peer.blocks`), how a consumer waits (`aio`, `blocking`),
blocks of many peers (`sync`). Called by `aio` and `blocking`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headway.peer.blocks import BlockBatch
    from headway.peer.machine import PeerMachine
    from headway.types import BlockRequest, Hash, Instant
    from headway.wire.messages import Block

MIN_AHEAD: Final = 16
"""Blocks asked and not yet consumed, whatever their size (Core MAX_BLOCKS_IN_TRANSIT_PER_PEER)."""
MAX_AHEAD: Final = 512
BYTES_AHEAD: Final = 32_000_000
"""What blocks asked and not yet consumed should come to, judged by those that came so far."""


class Feed:
    """One `request_blocks`: what is still to be asked, what is asked, what has arrived."""

    def __init__(self, wanted: Iterable[BlockRequest], max_ahead: int) -> None:
        """`max_ahead`: most blocks that the machine takes in one batch."""
        self._unasked = deque({request.hash: request for request in wanted}.values())
        self._asked: dict[Hash, BlockRequest] = {}
        self._not_found: list[BlockRequest] = []
        self._arrived: deque[Block] = deque()
        self._batch: BlockBatch | None = None
        self._max_ahead = min(max_ahead, MAX_AHEAD)
        self._ahead = min(max_ahead, MIN_AHEAD)
        self._blocks = 0
        self._bytes = 0

    # The consumer's side.

    @property
    def is_done(self) -> bool:
        return not (self._unasked or self._asked or self._arrived)

    @property
    def is_owed(self) -> bool:
        """Blocks are in flight, or wait for their turn to be asked."""
        return self._batch is not None and not self._batch.is_finished

    @property
    def request(self) -> int | None:
        """Id of its batch; None before the first one."""
        return None if self._batch is None else self._batch.id

    @property
    def has_block(self) -> bool:
        return bool(self._arrived)

    @property
    def missing(self) -> tuple[BlockRequest, ...]:
        """What did not come (yet)."""
        return (*self._not_found, *self._asked.values(), *self._unasked)

    def take(self) -> Block:
        """The oldest block that has arrived."""
        return self._arrived.popleft()

    def ask_more(self, machine: PeerMachine, now: Instant) -> bool:
        """Ask again once half of what may be ahead was consumed. True when something was asked."""
        ahead = len(self._asked) + len(self._arrived)
        if not self._unasked or ahead > self._ahead // 2:
            return False
        part = list(islice(self._unasked, self._ahead - ahead))
        if self._batch is None or self._batch.is_finished:
            self._batch = machine.request_blocks(part, now)
        else:
            self._batch.extend(part, now)
        for request in part:
            self._unasked.popleft()
            self._asked[request.hash] = request
        return True

    def finish(self, now: Instant) -> None:
        """The consumer wants no more: what is still owed is cancelled."""
        if self._batch is not None and not self._batch.is_finished:
            self._batch.finish(now)

    # The peer's side.

    def accept(self, request: BlockRequest, block: Block) -> bool:
        """A block came for `request`. False: it belongs to another feed."""
        if self._asked.pop(request.hash, None) is None:
            return False
        self._arrived.append(block)
        self._blocks += 1
        self._bytes += len(block)
        self._ahead = min(max(BYTES_AHEAD * self._blocks // max(self._bytes, 1), MIN_AHEAD), self._max_ahead)
        return True

    def not_found(self, requests: Iterable[BlockRequest]) -> None:
        """The remote does not have these."""
        for request in requests:
            if self._asked.pop(request.hash, None) is not None:
                self._not_found.append(request)

    def owns(self, batch: int) -> bool:
        """Whether a request id is that of this feed's batch."""
        return self.request == batch
