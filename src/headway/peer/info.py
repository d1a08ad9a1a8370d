"""What one connection looks like to people: the field names and forms of Bitcoin Core's getpeerinfo.

A snapshot; nothing here changes. Texts of the remote are harmless to print. Built by `aio` and `blocking`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from headway.types import Address, Services, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headway.peer.machine import PeerMachine
    from headway.peer.stats import CommandStats
    from headway.types import Instant


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
    """ipv4, ipv6, onion, i2p, or not_publicly_routable."""
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
    version: int
    subver: str
    inbound: bool
    startingheight: int
    """What the remote claims; proves nothing."""
    synced_headers: int
    """Height of the last header that we have from this peer; -1 for none."""
    synced_blocks: int
    inflight: tuple[int, ...]
    """Heights of the blocks that it owes us."""
    bytessent_per_msg: dict[str, int]
    bytesrecv_per_msg: dict[str, int]
    connection_type: str
    """inbound, manual or outbound-full-relay."""
    transport_protocol_type: str
    session_id: str

    @property
    def user_agent(self) -> str:
        return self.subver

    def as_dict(self) -> dict[str, Any]:
        """For JSON. What is not known is left out, as Core does."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def peer_info(
    machine: PeerMachine,
    now: Instant,
    wall_time: float,
    *,
    number: int,
    bound: Address,
    connection_type: str,
    synced: tuple[int, int] = (-1, -1),
) -> PeerInfo:
    """`now`: on the machine's clock; `wall_time`: the same moment in unix seconds; `synced`: heights of the last header
    and block from this peer, -1 for none."""
    stats, theirs = machine.stats, machine.version
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
        version=theirs.protocol if theirs else 0,
        subver=printable(theirs.user_agent) if theirs else "",
        inbound=machine.inbound,
        startingheight=theirs.start_height if theirs else -1,
        synced_headers=synced[0],
        synced_blocks=synced[1],
        inflight=(),
        bytessent_per_msg=_bytes(stats.sent),
        bytesrecv_per_msg=_bytes(stats.received),
        connection_type=connection_type,
        transport_protocol_type="v1",
        session_id="",
    )


def service_names(services: int) -> tuple[str, ...]:
    """Names of the bits, lowest first, as Core prints them (serviceFlagsToStr)."""
    bits = (bit for bit in range(64) if services >> bit & 1)
    return tuple(_SERVICE_NAMES.get(1 << bit, f"UNKNOWN[2^{bit}]") for bit in bits)


_SERVICE_NAMES = {int(flag): str(flag.name) for flag in Services}


def network_of(address: Address) -> str:
    """Which network an address belongs to, in getpeerinfo's words."""
    for suffix, name in ((".onion", "onion"), (".i2p", "i2p")):
        if address.host.endswith(suffix):
            return name
    try:
        ip = ipaddress.ip_address(address.host)
    except ValueError:
        return "not_publicly_routable"
    return f"ipv{ip.version}" if ip.is_global else "not_publicly_routable"


def _bytes(table: Mapping[str, CommandStats]) -> dict[str, int]:
    return {command: entry.bytes for command, entry in sorted(table.items())}
