"""Messages as values: one frozen class a command, named after it in CamelCase (`getheaders` -> `GetHeaders`).

Neutral: the same classes serve every chain, and its codec dresses them. The heavy ones (of `objects`) hold raw bytes
and parse on demand through the `parser` that the codec gave them. A field that a chain lacks keeps its default.
This is the public place of all messages, wherever in `headway.wire` they are written down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar, TypeAlias

from headway.types import ZERO_HASH, Address, Hash, Height, Locator
from headway.wire.compact import BlockTxn, CmpctBlock, CompactForm, GetBlockTxn, PrefilledTransaction, SendCmpct
from headway.wire.filters import (
    CFCheckpt,
    CFHeaders,
    CFilter,
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    MerkleBlock,
)
from headway.wire.objects import Block, Headers, Parser, Tx

__all__ = [
    "Addr",
    "AddrV2",
    "Alert",
    "Block",
    "BlockTxn",
    "CFCheckpt",
    "CFHeaders",
    "CFilter",
    "CmpctBlock",
    "CompactForm",
    "Feature",
    "FeeFilter",
    "FilterAdd",
    "FilterClear",
    "FilterLoad",
    "GetAddr",
    "GetBlockByIndex",
    "GetBlockTxn",
    "GetBlocks",
    "GetCFCheckpt",
    "GetCFHeaders",
    "GetCFilters",
    "GetData",
    "GetHeaders",
    "Headers",
    "Inv",
    "InvEntry",
    "InvType",
    "MemPool",
    "MerkleBlock",
    "Message",
    "NetAddressV2",
    "NotFound",
    "Parser",
    "Ping",
    "Pong",
    "PrefilledTransaction",
    "Reject",
    "SendAddrV2",
    "SendCmpct",
    "SendHeaders",
    "SendTxRcncl",
    "Tx",
    "Unknown",
    "Verack",
    "Version",
    "WtxidRelay",
]


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
    """Whether the sender wants to hear of transactions (BIP37; in Neo N3, whether it is a full node)."""
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
    first_height: Height | None = None
    """Where a chain asks by height instead: of the first header that is wanted."""
    count: int = 0
    """How many at most; 0: as many as you may send."""
    command: ClassVar[str] = "getheaders"


@dataclass(frozen=True, slots=True)
class GetBlocks:
    """`getblocks`: as `GetHeaders`, answered by an inv. (The Bitcoin document's GetBlocks is `request_blocks`.)"""

    locator: Locator
    stop: Hash = ZERO_HASH
    protocol: int = 0
    count: int = 0
    """How many at most; 0: as many as you may send."""
    command: ClassVar[str] = "getblocks"


@dataclass(frozen=True, slots=True)
class GetBlockByIndex:
    """`getblockbyindex`: the blocks from a height up, one `block` each. What the remote lacks it passes over."""

    first_height: Height
    count: int = 0
    """How many at most; 0: as many as you may send."""
    command: ClassVar[str] = "getblockbyindex"


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
class SendTxRcncl:
    """`sendtxrcncl` (BIP330): the sender can reconcile transactions. Tolerated, never acted on."""

    version: int
    salt: int
    command: ClassVar[str] = "sendtxrcncl"


@dataclass(frozen=True, slots=True)
class Alert:
    """`alert`: once a signed warning to all users, kept unread since its key was given away (Bitcoin Core 0.13)."""

    payload: bytes
    command: ClassVar[str] = "alert"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Any command that the codec does not know."""

    name: str
    payload: bytes

    @property
    def command(self) -> str:
        return self.name


Message: TypeAlias = (
    Version | Verack | Ping | Pong | GetHeaders | GetBlocks | GetBlockByIndex | Headers | SendHeaders | Inv | GetData
    | NotFound | Block | Tx | Addr | AddrV2 | SendAddrV2 | GetAddr | WtxidRelay | FeeFilter | SendCmpct | CmpctBlock
    | GetBlockTxn | BlockTxn | FilterLoad | FilterAdd | FilterClear | MerkleBlock | GetCFilters | CFilter
    | GetCFHeaders | CFHeaders | GetCFCheckpt | CFCheckpt | MemPool | Reject | Feature | SendTxRcncl | Alert | Unknown
)  # fmt: skip
