"""`headway serve`: answer other nodes from the data directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headway.cli.options import (
    Serving,
    bind_address,
    checkpoint_option,
    common_options,
    datadir_option,
    default_datadir,
    metrics_option,
    network_option,
    serving_options,
    trusting,
)
from headway.cli.output import Exit, Output

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path
    from typing import Unpack

    from headway.aio.node import Node
    from headway.network import Network
    from headway.types import Address


@click.command()
@network_option
@datadir_option
@click.option(
    "--bind",
    multiple=True,
    metavar="HOST:PORT",
    default=("127.0.0.1",),
    help="Where to listen, [::]:PORT for IPv6; port 0: any; may be repeated.  [default: 127.0.0.1]",
)
@serving_options
@checkpoint_option
@metrics_option
@common_options
def serve(
    *,
    network: Network,
    datadir: Path | None,
    bind: tuple[str, ...],
    checkpoint: str | None,
    metrics: Address | None,
    output: Output,
    **serving: Unpack[Serving],
) -> Exit:
    """Answer other nodes from the data directory: headers, blocks and pings.

    Prints `listening HOST:PORT` on stderr once it accepts connections.
    """
    from headway.aio.node import Node
    from headway.cli.running import run

    node = Node(
        network=trusting(network, checkpoint),
        peers=0,
        datadir=datadir or default_datadir(network),
        bind=[bind_address(each, network, "--bind") for each in bind],
        metrics=metrics,
        **serving,
    )
    return run(lambda interrupted: _serve(node, output, interrupted))


async def _serve(node: Node, output: Output, interrupted: asyncio.Event) -> Exit:
    from headway.cli.running import resume_command
    from headway.types import hash_hex

    async with node:
        for repair in node.repairs:
            output.note(f"repaired: {repair}")
        tip = node.status().tip
        if tip == node.network.rules.root:
            output.note("there is nothing here yet to serve but the first block: bring a chain with `headway sync`")
        if node.metrics is not None:
            output.say(f"metrics http://{node.metrics}/metrics")
        for each in node.bound:
            output.say(f"listening {each}")
        await interrupted.wait()
        output.note(f"interrupted. Serve again with: {resume_command()}")
        result = {"network": node.network.name, "listening": str(node.listening), "height": tip.height}
        output.result({**result, "hash": hash_hex(tip.hash), "peers": node.status().peers})
    return Exit.INTERRUPTED
