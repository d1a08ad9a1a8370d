"""How Bitcoin's raw objects are read: the `Parser` that `Headers`, `Block` and `Tx` carry.

Called through those messages; the codec hands `PARSER` to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from headway import kernel
from headway.errors import CodecError
from headway.kernel import scan_block, sha256d
from headway.kernel.scan import scan
from headway.networks.bitcoin.header import HEADER_SIZE, BlockHeader
from headway.networks.bitcoin.transaction import Transaction
from headway.types import Hash, Raw
from headway.wire.buffer import compact_size
from headway.wire.messages import CmpctBlock, InvEntry, InvType, PrefilledTransaction, Tx


class BitcoinParser:
    """Stateless. Every method raises CodecError for bytes that are not what it reads."""

    def header(self, raw: bytes) -> BlockHeader:
        if len(raw) != HEADER_SIZE:
            raise CodecError(f"a header has {HEADER_SIZE} bytes, not {len(raw)}")
        return BlockHeader.from_raw(raw)

    def block_header(self, raw: Raw) -> BlockHeader:
        return self.header(bytes(raw[:HEADER_SIZE]))

    def transactions(self, raw: Raw) -> Sequence[Transaction]:
        """In the block's order. Their ids are computed here, their fields when asked for."""
        data = bytes(raw)
        try:
            spans = scan_block(data)
        except ValueError as error:
            raise CodecError(f"block: {error}") from None
        return tuple(Transaction(data[start : start + size], txid) for start, size, txid in spans)

    def stripped(self, raw: Raw) -> bytes:
        """The block without any witness (BIP144), for a remote that asks with MSG_BLOCK."""
        try:
            return scan(bytes(raw)).stripped()
        except ValueError as error:
            raise CodecError(f"block: {error}") from None

    @property
    def compact_form(self) -> BitcoinCompactForm:
        return COMPACT_FORM

    def transaction(self, raw: Raw) -> Transaction:
        return Transaction.from_raw(bytes(raw))

    def transaction_forms(self, raw: Raw) -> dict[InvEntry, Raw]:
        """By wtxid (BIP339) or by txid with its witness, or by txid without (BIP144)."""
        transaction = self.transaction(raw)
        return {
            InvEntry(InvType.WTX, transaction.wtxid): transaction.raw,
            InvEntry(InvType.WITNESS_TX, transaction.txid): transaction.raw,
            InvEntry(InvType.TX, transaction.txid): transaction.stripped,
        }


class BitcoinCompactForm:
    """By wtxids (BIP152 version 2)."""

    def shortened(self, raw: Raw, nonce: int) -> CmpctBlock:
        """The coinbase travels whole: nobody else can have it."""
        coinbase, *others = PARSER.transactions(raw)
        header = bytes(raw[:HEADER_SIZE])
        short_ids = _short_ids(header, nonce, [sha256d(each.raw) for each in others])
        prefilled = (PrefilledTransaction(0, Tx(coinbase.raw, PARSER)),)
        return CmpctBlock(header, nonce, tuple(short_ids), prefilled, PARSER)

    def short_ids(self, block: CmpctBlock, ids: Sequence[Hash]) -> Sequence[int]:
        return _short_ids(block.raw_header, block.nonce, ids)

    def joined(self, block: CmpctBlock, transactions: Sequence[Raw]) -> bytes:
        return b"".join((block.raw_header, compact_size(len(transactions)), *transactions))


def _short_ids(header: bytes, nonce: int, wtxids: Sequence[Hash]) -> Sequence[int]:
    key = sha256(header + nonce.to_bytes(8, "little")).digest()
    key0, key1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:16], "little")
    return kernel.short_ids(key0, key1, b"".join(wtxids))


PARSER: Final = BitcoinParser()
COMPACT_FORM: Final = BitcoinCompactForm()
