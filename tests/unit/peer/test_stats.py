"""Counters: what they add up, and that a remote cannot make them grow."""

from __future__ import annotations

from headway.peer.events import RequestKind
from headway.peer.stats import MAX_MONEY, OTHER, PeerStats, RoundTrips
from headway.types import UNKNOWN_HEIGHT, Address
from headway.wire.messages import Addr, AddrV2, FeeFilter, Ping, Pong, SendCmpct, Unknown, Version


def test_each_command_is_counted_in_its_direction() -> None:
    stats = PeerStats()
    stats.note_received(Ping(1), 32, 5.0)
    stats.note_received(Ping(2), 32, 6.0)
    stats.note_sent(Ping(3), 32, 7.0)
    received, sent = stats.received["ping"], stats.sent["ping"]
    assert (received.messages, received.bytes, received.last_at) == (2, 64, 6.0)
    assert (sent.messages, sent.bytes, sent.last_at) == (1, 32, 7.0)
    assert (stats.bytes_sent, stats.last_send_at) == (32, 7.0)


def test_ten_thousand_unknown_commands_share_one_entry() -> None:
    stats = PeerStats()
    for number in range(10_000):
        stats.note_received(Unknown(f"cmd{number}", b""), 24, 0.0)
    assert list(stats.received) == [OTHER]
    assert stats.received[OTHER].messages == 10_000


def test_round_trips_have_a_last_a_least_and_an_average() -> None:
    trips = RoundTrips()
    assert (trips.last, trips.least, trips.average) == (None, None, None)
    for seconds in (0.3, 0.1, 0.2):
        trips.add(seconds)
    assert (trips.count, trips.last, trips.least) == (3, 0.2, 0.1)
    assert trips.average is not None
    assert abs(trips.average - 0.2) < 1e-9


def test_blocks_per_second_counts_only_the_time_in_which_they_were_asked() -> None:
    assert PeerStats().blocks_per_second is None
    stats = PeerStats()
    stats.note_block(1_000, 0.5)
    stats.note_block(3_000, 1.5)
    assert stats.blocks_per_second == 1.0
    assert stats.block_bytes == 4_000


def test_requests_are_counted_by_kind() -> None:
    stats = PeerStats()
    stats.of(RequestKind.HEADERS).asked += 1
    stats.of(RequestKind.HEADERS).settled += 1
    stats.of(RequestKind.PING).expired += 1
    assert stats.requests[RequestKind.HEADERS].asked == 1
    assert stats.requests[RequestKind.HEADERS].settled == 1
    assert stats.requests[RequestKind.PING].expired == 1


def test_the_quickest_answer_is_remembered() -> None:
    stats = PeerStats()
    quickest = [stats.of(RequestKind.HEADERS).quickest]
    for seconds in (0.5, 0.2, 0.9, -1e-9):
        stats.of(RequestKind.HEADERS).note_settled(seconds)
        quickest.append(stats.of(RequestKind.HEADERS).quickest)
    assert quickest == [None, 0.5, 0.2, 0.2, 0.0]
    assert stats.of(RequestKind.HEADERS).settled == 4


def test_between_the_first_and_the_last_byte_of_a_frame_it_is_in_its_middle() -> None:
    stats = PeerStats()
    seen = [stats.is_mid_frame]
    stats.note_bytes(100, 1.0)
    seen.append(stats.is_mid_frame)
    stats.bytes_whole += 100
    assert [*seen, stats.is_mid_frame] == [False, True, False]


def test_bytes_count_even_when_they_make_no_message() -> None:
    stats = PeerStats()
    stats.note_bytes(7, 3.0)
    assert (stats.bytes_received, stats.last_receive_at, stats.received) == (7, 3.0, {})


def test_last_of_what_a_remote_states_of_itself_is_kept() -> None:
    stats = PeerStats()
    assert stats.height == UNKNOWN_HEIGHT
    stats.note_received(Version(70016, 9, 0, 1, "/a/", 500), 100, 1.0)
    stats.note_received(Ping(1), 32, 2.0)  # a chain whose pings say no height
    assert stats.height == 500
    stats.note_received(Pong(1, height=502), 32, 3.0)
    stats.note_received(Ping(1, height=501), 32, 3.0)
    assert stats.height == 501
    for rate in (1_000, MAX_MONEY + 1):  # the second says nothing
        stats.note_received(FeeFilter(rate), 32, 4.0)
    assert stats.fee_filter == 1_000
    for announce in (True, False):
        stats.note_received(SendCmpct(announce=announce, version=2), 33, 5.0)
        assert stats.is_compact_from is announce
        stats.note_sent(SendCmpct(announce=announce, version=2), 33, 5.0)
        assert stats.is_compact_to is announce


def test_addresses_are_counted_in_either_form() -> None:
    stats, known = PeerStats(), (Address("192.0.2.1", 8333), Address("192.0.2.2", 8333))
    stats.note_received(Addr(known), 90, 1.0)
    stats.note_received(AddrV2((), known), 60, 2.0)
    assert stats.addresses == 4
