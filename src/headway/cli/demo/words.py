"""What the demo says: to people who watch it, and in its report. Called by `run` and `view`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from headway import kernel
from headway.cli.demo.peer import Fault
from headway.cli.demo.watch import EXPECTED, Outcome, PeerView
from headway.types import hash_hex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.aio.status import NodeStatus
    from headway.cli.demo.chain import KeptChain
    from headway.cli.demo.family import Family
    from headway.cli.demo.network import ServingPeer

_PLANS: Final = {
    Fault.NONE: "",
    Fault.STALL: " (stalls)",
    Fault.CORRUPT: " (corrupts a block)",
    Fault.LEAVE: " (leaves)",
}
_HASH: Final = re.compile(":[0-9a-f]{64}")


def chain_lines(chain: KeptChain, family: Family) -> list[str]:
    """What is served."""
    line = f"chain: {chain.tip.height:,} {family.blocks}, {chain.block_bytes / 1e6:.1f} MB, kept in {chain.path}"
    return [line, *family.about]


def cast_line(peers: Sequence[ServingPeer]) -> str:
    """Who takes part."""
    return "peers: " + ", ".join(peer.name + _PLANS[peer.fault] for peer in peers)


def progress_line(status: NodeStatus, chain: KeptChain) -> str:
    """How far the sync is."""
    return (
        f"{status.blocks:,} of {chain.tip.height:,} blocks, {status.block_bytes / 1e6:.1f} MB, "
        f"{status.mb_per_second:.1f} MB/s, {status.peers} peers"
    )


def short_reason(peer: PeerView) -> str:
    """Why its connection ended, without hashes and what stands in brackets."""
    return _HASH.sub("", peer.reason).partition(" (")[0]


def story(peer: PeerView) -> str:
    """What happened to a peer, as a sentence without its name."""
    blocks, why = f"{peer.blocks:,} blocks", short_reason(peer)
    match peer.outcome:
        case Outcome.SERVED:
            return f"served {blocks}, to the end"
        case Outcome.STALLED:
            return f"brought {blocks}, then stalled: {why}"
        case Outcome.DISCOURAGED:
            return f"corrupted one of {blocks}, discouraged: {why}"
        case Outcome.LEFT:
            return f"brought {blocks}, then left: {why}"
        case Outcome.DISCONNECTED:
            return f"brought {blocks}, then was disconnected: {why}"
        case Outcome.UNREACHABLE:
            return "never answered"


def report(status: NodeStatus, peers: Sequence[PeerView]) -> str:
    """What happened to whom, and how fast it went."""
    width = max(len(peer.name) for peer in peers)
    how = "with the native kernel" if kernel.NAME == "native" else "in pure Python"
    what = f"{status.blocks:,} blocks, {status.block_bytes / 1e6:.1f} MB"
    return "\n".join(
        (
            *(f"{peer.name:<{width}}  {story(peer)}" for peer in peers),
            "",
            f"{what}, brought, checked in full and stored in {status.seconds:.1f} s:",
            f"{status.mb_per_second:.1f} MB/s {how}. The chain ends with block {status.tip.height:,},",
            hash_hex(status.tip.hash),
        )
    )


def failures(chain: KeptChain, status: NodeStatus, peers: Sequence[PeerView]) -> list[str]:
    """What did not go as it should have; nothing when all went well."""
    found = [
        f"{peer.name}{_PLANS[peer.fault]} {story(peer)}. It should have been: {EXPECTED[peer.fault]}"
        for peer in peers
        if not peer.is_as_expected
    ]
    if status.tip != chain.tip:
        found.append(f"the sync ended at block {status.tip}, the chain ends at {chain.tip}")
    return found
