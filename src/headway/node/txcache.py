"""Transactions of others, kept for the blocks that will hold them, and bounded in bytes.

Nobody judges them, so anybody can fill it with what no block will ever hold. Therefore room is made by the peer that
takes most of it, whose oldest goes: who floods us drives out his own. All who have left count as one.
Not here: which are asked of whom (`txdownload`). Called by `reassembly`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headway.wire.messages import InvType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headway.types import Hash, Raw
    from headway.wire.messages import InvEntry

OVERHEAD: Final = 600
"""Bytes that a transaction takes besides its own, about (64-bit CPython)."""
MAX_TRANSACTIONS: Final = 50_000
"""However small they are: for each block the short ids of all are computed, in pure Python 18 us each."""
_GONE: Final = -1
"""In the place of a peer: those that have left."""


@dataclass(frozen=True, slots=True)
class _Kept:
    raw: Raw
    txid: Hash


class TxCache:
    def __init__(self, limit: int) -> None:
        """`limit`: bytes, with what Python needs for them; 0: it keeps nothing."""
        self._limit = limit
        self._kept: dict[Hash, _Kept] = {}  # by wtxid
        self._by_txid: dict[Hash, Hash] = {}
        self._owned: dict[int, dict[Hash, None]] = {}  # of each peer, the oldest in front
        self._sizes: dict[int, int] = {}  # the same, bytes
        self.size = 0
        """Bytes in use."""

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, either: Hash) -> bool:
        """Whether there is a transaction with this id, witness included or not."""
        return either in self._kept or either in self._by_txid

    def __getitem__(self, wtxid: Hash) -> Raw:
        return self._kept[wtxid].raw

    @property
    def ids(self) -> Sequence[Hash]:
        """Of all, witness included."""
        return tuple(self._kept)

    def add(self, forms: Mapping[InvEntry, Raw], peer: int) -> None:
        """`forms`: `Parser.transaction_forms` of what this peer has brought."""
        ids = {entry.type: entry.hash for entry in forms}
        wtxid, txid = ids[InvType.WTX], ids[InvType.TX]
        raw = next(raw for entry, raw in forms.items() if entry.type == InvType.WTX)
        if wtxid in self or len(raw) + OVERHEAD > self._limit:
            return
        self._kept[wtxid] = _Kept(raw, txid)
        self._by_txid[txid] = wtxid
        self._owned.setdefault(peer, {})[wtxid] = None
        self._resize(peer, len(raw) + OVERHEAD)
        while self.size > self._limit or len(self._kept) > MAX_TRANSACTIONS:
            self._make_room()

    def drop_peer(self, peer: int) -> None:
        """It has left; what it brought may still be of use."""
        self._owned.setdefault(_GONE, {}).update(self._owned.pop(peer, {}))
        self._sizes[_GONE] = self._sizes.get(_GONE, 0) + self._sizes.pop(peer, 0)

    def _make_room(self) -> None:
        owner = max(self._sizes, key=self._sizes.__getitem__)
        wtxid = next(iter(self._owned[owner]))
        del self._owned[owner][wtxid]
        gone = self._kept.pop(wtxid)
        if self._by_txid.get(gone.txid) == wtxid:
            del self._by_txid[gone.txid]
        self._resize(owner, -len(gone.raw) - OVERHEAD)

    def _resize(self, owner: int, by: int) -> None:
        self.size += by
        self._sizes[owner] = self._sizes.get(owner, 0) + by
