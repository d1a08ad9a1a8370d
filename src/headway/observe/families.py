"""The metrics of a node: name, kind, labels, and where each figure comes from. docs/reference/metrics.md is about them.

Every value of a label is one of ours: a network, a state, a reason, a kind of request, a command that the codec knows
(all others are one, `*other*`). Nothing that a remote says becomes one, so their number is bounded. Where the values of
a label are few, all are there from the beginning, with 0.
Not here: how they are written down and asked for (`metrics`, `endpoint`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import TYPE_CHECKING, Final, TypeAlias

from headway import __version__, kernel
from headway.peer.events import PeerState, Reason, RequestKind
from headway.types import Net

if TYPE_CHECKING:
    from headway.node.snapshot import NodeSnapshot
    from headway.peer.stats import CommandStats


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one answer is made from."""

    node: NodeSnapshot
    free_bytes: int | None
    """Where the data directory lies; None when that could not be seen."""


class Kind(StrEnum):
    GAUGE = "gauge"
    """It may rise and fall."""
    COUNTER = "counter"
    """It only rises, from the start of the node on. Its name ends in `_total`."""
    SUMMARY = "summary"
    """A count and a sum; its two values stand in this order."""


Values: TypeAlias = Iterable[tuple[tuple[str, ...], tuple[float, ...]]]
"""Values of the labels, in their order; the figure, or count and sum."""


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    values: Callable[[Scrape], Values]


_PHASES: Final = ("headers", "blocks", "current")
_STATES: Final = (PeerState.CONNECTING, PeerState.HANDSHAKING, PeerState.READY, PeerState.CLOSING)
_ENDS: Final = ("settled", "expired", "cancelled")


def _direction(inbound: bool) -> str:
    return "inbound" if inbound else "outbound"


# Where figures come from.


def _one(figure: Callable[[NodeSnapshot], float]) -> Callable[[Scrape], Values]:
    return lambda scrape: [((), (figure(scrape.node),))]


def _about(scrape: Scrape) -> Values:
    return [((__version__, scrape.node.network, kernel.NAME), (1,))]


def _peers(scrape: Scrape) -> Values:
    for net, inbound in product(Net, (False, True)):
        yield (str(net), _direction(inbound)), (scrape.node.peers.get((net, inbound), 0),)


def _connections(scrape: Scrape) -> Values:
    for state, inbound in product(_STATES, (False, True)):
        yield (state.name.lower(), _direction(inbound)), (scrape.node.connections.get((state, inbound), 0),)


def _ended(scrape: Scrape) -> Values:
    for reason, inbound in product(Reason, (False, True)):
        yield (_direction(inbound), reason.name.lower()), (scrape.node.tally.ended.get((inbound, reason), 0),)


def _traffic(
    table: Callable[[NodeSnapshot], Mapping[str, CommandStats]], figure: Callable[[CommandStats], int]
) -> Callable[[Scrape], Values]:
    return lambda scrape: [((command,), (figure(each),)) for command, each in sorted(table(scrape.node).items())]


def _asked(scrape: Scrape) -> Values:
    for kind in RequestKind:
        request = scrape.node.tally.requests.get(kind)
        yield (kind.name.lower(),), (request.asked if request else 0,)


def _request_ends(scrape: Scrape) -> Values:
    for kind, end in product(RequestKind, _ENDS):
        request = scrape.node.tally.requests.get(kind)
        yield (kind.name.lower(), end), (getattr(request, end) if request else 0,)


def _phase(scrape: Scrape) -> Values:
    now = scrape.node.phase.name.lower()
    return [((phase,), (phase == now,)) for phase in _PHASES]


def _block_height(scrape: Scrape) -> Values:
    """Left out where there is none: 0 is the height of a block."""
    height = scrape.node.block_height
    return [] if height is None else [((), (height,))]


def _free_bytes(scrape: Scrape) -> Values:
    return [] if scrape.free_bytes is None else [((), (scrape.free_bytes,))]


def _window(scrape: Scrape) -> Values:
    return [(("asked",), (scrape.node.blocks_asked,)), (("in_hand",), (scrape.node.blocks_in_hand,))]


def _compact_blocks(scrape: Scrape) -> Values:
    use = scrape.node.tx_cache
    return [(("cache",), (use.at_once,)), (("peer",), (use.topped_up,)), (("whole",), (use.failed,))]


GAUGE, COUNTER, SUMMARY = Kind

FAMILIES: Final = (
    Family("headway_info", GAUGE, ("version", "chain", "kernel"), "Always 1; what is running.", _about),
    # peers
    Family("headway_peers", GAUGE, ("network", "direction"), "Ready peers.", _peers),
    Family(
        "headway_connections", GAUGE, ("state", "direction"), "Connections and dials, by their state.", _connections
    ),
    Family(
        "headway_connections_ended_total",
        COUNTER,
        ("direction", "reason"),
        "Connections and dials that have ended, and why.",
        _ended,
    ),
    Family("headway_addresses", GAUGE, (), "Addresses in the address book.", _one(lambda node: node.addresses)),
    Family(
        "headway_discouraged", GAUGE, (), "Hosts left alone for what they did.", _one(lambda node: node.discouraged)
    ),
    Family(
        "headway_misbehaved_total", COUNTER, (), "Peers that served invalid data.", _one(lambda node: node.misbehaved)
    ),
    # traffic
    Family(
        "headway_received_bytes_total",
        COUNTER,
        ("command",),
        "Bytes of messages received, their frames included.",
        _traffic(lambda node: node.tally.received, lambda stats: stats.bytes),
    ),
    Family(
        "headway_sent_bytes_total",
        COUNTER,
        ("command",),
        "Bytes of messages sent, their frames included.",
        _traffic(lambda node: node.tally.sent, lambda stats: stats.bytes),
    ),
    Family(
        "headway_received_messages_total",
        COUNTER,
        ("command",),
        "Messages received.",
        _traffic(lambda node: node.tally.received, lambda stats: stats.messages),
    ),
    Family(
        "headway_sent_messages_total",
        COUNTER,
        ("command",),
        "Messages sent.",
        _traffic(lambda node: node.tally.sent, lambda stats: stats.messages),
    ),
    Family(
        "headway_dropped_frames_total",
        COUNTER,
        (),
        "Frames received damaged, and ignored.",
        _one(lambda node: node.tally.dropped_frames),
    ),
    # requests
    Family("headway_requests_total", COUNTER, ("kind",), "Requests to peers that went out.", _asked),
    Family("headway_requests_ended_total", COUNTER, ("kind", "end"), "Requests that are over, and how.", _request_ends),
    Family(
        "headway_ping_seconds",
        SUMMARY,
        (),
        "Round trips of pings.",
        lambda scrape: [((), (scrape.node.tally.pings, scrape.node.tally.ping_seconds))],
    ),
    # sync
    Family("headway_sync_phase", GAUGE, ("phase",), "1 for the phase that the sync is in.", _phase),
    Family(
        "headway_header_height", GAUGE, (), "Height of the best header chain.", _one(lambda node: node.header_height)
    ),
    Family("headway_block_height", GAUGE, (), "Height of the last block that was delivered in order.", _block_height),
    Family("headway_window_blocks", GAUGE, ("state",), "Blocks of the window that are under way.", _window),
    Family(
        "headway_window_bytes",
        GAUGE,
        (),
        "Bytes of blocks that were received and are not stored yet.",
        _one(lambda node: node.bytes_in_hand),
    ),
    Family("headway_stalls_total", COUNTER, (), "Peers that held the sync up.", _one(lambda node: node.stalls)),
    Family("headway_reorgs_total", COUNTER, (), "Times the best chain left a branch.", _one(lambda node: node.reorgs)),
    # store
    Family("headway_stored_headers_total", COUNTER, (), "Headers stored by this run.", _one(lambda node: node.headers)),
    Family("headway_stored_blocks_total", COUNTER, (), "Blocks stored by this run.", _one(lambda node: node.blocks)),
    Family(
        "headway_stored_block_bytes_total",
        COUNTER,
        (),
        "Bytes of blocks stored by this run.",
        _one(lambda node: node.block_bytes),
    ),
    Family("headway_store_headers", GAUGE, (), "Headers held, forks included.", _one(lambda node: node.headers_held)),
    Family("headway_store_blocks", GAUGE, (), "Blocks held.", _one(lambda node: node.blocks_held)),
    Family(
        "headway_store_free_bytes",
        GAUGE,
        (),
        "Bytes that are free where the data directory lies.",
        _free_bytes,
    ),
    Family(
        "headway_tx_cache_bytes",
        GAUGE,
        (),
        "Bytes that transactions of others take (`--tx-cache`).",
        _one(lambda node: node.tx_cache.bytes),
    ),
    Family(
        "headway_compact_blocks_total",
        COUNTER,
        ("source",),
        "Compact blocks, by what completed them: the cache alone, the peer's answer to what it lacked, or the whole.",
        _compact_blocks,
    ),
    Family(
        "headway_compact_transactions_total",
        COUNTER,
        ("source",),
        "Transactions of compact blocks: found in the cache, or asked for.",
        lambda scrape: [(("cache",), (scrape.node.tx_cache.found,)), (("peer",), (scrape.node.tx_cache.asked,))],
    ),
    Family(
        "headway_transactions", GAUGE, (), "Transactions of ours, handed out now.", _one(lambda node: node.transactions)
    ),
)
