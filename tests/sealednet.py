"""A fifth network in one file: a chain that is final, whose headers carry a proof outside their hash, of any length.

It is the toy network (`toynet`) with what chains of signed headers bring: the header is the toy's 44 bytes and a *seal*
behind its length; the hash covers the 44 bytes alone, so a seal can be exchanged, and a tree keeps the header without
it. A seal is right when it begins with `ok`. Headers and blocks are asked by height, and who has nothing to tell says
nothing. Used by the tests of chain, sync, node and store.
"""
# ruff: noqa: ARG002  (the toy ignores much of what the interface offers)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headway.errors import CodecError, LocalProtocolError
from headway.network import BlockStatus, BlockVerdict, Branch, HeaderVerdict, Limits, Network
from headway.types import UNKNOWN_HEIGHT, ZERO_HASH, BlockId, BlockRequest, Hash, Locator, Raw
from headway.wire import messages as m
from headway.wire.buffer import Reader
from headway.wire.frames import Frame
from tests.toynet import (
    GENESIS,
    GENESIS_BLOCK,
    HEADER_SIZE,
    TOYNET,
    ToyCodec,
    ToyHeader,
    ToyParser,
    ToyRules,
    ToyTransaction,
    ToyWire,
    sha256,
    toy_chain,
    toy_frame,
)

GET_BLOCKS, GET_HEADERS = 20, 21


@dataclass(frozen=True, slots=True)
class SealedHeader(ToyHeader):
    @property
    def hash(self) -> Hash:
        return sha256(self.raw[:HEADER_SIZE])

    @property
    def seal(self) -> bytes:
        return self.raw[HEADER_SIZE + 1 :]


class SealedParser(ToyParser):
    def header(self, raw: bytes) -> SealedHeader:
        if len(raw) != HEADER_SIZE and (len(raw) <= HEADER_SIZE or len(raw) != HEADER_SIZE + 1 + raw[HEADER_SIZE]):
            raise CodecError(f"no sealed header of {len(raw)} bytes")
        return SealedHeader(raw)

    def block_header(self, raw: Raw) -> SealedHeader:
        if len(raw) <= HEADER_SIZE:
            raise CodecError("no block is so short")
        return self.header(bytes(raw[: HEADER_SIZE + 1 + raw[HEADER_SIZE]]))

    def transactions(self, raw: Raw) -> list[ToyTransaction]:
        header = self.block_header(raw).raw
        return super().transactions(header[:HEADER_SIZE] + bytes(raw[len(header) :]))


PARSER = SealedParser()


def seal(block: bytes, value: bytes) -> bytes:
    """A block of the toy network, sealed."""
    return block[:HEADER_SIZE] + bytes([len(value)]) + value + block[HEADER_SIZE:]


def sealed_chain(n: int, *, seals: Sequence[bytes] = (b"ok", b"ok, longer"), salt: int = 0) -> list[bytes]:
    """`n` sealed blocks after genesis, with these seals in turn."""
    return [seal(block, seals[i % len(seals)]) for i, block in enumerate(toy_chain(n, salt))]


def sealed_headers(blocks: Sequence[bytes]) -> m.Headers:
    """The `headers` message of these blocks."""
    return _read_headers(b"".join(PARSER.block_header(block).raw for block in blocks))


def _read_headers(raw: bytes) -> m.Headers:
    reader, starts, ends = Reader(raw), [], []
    while reader.remaining:
        starts.append(reader.position)
        reader.skip(HEADER_SIZE, "header")
        reader.skip(reader.u8("seal length"), "seal")
        ends.append(reader.position)
    return m.Headers(raw, tuple(starts), tuple(ends), PARSER)


class SealedWire(ToyWire):
    def decode(self, frame: Frame) -> m.Message:
        match frame.command:
            case "headers":
                return _read_headers(bytes(frame.payload))
            case "block":
                return m.Block(frame.payload, PARSER)
            case "toy20":
                return m.GetBlockByIndex(int.from_bytes(frame.payload[:4], "little"), frame.payload[4])
            case "toy21":
                return m.GetHeaders((), first_height=int.from_bytes(frame.payload[:4], "little"))
            case _:
                return super().decode(frame)

    def encode(self, message: m.Message) -> list[Raw]:
        match message:
            case m.Headers() if not message:
                raise LocalProtocolError("nothing is said by saying nothing")
            case m.GetBlockByIndex(first_height, count):
                return [toy_frame(GET_BLOCKS, first_height.to_bytes(4, "little") + bytes([count]))]
            case m.GetHeaders(first_height=int(first_height)):
                return [toy_frame(GET_HEADERS, first_height.to_bytes(4, "little"))]
            case _:
                return super().encode(message)

    def ask_headers(self, locator: Locator, stop: Hash) -> m.Message:
        if locator[0].height == UNKNOWN_HEIGHT:
            raise LocalProtocolError("this chain asks by height")
        return m.GetHeaders((), stop, first_height=locator[0].height + 1)

    def ask_blocks(self, requests: Sequence[BlockRequest]) -> list[m.Message]:
        return [m.GetBlockByIndex(request.height, 1) for request in requests]


@dataclass(frozen=True, slots=True)
class SealedCodec(ToyCodec):
    parser: SealedParser = PARSER
    silence_is_answer: bool = True

    def open(self, *, inbound: bool) -> SealedWire:
        return SealedWire(self.max_payload)


@dataclass(frozen=True, slots=True)
class Seal:
    """The proof of one header."""

    number: int
    value: bytes

    def check(self) -> str:
        return "" if self.value.startswith(b"ok") else f"a seal that says {self.value!r}"


@dataclass(frozen=True, slots=True)
class SealedRules(ToyRules):
    final: bool = True
    header_size: int = 0
    genesis: bytes = GENESIS_BLOCK[:HEADER_SIZE]
    genesis_block: bytes = seal(GENESIS_BLOCK, b"")

    def parse_header(self, raw: bytes) -> SealedHeader:
        return PARSER.header(raw)

    def context_at(self, height: int) -> tuple[int, Any]:
        """Complete right behind the root, and at genesis; elsewhere nothing but the height, if that."""
        if height == self.root.height + 1:
            return self.root.height, Trusted(self.root.hash)
        return height - 1, Trusted(ZERO_HASH) if height == 0 else None

    def check_headers(
        self, headers: m.Headers, context: Any, wall_time: float, *, thorough: bool = True
    ) -> HeaderVerdict:
        height, before = context
        bare = m.Headers.fixed(_bare(headers), TOYNET.codec.parser, size=HEADER_SIZE)
        verdict = ToyRules.check_headers(self, bare, (height, before or Trusted(bare[0].prev_hash)), wall_time)
        numbers = range(verdict.accepted) if thorough else range(verdict.accepted)[-1:]
        sealed = [(n, PARSER.header(headers.raw_at(n))) for n in numbers]
        return replace(
            verdict,
            proofs=tuple(Seal(n, header.seal) for n, header in sealed if header.hash != GENESIS.hash),
            unchecked={} if before else {"link": 1, "time": 1},
        )

    def restore(self, headers: m.Headers) -> tuple[bytes, Sequence[int]]:
        bare = m.Headers.fixed(_bare(headers), TOYNET.codec.parser, size=HEADER_SIZE)
        return ToyRules.restore(self, bare)

    def verify_block(self, request: BlockRequest, context: Any, raw: Raw) -> BlockVerdict:
        try:
            header = PARSER.block_header(raw)
        except CodecError as error:
            return BlockVerdict(BlockStatus.MUTATED, "encoding", str(error))
        detail = Seal(0, header.seal).check()
        if detail and header.hash != GENESIS.hash:  # nobody seals genesis
            return BlockVerdict(BlockStatus.MUTATED, "bad-seal", detail)
        return ToyRules.verify_block(self, request, context, header.raw[:HEADER_SIZE] + bytes(raw[len(header.raw) :]))


def _bare(headers: m.Headers) -> bytes:
    return b"".join(bytes(headers.raw[start : start + HEADER_SIZE]) for start in headers.starts)


@dataclass(frozen=True, slots=True)
class Trusted:
    """What is known of a trusted header, where the toy's rules want a header."""

    hash: Hash
    time: int = 0


@dataclass(frozen=True, slots=True)
class TrustedRules(SealedRules):
    """The same chain from a block that the user trusts: its hash is known, its bytes are not."""

    root: BlockId = field(default=BlockId(0, ZERO_HASH))
    genesis: bytes = bytes(HEADER_SIZE)
    genesis_block: bytes = b""

    def context(self, branch: Branch) -> tuple[int, Any]:
        if branch.height == self.root.height:
            return branch.height, Trusted(self.root.hash)
        return ToyRules.context(self, branch)


SEALED = replace(TOYNET, name="sealednet", codec=SealedCodec(), rules=SealedRules(), limits=Limits(full_headers=1))


def trusted_at(block: BlockId) -> Network:
    """The network for somebody who trusts this block."""
    return replace(SEALED, rules=TrustedRules(root=block))
