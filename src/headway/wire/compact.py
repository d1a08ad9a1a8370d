"""Compact blocks (BIP152): a block as short ids of transactions that its receiver has, and how it asks for the others.

Which ids a header and nonce give is the chain's `CompactForm`. The public place of these messages is
`headway.wire.messages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from headway.types import Hash, Header, Raw
from headway.wire.objects import Parser, Tx


@dataclass(frozen=True, slots=True)
class SendCmpct:
    """`sendcmpct`: whether to announce blocks this way (BIP152's high bandwidth), and in which version."""

    announce: bool
    version: int
    command: ClassVar[str] = "sendcmpct"


@dataclass(frozen=True, slots=True)
class PrefilledTransaction:
    """A transaction that travels whole because its receiver cannot have it, as the coinbase."""

    index: int
    """Its place in the block, from 0."""
    transaction: Tx


@dataclass(frozen=True, slots=True)
class CmpctBlock:
    """`cmpctblock`: a header and all transactions of its block, most of them by short id."""

    raw_header: bytes
    nonce: int
    """With the header it keys the short ids, so that nobody can prepare a collision."""
    short_ids: tuple[int, ...]
    """48 bits each, in the order of the block, for every place that is not prefilled."""
    prefilled: tuple[PrefilledTransaction, ...]
    """By rising index."""
    parser: Parser = field(compare=False, repr=False)
    command: ClassVar[str] = "cmpctblock"

    @property
    def header(self) -> Header:
        return self.parser.header(self.raw_header)


@dataclass(frozen=True, slots=True)
class GetBlockTxn:
    """`getblocktxn`: send these transactions of a block."""

    block_hash: Hash
    indexes: tuple[int, ...]
    """Places in the block, from 0, rising."""
    command: ClassVar[str] = "getblocktxn"


@dataclass(frozen=True, slots=True)
class BlockTxn:
    """`blocktxn`: the transactions that a `getblocktxn` asked for, in its order."""

    block_hash: Hash
    transactions: tuple[Tx, ...]
    command: ClassVar[str] = "blocktxn"


class CompactForm(Protocol):
    """How a chain makes its blocks compact, and whole again. Stateless."""

    def shortened(self, raw: Raw, nonce: int) -> CmpctBlock:
        """A block by the short ids of its transactions. Raises CodecError for bytes that are no block."""

    def short_ids(self, block: CmpctBlock, ids: Sequence[Hash]) -> Sequence[int]:
        """The short id in this block of each of these transactions, by the ids that compact blocks go by."""

    def joined(self, block: CmpctBlock, transactions: Sequence[Raw]) -> bytes:
        """The whole block of these transactions, one for each of its places. Nothing is checked."""
