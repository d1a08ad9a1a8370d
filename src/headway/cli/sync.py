"""`headway sync`: a verified chain of headers and blocks into the data directory. It resumes where it was ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from headway.cli.options import (
    TIP,
    Reach,
    Seconds,
    Serving,
    Size,
    bind_addresses,
    checkpoint_option,
    common_options,
    datadir_option,
    default_datadir,
    metrics_option,
    network_option,
    peer_address,
    reach_options,
    serving_options,
    trusting,
    tx_cache_option,
)
from headway.cli.output import Exit, Output

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path
    from typing import Unpack

    from headway.aio.node import Node
    from headway.aio.status import NodeStatus
    from headway.network import Network
    from headway.types import Address

LONGEST_TIMEOUT = 600.0
"""Seconds. Core counts -timeout in milliseconds: its default of 5000 is to be refused, and not waited for."""


class HeightOrTip(click.ParamType[Any]):
    name = "HEIGHT|tip"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if value == TIP:
            return TIP
        try:
            height = int(value)
        except ValueError:
            height = -1
        if height < 0:
            self.fail(f"{value!r} is no height (a number from 0 on) and not {TIP!r}", param, ctx)
        return height


class Options(Reach, Serving):
    """Those that go to `Node` as they are."""


class Goal(NamedTuple):
    """When `sync` is done."""

    height: int | None
    """There; None: at the tip."""
    follows: bool
    """Never: it goes on after the tip."""
    deadline: float | None
    """Seconds after which it gives up."""


@click.command()
@network_option
@reach_options
@click.option("--peers", type=click.IntRange(1, 1000), default=8, show_default=True, help="Peers to keep connected.")
@click.option(
    "--timeout",
    type=Seconds(0, LONGEST_TIMEOUT, min_open=True),
    metavar="SECONDS",
    help="How long to dial; twice as long through a proxy, to an onion service three times.  [default: 10]",
)
@datadir_option
@click.option("--stop-at", type=HeightOrTip(), help="End there.  [default: go on following the chain]")
@click.option("--deadline", type=Seconds(0, min_open=True), metavar="SECONDS", help="End then, with code 4.")
@click.option("--headers-only", is_flag=True, help="No blocks.")
@click.option(
    "--verify-every-header",
    is_flag=True,
    help="Check every header's signatures, not only as many as prove all hashes (chains of signed headers).",
)
@click.option(
    "--durability",
    type=click.Choice(["none", "batch", "block"]),
    default="batch",
    show_default=True,
    help="When to wait for the medium: never; once a second and at the end; with each block.",
)
@click.option(
    "--prune",
    type=Size(),
    metavar="SIZE",
    help="Keep about so many bytes of blocks (550MB, 2GB), the last 288 at least.  [default: keep all]",
)
@tx_cache_option
@click.option("--listen", is_flag=True, help="Serve others what is here: on all addresses, or where --bind says.")
@click.option(
    "--bind",
    multiple=True,
    metavar="HOST:PORT",
    help="Serve others what is here, there; [::]:PORT for IPv6; port 0: any; may be repeated.",
)
@serving_options
@checkpoint_option
@metrics_option
@common_options
def sync(
    *,
    network: Network,
    connect: tuple[str, ...],
    peers: int,
    peers_file: Path | None,
    timeout: float | None,
    datadir: Path | None,
    stop_at: int | str | None,
    deadline: float | None,
    headers_only: bool,
    verify_every_header: bool,
    durability: str,
    prune: int | None,
    tx_cache: int,
    listen: bool,
    bind: tuple[str, ...],
    checkpoint: str | None,
    metrics: Address | None,
    output: Output,
    **options: Unpack[Options],
) -> Exit:
    """Bring headers and blocks into the data directory, verified.

    It resumes where it was ended, however it was ended. What is checked, and what is not, says `headway verify`.
    """
    from headway.aio.node import Node
    from headway.cli.running import run

    network = trusting(network, checkpoint)
    if timeout is not None:
        network = replace(network, timing=replace(network.timing, connect_timeout=timeout))
    goal = Goal(stop_at if isinstance(stop_at, int) else None, stop_at is None, deadline)
    node = Node(
        network=network,
        peers=peers,
        datadir=datadir or default_datadir(network),
        connect=[peer_address(each, network, "--connect") for each in connect],
        peers_file=peers_file,
        headers_only=headers_only,
        stop_at=goal.height,
        verify_every_header=verify_every_header,
        durability=durability,
        prune=prune,
        tx_cache=tx_cache,
        bind=bind_addresses(bind, network, listen=listen),
        metrics=metrics,
        **options,
    )
    return run(lambda interrupted: _sync(node, goal, output, interrupted))


async def _sync(node: Node, goal: Goal, output: Output, interrupted: asyncio.Event) -> Exit:
    import asyncio

    from headway.cli import progress
    from headway.cli.running import first_done
    from headway.store import DiskFull

    clock = asyncio.get_running_loop().time
    ends_at = None if goal.deadline is None else clock() + goal.deadline
    async with node:
        for repair in node.repairs:
            output.note(f"repaired: {repair}")
        for each in node.bound:
            output.say(f"listening {each}")
        if node.metrics is not None:
            output.say(f"metrics http://{node.metrics}/metrics")
        try:
            outcome = await first_done(
                {
                    Exit.DONE: _synced(node, goal, output),
                    Exit.INTERRUPTED: interrupted.wait(),
                    Exit.NO_PEERS: node.until(lambda: node.is_hopeless),
                },
                meanwhile=progress.show(output, node.status, goal.height),
                within=None if ends_at is None else max(ends_at - clock(), 0.0),
            )
        except DiskFull as error:
            raise DiskFull(f"{error}{_still_to_come(node.status(), goal.height)}") from error
        if outcome is Exit.NO_PEERS and node.status().misbehaved:
            outcome = Exit.INVALID_DATA
        return _report(node, goal, Exit.INCOMPLETE if outcome is None else outcome, output)


async def _synced(node: Node, goal: Goal, output: Output) -> None:
    """Done when the goal is reached; never when it is to follow the chain."""
    await node.synced(goal.height)
    if goal.follows:
        output.note(f"at the tip, height {node.status().tip.height:,}; following the chain, Ctrl-C ends")
        await node.until(lambda: False)


def _still_to_come(status: NodeStatus, stop_at: int | None) -> str:
    """How many blocks are missing, and about how much room they need."""
    top = status.header_tip.height if stop_at is None else min(stop_at, status.header_tip.height)
    missing = top - (status.block_tip.height if status.block_tip else -1)
    if missing <= 0:
        return ""
    size = f", about {missing * status.block_bytes / status.blocks / 1e6:,.1f} MB" if status.blocks else ""
    return f". Still to come: {missing:,} blocks{size}"


def _report(node: Node, goal: Goal, outcome: Exit, output: Output) -> Exit:
    from headway.cli.running import resume_command, unreachable

    result = result_of(node, goal.height)
    resume = f"What is here is kept; go on with: {resume_command()}"
    match outcome:
        case Exit.INTERRUPTED:
            output.say(f"interrupted at height {result['height']:,}. {resume}")
        case Exit.INCOMPLETE:
            failed = "; ".join(node.last_errors())
            because = f" (peers failed: {failed})" if failed else ""
            output.say(f"the deadline came at height {result['height']:,}{because}. {resume}")
        case Exit.NO_PEERS:
            result["error"] = unreachable(node.last_errors())
            output.error(f"{result['error']}. Name one that runs with --connect HOST:PORT")
        case Exit.INVALID_DATA:
            result["error"] = "the peers serve invalid data: " + "; ".join(node.last_errors())
            output.error(f"{result['error']}. {resume}")
        case _:
            pass
    output.result(result)
    return outcome


def result_of(node: Node, stop_at: int | None) -> dict[str, Any]:
    """The object that `sync` prints: where the data directory is now, and what this run did."""
    from headway import kernel
    from headway.cli.progress import cache_data
    from headway.types import hash_hex

    status = node.status()
    tip = status.tip
    if stop_at is not None and stop_at < tip.height:
        tip = node.machine.tree.id(node.machine.tree.at(stop_at))
    return {
        "network": status.network,
        "height": tip.height,
        "hash": hash_hex(tip.hash),
        "headers": status.headers,
        "blocks": status.blocks,
        "bytes": status.block_bytes,
        "seconds": round(status.seconds, 6),
        "headers_per_second": round(status.headers_per_second, 1),
        "blocks_per_second": round(status.blocks_per_second, 1),
        "mb_per_second": round(status.mb_per_second, 3),
        "peers": status.peers,
        "stalls": status.stalls,
        "reorgs": status.reorgs,
        "kernel": kernel.NAME,
        **cache_data(status.tx_cache),
    }
