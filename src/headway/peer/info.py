"""What one connection looks like to people: the field names and forms of Bitcoin Core's getpeerinfo.

What getpeerinfo has no name for stands apart, under `headway`. Fields of getpeerinfo that we could not fill truthfully
are not here: mapped_as (no map of networks), last_inv_sequence and inv_to_send (no memory pool).
A snapshot; nothing here changes. Texts of the remote are harmless to print. Built by `aio` and `blocking`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from headway.types import UNKNOWN_HEIGHT, Address, Services, network_of, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headway.peer.machine import PeerMachine
    from headway.peer.stats import CommandStats
    from headway.types import Instant

COIN: Final = 100_000_000
"""Satoshis of a bitcoin."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """One command in one direction."""

    messages: int
    bytes: int
    last: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One kind of request, in numbers. What is in none of the last three is outstanding."""

    asked: int
    settled: int
    expired: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class OwnInfo:
    """What getpeerinfo has no name for. None where there is nothing to tell."""

    state: str
    height: int
    """The last that the remote stated, -1 for none; proves nothing."""
    pings: int
    """How many of ours were answered."""
    averageping: float | None
    """Seconds."""
    requests: dict[str, Asked]
    """By kind: headers, blocks, addresses, transaction, ping."""
    blocks: int
    """Asked for and received."""
    blocks_per_second: float | None
    """While some were asked for."""
    blocks_in_flight: int
    """Those of `inflight`, and those whose height nobody knows."""
    dropped_frames: int
    """Received damaged, and ignored."""
    sent: dict[str, Traffic]
    """By command."""
    received: dict[str, Traffic]
    ended: str | None
    """Why, as one of `Reason`."""
    message: str | None
    """The same for people."""


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """Times are unix seconds (0: never), pings seconds."""

    id: int
    addr: str
    """host:port of the remote."""
    addrbind: str
    """Our end of the connection."""
    addrlocal: str | None
    """Our address as the remote sees it."""
    network: str
    """ipv4, ipv6, onion, i2p, cjdns, or not_publicly_routable."""
    services: str
    """16 hex digits."""
    servicesnames: tuple[str, ...]
    relaytxes: bool
    lastsend: int
    lastrecv: int
    last_transaction: int
    last_block: int
    bytessent: int
    bytesrecv: int
    conntime: int
    timeoffset: int
    """Seconds that the remote's clock was ahead of ours when its version came."""
    pingtime: float | None
    """The last round trip."""
    minping: float | None
    pingwait: float | None
    """For so long the outstanding ping has waited."""
    version: int
    subver: str
    inbound: bool
    bip152_hb_to: bool
    """We want new blocks of the remote as compact blocks, unasked."""
    bip152_hb_from: bool
    """The remote wants that of us."""
    startingheight: int
    """What the remote claimed in its version; proves nothing. (Core's newest getpeerinfo has it no more.)"""
    presynced_headers: int
    """-1: no presynchronisation is under way."""
    synced_headers: int
    """Height of the last header that we have from this peer; -1 for none."""
    synced_blocks: int
    inflight: tuple[int, ...]
    """Heights of the blocks that it owes us, where we know them."""
    addr_relay_enabled: bool
    """False: we relay no addresses."""
    addr_processed: int
    """Addresses received and heard."""
    addr_rate_limited: int
    """Those that came too fast, and were not heard."""
    permissions: tuple[str, ...]
    """None: nobody has special ones."""
    minfeefilter: float
    """Bitcoin for 1,000 vbytes, below which the remote wants to hear of no transaction."""
    bytessent_per_msg: dict[str, int]
    bytesrecv_per_msg: dict[str, int]
    connection_type: str
    """inbound, manual or outbound-full-relay."""
    transport_protocol_type: str
    session_id: str
    headway: OwnInfo

    @property
    def user_agent(self) -> str:
        return self.subver

    def as_dict(self) -> dict[str, Any]:
        """For JSON. What is not known is left out, as Core does."""
        return asdict(self, dict_factory=_known)


def peer_info(
    machine: PeerMachine,
    now: Instant,
    wall_time: float,
    *,
    number: int,
    bound: Address,
    connection_type: str,
    synced: tuple[int, int] = (-1, -1),
    presynced: int = -1,
) -> PeerInfo:
    """`now`: on the machine's clock; `wall_time`: the same moment in unix seconds; `synced`: heights of the last header
    and block from this peer, `presynced`: of the last header that it has shown and we do not keep; -1 for none."""
    stats, theirs, outstanding = machine.stats, machine.version, machine.outstanding(now)
    epoch = wall_time - now

    def unix(at: Instant) -> int:
        return int(at + epoch) if at else 0

    def last(command: str) -> int:
        return unix(stats.received[command].last_at) if command in stats.received else 0

    return PeerInfo(
        id=number,
        addr=str(machine.address),
        addrbind=str(bound),
        addrlocal=str(theirs.remote) if theirs is not None and theirs.remote is not None else None,
        network=network_of(machine.address),
        services=f"{theirs.services if theirs else 0:016x}",
        servicesnames=service_names(theirs.services if theirs else 0),
        relaytxes=theirs is not None and theirs.relay,
        lastsend=unix(stats.last_send_at),
        lastrecv=unix(stats.last_receive_at),
        last_transaction=last("tx"),
        last_block=last("block"),
        bytessent=stats.bytes_sent,
        bytesrecv=stats.bytes_received,
        conntime=unix(stats.connected_at),
        timeoffset=theirs.wall_time - last("version") if theirs else 0,
        pingtime=stats.round_trips.last,
        minping=stats.round_trips.least,
        pingwait=outstanding.ping_wait,
        version=theirs.protocol if theirs else 0,
        subver=printable(theirs.user_agent) if theirs else "",
        inbound=machine.inbound,
        bip152_hb_to=stats.is_compact_to,
        bip152_hb_from=stats.is_compact_from,
        startingheight=theirs.start_height if theirs else -1,
        presynced_headers=presynced,
        synced_headers=synced[0],
        synced_blocks=synced[1],
        inflight=tuple(block.height for block in outstanding.blocks if block.height != UNKNOWN_HEIGHT),
        addr_relay_enabled=False,
        addr_processed=stats.addresses - stats.addresses_ignored,
        addr_rate_limited=stats.addresses_ignored,
        permissions=(),
        minfeefilter=stats.fee_filter / COIN,
        bytessent_per_msg=_bytes(stats.sent),
        bytesrecv_per_msg=_bytes(stats.received),
        connection_type=connection_type,
        transport_protocol_type="v1",
        session_id="",
        headway=_own_info(machine, len(outstanding.blocks), unix),
    )


def _own_info(machine: PeerMachine, blocks_in_flight: int, unix: Callable[[Instant], int]) -> OwnInfo:
    stats = machine.stats

    def traffic(table: Mapping[str, CommandStats]) -> dict[str, Traffic]:
        return {
            command: Traffic(entry.messages, entry.bytes, unix(entry.last_at))
            for command, entry in sorted(table.items())
        }

    return OwnInfo(
        state=machine.state.name,
        height=stats.height,
        pings=stats.round_trips.count,
        averageping=stats.round_trips.average,
        requests={
            kind.name.lower(): Asked(each.asked, each.settled, each.expired, each.cancelled)
            for kind, each in stats.requests.items()
        },
        blocks=stats.blocks,
        blocks_per_second=stats.blocks_per_second,
        blocks_in_flight=blocks_in_flight,
        dropped_frames=stats.dropped_frames,
        sent=traffic(stats.sent),
        received=traffic(stats.received),
        ended=None if stats.ended is None else stats.ended.name,
        message=stats.message or None,
    )


def _known(items: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in items if value is not None}


def service_names(services: int) -> tuple[str, ...]:
    """Names of the bits, lowest first, as Core prints them (serviceFlagsToStr)."""
    bits = (bit for bit in range(64) if services >> bit & 1)
    return tuple(_SERVICE_NAMES.get(1 << bit, f"UNKNOWN[2^{bit}]") for bit in bits)


_SERVICE_NAMES = {int(flag): str(flag.name) for flag in Services}


def _bytes(table: Mapping[str, CommandStats]) -> dict[str, int]:
    return {command: entry.bytes for command, entry in sorted(table.items())}
