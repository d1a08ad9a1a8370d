"""`headway peer blocks HOST:PORT BLOCK...`: blocks of one peer, each verified before it is printed or written.

What a block must keep by itself is checked against the hash that was asked for (`rules.verify_block`); what needs more
than a hash to be checked is said to be unchecked.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from headway.cli.output import Exit, Output
from headway.cli.peer.names import BlockName, block_data, block_heading, block_words, counted, unchecked_words
from headway.cli.peer.session import Ending, Target, dialled, ending_of, finish, open_raw, peer_options, raw_option
from headway.network import BlockStatus
from headway.types import BlockRequest

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from headway.network import BlockVerdict, Network
    from headway.types import BlockId
    from headway.wire.messages import Block


@click.command()
@peer_options(many=True)
@click.argument("wanted", nargs=-1, required=True, type=BlockName(), metavar="[HEIGHT:]HASH...")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write each there, as HASH.blk."
)
@raw_option("Write them there, back to back, in order of arrival; print none.")
def blocks(target: Target, wanted: Sequence[BlockId], out: Path | None, raw: str | None, output: Output) -> Exit:
    """Fetch blocks from one peer and verify them: height (where you gave it), hash and size of each.

    What the peer does not have is named, exit code 1. A block that breaks a rule is neither printed nor written, exit
    code 5. With its height more can be checked than with its hash alone; some networks ask by height.
    """
    from headway.cli.running import run

    basket = Basket(target.network, wanted, out, open_raw(raw, output), output)
    return run(lambda interrupted: _blocks(target, basket, output, interrupted))


async def _blocks(target: Target, basket: Basket, output: Output, interrupted: asyncio.Event) -> Exit:
    async def work() -> None:
        async with dialled(target) as peer:
            async for block in peer.request_blocks(basket.owed.values()):
                basket.take(block)

    ending = await ending_of(work(), interrupted)
    for block_id, verdict in basket.refused:
        detail = f" ({verdict.detail})" if verdict.detail else ""
        output.error(f"block {block_id} is {verdict.status.name.lower()}: {verdict.rule}{detail}")
    if basket.refused:
        ending = Ending(Exit.INVALID_DATA, ending.error)
    elif ending.code is Exit.DONE and basket.owed:
        ending = Ending(
            Exit.FAILED, f"the peer does not have {', '.join(str(each.id) for each in basket.owed.values())}"
        )
    if basket.taken:
        output.note(f"{counted(basket.taken, 'valid block')}; unchecked: {unchecked_words(basket.unchecked)}")
    return finish(output, ending, {"addr": str(target.address), **basket.data()}, text="")


class Basket:
    """The blocks that were asked for, as they come."""

    def __init__(
        self, network: Network, wanted: Sequence[BlockId], out: Path | None, raw: BinaryIO | None, output: Output
    ) -> None:
        self.owed = {block.hash: BlockRequest(None, block.height, hash=block.hash) for block in wanted}
        """Asked, and not here yet."""
        self.refused: list[tuple[BlockId, BlockVerdict]] = []
        """What came and was not valid."""
        self.taken = 0
        self.unchecked: Counter[str] = Counter()
        self._rules = network.rules
        self._out = out
        self._raw = raw
        self._output = output
        self._kept: list[dict[str, Any]] = []

    def data(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "blocks": self._kept,
            "missing": [block_data(each.id) for each in self.owed.values()],
            "refused": [
                {
                    **block_data(block_id),
                    "status": verdict.status.name.lower(),
                    "rule": verdict.rule,
                    "detail": verdict.detail,
                }
                for block_id, verdict in self.refused
            ],
            "unchecked": dict(sorted(self.unchecked.items())),
        }

    def take(self, block: Block) -> None:
        """Verify a block that came; write or print it where it is valid."""
        request = self.owed.pop(block.hash)
        verdict = self._rules.verify_block(request, None, block.raw)
        if verdict.status is not BlockStatus.VALID:
            self.refused.append((request.id, verdict))
            return
        self.taken += 1
        self.unchecked.update((*verdict.unchecked, *self._rules.static_unchecked))
        if self._out is not None:
            self._out.mkdir(parents=True, exist_ok=True)
            (self._out / f"{block_data(request.id)['hash']}.blk").write_bytes(block.raw)
        if self._raw is not None:
            self._raw.write(block.raw)
        else:
            self._print(request.id, block)

    def _print(self, block_id: BlockId, block: Block) -> None:
        if self.taken == 1:
            self._output.heading(block_heading("size"))
        data = {**block_data(block_id), "bytes": len(block), "transactions": len(block.transactions)}
        if self._output.json:
            self._kept.append(data)
        words = f"{block_words(block_id)}  {len(block):>9,} bytes  {counted(data['transactions'], 'transaction')}"
        self._output.item(data, text=words)
