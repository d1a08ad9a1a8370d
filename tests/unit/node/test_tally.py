"""Sums over connections."""

from __future__ import annotations

from headway.node.tally import Tally
from headway.peer.events import Reason, RequestKind
from headway.peer.stats import OTHER, PeerStats
from headway.wire.messages import Ping, Unknown, Verack


def stats(messages: int, ended: Reason | None = None) -> PeerStats:
    made = PeerStats()
    for number in range(messages):
        made.note_received(Ping(number), 32, now=float(number))
        made.note_received(Unknown(f"what{number}", b""), 24, now=float(number))
        made.note_sent(Verack(), 24, now=float(number))
        made.note_round_trip(0.5)
    made.of(RequestKind.BLOCKS).asked = messages
    made.of(RequestKind.BLOCKS).settled = messages - 1
    made.of(RequestKind.HEADERS).expired = 1
    made.of(RequestKind.HEADERS).cancelled = 2
    made.dropped_frames = 1
    made.ended = ended
    return made


def test_connections_are_added_up_by_command_kind_and_reason() -> None:
    tally = Tally()
    tally.add(stats(2), inbound=True)
    tally.add(stats(3, Reason.STALLED), inbound=False)
    tally.add(stats(1, Reason.STALLED), inbound=False)
    tally.add(stats(1, Reason.STALLED), inbound=True)
    assert {command: (each.messages, each.bytes, each.last_at) for command, each in tally.received.items()} == {
        "ping": (7, 224, 2.0),
        OTHER: (7, 168, 2.0),
    }
    assert {command: each.bytes for command, each in tally.sent.items()} == {"verack": 168}
    blocks, headers = tally.requests[RequestKind.BLOCKS], tally.requests[RequestKind.HEADERS]
    assert (blocks.asked, blocks.settled, headers.expired, headers.cancelled) == (7, 3, 4, 8)
    assert (tally.dropped_frames, tally.pings, tally.ping_seconds) == (4, 7, 3.5)
    assert tally.ended == {(False, Reason.STALLED): 2, (True, Reason.STALLED): 1}


def test_a_copy_leaves_the_first_alone_and_stats_are_not_taken_over() -> None:
    tally, first = Tally(), stats(2, Reason.IDLE)
    tally.add(first, inbound=True)
    copy = tally.copy()
    assert copy == tally
    copy.add(stats(5, Reason.IDLE), inbound=True)
    assert tally.received["ping"].messages == first.received["ping"].messages == 2
    assert tally.requests[RequestKind.BLOCKS].asked == first.of(RequestKind.BLOCKS).asked == 2
    assert (tally.pings, tally.dropped_frames, tally.ended) == (2, 1, {(True, Reason.IDLE): 1})
