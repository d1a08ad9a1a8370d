"""What the rules of Neo Legacy add to those of both generations: hashes, what is signed, where a miner is paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Final

from headway.errors import CodecError
from headway.kernel import sha256d
from headway.networks.dbft.fault import Fault
from headway.networks.dbft.header import SignedHeader
from headway.networks.dbft.rules import Content, DbftRules
from headway.networks.dbft.script import LEGACY, Dialect
from headway.networks.neo2.header import KEPT_SIZE
from headway.networks.neo2.parser import PARSER, Neo2Parser
from headway.types import ZERO_HASH, Hash, Height, Raw

ADDRESS_VERSION: Final = 23
"""Addresses begin with A (C# ProtocolSettings.AddressVersion)."""

_MINER: Final = 0x00
_NODE_SIZE: Final = 64
"""Bytes that an inner node of the merkle tree is the hash of. Transactions that all have so many may be a level of the
tree, and say nothing of the block, as in Bitcoin (N3 hashes transactions and nodes in different ways)."""
_BLANK: Final = Struct("<72xI8x20s")
"""A header's height and next consensus among zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neo2Rules(DbftRules):
    """The rules of one network of Neo Legacy. Its nodes do not look at a header's version."""

    @property
    def parser(self) -> Neo2Parser:
        return PARSER

    @property
    def dialect(self) -> Dialect:
        return LEGACY

    @property
    def address_version(self) -> int:
        return ADDRESS_VERSION

    @property
    def kept_size(self) -> int:
        return KEPT_SIZE

    def hash_of(self, unsigned: Raw) -> Hash:
        return sha256d(unsigned)

    def digest(self, header: SignedHeader) -> bytes:
        return sha256(header.unsigned).digest()

    def own_fault(self, header: SignedHeader) -> Fault | None:
        del header
        return None

    def content(self, raw: bytes, header: SignedHeader) -> Content:
        if header.merkle_root == ZERO_HASH:
            # No list of transactions has this root, so no copy of the block has any.
            return Content((), Fault("no-transactions", "its merkle root is that of an empty list"))
        transactions = self.parser.transactions(raw)
        if all(len(each.raw) > _NODE_SIZE and len(each.unsigned) == _NODE_SIZE for each in transactions):
            raise CodecError("inner nodes of the merkle tree may stand as transactions")
        return Content([each.txid for each in transactions], _order_fault([each.type for each in transactions]))

    def blank_header(self, height: Height, next_consensus: bytes) -> bytes:
        return _BLANK.pack(height, next_consensus)


def _order_fault(types: Sequence[int]) -> Fault | None:
    """The miner's transaction comes first, and only there (C# Block.Verify)."""
    if types[0] != _MINER:
        return Fault("bad-miner", f"the first transaction has type {types[0]:02x}")
    if _MINER in types[1:]:
        return Fault("bad-miner", f"transaction {types.index(_MINER, 1)} is another miner's")
    return None
