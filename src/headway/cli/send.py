"""`headway send`: hand a transaction to peers, and tell who took it and who announced it back."""

from __future__ import annotations

import string
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from headway.cli.options import Reach, Seconds, common_options, network_option, peer_address, reach_options
from headway.cli.output import Exit, Output

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Unpack

    from headway.aio.node import Node
    from headway.network import Network
    from headway.node.broadcast import Broadcast
    from headway.types import Address

LISTENERS: Final = 2
"""Peers beside those that are to take it, where we find peers ourselves: it is for them to announce it back."""
HINT: Final = "A peer does not ask for what it has, nor for what it has refused before: as invalid, or for its low fee"


class Goal(NamedTuple):
    peers: int
    """That are to take it."""
    seconds: float
    """After which it gives up."""


@click.command()
@click.argument("transaction", metavar="TXHEX")
@network_option
@reach_options
@click.option(
    "--peers", type=click.IntRange(1, 100), default=3, show_default=True, help="Peers that are to be given it."
)
@click.option(
    "--timeout",
    type=Seconds(0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait until it is taken, and announced back.",
)
@common_options
def send(
    *,
    transaction: str,
    network: Network,
    connect: tuple[str, ...],
    peers: int,
    peers_file: Path | None,
    timeout: float,
    output: Output,
    **reach: Unpack[Reach],
) -> Exit:
    """Hand a signed transaction, in hex, to peers; `-` reads it from stdin.

    Only its form is checked here: whether it is valid, and pays enough, is for the peers, who do not say. It is
    announced to a few, given to those that ask, and listened for at the others: one that announces it has it through
    the network. No chain is brought for this. Transactions of others are neither kept nor relayed.
    """
    from headway.aio.node import Node
    from headway.cli.running import run

    raw = _read(transaction, network)
    node = Node(
        network=network,
        peers=peers + LISTENERS,
        connect=[peer_address(each, network, "--connect") for each in connect],
        peers_file=peers_file,
        sync=False,
        relay=True,
        **reach,
    )
    return run(lambda interrupted: _send(node, raw, Goal(peers, timeout), output, interrupted))


def _read(text: str, network: Network) -> bytes:
    """The bytes of the transaction. Raises BadParameter for what is none."""
    from headway.errors import LocalProtocolError
    from headway.node.broadcast import forms_of

    if text == "-":
        text = sys.stdin.read(2 * network.limits.max_transaction + 1_000)  # enough to see that it is too long
    digits = "".join(text.split())
    if wrong := set(digits) - set(string.hexdigits):
        raise click.BadParameter(f"{min(wrong)!r} is no hex digit", param_hint="TXHEX")
    if len(digits) % 2:
        raise click.BadParameter(f"{len(digits)} hex digits are no whole number of bytes", param_hint="TXHEX")
    raw = bytes.fromhex(digits)
    try:
        forms_of(raw, network)
    except LocalProtocolError as error:
        raise click.BadParameter(str(error), param_hint="TXHEX") from None
    return raw


async def _send(node: Node, raw: bytes, goal: Goal, output: Output, interrupted: asyncio.Event) -> Exit:
    from headway.cli.running import first_done, resume_command
    from headway.node.broadcast import Broadcast
    from headway.types import hash_hex

    txid = node.network.codec.parser.transaction(raw).txid
    progress = _Progress(Broadcast(txid), output)
    output.note(f"sending {hash_hex(txid)}, {len(raw)} bytes. Only its form was checked")
    async with node:
        outcome = await first_done(
            {
                Exit.DONE: node.broadcast(raw, peers=goal.peers, within=goal.seconds, progress=progress.show),
                Exit.INTERRUPTED: interrupted.wait(),
                Exit.NO_PEERS: node.until(lambda: node.is_hopeless),
            }
        )
        assert outcome is not None, "it was not limited in time"
        result = {"network": node.network.name, "txid": hash_hex(txid), "bytes": len(raw), **progress.lists()}
        if outcome is Exit.INTERRUPTED:
            output.say(f"interrupted. Send it again with: {resume_command()}")
        elif not progress.report.taken_by:
            outcome = Exit.INCOMPLETE if progress.report.announced_to else Exit.NO_PEERS
            result["error"] = _why_not(node, progress.report, goal)
            output.error(result["error"])
    output.result(result)
    return outcome


def _why_not(node: Node, report: Broadcast, goal: Goal) -> str:
    """Why nobody took it, and what to do next."""
    if report.announced_to:
        known = f" {_named(report.returned_by)} announced it: it is known already." if report.returned_by else ""
        return f"none of {_counted(report.announced_to)} took it within {goal.seconds:g} s.{known} {HINT}"
    if ready := node.status().peers:
        return (
            f"ready peers: {ready}, and none of them wants to hear of transactions: name one that does with --connect"
        )
    failed = "; ".join(node.last_errors()) or "no address is known"
    return f"no peer is reachable: {failed}. Name one that runs with --connect HOST:PORT"


class _Progress:
    """Says on stderr what has newly happened."""

    def __init__(self, report: Broadcast, output: Output) -> None:
        self.report = report
        self._output = output

    def show(self, report: Broadcast) -> None:
        before, self.report = self.report, report
        for verb, seen, now in (
            ("announced to", before.announced_to, report.announced_to),
            ("taken by", before.taken_by, report.taken_by),
            ("announced back by", before.returned_by, report.returned_by),
        ):
            if new := now[len(seen) :]:
                self._output.note(f"{verb} {_named(new)}")

    def lists(self) -> Mapping[str, Any]:
        """The addresses, as the result has them."""
        report = self.report
        return {
            "announced_to": [str(address) for address in report.announced_to],
            "taken_by": [str(address) for address in report.taken_by],
            "returned_by": [str(address) for address in report.returned_by],
        }


def _named(addresses: tuple[Address, ...]) -> str:
    """`3 peers: a, b, c`, or the one."""
    return f"{_counted(addresses)}: {', '.join(map(str, addresses))}" if len(addresses) > 1 else str(addresses[0])


def _counted(addresses: tuple[Address, ...]) -> str:
    return "1 peer" if len(addresses) == 1 else f"{len(addresses)} peers"
