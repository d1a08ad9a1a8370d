"""`headway follow`: the blocks of the best chain as they come, and those that a better chain takes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headway.cli.options import (
    TIP,
    Reach,
    Seconds,
    as_height,
    checkpoint_option,
    common_options,
    datadir_option,
    default_datadir,
    jsonl_option,
    network_option,
    peer_address,
    reach_options,
    trusting,
    tx_cache_option,
)
from headway.cli.output import Exit, Output

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Unpack

    from headway.aio.node import Node
    from headway.chain.headers import HeaderTree
    from headway.network import Network
    from headway.node.orders import BlockConnected, BlockDisconnected
    from headway.types import BlockId, Height, Locator

START = "--start"


class Start(click.ParamType[Any]):
    name = "HEIGHT|tip|HEIGHT:HASH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Height | str | BlockId:
        from headway.cli.peer.names import parse_block

        if value == TIP:
            return TIP
        if ":" not in value:
            if (height := as_height(value)) is not None:
                return height
            self.fail(f"{value!r} is no height, not {TIP!r}, and no HEIGHT:HASH", param, ctx)
        try:
            return parse_block(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Ledger:
    """What was told, and where to go on."""

    def __init__(self, output: Output, start: Height | str | Locator, most: int | None) -> None:
        """`most`: lines after which it is full."""
        self._output = output
        self._most = most
        self.start = start
        self.last: BlockId | None = start[0] if isinstance(start, tuple) else None
        self.connected = 0
        self.disconnected = 0
        self._events: list[dict[str, Any]] = []

    @property
    def is_full(self) -> bool:
        return self.connected + self.disconnected == self._most

    def joined(self, event: BlockConnected) -> None:
        from headway.cli.peer.names import block_data, block_words, counted, utc

        assert event.block is not None, "`Node.follow` fills it in"
        block, self.last = event.block, event.id
        self.connected += 1
        facts = {"time": block.header.time, "bytes": len(block), "transactions": len(block.transactions)}
        about = f"{utc(block.header.time)}  {counted(facts['transactions'], 'transaction')}, {len(block):,} bytes"
        self._tell({"event": "connected", **block_data(event.id), **facts}, f"+ {block_words(event.id)}  {about}")

    def left(self, event: BlockDisconnected, before: BlockId | None) -> None:
        """`before`: the block below it, which is the last one now."""
        from headway.cli.peer.names import block_data, block_words

        self.last = before
        self.disconnected += 1
        self._tell({"event": "disconnected", **block_data(event.id)}, f"- {block_words(event.id)}")

    def _tell(self, data: dict[str, Any], words: str) -> None:
        if self._output.json:
            self._events.append(data)
        self._output.item(data, text=words)

    def result(self, network: str) -> dict[str, Any]:
        return {
            "network": network,
            "connected": self.connected,
            "disconnected": self.disconnected,
            "last": str(self.last) if self.last is not None else None,
            "events": self._events,
        }


@click.command()
@network_option
@reach_options
@click.option("--peers", type=click.IntRange(1, 1000), default=8, show_default=True, help="Peers to keep connected.")
@datadir_option
@click.option(
    START,
    multiple=True,
    type=Start(),
    default=(TIP,),
    help="Begin with the block at this height, or go on after this block; several blocks, the newest first, if the "
    "newest may have been replaced.  [default: tip]",
)
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many lines.  [default: never]")
@click.option("--deadline", type=Seconds(0, min_open=True), metavar="SECONDS", help="End then, with code 4.")
@tx_cache_option
@checkpoint_option
@jsonl_option
@common_options
def follow(
    *,
    network: Network,
    connect: tuple[str, ...],
    peers: int,
    peers_file: Path | None,
    datadir: Path | None,
    start: tuple[Height | str | BlockId, ...],
    count: int | None,
    deadline: float | None,
    tx_cache: int,
    checkpoint: str | None,
    output: Output,
    **reach: Unpack[Reach],
) -> Exit:
    """Print each block of the best chain as it comes: + for one that joins it, - for one that it leaves again.

    Each block is verified and kept in the data directory. Every event comes once and in order; interrupted, it prints
    the command that goes on from there, whatever becomes of the chain meanwhile.
    """
    from headway.aio.node import Node
    from headway.cli.running import run

    network = trusting(network, checkpoint)
    node = Node(
        network=network,
        peers=peers,
        datadir=datadir or default_datadir(network),
        connect=[peer_address(each, network, "--connect") for each in connect],
        peers_file=peers_file,
        tx_cache=tx_cache,
        **reach,
    )
    ledger = Ledger(output, _start(start), count)
    return run(lambda interrupted: _follow(node, ledger, deadline, output, interrupted))


def _start(given: Sequence[Height | str | BlockId]) -> Height | str | Locator:
    """One height, or the tip, or blocks."""
    from headway.types import BlockId

    blocks = tuple(each for each in given if isinstance(each, BlockId))
    if blocks and len(blocks) == len(given):
        return blocks
    if len(given) > 1:
        raise click.BadParameter("several are blocks, each as HEIGHT:HASH", param_hint=START)
    [only] = given
    assert not isinstance(only, BlockId), "that is one block"
    return only


async def _follow(
    node: Node, ledger: Ledger, deadline: float | None, output: Output, interrupted: asyncio.Event
) -> Exit:
    import asyncio

    from headway.cli import progress
    from headway.cli.running import first_done

    async with node:
        for repair in node.repairs:
            output.note(f"repaired: {repair}")
        showing = asyncio.ensure_future(progress.show(output, node.status, None))
        try:
            outcome = await first_done(
                {
                    Exit.DONE: _tell(node, ledger, showing),
                    Exit.INTERRUPTED: interrupted.wait(),
                    Exit.NO_PEERS: node.until(lambda: node.is_hopeless),
                },
                within=deadline,
            )
        finally:
            showing.cancel()
            await asyncio.wait([showing])
        if outcome is Exit.NO_PEERS and node.status().misbehaved:
            outcome = Exit.INVALID_DATA
        return _report(node, ledger, Exit.INCOMPLETE if outcome is None else outcome, output)


async def _tell(node: Node, ledger: Ledger, showing: asyncio.Future[None]) -> None:
    """`showing`: the progress, which ends before the first line, or that would stand behind it on a terminal."""
    import asyncio
    from contextlib import aclosing

    from headway.node.orders import BlockConnected

    start = ledger.start
    if isinstance(start, str):
        await node.until(lambda: node.machine.sync.has_all_headers)
        start = node.machine.tree.tip.height
    async with aclosing(node.follow(start)) as events:
        async for event in events:
            if not showing.done():
                showing.cancel()
                await asyncio.wait([showing])
            if isinstance(event, BlockConnected):
                ledger.joined(event)
            else:
                ledger.left(event, _below(node.machine.tree, event.id, start))
            if ledger.is_full:
                return


def _below(tree: HeaderTree, block: BlockId, start: Height | Locator) -> BlockId | None:
    """The block below one that was taken back: by its header; of one that we never knew, the next of those that the
    user named."""
    if (position := tree.find(block.hash)) is not None:
        return tree.id(tree.parent(position)) if position else None
    named = start if isinstance(start, tuple) else ()
    return next((each for each in named if each.height < block.height), None)


def _report(node: Node, ledger: Ledger, outcome: Exit, output: Output) -> Exit:
    from headway.cli.progress import cache_data, cache_words
    from headway.cli.running import unreachable

    use = node.status().tx_cache
    if use is not None:
        output.note(cache_words(use))
    result = {**ledger.result(node.network.name), **cache_data(use)}
    resume = f"go on with: {_resume(ledger)}"
    match outcome:
        case Exit.INTERRUPTED:
            output.say(f"interrupted; {resume}")
        case Exit.INCOMPLETE:
            output.say(f"the deadline has come; {resume}")
        case Exit.NO_PEERS:
            result["error"] = unreachable(node.last_errors())
            output.error(f"{result['error']}. Name one that runs with --connect HOST:PORT")
        case Exit.INVALID_DATA:
            result["error"] = "the peers serve invalid data: " + "; ".join(node.last_errors())
            output.error(f"{result['error']}; {resume}")
        case _:
            pass
    output.result(result, text="")
    return outcome


def _resume(ledger: Ledger) -> str:
    """This command once more, from the last block that was told of on."""
    import shlex

    from headway.cli import ARGUMENTS

    words, kept = iter(click.get_current_context().meta[ARGUMENTS]), []
    for word in words:
        if word == START and ledger.last is not None:
            next(words, None)
        elif not (word.startswith(f"{START}=") and ledger.last is not None):
            kept.append(word)
    if ledger.last is not None:
        kept += [START, str(ledger.last)]
    return shlex.join(["headway", *kept])
