"""`headway peers list`: a pool connected as `sync` would, as the table of `bitcoin-cli -netinfo 4`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from headway.cli.options import (
    Reach,
    Seconds,
    common_options,
    datadir_option,
    default_datadir,
    jsonl_option,
    network_option,
    peer_address,
    reach_options,
)
from headway.cli.output import Exit, Output, harmless

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path
    from typing import Unpack

    from headway.aio.node import Node
    from headway.network import Network
    from headway.peer.info import PeerInfo

HEADING = (
    f"{'<->':<3} {'type':<6} {'net':<5} {'mping':>5} {'ping':>5} {'send':>5} {'recv':>5} {'blk':>5} {'addrp':>5} "
    f"{'age':>5} {'height':>8} {'id':>4}  {'address':<24} version"
)
TYPES = {"outbound-full-relay": "full", "block-relay-only": "block", "addr-fetch": "addr", "inbound": ""}


@click.command("list")
@network_option
@reach_options
@click.option("--peers", type=click.IntRange(1, 1000), default=8, show_default=True, help="Peers to keep connected.")
@datadir_option
@click.option(
    "--seconds", type=Seconds(0, min_open=True), default=10.0, show_default=True, help="When to print the table."
)
@click.option("--watch", is_flag=True, help="Print it again every --seconds (on a terminal: redraw it), until Ctrl-C.")
@jsonl_option
@common_options
def list_(
    *,
    network: Network,
    connect: tuple[str, ...],
    peers: int,
    peers_file: Path | None,
    datadir: Path | None,
    seconds: float,
    watch: bool,
    output: Output,
    **reach: Unpack[Reach],
) -> Exit:
    """Connect to peers as `headway sync --headers-only` does, into the same data directory, and show them as a table.

    With --json: the objects of getpeerinfo.
    """
    from headway.aio.node import Node
    from headway.cli.running import run

    node = Node(
        network=network,
        peers=peers,
        datadir=datadir or default_datadir(network),
        connect=[peer_address(each, network, "--connect") for each in connect],
        peers_file=peers_file,
        headers_only=True,
        **reach,
    )
    return run(lambda interrupted: _list(node, seconds, output, interrupted, watch=watch))


async def _list(node: Node, seconds: float, output: Output, interrupted: asyncio.Event, *, watch: bool) -> Exit:
    from headway.cli.running import first_done, unreachable

    async with node:
        for repair in node.repairs:
            output.note(f"repaired: {repair}")
        outcome = await first_done(
            {Exit.INTERRUPTED: interrupted.wait(), Exit.NO_PEERS: node.until(lambda: node.is_hopeless)},
            meanwhile=_watch(node, seconds, output) if watch else None,
            within=None if watch else seconds,
        )
        found = node.peers()
        result: dict[str, Any] = {
            "network": node.network.name,
            "height": node.status().tip.height,
            "peers": [info.as_dict() for info in found],
        }
        if outcome is not Exit.INTERRUPTED and not node.status().peers:
            outcome = Exit.NO_PEERS
            result["error"] = unreachable(node.last_errors())
            output.error(f"{result['error']}. Name one that runs with --connect HOST:PORT")
        if not watch:
            _print(found, output)
        output.result(result, text="")
    return Exit.DONE if outcome is None else outcome


async def _watch(node: Node, seconds: float, output: Output) -> None:
    """Show the table again and again, until cancelled."""
    import asyncio
    import os

    if output.json or output.jsonl or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        while True:
            await asyncio.sleep(seconds)
            _print(node.peers(), output)
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(), auto_refresh=False) as live:
        while True:
            head = f"{node.network.name}  height {node.status().tip.height:,}  {node.status().peers} peers"
            table = "\n".join([head, *table_of(node.peers(), time.time())])
            live.update(Text(table, overflow="fold"), refresh=True)
            await asyncio.sleep(min(seconds, 1.0))


def _print(found: list[PeerInfo], output: Output) -> None:
    heading, *lines = table_of(found, time.time())
    output.data(heading)
    for info, line in zip(_sorted(found), lines, strict=True):
        output.item(info.as_dict(), text=line)


def table_of(found: list[PeerInfo], wall_time: float) -> list[str]:
    """The heading, and a line a peer: pings in milliseconds, send and recv seconds ago, blk and age minutes."""
    return [HEADING, *(_line(info, wall_time) for info in _sorted(found))]


def _sorted(found: list[PeerInfo]) -> list[PeerInfo]:
    return sorted(found, key=lambda info: (info.inbound, info.connection_type, info.id))


def _line(info: PeerInfo, wall_time: float) -> str:
    from headway.cli.peers.book import short_net

    def ago(at: int, unit: int = 1) -> str:
        return f"{max(int(wall_time) - at, 0) // unit}" if at else "-"

    def ms(ping: float | None) -> str:
        return "-" if ping is None else f"{ping * 1000:.0f}"

    return harmless(
        f"{'in' if info.inbound else 'out':<3} {TYPES.get(info.connection_type, info.connection_type):<6} "
        f"{short_net(info.network):<5} {ms(info.minping):>5} {ms(info.pingtime):>5} {ago(info.lastsend):>5} "
        f"{ago(info.lastrecv):>5} {ago(info.last_block, 60):>5} {info.addr_processed:>5} {ago(info.conntime, 60):>5} "
        f"{info.headway.height:>8} {info.id:>4}  {info.addr:<24} {info.version}{info.subver}"
    )
