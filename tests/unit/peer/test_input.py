"""Bytes become messages: in any chunking, by either entrance, with damaged frames dropped and hostile ones refused."""

from __future__ import annotations

import random

import pytest

from headway.errors import LocalProtocolError
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.peer import events as e
from headway.peer.events import PeerState, Reason
from headway.peer.input import SCRATCH_SIZE
from headway.wire import messages as m
from tests.link import Remote, block_of, blocks_of, headers_of, machine, of, ready, requests_of, unknown
from tests.manners import all_but_n3
from tests.toynet import TOYNET, toy_frame


def test_a_stranger_of_few_bytes_is_named_when_it_hangs_up_and_when_its_time_is_over() -> None:
    for by_time in (False, True):
        remote = Remote(REGTEST)
        remote.connect()
        remote.peer.receive_data(b"+OK hello\r\n", 1.0)
        assert remote.events() == []
        (remote.peer.handle_timer if by_time else remote.peer.receive_eof)(60.0)
        expected = e.PeerDisconnected(Reason.PROTOCOL, "wrong magic 2b4f4b20 at byte 0, not fabfb5da")
        assert remote.ended() == expected
        assert remote.peer.state is PeerState.CLOSED


def test_it_is_known_whether_a_frame_is_on_its_way(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 2)
    stats = remote.peer.stats
    frame = remote.encode(block_of(network, blocks[0]))
    assert not stats.is_mid_frame
    for at in range(0, len(frame), 50):
        remote.peer.receive_data(frame[at : at + 50], 1.0)
        assert stats.is_mid_frame == (at + 50 < len(frame))


@all_but_n3
def test_a_damaged_frame_is_a_whole_frame(network: Network) -> None:
    remote = ready(network)
    frame = remote.encode(unknown(network, 99, b"some payload"))
    remote.peer.receive_data(frame[:-1] + bytes([frame[-1] ^ 1]), 1.0)
    assert not remote.peer.stats.is_mid_frame


def test_no_bytes_at_all_are_nothing(network: Network) -> None:
    remote = Remote(network)
    remote.connect()
    remote.peer.receive_data(b"", 1.0)
    remote.peer.receive_buffer()
    remote.peer.receive_buffered(0, 1.0)
    remote.says(remote.version, m.Verack(), now=2.0)
    assert remote.peer.state is PeerState.READY


def test_a_payload_against_its_format_disconnects() -> None:
    remote = ready(TOYNET)
    remote.peer.receive_data(toy_frame(5, bytes(43)), 1.0)  # headers, of 44 bytes each
    assert remote.ended().reason is Reason.PROTOCOL


def test_more_headers_than_allowed_are_misbehaviour() -> None:
    remote = ready(REGTEST)
    payload = b"\xfd\xd1\x07" + bytes(81 * 2001)
    remote.says(m.Unknown("headers", payload), now=1.0)
    assert remote.ended().reason is Reason.MISBEHAVED


def test_bytes_before_the_connection_are_the_drivers_mistake(network: Network) -> None:
    peer = machine(network)
    with pytest.raises(LocalProtocolError, match="handle_connected"):
        peer.receive_data(b"x", 0.0)


def test_after_the_end_nothing_is_read(network: Network) -> None:
    remote = ready(network)
    remote.peer.disconnect(Reason.REQUESTED, "enough", 1.0)
    remote.events()
    before = remote.peer.stats.bytes_received
    buffer = remote.peer.receive_buffer()
    ping = remote.encode(m.Ping(1))
    buffer[: len(ping)] = ping
    remote.peer.receive_buffered(len(ping), 2.0)
    remote.says(m.Ping(1), now=2.0)
    assert (remote.events(), remote.hears()) == ([], [])
    assert remote.peer.stats.bytes_received == before


def test_a_machine_makes_its_own_scratch_buffer_or_shares_one(network: Network) -> None:
    alone = Remote(network)
    alone.connect()
    assert len(alone.peer.receive_buffer()) == SCRATCH_SIZE
    assert alone.peer.receive_buffer() is alone.peer.receive_buffer()
    shared = memoryview(bytearray(100))
    sharing = Remote(network, scratch=shared)
    sharing.connect()
    assert sharing.peer.receive_buffer() is shared


def _feed_by_buffer(remote: Remote, data: bytes, rng: random.Random) -> None:
    at = 0
    while at < len(data):
        buffer = remote.peer.receive_buffer()
        count = min(len(buffer), len(data) - at, rng.choice((1, 7, 100, 5_000)))
        buffer[:count] = data[at : at + count]
        remote.peer.receive_buffered(count, 1.0)
        buffer[:count] = bytes(count)  # whoever shares the scratch buffer writes it again; a block's own is given away
        at += count


def test_the_zero_copy_entrance_gives_the_same_events(network: Network) -> None:
    blocks = blocks_of(network, 5)
    said: list[m.Message] = [headers_of(network, blocks), m.Ping(5), unknown(network, 99, bytes(9_000))]
    heard, events = [], []
    for by_buffer in (False, True):
        remote = ready(network)
        data = remote.encode(*said, *said)
        if by_buffer:
            _feed_by_buffer(remote, data, random.Random(1))
        else:
            remote.peer.receive_data(data, 1.0)
        heard.append(remote.hears())
        events.append(remote.events())
    assert heard[0] == heard[1]
    assert events[0] == events[1]
    assert len(events[0]) == 4


def test_an_asked_block_may_be_received_straight_into_its_own_buffer() -> None:
    remote = ready(REGTEST)
    blocks = [raw[:80] + bytes(50_000) for raw in blocks_of(REGTEST, 3)]
    requests = requests_of(REGTEST, blocks)
    remote.peer.request_blocks(requests, 0.5)
    data = remote.encode(*(block_of(REGTEST, raw) for raw in blocks))
    at = 0
    while at < len(data):
        buffer = remote.peer.receive_buffer()
        count = min(len(buffer), len(data) - at)
        buffer[:count] = data[at : at + count]
        remote.peer.receive_buffered(count, 1.0)
        at += count
    received = of(e.BlockReceived, remote.events())
    assert [event.request for event in received] == requests
    assert [bytes(event.block) for event in received] == blocks
