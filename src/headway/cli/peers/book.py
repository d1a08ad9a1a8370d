"""`headway peers book`: what is known of each address."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from headway.cli.options import common_options, datadir_option, jsonl_option, network_option
from headway.cli.output import Exit, Output
from headway.cli.peer.addresses import address_data
from headway.peer.info import service_names
from headway.types import Net, network_of

if TYPE_CHECKING:
    from pathlib import Path

    from headway.network import Network
    from headway.node.addrbook import AddressBook
    from headway.types import PeerRecord

HEADING = (
    f"{'address':<28} {'network':<7} {'table':<5} {'seen':>5} {'tried':>5} {'good':>5} {'fails':>5} {'ping':>6} "
    f"{'blk/s':>6}  services, state, user agent"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One address. Times are unix seconds, 0 for never."""

    record: PeerRecord
    banned_until: int
    discouraged_until: int


@click.command()
@network_option
@datadir_option
@click.option("--tried", is_flag=True, help="Only those that we have been connected to.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="So many at most.  [default: all]")
@jsonl_option
@common_options
def book(*, network: Network, datadir: Path | None, tried: bool, limit: int | None, output: Output) -> Exit:
    """Print the address book of the data directory, the addresses that were good last first.

    Services, user agents and last sightings are what peers claim.
    """
    from headway.cli.peers.kept import looked_at

    wall_time = time.time()
    kept = looked_at(network, datadir, output)
    lines = lines_of(kept, wall_time)
    known, been = len(lines), sum(line.record.tried for line in lines)
    shown = [line for line in lines if line.record.tried or not tried][:limit]
    output.heading(HEADING)
    for line in shown:
        output.item(line_data(line), text=line_text(line, wall_time))
    output.note(f"{known:,} addresses, {been:,} of them tried; shown: {len(shown):,}")
    listed = [line_data(line) for line in shown] if output.json else []
    result = {"network": network.name, "known": known, "tried": been, "addresses": listed}
    output.result(result, text="")
    return Exit.DONE


def lines_of(kept: AddressBook, wall_time: float) -> list[Line]:
    """All addresses, those of use first: tried before new, then by the last success, then by the last sighting."""
    bans = kept.bans
    lines = [
        Line(
            record,
            bans.banned_until(record.address.host, wall_time),
            bans.discouraged_until(record.address, wall_time),
        )
        for record in kept.records().peers
    ]
    return sorted(lines, key=_rank)


def _rank(line: Line) -> tuple[bool, int, int, str, int]:
    record = line.record
    address = record.address
    return not record.tried, -record.last_success, -address.last_seen, address.host, address.port


def line_data(line: Line) -> dict[str, Any]:
    """For JSON: the words of getnodeaddresses, then what it has no name for."""
    record, merit = line.record, line.record.merit
    return address_data(record.address) | {
        "table": _table(record),
        "source": record.source,
        "last_tried": record.last_tried,
        "last_success": record.last_success,
        "failures": record.missed,
        "other_chain": record.other_chain,
        "banned_until": line.banned_until,
        "discouraged_until": line.discouraged_until,
        "subver": merit.user_agent,
        "version": merit.protocol,
        "height": merit.height,
        "minping": merit.latency,
        "blocks_per_second": merit.blocks_per_second,
        "ends": dict(merit.ends),
    }


def line_text(line: Line, wall_time: float) -> str:
    record, merit = line.record, line.record.merit
    address = record.address
    ages = " ".join(f"{age(at, wall_time):>5}" for at in (address.last_seen, record.last_tried, record.last_success))
    ping = "-" if merit.latency is None else f"{merit.latency * 1000:.0f}ms"
    rate = "-" if merit.blocks_per_second is None else f"{merit.blocks_per_second:.1f}"
    states = [
        *(["other chain"] if record.other_chain else []),
        *([f"banned for {age(wall_time, line.banned_until)}"] if line.banned_until else []),
        *([f"discouraged for {age(wall_time, line.discouraged_until)}"] if line.discouraged_until else []),
    ]
    more = "; ".join([",".join(service_names(address.services)) or "-", *states, *filter(None, [merit.user_agent])])
    return (
        f"{address!s:<28} {short_net(network_of(address)):<7} {_table(record):<5} {ages} {record.missed:>5} "
        f"{ping:>6} {rate:>6}  {more}"
    )


def _table(record: PeerRecord) -> str:
    return "tried" if record.tried else "new"


def short_net(net: str) -> str:
    """As `bitcoin-cli -netinfo` shortens it."""
    return "npr" if net == Net.UNROUTABLE else net


def age(since: float, now: float) -> str:
    """`5s`, `3m`, `7h`, `12d`: from one moment to another (unix seconds); `-` where the first is 0, for never."""
    if not since:
        return "-"
    seconds = max(int(now - since), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
