"""How the raw objects of Neo N3 are read: the `Parser` that `Headers`, `Block` and `Tx` carry.

Called through those messages; the codec hands its parser to them. `block_parts` is for the rules, which need hashes
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from headway.errors import CodecError
from headway.kernel.scan import compact_size
from headway.networks.neo3.header import MAX_HEADER_SIZE, BlockHeader, header_end, kept_size
from headway.networks.neo3.transaction import Transaction, scan_transaction
from headway.types import Hash, Raw
from headway.wire.messages import InvEntry, InvType

MAX_TRANSACTIONS: Final = 65_535
"""In one block (neo-go MaxTransactionsPerBlock). Networks set themselves far lower limits, which may change."""


class BlockParts(NamedTuple):
    """A block taken apart: all its bytes are accounted for."""

    header: bytes
    """Whole, with its witness."""
    hashes: list[Hash]
    """Of its transactions, in their order: what the merkle root is over. A block may have none."""


@dataclass(frozen=True, slots=True)
class Neo3Parser:
    """Every method raises CodecError for bytes that are not what it reads."""

    state_root: bool = False
    """Whether headers hold the state root before them: neo-go's StateRootInHeader, on private networks only."""

    @property
    def kept_size(self) -> int:
        """Bytes of a header without its witness."""
        return kept_size(state_root=self.state_root)

    def header(self, raw: bytes) -> BlockHeader:
        """A whole header, or its kept part."""
        try:
            return BlockHeader.from_raw(raw, state_root=self.state_root)
        except ValueError as error:
            raise CodecError(str(error)) from None

    def block_header(self, raw: Raw) -> BlockHeader:
        start = bytes(raw[:MAX_HEADER_SIZE])
        try:
            return BlockHeader.from_raw(start[: self.header_end(start, 0)], state_root=self.state_root)
        except ValueError as error:
            raise CodecError(f"block: {error}") from None

    def header_end(self, raw: bytes, start: int) -> int:
        """Where the whole header that begins at `start` ends. Raises ValueError for bytes that are no header."""
        return header_end(raw, start, state_root=self.state_root)

    def block_parts(self, raw: Raw) -> BlockParts:
        """Everything of a block that its own merkle root speaks of, in one pass."""
        data = bytes(raw)
        end, spans = self._scan_block(data)
        return BlockParts(data[:end], [sha256(data[start:unsigned]).digest() for start, unsigned, _ in spans])

    def transactions(self, raw: Raw) -> Sequence[Transaction]:
        """In the block's order. Their ids are computed here, their fields when asked for."""
        data = bytes(raw)
        return tuple(
            Transaction(data[start:end], sha256(data[start:unsigned]).digest())
            for start, unsigned, end in self._scan_block(data)[1]
        )

    def transaction(self, raw: Raw) -> Transaction:
        return Transaction.from_raw(bytes(raw))

    def transaction_forms(self, raw: Raw) -> dict[InvEntry, Raw]:
        """By its id alone."""
        transaction = self.transaction(raw)
        return {InvEntry(InvType.TX, transaction.txid): transaction.raw}

    def stripped(self, raw: Raw) -> Raw:
        """Unchanged: no remote asks for a block without witnesses."""
        return raw

    @property
    def compact_form(self) -> None:
        """There are no compact blocks."""

    def _scan_block(self, raw: bytes) -> tuple[int, list[tuple[int, int, int]]]:
        """Where the header ends; start, end of the hashed part and end of each transaction. Raises CodecError."""
        try:
            end = self.header_end(raw, 0)
            spans, at = _scan_transactions(raw, end)
        except IndexError:
            raise CodecError("block: truncated") from None
        except ValueError as error:
            raise CodecError(f"block: {error}") from None
        if at != len(raw):
            raise CodecError("block: truncated" if at > len(raw) else f"block: {len(raw) - at} bytes too many")
        return end, spans


PARSER: Final = Neo3Parser()


def _scan_transactions(raw: bytes, at: int) -> tuple[list[tuple[int, int, int]], int]:
    """The spans, and where the last ends. Raises ValueError or IndexError."""
    count, at = compact_size(raw, at)
    if count > MAX_TRANSACTIONS:
        raise ValueError(f"{count} transactions, at most {MAX_TRANSACTIONS}")
    spans = []
    for _ in range(count):
        start = at
        unsigned, at = scan_transaction(raw, at)
        spans.append((start, unsigned, at))
    return spans, at
