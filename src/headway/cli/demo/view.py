"""What is shown while the demo runs: a picture that redraws itself on a terminal, plain lines elsewhere.

Called by `run`. rich is loaded only for the picture.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from headway.cli.demo.watch import Outcome, PeerView
from headway.cli.demo.words import progress_line, short_reason
from headway.cli.progress import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import RenderableType

    from headway.aio.status import NodeStatus
    from headway.cli.demo.chain import KeptChain
    from headway.cli.output import Output
    from headway.types import Height

LINES_A_SYNC: Final = 5
"""Plain lines that tell of progress, from start to end."""

_COLORS: Final = {
    Outcome.SERVED: "green",
    Outcome.STALLED: "yellow",
    Outcome.DISCOURAGED: "red",
    Outcome.LEFT: "magenta",
}


@contextmanager
def making(output: Output, length: Height) -> Iterator[Callable[[Height], None]]:
    """While the chain is made. Gives what is to be told its height again and again."""
    if not output.live():
        output.note(f"making a chain of {length:,} regtest blocks, once")
        yield lambda _height: None
        return
    with _drawing(output) as draw:
        yield lambda height: draw(picture_of_making(height, length))


@contextmanager
def syncing(output: Output, chain: KeptChain) -> Iterator[Callable[[NodeStatus, Sequence[PeerView]], None]]:
    """While the sync runs. Gives what is to be told its state again and again."""
    if not output.live():
        yield Lines(output, chain)
        return
    with _drawing(output) as draw:
        yield lambda status, peers: draw(picture_of_sync(status, peers, chain))


class Lines:
    """Snapshots in; a line out when a peer's connection has ended, and LINES_A_SYNC of progress."""

    def __init__(self, output: Output, chain: KeptChain) -> None:
        self._output = output
        self._chain = chain
        self._ended: set[str] = set()
        self._next = 0

    def __call__(self, status: NodeStatus, peers: Sequence[PeerView]) -> None:
        for peer in peers:
            if peer.has_ended and peer.name not in self._ended:
                self._ended.add(peer.name)
                self._output.note(f"{peer.name} {peer.outcome}: {short_reason(peer)}")
        if status.blocks >= self._next:
            self._output.note(progress_line(status, self._chain))
            step = -(-self._chain.tip.height // LINES_A_SYNC)
            self._next = (status.blocks // step + 1) * step


@contextmanager
def _drawing(output: Output) -> Iterator[Callable[[RenderableType], None]]:
    """Gives what draws a picture over the one before. The last one stays."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, no_color=not output.wants_color(), highlight=False)
    with Live(console=console, auto_refresh=False) as live:
        yield lambda picture: live.update(picture, refresh=True)


def picture_of_making(height: Height, length: Height) -> RenderableType:
    return _bar(height, length, f"making {length:,} regtest blocks, once")


def picture_of_sync(status: NodeStatus, peers: Sequence[PeerView], chain: KeptChain) -> RenderableType:
    """How far it is, and a row for each peer."""
    from rich.console import Group

    rate, left = status.mb_per_second, (chain.block_bytes - status.block_bytes) / 1e6
    figures = (
        f"{status.blocks:,}/{chain.tip.height:,} blocks",
        f"{status.block_bytes / 1e6:.1f}/{chain.block_bytes / 1e6:.1f} MB",
        f"{rate:.1f} MB/s",
        f"ETA {duration(left / rate) if rate else '-'}",
    )
    return Group(_bar(status.blocks, chain.tip.height, *figures), _table(peers, is_over=status.tip == chain.tip))


def _bar(done: int, whole: int, *figures: str) -> RenderableType:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    line = Table.grid(padding=(0, 2, 0, 0), expand=True)
    line.add_column(ratio=1)
    for _ in figures:
        line.add_column(justify="right", no_wrap=True)
    line.add_row(ProgressBar(whole, done), *figures)
    return line


def _table(peers: Sequence[PeerView], *, is_over: bool) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, expand=True, pad_edge=False, show_edge=False)
    for name, width in (("peer", 5), ("fault", 7), ("state", 12)):
        table.add_column(name, no_wrap=True, min_width=width)
    for name, width in (("blocks", 6), ("MB/s", 5), ("ping", 8)):
        table.add_column(name, no_wrap=True, min_width=width, justify="right")
    table.add_column("what happened", no_wrap=True, overflow="ellipsis", ratio=1)
    for peer in peers:
        has_ended = peer.has_ended or is_over
        table.add_row(
            peer.name,
            peer.fault,
            Text(peer.outcome, _COLORS.get(peer.outcome, "")) if has_ended else peer.state,
            f"{peer.blocks:,}",
            f"{peer.mb_per_second:.1f}",
            "-" if peer.round_trip is None else f"{1000 * peer.round_trip:.1f} ms",
            Text(short_reason(peer)),
        )
    return table
