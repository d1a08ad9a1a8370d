"""Chain dumps (`headway.store.dump`): one chain from its first block up, judged as it is read.

The headers of some blocks are judged as a run that goes on from the run before, then these blocks, whose verdicts prove
each of them; so memory does not grow with the file. Called by `verify`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from headway.cli.verify.blocks import ToJudge, header_of, verified
from headway.cli.verify.headers import above, first_height, height_of
from headway.cli.verify.report import Fault
from headway.errors import ConfigError
from headway.store.dump import NUMBER_SIZE
from headway.types import UNKNOWN_HEIGHT, BlockId, BlockRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headway.cli.verify.headers import HeaderJudge
    from headway.network import HeaderVerdict, Network
    from headway.types import Hash, Height

_BATCH: Final = 500
"""Blocks of which the headers are judged together."""
_BATCH_SIZE: Final = 16 << 20
"""Bytes of blocks from which on a batch is full."""
_KEPT: Final = 2_000
"""Headers that are kept for rules that look back, which so far need 11 (Bitcoin's median time)."""
_FAR_UP: Final = 1 << 40
"""Stands for an unknown height where rules walk down the chain: so far above its root that it has no lowest block."""


class _Block(NamedTuple):
    raw: bytes
    header: bytes


def judge_dump(file: BinaryIO, judge: HeaderJudge, from_height: Height | None, *, says_height: bool = False) -> None:
    """Judge a dump. `says_height`: it begins with the height of its first block. Raises Fault, ConfigError."""
    said = _number(file) if says_height else None
    if said is not None and from_height not in {None, said}:
        raise ConfigError(f"--from-height {from_height}: the dump begins with height {said}, as it says itself")
    chain: _Chain | None = None
    for blocks in _batches(_blocks(file, judge.network)):
        if chain is None:
            chain = _Chain(judge, _first_height(blocks[0], judge.network, from_height, said))
        chain.judge(blocks)


class _Chain:
    """The chain as far as it was judged, and a `network.Branch` to the rules."""

    def __init__(self, judge: HeaderJudge, first: Height) -> None:
        self._judge = judge
        self._rules = judge.network.rules
        self._root_height = self._rules.root.height
        self._next = first
        self._context = self._rules.context_at(first)
        self._work = 0
        self._last: deque[bytes] = deque(maxlen=_KEPT)  # headers
        self.height = (_FAR_UP if first == UNKNOWN_HEIGHT else first) - 1
        self.hash: Hash = b""

    def header(self, height: Height) -> bytes:
        if height == self._root_height:
            return self._rules.genesis
        back = self.height - height
        if not 0 <= back < len(self._last):
            raise LookupError(f"no header at height {height}")
        return self._last[-1 - back]

    def judge(self, blocks: list[_Block]) -> None:
        """Judge the blocks that come next. Raises Fault."""
        judge, report = self._judge, self._judge.report
        run = judge.run_of([block.header for block in blocks])
        verdict = judge.verdict(run, self._next, self._context, thorough=False)
        valid = 0
        try:
            for block in verified(self._with_contexts(blocks, verdict), judge):
                valid += 1
                report.headers += 1
                report.tip = block.request.id
        finally:
            report.unchecked.update({rule: min(count, valid) for rule, count in verdict.unchecked.items() if valid})
        if verdict.error:
            raise Fault.of_header(verdict.error)
        self._next = above(self._next, len(blocks))
        self._context = verdict.context

    def _with_contexts(self, blocks: list[_Block], verdict: HeaderVerdict) -> Iterator[ToJudge]:
        for number, block in enumerate(blocks[: verdict.accepted]):
            header = self._rules.parse_header(block.header)
            block_hash = verdict.hashes[32 * number : 32 * number + 32]
            self.hash = header.prev_hash
            self._work += verdict.works[number]
            request = BlockRequest(header, above(self._next, number), self._work, block_hash)
            yield ToJudge(block.raw, request, self._block_context())
            self._last.append(block.header)
            self.height += 1

    def _block_context(self) -> Any:
        """What the rules want to know of the chain below the next block, None where it does not reach back far
        enough."""
        try:
            return self._rules.block_context(self) if self.height >= 0 else None
        except LookupError:
            return None


def _first_height(first: _Block, network: Network, stated: Height | None, said: Height | None) -> Height:
    header = network.rules.parse_header(first.header)
    if said is None:
        return height_of(header, first.raw, network, stated)
    known = first_height(header, network, None)
    if known not in {UNKNOWN_HEIGHT, said}:
        raise Fault("bad-height", f"the dump says that it begins with height {said}", BlockId(known, header.hash))
    return said


def _blocks(file: BinaryIO, network: Network) -> Iterator[_Block]:
    """The blocks of a dump, from its count on. Raises Fault where it is not what its numbers say."""
    count = _number(file)
    longest = network.limits.max_block_size
    for done in range(count):
        head = file.read(NUMBER_SIZE)
        if len(head) < NUMBER_SIZE:
            raise Fault("truncated", f"the dump ends after {done} of {count} blocks")
        length = int.from_bytes(head, "little")
        if length > longest:
            raise Fault("bad-blk-length", f"a block of {length} bytes; one has at most {longest}")
        raw = file.read(length)
        if len(raw) < length:
            raise Fault("truncated", f"the dump ends {len(raw)} bytes into a block of {length}")
        yield _Block(raw, header_of(raw, network))
    if file.read(1):
        raise Fault("trailing-bytes", f"the dump goes on behind its {count} blocks")


def _number(file: BinaryIO) -> int:
    return int.from_bytes(file.read(NUMBER_SIZE), "little")


def _batches(blocks: Iterator[_Block]) -> Iterator[list[_Block]]:
    """Blocks in batches; what comes before a fault of the file is given before it."""
    batch: list[_Block] = []
    size = 0
    try:
        for block in blocks:
            batch.append(block)
            size += len(block.raw)
            if len(batch) == _BATCH or size >= _BATCH_SIZE:
                yield batch
                batch, size = [], 0
    except Fault:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
