"""`headway export`: stored blocks of the best chain, written to one file that others read.

The data directory is only read, also while another process writes it. The file appears whole or not at all.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from headway.cli.options import (
    checkpoint_option,
    common_options,
    datadir_option,
    default_datadir,
    network_option,
    trusting,
)
from headway.cli.output import Exit, Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headway.network import Network
    from headway.store import Store
    from headway.types import Height

STDOUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Blocks of the best chain, both ends included."""

    first: Height
    last: Height

    @property
    def count(self) -> int:
        return self.last + 1 - self.first


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@network_option
@datadir_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["acc"]),
    required=True,
    help="acc: a chain dump as Neo's nodes read it, of any network.",
)
@click.option("--from", "first", type=click.IntRange(min=0), metavar="H", help="First height.  [default: the lowest]")
@click.option("--to", "last", type=click.IntRange(min=0), metavar="H", help="Last height.  [default: the last stored]")
@click.option("--force", is_flag=True, help="Replace FILE when it exists.")
@checkpoint_option
@common_options
def export(
    *,
    file: str,
    network: Network,
    datadir: Path | None,
    format_: str,
    first: int | None,
    last: int | None,
    force: bool,
    checkpoint: str | None,
    output: Output,
) -> Exit:
    """Write stored blocks of the best chain to FILE, or to stdout when it is `-`.

    FILE appears once it is whole.
    """
    from headway.errors import ConfigError
    from headway.store import Store
    from headway.types import hash_hex

    if file == STDOUT and output.json:
        raise ConfigError("--json and the blocks cannot both go to stdout: name a file")
    network = trusting(network, checkpoint)
    with Store.open(datadir or default_datadir(network), network, readonly=True) as store:
        wanted = stored_range(store, first, last)
        with _target(file, force=force) as stream:
            size = _write(store, network, wanted, stream, output)
        result = {
            "network": network.name,
            "format": format_,
            "from": wanted.first,
            "to": wanted.last,
            "hash": hash_hex(store.tree.hash(store.tree.at(wanted.last))),
            "blocks": wanted.count,
            "bytes": size,
        }
    if file != STDOUT:
        output.result(result)
    return Exit.DONE


def stored_range(store: Store, first: Height | None, last: Height | None) -> Wanted:
    """What is to be written: from the lowest block and up to the last without a gap, where nothing else was said.

    Raises ConfigError for heights that the chain does not have, StoreError for blocks that are not stored.
    """
    from headway.errors import ConfigError, StoreError

    tree, lowest = store.tree, store.tree.first_block
    start = max(lowest, store.pruned_below) if first is None else first
    for option, height in (("--from", first), ("--to", last)):
        if height is not None and not lowest <= height <= tree.tip.height:
            raise ConfigError(f"{option} {height}: the chain here has heights {lowest} to {tree.tip.height}")
    if last is not None and last < start:
        raise ConfigError(f"--to {last} is below the first height, {start}")
    end = start
    while end <= (tree.tip.height if last is None else last) and _is_stored(store, end):
        end += 1
    if end == start or last not in {None, end - 1}:
        if end < store.pruned_below:
            raise StoreError(f"block {end} was pruned from {store.path}, which has those from {store.pruned_below} on")
        raise StoreError(f"block {end} is not stored in {store.path}: `headway sync` brings it")
    return Wanted(start, end - 1)


def _write(store: Store, network: Network, wanted: Wanted, stream: BinaryIO, output: Output) -> int:
    """Returns how many bytes were written.

    What is stored was proven when it came, signatures of its own copy included (`ChainRules.verify_block`), whatever
    was skipped of its header: nothing is verified again here.
    """
    from headway.cli.progress import counting
    from headway.store import dump

    size = stream.write(dump.head(wanted.first, wanted.count))
    with counting(output, wanted.count, lambda count: f"exported {count:,} of {wanted.count:,} blocks") as done:
        for number, height in enumerate(range(wanted.first, wanted.last + 1), 1):
            raw = _block(store, network, height)
            size += stream.write(dump.number(len(raw))) + stream.write(raw)
            done(number)
    stream.flush()
    return size


def _is_stored(store: Store, height: Height) -> bool:
    """Genesis is not stored, and always there."""
    position = store.tree.at(height)
    return position == 0 or store.has_block(position)


def _block(store: Store, network: Network, height: Height) -> bytes:
    """Raises StoreError when the bytes on disk are not that block any more."""
    from headway.errors import StoreError
    from headway.store import DamagedFile

    position = store.tree.at(height)
    try:
        raw = store.get_block(position) if position else network.rules.genesis_block
    except DamagedFile as error:
        advice = f"`headway verify --repair {store.path}` lets the next `headway sync` fetch it again"
        raise StoreError(f"block {height} is damaged ({error}): {advice}") from error
    assert raw is not None, "it was asked for because it is stored"
    return raw


@contextmanager
def _target(file: str, *, force: bool) -> Iterator[BinaryIO]:
    """Where the blocks go: a file of another name beside FILE, which takes its place at the end, or is removed."""
    from headway.cli.running import interruptible
    from headway.store.disk import failure

    if file == STDOUT:
        yield sys.stdout.buffer
        return
    path = Path(file)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    _refuse_existing(path, force=force)
    try:
        with interruptible(), unfinished.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _refuse_existing(path, force=force)
        unfinished.replace(path)
    except OSError as error:
        raise failure("write", path, error) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _refuse_existing(path: Path, *, force: bool) -> None:
    from headway.errors import HeadwayError

    if path.exists() and not force:
        raise HeadwayError(f"{path} exists: choose another name, or replace it with --force")
