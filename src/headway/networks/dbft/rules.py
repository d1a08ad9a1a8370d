"""The rules of a chain that validators sign (`headway.network.ChainRules`), as far as both generations share them.

Headers are judged in `run`, their signatures in `witness`. A block's own witness is verified with every block, so that
what is stored is proven, whatever was skipped in its header's run. A block is INVALID only for what its hash covers;
its witness is not: a bad one means a bad copy, and another peer may have a good one.
No state: one value a network serves every caller, from any thread. Subclassed by `neo2.rules` and `neo3.rules`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple, Self

from headway.errors import CodecError
from headway.kernel import merkle_root
from headway.network import BlockStatus, BlockVerdict, Branch, HeaderVerdict
from headway.networks.dbft.checkpoint import Trusted, trusted_block
from headway.networks.dbft.context import BEFORE_GENESIS, NEXT_CONSENSUS, HeaderContext, after
from headway.networks.dbft.fault import Fault
from headway.networks.dbft.hash160 import hash160
from headway.networks.dbft.header import SignedHeader, SignedParser
from headway.networks.dbft.run import Run
from headway.networks.dbft.script import Dialect
from headway.networks.dbft.witness import MAX_SCRIPTS, check_witness, form_fault
from headway.types import UNKNOWN_HEIGHT, BlockId, BlockRequest, Hash, Height, Raw, hash_hex
from headway.wire.messages import Headers

NEVER_CHECKED: Final = ("scripts", "transaction-witnesses", "balances", "fees", "validator-elections")
"""They need the chain's state and a machine for its scripts. The witnesses of transactions lie outside every hash, too:
damage there cannot be seen at all."""


_script_hash: Final = lru_cache(maxsize=MAX_SCRIPTS)(hash160)
"""One script signs thousands of headers."""


class Content(NamedTuple):
    """What a block's transactions are to its header."""

    hashes: Sequence[Hash]
    """What the merkle root is over."""
    fault: Fault | None = None
    """A rule that every copy of the block breaks. Judged only once the merkle root ties these transactions to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DbftRules(ABC):
    """The rules of one network. What a generation adds is abstract."""

    first_block: bytes
    """Genesis, whole."""
    trusted: Trusted | None = None
    """Where the tree begins instead of at genesis."""

    @property
    @abstractmethod
    def parser(self) -> SignedParser: ...

    @property
    @abstractmethod
    def dialect(self) -> Dialect:
        """How witnesses are written."""

    @property
    @abstractmethod
    def address_version(self) -> int:
        """First byte of the addresses in which people write a `next_consensus`."""

    @property
    @abstractmethod
    def kept_size(self) -> int: ...

    @abstractmethod
    def hash_of(self, unsigned: Raw) -> Hash:
        """Hash of a header by its kept part."""

    @abstractmethod
    def digest(self, header: SignedHeader) -> bytes:
        """The 32 bytes that validators sign."""

    @abstractmethod
    def own_fault(self, header: SignedHeader) -> Fault | None:
        """What a header breaks wherever it stands."""

    @abstractmethod
    def content(self, raw: bytes, header: SignedHeader) -> Content:
        """A block's transactions. Raises CodecError for bytes that are no block, or more than one."""

    @abstractmethod
    def blank_header(self, height: Height, next_consensus: bytes) -> bytes:
        """The kept part of a header of which nothing else is known: zeros."""

    @property
    def root(self) -> BlockId:
        if self.trusted:
            return BlockId(self.trusted.height, self.trusted.hash)
        return BlockId(0, self.hash_of(self.genesis))

    def trusting(self, checkpoint: str) -> Self:
        """`HEIGHT:HASH:NEXT_CONSENSUS`, the last one as an address or in hex."""
        return replace(self, trusted=trusted_block(checkpoint, self.address_version))

    @property
    def genesis(self) -> bytes:
        if self.trusted:
            return self.blank_header(self.trusted.height, self.trusted.next_consensus)
        return self.first_block[: self.kept_size]

    @property
    def genesis_block(self) -> bytes:
        return b"" if self.trusted else self.first_block

    @property
    def header_size(self) -> int:
        return 0  # witnesses vary

    @property
    def final(self) -> bool:
        return True

    @property
    def static_unchecked(self) -> Sequence[str]:
        return NEVER_CHECKED

    def parse_header(self, raw: bytes) -> SignedHeader:
        """A whole header or its kept part. Raises ValueError for anything else."""
        try:
            return self.parser.header(raw)
        except CodecError as error:
            raise ValueError(str(error)) from None

    def context(self, branch: Branch) -> HeaderContext:
        return after(self.parse_header(branch.header(branch.height)), branch.hash)

    def context_at(self, height: Height) -> HeaderContext:
        """Complete at 0 and right after genesis or a trusted block; elsewhere no more than the height, if that.

        What is judged then is a witness against the header's own script.
        """
        if height == UNKNOWN_HEIGHT:
            return HeaderContext(None)
        if height == 0:
            return BEFORE_GENESIS
        if self.trusted and height == self.trusted.height + 1:
            return after(self.parse_header(self.genesis), self.trusted.hash)
        if height == 1:
            first = self.parser.block_header(self.first_block)
            return after(first, first.hash)
        return HeaderContext(height - 1)

    def context_past_gap(self, context: HeaderContext, height: Height) -> HeaderContext:
        """Only the time still holds, for it rises from each header to the next; validators may have changed.

        Raises ValueError when `height` does not lie ahead.
        """
        if context.height is None or height <= context.height + 1:
            raise ValueError(f"height {height} does not lie ahead")
        return HeaderContext(height - 1, timestamp=context.timestamp)

    def check_headers(
        self, headers: Headers, context: HeaderContext, wall_time: float, *, thorough: bool = True
    ) -> HeaderVerdict:
        del wall_time  # no rule bounds a header's time from above: the validators vouch for it
        run = Run(self, context, thorough=thorough)
        for number in range(len(headers)):
            if not run.accept(headers.raw_at(number)):
                break
        return run.verdict()

    def restore(self, headers: Headers) -> tuple[bytes, Sequence[int]]:
        raw, kept, hash_of = headers.raw, self.kept_size, self.hash_of
        return b"".join([hash_of(raw[start : start + kept]) for start in headers.starts]), (1,) * len(headers)

    def form_fault(self, header: SignedHeader, expected: bytes | None) -> Fault | None:
        """What speaks against a witness before any signature is looked at.

        `expected`: hash of the script that must sign, None where it is not known.
        """
        if expected is not None and (found := _script_hash(header.verification)) != expected:
            return Fault("bad-witness-script", f"it is {found[::-1].hex()}, and {expected[::-1].hex()} has to sign")
        return form_fault(self.dialect, header.verification, header.invocation)

    def check_signatures(self, header: SignedHeader) -> str:
        """Nothing when enough of the keys of the header's own script signed it, else what is wrong."""
        return check_witness(self.dialect, header.verification, header.invocation, self.digest(header))

    def block_context(self, branch: Branch) -> HeaderContext:
        return self.context(branch)

    def verify_block(self, request: BlockRequest, context: HeaderContext | None, raw: Raw) -> BlockVerdict:
        data = bytes(raw)
        try:
            header = self.parser.block_header(data)
            if header.hash != request.hash:
                return _mutated("wrong-block", "its header has another hash")
            content = self.content(data, header)
        except CodecError as error:
            return _mutated("bad-encoding", str(error))
        return _content_verdict(header, content) or self._witness_verdict(header, context)

    def stated_height(self, raw: Raw) -> Height:
        """Every header states its height."""
        try:
            return self.parser.block_header(raw).height
        except CodecError:
            return UNKNOWN_HEIGHT

    def _witness_verdict(self, header: SignedHeader, context: HeaderContext | None) -> BlockVerdict:
        """The block's own witness: by the validators whom its parent names, or, without that, by its own script."""
        if header.unsigned == self.first_block[: self.kept_size]:
            return BlockVerdict(BlockStatus.VALID)  # nobody signs genesis
        expected = context.next_consensus if context else None
        if fault := self.form_fault(header, expected):
            return _mutated(*fault)
        if wrong := self.check_signatures(header):
            return _mutated("bad-witness", wrong)
        return BlockVerdict(BlockStatus.VALID, unchecked=() if expected else (NEXT_CONSENSUS,))


def _content_verdict(header: SignedHeader, content: Content) -> BlockVerdict | None:
    """None when the transactions are those of the header, and in order."""
    root, repeats = merkle_root(b"".join(content.hashes))
    if root != header.merkle_root:
        return _mutated("bad-merkle-root", f"the transactions have root {hash_hex(root)}")
    if repeats:
        return _mutated("duplicate-transaction", "the list ends with a repetition that the merkle root hides")
    fault = content.fault
    if fault is None and len(set(content.hashes)) != len(content.hashes):
        fault = Fault("duplicate-transaction", "two transactions have one hash")
    return BlockVerdict(BlockStatus.INVALID, *fault) if fault else None


def _mutated(rule: str, detail: str) -> BlockVerdict:
    return BlockVerdict(BlockStatus.MUTATED, rule, detail)
