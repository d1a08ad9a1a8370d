"""The conformance tests of frames and of large messages: numbers 13 to 18 of the forty.

What one remote does to others, and to itself by not reading, is shown on loopback sockets; the rest without any.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from headway import blocking
from headway.aio.config import LocalConfig
from headway.aio.dial import connect
from headway.aio.node import Node
from headway.errors import CodecError
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.peer import events as e
from headway.peer.config import PeerConfig
from headway.peer.events import PeerState, Reason
from headway.peer.machine import PeerMachine
from headway.types import Address
from headway.wire import messages as m
from tests.farend import meanwhile, socket_pair
from tests.link import NEO, Link, Remote, block_of, blocks_of, of, only, ready, requests_of, unknown
from tests.loopback import on_loop, peers
from tests.manners import all_but_n3, neo3
from tests.memory import traced

LARGEST = REGTEST.limits.max_payload
HUGE = m.Unknown("toy99", bytes(LARGEST))
"""As large as a message of Bitcoin may be, of a type that nobody knows."""


def feed(peer: PeerMachine, data: bytes, *, zero_copy: bool) -> None:
    """Give it bytes by one of its two entrances."""
    if zero_copy:
        buffer = peer.receive_buffer()
        buffer[: len(data)] = data
        peer.receive_buffered(len(data), 1.0)
    else:
        peer.receive_data(data, 1.0)


@pytest.mark.parametrize("zero_copy", [False, True])
def test_a_header_split_over_two_reads_and_three_messages_in_one_come_once_in_order(
    network: Network, *, zero_copy: bool
) -> None:
    """Conformance test 13."""
    messages = [unknown(network, 97, b"a"), unknown(network, 98, b"b"), unknown(network, 99, b"c")]
    said = Remote(network).encode(*messages)
    for cut in range(len(said)):
        remote = ready(network)
        for part in (said[:cut], said[cut:]):
            feed(remote.peer, part, zero_copy=zero_copy)
        heard = [event.message for event in of(e.MessageReceived, remote.events())]
        assert heard == messages


@all_but_n3
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


@pytest.mark.parametrize(
    ("start", "needed", "name"),
    [
        ("f9beb4d9 76657273696f6e0000000000", 4, "the network bitcoin"),
        ("416e7400 76657273696f6e0000000000", 4, "the network Neo Legacy mainnet"),
        ("00001f4e454f3300000000", 4, "Neo N3"),
        (b"HTTP/1.1 400 Bad Request\r\n".hex(), 4, "an HTTP server"),
        ("15030100020246", 4, "TLS"),
        ("7f81a03c9b55e0d2a15c07ee4b1f3390c2", 16, "unknown, perhaps an encrypted (v2) peer"),
    ],
)
def test_whoever_speaks_something_else_is_named_before_a_header_is_complete(start: str, needed: int, name: str) -> None:
    """Conformance test 14. Byte by byte, so that what is told does not depend on what came with it."""
    remote = Remote(REGTEST)
    remote.connect()
    for count, byte in enumerate(bytes.fromhex(start), 1):
        remote.peer.receive_data(bytes([byte]), 1.0)
        assert (remote.peer.state is PeerState.CLOSED) is (count >= needed)
    ended = remote.ended()
    assert ended.reason is Reason.PROTOCOL
    assert ended.message.endswith(name)


def announcing(remote: Remote, command: str, length: int) -> bytes:
    """The header of a frame with this length in it, and a first part of its payload."""
    header = bytearray(remote.encode(m.Unknown(command, b"")))
    header[16:20] = length.to_bytes(4, "little")
    return bytes(header) + bytes(1_000)


@pytest.mark.parametrize("command", ["block", "toy99"])
def test_a_frame_that_is_too_long_is_refused_from_its_header_alone(command: str) -> None:
    """Conformance test 15. Also where a block was asked for, whose buffer is made at its full length."""
    remote = ready(REGTEST)
    remote.peer.request_blocks(requests_of(REGTEST, blocks_of(REGTEST, 1)), 0.5)
    frame = announcing(remote, command, LARGEST + 1)
    with traced() as memory:
        remote.peer.receive_data(frame, 1.0)
        assert memory()[1] < 20_000
    disconnected = remote.ended()
    assert disconnected.reason is Reason.PROTOCOL
    assert "4000001" in disconnected.message


def test_the_longest_frame_is_awaited_and_costs_what_has_come_of_it() -> None:
    """Conformance test 15. But for a block that we asked for: it is received where it stays."""
    asked, unasked = ready(REGTEST), ready(REGTEST)
    asked.peer.request_blocks(requests_of(REGTEST, blocks_of(REGTEST, 1)), 0.5)
    for remote, least, most in ((unasked, 0, 20_000), (asked, LARGEST, LARGEST + 20_000)):
        frame = announcing(remote, "block", LARGEST)
        with traced() as memory:
            remote.peer.receive_data(frame, 1.0)
            assert least <= memory()[1] < most
        assert remote.peer.state is PeerState.READY


@all_but_n3
def test_a_wrong_checksum_drops_that_message_and_the_next_one_is_processed(network: Network) -> None:
    """Conformance test 16."""
    remote = ready(network)
    damaged = bytearray(remote.encode(unknown(network, 99, b"some payload")))
    damaged[-1] ^= 1
    remote.peer.receive_data(bytes(damaged) + remote.encode(m.Ping(5)), 1.0)
    assert remote.commands() == ["pong"]
    assert remote.events() == []
    assert remote.peer.state is PeerState.READY
    assert remote.peer.stats.dropped_frames == 1
    assert remote.peer.stats.bytes_received > len(damaged)


@all_but_n3
def test_a_damaged_block_is_dropped_and_still_owed(network: Network) -> None:
    """Conformance test 16. It settles no request: the good copy behind it does."""
    remote, blocks = ready(network), blocks_of(network, 1)
    batch = remote.peer.request_blocks(requests_of(network, blocks), 0.5)
    frame = remote.encode(block_of(network, blocks[0]))
    remote.peer.receive_data(frame[:-1] + bytes([frame[-1] ^ 1]), 1.0)
    assert remote.events() == []
    assert len(batch.in_flight) == 1
    remote.peer.receive_data(frame, 2.0)
    assert only(e.BlockReceived, remote.events()).request is not None
    assert batch.is_finished


@neo3
def test_damage_that_no_checksum_shows_is_another_message_or_none(network: Network) -> None:
    """Conformance test 16, of N3, whose frames carry no checksum: what a payload means shows it, or nothing does."""
    remote, blocks = ready(network), blocks_of(network, 1)
    batch = remote.peer.request_blocks(requests_of(network, blocks), 0.5)
    frame = remote.encode(block_of(network, blocks[0]))
    at = frame.index(blocks[0])  # the first byte of its version
    remote.peer.receive_data(frame[:at] + b"\1" + frame[at + 1 :], 1.0)
    assert only(e.BlockReceived, remote.events()).request is None  # as nobody's, since it has another hash
    assert len(batch.in_flight) == 1
    remote.peer.receive_data(frame, 2.0)
    assert only(e.BlockReceived, remote.events()).request is not None
    assert batch.is_finished
    headers = remote.encode(m.Inv((m.InvEntry(m.InvType.TX, bytes(32)),)))
    remote.peer.receive_data(headers[:4] + b"\2" + headers[5:], 3.0)  # two are announced, one is there
    assert only(e.PeerDisconnected, remote.events()).reason is Reason.PROTOCOL


@neo3
@pytest.mark.parametrize("inbound", [False, True])
def test_another_network_is_refused_by_name_where_only_the_version_tells_it(network: Network, *, inbound: bool) -> None:
    """Conformance test 14, of N3, whose frames carry no magic."""
    remote = Remote(network, inbound=inbound)
    remote.connect()
    remote.says(replace(remote.version, magic=860_833_102), m.Verack(), now=1.0)
    ended = remote.ended()
    assert ended.reason is Reason.HANDSHAKE_REJECTED
    assert ended.message == "wrong magic 860833102 (neo3), not 56753: another network"
    assert remote.peer.version is None


@neo3
def test_whoever_speaks_something_else_where_n3_belongs_is_named(network: Network) -> None:
    """Conformance test 14. Byte by byte, as above; a private network of Legacy has no name."""
    for frames, name in ((NEO["neo2"], "perhaps a private network of Neo Legacy"), (REGTEST, "the network regtest")):
        remote = Remote(network)
        remote.connect()
        for byte in Remote(frames).encode(m.Verack()):
            remote.peer.receive_data(bytes([byte]), 1.0)
        assert remote.ended().message.endswith(name)


@on_loop
async def test_others_are_served_while_one_peer_sends_eighty_of_the_largest_messages(tmp_path: Path) -> None:
    """Conformance test 17. A ping of another is answered before one more message of the flood has come."""
    count, size = 80, LARGEST + 24
    is_over = threading.Event()

    def flood(address: Address) -> None:
        try:
            with blocking.connect(address, network=REGTEST, user_agent="/flood:1/") as peer:
                for _ in range(count):
                    peer.send(HUGE)
                peer.ping()  # its pong says that all has been read
        finally:
            is_over.set()

    node = Node(network=REGTEST, peers=0, datadir=tmp_path, bind=Address("127.0.0.1", 0))
    async with node:
        assert node.listening is not None
        async with connect(node.listening, network=REGTEST) as other:
            flooding = asyncio.create_task(asyncio.to_thread(flood, node.listening))
            read, waits = 0, []
            while not is_over.is_set():
                await other.ping()
                now_read = max(read, _bytes_of_unknown(node))
                waits.append(now_read - read)
                read = now_read
            await flooding
    assert sum(waits) >= (count - 1) * size
    assert max(waits) <= size


def _bytes_of_unknown(node: Node) -> int:
    """Bytes of messages of unknown types that it has read, of all its peers."""
    machines = [node.machine.peer(number) for number in node.machine.peer_ids]
    counted = [machine.stats.received.get("*other*") for machine in machines if machine is not None]
    return sum(each.bytes for each in counted if each is not None)


def test_huge_messages_both_ways_at_once_do_not_deadlock(network: Network) -> None:
    """Conformance test 18."""
    link = Link(network, piece=65_536)
    link.connect()
    link.run(5.0)
    huge = unknown(network, 99, bytes(LARGEST))
    for end in (link.a, link.b):
        end.peer.send(huge, link.now)
    link.pump()
    link.run(10.0)
    for end in (link.a, link.b):
        assert end.events[-1] == e.MessageReceived(huge)


@on_loop
async def test_both_sides_send_much_at_once_and_neither_is_stuck(network: Network) -> None:
    """Conformance test 18. Neither reads before it has sent: three of the largest messages, each way."""
    config = LocalConfig(network=network)
    huge = unknown(network, 99, bytes(LARGEST))
    async with peers(config, config) as (ours, theirs):
        arriving = [ours.messages(), theirs.messages()]
        first = [asyncio.create_task(anext(each)) for each in arriving]
        await asyncio.gather(ours.ping(), theirs.ping())
        for _ in range(3):
            ours.send(huge)
            theirs.send(huge)
        received = await asyncio.gather(*first)
        received += [await anext(each) for each in arriving for _ in range(2)]
        assert received == [huge] * 6
        for each in arriving:
            await each.aclose()


def test_both_sides_send_much_at_once_without_asyncio_and_neither_is_stuck(network: Network) -> None:
    """Conformance test 18. Each in its own thread, and each reads only because it cannot send."""
    dialled, accepted = socket_pair()
    huge = unknown(network, 99, bytes(LARGEST))

    def talk(peer: blocking.Peer) -> list[m.Unknown]:
        with peer:
            peer.handshake()
            arriving = (message for message in peer.messages() if isinstance(message, m.Unknown))
            for _ in range(3):
                peer.send(huge)
            return [next(arriving) for _ in range(3)]

    heard: list[list[m.Unknown]] = []
    theirs = blocking.Peer(accepted, inbound=True, config=PeerConfig(network))
    with meanwhile(lambda: heard.append(talk(theirs))):
        heard.append(talk(blocking.Peer(dialled, config=PeerConfig(network))))
    assert heard == [[huge] * 3] * 2
