"""`headway peers unban`: bans taken back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from headway.cli.options import common_options, datadir_option, network_option
from headway.cli.output import Exit, Output
from headway.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from headway.network import Network


@click.command()
@click.argument("subnets", nargs=-1, metavar="[SUBNET]...")
@network_option
@datadir_option
@click.option("--all", "everything", is_flag=True, help="All of them.")
@common_options
def unban(
    *, subnets: tuple[str, ...], network: Network, datadir: Path | None, everything: bool, output: Output
) -> Exit:
    """Take bans back, each named as `headway peers ban` prints it; a host within a banned network is none.

    Where one is not there, nothing is changed.
    """
    from headway.cli.peers.kept import opened

    if bool(subnets) == everything:
        raise click.UsageError("name the bans to be taken back, or --all of them")
    with opened(network, datadir, output) as kept:
        bans = kept.bans
        lifted = [each.subnet for each in bans.listed(time.time())] if everything else list(subnets)
        for subnet in lifted:
            try:
                if not bans.unban(subnet):
                    raise ConfigError(f"there is no ban of {subnet}: `headway peers ban` prints those that there are")
            except ValueError as error:
                raise ConfigError(str(error)) from None
    output.result({"network": network.name, "lifted": lifted}, text="\n".join(lifted))
    return Exit.DONE
