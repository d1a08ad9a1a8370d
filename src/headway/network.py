"""THE plug-in interface: all that a chain must supply, and nothing more.

One frozen `Network` value a chain; a test network is `dataclasses.replace(MAINNET, ...)`. The core (peer, chain, sync,
node) sees a chain through these protocols alone; `tests/toynet.py` proves it with a fourth network in one file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

from headway.errors import ConfigError
from headway.wire.objects import Headers as Headers  # noqa: PLC0414  named for `chain`, which knows no other message

if TYPE_CHECKING:
    from headway.errors import InvalidHeader
    from headway.types import Address, BlockId, BlockRequest, Hash, Header, Height, Locator, PresyncParams, Raw
    from headway.wire.frames import Frame
    from headway.wire.messages import Message, Parser, Version


@dataclass(frozen=True, slots=True)
class Timing:
    """Every duration of the engine, in seconds. Zero switches the timer off."""

    connect_timeout: float = 10.0
    """A dial that does not answer. Core waits 5 s (DEFAULT_CONNECT_TIMEOUT); far links deserve more."""
    handshake_timeout: float = 60.0
    """From the connection to the remote's verack (Core DEFAULT_PEER_CONNECT_TIMEOUT)."""
    verack_pause: float = 0.0
    """From the end of the handshake until its owner hears of it, unless the remote speaks before: for networks with
    remotes that lose what comes together with a verack."""
    idle_timeout: float = 1200.0
    """Nothing received at all (Core TIMEOUT_INTERVAL)."""
    ping_interval: float = 120.0
    """Core PING_INTERVAL."""
    ping_timeout: float = 1200.0
    """Core TIMEOUT_INTERVAL: a pong may queue behind blocks on a slow line."""
    headers_timeout: float = 30.0
    """One getheaders: half a minute, whatever comes."""
    header_timeout: float = 0.001
    """More for each header that a node expects in its answer [HEADERS_DOWNLOAD_TIMEOUT_PER_HEADER]."""
    poll_interval: float = 0.0
    """From the last question for headers until some peer is asked again though nobody announced anything: for networks
    whose peers may well not tell."""
    addresses_timeout: float = 60.0
    """One getaddr; silence is a lawful answer, so it only frees the slot."""
    transaction_timeout: float = 60.0
    """One transaction by getdata (Core GETDATA_TX_INTERVAL)."""
    batch_timeout: float = 60.0
    """The progress clock of a block batch, reset by each block: no block at all for this long ends the peer."""
    block_timeout: float = 120.0
    """The deadline of one block beyond the time that the bytes asked ahead of it need at `Limits.min_rate`."""
    close_timeout: float = 5.0
    """How long queued bytes may still drain after we decided to disconnect; off, they are dropped."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not value >= 0 or value == float("inf"):
                raise ConfigError(f"Timing.{item.name} is {value!r}; it must be a finite number of seconds, 0 for off")

    def stretched(self, patience: float) -> Timing:
        """For a remote behind a slow way: what it has to do takes so many times as long. The minutes of `idle_timeout`
        and `ping_timeout` are enough for any, and our own intervals are ours."""
        return replace(self, **{name: getattr(self, name) * patience for name in _STRETCHED})


_STRETCHED = (
    *("connect_timeout", "handshake_timeout", "headers_timeout", "addresses_timeout", "transaction_timeout"),
    *("batch_timeout", "block_timeout", "close_timeout"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a remote can make us hold, and on what we ask. Names in brackets are Bitcoin Core's."""

    max_payload: int = 4_000_000
    """Bytes of one message's payload, refused from its frame header alone [MAX_PROTOCOL_MESSAGE_LENGTH]."""
    max_headers: int = 2_000
    """[MAX_HEADERS_RESULTS]"""
    full_headers: int = 2_000
    """Headers of one message from which on its sender may have more: fewer mean that this was all. 1 where remotes give
    as many at a time as they like."""
    max_inventory: int = 50_000
    """[MAX_INV_SZ]"""
    max_getdata: int = 1_000
    """Entries of a getdata that we send [MAX_GETDATA_SZ]."""
    max_addresses: int = 1_000
    """[MAX_ADDR_TO_SEND]"""
    max_locator: int = 101
    """[MAX_LOCATOR_SZ]"""
    max_blocks_in_flight: int = 1_024
    """Ceiling of one batch that is outstanding at one peer."""
    max_queued_requests: int = 16
    """Requests that may wait behind an outstanding one of their kind at one peer; more is the caller's error."""
    max_transaction: int = 4_000_000
    """Bytes of a transaction of ours: what is larger fits no block [MAX_BLOCK_WEIGHT]."""
    max_block_size: int = 4_000_000
    """Bytes of the largest block; for the window's byte bound until sizes are known."""
    typical_block_size: int = 2_000_000
    """A guess for a block whose size we cannot know yet, in bytes."""
    min_rate: int = 20_000
    """Bytes a second below which a peer is too slow to be asked for blocks; falls with our own measured line rate."""
    max_send_queue: int = 1_000_000
    """Bytes queued towards one remote before we stop producing answers for it [DEFAULT_MAXSENDBUFFER]."""
    max_unread: int = 16_000_000
    """Bytes queued towards a remote that does not read, before it is dropped."""
    max_low_work_headers: int = 2_000_000
    """Headers kept on chains below the network's minimum work. A network sets it above its real height."""


class OnDuplicate(Enum):
    """What a second version or verack means."""

    IGNORE = auto()
    """Bitcoin, as Core does."""
    DISCONNECT = auto()
    """Neo, as the Neo document says."""


class Wire(Protocol):
    """One connection's view of the codec. Total: any bytes give messages, "not yet", or CodecError."""

    expect_block: bool
    """Set by the peer machine while a block batch is out: only then may a buffer of a declared length be allocated."""

    defer_checksum: bool
    """Set by an owner who verifies asked blocks before he believes them: see `Block.unchecked`. May be ignored."""

    def receive_data(self, data: Raw) -> None:
        """Take bytes in any chunking; none at all: no more will come. Never raises; what is wrong comes out of
        `frames`."""

    def receive_buffer(self) -> memoryview | None:
        """Where the next bytes should go to avoid a copy; None: any scratch buffer and `receive_data` will do."""

    def receive_buffered(self, count: int) -> None:
        """`count` bytes were written to the start of the last `receive_buffer`."""

    def frames(self) -> Iterator[Frame]:
        """Complete frames so far. Raises CodecError once the stream cannot be read on."""

    def decode(self, frame: Frame) -> Message:
        """An unknown command gives `Unknown`, never an error. Raises CodecError for a payload against its format."""

    def encode(self, message: Message) -> list[Raw]:
        """The frame as chunks to be written one after another; large payloads are not copied."""

    def negotiated(self, theirs: Version) -> None:
        """Told once, when the remote's version was accepted."""

    # How this chain asks. What it cannot ask (a hash alone where it needs a height) raises LocalProtocolError here,
    # at once; what these return can always be encoded.

    def ask_headers(self, locator: Locator, stop: Hash) -> Message:
        """What follows the newest block of `locator`, up to `stop` (zero: as many as the remote gives)."""

    def ask_blocks(self, requests: Sequence[BlockRequest]) -> list[Message]:
        """Up to `Limits.max_getdata` blocks, in the order in which we want them: by hash, or by ranges of heights."""

    def ask_transaction(self, txid: Hash) -> Message: ...

    def ask_addresses(self) -> Message: ...

    def tell_addresses(self, addresses: Sequence[Address], *, all_networks: bool) -> Message | None:
        """Those of them that a message can carry; None when it can carry none. `all_networks`: the remote takes those
        of every network (BIP155 sendaddrv2)."""


class Codec(Protocol):
    @property
    def parser(self) -> Parser:
        """How this chain reads its raw objects."""

    @property
    def protocol_version(self) -> int:
        """The newest version that it speaks; it stands in our version message unless the user configured another."""

    @property
    def nonce_bits(self) -> int:
        """Size of the nonces in version, ping and pong."""

    @property
    def silence_is_answer(self) -> bool:
        """True: who has no headers, addresses or blocks to give says nothing at all (Neo). False: it answers."""

    @property
    def answers_pings(self) -> bool:
        """Whether every remote answers a ping. False: a pong that does not come proves nothing."""

    def open(self, *, inbound: bool) -> Wire: ...


class HandshakePolicy(Protocol):
    @property
    def on_duplicate(self) -> OnDuplicate: ...

    @property
    def ignores_early_messages(self) -> bool:
        """True: anything but a version first, and unknown messages before verack, are ignored until the timeout (Core).
        False: they end the handshake (Neo)."""

    def speaks_first(self, *, inbound: bool) -> bool: ...

    def awaits_verack(self, theirs: Version) -> bool:
        """Whether our verack waits for theirs. Never true at both ends of a connection."""

    def check(self, ours: Version, theirs: Version, *, required_services: int) -> None:
        """Raises HandshakeRejected when we do not want this peer; names what is missing."""

    def keeps(self, theirs: Version) -> int | None:
        """How many of its newest blocks a remote can be asked for; None: all, as far as it says."""

    def before_verack(self, theirs: Version) -> Sequence[Message]:
        """Negotiation messages that we send between their version and our verack."""

    def after_verack(self, theirs: Version) -> Sequence[Message]:
        """What we send once both veracks are through."""

    def is_negotiation(self, message: Message) -> bool:
        """A message that is legal only between version and verack; later it disconnects."""


class Branch(Protocol):
    """A chain of headers ending at one of them, as rules see it when they gather the context of the next."""

    @property
    def height(self) -> Height: ...

    @property
    def hash(self) -> Hash: ...

    def header(self, height: Height) -> bytes:
        """The raw header at `height` (0 to this branch's height) on this branch."""


class Proof(Protocol):
    """Heavy work behind one header of a verdict: its signatures. Checked off the loop, by any thread."""

    @property
    def number(self) -> int:
        """Of the header in the run that was judged, counted from 0."""

    def check(self) -> str:
        """Nothing when it holds, else what is wrong, for people. Never raises for bad input."""


@dataclass(frozen=True, slots=True)
class HeaderVerdict:
    """What `check_headers` found. The first `accepted` headers passed; `error`, if any, is about the next one."""

    accepted: int
    hashes: bytes
    """32 bytes for each accepted header."""
    works: Sequence[int]
    """Work of each accepted header by itself."""
    context: Any
    """The context after the last accepted header: the next batch goes on from here."""
    error: InvalidHeader | None = None
    proofs: tuple[Proof, ...] = ()
    """What must hold before any of the accepted headers is believed, by rising `number`. None in Bitcoin."""
    unchecked: dict[str, int] = field(default_factory=dict)
    """Rule name -> headers to which it could not be applied, because the context does not reach back far enough."""


class BlockStatus(Enum):
    VALID = auto()
    MUTATED = auto()
    """These bytes are not that block: the sender is discouraged, the header stays, another peer is asked."""
    INVALID = auto()
    """This block breaks a rule whatever copy one holds: the header and its descendants are marked invalid."""


@dataclass(frozen=True, slots=True)
class BlockVerdict:
    status: BlockStatus
    rule: str = ""
    """Short stable name of the broken rule; empty when valid."""
    detail: str = ""
    unchecked: tuple[str, ...] = ()
    """Rules that could not be applied to this block because what they need is not known (its height, a median time)."""


class ChainRules(Protocol):
    @property
    def root(self) -> BlockId:
        """Where our tree begins: genesis, or a block that the user trusts."""

    @property
    def genesis(self) -> bytes:
        """The root's raw header, as far as the tree keeps it (`kept_size`)."""

    @property
    def genesis_block(self) -> bytes:
        """Raw first block, never asked of a peer; empty when the root is a later one, which nobody gives us."""

    @property
    def header_size(self) -> int:
        """Bytes of a header as it travels, 0 where they vary."""

    @property
    def kept_size(self) -> int:
        """Bytes from a header's start that the tree keeps: all that its hash covers. The rest, if any, is its proof."""

    @property
    def final(self) -> bool:
        """True: no reorganisation below the tip."""

    @property
    def static_unchecked(self) -> Sequence[str]:
        """What these rules never check (scripts, signatures, coins ...); said by `verify` under `unchecked`."""

    def parse_header(self, raw: bytes) -> Header:
        """A whole header, or the part of it that the tree keeps. Raises ValueError for anything else."""

    def trusting(self, checkpoint: str) -> ChainRules:
        """The same rules from a block on that the user trusts: HEIGHT:HASH, and what else this chain must know of it.

        Raises ConfigError for what is written otherwise, and where a chain proves itself from genesis on.
        """

    def context(self, branch: Branch) -> Any:
        """What must be known of a branch to judge its next header. Opaque to the core."""

    def context_at(self, height: Height) -> Any:
        """What is known before a header at `height` without those before it (a file that starts there).

        Of 0 it is everything, of UNKNOWN_HEIGHT nothing. What cannot be applied then is in `HeaderVerdict.unchecked`.
        """

    def context_past_gap(self, context: Any, height: Height) -> Any:
        """`context` carried over missing headers to the one at `height` (sparse records): what still holds is kept.

        Raises ValueError when `height` does not lie ahead.
        """

    def check_headers(
        self, headers: Headers, context: Any, wall_time: float, *, thorough: bool = True
    ) -> HeaderVerdict:
        """Judge a linked run of headers that follows `context`: every rule that a header can break.

        `thorough` asks for a proof of each header; without it, for no more than what proves all their hashes. Never
        raises for bad input.
        """

    def restore(self, headers: Headers) -> tuple[bytes, Sequence[int]]:
        """Hashes (32 bytes each) and works of a linked run of headers from our own log, which were judged before."""

    def block_context(self, branch: Branch) -> Any:
        """What must be known of a branch to judge the block above it (Bitcoin: the median time). Opaque to the core.

        Passes on the LookupError of a branch that does not reach back far enough.
        """

    def verify_block(self, request: BlockRequest, context: Any, raw: Raw) -> BlockVerdict:
        """Every rule that a block can break by itself, its own header's proof included: what passes is proven, even
        where its header's run asked for fewer proofs. `context` is the `block_context` of its parent, None if unknown.

        Never raises for bad input.
        """

    def stated_height(self, raw: Raw) -> Height:
        """The height that a block states of itself; UNKNOWN_HEIGHT where it states none."""


@dataclass(frozen=True, slots=True)
class Network:
    """One blockchain network."""

    name: str
    magic: bytes
    port: int
    codec: Codec
    handshake: HandshakePolicy
    rules: ChainRules
    dns_seeds: tuple[str, ...] = ()
    seed_filter: int = 0
    """Service bits by which `dns_seeds` choose when they stand in front of the name: x9.seed.example (Core's seeders).
    0: these know no such thing."""
    fixed_seeds: Sequence[Address] = ()
    """For those whom no DNS seed answers."""
    wants_relay: bool = False
    """Whether a node says in its version that it wants to hear of transactions: else it hears of no blocks, either."""
    required_services: int = 0
    """What an automatic outbound peer must offer; a manual one may lack it."""
    block_interval: float = 600.0
    """Seconds from one block to the next, on average: what "long ago" and "soon" mean on a chain."""
    minimum_chainwork: int = 0
    checkpoints: tuple[tuple[Height, Hash], ...] = ()
    presync: PresyncParams | None = None
    """How a chain shows that it has the minimum work, if that is not 0, before its headers are kept. None: as many are
    kept as `Limits.max_low_work_headers` allows. Not for chains whose headers bring proofs."""
    limits: Limits = Limits()
    timing: Timing = Timing()
