"""The conformance tests of frames and of large messages: numbers 13 to 18 of the forty."""

from __future__ import annotations

import asyncio

from headway.errors import CodecError
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.peer import events as e
from headway.peer.events import PeerState, Reason
from headway.wire import messages as m
from tests.link import Link, of, only, ready
from tests.loopback import on_loop, peers


def test_a_header_split_over_two_reads_and_three_messages_in_one_come_once_in_order(network: Network) -> None:
    """Conformance test 13."""
    remote = ready(network)
    said = remote.encode(m.Unknown("toy97", b"a"), m.Unknown("toy98", b"b"), m.Unknown("toy99", b"c"))
    remote.peer.receive_data(said[:5], 1.0)
    assert remote.events() == []
    remote.peer.receive_data(said[5:], 2.0)
    assert [event.message.command for event in of(e.MessageReceived, remote.events())] == ["toy97", "toy98", "toy99"]


def test_a_wrong_magic_disconnects_at_the_header_before_the_payload(network: Network) -> None:
    """Conformance test 14."""
    remote = ready(network)
    frame = b"\0\0\0\0" + remote.encode(m.Ping(1))[4:]
    remote.peer.receive_data(frame[:8], 1.0)
    events = remote.events()
    misbehaved = only(e.PeerMisbehaved, events)
    assert isinstance(misbehaved.error, CodecError)
    assert "magic" in misbehaved.error.message
    assert misbehaved.error.peer == "192.0.2.20:4444"
    assert only(e.PeerDisconnected, events).reason is Reason.PROTOCOL
    assert remote.peer.wants_close()


def test_a_frame_that_is_too_long_is_refused_from_its_header_alone() -> None:
    """Conformance test 15."""
    remote = ready(REGTEST)
    frame = bytearray(remote.encode(m.Unknown("toy99", b"")))
    frame[16:20] = (4_000_001).to_bytes(4, "little")
    remote.peer.receive_data(bytes(frame), 1.0)
    disconnected = remote.ended()
    assert disconnected.reason is Reason.PROTOCOL
    assert "4000001" in disconnected.message


def test_a_wrong_checksum_drops_that_message_and_the_next_one_is_processed(network: Network) -> None:
    """Conformance test 16."""
    remote = ready(network)
    damaged = bytearray(remote.encode(m.Unknown("toy99", b"some payload")))
    damaged[-1] ^= 1
    remote.peer.receive_data(bytes(damaged) + remote.encode(m.Ping(5)), 1.0)
    assert remote.commands() == ["pong"]
    assert remote.events() == []
    assert remote.peer.state is PeerState.READY
    assert remote.peer.stats.dropped_frames == 1
    assert remote.peer.stats.bytes_received > len(damaged)


def test_huge_messages_both_ways_at_once_do_not_deadlock(network: Network) -> None:
    """Conformance test 18."""
    link = Link(network, piece=65_536)
    link.connect()
    link.run(5.0)
    for end in (link.a, link.b):
        end.peer.send(m.Unknown("toy99", bytes(3_000_000)), link.now)
    link.pump()
    link.run(10.0)
    for end in (link.a, link.b):
        assert len(of(e.MessageReceived, end.events)) >= 1
        assert end.events[-1] == e.MessageReceived(m.Unknown("toy99", bytes(3_000_000)))


@on_loop
async def test_both_sides_send_much_at_once_and_neither_is_stuck() -> None:
    """Conformance test 18."""
    huge = m.Unknown("toy200", bytes(3_900_000))
    async with peers() as (ours, theirs):
        arriving = [ours.messages(), theirs.messages()]
        received = [asyncio.create_task(anext(each)) for each in arriving]
        await asyncio.gather(ours.ping(), theirs.ping())
        ours.send(huge)
        theirs.send(huge)
        assert await asyncio.gather(*received) == [huge, huge]
        for each in arriving:
            await each.aclose()
