"""Filters: those that a light peer hands to a full one (BIP37, Bloom), and those that it is given instead (BIP157).

How a filter is matched or checked is not here; nor whether we serve any. The public place of these messages is
`headway.wire.messages`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from headway.types import Hash, Header, Height
from headway.wire.objects import Parser


@dataclass(frozen=True, slots=True)
class FilterLoad:
    """`filterload` (BIP37): from now on tell me only of what matches this Bloom filter."""

    data: bytes
    functions: int
    """How many hash functions it has."""
    tweak: int
    """A number that goes into each of them."""
    flags: int
    """What a match adds to the filter: 0 nothing, 1 its outpoint, 2 its outpoint where it pays a bare key."""
    command: ClassVar[str] = "filterload"


@dataclass(frozen=True, slots=True)
class FilterAdd:
    """`filteradd` (BIP37): let the filter match this, too."""

    data: bytes
    command: ClassVar[str] = "filteradd"


@dataclass(frozen=True, slots=True)
class FilterClear:
    command: ClassVar[str] = "filterclear"


@dataclass(frozen=True, slots=True)
class MerkleBlock:
    """`merkleblock` (BIP37): a header, and a proof that the block has the transactions which follow as `tx`."""

    raw_header: bytes
    transactions: int
    """In the whole block."""
    hashes: tuple[Hash, ...]
    """Of the nodes of the merkle tree that the proof needs, depth first."""
    flags: bytes
    """A bit for each node that is walked, the lowest first: whether a match lies below it."""
    parser: Parser = field(compare=False, repr=False)
    command: ClassVar[str] = "merkleblock"

    @property
    def header(self) -> Header:
        return self.parser.header(self.raw_header)


# BIP157. `filter_type` 0 is the basic filter of BIP158; others have no meaning yet. A stop hash ends a range of blocks
# that begins at a height, or at genesis; that it is not longer than it may be is for whoever answers to check.


@dataclass(frozen=True, slots=True)
class GetCFilters:
    """`getcfilters`: send the filters of these blocks, 1,000 at most [MAX_GETCFILTERS_SIZE]."""

    filter_type: int
    start_height: Height
    stop: Hash
    command: ClassVar[str] = "getcfilters"


@dataclass(frozen=True, slots=True)
class CFilter:
    """`cfilter`: the filter of one block; each block of a `getcfilters` is answered by one of these."""

    filter_type: int
    block_hash: Hash
    filter: bytes
    command: ClassVar[str] = "cfilter"


@dataclass(frozen=True, slots=True)
class GetCFHeaders:
    """`getcfheaders`: send the filter hashes of these blocks, 2,000 at most [MAX_GETCFHEADERS_SIZE]."""

    filter_type: int
    start_height: Height
    stop: Hash
    command: ClassVar[str] = "getcfheaders"


@dataclass(frozen=True, slots=True)
class CFHeaders:
    """`cfheaders`: from these the receiver computes the filter headers itself."""

    filter_type: int
    stop: Hash
    previous: Hash
    """The filter header before the first."""
    filter_hashes: tuple[Hash, ...]
    command: ClassVar[str] = "cfheaders"


@dataclass(frozen=True, slots=True)
class GetCFCheckpt:
    """`getcfcheckpt`: send every thousandth filter header up to this block."""

    filter_type: int
    stop: Hash
    command: ClassVar[str] = "getcfcheckpt"


@dataclass(frozen=True, slots=True)
class CFCheckpt:
    """`cfcheckpt`: the filter headers at heights 1,000, 2,000 and so on [CFCHECKPT_INTERVAL]."""

    filter_type: int
    stop: Hash
    filter_headers: tuple[Hash, ...]
    command: ClassVar[str] = "cfcheckpt"
