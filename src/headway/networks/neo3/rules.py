"""What the rules of Neo N3 add to those of both generations: hashes, what is signed, and who may propose a block."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Final

from headway.networks.dbft.fault import Fault
from headway.networks.dbft.header import SignedHeader
from headway.networks.dbft.rules import Content, DbftRules
from headway.networks.dbft.script import N3, Dialect
from headway.networks.neo3.header import STATE_ROOT_SIZE
from headway.networks.neo3.parser import Neo3Parser
from headway.types import Hash, Height, Raw

ADDRESS_VERSION: Final = 53
"""Addresses begin with N (C# ProtocolSettings.AddressVersion)."""

_FIXED: Final = Struct("<I84xB20x")
"""Version and primary index in the kept part."""
_BLANK: Final = Struct("<84xIx20s")
"""A header's height and next consensus among zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neo3Rules(DbftRules):
    """The rules of one network of Neo N3."""

    magic: bytes
    """Signed with each header: a signature holds on one network only."""
    validators_count: int
    """How many validators there are (C# ProtocolSettings.ValidatorsCount). Votes change who they are, not how many."""
    state_root: bool = False
    """Headers hold the state root before them (neo-go's StateRootInHeader)."""

    @property
    def parser(self) -> Neo3Parser:
        return Neo3Parser(self.state_root)

    @property
    def dialect(self) -> Dialect:
        return N3

    @property
    def address_version(self) -> int:
        return ADDRESS_VERSION

    @property
    def kept_size(self) -> int:
        return self.parser.kept_size

    def hash_of(self, unsigned: Raw) -> Hash:
        return sha256(unsigned).digest()

    def digest(self, header: SignedHeader) -> bytes:
        return sha256(self.magic + header.hash).digest()

    def own_fault(self, header: SignedHeader) -> Fault | None:
        version, primary = _FIXED.unpack_from(header.raw)
        if version != 0:
            return Fault("bad-version", f"version {version}, and there is only 0")
        if primary >= self.validators_count:
            return Fault("bad-primary", f"validator {primary} proposed it, and there are {self.validators_count}")
        return None

    def content(self, raw: bytes, header: SignedHeader) -> Content:
        del header  # a block may have no transactions, and none is special
        return Content(self.parser.block_parts(raw).hashes)

    def blank_header(self, height: Height, next_consensus: bytes) -> bytes:
        return _BLANK.pack(height, next_consensus) + bytes(STATE_ROOT_SIZE if self.state_root else 0)
