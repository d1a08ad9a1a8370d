"""A block that is being put together from its compact form (BIP152; Core PartiallyDownloadedBlock).

Nothing is judged here: two transactions may have one short id, so what comes out may be another block than was meant.
Called by `reassembly`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.errors import InvalidCompactBlock
from headway.wire.messages import Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.node.txcache import TxCache
    from headway.types import Raw
    from headway.wire.messages import CmpctBlock, CompactForm, Tx


class PartialBlock:
    def __init__(self, block: CmpctBlock, form: CompactForm) -> None:
        """Raises InvalidCompactBlock for a block without transactions."""
        self._block = block
        self._form = form
        self._places: list[Raw | None] = [None] * (len(block.short_ids) + len(block.prefilled))
        if not self._places:
            raise InvalidCompactBlock("cmpctblock: a block without transactions")
        for item in block.prefilled:  # their places were checked by who read the message
            self._places[item.index] = item.transaction.raw

    @property
    def is_ambiguous(self) -> bool:
        """Two of its own transactions have one short id: it cannot be put together."""
        return len(set(self._block.short_ids)) < len(self._block.short_ids)

    @property
    def missing(self) -> tuple[int, ...]:
        """Places without a transaction."""
        return tuple(index for index, raw in enumerate(self._places) if raw is None)

    @property
    def size(self) -> int:
        """Bytes of the transactions that are here."""
        return sum(len(raw) for raw in self._places if raw is not None)

    def fill(self, cache: TxCache) -> int:
        """Take from the cache what belongs here; returns how many that were. Of two that fit one place, neither."""
        ids = cache.ids
        wanted = dict(zip(self._block.short_ids, self.missing, strict=True))
        fitting: dict[int, list[int]] = {}
        for index, short_id in enumerate(self._form.short_ids(self._block, ids)):
            if (place := wanted.get(short_id)) is not None:
                fitting.setdefault(place, []).append(index)
        found = {place: which[0] for place, which in fitting.items() if len(which) == 1}
        for place, index in found.items():
            self._places[place] = cache[ids[index]]
        return len(found)

    def supply(self, transactions: Sequence[Tx]) -> None:
        """What was asked for has come, one for each missing place. Raises InvalidCompactBlock for another number."""
        missing = self.missing
        if len(transactions) != len(missing):
            raise InvalidCompactBlock(f"blocktxn: {len(transactions)} transactions, {len(missing)} were asked for")
        for place, transaction in zip(missing, transactions, strict=True):
            self._places[place] = transaction.raw

    def whole(self) -> Block:
        """The block, once nothing is missing."""
        raws = [raw for raw in self._places if raw is not None]
        return Block(self._form.joined(self._block, raws), self._block.parser, is_assembled=True)
