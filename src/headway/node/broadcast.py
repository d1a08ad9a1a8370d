"""Transactions of ours on their way to others: whom they were announced to, who took them, who announced them back.

A transaction is announced to a few outbound peers by inv (by its wtxid to those who negotiated that, BIP339), and given
to each that asks, once. One that does not ask in time has another told in its place. Nobody who was not told is given
it: whoever could ask at large would learn that it is ours. What a peer announces that was never told has come to it
through others: that is the proof that it propagates, as far as there is one.
Not here: whether a transaction is valid, which only a node with the chain's state can say. Others' transactions are
neither kept nor relayed, for we cannot judge them. Called by `node.machine`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from headway.errors import CodecError, LocalProtocolError
from headway.node.answer import Answer
from headway.wire.messages import GetData, Inv, InvEntry, InvType, Message, Tx, Version, WtxidRelay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headway.network import Network
    from headway.types import Address, Hash, Instant, Raw

MAX_TRANSACTIONS: Final = 1_000
MAX_BYTES: Final = 8_000_000
"""Of the transactions that we hold. A peer takes each once, so this is all that one can have us queue for it: well
below `Limits.max_unread`."""
KEEP: Final = 24 * 3600.0
"""Seconds that a transaction is held after it was last submitted: about as long as Neo's may wait for their block."""
PATIENCE: Final = 15.0
"""Seconds until another peer is told in the place of one that does not ask. (Core asks those who dialled it after 2 s,
by txid after 4 s, and 2 s later when it is busy.)"""
MAX_TOLD: Final = 100
"""Peers that one transaction is announced to, and as many that are remembered for having announced it: a hundred who
do not want it say enough."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What has become of a transaction of ours: addresses of peers, in the order in which it happened."""

    txid: Hash
    announced_to: tuple[Address, ...] = ()
    taken_by: tuple[Address, ...] = ()
    """Those of `announced_to` that asked for it and were sent it. What they made of it they do not say."""
    returned_by: tuple[Address, ...] = ()
    """Others, who announced it to us: it reached them through the network."""


@dataclass(slots=True)
class _Own:
    txid: Hash
    forms: Mapping[InvEntry, Raw]
    wanted: int
    """Peers that are to take it."""
    expires_at: Instant
    told: dict[int, Instant] = field(default_factory=dict)
    """Connected peers that were told and have not asked: since when."""
    announced_to: dict[int, Address] = field(default_factory=dict)
    taken_by: dict[int, Address] = field(default_factory=dict)
    returned_by: dict[int, Address] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return max(map(len, self.forms.values()))

    @property
    def is_out(self) -> bool:
        """It was taken by as many as were wanted."""
        return len(self.taken_by) >= self.wanted


@dataclass(slots=True)
class _Peer:
    address: Address
    by_wtxid: bool


class Broadcaster:
    def __init__(self, network: Network) -> None:
        self._network = network
        self._parser = network.codec.parser
        self._own: dict[Hash, _Own] = {}  # by txid, the one submitted first in front
        self._entries: dict[InvEntry, _Own] = {}  # by all that can be asked for
        self._bytes = 0
        self._peers: dict[int, _Peer] = {}
        self._out: list[Answer] = []

    def __len__(self) -> int:
        return len(self._own)

    def take(self) -> list[Answer]:
        out, self._out = self._out, []
        return out

    def report(self, txid: Hash) -> Broadcast | None:
        """What has become of it; None for one that we do not hold."""
        own = self._own.get(txid)
        if own is None:
            return None
        lists = (own.announced_to, own.taken_by, own.returned_by)
        return Broadcast(txid, *(tuple(each.values()) for each in lists))

    def is_settled(self, txid: Hash, *, more_to_come: bool) -> bool:
        """No more need be waited for: it was taken, and announced back; or every peer that wants to hear of
        transactions has taken it, and there is nobody who could announce it back. `more_to_come`: there will be others.
        """
        own = self._own.get(txid)
        if own is None or not own.taken_by:
            return own is None
        return bool(own.returned_by) or not (more_to_come or self._peers.keys() - own.taken_by.keys())

    # What happens.

    def submit(self, raw: Raw, wanted: int, now: Instant) -> Hash:
        """Announce a transaction until `wanted` peers have taken it. Returns its txid.

        One that is held already is announced to others in the place of those who have not asked. Raises
        LocalProtocolError for bytes that are no transaction of this network, and when too many wait for takers.
        """
        forms = forms_of(raw, self._network)
        txid = next(entry.hash for entry in forms if entry.type == InvType.TX)
        own = self._own.get(txid)
        if own is not None and own.forms != forms:  # signed anew
            self._forget(own)
            own = None
        if own is None:
            own = _Own(txid, forms, wanted, 0.0)
            self._make_room(own.size)
            self._own[txid] = own
            self._entries.update(dict.fromkeys(forms, own))
            self._bytes += own.size
        own.wanted, own.expires_at = wanted, now + KEEP
        own.told.clear()
        self._announce(own, now)
        return txid

    def add_peer(self, peer: int, address: Address, version: Version, negotiated: frozenset[str], now: Instant) -> None:
        """An outbound peer is ready; one that wants to hear of no transactions is left alone."""
        if not version.relay:
            return
        self._peers[peer] = _Peer(address, WtxidRelay.command in negotiated)
        for own in self._own.values():
            self._announce(own, now)

    def drop_peer(self, peer: int, now: Instant) -> None:
        if self._peers.pop(peer, None) is None:
            return
        for own in self._own.values():
            if own.told.pop(peer, None) is not None:
                self._announce(own, now)

    def received(self, peer: int, message: Message) -> Message:
        """A message of a ready peer. Of a getdata it is given those transactions that it was told of, and what is left
        is returned: for a node that serves more than its own."""
        if not self._own or not isinstance(message, GetData):
            return message
        return GetData(tuple(entry for entry in message.entries if not self._give(peer, entry)))

    def announced(self, peer: int, entries: Iterable[InvEntry]) -> None:
        """A peer sent an inv."""
        if not self._own or (known := self._peers.get(peer)) is None:
            return
        for entry in entries:
            own = self._entries.get(entry)
            if own is not None and peer not in own.announced_to and len(own.returned_by) < MAX_TOLD:
                own.returned_by[peer] = known.address

    def tick(self, now: Instant) -> None:
        """Forget what has expired, and tell others in the place of those who do not ask. Call now and then."""
        for own in [own for own in self._own.values() if own.expires_at <= now]:
            self._forget(own)
        for own in self._own.values():
            if not own.is_out:
                for peer in [peer for peer, since in own.told.items() if since + PATIENCE <= now]:
                    del own.told[peer]
                self._announce(own, now)

    # How.

    def _announce(self, own: _Own, now: Instant) -> None:
        """Tell as many of those who were not told yet as may be needed."""
        if (missing := own.wanted - len(own.taken_by) - len(own.told)) <= 0:
            return
        for peer, known in self._peers.items():
            if missing == 0 or len(own.announced_to) >= MAX_TOLD:
                return
            if peer in own.announced_to or peer in own.returned_by:
                continue
            own.announced_to[peer] = known.address
            own.told[peer] = now
            missing -= 1
            wanted = InvType.WTX if known.by_wtxid else InvType.TX
            entry = next(entry for entry in own.forms if entry.type == wanted)
            self._out.append(Answer(peer, Inv((entry,))))

    def _give(self, peer: int, entry: InvEntry) -> bool:
        own = self._entries.get(entry)
        if own is None or peer not in own.announced_to or peer in own.taken_by:
            return False
        own.told.pop(peer, None)
        own.taken_by[peer] = own.announced_to[peer]
        self._out.append(Answer(peer, Tx(own.forms[entry], self._parser)))
        return True

    def _make_room(self, size: int) -> None:
        """Forget the oldest that were taken, as far as needed. Raises LocalProtocolError when that is not enough."""
        for own in [own for own in self._own.values() if own.is_out]:
            if self._has_room(size):
                return
            self._forget(own)
        if not self._has_room(size):
            raise LocalProtocolError(
                f"{len(self._own)} transactions of ours wait for peers that take them: no more can be held now"
            )

    def _has_room(self, size: int) -> bool:
        return len(self._own) < MAX_TRANSACTIONS and self._bytes + size <= MAX_BYTES

    def _forget(self, own: _Own) -> None:
        del self._own[own.txid]
        self._bytes -= own.size
        for entry in own.forms:
            del self._entries[entry]


def forms_of(raw: Raw, network: Network) -> Mapping[InvEntry, Raw]:
    """`Parser.transaction_forms` of a transaction of ours. Raises LocalProtocolError for bytes that are not exactly one
    transaction of this network, or too large for it."""
    most = network.limits.max_transaction
    if len(raw) > most:
        raise LocalProtocolError(f"a transaction of {len(raw)} bytes: {network.name} takes {most} at most")
    try:
        return network.codec.parser.transaction_forms(raw)
    except CodecError as error:
        raise LocalProtocolError(f"{len(raw)} bytes are no transaction of {network.name}: {error}") from None
