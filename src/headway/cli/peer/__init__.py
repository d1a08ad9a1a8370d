"""`headway peer ACTION HOST:PORT`: one peer, asked one thing. One file an action, loaded when it is called.

Here: the group, in which a first argument that is no action is the HOST of `info`. What the actions share is in
`session`; all of them go through `headway.aio.peer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headway.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIONS = {
    "info": "Shake hands and report what the peer says of itself; also without the word.",
    "ping": "Measure round trips, like ping(8).",
    "headers": "Fetch headers, judged by the rules of the network.",
    "blocks": "Fetch blocks, each verified.",
    "addresses": "Ask for addresses of other peers.",
    "shell": "Type messages, and see the protocol go by.",
}
"""Name -> short help. `headway.cli.peer.NAME` holds the click command NAME."""

_TAKE_A_VALUE = ("--network", "--timeout", "--color", "--proxy", "--onion")
"""Common options whose value is a word of its own, and no action."""


class _Actions(LazyGroup):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, action_first(args))


def action_first(args: Sequence[str]) -> list[str]:
    """The command line with its action in front; options may come before it, and `info` need not be said."""
    at = 0
    while at < len(args) and args[at].startswith("-"):
        if args[at] in {"-h", "--help"}:
            return list(args)
        at += 2 if args[at] in _TAKE_A_VALUE else 1
    if not args:
        return []
    if at < len(args) and args[at] in ACTIONS:
        return [args[at], *args[:at], *args[at + 1 :]]
    return ["info", *args]


@click.group(
    cls=_Actions,
    package="headway.cli.peer",
    table=ACTIONS,
    subcommand_metavar="[ACTION] HOST:PORT [ARGS]...",
    epilog="Every action takes --network, --timeout, --proxy, --onion, --json, -q, -v and --color: "
    "see headway peer ACTION --help.",
)
def peer() -> None:
    """Talk to one peer. `headway peer HOST:PORT` alone is `headway peer info HOST:PORT`."""
