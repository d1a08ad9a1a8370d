"""`headway peer headers HOST:PORT`: the headers after a block, judged by the rules of their chain as far as it goes.

From genesis on everything is known that the rules need; from another block on they say what they could not check.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from headway.cli.output import Exit, Output
from headway.cli.peer.names import BlockName, block_data, block_heading, block_words, counted, unchecked_words, utc
from headway.cli.peer.session import Target, dialled, ending_of, finish, genesis_of, open_raw, peer_options, raw_option
from headway.errors import HeadwayError
from headway.types import UNKNOWN_HEIGHT, BlockId

if TYPE_CHECKING:
    import asyncio

    from headway.aio.peer import Peer
    from headway.network import Network
    from headway.types import Header
    from headway.wire.messages import Headers


@click.command()
@peer_options(many=True)
@click.option(
    "--from", "start", type=BlockName(), metavar="[HEIGHT:]HASH", help="After this block.  [default: genesis]"
)
@click.option("--count", type=click.IntRange(1), metavar="N", help="Up to N.  [default: what one message brings]")
@raw_option("Write them there, back to back; print none.")
def headers(target: Target, start: BlockId | None, count: int | None, raw: str | None, output: Output) -> Exit:
    """Fetch headers from one peer: height, hash and time of each.

    Each must follow the one before, and is held to the rules of its network as far as these know what came before it:
    from genesis on to all of them. What could not be checked is said at the end, on stderr.
    """
    from headway.cli.running import run

    walk = Walk(target.network, start or genesis_of(target.network), count, open_raw(raw, output), output)
    return run(lambda interrupted: _headers(target, walk, output, interrupted))


async def _headers(target: Target, walk: Walk, output: Output, interrupted: asyncio.Event) -> Exit:
    async def work() -> None:
        async with dialled(target) as peer:
            await walk.ask(peer)

    ending = await ending_of(work(), interrupted)
    if walk.taken:
        count, unchecked = counted(walk.taken, "header"), unchecked_words(walk.unchecked)
        output.note(f"{count}, the last one {walk.tip}; unchecked: {unchecked}")
    return finish(output, ending, {"addr": str(target.address), **walk.data()}, text="")


class Walk:
    """Headers after `start`, message by message."""

    def __init__(
        self, network: Network, start: BlockId, count: int | None, raw: BinaryIO | None, output: Output
    ) -> None:
        genesis = genesis_of(network)
        self.start = self.tip = genesis if start.hash == genesis.hash else start
        self.taken = 0
        self.unchecked: Counter[str] = Counter()
        self._network = network
        self._left = count
        self._raw = raw
        self._output = output
        self._kept: list[dict[str, Any]] | None = [] if output.json and raw is None else None
        height = self.start.height
        self._context = network.rules.context_at(UNKNOWN_HEIGHT if height == UNKNOWN_HEIGHT else height + 1)

    def data(self) -> dict[str, Any]:
        """As `--json` prints it."""
        listed = {} if self._kept is None else {"headers": self._kept}
        return {
            "from": block_data(self.start),
            "tip": block_data(self.tip),
            "count": self.taken,
            "unchecked": dict(sorted(self.unchecked.items())),
            **listed,
        }

    async def ask(self, peer: Peer) -> None:
        """Ask for one message, or until there are as many as were wanted or no more. Raises HeadwayError."""
        while self._left is None or self._left > 0:
            message = await peer.request_headers(self.tip, fence=True)
            if not message:
                return
            self._take(message)
            if self._left is None:
                return

    def _take(self, message: Headers) -> None:
        import time

        if message[0].prev_hash != self.tip.hash:
            raise HeadwayError(f"the peer does not have the block {self.tip}: it answers with headers after another")
        message = message.part(0, len(message) if self._left is None else self._left)
        verdict = self._network.rules.check_headers(message, self._context, time.time())
        self._context = verdict.context
        self.unchecked.update(verdict.unchecked)
        if not self.taken:
            self.unchecked.pop("link", None)  # the rules do not know the block before the first header; we do
        self._write(message.part(0, verdict.accepted))
        if self._left is not None:
            self._left -= verdict.accepted
        if verdict.error is not None:
            raise verdict.error

    def _write(self, good: Headers) -> None:
        if self._raw is not None:
            self._raw.write(good.compact())
        for header in good:
            self.tip = self._next(header)
            self.taken += 1
            if self._raw is None:
                self._print(header)

    def _next(self, header: Header) -> BlockId:
        height = self.tip.height
        return BlockId(height if height == UNKNOWN_HEIGHT else height + 1, header.hash)

    def _print(self, header: Header) -> None:
        if self.taken == 1:
            self._output.heading(block_heading("time"))
        data = {**block_data(self.tip), "time": header.time}
        if self._kept is not None:
            self._kept.append(data)
        self._output.item(data, text=f"{block_words(self.tip)}  {utc(header.time)}")
