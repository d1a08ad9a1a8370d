"""What the syncing node sees of each serving peer, and what became of it. Called by `demo`; shown by `view`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from headway.cli.demo.peer import Fault
from headway.peer.events import PeerState, Reason, RequestKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.cli.demo.network import ServingPeer
    from headway.node.machine import NodeMachine
    from headway.peer.machine import PeerMachine
    from headway.types import Instant

SILENT: Final = 0.5
"""Seconds without an owed block after which a peer is called silent: a hundred times what one takes here."""


class Outcome(StrEnum):
    """What became of a peer: stable words of `--json`."""

    UNREACHABLE = "unreachable"
    """It never answered."""
    SERVED = "served"
    """It was there to the end."""
    STALLED = "stalled"
    """It did not bring what it owed in time and was disconnected."""
    DISCOURAGED = "discouraged"
    """It sent invalid data; its address is not dialled again."""
    LEFT = "left"
    """It ended the connection."""
    DISCONNECTED = "disconnected"
    """We ended the connection for any other reason."""


EXPECTED: Final = {
    Fault.NONE: Outcome.SERVED,
    Fault.STALL: Outcome.STALLED,
    Fault.CORRUPT: Outcome.DISCOURAGED,
    Fault.LEAVE: Outcome.LEFT,
}
"""What noticing a fault looks like."""

_OUTCOMES: Final = {
    Reason.STALLED: Outcome.STALLED,
    Reason.MISBEHAVED: Outcome.DISCOURAGED,
    Reason.REMOTE_CLOSED: Outcome.LEFT,
    Reason.CONNECTION_LOST: Outcome.LEFT,
}


@dataclass(frozen=True, slots=True)
class PeerView:
    """One peer at one moment."""

    name: str
    fault: Fault
    state: str
    """One word or two, for people."""
    outcome: Outcome
    """So far."""
    reason: str
    """Why its connection ended, in headway's words; empty while it lives."""
    blocks: int
    """That it brought, when asked."""
    block_bytes: int
    mb_per_second: float
    """Over the time in which it owed blocks."""
    round_trip: float | None
    """Seconds; of the last ping."""

    @property
    def has_ended(self) -> bool:
        """It was there, and its connection ended."""
        return self.outcome not in {Outcome.SERVED, Outcome.UNREACHABLE}

    @property
    def is_as_expected(self) -> bool:
        """An honest peer served to the end, or a fault was noticed for what it is."""
        return self.outcome is EXPECTED[self.fault]


class Watch:
    """Looks at the node's peers again and again, and remembers those that are gone."""

    def __init__(self, peers: Sequence[ServingPeer]) -> None:
        self._peers = peers
        self._connections: dict[ServingPeer, dict[int, PeerMachine]] = {peer: {} for peer in peers}

    def meet(self, node: NodeMachine) -> bool:
        """Note new connections. True once every peer is past its handshake: called after each input until then, so that
        none can come and go unseen."""
        by_address = {peer.address: peer for peer in self._peers}
        for number in node.peer_ids:
            machine = node.peer(number)
            if machine is not None and machine.stats.connected_at:
                self._connections[by_address[machine.address]][number] = machine
        return all(any(map(_is_past_handshake, met.values())) for met in self._connections.values())

    def look(self, node: NodeMachine, now: Instant) -> list[PeerView]:
        """All peers, as they are `now`."""
        self.meet(node)
        return [_view(peer, list(self._connections[peer].values()), now) for peer in self._peers]


def _is_past_handshake(machine: PeerMachine) -> bool:
    return machine.state is PeerState.READY or machine.stats.ended is not None


def _view(peer: ServingPeer, connections: Sequence[PeerMachine], now: Instant) -> PeerView:
    """`connections`: oldest first. The first one tells what became of it: it may be dialled again after its end."""
    stats = [machine.stats for machine in connections]
    seconds = sum(each.download_seconds for each in stats)
    block_bytes = sum(each.block_bytes for each in stats)
    round_trips = [each.round_trips.last for each in stats if each.round_trips.last is not None]
    return PeerView(
        name=peer.name,
        fault=peer.fault,
        state=_state(connections[-1], now) if connections else "connecting",
        outcome=_outcome(connections[0]) if connections else Outcome.UNREACHABLE,
        reason=stats[0].message if stats else "",
        blocks=sum(each.blocks for each in stats),
        block_bytes=block_bytes,
        mb_per_second=block_bytes / 1e6 / seconds if seconds else 0.0,
        round_trip=round_trips[-1] if round_trips else None,
    )


def _outcome(machine: PeerMachine) -> Outcome:
    if machine.stats.ended is None:
        return Outcome.SERVED
    return _OUTCOMES.get(machine.stats.ended, Outcome.DISCONNECTED)


def _state(machine: PeerMachine, now: Instant) -> str:
    if machine.state is not PeerState.READY:
        return "connecting" if machine.stats.ended is None else "gone"
    asked = machine.stats.requests.get(RequestKind.BLOCKS)
    if asked is None or asked.asked == asked.settled + asked.expired + asked.cancelled:
        return "idle"
    blocks = machine.stats.received.get("block")
    silent = now - (blocks.last_at if blocks else machine.since)
    return f"silent {silent:.1f} s" if silent > SILENT else "sending"
