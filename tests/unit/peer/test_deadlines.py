"""The table itself: what it forgets, what it orders, and a clock that stands still; and every timer switched off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from headway.network import Network, Timing
from headway.peer.deadlines import NEVER, Cause, Deadlines
from headway.peer.events import Reason
from tests.link import Remote, blocks_of, genesis_of, requests_of


def test_nothing_is_due_in_an_empty_table() -> None:
    table = Deadlines()
    assert table.next() is None
    assert table.due(1e12) == []


def test_the_earliest_of_all_causes_is_next() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 30.0, 100.0)
    table.arm(Cause.PONG, 10.0, 100.0)
    table.arm(Cause.HEADERS, 20.0, 100.0)
    assert table.next() == 110.0
    table.disarm(Cause.PONG)
    assert table.next() == 120.0


def test_a_delay_of_zero_switches_a_timer_off() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 5.0, 0.0)
    table.arm(Cause.IDLE, 0.0, 1.0)
    assert table.next() is None
    assert table.at(Cause.IDLE) == NEVER


def test_arming_again_moves_the_one_entry_of_a_cause() -> None:
    table = Deadlines()
    for now in range(1_000):
        table.arm(Cause.IDLE, 5.0, float(now))
    assert table.next() == 1_004.0
    assert table.due(1_004.0) == [Cause.IDLE]


def test_all_that_is_due_comes_earliest_first_and_not_before_its_time() -> None:
    table = Deadlines()
    table.arm(Cause.BLOCK, 3.0, 0.0)
    table.arm(Cause.IDLE, 1.0, 0.0)
    table.arm(Cause.PING, 2.0, 0.0)
    assert table.due(0.999) == []
    assert table.due(1.0) == [Cause.IDLE]
    assert table.due(10.0) == [Cause.IDLE, Cause.PING, Cause.BLOCK]


def test_a_pause_moves_every_deadline_by_its_length() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 10.0, 0.0)
    table.pause(4.0)
    assert table.next() is None
    assert table.due(1_000.0) == []
    table.resume(104.0)
    assert table.next() == 110.0
    assert table.due(109.9) == []
    assert table.due(110.0) == [Cause.IDLE]


def test_what_is_armed_during_a_pause_has_its_whole_time_after_it() -> None:
    table = Deadlines()
    table.pause(0.0)
    table.arm(Cause.PONG, 5.0, 50.0)
    table.resume(100.0)
    assert table.next() == 105.0


def test_pauses_nest_and_only_the_last_resume_starts_the_clock() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 10.0, 0.0)
    table.pause(1.0)
    table.pause(2.0)
    table.resume(3.0)
    assert table.next() is None
    table.resume(5.0)
    assert table.next() == 14.0


def test_a_resume_without_a_pause_does_nothing() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 10.0, 0.0)
    table.resume(5.0)
    assert table.next() == 10.0
    table.pause(5.0)
    assert table.next() is None


def test_clearing_ends_pauses_and_forgets_deadlines() -> None:
    table = Deadlines()
    table.arm(Cause.IDLE, 10.0, 0.0)
    table.pause(1.0)
    table.clear()
    assert table.next() is None
    table.arm(Cause.CLOSE, 5.0, 2.0)
    assert table.next() == 7.0


def test_rounding_does_not_set_the_timer_and_the_deadline_apart() -> None:
    table = Deadlines()
    table.pause(15.411253314445393)
    table.resume(15.411253314445393 + 999.0)
    table.arm(Cause.PROGRESS, 10.0, 15.411253314445393 + 999.0)
    at = table.next()
    assert at is not None
    assert table.due(at) == [Cause.PROGRESS]
    assert table.has_passed(table.at(Cause.PROGRESS), at)


# The timers of a machine.


def ready_then(order: Callable[[Remote], object]) -> Callable[[Remote], object]:
    def story(remote: Remote) -> None:
        remote.shake(5.0)
        order(remote)

    return story


def disconnect_with_bytes_queued(remote: Remote) -> None:
    remote.peer.handle_writable(1_000, 5.0)
    remote.peer.disconnect(Reason.REQUESTED, "enough", 5.0)


STARTS: dict[str, Callable[[Remote], object]] = {
    "handshake_timeout": lambda remote: remote.connect(5.0),
    "idle_timeout": ready_then(lambda _remote: None),
    "ping_interval": ready_then(lambda _remote: None),
    "ping_timeout": ready_then(lambda remote: remote.peer.ping(5.0)),
    "headers_timeout": ready_then(lambda remote: remote.peer.request_headers((genesis_of(remote.network),), 5.0)),
    "addresses_timeout": ready_then(lambda remote: remote.peer.request_addresses(5.0)),
    "transaction_timeout": ready_then(lambda remote: remote.peer.request_transaction(bytes(32), 5.0)),
    "batch_timeout": ready_then(
        lambda remote: remote.peer.request_blocks(requests_of(remote.network, blocks_of(remote.network, 2)), 5.0)
    ),
    "block_timeout": ready_then(
        lambda remote: remote.peer.request_blocks(requests_of(remote.network, blocks_of(remote.network, 2)), 5.0)
    ),
    "close_timeout": ready_then(disconnect_with_bytes_queued),
}
"""At 5 s each of these starts the timer whose name it has."""


def test_every_timer_of_a_peer_is_among_those_that_can_be_started() -> None:
    others = {
        "connect_timeout",  # of whoever dials
        "header_timeout",  # a part of another
        "poll_interval",  # of the sync
        "verack_pause",  # off where nothing is said, and it holds up all the others: `test_handshake` shows it
    }
    assert set(STARTS) == set(Timing.__dataclass_fields__) - others


@pytest.mark.parametrize("name", STARTS)
def test_zero_turns_this_one_timer_off_and_no_other(network: Network, name: str) -> None:
    others = dict.fromkeys(STARTS, 1_000.0)
    due = []
    for duration in (50.0, 0.0):
        limits = replace(network.limits, typical_block_size=1_000)
        remote = Remote(replace(network, timing=Timing(**(others | {name: duration})), limits=limits))
        STARTS[name](remote)
        due.append(remote.peer.get_timer())
    assert due[0] == 55.0
    assert due[1] == (None if name == "close_timeout" else 1_005.0)
