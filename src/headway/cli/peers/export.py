"""`headway peers export`: the addresses or the bans of the book, as files that others read."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from headway.cli.options import common_options, datadir_option, network_option
from headway.cli.output import Exit, Output
from headway.errors import ConfigError, HeadwayError

if TYPE_CHECKING:
    from headway.network import Network
    from headway.node.addrbook import AddressBook

STDOUT: Final = "-"
FORMATS: Final = ("peers-file", "peers.dat", "banlist.json")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@network_option
@datadir_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    required=True,
    help="peers-file: host:port a line; peers.dat: addresses for Bitcoin Core; banlist.json: bans for Bitcoin Core.",
)
@click.option("--force", is_flag=True, help="Replace FILE when it exists.")
@common_options
def export(*, file: str, network: Network, datadir: Path | None, format_: str, force: bool, output: Output) -> Exit:
    """Write the addresses of the book, or its bans, to FILE, or to stdout when it is `-`.

    A peers.dat holds the secret by which this book places addresses: give it to your own node, and to nobody else.
    """
    from headway.cli.peers.kept import looked_at
    from headway.networks.bitcoin.codec import BitcoinCodec

    if file == STDOUT and output.json:
        raise ConfigError("--json and the file cannot both go to stdout: name a file")
    if format_ == "peers.dat" and not isinstance(network.codec, BitcoinCodec):
        raise ConfigError(f"a peers.dat is of Bitcoin Core, which is no node of {network.name}: --format peers-file")
    if file != STDOUT and Path(file).exists() and not force:
        raise HeadwayError(f"{file} exists: choose another name, or replace it with --force")
    kept = looked_at(network, datadir, output)
    if file != STDOUT:
        count = write(kept, network, format_, Path(file))
    else:
        with tempfile.TemporaryDirectory(prefix="headway-") as directory:
            path = Path(directory) / "export"
            count = write(kept, network, format_, path)
            content = path.read_bytes()
    if file == STDOUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        output.note(f"exported: {count:,} entries as {format_}")
    else:
        output.result({"network": network.name, "format": format_, "entries": count})
    return Exit.DONE


def write(kept: AddressBook, network: Network, format_: str, path: Path) -> int:
    """How many entries were written."""
    from headway.store.core_bans import write_banlist
    from headway.store.core_peers import write_peers_dat
    from headway.store.peers_file import write_peers_file

    records = kept.records()
    if format_ == "peers.dat":
        return write_peers_dat(path, records, network)
    if format_ == "banlist.json":
        return write_banlist(path, records.bans)
    peers = sorted(records.peers, key=lambda each: (not each.tried, -each.last_success, each.address.host))
    write_peers_file(path, (each.address for each in peers), f"{network.name}: the best first")
    return len(peers)
