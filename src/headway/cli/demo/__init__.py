"""`headway demo`: a network of real loopback peers, three of them faulty, and a sync from them."""

from __future__ import annotations

from pathlib import Path

import click

from headway.cli.demo.family import FAMILIES
from headway.cli.options import common_options
from headway.cli.output import Exit, Output


@click.command()
@click.option(
    "--network",
    "family",
    type=click.Choice(list(FAMILIES)),
    default="bitcoin",
    show_default=True,
    help="What kind of network: regtest, or a private one of Neo whose validators sign each block.",
)
@click.option(
    "--blocks",
    type=click.IntRange(100, 10_000),
    default=2_000,
    show_default=True,
    help="Length of the chain; a block has 50 kB on average, a signed one of Neo 5 to 6 kB.",
)
@click.option(
    "--datadir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the chain is kept for the next time.  [default: the user's cache directory]",
)
@common_options
def demo(family: str, blocks: int, datadir: Path | None, output: Output) -> Exit:
    """Sync a chain from five peers on this machine: one stalls, one sends a corrupt block, one leaves.

    The chain is made once: regtest blocks with real work and transactions like real ones, or blocks of Neo signed by
    validators, who change half-way. Each peer is a process that serves it over loopback TCP by the code of `headway
    serve`. The sync writes to a temporary directory, checks every rule as for any network, and must end at the right
    block whatever the three do. Takes a few seconds; on neo2 ten more, for its nodes tell by silence that they have no
    more headers.
    """
    import platformdirs

    from headway.cli.demo.run import demonstrate
    from headway.cli.running import run

    directory = datadir or platformdirs.user_cache_path("headway", appauthor=False) / "demo"
    return run(lambda interrupted: demonstrate(directory, FAMILIES[family](), blocks, output, interrupted))
