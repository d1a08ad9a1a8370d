"""Transactions of others on their way to us: who has announced which, and of whom each was asked.

Each is asked of one peer at a time; of another that has announced it when the first has not brought it in a minute, or
has gone. Not here: what becomes of them (`txcache`). Called by `reassembly`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from headway.wire.messages import GetData, InvEntry, InvType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from headway.types import Hash, Instant

MAX_ANNOUNCED: Final = 5_000
"""Remembered of a peer and not yet asked for; what it announces beyond is forgotten [MAX_PEER_TX_ANNOUNCEMENTS]."""
MAX_ASKED: Final = 100
"""Asked of a peer and not yet brought [MAX_PEER_TX_REQUEST_IN_FLIGHT]."""
PATIENCE: Final = 60.0
"""Seconds until a peer has failed to bring one [GETDATA_TX_INTERVAL]."""


@dataclass(slots=True)
class _Peer:
    announces: InvType
    asks: InvType
    announced: dict[Hash, None] = field(default_factory=dict)
    asked: dict[Hash, Instant] = field(default_factory=dict)


class TxDownloads:
    def __init__(self, has: Callable[[Hash], bool]) -> None:
        """`has(id)`: it is here already."""
        self._has = has
        self._peers: dict[int, _Peer] = {}
        self._busy: set[Hash] = set()  # asked of somebody

    def __iter__(self) -> Iterator[int]:
        return iter(tuple(self._peers))

    def add_peer(self, peer: int, *, by_wtxid: bool) -> None:
        """`by_wtxid`: that is how it announces (BIP339)."""
        kinds = (InvType.WTX, InvType.WTX) if by_wtxid else (InvType.TX, InvType.WITNESS_TX)
        self._peers[peer] = _Peer(*kinds)

    def drop_peer(self, peer: int) -> None:
        if (known := self._peers.pop(peer, None)) is not None:
            self._busy.difference_update(known.asked)

    def announced(self, peer: int, entries: Iterable[InvEntry]) -> None:
        if (known := self._peers.get(peer)) is None:
            return
        for entry in entries:
            if len(known.announced) >= MAX_ANNOUNCED:
                return
            if entry.type == known.announces and entry.hash not in known.asked and not self._has(entry.hash):
                known.announced[entry.hash] = None

    def brought(self, peer: int, ids: Iterable[Hash]) -> bool:
        """A transaction came that goes by these ids: whether it was asked of this peer."""
        known = self._peers.get(peer)
        found = [each for each in ids if known and each in known.asked]
        for each in found:
            assert known is not None, "it was asked"
            del known.asked[each]
        self._busy.difference_update(found)
        return bool(found)

    def question(self, peer: int, now: Instant) -> GetData | None:
        """What to ask of it now; None: nothing."""
        if (known := self._peers.get(peer)) is None:
            return None
        for each in [each for each, since in known.asked.items() if since + PATIENCE <= now]:
            del known.asked[each]
            self._busy.discard(each)
        wanted: list[InvEntry] = []
        for each in tuple(known.announced):
            if len(known.asked) >= MAX_ASKED:
                break
            if each in self._busy and not self._has(each):
                continue  # another may yet fail to bring it
            del known.announced[each]
            if not self._has(each):
                known.asked[each] = now
                self._busy.add(each)
                wanted.append(InvEntry(known.asks, each))
        return GetData(tuple(wanted)) if wanted else None
