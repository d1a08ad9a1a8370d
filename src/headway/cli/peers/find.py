"""`headway peers find`: addresses of the book that offer something, in the form of a peers file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import click

from headway.cli.options import common_options, datadir_option, jsonl_option, network_option
from headway.cli.output import Exit, Output
from headway.types import Net, Services, network_of

if TYPE_CHECKING:
    from pathlib import Path

    from headway.cli.peers.book import Line
    from headway.network import Network

SERVICES = [str(flag.name) for flag in Services]


class Wanted(NamedTuple):
    services: int
    """All of these bits."""
    nets: frozenset[str]
    """One of these; empty: any."""
    agent: str
    """A part of the user agent, in lower case."""

    def suits(self, line: Line) -> bool:
        """Nobody is found whom we leave alone, or who follows another chain."""
        record = line.record
        return (
            not (line.banned_until or line.discouraged_until or record.other_chain)
            and record.address.services & self.services == self.services
            and (not self.nets or network_of(record.address) in self.nets)
            and self.agent in record.merit.user_agent.lower()
        )


@click.command()
@network_option
@datadir_option
@click.option(
    "--service",
    "services",
    multiple=True,
    type=click.Choice(SERVICES, case_sensitive=False),
    help="That offer this, as they or others claim; may be repeated: and this.",
)
@click.option(
    "--net",
    "nets",
    multiple=True,
    type=click.Choice([str(net) for net in Net]),
    help="There; may be repeated: or there.",
)
@click.option("--agent", default="", metavar="TEXT", help="Whose user agent has this in it.")
@click.option("--tried", is_flag=True, help="Only those that we have been connected to.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="So many at most.  [default: all]")
@jsonl_option
@common_options
def find(
    *,
    network: Network,
    datadir: Path | None,
    services: tuple[str, ...],
    nets: tuple[str, ...],
    agent: str,
    tried: bool,
    limit: int | None,
    output: Output,
) -> Exit:
    """Print addresses of the book, one host:port a line, the best first: what --connect and --peers-file take.

    Those that are banned, discouraged or of another chain are left out.
    """
    from headway.cli.peers.book import line_data, lines_of
    from headway.cli.peers.kept import looked_at

    bits = sum(Services[name.upper()] for name in set(services))
    wanted = Wanted(bits, frozenset(nets), agent.lower())
    kept = looked_at(network, datadir, output)
    lines = lines_of(kept, time.time())
    found = [line for line in lines if wanted.suits(line) and (line.record.tried or not tried)][:limit]
    for line in found:
        output.item(line_data(line), text=str(line.record.address))
    output.note(f"found: {len(found):,} of {len(lines):,} addresses")
    listed = [line_data(line) for line in found] if output.json else []
    output.result({"network": network.name, "addresses": listed}, text="")
    return Exit.DONE
