"""Blocks: a file of them in the framing of blk*.dat, or one by itself.

The blocks are read twice, one in memory at a time: for their headers, which are judged as the trees that they make
(`forest`), then for themselves, in the order of the file. Called by `verify`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from headway.cli.verify.forest import Forest
from headway.cli.verify.report import Fault
from headway.network import BlockStatus
from headway.store.blocks import FRAME
from headway.types import UNKNOWN_HEIGHT, BlockRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headway.cli.verify.headers import HeaderJudge
    from headway.network import Network
    from headway.types import Height

ReadBlocks: TypeAlias = "Callable[[], Iterator[bytes]]"
"""Gives the raw blocks from the first one on, each time that it is called; raises Fault where the file breaks off."""


def judge_blocks(read: ReadBlocks, judge: HeaderJudge, from_height: Height | None) -> None:
    """Judge blocks in any order, of several branches. Raises Fault, ConfigError."""
    forest = _judged_headers(read, judge, from_height)
    most_work = -1
    for raw in read():
        number = forest.add(raw[: judge.network.rules.header_size])
        if fault := forest.fault(number):
            raise fault
        _judge_block(raw, forest, number, judge)
        if forest.work(number) > most_work:
            most_work, judge.report.tip = forest.work(number), forest.id(number)


def framed(file: BinaryIO, network: Network) -> Iterator[bytes]:
    """The blocks of a file in the framing of blk*.dat. Raises Fault where a frame is broken."""
    longest = network.limits.max_block_size
    magic = FRAME.pack(network.magic, 0)[:4]
    while frame := file.read(FRAME.size):
        if not any(frame):
            raise Fault(
                "trailing-bytes", "zeros where a block should begin (Core fills up a file that it still writes)"
            )
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
        yield _with_header(raw, network)


def alone(file: BinaryIO, network: Network) -> Iterator[bytes]:
    """The one block that is all of a file."""
    longest = network.limits.max_block_size
    raw = file.read(longest + 1)
    if len(raw) > longest:
        raise Fault("bad-blk-length", f"more than {longest} bytes, which is the most that a block has")
    yield _with_header(raw, network)


def _judged_headers(read: ReadBlocks, judge: HeaderJudge, from_height: Height | None) -> Forest:
    rules = judge.network.rules
    forest = Forest(judge.network)
    stated = {}
    try:
        for raw in read():
            header = rules.parse_header(raw[: rules.header_size])
            number = forest.add(header.raw)
            if header.prev_hash not in forest and (height := rules.stated_height(raw)) != UNKNOWN_HEIGHT:
                stated[number] = height
    except Fault:
        pass  # the second reading meets it too, after the blocks before it
    forest.judge(judge, stated, from_height)
    return forest


def _judge_block(raw: bytes, forest: Forest, number: int, judge: HeaderJudge) -> None:
    rules = judge.network.rules
    block = forest.id(number)
    request = BlockRequest(forest.header(number), block.height, forest.work(number), block.hash)
    verdict = rules.verify_block(request, forest.block_context(number), raw)
    if verdict.status is not BlockStatus.VALID:
        raise Fault.of_block(verdict, block)
    judge.report.count_block(verdict, rules.static_unchecked)


def _with_header(raw: bytes, network: Network) -> bytes:
    if len(raw) < network.rules.header_size:
        raise Fault("truncated", f"{len(raw)} bytes, and a header alone has {network.rules.header_size}")
    return raw
