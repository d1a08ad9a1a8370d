"""What we have asked of one peer: at most one request of each kind is out, the next of its kind waits its turn.

A second request never overwrites the first, and what settles a request is stated on its class. Not here: block batches
(`peer.blocks`, which have clocks of their own), deadlines and events (`peer.machine`). Called by `peer.machine` only.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, TypeVar

from headway.errors import LocalProtocolError
from headway.peer.deadlines import Cause
from headway.peer.events import RequestKind

if TYPE_CHECKING:
    from headway.network import Timing
    from headway.types import Address, BlockRequest, Hash, Instant
    from headway.wire.messages import Headers, Message

HASH_SIZE: Final = 32


class Outstanding(NamedTuple):
    """What we have asked and not got yet, for those who look at a peer."""

    blocks: tuple[BlockRequest, ...]
    ping_wait: float | None
    """Seconds for which a ping has waited for its pong."""


class Request:
    """One question to the remote. Its messages are made when it is put, so that what cannot be asked fails at once."""

    __slots__ = ("command", "id", "messages", "sent_at")
    kind: ClassVar[RequestKind]
    cause: ClassVar[Cause]
    """Which deadline stands for it."""
    must_answer: bool
    """Whether silence ends the peer; where the protocol allows silence, the deadline only frees the slot."""

    def __init__(self, request_id: int, messages: list[Message]) -> None:
        self.id = request_id
        self.messages = messages
        """To be sent when its turn comes; empty afterwards."""
        self.command = messages[0].command
        self.sent_at: Instant = 0.0
        """On the clock that stands still during a pause: what a remote needs for its answer is not our own slowness."""

    def timeout(self, timing: Timing) -> float:
        """Seconds for the answer, 0 for no limit."""
        raise NotImplementedError


class HeadersRequest(Request):
    """`getheaders`. Settled by an empty `headers`, by one that follows a block we named (or genesis, where a remote
    starts that knows none of them), or by one that begins with the block at which we said stop. Any other `headers` is
    an announcement. A fenced request is also settled by its pong, when that comes first.
    """

    __slots__ = ("_expected", "_known", "_stop", "fence", "must_answer")
    kind = RequestKind.HEADERS
    cause = Cause.HEADERS

    def __init__(  # noqa: PLR0917  (its one caller fills all in)
        self,
        request_id: int,
        messages: list[Message],
        known: frozenset[Hash],
        stop: Hash,
        fence: int,
        expected: int,
        must_answer: bool,
    ) -> None:
        """`known`: hashes that an answer may follow; `fence`: nonce of the ping right behind, 0 without one;
        `expected`: headers for which there is to be time."""
        super().__init__(request_id, messages)
        self.fence = fence
        self.must_answer = must_answer
        self._known = known
        self._expected = expected
        self._stop = stop

    def timeout(self, timing: Timing) -> float:
        return timing.headers_timeout and timing.headers_timeout + self._expected * timing.header_timeout

    def is_settled_by(self, headers: Headers) -> bool:
        """Raises CodecError when the first header cannot be read."""
        if not len(headers):
            return True
        first = headers[0]
        return first.prev_hash in self._known or first.hash == self._stop


class AddressesRequest(Request):
    """`getaddr`. A remote may well say nothing."""

    __slots__ = ()
    kind = RequestKind.ADDRESSES
    cause = Cause.ADDRESSES
    must_answer = False

    def timeout(self, timing: Timing) -> float:
        return timing.addresses_timeout

    @staticmethod
    def is_settled_by(addresses: Sequence[Address], remote: Address) -> bool:
        """A node tells its own address soon after the handshake (Core MaybeSendAddr): that is not what we asked for."""
        return len(addresses) != 1 or addresses[0].host != remote.host


class TransactionRequest(Request):
    """One transaction. Settled by it or by a notfound; not every chain says notfound, so silence is lawful."""

    __slots__ = ("txid",)
    kind = RequestKind.TRANSACTION
    cause = Cause.TRANSACTION
    must_answer = False

    def __init__(self, request_id: int, messages: list[Message], txid: Hash) -> None:
        super().__init__(request_id, messages)
        self.txid = txid

    def timeout(self, timing: Timing) -> float:
        return timing.transaction_timeout


class PingRequest(Request):
    """`ping`, asked by the owner or as a keepalive. Settled by the pong with its nonce alone."""

    __slots__ = ("is_keepalive", "must_answer", "nonce")
    kind = RequestKind.PING
    cause = Cause.PONG

    def __init__(
        self, request_id: int, messages: list[Message], nonce: int, *, is_keepalive: bool, must_answer: bool
    ) -> None:
        super().__init__(request_id, messages)
        self.must_answer = must_answer
        self.nonce = nonce
        self.is_keepalive = is_keepalive

    def timeout(self, timing: Timing) -> float:
        return timing.ping_timeout


def fresh_nonce(rng: random.Random, bits: int = 64) -> int:
    """Random bits, never all zero: zero means "no nonce" to a remote."""
    return rng.getrandbits(bits) or 1


def require_hashes(hashes: Iterable[Hash]) -> None:
    """Raises LocalProtocolError for what cannot be a hash."""
    for each in hashes:
        if len(each) != HASH_SIZE:
            raise LocalProtocolError(f"a hash has {HASH_SIZE} bytes, not {len(each)}")


AnyRequest = TypeVar("AnyRequest", bound=Request)


class RequestTable:
    """Requests by kind: the first of each is out, the others wait behind it."""

    __slots__ = ("_by_kind", "_max_queued")

    def __init__(self, max_queued: int) -> None:
        self._by_kind: dict[type[Request], list[Request]] = {}
        self._max_queued = max_queued

    def __len__(self) -> int:
        return sum(map(len, self._by_kind.values()))

    def __iter__(self) -> Iterator[Request]:
        return (request for line in self._by_kind.values() for request in line)

    def put(self, request: Request) -> bool:
        """Take a request; True when it is its turn now. Raises LocalProtocolError when too many wait already."""
        line = self._by_kind.setdefault(type(request), [])
        if len(line) > self._max_queued:
            raise LocalProtocolError(f"{self._max_queued} {request.kind.name} requests are waiting already")
        line.append(request)
        return len(line) == 1

    def out(self, kind: type[AnyRequest]) -> AnyRequest | None:
        """The outstanding request of a kind."""
        line = self._by_kind.get(kind)
        request = line[0] if line else None
        assert request is None or isinstance(request, kind), "put files each request under its own class"
        return request

    def is_out(self, request: Request) -> bool:
        return self.out(type(request)) is request

    def find(self, request_id: int) -> Request | None:
        """An outstanding or waiting request."""
        return next((request for request in self if request.id == request_id), None)

    def remove(self, request: Request) -> Request | None:
        """Take out a request; returns the one whose turn it is now because of that."""
        line = self._by_kind[type(request)]
        was_out = line[0] is request
        line.remove(request)
        if not line:
            del self._by_kind[type(request)]
            if not self._by_kind:
                self._by_kind.clear()  # gives back the room that an empty dictionary keeps
        return line[0] if was_out and line else None

    def clear(self) -> list[Request]:
        """Forget all; returns them."""
        requests = list(self)
        self._by_kind.clear()
        return requests
