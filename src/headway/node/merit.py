"""What a peer was like, as the address book remembers it. Called by `machine` and `addrbook`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headway.types import UNKNOWN_HEIGHT, PeerMerit, printable

if TYPE_CHECKING:
    from headway.peer.events import Reason
    from headway.peer.machine import PeerMachine


def merit_of(machine: PeerMachine, ended: Reason) -> PeerMerit:
    """What one connection told, now that it has ended."""
    version, stats = machine.version, machine.stats
    return PeerMerit(
        user_agent=printable(version.user_agent) if version else "",
        protocol=max(version.protocol, 0) if version else 0,
        height=max(stats.height, UNKNOWN_HEIGHT),
        latency=stats.round_trips.least,
        blocks_per_second=stats.blocks_per_second,
        ends=((ended.name, 1),),
    )


def joined(old: PeerMerit, new: PeerMerit) -> PeerMerit:
    """What the last connection told, and what was known before where it told nothing."""
    ends = dict(old.ends)
    for reason, count in new.ends:
        ends[reason] = ends.get(reason, 0) + count
    return replace(
        new if new.protocol else old,
        latency=old.latency if new.latency is None else new.latency,
        blocks_per_second=old.blocks_per_second if new.blocks_per_second is None else new.blocks_per_second,
        ends=tuple(ends.items()),
    )
