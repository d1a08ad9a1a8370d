"""Bitcoin's rules as the engine sees them (`headway.network.ChainRules`): contexts from branches, verdicts from checks.

What is judged and in which order stands in `headway.kernel` (its `face` lists it); here numbers become typed verdicts,
and heights the rules that are on. No state: one value a network serves every caller, from any thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final

from headway import kernel
from headway.errors import CodecError, ConfigError, FutureHeader, InvalidHeader
from headway.kernel import BlockRules, HeaderContext
from headway.kernel.block import height_push
from headway.kernel.difficulty import PERIOD
from headway.kernel.face import MEDIAN_SPAN
from headway.network import BlockStatus, BlockVerdict, Branch, HeaderVerdict
from headway.networks.bitcoin.header import HEADER_SIZE, BlockHeader
from headway.networks.bitcoin.params import BitcoinParams
from headway.networks.bitcoin.parser import PARSER
from headway.types import UNKNOWN_HEIGHT, ZERO_HASH, BlockId, BlockRequest, Height, Raw
from headway.wire.messages import Headers

NEEDS_COINS: Final = ("coins", "fees", "subsidy", "relative-lock-times", "bip30-duplicates")
NEEDS_SCRIPTS: Final = ("scripts", "signatures")
"""Rules that we never check: they need the outputs of all blocks before, and a script interpreter."""
NEEDS_CHALLENGE: Final = ("signet-solution",)
"""The same for the signature of a signet block (BIP325)."""

BEFORE_GENESIS: Final = HeaderContext(-1, ZERO_HASH, (), None, None, None)
UNKNOWN: Final = HeaderContext(kernel.HEIGHT_UNKNOWN, None, (), None, None, None)

OP_1: Final = 0x51
"""The numbers 1 to 16 have opcodes of their own, from this one up."""
MAX_STATED_SIZE: Final = 3
"""Bytes of a height in a coinbase that we believe: up to 8,388,607. Older coinbases began with 4 bytes, their bits."""

_TIME: Final = Struct("<68xI8x")
"""A header's time alone: the median is asked for with each block, and eleven headers as values would cost more than all
else that is done for a small one."""

_STATUS: Final = {
    kernel.VALID: BlockStatus.VALID,
    kernel.MUTATED: BlockStatus.MUTATED,
    kernel.INVALID: BlockStatus.INVALID,
}


@dataclass(frozen=True, slots=True)
class BitcoinRules:
    """The rules of one Bitcoin network."""

    params: BitcoinParams

    @property
    def root(self) -> BlockId:
        return BlockId(0, kernel.sha256d(self.genesis))

    @property
    def genesis(self) -> bytes:
        return self.params.genesis_block[:HEADER_SIZE]

    @property
    def genesis_block(self) -> bytes:
        return self.params.genesis_block

    @property
    def header_size(self) -> int:
        return HEADER_SIZE

    @property
    def kept_size(self) -> int:
        return HEADER_SIZE

    @property
    def final(self) -> bool:
        return False

    @property
    def static_unchecked(self) -> Sequence[str]:
        return (*NEEDS_SCRIPTS, *NEEDS_COINS, *(NEEDS_CHALLENGE if self.params.signed_blocks else ()))

    def parse_header(self, raw: bytes) -> BlockHeader:
        """Raises ValueError unless `raw` has 80 bytes."""
        return BlockHeader.from_raw(raw)

    def trusting(self, checkpoint: str) -> BitcoinRules:
        raise ConfigError(
            f"no checkpoint {checkpoint!r}: {self.params.name} proves itself by its work, from genesis on"
        )

    def context(self, branch: Branch) -> HeaderContext:
        """Complete: the last 11 headers of the branch, and the first of its period."""
        height = branch.height
        recent = [branch.header(at) for at in range(max(0, height + 1 - MEDIAN_SPAN), height + 1)]
        return kernel.context_from(self.params.header, height, recent, branch.header(height - height % PERIOD))

    def context_at(self, height: Height) -> HeaderContext:
        """What is known before a header at `height` without those before it.

        Of 0 and of 1 it is everything, for genesis is known; of UNKNOWN_HEIGHT nothing.
        """
        if height == UNKNOWN_HEIGHT:
            return UNKNOWN
        if height == 0:
            return BEFORE_GENESIS
        if height == 1:
            return kernel.context_from(self.params.header, 0, [self.genesis], self.genesis)
        return kernel.context_from(self.params.header, height - 1, [], None)

    def context_past_gap(self, context: HeaderContext, height: Height) -> HeaderContext:
        """`context` carried to the header at `height` over missing ones. Raises ValueError if that is not ahead."""
        return kernel.skip_to(context, height)

    def check_headers(
        self, headers: Headers, context: HeaderContext, wall_time: float, *, thorough: bool = True
    ) -> HeaderVerdict:
        del thorough  # work is its own proof: every header is judged in full
        if context.height == BEFORE_GENESIS.height and len(headers) and headers.raw_at(0) != self.genesis:
            other = BlockId(0, headers[0].hash)
            return HeaderVerdict(0, b"", (), context, InvalidHeader("bad-genesis", other, "of another network"))
        stride = headers.stride
        raw, stride = (headers.raw, stride) if stride else (headers.compact(), HEADER_SIZE)
        check = kernel.check_headers(raw, stride, self.params.header, context, int(wall_time))
        error = None
        if check.rule:
            height = UNKNOWN_HEIGHT if context.height == UNKNOWN.height else context.height + 1 + check.accepted
            kind = FutureHeader if check.rule == "time-too-new" else InvalidHeader
            error = kind(check.rule, BlockId(height, headers[check.accepted].hash), check.detail)
        return HeaderVerdict(
            check.accepted, check.hashes, check.works, check.context, error, unchecked=dict(check.unchecked)
        )

    def restore(self, headers: Headers) -> tuple[bytes, Sequence[int]]:
        return kernel.restore_headers(headers.compact())

    def block_context(self, branch: Branch) -> int:
        """Median time past of the branch's last header, unix seconds (BIP113)."""
        first = max(0, branch.height + 1 - MEDIAN_SPAN)
        times = sorted(_TIME.unpack(branch.header(at)) for at in range(first, branch.height + 1))
        return int(times[len(times) // 2][0])

    def verify_block(self, request: BlockRequest, context: int | None, raw: Raw) -> BlockVerdict:
        check = kernel.check_block(raw, request.hash, self.block_rules(request.height), context)
        return BlockVerdict(_STATUS[check.status], check.rule, check.detail, tuple(check.unchecked))

    def block_rules(self, height: Height) -> BlockRules:
        """Which rules are on for the block at `height`."""
        if height == UNKNOWN_HEIGHT:
            return BlockRules(-1, bip34=False, median_lock_time=True, segwit=True)
        params = self.params
        return BlockRules(
            height,
            bip34=height >= params.header.bip34_height,
            median_lock_time=height >= params.csv_height,
            segwit=height >= params.segwit_height,
        )

    def stated_height(self, raw: Raw) -> Height:
        """The height with which a block's coinbase begins (BIP34), UNKNOWN_HEIGHT where it states none.

        Believed from version 2 on, which says that it is there. Whether it is right only the header's place can tell.
        """
        try:
            version = PARSER.block_header(raw).version
            script = PARSER.transactions(raw)[0].inputs[0].script
        except (CodecError, IndexError):
            return UNKNOWN_HEIGHT
        opcode = script[0] if script else 0
        pushed = int.from_bytes(script[1 : 1 + opcode], "little") if opcode <= MAX_STATED_SIZE else 0
        height = pushed or opcode - OP_1 + 1
        return height if version >= 2 and height > 0 and script.startswith(height_push(height)) else UNKNOWN_HEIGHT
