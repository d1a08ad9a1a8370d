"""Compact blocks as we give them (BIP152): of a new block the short ids, and the transactions that somebody lacks.

A compact block is made once and given to all who ask while it is new. Not here: who gets one (`serve`), which ids a
header and nonce give (the chain's parser). Called by `serve`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from headway.wire.messages import BlockTxn, CmpctBlock, Tx

if TYPE_CHECKING:
    from collections.abc import Callable

    from headway.types import Hash, Raw
    from headway.wire.messages import GetBlockTxn, Parser

MAX_BLOCK_DEPTH: Final = 5
"""Blocks below our tip of which somebody may have the transactions still; of others the whole is given
[MAX_CMPCTBLOCK_DEPTH]."""
MAX_TRANSACTIONS_DEPTH: Final = 10
"""The same for who asks for what he lacks [MAX_BLOCKTXN_DEPTH]."""
_KEPT: Final = 8
"""Compact blocks that are kept: as many as are given in that form."""


class CompactBlocks:
    VERSION: ClassVar[int] = 2
    """Transactions are named with their witness."""

    def __init__(self, parser: Parser, nonce: Callable[[], int]) -> None:
        """`nonce()`: 64 random bits."""
        self._parser = parser
        self._nonce = nonce
        self._made: dict[Hash, CmpctBlock] = {}

    def block(self, block_hash: Hash, raw: Raw) -> CmpctBlock:
        """Raises CodecError for bytes that are no block."""
        made = self._made.get(block_hash)
        if made is None:
            form = self._parser.compact_form
            assert form is not None, "nobody is given one on a chain without them"
            made = self._made[block_hash] = form.shortened(raw, self._nonce())
            if len(self._made) > _KEPT:
                del self._made[next(iter(self._made))]
        return made

    def transactions(self, question: GetBlockTxn, raw: Raw) -> BlockTxn | None:
        """What it asks for of this block; None: the block has no such place. Raises CodecError as `block`."""
        found = self._parser.transactions(raw)
        if question.indexes and question.indexes[-1] >= len(found):  # they rise
            return None
        return BlockTxn(question.block_hash, tuple(Tx(found[index].raw, self._parser) for index in question.indexes))
