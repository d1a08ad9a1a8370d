"""A complete fourth network in one file: the proof that the core knows no chain.

Frames of 8 bytes and a payload, headers of 44 bytes hashed by one sha256, work 1 a block, reorganisations allowed, a
block whose only rule is a checksum of its body. Small, easy to break on purpose, nobody's real network. `TOYNET` is the
value, `toynet(...)` makes variants, `toy_chain` makes blocks. Used by the tests of peer, chain, sync and node.
"""
# ruff: noqa: ARG002  (the toy ignores much of what the interface offers)

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headway.errors import CodecError, ConfigError, FutureHeader, HandshakeRejected, InvalidHeader, LocalProtocolError
from headway.network import BlockStatus, BlockVerdict, Branch, HeaderVerdict, Limits, Network, OnDuplicate
from headway.types import UNKNOWN_HEIGHT, Address, BlockId, BlockRequest, Hash, Locator, Raw, Services
from headway.wire import messages as m
from headway.wire.buffer import Reader, compact_size
from headway.wire.frames import Frame

MAGIC = b"Ty"
HEADER_SIZE = 44
PROTOCOL = 2
MAX_AHEAD = 7_200  # seconds that a header may lie ahead of our clock
BLOCK, TX = m.InvType.BLOCK, m.InvType.TX


def sha256(data: Raw) -> Hash:
    return hashlib.sha256(data).digest()


@dataclass(frozen=True, slots=True)
class ToyHeader:
    """previous hash 32 | checksum of the body 4 | time 4 | nonce 4."""

    raw: bytes

    @property
    def hash(self) -> Hash:
        return sha256(self.raw)

    @property
    def prev_hash(self) -> Hash:
        return self.raw[:32]

    @property
    def time(self) -> int:
        return int.from_bytes(self.raw[36:40], "little")


@dataclass(frozen=True, slots=True)
class ToyTransaction:
    raw: bytes

    @property
    def txid(self) -> Hash:
        return sha256(self.raw)


class ToyParser:
    def header(self, raw: bytes) -> ToyHeader:
        if len(raw) != HEADER_SIZE:
            raise CodecError(f"a toy header has {HEADER_SIZE} bytes, not {len(raw)}")
        return ToyHeader(raw)

    def block_header(self, raw: Raw) -> ToyHeader:
        return self.header(bytes(raw[:HEADER_SIZE]))

    def transactions(self, raw: Raw) -> list[ToyTransaction]:
        reader = Reader(raw[HEADER_SIZE:])
        count = reader.count("transactions", 10_000, 1)
        found = [ToyTransaction(reader.var_bytes("transaction", 1_000_000)) for _ in range(count)]
        reader.end("block")
        return found

    def stripped(self, raw: Raw) -> Raw:
        return raw

    @property
    def compact_form(self) -> None:
        return None

    def transaction(self, raw: Raw) -> ToyTransaction:
        return ToyTransaction(bytes(raw))

    def transaction_forms(self, raw: Raw) -> dict[m.InvEntry, Raw]:
        return {m.InvEntry(TX, sha256(raw)): raw}


PARSER = ToyParser()


def toy_block(prev_hash: Hash, time: int, *, nonce: int = 0, transactions: Sequence[bytes] = ()) -> bytes:
    body = compact_size(len(transactions)) + b"".join(compact_size(len(tx)) + tx for tx in transactions)
    numbers = time.to_bytes(4, "little") + nonce.to_bytes(4, "little")
    return prev_hash + sha256(body)[:4] + numbers + body


GENESIS_BLOCK = toy_block(bytes(32), 1_600_000_000)


def toy_chain(
    n: int, salt: int = 0, *, parent: bytes = GENESIS_BLOCK, step: int = 10, transaction_size: int = 20
) -> list[bytes]:
    """`n` raw blocks after the block (or header) `parent`, one every `step` seconds, one transaction each.

    Another `salt` gives another chain.
    """
    blocks = []
    for _ in range(n):
        header = PARSER.block_header(parent)
        body = (header.hash * (transaction_size // 32 + 1))[:transaction_size]
        parent = toy_block(header.hash, header.time + step, nonce=salt, transactions=[body])
        blocks.append(parent)
    return blocks


def toy_hash(block: Raw) -> Hash:
    return PARSER.block_header(block).hash


def toy_headers(blocks: Sequence[bytes]) -> m.Headers:
    """The `headers` message of these blocks."""
    return m.Headers.fixed(b"".join(block[:HEADER_SIZE] for block in blocks), PARSER, size=HEADER_SIZE)


def toy_requests(blocks: Sequence[bytes], first_height: int = 1) -> list[BlockRequest]:
    """What to ask a peer with. Work is height, as every block adds one."""
    return [
        BlockRequest(PARSER.block_header(block), height, height) for height, block in enumerate(blocks, first_height)
    ]


GENESIS = BlockId(0, toy_hash(GENESIS_BLOCK))


_VERSION = struct.Struct("<IQQQI?")  # protocol, services, wall time, nonce, height, relay; the user agent is the rest
_ENTRY = struct.Struct("<B32s")  # type, hash


def _records(raw: Raw, size: int, most: int) -> list[bytes]:
    if len(raw) % size or len(raw) > size * most:
        raise CodecError(f"{len(raw)} bytes, expected up to {most} records of {size}")
    return [bytes(raw[at : at + size]) for at in range(0, len(raw), size)]


def _read_version(raw: bytes) -> m.Version:
    if not _VERSION.size <= len(raw) <= _VERSION.size + 256:
        raise CodecError(f"a version of {len(raw)} bytes")
    protocol, services, time, nonce, height, relay = _VERSION.unpack_from(raw)
    return m.Version(protocol, services, time, nonce, raw[_VERSION.size :].decode("latin-1"), height, relay)


def _read_nonce(raw: bytes) -> int | None:
    return int.from_bytes(raw[:8], "little") if len(raw) >= 8 else None


def _read_locator(raw: bytes) -> tuple[Locator, Hash]:
    *hashes, stop = _records(raw, 32, 102) or [bytes(32)]
    return tuple(BlockId(UNKNOWN_HEIGHT, each) for each in hashes), stop


def _read_headers(raw: bytes) -> m.Headers:
    _records(raw, HEADER_SIZE, 2_000)
    return m.Headers.fixed(raw, PARSER, size=HEADER_SIZE)


def _read_entries(raw: bytes) -> tuple[m.InvEntry, ...]:
    return tuple(m.InvEntry(*_ENTRY.unpack(record)) for record in _records(raw, _ENTRY.size, 50_000))


def _read_addresses(raw: bytes) -> m.Addr:
    try:
        return m.Addr(tuple(Address.parse(line) for line in raw.decode("latin-1").split()[:1_000]))
    except ValueError as error:
        raise CodecError(str(error)) from None


_READERS: dict[int, tuple[str, Callable[[bytes], m.Message]]] = {
    0: ("version", _read_version),
    1: ("verack", lambda _raw: m.Verack()),
    2: ("ping", lambda raw: m.Ping(_read_nonce(raw))),
    3: ("pong", lambda raw: m.Pong(_read_nonce(raw))),
    4: ("getheaders", lambda raw: m.GetHeaders(*_read_locator(raw))),
    5: ("headers", _read_headers),
    6: ("getdata", lambda raw: m.GetData(_read_entries(raw))),
    7: ("block", lambda raw: m.Block(raw, PARSER)),
    8: ("tx", lambda raw: m.Tx(raw, PARSER)),
    9: ("notfound", lambda raw: m.NotFound(_read_entries(raw))),
    10: ("addr", _read_addresses),
    11: ("getaddr", lambda _raw: m.GetAddr()),
    12: ("inv", lambda raw: m.Inv(_read_entries(raw))),
    13: ("getblocks", lambda raw: m.GetBlocks(*_read_locator(raw))),
    14: ("sendaddrv2", lambda _raw: m.SendAddrV2()),
}
_NUMBERS = {name: number for number, (name, _) in _READERS.items()}
_COMMANDS = dict(_READERS.values())


def toy_frame(number: int, payload: bytes, *, magic: bytes = MAGIC) -> bytes:
    """magic 2 | command 1 | length 4 | first byte of sha256 1 | payload."""
    return magic + bytes([number]) + len(payload).to_bytes(4, "little") + sha256(payload)[:1] + payload


def _payload(message: m.Message) -> bytes:
    match message:
        case m.Version(protocol, services, time, nonce, agent, height, relay):
            return _VERSION.pack(protocol, services, time, nonce, height, relay) + agent.encode("latin-1")
        case m.Ping() | m.Pong():
            return b"" if message.nonce is None else message.nonce.to_bytes(8, "little")
        case m.GetHeaders() | m.GetBlocks():
            return b"".join(block.hash for block in message.locator) + message.stop
        case m.Headers():
            return b"".join(header.raw for header in message)
        case m.GetData() | m.NotFound() | m.Inv():
            return b"".join(_ENTRY.pack(entry.type, entry.hash) for entry in message.entries)
        case m.Block() | m.Tx():
            return bytes(message)
        case m.Addr():
            return "\n".join(map(str, message.addresses)).encode()
        case m.Unknown():
            return message.payload
        case m.Verack() | m.GetAddr() | m.SendAddrV2():
            return b""
    raise LocalProtocolError(f"the toy network has no {message.command}")


class ToyWire:
    """One connection. Joins what it is given, cuts frames off the front."""

    def __init__(self, max_payload: int) -> None:
        self.expect_block = False
        self.defer_checksum = False
        self._max_payload = max_payload
        self._buffer = bytearray()

    def receive_data(self, data: Raw) -> None:
        self._buffer += data

    def receive_buffer(self) -> memoryview | None:
        return None

    def receive_buffered(self, count: int) -> None:
        raise NotImplementedError("no buffer is ever given out")

    def frames(self) -> Iterator[Frame]:
        while self._buffer:
            if len(self._buffer) > 1 and not self._buffer.startswith(MAGIC):
                raise CodecError(f"wrong magic {self._buffer[:2].hex()}")
            if len(self._buffer) < 8:
                return
            length = int.from_bytes(self._buffer[3:7], "little")
            if length > self._max_payload:
                raise CodecError(f"a payload of {length} bytes, at most {self._max_payload}")
            if len(self._buffer) < 8 + length:
                return
            number, check = self._buffer[2], self._buffer[7:8]
            payload = bytes(self._buffer[8 : 8 + length])
            del self._buffer[: 8 + length]
            name = _READERS[number][0] if number in _READERS else f"toy{number}"
            wrong = check != sha256(payload)[:1]
            yield Frame(name, b"" if wrong else payload, 8 + length, "checksum" if wrong else "")

    def decode(self, frame: Frame) -> m.Message:
        read = _COMMANDS.get(frame.command)
        return read(bytes(frame.payload)) if read else m.Unknown(frame.command, bytes(frame.payload))

    def encode(self, message: m.Message) -> list[Raw]:
        name, payload = message.command, _payload(message)
        number = _NUMBERS[name] if name in _NUMBERS else int(name.removeprefix("toy"))
        return [toy_frame(number, payload)]

    def negotiated(self, theirs: m.Version) -> None:
        """Nothing in the toy depends on it."""

    def ask_headers(self, locator: Locator, stop: Hash) -> m.Message:
        return m.GetHeaders(locator, stop)

    def ask_blocks(self, requests: Sequence[BlockRequest]) -> list[m.Message]:
        return [m.GetData(tuple(m.InvEntry(BLOCK, request.hash) for request in requests))]

    def ask_transaction(self, txid: Hash) -> m.Message:
        return m.GetData((m.InvEntry(TX, txid),))

    def ask_addresses(self) -> m.Message:
        return m.GetAddr()

    def tell_addresses(self, addresses: Sequence[Address], *, all_networks: bool) -> m.Message | None:
        del all_networks
        return m.Addr(tuple(addresses)) if addresses else None


@dataclass(frozen=True, slots=True)
class ToyCodec:
    max_payload: int = 4_000_000
    protocol_version: int = PROTOCOL
    parser: ToyParser = PARSER
    nonce_bits: int = 64
    silence_is_answer: bool = False
    answers_pings: bool = True

    def open(self, *, inbound: bool) -> ToyWire:
        return ToyWire(self.max_payload)


LIMITED_BLOCKS = 10
"""Newest blocks that a limited peer keeps."""


@dataclass(frozen=True, slots=True)
class ToyHandshake:
    """Bitcoin's manners by default; `toynet(handshake=...)` gives Neo's."""

    on_duplicate: OnDuplicate = OnDuplicate.IGNORE
    ignores_early_messages: bool = True
    inbound_first: bool = False
    negotiates: bool = True
    awaits: str = ""

    def speaks_first(self, *, inbound: bool) -> bool:
        return inbound == self.inbound_first

    def awaits_verack(self, theirs: m.Version) -> bool:
        return theirs.user_agent == self.awaits

    def check(self, ours: m.Version, theirs: m.Version, *, required_services: int) -> None:
        if theirs.protocol < PROTOCOL:
            raise HandshakeRejected(f"obsolete version {theirs.protocol}")
        if missing := required_services & ~theirs.services:
            raise HandshakeRejected(f"services missing: {missing:#x}")

    def keeps(self, theirs: m.Version) -> int | None:
        return LIMITED_BLOCKS if theirs.services == Services.NETWORK_LIMITED else None

    def before_verack(self, theirs: m.Version) -> Sequence[m.Message]:
        return [m.SendAddrV2()] if self.negotiates else []

    def after_verack(self, theirs: m.Version) -> Sequence[m.Message]:
        return []

    def is_negotiation(self, message: m.Message) -> bool:
        return isinstance(message, m.SendAddrV2)


NEO_MANNERS = ToyHandshake(OnDuplicate.DISCONNECT, ignores_early_messages=False, inbound_first=True, negotiates=False)


@dataclass(frozen=True, slots=True)
class ToyRules:
    final: bool = False
    root: BlockId = GENESIS
    genesis: bytes = GENESIS_BLOCK[:HEADER_SIZE]
    genesis_block: bytes = GENESIS_BLOCK
    header_size: int = HEADER_SIZE
    kept_size: int = HEADER_SIZE
    static_unchecked: Sequence[str] = ("everything",)

    def parse_header(self, raw: bytes) -> ToyHeader:
        return PARSER.header(raw)

    def trusting(self, checkpoint: str) -> ToyRules:
        raise ConfigError("the toy proves itself")

    def context(self, branch: Branch) -> tuple[int, ToyHeader]:
        return branch.height, PARSER.header(branch.header(branch.height))

    def context_at(self, height: int) -> tuple[int, ToyHeader]:
        raise NotImplementedError("the toy keeps no files")

    def context_past_gap(self, context: Any, height: int) -> tuple[int, ToyHeader]:
        raise NotImplementedError("the toy keeps no files")

    def check_headers(
        self, headers: m.Headers, context: Any, wall_time: float, *, thorough: bool = True
    ) -> HeaderVerdict:
        error: InvalidHeader | None = None
        hashes = bytearray()
        height, prev = context
        for number in range(len(headers)):
            header = PARSER.header(headers.raw_at(number))
            block = BlockId(height + 1, header.hash)
            if header.prev_hash != prev.hash:
                error = InvalidHeader("bad-prevblk", block)
            elif header.time <= prev.time:
                error = InvalidHeader("time-too-old", block)
            elif header.time > wall_time + MAX_AHEAD:
                error = FutureHeader("time-too-new", block)
            if error is not None:
                break
            hashes += header.hash
            height, prev = block.height, header
        accepted = len(hashes) // 32
        return HeaderVerdict(accepted, bytes(hashes), [1] * accepted, (height, prev), error)

    def restore(self, headers: m.Headers) -> tuple[bytes, Sequence[int]]:
        parts = [headers.raw_at(number) for number in range(len(headers))]
        return b"".join(map(sha256, parts)), [1] * len(parts)

    def block_context(self, branch: Branch) -> int:
        return 0

    def verify_block(self, request: BlockRequest, context: Any, raw: Raw) -> BlockVerdict:
        """MUTATED: not the block of that header. INVALID: a transaction that begins with `bad`."""
        try:
            header, transactions = PARSER.block_header(raw), PARSER.transactions(raw)
        except CodecError as error:
            return BlockVerdict(BlockStatus.MUTATED, "encoding", str(error))
        if header.hash != request.hash:
            return BlockVerdict(BlockStatus.MUTATED, "wrong-block")
        if header.raw[32:36] != sha256(raw[HEADER_SIZE:])[:4]:
            return BlockVerdict(BlockStatus.MUTATED, "bad-check")
        if any(transaction.raw.startswith(b"bad") for transaction in transactions):
            return BlockVerdict(BlockStatus.INVALID, "bad-transaction")
        return BlockVerdict(BlockStatus.VALID)

    def stated_height(self, raw: Raw) -> int:
        return UNKNOWN_HEIGHT


TOYNET = Network("toynet", MAGIC, 4444, ToyCodec(), ToyHandshake(), ToyRules(), limits=Limits(typical_block_size=1_000))


def toynet(**changes: Any) -> Network:
    """The toy network with some of its fields changed; its codec follows `limits`."""
    changed = replace(TOYNET, **changes)
    return changed if "codec" in changes else replace(changed, codec=ToyCodec(changed.limits.max_payload))
