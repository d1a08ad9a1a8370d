"""Both clocks of a block batch, as numbers: what sets them, what moves them, and what does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from headway.errors import CodecError, LocalProtocolError
from headway.network import Limits, Network, Timing
from headway.networks.bitcoin import REGTEST
from headway.peer import events as e
from headway.peer.blocks import MAX_DAMAGED, BlockBatch, Downloads
from headway.peer.deadlines import NEVER, Cause, Deadlines
from headway.peer.events import PeerDisconnected, PeerState, Reason, RequestKind
from headway.types import BlockRequest, Instant
from headway.wire import messages as m
from tests.link import block_of, blocks_of, headers_of, missing, of, only, quiet, ready, requests_of
from tests.manners import all_but_n3
from tests.toynet import toy_chain, toy_requests

LIMITS = Limits(typical_block_size=1_000, min_rate=100, max_blocks_in_flight=64)
TIMING = Timing(batch_timeout=60.0, block_timeout=120.0)
REQUESTS = toy_requests(toy_chain(64))


def batch_of(requests: Sequence[BlockRequest]) -> BlockBatch:
    batch = BlockBatch(1, [m.GetAddr()], lambda *_: None, lambda *_: None)
    batch.in_flight.update((request.hash, request) for request in requests)
    return batch


class Clocks:
    """A batch under watch from time 0."""

    def __init__(self, count: int, limits: Limits = LIMITS, timing: Timing = TIMING) -> None:
        self.deadlines = Deadlines()
        self.downloads = Downloads(self.deadlines, limits, timing)
        self.batch = batch_of(REQUESTS[:count])
        self.downloads.start(self.batch, 0.0)

    def receive(self, number: int, now: Instant, size: int = 1_000) -> BlockRequest | None:
        return self.downloads.receive(self.batch, REQUESTS[number].hash, size, now)

    def ends_at(self) -> Instant:
        """When it is really overdue, by letting every timer fire."""
        while True:
            at = self.deadlines.next()
            assert at is not None
            if self.downloads.overdue(self.batch, at):
                return at


def test_no_block_at_all_is_overdue_at_the_progress_deadline() -> None:
    clocks = Clocks(16)
    assert clocks.deadlines.at(Cause.PROGRESS) == 60.0
    assert clocks.downloads.overdue(clocks.batch, 59.9) == ""
    assert clocks.downloads.overdue(clocks.batch, 60.0) == "no block for 60 s, 16 in flight"


def test_each_block_sets_the_progress_clock_again() -> None:
    clocks = Clocks(16)
    assert clocks.receive(0, 50.0) is REQUESTS[0]
    assert clocks.deadlines.at(Cause.PROGRESS) == 110.0


def test_a_block_that_nobody_asked_for_sets_no_clock() -> None:
    clocks = Clocks(16)
    assert clocks.receive(40, 50.0) is None
    assert clocks.deadlines.at(Cause.PROGRESS) == 60.0
    assert clocks.downloads.block_size == 1_000


def test_a_block_that_comes_twice_counts_once() -> None:
    clocks = Clocks(16)
    clocks.receive(0, 10.0)
    assert clocks.receive(0, 50.0) is None
    assert clocks.deadlines.at(Cause.PROGRESS) == 70.0


def test_a_trickler_is_overdue_by_the_first_block_that_it_withholds() -> None:
    clocks = Clocks(16)
    for number in range(1, 16):  # all but the first, each in time for the progress clock
        clocks.receive(number, number * 7.0)
    assert clocks.deadlines.at(Cause.PROGRESS) == 105.0 + 60.0
    assert clocks.ends_at() == 120.0


def test_bytes_asked_ahead_give_a_block_more_time_and_arrivals_give_none() -> None:
    clocks = Clocks(16)
    for number in range(15):
        clocks.receive(number, 1.0)
    # the sixteenth has 15 blocks of 1,000 bytes ahead, at 100 bytes a second
    assert clocks.batch.earliest_deadline(120.0, 100.0) == 120.0 + 150.0
    clocks.receive(14, 200.0)
    assert clocks.batch.earliest_deadline(120.0, 100.0) == 120.0 + 150.0


def test_blocks_asked_later_have_later_deadlines_and_leave_the_earlier_alone() -> None:
    clocks = Clocks(1)
    more = REQUESTS[1:3]
    clocks.batch.in_flight.update((request.hash, request) for request in more)
    clocks.downloads.extend(clocks.batch, more, 30.0)
    assert clocks.deadlines.at(Cause.BLOCK) == 120.0
    clocks.receive(0, 31.0)
    assert clocks.batch.earliest_deadline(120.0, 100.0) == 30.0 + 10.0 + 120.0


def test_the_timer_of_blocks_wakes_at_most_early_and_then_knows_better() -> None:
    clocks = Clocks(2)
    clocks.receive(0, 30.0)
    clocks.receive(0, 100.0)
    assert clocks.deadlines.at(Cause.BLOCK) == 120.0  # of a block that has come
    clocks.batch.progress_at = 100.0  # as if others came
    assert clocks.downloads.overdue(clocks.batch, 120.0) == ""
    assert clocks.deadlines.at(Cause.BLOCK) == 130.0
    assert "too slow" in clocks.downloads.overdue(clocks.batch, 130.0)


def test_a_lower_rate_relieves_blocks_that_are_out_already() -> None:
    clocks = Clocks(2)
    clocks.receive(0, 100.0)
    clocks.downloads.min_rate = 10.0
    assert clocks.batch.progress_at == 100.0
    assert clocks.ends_at() == 100.0 + 100.0  # 1,000 bytes at 10 a second is more than batch_timeout
    assert clocks.batch.earliest_deadline(120.0, 10.0) == 120.0 + 100.0


def test_a_peer_at_the_least_rate_is_not_stalled_whatever_the_size_of_blocks() -> None:
    clocks = Clocks(2, replace(LIMITS, typical_block_size=10_000))
    assert clocks.deadlines.at(Cause.PROGRESS) == 100.0


def test_sizes_are_this_peers_running_average() -> None:
    clocks = Clocks(16)
    for number in range(16):
        clocks.receive(number, 1.0, size=9_000)
    assert 1_000 < clocks.downloads.block_size < 9_000
    assert clocks.downloads.block_size > 7_000


def test_zero_durations_switch_the_clocks_off() -> None:
    clocks = Clocks(16, timing=Timing(batch_timeout=0.0, block_timeout=0.0))
    assert clocks.deadlines.next() is None
    assert clocks.batch.earliest_deadline(0.0, 100.0) == NEVER
    clocks.receive(0, 5.0)
    assert clocks.deadlines.next() is None


def test_a_rate_of_zero_divides_nothing_by_zero() -> None:
    clocks = Clocks(16, replace(LIMITS, min_rate=0))
    assert clocks.deadlines.at(Cause.BLOCK) == 1_000.0  # as at a byte a second


def test_blocks_of_a_finished_batch_may_still_come_and_excuse_the_next_batch() -> None:
    clocks = Clocks(16)
    clocks.downloads.end(clocks.batch)
    assert clocks.deadlines.next() is None
    following = batch_of(REQUESTS[20:21])
    clocks.downloads.start(following, 10.0)
    assert clocks.deadlines.at(Cause.BLOCK) == 10.0 + 160.0 + 120.0  # sixteen blocks lie ahead of it
    assert clocks.downloads.receive(following, REQUESTS[0].hash, 1_000, 50.0) is None
    assert clocks.deadlines.at(Cause.PROGRESS) == 110.0
    assert clocks.downloads.receive(following, REQUESTS[0].hash, 1_000, 60.0) is None  # a second time is a stranger's
    assert clocks.deadlines.at(Cause.PROGRESS) == 110.0


def test_once_a_newer_block_has_come_older_ones_are_not_waited_for() -> None:
    clocks = Clocks(16)
    clocks.downloads.end(clocks.batch)
    following = batch_of(REQUESTS[20:22])
    clocks.downloads.start(following, 0.0)
    clocks.downloads.receive(following, REQUESTS[20].hash, 1_000, 50.0)
    clocks.downloads.receive(following, REQUESTS[0].hash, 1_000, 60.0)
    assert clocks.deadlines.at(Cause.PROGRESS) == 110.0


def test_what_is_remembered_of_finished_batches_is_bounded() -> None:
    clocks = Clocks(0)
    for salt in range(50):
        clocks.downloads.end(batch_of(toy_requests(toy_chain(64, salt))))
    following = batch_of(REQUESTS[:1])
    clocks.downloads.start(following, 0.0)
    assert clocks.deadlines.at(Cause.BLOCK) == 120.0 + 64 * 10.0


def test_nothing_is_remembered_of_finished_batches_once_the_connection_has_ended() -> None:
    clocks = Clocks(16)
    clocks.downloads.end(clocks.batch)
    clocks.downloads.close()
    following = batch_of(REQUESTS[20:21])
    clocks.downloads.start(following, 10.0)
    assert clocks.deadlines.at(Cause.BLOCK) == 10.0 + 120.0


def test_a_missing_block_is_an_answer() -> None:
    clocks = Clocks(16)
    assert clocks.downloads.miss(clocks.batch, REQUESTS[0].hash, 50.0) is REQUESTS[0]
    assert clocks.deadlines.at(Cause.PROGRESS) == 110.0
    assert clocks.downloads.miss(clocks.batch, REQUESTS[0].hash, 55.0) is None
    assert clocks.downloads.miss(None, REQUESTS[1].hash, 55.0) is None
    assert clocks.deadlines.at(Cause.PROGRESS) == 110.0
    assert len(clocks.batch.in_flight) == 15


def test_a_damaged_block_is_the_one_that_is_out_for_the_longest_time_and_asked_last_now() -> None:
    clocks = Clocks(3)
    assert clocks.downloads.lose(clocks.batch, 10.0) is REQUESTS[0]
    assert list(clocks.batch.in_flight.values()) == [REQUESTS[1], REQUESTS[2], REQUESTS[0]]
    assert clocks.downloads.lose(clocks.batch, 11.0) is REQUESTS[1]
    for number in (2, 0, 1):
        assert clocks.receive(number, 12.0) is REQUESTS[number]
    assert not clocks.batch.in_flight


def test_a_block_asked_for_again_has_a_deadline_of_its_own_and_the_progress_clock_goes_on() -> None:
    clocks = Clocks(1)
    clocks.downloads.lose(clocks.batch, 30.0)
    assert clocks.deadlines.at(Cause.PROGRESS) == 60.0
    assert clocks.batch.earliest_deadline(120.0, 100.0) == 30.0 + 120.0


def test_where_every_block_comes_damaged_there_is_an_end() -> None:
    clocks = Clocks(2)
    for _ in range(MAX_DAMAGED - 1):
        clocks.downloads.lose(clocks.batch, 1.0)
    clocks.receive(0, 2.0)  # a whole one: from the beginning again
    for _ in range(MAX_DAMAGED - 1):
        clocks.downloads.lose(clocks.batch, 3.0)
    with pytest.raises(CodecError, match=f"{MAX_DAMAGED} blocks in a row came damaged"):
        clocks.downloads.lose(clocks.batch, 4.0)


def test_a_block_larger_than_its_timeout_allows_has_the_time_that_it_needs() -> None:
    """On a slow line of ours, where less is asked of peers."""
    clocks = Clocks(1, replace(LIMITS, typical_block_size=100_000))
    assert clocks.deadlines.at(Cause.BLOCK) == 1_000.0
    clocks.downloads.min_rate = 10.0
    assert clocks.ends_at() == 10_000.0


# The same over a whole machine.


@all_but_n3
def test_a_damaged_block_is_asked_for_again_at_once(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 3)
    batch = remote.peer.request_blocks(requests_of(network, blocks), 1.0)
    remote.hears()
    for raw in blocks:
        frame = remote.encode(block_of(network, raw))
        remote.peer.receive_data(frame[:-1] + bytes([frame[-1] ^ 1]), 2.0)
    asked = of(m.GetData, remote.hears())
    assert [entry.hash for message in asked for entry in message.entries] == [
        request.hash for request in requests_of(network, blocks)
    ]
    remote.says(*(block_of(network, raw) for raw in blocks), now=3.0)
    assert len(of(e.BlockReceived, remote.events())) == 3
    assert batch.is_finished


@all_but_n3
def test_a_peer_of_which_every_block_comes_damaged_is_ended_and_not_blamed(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 1)
    remote.peer.request_blocks(requests_of(network, blocks), 1.0)
    frame = remote.encode(block_of(network, blocks[0]))
    damaged = frame[:-1] + bytes([frame[-1] ^ 1])
    remote.peer.receive_data(damaged * (MAX_DAMAGED + 5), 2.0)
    ended = remote.ended()
    assert (ended.reason, ended.message) == (Reason.PROTOCOL, f"{MAX_DAMAGED} blocks in a row came damaged")
    assert remote.peer.stats.dropped_frames == MAX_DAMAGED
    assert remote.peer.state is PeerState.CLOSED


@all_but_n3
def test_a_damaged_block_that_nobody_asked_for_is_dropped(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 1)
    frame = remote.encode(block_of(network, blocks[0]))
    remote.peer.receive_data((frame[:-1] + bytes([frame[-1] ^ 1])) * 20, 2.0)
    assert remote.hears() == []
    assert remote.events() == []


@all_but_n3
def test_each_block_carries_its_request_back(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 3)
    requests = requests_of(network, blocks)
    batch = remote.peer.request_blocks(requests, 1.0)
    [asked] = remote.hears()
    assert isinstance(asked, m.GetData)
    assert [entry.hash for entry in asked.entries] == [request.hash for request in requests]
    assert list(batch.in_flight) == [request.hash for request in requests]
    for raw in (blocks[1], blocks[0]):
        remote.says(block_of(network, raw), now=2.0)
    received = of(e.BlockReceived, remote.events())
    assert [event.request for event in received] == [requests[1], requests[0]]
    assert [bytes(event.block) for event in received] == [blocks[1], blocks[0]]
    assert list(batch.in_flight) == [requests[2].hash]
    remote.says(block_of(network, blocks[2]), now=3.0)
    assert [type(event) for event in remote.events()] == [e.BlockReceived, e.BatchFinished]
    assert batch.is_finished


def test_bitcoin_asks_for_blocks_with_their_witness() -> None:
    remote = ready(REGTEST)
    remote.peer.request_blocks(requests_of(REGTEST, blocks_of(REGTEST, 1)), 1.0)
    [asked] = remote.hears()
    assert isinstance(asked, m.GetData)
    assert asked.entries[0].type == 0x40000002


@all_but_n3
def test_a_long_batch_is_asked_in_pieces(network: Network) -> None:
    limited = replace(network, limits=replace(network.limits, max_getdata=10))
    remote = ready(limited)
    requests = requests_of(network, blocks_of(network, 25))
    remote.peer.request_blocks(requests, 1.0)
    asked = of(m.GetData, remote.hears())
    assert [len(message.entries) for message in asked] == [10, 10, 5]
    assert [entry.hash for message in asked for entry in message.entries] == [request.hash for request in requests]


def test_a_block_that_nobody_asked_for_is_nobodys(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 2)
    remote.says(block_of(network, blocks[0]), now=1.0)
    assert only(e.BlockReceived, remote.events()).request is None
    batch = remote.peer.request_blocks(requests_of(network, blocks[:1]), 1.0)
    remote.says(block_of(network, blocks[1]), now=2.0)
    assert only(e.BlockReceived, remote.events()).request is None
    assert len(batch.in_flight) == 1


def test_the_same_block_twice_answers_once(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 2)
    requests = requests_of(network, blocks)
    remote.peer.request_blocks(requests, 1.0)
    remote.says(block_of(network, blocks[0]), block_of(network, blocks[0]), now=2.0)
    assert [event.request for event in of(e.BlockReceived, remote.events())] == [requests[0], None]


@all_but_n3
def test_a_peer_that_sends_no_block_ends_itself(network: Network) -> None:
    remote = ready(quiet(replace(network, limits=Limits(typical_block_size=1_000))))
    batch = remote.peer.request_blocks(requests_of(network, blocks_of(network, 16)), 10.0)
    assert remote.timer() == 70.0
    remote.says(m.Ping(1), headers_of(network, []), now=69.0)  # life, but no block
    remote.events()
    remote.peer.handle_timer(70.0)
    assert remote.events() == [
        e.RequestTimedOut(batch.id, RequestKind.BLOCKS, ends_peer=True),
        PeerDisconnected(Reason.STALLED, "no block for 60 s, 16 in flight"),
    ]
    assert batch.is_finished
    assert len(batch.in_flight) == 16


@all_but_n3
def test_extending_a_batch_asks_only_for_what_is_new(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 5)
    requests = requests_of(network, blocks)
    batch = remote.peer.request_blocks(requests[:2], 1.0)
    remote.hears()
    batch.extend(requests[2:4], 2.0)
    [asked] = of(m.GetData, remote.hears())
    assert [entry.hash for entry in asked.entries] == [request.hash for request in requests[2:4]]
    remote.says(*(block_of(network, raw) for raw in blocks), now=3.0)
    received = [event.request for event in of(e.BlockReceived, remote.events())]
    assert received == [*requests[:4], None]
    with pytest.raises(LocalProtocolError, match="finished"):
        batch.extend(requests[4:], 4.0)


def test_finishing_a_batch_cancels_what_is_owed_without_blame(network: Network) -> None:
    remote, blocks = ready(quiet(network)), blocks_of(network, 3)
    requests = requests_of(network, blocks)
    batch = remote.peer.request_blocks(requests, 1.0)
    remote.says(block_of(network, blocks[0]), now=2.0)
    remote.events()
    batch.finish(3.0)
    batch.finish(3.0)
    assert remote.events() == [e.BatchFinished(batch.id)]
    assert remote.peer.get_timer() is None
    remote.says(block_of(network, blocks[1]), now=4.0)
    assert only(e.BlockReceived, remote.events()).request is None
    remote.peer.handle_timer(10_000.0)
    assert remote.peer.state is PeerState.READY


@all_but_n3
def test_a_batch_that_waits_is_asked_when_its_turn_comes(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 5)
    requests = requests_of(network, blocks)
    first = remote.peer.request_blocks(requests[:1], 1.0)
    second = remote.peer.request_blocks(requests[1:3], 1.0)
    third = remote.peer.request_blocks(requests[4:], 1.0)
    second.extend(requests[3:4], 1.5)
    assert len(of(m.GetData, remote.hears())) == 1
    third.finish(1.6)
    assert remote.events() == [e.BatchFinished(third.id)]
    remote.says(block_of(network, blocks[0]), now=2.0)
    assert remote.events()[-1] == e.BatchFinished(first.id)
    asked = [entry.hash for message in of(m.GetData, remote.hears()) for entry in message.entries]
    assert asked == [request.hash for request in requests[1:4]]
    remote.says(*(block_of(network, raw) for raw in blocks[1:4]), now=3.0)
    assert remote.events()[-1] == e.BatchFinished(second.id)
    assert remote.hears() == []


def test_not_found_blocks_are_no_longer_in_flight(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 3)
    requests = requests_of(network, blocks)
    batch = remote.peer.request_blocks(requests, 1.0)
    remote.says(missing(requests[0].hash, requests[2].hash, b"\1" * 32), now=2.0)
    assert only(e.BlocksNotFound, remote.events()).requests == (requests[0], requests[2])
    assert list(batch.in_flight) == [requests[1].hash]
    remote.says(missing(requests[0].hash), now=3.0)
    assert remote.events() == []
    remote.says(missing(requests[1].hash), now=4.0)
    assert [type(event) for event in remote.events()] == [e.BlocksNotFound, e.BatchFinished]
    assert batch.is_finished


@all_but_n3
def test_batches_that_cannot_be_asked_are_the_callers_mistake(network: Network) -> None:
    limited = replace(network, limits=replace(network.limits, max_blocks_in_flight=4))
    remote, requests = ready(limited), requests_of(network, blocks_of(network, 6))
    with pytest.raises(LocalProtocolError, match="no blocks"):
        remote.peer.request_blocks([], 1.0)
    with pytest.raises(LocalProtocolError, match="5 blocks of one peer, at most 4"):
        remote.peer.request_blocks(requests[:5], 1.0)
    with pytest.raises(LocalProtocolError, match="twice"):
        remote.peer.request_blocks([requests[0], requests[0]], 1.0)
    batch = remote.peer.request_blocks(requests[:3], 1.0)
    with pytest.raises(LocalProtocolError, match="twice"):
        batch.extend(requests[2:3], 1.0)
    with pytest.raises(LocalProtocolError, match="5 blocks of one peer, at most 4"):
        batch.extend(requests[3:5], 1.0)
    assert len(batch.in_flight) == 3
    assert len(of(m.GetData, remote.hears())) == 1


def test_only_a_batch_that_is_out_lets_the_wire_expect_a_block() -> None:
    remote, blocks = ready(REGTEST), blocks_of(REGTEST, 2)
    frame = remote.encode(block_of(REGTEST, blocks[0]))
    scratch = remote.peer.receive_buffer()
    remote.peer.request_blocks(requests_of(REGTEST, blocks), 1.0)
    remote.peer.receive_data(frame[:30], 2.0)
    direct = remote.peer.receive_buffer()
    assert len(direct) == len(frame) - 30
    direct[:] = frame[30:]
    remote.peer.receive_buffered(len(direct), 3.0)
    assert bytes(only(e.BlockReceived, remote.events()).block) == blocks[0]
    remote.says(block_of(REGTEST, blocks[1]), now=4.0)
    remote.peer.receive_data(frame[:30], 5.0)
    assert remote.peer.receive_buffer() is scratch


def test_a_block_too_short_for_a_header_is_the_remotes_fault(network: Network) -> None:
    remote = ready(network)
    batch = remote.peer.request_blocks(requests_of(network, blocks_of(network, 2)), 1.0)
    remote.says(block_of(network, b"short"), now=2.0)
    events = remote.events()
    assert isinstance(only(e.PeerMisbehaved, events).error, CodecError)
    assert only(e.PeerDisconnected, events).reason is Reason.PROTOCOL
    assert batch.is_finished
