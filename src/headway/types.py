"""The small values that every layer shares: hashes, heights, headers, addresses, the records of the address book.

Not here: messages (`headway.wire.messages`), rules (`headway.network`). Nothing here does I/O or knows a chain.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import IntFlag, StrEnum
from typing import Final, Protocol, TypeAlias

Hash: TypeAlias = bytes
"""32 bytes in wire order; people see it reversed, in hex (`hash_hex`)."""
Height: TypeAlias = int
"""Distance from genesis, which has height 0."""
Instant: TypeAlias = float
"""Seconds on a monotonic clock. Wall time (unix seconds) is always called `wall_time`."""
Raw: TypeAlias = bytes | memoryview
"""Bytes that nobody writes any more: a filled buffer is given away, never written again."""

ZERO_HASH: Final[Hash] = bytes(32)
UNKNOWN_HEIGHT: Final = -1
"""Height of a `BlockId` made from a hash alone. Chains that ask by hash do not need more."""


def hash_hex(value: Hash) -> str:
    """The form in which people write a hash: byte-reversed hex."""
    return value[::-1].hex()


def hash_from_hex(text: str) -> Hash:
    """Inverse of `hash_hex`. Raises ValueError unless the text is 64 hex digits (an optional 0x in front)."""
    digits = text.removeprefix("0x")
    if len(digits) != 64 or any(c.isspace() for c in digits):
        raise ValueError(f"a hash is 64 hex digits, not {text[:80]!r}")
    return bytes.fromhex(digits)[::-1]


def printable(text: str, limit: int = 256) -> str:
    """Text of a remote made harmless for a log or a terminal: what does not print (control characters, escapes, text
    direction) becomes `?`, and what is longer than `limit` characters is cut."""
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(c if c.isprintable() else "?" for c in cut)


class Header(Protocol):
    """What the engine needs of a block header of any chain. Each network has its own class with more fields."""

    @property
    def raw(self) -> bytes:
        """The header as it travels, without any separator of the message around it."""

    @property
    def hash(self) -> Hash: ...

    @property
    def prev_hash(self) -> Hash: ...

    @property
    def time(self) -> int:
        """Unix seconds, as the header states them."""


@dataclass(frozen=True, slots=True)
class BlockId:
    """A block by height and hash: where it stands and what it is."""

    height: Height
    hash: Hash

    def __str__(self) -> str:
        return f"{self.height}:{hash_hex(self.hash)}" if self.height != UNKNOWN_HEIGHT else hash_hex(self.hash)


Locator: TypeAlias = tuple[BlockId, ...]
"""Blocks of one chain, newest first; its holder asks "what comes after the newest of these that you have?"."""


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """One block to ask for, with what we know of it: header, height and work of the chain up to and including it.

    This is the HeaderSyncData of the Bitcoin document. A user who has only a hash leaves the rest out; the engine
    never does.
    """

    header: Header | None
    height: Height = UNKNOWN_HEIGHT
    chainwork: int = 0
    hash: Hash = b""
    compact: bool = False
    """Whether it will do as a compact block, where the chain has such."""

    def __post_init__(self) -> None:
        if not self.hash:
            if self.header is None:
                raise ValueError("a BlockRequest needs a header or a hash")
            object.__setattr__(self, "hash", self.header.hash)

    @property
    def id(self) -> BlockId:
        return BlockId(self.height, self.hash)


class Services(IntFlag):
    """Service bits of a Bitcoin version message (protocol.h NODE_*). Neo Legacy uses bit 0 alone, N3 has none."""

    NONE = 0
    NETWORK = 1 << 0
    BLOOM = 1 << 2
    WITNESS = 1 << 3
    COMPACT_FILTERS = 1 << 6
    NETWORK_LIMITED = 1 << 10
    P2P_V2 = 1 << 11


@dataclass(frozen=True, slots=True)
class Address:
    """Where a peer listens: an IP address or overlay name (.onion, .b32.i2p), and a port. Equal by these two alone."""

    host: str
    port: int
    services: int = field(default=0, compare=False)
    last_seen: int = field(default=0, compare=False)
    """Unix seconds, as gossip claims; 0 when unknown."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str, default_port: int | None = None, *, to_listen: bool = False) -> Address:
        """Read `host`, `host:port`, `[v6]:port` or a bare IPv6 address. `to_listen`: port 0 is taken, too, for any free
        one. Raises ValueError that says what is wrong."""
        text = text.strip()
        host, colon, port_text = text.rpartition(":")
        if text.startswith("["):
            host, bracket, rest = text[1:].partition("]")
            if not bracket or (rest and not rest.startswith(":")):
                raise ValueError(f"not an address: {text!r} (an IPv6 address with a port is written [::1]:8333)")
            port_text = rest[1:]
        elif not colon or ":" in host:
            host, port_text = text, ""
        if not host or len(host) > 255 or any(c in "[]" or c.isspace() or not c.isprintable() for c in host):
            raise ValueError(f"not an address: {text!r} (write host:port)")
        if not port_text and default_port is None:
            raise ValueError(f"no port in {text!r} (write host:port)")
        if port_text and not (port_text.isascii() and port_text.isdigit()):
            raise ValueError(f"not a port: {port_text!r} in {text!r}")
        port = int(port_text) if port_text else (default_port or 0)
        if not (0 < port < 65536 or (port == 0 and (to_listen or host.endswith(".i2p")))):  # no ports there (SAM 3.1)
            raise ValueError(f"port {port} of {text!r} is not between 1 and 65535")
        return cls(_canonical_host(host), port)


class Net(StrEnum):
    """The networks that peers are reached by, in the words of Core's getpeerinfo and -onlynet."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    ONION = "onion"
    I2P = "i2p"
    CJDNS = "cjdns"
    UNROUTABLE = "not_publicly_routable"
    """An IP address of no public network (loopback, private, reserved), or a name that has yet to be looked up."""


IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_OVERLAYS: Final = ((".onion", Net.ONION), (".i2p", Net.I2P))
_SPECIAL_V4: Final = frozenset((0, 10, 100, 127, 169, 172, 192, 198, 203, *range(224, 256)))
"""First bytes of ranges that are not all public. `is_global` looks through them one by one, which most need not."""
_SPECIAL_V6: Final = (b"\x20\x01", b"\x20\x02", b"\x3f\xff")
"""The same for what begins within 2000::/3, all that is public so far."""


def network_of(address: Address) -> Net:
    """Which network an address belongs to."""
    return net_of(address.host, ip_of(address.host))


def net_of(host: str, ip: IpAddress | None) -> Net:
    """The same for a host that has been read: `ip` is what `ip_of` made of it."""
    if ip is None:
        name = host.lower().rstrip(".")
        return next((net for suffix, net in _OVERLAYS if name.endswith(suffix)), Net.UNROUTABLE)
    packed = ip.packed
    if isinstance(ip, ipaddress.IPv4Address):
        is_public = packed[0] not in _SPECIAL_V4 or (ip.is_global and not ip.is_multicast)
        return Net.IPV4 if is_public else Net.UNROUTABLE
    if packed[0] == 0xFC:  # fc00::/8
        return Net.CJDNS
    is_public = packed[0] >> 5 == 1 and not packed.startswith(_SPECIAL_V6)
    return Net.IPV6 if is_public or (ip.is_global and not ip.is_multicast) else Net.UNROUTABLE


def ip_of(host: str) -> IpAddress | None:
    """A host as an IP address; None for a name."""
    try:
        return ipaddress.IPv6Address(host) if ":" in host else ipaddress.IPv4Address(host)
    except ValueError:
        return None


OURSELVES: Final = ""
"""The source of addresses that the user gave us, or that come with the program."""


@dataclass(frozen=True, slots=True)
class PeerMerit:
    """What the peer at an address was like when we last knew."""

    user_agent: str = ""
    """As it states it, made harmless."""
    protocol: int = 0
    """Version of the protocol that it speaks."""
    height: Height = UNKNOWN_HEIGHT
    """What it claims."""
    latency: float | None = None
    """Seconds: its shortest answer to a ping."""
    blocks_per_second: float | None = None
    """While blocks were asked of it."""
    ends: tuple[tuple[str, int], ...] = ()
    """Why connections to it ended (names of `Reason`), and how often."""


@dataclass(frozen=True, slots=True)
class PeerRecord:
    """One entry of the address book, as it is kept. Times are unix seconds, 0 for never or unknown."""

    address: Address
    """With its services and when it was last seen."""
    source: str = ""
    """The host that told us, the name of a DNS seed, or `OURSELVES`."""
    tried: bool = False
    """We have been connected to it: it stands in the tried table."""
    buckets: tuple[int, ...] = ()
    """Its buckets of the new table, of which there are several when several told us."""
    last_tried: int = 0
    last_success: int = 0
    missed: int = 0
    """Dials in vain since the last success, without those of times when nobody was to be reached."""
    other_chain: bool = False
    """Its peer follows another chain than ours."""
    merit: PeerMerit = PeerMerit()


@dataclass(frozen=True, slots=True)
class Ban:
    """Whom we leave alone, and until when (unix seconds)."""

    subnet: str
    """An IP network (1.2.3.0/24; one address is 1.2.3.4/32) or an overlay's name. Of the discouraged: host or
    host:port."""
    until: int
    created: int = 0
    by_operator: bool = True
    """False: it misbehaved, and is discouraged."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BookRecords:
    """The whole address book, as it is kept."""

    key: bytes
    """32 secret bytes, by which addresses are put into buckets."""
    peers: tuple[PeerRecord, ...] = ()
    bans: tuple[Ban, ...] = ()
    anchors: tuple[Address, ...] = ()
    """Peers of the last run, to be dialled first."""


@dataclass(frozen=True, slots=True)
class BookChanges:
    """What has become of the book since the last time that it was kept."""

    key: bytes
    peers: tuple[PeerRecord, ...] = ()
    """New, or changed."""
    gone: tuple[Address, ...] = ()
    bans: tuple[Ban, ...] = ()
    """New, or changed."""
    lifted: tuple[Ban, ...] = ()
    """Ended, or taken back."""
    anchors: tuple[Address, ...] | None = None
    """None: nothing is said about them."""


def _canonical_host(host: str) -> str:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        if ":" in host:
            raise ValueError(f"not an IPv6 address: {host!r} (a name has no colons)") from None
        return host.lower()
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip)


@dataclass(frozen=True, slots=True)
class PresyncParams:
    """How a chain shows its work before it is kept (`chain.presync`). In brackets, names of Core HeadersSyncParams."""

    commitment_period: int
    """Headers from one committed bit to the next [commitment_period]."""
    redownload_buffer: int
    """Headers that must lie on top of one before it is believed [redownload_buffer_size]."""
