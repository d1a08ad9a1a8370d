"""`headway verify PATH`: a data directory, blocks or headers in a file, held to every rule of their network.

What a file holds is told from its content (`kind`). Judges read it (`headers`, `blocks`, `dump`, `directory`) and count
into a `report`, which is printed whatever came of it. `repair` takes out what is damaged.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headway.cli.options import checkpoint_option, common_options, network_option, trusting
from headway.cli.output import Exit, Output

if TYPE_CHECKING:
    from headway.cli.verify.headers import HeaderJudge
    from headway.cli.verify.kind import Kind
    from headway.cli.verify.report import Report
    from headway.cli.verify.source import Source
    from headway.network import Network


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@network_option
@click.option(
    "--from-height",
    type=click.IntRange(min=0),
    metavar="H",
    help="Height of the first header or block of a file that does not start at genesis.",
)
@click.option("--repair", is_flag=True, help="First take what is damaged out of a data directory, to be fetched again.")
@checkpoint_option
@common_options
def verify(
    *, path: Path, network: Network, from_height: int | None, repair: bool, checkpoint: str | None, output: Output
) -> Exit:
    """Check a data directory, a blk*.dat file, a chain dump (.acc), raw headers, or one raw block, packed (.xz) or not.

    Prints what was found valid and what could not be checked. Exit code 5 and the reason on the first fault; 1 where
    there is no verdict: what cannot be read, or a header ahead of this machine's clock.
    """
    import time

    network = trusting(network, checkpoint)
    if repair:
        _repair(path, network, output)
    report = judge(path, network, from_height, time.time())
    output.result(report.data(), text=report.text())
    if report.error is None:
        return Exit.DONE
    output.error(str(report.error))
    if report.refused and path.is_dir() and not repair:
        output.note(f"`headway verify --repair {path}` takes out what is damaged; `headway sync` then fetches it again")
    return Exit.INVALID_DATA if report.refused else Exit.FAILED


def _repair(path: Path, network: Network, output: Output) -> None:
    from headway.cli.verify.repair import repair_directory
    from headway.errors import ConfigError

    if not path.is_dir():
        raise ConfigError("--repair is for data directories: what is damaged in a file can be fetched from nobody")
    for done in repair_directory(path, network):
        output.note(f"repaired: {done}")


def judge(path: Path, network: Network, from_height: int | None, wall_time: float) -> Report:
    """Judge what is at `path`. Raises ConfigError when `from_height` cannot be."""
    from headway.cli.verify.directory import judge_directory
    from headway.cli.verify.report import Fault, Report, Unreadable
    from headway.errors import ConfigError

    report = Report()
    try:
        if path.is_dir():
            if from_height is not None:
                raise ConfigError("--from-height is for files: a data directory starts at genesis")
            judge_directory(path, network, wall_time, report)
        else:
            _judge_file(path, network, from_height, wall_time, report)
    except (Fault, Unreadable) as error:
        report.error = error
    return report


def _judge_file(path: Path, network: Network, from_height: int | None, wall_time: float, report: Report) -> None:
    from headway.cli.verify.headers import HeaderJudge
    from headway.cli.verify.kind import head_size, kind_of
    from headway.cli.verify.report import Unreadable
    from headway.cli.verify.source import Source
    from headway.cli.verify.work import Workers
    from headway.store.format import OWN_FILES

    source = Source(path)
    head = source.head(head_size(network))
    if head.startswith(OWN_FILES):
        raise Unreadable(f"{path} is a part of a data directory: verify the directory")
    with Workers(network) as workers:
        _judge_content(source, kind_of(head, network), HeaderJudge(network, wall_time, report, workers), from_height)


def _judge_content(source: Source, kind: Kind, judge: HeaderJudge, from_height: int | None) -> None:
    from headway.cli.verify.blocks import alone, framed, judge_blocks
    from headway.cli.verify.dump import judge_dump
    from headway.cli.verify.headers import judge_headers, judge_lone_header, judge_sparse
    from headway.cli.verify.kind import Kind

    if kind in {Kind.BLOCK_FILE, Kind.BLOCK}:
        split = framed if kind is Kind.BLOCK_FILE else alone
        judge_blocks(partial(source.pieces, split, judge.network), judge, from_height)
        return
    with source.open() as file:
        match kind:
            case Kind.HEADERS:
                judge_headers(file, judge, from_height)
            case Kind.SPARSE_HEADERS:
                judge_sparse(file, judge, from_height)
            case Kind.HEADER:
                judge_lone_header(file, judge, from_height)
            case _:
                judge_dump(file, judge, from_height, says_height=kind is Kind.DUMP_FROM_HEIGHT)
