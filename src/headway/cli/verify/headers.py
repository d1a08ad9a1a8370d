"""Header files: one run of headers, sparse ones, or one that carries its proof; judged as they are read.

A file that starts at height H is held to every rule of those heights that it allows; what needs headers before it, or
missing in it, the rules count as unchecked. Memory does not grow with the file.
Called by `verify`; `HeaderJudge` and the heights by the judges of blocks too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from headway.cli.verify.kind import LONG_HEAD_SIZE, SPARSE_HEIGHT_SIZE
from headway.cli.verify.report import Fault
from headway.cli.verify.work import Workers
from headway.errors import ConfigError, InvalidHeader
from headway.types import UNKNOWN_HEIGHT, ZERO_HASH, BlockId, Height
from headway.wire.messages import Headers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headway.cli.verify.report import Report
    from headway.network import HeaderVerdict, Network
    from headway.types import Header

_BATCH: Final = 2_000
"""Headers judged at a time, as in a message."""


class HeaderJudge:
    """Judges runs of headers and counts what it finds into the report."""

    def __init__(self, network: Network, wall_time: float, report: Report, workers: Workers | None = None) -> None:
        self.network = network
        self.wall_time = wall_time
        self.report = report
        self.workers = workers or Workers(network)

    def run_of(self, raws: Sequence[bytes]) -> Headers:
        """These raw headers as one run."""
        size, parser = self.network.rules.header_size, self.network.codec.parser
        return Headers.fixed(b"".join(raws), parser, size=size) if size else Headers.joined(raws, parser)

    def verdict(self, headers: Headers, height: Height, context: Any, *, thorough: bool = True) -> HeaderVerdict:
        """The rules' verdict on headers, once the proofs that it wants were checked; nothing is counted.

        `height`: that of the first one. `thorough`: a proof of each header, else of no more than all their hashes.
        """
        verdict = self.network.rules.check_headers(headers, context, self.wall_time, thorough=thorough)
        failure = self.workers.first_failure(verdict.proofs)
        if failure is None:
            return verdict
        number, detail = failure
        block = BlockId(above(height, number), headers[number].hash)
        return replace(
            verdict,
            accepted=number,
            hashes=verdict.hashes[: 32 * number],
            works=verdict.works[:number],
            error=InvalidHeader("bad-witness", block, detail),
            unchecked=verdict.unchecked if number else {},
        )

    def judge(self, headers: Headers, height: Height, context: Any) -> Any:
        """Judge a run whose first header has `height`, the last one being the tip; returns the context behind it.

        Raises Fault.
        """
        verdict = self.verdict(headers, height, context)
        self.report.count_headers(verdict)
        if verdict.accepted:
            self.report.tip = BlockId(above(height, verdict.accepted - 1), verdict.hashes[-32:])
        if verdict.error:
            raise Fault.of_header(verdict.error)
        return verdict.context


def first_height(first: Header, network: Network, stated: Height | None) -> Height:
    """Height of the header with which a file begins, UNKNOWN_HEIGHT when nothing tells it.

    `stated`: what the user said. Raises ConfigError when the header itself shows that it is not so.
    """
    root = network.rules.root
    known = {ZERO_HASH: 0, root.hash: root.height + 1}.get(first.prev_hash)
    if known is not None and stated not in {None, known}:
        raise ConfigError(f"--from-height {stated}: the file begins with height {known} of {network.name}")
    if known is not None:
        return known
    return UNKNOWN_HEIGHT if stated is None else stated


def height_of(first: Header, raw: bytes, network: Network, stated: Height | None) -> Height:
    """The same, where what the header or block `raw` says of itself may tell it too. `first` is its header."""
    height = first_height(first, network, stated)
    return network.rules.stated_height(raw) if height == UNKNOWN_HEIGHT else height


def above(height: Height, by: int) -> Height:
    """The height `by` above another, unknown above an unknown one."""
    return UNKNOWN_HEIGHT if height == UNKNOWN_HEIGHT else height + by


def judge_headers(file: BinaryIO, judge: HeaderJudge, from_height: Height | None) -> None:
    """Judge a file of headers, each the parent of the next. Raises Fault, ConfigError."""
    rules = judge.network.rules
    first = file.read(rules.header_size)
    _refuse_rest(len(first) % rules.header_size, rules.header_size)
    height = first_height(rules.parse_header(first), judge.network, from_height)
    context = judge.judge(judge.run_of([first]), height, rules.context_at(height))
    for raw, rest in _records(file, rules.header_size):
        context = judge.judge(judge.run_of([raw]), above(height, judge.report.headers), context)
        _refuse_rest(rest, rules.header_size)


def judge_lone_header(file: BinaryIO, judge: HeaderJudge, from_height: Height | None) -> None:
    """Judge a file that `kind_of` found to be one header of a chain whose headers vary in size. Raises as above."""
    header = judge.network.codec.parser.block_header(file.read(LONG_HEAD_SIZE))
    height = height_of(header, header.raw, judge.network, from_height)
    judge.judge(judge.run_of([header.raw]), height, judge.network.rules.context_at(height))


def judge_sparse(file: BinaryIO, judge: HeaderJudge, from_height: Height | None) -> None:
    """Judge a file of headers with their heights. Raises Fault, ConfigError."""
    rules = judge.network.rules
    size = SPARSE_HEIGHT_SIZE + rules.header_size
    last: Height | None = None
    context: Any = None
    for raw, rest in _records(file, size):
        for at in range(0, len(raw), size):
            height = int.from_bytes(raw[at : at + SPARSE_HEIGHT_SIZE], "little")
            header = raw[at + SPARSE_HEIGHT_SIZE : at + size]
            if last is None:
                _refuse_other_start(height, from_height)
                context = rules.context_at(height)
            elif height > last:
                context = rules.context_past_gap(context, height)
            else:
                block = BlockId(height, rules.parse_header(header).hash)
                raise Fault("bad-height", f"heights must rise, and {last} is before it", block)
            context = judge.judge(judge.run_of([header]), height, context)
            last = height
        _refuse_rest(rest, size)


def _refuse_other_start(height: Height, stated: Height | None) -> None:
    if stated not in {None, height}:
        raise ConfigError(f"--from-height {stated}: the file begins with height {height}, as it says itself")


def _records(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """The whole records of each piece of the file, and how many bytes of a torn one follow them (at the end only)."""
    while piece := file.read(_BATCH * size):
        rest = len(piece) % size
        yield piece[: len(piece) - rest], rest


def _refuse_rest(rest: int, size: int) -> None:
    if rest:
        raise Fault("truncated", f"{rest} bytes follow the last whole record of {size}")
