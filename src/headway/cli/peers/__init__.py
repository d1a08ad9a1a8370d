"""`headway peers ACTION`: the pool of peers, and the address book of the data directory. One file an action.

All but `list` work without a network, on a directory that no other headway has open (`kept`).
"""

from __future__ import annotations

import click

from headway.cli.lazy import LazyGroup

ACTIONS = {
    "list": "Connect to peers as sync does, and show them as a table.",
    "book": "Print the address book: what is known of each address.",
    "find": "Print the addresses that offer something, one a line.",
    "ban": "Ban a network or a host; alone: print the bans.",
    "unban": "Take bans back.",
    "import": "Take over addresses and bans from files.",
    "export": "Write the addresses, or the bans, to a file.",
}
"""Name -> short help. `headway.cli.peers.NAME` holds the click command NAME."""


@click.group(
    cls=LazyGroup,
    package="headway.cli.peers",
    table=ACTIONS,
    epilog="Every action takes --network, --datadir, --json, -q, -v and --color: see headway peers ACTION --help.",
)
def peers() -> None:
    """Show the pool of peers, and look after the address book."""
