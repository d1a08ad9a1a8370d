"""Messages as values: one frozen class a command, named after it in CamelCase (`getheaders` -> `GetHeaders`).

Neutral: the same classes serve every chain, and its codec dresses them. The heavy ones (`Headers`, `Block`, `Tx`) hold
raw bytes and parse on demand through the `parser` that the codec gave them. A field that a chain lacks keeps its
default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, Protocol, TypeAlias, overload

from headway.types import ZERO_HASH, Address, Hash, Header, Locator, Raw


class Parser(Protocol):
    """How a chain reads its raw objects. One stateless instance a chain, kept by the heavy messages."""

    def header(self, raw: bytes) -> Header: ...

    def block_header(self, raw: Raw) -> Header:
        """The header at the start of a block. Raises CodecError when the block is too short for one."""

    def transactions(self, raw: Raw) -> Sequence[Any]:
        """The transactions of a block, parsed. Raises CodecError for bytes that are no block."""

    def transaction(self, raw: Raw) -> Any:
        """One transaction, parsed; it has at least `.txid`. Raises CodecError."""

    def stripped(self, raw: Raw) -> Raw:
        """A block in the form for remotes that ask without witness; unchanged on chains without that distinction."""


@dataclass(frozen=True, slots=True)
class Version:
    """`version`: who we are. Neutral; each codec carries the fields that its chain has."""

    protocol: int
    services: int
    wall_time: int
    nonce: int
    user_agent: str
    start_height: int
    relay: bool = False
    port: int = 0
    """The sender's listening port where the chain says it (Neo); 0 when unknown."""
    remote: Address | None = None
    """The receiver's address as the sender sees it (Bitcoin addr_recv)."""
    local: Address | None = None
    magic: int = 0
    """Network number inside the payload (Neo N3)."""
    capabilities: tuple[tuple[int, bytes], ...] = ()
    """Type and data of each capability (Neo N3), unknown ones kept."""
    command: ClassVar[str] = "version"


@dataclass(frozen=True, slots=True)
class Verack:
    command: ClassVar[str] = "verack"


@dataclass(frozen=True, slots=True)
class Ping:
    """`ping` (BIP31). `nonce` None: the old form without one, which asks for no pong."""

    nonce: int | None
    height: int = 0
    wall_time: int = 0
    command: ClassVar[str] = "ping"


@dataclass(frozen=True, slots=True)
class Pong:
    """`pong`. `nonce` None: the payload was too short to hold one (Core cancels the ping then)."""

    nonce: int | None
    height: int = 0
    wall_time: int = 0
    command: ClassVar[str] = "pong"


@dataclass(frozen=True, slots=True)
class GetHeaders:
    """`getheaders`: what follows the newest block of `locator` that you have, up to `stop` (zero: all you may send)."""

    locator: Locator
    stop: Hash = ZERO_HASH
    protocol: int = 0
    command: ClassVar[str] = "getheaders"


@dataclass(frozen=True, slots=True)
class GetBlocks:
    """`getblocks`: as `GetHeaders`, answered by an inv. (The Bitcoin document's GetBlocks is `request_blocks`.)"""

    locator: Locator
    stop: Hash = ZERO_HASH
    protocol: int = 0
    command: ClassVar[str] = "getblocks"


@dataclass(frozen=True, slots=True)
class Headers:
    """`headers`: raw headers in the bytes of their message, unchecked.

    Indexing and iterating parse on demand; a slice is a tuple.
    """

    raw: Raw
    """Begins with the first header. Bytes between headers (Bitcoin's transaction counts) stay where they came."""
    starts: Sequence[int]
    """Where each header begins in `raw`; a `range` where headers have one size."""
    ends: Sequence[int]
    """Where each header ends, separators excluded."""
    parser: Parser = field(compare=False, repr=False)
    command: ClassVar[str] = "headers"

    @classmethod
    def fixed(cls, raw: Raw, parser: Parser, *, size: int, stride: int = 0) -> Headers:
        """Headers of `size` bytes, one every `stride` bytes (0: back to back). Raises ValueError for a torn last."""
        stride = stride or size
        if len(raw) % stride:
            raise ValueError(f"{len(raw)} bytes are no whole number of headers, one every {stride} bytes")
        return cls(raw, range(0, len(raw), stride), range(size, len(raw) + 1, stride), parser)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> Header: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Header, ...]: ...
    def __getitem__(self, index: int | slice) -> Header | tuple[Header, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        return self.parser.header(self.raw_at(index))

    def __iter__(self) -> Iterator[Header]:
        return (self[i] for i in range(len(self)))

    @property
    def stride(self) -> int:
        """Bytes from one header to the next; 0 where headers vary in size."""
        return self.starts.step if isinstance(self.starts, range) else 0

    def raw_at(self, index: int) -> bytes:
        """Raw bytes of one header. Raises IndexError like a list."""
        return bytes(self.raw[self.starts[index] : self.ends[index]])

    def part(self, start: int, stop: int) -> Headers:
        """The same message with headers `start` to `stop` (exclusive) only, bounds as in a slice; nothing is parsed."""
        starts, ends = self.starts[start:stop], self.ends[start:stop]
        if not starts:
            return Headers(b"", (), (), self.parser)
        first, last = starts[0], self.starts[stop] if stop < len(self) else len(self.raw)
        return Headers(self.raw[first:last], _shifted(starts, first), _shifted(ends, first), self.parser)

    def compact(self) -> bytes:
        """The headers back to back, without the bytes between them: as the store keeps them."""
        stride = self.stride
        if not stride or not self:
            return b"".join(self.raw[start:end] for start, end in zip(self.starts, self.ends, strict=True))
        size = self.ends[0]
        if stride == size:
            return bytes(self.raw)
        records = bytearray(self.raw)
        for width in range(stride, size, -1):
            del records[size::width]  # one deletion for each byte between headers: 20 times faster than 2,000 slices
        return bytes(records)


def _shifted(offsets: Sequence[int], by: int) -> Sequence[int]:
    if isinstance(offsets, range):
        return range(offsets.start - by, offsets.stop - by, offsets.step)
    return tuple(offset - by for offset in offsets)


@dataclass(frozen=True, slots=True)
class SendHeaders:
    command: ClassVar[str] = "sendheaders"


class InvType(IntEnum):
    """Kinds of inventory (protocol.h GetDataMsg). A codec maps its own numbers; unknown ones stay plain ints."""

    TX = 1
    BLOCK = 2
    FILTERED_BLOCK = 3
    CMPCT_BLOCK = 4
    WTX = 5
    WITNESS_TX = 0x40000001
    WITNESS_BLOCK = 0x40000002


@dataclass(frozen=True, slots=True)
class InvEntry:
    type: int
    hash: Hash


@dataclass(frozen=True, slots=True)
class Inv:
    entries: tuple[InvEntry, ...]
    command: ClassVar[str] = "inv"


@dataclass(frozen=True, slots=True)
class GetData:
    entries: tuple[InvEntry, ...]
    command: ClassVar[str] = "getdata"


@dataclass(frozen=True, slots=True)
class NotFound:
    entries: tuple[InvEntry, ...]
    command: ClassVar[str] = "notfound"


@dataclass(frozen=True, slots=True)
class Block:
    """`block`: raw bytes (bytes or a read-only memoryview; `bytes(block)` gives bytes), parsed on demand."""

    raw: Raw
    parser: Parser = field(compare=False, repr=False)
    command: ClassVar[str] = "block"

    def __bytes__(self) -> bytes:
        return bytes(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def header(self) -> Header:
        return self.parser.block_header(self.raw)

    @property
    def hash(self) -> Hash:
        return self.header.hash

    @property
    def transactions(self) -> Sequence[Any]:
        return self.parser.transactions(self.raw)


@dataclass(frozen=True, slots=True)
class Tx:
    """`tx`: raw bytes, parsed on demand."""

    raw: Raw
    parser: Parser = field(compare=False, repr=False)
    command: ClassVar[str] = "tx"

    def __bytes__(self) -> bytes:
        return bytes(self.raw)

    @property
    def txid(self) -> Hash:
        txid: Hash = self.parser.transaction(self.raw).txid
        return txid


@dataclass(frozen=True, slots=True)
class Addr:
    """`addr`: addresses of the first form (BIP155 calls it v1)."""

    addresses: tuple[Address, ...]
    command: ClassVar[str] = "addr"


@dataclass(frozen=True, slots=True)
class NetAddressV2:
    """An entry of `addrv2` (BIP155): kept whole, also where the network id is one that we cannot dial."""

    network_id: int
    data: bytes
    port: int
    services: int
    last_seen: int


@dataclass(frozen=True, slots=True)
class AddrV2:
    """`addrv2` (BIP155). `addresses` are those entries that have a textual form."""

    entries: tuple[NetAddressV2, ...]
    addresses: tuple[Address, ...] = field(compare=False)
    command: ClassVar[str] = "addrv2"


@dataclass(frozen=True, slots=True)
class SendAddrV2:
    command: ClassVar[str] = "sendaddrv2"


@dataclass(frozen=True, slots=True)
class GetAddr:
    command: ClassVar[str] = "getaddr"


@dataclass(frozen=True, slots=True)
class WtxidRelay:
    command: ClassVar[str] = "wtxidrelay"


@dataclass(frozen=True, slots=True)
class FeeFilter:
    """`feefilter` (BIP133): satoshi per 1,000 virtual bytes."""

    fee_rate: int
    command: ClassVar[str] = "feefilter"


@dataclass(frozen=True, slots=True)
class SendCmpct:
    """`sendcmpct` (BIP152)."""

    announce: bool
    version: int
    command: ClassVar[str] = "sendcmpct"


@dataclass(frozen=True, slots=True)
class MemPool:
    command: ClassVar[str] = "mempool"


@dataclass(frozen=True, slots=True)
class Reject:
    """`reject` (BIP61, removed from Core; others still send it). All text is the remote's."""

    message: str
    code: int
    reason: str
    data: bytes = b""
    command: ClassVar[str] = "reject"


@dataclass(frozen=True, slots=True)
class Feature:
    """`feature` (BIP434): tolerated, never acted on."""

    id: str
    data: bytes
    command: ClassVar[str] = "feature"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Any command that the codec does not know."""

    name: str
    payload: bytes

    @property
    def command(self) -> str:
        return self.name


Message: TypeAlias = (
    Version | Verack | Ping | Pong | GetHeaders | GetBlocks | Headers | SendHeaders | Inv | GetData | NotFound | Block
    | Tx | Addr | AddrV2 | SendAddrV2 | GetAddr | WtxidRelay | FeeFilter | SendCmpct | MemPool | Reject | Feature
    | Unknown
)  # fmt: skip
