"""`headway peers ban`: whom to neither dial nor admit; alone, the bans that there are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import click

from headway.cli.options import Seconds, common_options, datadir_option, network_option
from headway.cli.output import Exit, Output
from headway.cli.peer.names import utc
from headway.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from headway.network import Network
    from headway.types import Ban

LONGEST: Final = 1 << 36
"""Seconds, some 2,000 years: what ends later is no date."""


@click.command()
@click.argument("subnets", nargs=-1, metavar="[SUBNET]...")
@network_option
@datadir_option
@click.option(
    "--for", "seconds", type=Seconds(1, LONGEST), metavar="SECONDS", help="How long.  [default: 86400, a day]"
)
@click.option("--reason", default="", metavar="TEXT", help="Why, for people.")
@common_options
def ban(
    *,
    subnets: tuple[str, ...],
    network: Network,
    datadir: Path | None,
    seconds: float | None,
    reason: str,
    output: Output,
) -> Exit:
    """Ban a host or a network (1.2.3.4, 1.2.3.0/24, 2001:db8::/32, an onion or I2P name): it is neither dialled nor
    admitted until that ends. Without any: print the bans that hold.

    Banned again, a ban lasts from now on.
    """
    from headway.cli.peers.kept import looked_at, opened
    from headway.node.bans import BAN_FOR

    now = int(time.time())
    if subnets:
        with opened(network, datadir, output, make=True) as kept:
            try:
                bans = [
                    kept.bans.ban(subnet, created=now, until=now + int(seconds or BAN_FOR), reason=reason)
                    for subnet in subnets
                ]
            except ValueError as error:
                raise ConfigError(str(error)) from None
    else:
        bans = looked_at(network, datadir, output).bans.listed(now)
    text = "\n".join(ban_text(each) for each in bans)
    output.result({"network": network.name, "bans": [ban_data(each) for each in bans]}, text=text)
    return Exit.DONE


def ban_data(ban: Ban) -> dict[str, Any]:
    """For JSON, in the words of Core's listbanned."""
    return {
        "address": ban.subnet,
        "ban_created": ban.created,
        "banned_until": ban.until,
        "ban_duration": ban.until - ban.created,
        "reason": ban.reason,
    }


def ban_text(ban: Ban) -> str:
    return f"{ban.subnet:<28} until {utc(ban.until)}{f'  {ban.reason}' if ban.reason else ''}"
