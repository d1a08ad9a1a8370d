"""How far a node is, on stderr: one live line on a terminal, else a plain line every ten seconds.

rich is loaded only for the live line. Called by `sync` and `serve`; `counting` by the commands that count.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headway.aio.status import NodeStatus
    from headway.cli.output import Output
    from headway.node.reassembly import CacheUse
    from headway.types import Instant

LIVE_INTERVAL: Final = 0.25
PLAIN_INTERVAL: Final = 10.0
"""Seconds between two lines."""
WINDOW: Final = 10.0
"""Seconds over which rates are taken: long enough to be read, short enough to show a stall."""


async def show(output: Output, status: Callable[[], NodeStatus], stop_at: int | None) -> None:
    """Show `status()` until cancelled; nothing with -q. `stop_at`: the height that is aimed at, None for the tip."""
    meter = Meter(stop_at)
    clock = asyncio.get_running_loop().time
    meter.line(status(), clock())  # what the first line is measured from
    if not output.live():
        while True:
            await asyncio.sleep(PLAIN_INTERVAL)
            output.note(meter.line(status(), clock()))
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True, no_color=not output.wants_color())
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            live.update(Text(meter.line(status(), clock()), no_wrap=True, overflow="ellipsis"), refresh=True)
            await asyncio.sleep(LIVE_INTERVAL)


@contextmanager
def counting(output: Output, total: int, line: Callable[[int], str]) -> Iterator[Callable[[int], None]]:
    """Called with how many of `total` are done, shows `line(count)`: redrawn, or a new one every ten seconds."""
    live = output.live()
    interval = LIVE_INTERVAL if live else PLAIN_INTERVAL
    shown, is_open = time.monotonic(), False

    def done(count: int) -> None:
        nonlocal shown, is_open
        now = time.monotonic()
        if now - shown >= interval or count == total:
            shown = now
            if live:
                is_open = count < total
                click.echo(f"\r\x1b[K{line(count)}", err=True, nl=not is_open)
            else:
                output.note(line(count))

    try:
        yield done
    finally:
        if is_open:
            click.echo(err=True)


class Meter:
    """Snapshots in, lines out: rates over the last seconds and the time that is left at that rate."""

    def __init__(self, stop_at: int | None) -> None:
        self._stop_at = stop_at
        self._samples: deque[tuple[Instant, NodeStatus]] = deque()

    def line(self, status: NodeStatus, now: Instant) -> str:
        self._samples.append((now, status))
        while len(self._samples) > 1 and self._samples[1][0] <= now - WINDOW:
            self._samples.popleft()  # one that is as old as the window, or a little older, stays to measure from
        since, first = self._samples[0]
        seconds = now - since
        held = f" (+{status.held_headers:,})" if status.held_headers else ""
        parts = [f"{status.network} {status.phase}", f"headers {status.header_tip.height:,}{held}"]
        if status.presync is not None:
            parts.append(f"pre-synchronising headers, height ~{status.presync.height:,}, {status.presync.share:.0%}")
        done, rate = status.header_tip.height, _rate(status.headers - first.headers, seconds)
        if status.block_tip is None or status.phase == "headers":
            parts.append(f"{rate:,.0f}/s")
        else:
            done, rate = status.block_tip.height, _rate(status.blocks - first.blocks, seconds)
            megabytes = _rate(status.block_bytes - first.block_bytes, seconds) / 1e6
            parts += [f"blocks {done:,}", f"{rate:,.0f}/s", f"{megabytes:,.1f} MB/s"]
        parts.append(_counted(status.peers, "peer") + (f" (+{status.connecting})" if status.connecting else ""))
        parts.append(f"{status.in_flight} in flight")
        if status.tx_cache is not None:
            parts.append(cache_words(status.tx_cache))
        if status.stalls:
            parts.append(_counted(status.stalls, "stall"))
        if status.rejected:
            parts.append(f"our own rules reject the chain of {_counted(status.rejected, 'peer')}")
        parts.append(f"ETA {self._eta(status, done, rate)}")
        return "  ".join(parts)

    def _eta(self, status: NodeStatus, done: int, rate: float) -> str:
        target = self._stop_at
        if target is None and status.phase != "headers":
            target = status.header_tip.height
        if target is None or (done < target and not rate):
            return "-"
        return duration(max(target - done, 0) / rate) if done < target else "0:00"


def cache_words(use: CacheUse) -> str:
    """`cache 2,412 txs, 12.1 MB, hit 96.3% of 4,801`"""
    hits = "" if use.hit_rate is None else f", hit {use.hit_rate:.1%} of {use.found + use.asked:,}"
    return f"cache {use.transactions:,} txs, {use.bytes / 1e6:,.1f} MB{hits}"


def cache_data(use: CacheUse | None) -> dict[str, Any]:
    """What JSON says of it: nothing where there is no cache."""
    return {} if use is None else {"tx_cache": {**asdict(use), "hit_rate": use.hit_rate}}


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0


def duration(seconds: float) -> str:
    """`1:02` or `3:04:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
