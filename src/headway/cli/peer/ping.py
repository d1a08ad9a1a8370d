"""`headway peer ping HOST:PORT`: round trips of the protocol's own ping, told like ping(8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headway.cli.options import Seconds
from headway.cli.output import Exit, Output
from headway.cli.peer.session import Target, dialled, ending_of, finish, peer_options

if TYPE_CHECKING:
    import asyncio

MILLI = 1e3


@click.command()
@peer_options(many=True)
@click.option("-c", "--count", type=click.IntRange(1), metavar="N", help="End after N pings.  [default: Ctrl-C ends]")
@click.option(
    "-i", "--interval", type=Seconds(0), default=1.0, show_default=True, metavar="SECONDS", help="Between two pings."
)
def ping(target: Target, count: int | None, interval: float, output: Output) -> Exit:
    """Ping one peer and print the round trips, at the end their least, mean and greatest.

    Each ping waits for the pong of the one before. A peer that does not answer one in time is gone: exit code 3.
    """
    from headway.cli.running import run

    return run(lambda interrupted: _ping(target, count, interval, output, interrupted))


async def _ping(target: Target, count: int | None, interval: float, output: Output, interrupted: asyncio.Event) -> Exit:
    tally = Tally()
    ending = await ending_of(_measure(target, count, interval, output, tally), interrupted)
    if not tally.sent:
        return finish(output, ending, {})
    return finish(output, ending, {"addr": str(target.address), **tally.data()}, text=tally.text(str(target.address)))


async def _measure(target: Target, count: int | None, interval: float, output: Output, tally: Tally) -> None:
    import asyncio

    async with dialled(target) as peer:
        output.note(f"{target.address} is {peer.info.subver or 'without a name'}, version {peer.info.version}")
        while True:
            tally.sent += 1
            round_trip = await peer.ping()
            tally.add(round_trip)
            words = f"pong from {target.address}: seq={tally.sent} time={round_trip * MILLI:.3f} ms"
            output.item({"seq": tally.sent, "time": round_trip}, text=words)
            if tally.sent == count:
                return
            await asyncio.sleep(interval)


class Tally:
    """What came back of the pings so far, in constant room."""

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        self._sum = self._least = self._greatest = 0.0

    def add(self, round_trip: float) -> None:
        self._least = min(self._least, round_trip) if self.received else round_trip
        self._greatest = max(self._greatest, round_trip)
        self._sum += round_trip
        self.received += 1

    def data(self) -> dict[str, Any]:
        """As `--json` prints it; seconds."""
        known = self.received > 0
        return {
            "transmitted": self.sent,
            "received": self.received,
            "min": self._least if known else None,
            "avg": self._sum / self.received if known else None,
            "max": self._greatest if known else None,
        }

    def text(self, name: str) -> str:
        """As people read it."""
        lines = [f"--- {name} ---", f"{self.sent} sent, {self.received} came back"]
        if self.received:
            times = (self._least, self._sum / self.received, self._greatest)
            lines.append(f"round trip min/avg/max = {'/'.join(f'{time * MILLI:.3f}' for time in times)} ms")
        return "\n".join(lines)
