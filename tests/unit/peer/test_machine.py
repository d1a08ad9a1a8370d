"""One connection's life: how it begins, what keeps it, and that it ends once and wholly."""

from __future__ import annotations

import gc
import random
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from headway.errors import FutureHeader, InvalidBlock, LocalProtocolError, RemoteProtocolError, UnexpectedMessage
from headway.network import Network, Timing
from headway.networks.bitcoin import REGTEST
from headway.peer import events as e
from headway.peer.config import PeerConfig
from headway.peer.events import PeerDisconnected, PeerState, Reason
from headway.peer.machine import PeerMachine
from headway.types import BlockId
from headway.wire import messages as m
from tests.link import (
    THERE,
    WALL,
    Link,
    Remote,
    block_of,
    blocks_of,
    genesis_of,
    headers_of,
    is_ready,
    machine,
    only,
    ready,
    requests_of,
    unknown,
)
from tests.manners import forgiving
from tests.toynet import TOYNET

ORDERS: list[Callable[[PeerMachine, Network], object]] = [
    lambda peer, network: peer.request_headers((genesis_of(network),), 9.0),
    lambda peer, network: peer.request_blocks(requests_of(network, blocks_of(network, 1)), 9.0),
    lambda peer, _: peer.request_addresses(9.0),
    lambda peer, _: peer.request_transaction(bytes(32), 9.0),
    lambda peer, _: peer.ping(9.0),
    lambda peer, _: peer.send(m.GetAddr(), 9.0),
]


def test_a_life_passes_through_its_states_in_order(network: Network) -> None:
    lines: list[str] = []
    remote = Remote(network, log=lines.append)
    assert remote.peer.state is PeerState.CONNECTING
    remote.shake(now=3.0)
    assert (remote.peer.since, remote.peer.stats.connected_at) == (3.0, 3.0)
    remote.peer.send(m.GetAddr(), 4.0)
    remote.peer.disconnect(Reason.REQUESTED, "enough", 5.0)
    remote.hears()
    remote.peer.handle_connection_lost("closed", 6.0)
    assert [line for line in lines if line.startswith("=")] == ["= HANDSHAKING", "= READY", "= CLOSING", "= CLOSED"]
    assert remote.peer.since == 6.0


@pytest.mark.parametrize("order", ORDERS)
def test_orders_to_a_peer_that_is_not_ready_are_refused_and_never_wait(
    network: Network, order: Callable[[PeerMachine, Network], object]
) -> None:
    fresh, shaking, closing, closed = machine(network), Remote(network), ready(network), ready(network)
    shaking.connect()
    closing.peer.send(m.GetAddr(), 1.0)
    closing.peer.disconnect(Reason.REQUESTED, "enough", 1.0)
    closed.peer.receive_eof(1.0)
    for peer, state in (
        (fresh, PeerState.CONNECTING),
        (shaking.peer, PeerState.HANDSHAKING),
        (closing.peer, PeerState.CLOSING),
        (closed.peer, PeerState.CLOSED),
    ):
        assert peer.state is state
        with pytest.raises(LocalProtocolError, match=state.name):
            order(peer, network)


def test_a_machine_is_connected_once(network: Network) -> None:
    remote = Remote(network)
    remote.connect()
    with pytest.raises(LocalProtocolError, match="twice"):
        remote.connect()


def test_a_connection_that_comes_after_the_end_is_wanted_no_more(network: Network) -> None:
    peer = machine(network)
    peer.disconnect(Reason.REQUESTED, "changed our mind", 1.0)
    peer.handle_connected(2.0, WALL)
    assert peer.state is PeerState.CLOSED
    assert peer.wants_close()
    assert peer.data_to_send() == []
    assert peer.events_received() == [PeerDisconnected(Reason.REQUESTED, "changed our mind")]


# The end.


def test_a_dial_that_fails_or_a_connection_that_is_lost_ends_the_machine(network: Network) -> None:
    dialling, connected = Remote(network), ready(network)
    dialling.peer.handle_connection_lost("connection refused", 1.0)
    connected.peer.handle_connection_lost("reset by peer", 1.0)
    assert dialling.events() == [PeerDisconnected(Reason.CONNECT_FAILED, "connection refused")]
    assert connected.events() == [PeerDisconnected(Reason.CONNECTION_LOST, "reset by peer")]
    assert dialling.peer.state is connected.peer.state is PeerState.CLOSED


def test_the_remotes_close_ends_the_machine(network: Network) -> None:
    remote = ready(network)
    remote.peer.receive_eof(1.0)
    remote.peer.receive_eof(2.0)
    remote.peer.handle_connection_lost("closed", 2.0)
    assert remote.events() == [PeerDisconnected(Reason.REMOTE_CLOSED, "the remote closed the connection")]
    assert (remote.peer.state, remote.peer.since) == (PeerState.CLOSED, 1.0)


def test_our_disconnect_lets_queued_bytes_drain(network: Network) -> None:
    remote = ready(network)
    remote.peer.send(m.GetAddr(), 1.0)
    remote.peer.disconnect(Reason.REQUESTED, "enough", 1.0)
    remote.peer.disconnect(Reason.IDLE, "a second time", 1.0)
    assert remote.events() == [PeerDisconnected(Reason.REQUESTED, "enough")]
    assert not remote.peer.wants_close()
    assert remote.commands() == ["getaddr"]
    assert remote.peer.wants_close()


def test_our_disconnect_waits_for_what_the_driver_holds_and_not_for_ever(network: Network) -> None:
    patient, impatient = ready(network), ready(network)
    for remote in (patient, impatient):
        remote.peer.handle_writable(1_000, 1.0)
        remote.peer.disconnect(Reason.REQUESTED, "enough", 2.0)
        assert not remote.peer.wants_close()
        assert remote.timer() == 7.0
    patient.peer.handle_writable(0, 3.0)
    impatient.peer.handle_timer(7.0)
    for remote in (patient, impatient):
        assert remote.peer.wants_close()
        assert remote.peer.get_timer() is None
        assert len(remote.events()) == 1


def test_while_closing_nothing_is_read(network: Network) -> None:
    remote = ready(network)
    remote.peer.send(m.GetAddr(), 1.0)
    remote.peer.disconnect(Reason.REQUESTED, "enough", 1.0)
    remote.events()
    remote.says(m.Ping(1), unknown(network, 99, b""), now=2.0)
    assert remote.events() == []
    assert remote.commands() == ["getaddr"]


@forgiving
def test_whoever_failed_us_gets_nothing_more(network: Network) -> None:
    remote = ready(network)
    remote.peer.send(m.GetAddr(), 1.0)
    remote.says(m.SendAddrV2(), now=1.0)
    assert remote.peer.wants_close()
    assert remote.hears() == []


def test_with_the_end_everything_outstanding_has_failed_and_no_timer_is_left(network: Network) -> None:
    remote = ready(network)
    for order in ORDERS:
        order(remote.peer, network)
        order(remote.peer, network)
    remote.hears()
    remote.peer.handle_paused(9.5)
    remote.peer.receive_eof(10.0)
    assert [type(event) for event in remote.events()] == [PeerDisconnected]
    assert remote.peer.get_timer() is None
    remote.peer.handle_resumed(11.0)
    remote.peer.handle_timer(1e9)
    assert (remote.events(), remote.hears(), remote.peer.get_timer()) == ([], [], None)
    assert all(stats.settled + stats.expired == 0 for stats in remote.peer.stats.requests.values())


def test_a_batch_whose_peer_went_still_tells_what_was_owed(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 3)
    requests = requests_of(network, blocks)
    batch = remote.peer.request_blocks(requests, 1.0)
    remote.says(block_of(network, blocks[1]), now=2.0)
    remote.peer.receive_eof(3.0)
    remote.events()
    assert list(batch.in_flight.values()) == [requests[0], requests[2]]
    batch.finish(4.0)
    remote.peer.cancel(batch.id, 4.0)
    assert remote.events() == []
    with pytest.raises(LocalProtocolError, match="finished"):
        batch.extend(requests[1:2], 4.0)


# Faults that the owner found.


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InvalidBlock("bad-txnmrklroot", BlockId(5, bytes(32))), Reason.MISBEHAVED),
        (UnexpectedMessage("a message at the wrong moment"), Reason.PROTOCOL),
    ],
)
def test_the_class_of_an_error_says_what_follows(error: RemoteProtocolError, reason: Reason) -> None:
    remote = ready(TOYNET)
    remote.peer.misbehaved(error, 1.0)
    remote.peer.misbehaved(error, 1.0)
    assert remote.events() == [e.PeerMisbehaved(error), PeerDisconnected(reason, error.message)]
    assert error.peer == str(THERE)


def test_nobody_is_blamed_for_a_header_from_the_future(network: Network) -> None:
    remote = ready(network)
    error = FutureHeader("time-too-new", BlockId(5, bytes(32)))
    remote.peer.misbehaved(error, 1.0)
    assert remote.events() == []
    assert remote.peer.state is PeerState.READY


# Time.


def test_a_silent_peer_is_dropped_when_nothing_at_all_has_come_for_the_idle_timeout(network: Network) -> None:
    remote = ready(replace(network, timing=Timing(ping_interval=0.0)))
    remote.peer.receive_data(remote.encode(m.GetAddr())[:1], 100.0)  # half a message is life, too
    assert remote.timer() == 1_300.0
    remote.peer.handle_timer(1_299.9)
    assert remote.events() == []
    remote.peer.handle_timer(1_300.0)
    assert remote.ended() == PeerDisconnected(Reason.IDLE, "nothing received for 1200 s")


def test_spurious_timers_do_nothing(network: Network) -> None:
    remote = ready(network)
    remote.peer.request_headers((genesis_of(network),), 1.0)
    remote.hears()
    at = remote.timer()
    for now in (0.0, 1.0, 5.0, at - 0.001):
        remote.peer.handle_timer(now)
    assert (remote.events(), remote.hears(), remote.timer()) == ([], [], at)


def test_our_own_pause_is_no_part_of_a_round_trip(network: Network) -> None:
    remote = ready(network)
    request = remote.peer.ping(1.0)
    [ping] = remote.hears()
    assert isinstance(ping, m.Ping)
    remote.peer.handle_paused(1.5)
    remote.says(m.Pong(ping.nonce), now=100.0)
    assert remote.events() == [e.PongReceived(0.5, request)]


def test_a_closing_peer_is_closed_in_time_even_while_we_are_slow(network: Network) -> None:
    remote = ready(network)
    remote.peer.handle_paused(1.0)
    remote.peer.send(m.GetAddr(), 1.0)
    remote.peer.disconnect(Reason.CALLBACK_FAILED, "ours", 2.0)
    assert remote.timer() == 7.0
    remote.peer.handle_timer(7.0)
    assert remote.peer.state is PeerState.CLOSED


def test_a_reject_with_a_long_reason_ends_nothing() -> None:
    """btcd explains itself at length: 208 bytes were seen, where Core had a bound of 111."""
    remote = ready(REGTEST)
    reason = b"block 00ab fails the check of its merkle root".ljust(208, b".")
    remote.says(m.Unknown("reject", b"\x05block\x10" + bytes([len(reason)]) + reason + bytes(32)), now=1.0)
    assert remote.peer.state is PeerState.READY
    assert only(e.MessageReceived, remote.events()).message == m.Reject("block", 0x10, reason.decode(), bytes(32))


def test_with_every_duration_off_there_is_no_timer(network: Network) -> None:
    off = Timing(**dict.fromkeys(Timing.__dataclass_fields__, 0.0))
    remote = ready(replace(network, timing=off))
    for order in ORDERS:
        order(remote.peer, network)
    assert remote.peer.get_timer() is None
    remote.peer.handle_writable(1_000, 9.0)
    remote.peer.disconnect(Reason.REQUESTED, "enough", 9.0)
    assert remote.peer.wants_close()


# Two machines.


def test_two_silent_machines_keep_each_other_alive_for_a_day(network: Network) -> None:
    link = Link(network)
    link.connect()
    link.run(86_400.0)
    assert is_ready(link.a)
    assert is_ready(link.b)
    assert 650 < link.a.peer.stats.round_trips.count <= 720
    assert link.a.peer.stats.round_trips.least == pytest.approx(0.1)


@forgiving
def test_a_remote_that_goes_mute_is_found_out_by_its_missing_pong(network: Network) -> None:
    link = Link(replace(network, timing=Timing(ping_timeout=30.0)))
    link.connect()
    link.run(10.0)
    link.b.is_mute = True
    link.run(1_000.0)
    assert only(PeerDisconnected, link.a.events).reason is Reason.PING_TIMEOUT
    assert link.a.peer.since == pytest.approx(120.0 + 30.0, abs=1.0)
    assert only(PeerDisconnected, link.b.events).reason is Reason.REMOTE_CLOSED


def test_the_same_calls_give_the_same_bytes_and_events(network: Network) -> None:
    def life() -> tuple[list[object], int, int]:
        link = Link(network, piece=100)
        link.connect()
        link.run(1_000.0)
        return [*link.a.events, *link.b.events], link.a.peer.nonce, link.a.peer.stats.bytes_sent

    assert life() == life()


# Memory.


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Bytes that Python has allocated since, as a function."""
    gc.collect()
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_an_idle_ready_peer_is_small(network: Network) -> None:
    scratch, rng, config = memoryview(bytearray(65_536)), random.Random(1), PeerConfig(network)
    remote = Remote(network)
    answer = remote.encode(remote.version, m.Verack())
    with traced() as allocated:
        peers = [PeerMachine(config, inbound=False, address=THERE, rng=rng, scratch=scratch) for _ in range(200)]
        for peer in peers:
            peer.handle_connected(0.0, WALL)
            peer.receive_data(answer, 0.0)
            peer.handle_timer(120.0)
            peer.data_to_send()
            peer.events_received()
        assert allocated() / len(peers) < 8_192
    assert all(peer.state is PeerState.READY for peer in peers)


def test_a_thousand_peers_that_announce_four_megabytes_and_send_nothing_cost_little() -> None:
    header = bytearray(Remote(REGTEST).encode(m.Unknown("block", b"")))
    header[16:20] = (4_000_000).to_bytes(4, "little")
    scratch = memoryview(bytearray(65_536))
    remotes = [Remote(REGTEST, scratch=scratch, seed=seed) for seed in range(1_000)]
    for remote in remotes:
        remote.shake()
    with traced() as allocated:
        for remote in remotes:
            remote.peer.receive_data(bytes(header), 1.0)
            remote.peer.receive_data(bytes(1_000), 1.0)
        assert allocated() < 2_500_000
    assert all(remote.peer.state is PeerState.READY for remote in remotes)


def test_what_a_remote_says_leaves_nothing_behind(network: Network) -> None:
    remote = ready(network)
    entries = (m.InvEntry(2, bytes(32)),) * 100
    said: list[m.Message] = [
        m.Ping(7),
        m.Pong(7),
        m.Inv(entries),
        m.NotFound(entries),
        unknown(network, 99, bytes(999)),
    ]
    blocks = blocks_of(network, 19)  # CPython 3.11 keeps tuples of exactly 20 that are gone, up to 2,000 of them
    noise = remote.encode(*said, headers_of(network, blocks), block_of(network, blocks[0]))
    with traced() as allocated:
        sizes = []
        for _ in range(200):
            remote.peer.receive_data(noise, 1.0)
            remote.hears()
            remote.events()
            sizes.append(allocated())
    assert max(sizes[100:]) < sizes[50] + len(noise)  # a hundred times as much was said since
