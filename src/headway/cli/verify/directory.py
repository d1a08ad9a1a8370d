"""A data directory: every header of the log judged again with all rules, and every stored block against its header.

It may be read while another process writes it: then what that one has not finished is no fault, nor what it prunes.
Genesis is not counted, for it is not stored. Called by `verify`.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from headway.chain import records
from headway.chain.headers import NOT_KNOWN, Added, HeaderTree
from headway.cli.verify.blocks import ToJudge, verified
from headway.cli.verify.headers import HeaderJudge
from headway.cli.verify.report import Fault, Unreadable
from headway.cli.verify.work import Workers
from headway.errors import CodecError, StoreError
from headway.network import BlockStatus
from headway.store.blocks import BlockFiles
from headway.store.directory import BLOCKS_NAME, HEADERS_NAME
from headway.store.disk import DamagedFile, Disk
from headway.store.headers import HeaderLog, Kind
from headway.store.index import INDEX_NAME, BlockIndex
from headway.store.lock import is_locked
from headway.types import BlockId

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headway.cli.verify.report import Report
    from headway.network import Headers, Network
    from headway.store.headers import Batch
    from headway.types import Hash


def judge_directory(path: Path, network: Network, wall_time: float, report: Report) -> None:
    """Judge a data directory of `network`. Raises Fault, Unreadable."""
    if not (path / HEADERS_NAME).is_file():
        raise Unreadable(f"{path} is no data directory of headway: there is no {HEADERS_NAME} in it")
    try:
        with (
            closing(HeaderLog(path / HEADERS_NAME, network, Disk(), readonly=True)) as log,
            Workers(network) as workers,
        ):
            judge = HeaderJudge(network, wall_time, report, workers)
            tree = _judge_log(log, judge)
            with closing(BlockFiles(path / BLOCKS_NAME, network, Disk(), readonly=True)) as blocks:
                _judge_blocks(blocks, tree, judge, path)
                if (torn := log.torn + blocks.torn) and not is_locked(path):
                    raise Fault(
                        "truncated", f"{torn} bytes of an unfinished write; the next `headway sync` cuts them off"
                    )
    except DamagedFile as error:
        raise Fault("damaged", str(error)) from error
    except StoreError as error:
        raise Unreadable(str(error)) from error


def _judge_log(log: HeaderLog, judge: HeaderJudge) -> HeaderTree:
    report = judge.report
    tree = HeaderTree(replace(judge.network, minimum_chainwork=0))  # a tree that takes as many headers as there are
    report.tip = tree.tip
    for batch in log.replay():
        if batch.kind is Kind.HEADERS:
            _judge_batch(batch, tree, judge)
        else:
            _condemn(batch.payload, tree)
        report.tip = tree.tip
    if condemned := sum(not tree.is_valid(position) for position in range(len(tree))):
        report.unchecked["blocks-marked-invalid"] = condemned
    return tree


def _judge_batch(batch: Batch, tree: HeaderTree, judge: HeaderJudge) -> None:
    try:
        headers = records.unpack(batch.payload, judge.network)
        added = _added(headers, tree, judge)
    except (ValueError, CodecError) as error:
        raise Fault("damaged", f"the log holds what is no header: {error}") from error
    judge.report.headers += added.count
    judge.report.unchecked.update(dict(added.unchecked))
    if added.error:
        raise Fault.of_header(added.error)
    if added.conflict:
        raise Fault("conflict", "a second one at this height that its chain's rules allow", added.conflict)
    if not added.connects:
        raise Fault("bad-prevblk", "its parent is not in the log", BlockId(-1, headers[0].hash))
    if added.count != batch.records:
        raise Fault("duplicate", f"{batch.records - added.count} headers are in the log twice", tree.id(added.last))


def _added(headers: Headers, tree: HeaderTree, judge: HeaderJudge) -> Added:
    """`HeaderTree.add` with the proofs on threads."""
    judged = tree.judge(headers, judge.wall_time)
    if isinstance(judged, Added):
        return judged
    if failure := judge.workers.first_failure(judged.verdict.proofs):
        return Added(NOT_KNOWN, error=tree.disproved(judged, *failure))
    return tree.accept(judged)


def _condemn(block_hash: Hash, tree: HeaderTree) -> None:
    position = tree.find(block_hash)
    if not position:
        raise Fault("damaged", "a block is marked invalid whose header is not in the log", BlockId(-1, block_hash))
    tree.invalidate(position)


def _judge_blocks(blocks: BlockFiles, tree: HeaderTree, judge: HeaderJudge, path: Path) -> None:
    """Judge what is stored. Blocks of condemned headers were judged when they were condemned."""

    def find(block_hash: Hash) -> int | None:
        position = tree.find(block_hash)
        if position is None:
            judge.report.unchecked["blocks-without-header"] += 1
        return position

    blocks.load(find, tree.height)
    judge.report.pruned_below = blocks.pruned_below
    if blocks.passed_over:
        raise Fault("damaged", f"{blocks.passed_over} stored blocks are gone, or their index records damaged")
    for _ in verified(_stored(blocks, tree, judge, path), judge):
        pass


def _stored(blocks: BlockFiles, tree: HeaderTree, judge: HeaderJudge, path: Path) -> Iterator[ToJudge]:
    for position in blocks.positions():
        if position and tree.is_valid(position):
            try:
                raw = blocks.get(position)
            except DamagedFile as error:
                if _was_pruned(blocks, position, judge.network, path):
                    judge.report.unchecked["blocks-pruned-meanwhile"] += 1
                    continue
                raise _fault(error, _to_judge(error.found, tree, position), judge.network) from error
            assert raw is not None, "its position came from the index"
            yield _to_judge(raw, tree, position)


def _to_judge(raw: bytes, tree: HeaderTree, position: int) -> ToJudge:
    return ToJudge(raw, tree.request(position), tree.block_context(tree.parent(position)))


def _fault(error: DamagedFile, block: ToJudge, network: Network) -> Fault:
    """What is wrong with a damaged block: a rule that it breaks, where it breaks one."""
    verdict = network.rules.verify_block(block.request, block.context, block.raw)
    if not block.raw or verdict.status is BlockStatus.VALID:
        return Fault("damaged", str(error), block.request.id)
    return Fault.of_block(verdict, block.request.id)


def _was_pruned(blocks: BlockFiles, position: int, network: Network, path: Path) -> bool:
    """Whether another process has removed a block since we looked."""
    if not is_locked(path):
        return False
    with closing(BlockIndex(path / BLOCKS_NAME / INDEX_NAME, network, Disk(), readonly=True)) as now:
        location, (_, mark) = blocks.locate(position), now.last_mark()
    return location is not None and location.file < mark.first_file
