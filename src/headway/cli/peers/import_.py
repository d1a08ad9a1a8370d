"""`headway peers import`: addresses and bans from files of ours and of Bitcoin Core, told apart by what is in them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from headway.cli.options import common_options, datadir_option, network_option
from headway.cli.output import Exit, Output, harmless
from headway.errors import ConfigError

if TYPE_CHECKING:
    from headway.network import Network
    from headway.node.addrbook import AddressBook
    from headway.types import Address, Ban, PeerRecord

HEAD = 64
"""Bytes by which files are told apart."""
STDIN = "-"


class Found(NamedTuple):
    """What one file holds."""

    format: str
    """As `headway peers export` names it; or `anchors.dat`."""
    peers: tuple[PeerRecord, ...] = ()
    addresses: tuple[Address, ...] = ()
    anchors: tuple[Address, ...] = ()
    bans: tuple[Ban, ...] = ()
    passed_over: int = 0


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(allow_dash=True))
@network_option
@datadir_option
@common_options
def import_(*, files: tuple[str, ...], network: Network, datadir: Path | None, output: Output) -> Exit:
    """Take over what files know: a peers file (host:port a line; `-`: from stdin), Bitcoin Core's peers.dat,
    anchors.dat and banlist.json. Which one a file is, is seen from what is in it.

    All of them, or, where one cannot be read, none.
    """
    from headway.cli.peers.kept import opened

    found = {file: read(file, network) for file in files}
    with opened(network, datadir, output, make=True) as kept:
        taken = [{"file": file} | take(each, kept, int(time.time())) for file, each in found.items()]
    lines = [
        f"{each['file']}: {each['format']}, {each['entries']:,} entries, {each['new']:,} new, "
        f"{each['passed_over']:,} passed over"
        for each in taken
    ]
    output.result({"network": network.name, "files": taken}, text="\n".join(map(harmless, lines)))
    return Exit.DONE


def read(file: str, network: Network) -> Found:
    """Raises ConfigError that says what is wrong with the file."""
    from headway.store.core_bans import read_banlist
    from headway.store.core_peers import read_peers_dat
    from headway.store.peers_file import read_peers_file

    path = Path("/dev/stdin" if file == STDIN else file)
    head = _head(path)
    if head.startswith(network.magic) or b"\0" in head:
        try:
            book = read_peers_dat(path, network)
        except ConfigError as error:
            return _anchors(path, network, error)
        return Found("peers.dat", peers=book.records.peers, passed_over=book.passed_over)
    if head.lstrip().startswith(b"{"):
        bans, passed_over = read_banlist(path)
        return Found("banlist.json", bans=bans, passed_over=passed_over)
    return Found("peers-file", addresses=read_peers_file(path, network.port))


def _head(path: Path) -> bytes:
    """How a file begins; nothing of what is no file (a pipe), which could not be read again: it is a peers file."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def _anchors(path: Path, network: Network, error: ConfigError) -> Found:
    """Peers.dat and anchors.dat begin alike: what is neither is told as the first."""
    from headway.store.core_peers import read_anchors_dat

    try:
        return Found("anchors.dat", anchors=read_anchors_dat(path, network))
    except ConfigError:
        raise error from None


def take(found: Found, kept: AddressBook, now: int) -> dict[str, Any]:
    """Into the book, as far as there is room. How many there were, and of how many the book had not known."""
    from headway.cli.peers.kept import NOW
    from headway.store.rows import MAX_ANCHORS

    new = kept.merge(found.peers, NOW) + kept.add_all((*found.addresses, *found.anchors), now=NOW)
    kept.anchors = tuple(dict.fromkeys((*found.anchors, *kept.anchors)))[:MAX_ANCHORS]
    bans, passed_over = 0, found.passed_over
    known = {ban.subnet for ban in kept.bans.listed(now)}
    for ban in found.bans:
        if ban.until <= now:  # it has ended
            passed_over += 1
            continue
        try:
            made = kept.bans.ban(ban.subnet, created=ban.created, until=ban.until, reason=ban.reason)
            bans += made.subnet not in known
        except ValueError:
            passed_over += 1
    return {
        "format": found.format,
        "entries": len(found.peers) + len(found.addresses) + len(found.anchors) + len(found.bans) + found.passed_over,
        "new": new + bans,
        "passed_over": passed_over,
    }
