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
    from headway.cli.demo.family import Family
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
def making(output: Output, family: Family, length: Height) -> Iterator[Callable[[Height], None]]:
    """While the chain is made. Gives what is to be told its height again and again."""
    if not output.live():
        output.note(f"making a chain of {length:,} {family.blocks}, once")
        yield lambda _height: None
        return
    with _drawing(output) as draw:
        yield lambda height: draw(picture_of_making(height, length, family))


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
        self._step = -(-chain.tip.height // LINES_A_SYNC)
        self._next = self._step

    def __call__(self, status: NodeStatus, peers: Sequence[PeerView]) -> None:
        for peer in peers:
            if peer.has_ended and peer.name not in self._ended:
                self._ended.add(peer.name)
                self._output.note(f"{peer.name} {peer.outcome}: {short_reason(peer)}")
        if status.blocks >= self._next:
            self._output.note(progress_line(status, self._chain))
            self._next = (status.blocks // self._step + 1) * self._step


@contextmanager
def _drawing(output: Output) -> Iterator[Callable[[RenderableType], None]]:
    """Gives what draws a picture over the one before. The last one stays."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, no_color=not output.wants_color(), highlight=False)
    with Live(console=console, auto_refresh=False) as live:
        yield lambda picture: live.update(picture, refresh=True)


def picture_of_making(height: Height, length: Height, family: Family) -> RenderableType:
    return _bar(height, length, f"making {length:,} {family.blocks}, once")


def picture_of_sync(status: NodeStatus, peers: Sequence[PeerView], chain: KeptChain) -> RenderableType:
    """How far it is, and a row for each peer."""
    from rich.console import Group

    rate, left = status.mb_per_second, (chain.block_bytes - status.block_bytes) / 1e6
    blocks, megabytes = f"{chain.tip.height:,}", f"{chain.block_bytes / 1e6:.1f}"
    figures = (  # as wide at the start as at the end, so that nothing jumps
        f"{status.blocks:>{len(blocks)},}/{blocks} blocks",
        f"{status.block_bytes / 1e6:>{len(megabytes)}.1f}/{megabytes} MB",
        f"{rate:5.1f} MB/s",
        f"ETA {duration(left / rate) if rate else '-:--'}",
    )
    return Group("", _bar(status.blocks, chain.tip.height, *figures), "", _table(peers, status.tip == chain.tip), "")


def _bar(done: int, whole: int, *figures: str) -> RenderableType:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    line = Table.grid(padding=(0, 2, 0, 0), expand=True)
    line.add_column(ratio=1)
    for _ in figures:
        line.add_column(justify="right", no_wrap=True)
    line.add_row(ProgressBar(whole, done, complete_style="cyan", finished_style="green"), *figures)
    return line


def _table(peers: Sequence[PeerView], is_over: bool) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), expand=True, pad_edge=False, show_edge=False)
    for name, width in (("peer", 5), ("fault", 7), ("state", 12)):
        table.add_column(name, no_wrap=True, min_width=width)
    for name, width in (("blocks", 6), ("MB/s", 5), ("ping", 6)):
        table.add_column(name, no_wrap=True, min_width=width, justify="right")
    table.add_column("what happened", no_wrap=True, overflow="ellipsis", ratio=1)
    for peer in peers:
        is_decided = peer.has_ended or (is_over and peer.is_as_expected)
        table.add_row(
            peer.name,
            peer.fault,
            Text(peer.outcome, _COLORS.get(peer.outcome, ""))
            if is_decided
            else Text(peer.state, _state_color(peer.state)),
            f"{peer.blocks:,}",
            f"{peer.mb_per_second:.1f}",
            _ping(peer.round_trip),
            Text(short_reason(peer)),
        )
    return table


def _state_color(state: str) -> str:
    return "yellow" if state.startswith("silent") else ""


def _ping(seconds: float | None) -> str:
    """Three digits at the most, unless it is worse than that."""
    if seconds is None:
        return "-"
    return f"{1000 * seconds:.{0 if seconds >= 0.01 else 1}f} ms"
