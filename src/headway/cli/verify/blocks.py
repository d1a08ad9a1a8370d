"""Blocks: a file of them in the framing of blk*.dat, or one by itself.

The blocks are read twice, one in memory at a time: for their headers, which are judged as the trees that they make
(`forest`), then for themselves, in the order of the file. Called by `verify`; `header_of` and `verified` by the other
judges of blocks, too.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, TypeAlias

from headway.cli.verify.forest import Forest
from headway.cli.verify.report import Fault
from headway.errors import CodecError
from headway.network import BlockStatus
from headway.store.blocks import FRAME
from headway.types import UNKNOWN_HEIGHT, BlockRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from headway.cli.verify.headers import HeaderJudge
    from headway.network import BlockVerdict, ChainRules, Network
    from headway.types import Height

_PIECE: Final = 1 << 16
"""Bytes of zeros looked at at a time."""
ReadBlocks: TypeAlias = "Callable[[], Iterator[bytes]]"
"""Gives the raw blocks from the first one on, each time that it is called; raises Fault where the file breaks off."""


class ToJudge(NamedTuple):
    """A block whose header is right, and what its chain's rules want to know of it."""

    raw: bytes
    request: BlockRequest
    context: Any


def judge_blocks(read: ReadBlocks, judge: HeaderJudge, from_height: Height | None) -> None:
    """Judge blocks in any order, of several branches. Raises Fault, ConfigError."""
    forest = _judged_headers(read, judge, from_height)
    most_work = -1
    for block in verified(_with_contexts(read, forest, judge.network), judge):
        if block.request.chainwork > most_work:
            most_work, judge.report.tip = block.request.chainwork, block.request.id


def verified(blocks: Iterable[ToJudge], judge: HeaderJudge) -> Iterator[ToJudge]:
    """The blocks, each once it was found valid, and counted. Raises Fault at the first that is not."""
    rules = judge.network.rules
    for block, verdict in judge.workers.in_order(partial(_verdict, rules), blocks):
        if verdict.status is not BlockStatus.VALID:
            raise Fault.of_block(verdict, block.request.id)
        judge.report.count_block(verdict, rules.static_unchecked)
        yield block


def header_of(raw: bytes, network: Network) -> bytes:
    """The raw header of a block. Raises Fault when it is too short for one."""
    size = network.rules.header_size
    if size:
        if len(raw) < size:
            raise Fault("truncated", f"{len(raw)} bytes, and a header alone has {size}")
        return raw[:size]
    try:
        return network.codec.parser.block_header(raw).raw
    except CodecError as error:
        raise Fault("bad-encoding", str(error)) from error


def framed(file: BinaryIO, network: Network) -> Iterator[bytes]:
    """The blocks of a file in the framing of blk*.dat. Raises Fault where a frame is broken.

    Zeros to the end are room for further blocks: who still writes such a file has it beforehand.
    """
    longest = network.limits.max_block_size
    magic = FRAME.pack(network.magic, 0)[:4]
    while frame := file.read(FRAME.size):
        if not any(frame):
            _expect_zeros(file, len(frame))
            return
        if frame[:4] != magic[: len(frame)]:
            raise Fault("bad-magic", f"a frame begins with {frame[:4].hex()} and not {magic.hex()}")
        if len(frame) < FRAME.size:
            raise Fault("truncated", f"the file ends {len(frame)} bytes into a frame")
        _, length = FRAME.unpack(frame)
        if length > longest:
            raise Fault("bad-blk-length", f"a frame of {length} bytes; a block has at most {longest}")
        raw = file.read(length)
        if len(raw) < length:
            raise Fault("truncated", f"the file ends {len(raw)} bytes into a block of {length}")
        header_of(raw, network)
        yield raw


def _expect_zeros(file: BinaryIO, length: int) -> None:
    """`length`: of what was read where a frame should begin."""
    if length < FRAME.size:
        raise Fault("trailing-bytes", f"{length} zeros at the end, too few for room that was had beforehand")
    while piece := file.read(_PIECE):
        if piece.count(0) < len(piece):
            raise Fault("trailing-bytes", "zeros where a block should begin, and other bytes behind them")


def alone(file: BinaryIO, network: Network) -> Iterator[bytes]:
    """The one block that is all of a file."""
    longest = network.limits.max_block_size
    raw = file.read(longest + 1)
    if len(raw) > longest:
        raise Fault("bad-blk-length", f"more than {longest} bytes, which is the most that a block has")
    header_of(raw, network)
    yield raw


def _judged_headers(read: ReadBlocks, judge: HeaderJudge, from_height: Height | None) -> Forest:
    rules = judge.network.rules
    forest = Forest(judge.network)
    stated = {}
    try:
        for raw in read():
            header = rules.parse_header(header_of(raw, judge.network))
            number = forest.add(header.raw)
            if header.prev_hash not in forest and (height := rules.stated_height(raw)) != UNKNOWN_HEIGHT:
                stated[number] = height
    except Fault:
        pass  # the second reading meets it too, after the blocks before it
    forest.judge(judge, stated, from_height)
    return forest


def _with_contexts(read: ReadBlocks, forest: Forest, network: Network) -> Iterator[ToJudge]:
    for raw in read():
        number = forest.add(header_of(raw, network))
        if fault := forest.fault(number):
            raise fault
        block = forest.id(number)
        request = BlockRequest(forest.header(number), block.height, forest.work(number), block.hash)
        yield ToJudge(raw, request, forest.block_context(number))


def _verdict(rules: ChainRules, block: ToJudge) -> tuple[ToJudge, BlockVerdict]:
    return block, rules.verify_block(block.request, block.context, block.raw)
