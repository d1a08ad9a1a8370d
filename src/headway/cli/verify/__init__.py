"""`headway verify PATH`: a data directory, a block file, headers, or one block, held to every rule of its network.

What a file holds is told from its content (`kind`). Judges read it (`headers`, `blocks`, `directory`) and count into a
`report`, which is printed whatever came of it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headway.cli.options import common_options, network_option
from headway.cli.output import Exit, Output

if TYPE_CHECKING:
    from headway.cli.verify.report import Report
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
@common_options
def verify(path: Path, network: Network, from_height: int | None, output: Output) -> Exit:
    """Check a data directory, a blk*.dat file, raw headers, or one raw block, packed (.xz) or not.

    Prints what was found valid and what could not be checked. Exit code 5 and the reason on the first fault; 1 where
    there is no verdict: what cannot be read, or a header ahead of this machine's clock.
    """
    import time

    report = judge(path, network, from_height, time.time())
    output.result(report.data(), text=report.text())
    if report.error is None:
        return Exit.DONE
    output.error(str(report.error))
    return Exit.INVALID_DATA if report.refused else Exit.FAILED


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
    from headway.cli.verify.blocks import alone, framed, judge_blocks
    from headway.cli.verify.headers import HeaderJudge, judge_headers, judge_sparse
    from headway.cli.verify.kind import HEAD_SIZE, Kind, kind_of
    from headway.cli.verify.report import Unreadable
    from headway.cli.verify.source import Source
    from headway.store.format import OWN_FILES

    source = Source(path)
    head = source.head(HEAD_SIZE)
    if head.startswith(OWN_FILES):
        raise Unreadable(f"{path} is a part of a data directory: verify the directory")
    judge = HeaderJudge(network, wall_time, report)
    match kind_of(head, network):
        case Kind.HEADERS:
            with source.open() as file:
                judge_headers(file, judge, from_height)
        case Kind.SPARSE_HEADERS:
            with source.open() as file:
                judge_sparse(file, judge, from_height)
        case Kind.BLOCK_FILE:
            judge_blocks(partial(source.pieces, framed, network), judge, from_height)
        case Kind.BLOCK:
            judge_blocks(partial(source.pieces, alone, network), judge, from_height)
