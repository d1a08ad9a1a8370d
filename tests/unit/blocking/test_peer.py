"""One peer in the thread of its caller, over real loopback TCP: answers, deadlines, ends, and that nothing is left.

Where time must pass between two calls, the clock is moved; nobody waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from headway.blocking import Peer, connect
from headway.blocking import peer as module
from headway.errors import CodecError, HandshakeRejected, LocalProtocolError, PeerGone, RequestTimeout
from headway.network import Network, Timing
from headway.peer.config import PeerConfig
from headway.peer.events import PeerState, Reason
from headway.peer.inbox import MAX_BYTES, MAX_MESSAGES
from headway.types import Address, BlockId
from headway.wire import messages as m
from tests.farend import VERSION, FarEnd, devour, meanwhile, pair, served, socket_pair
from tests.loopback import ADDRESS, TRANSACTION
from tests.toynet import GENESIS, PARSER, TOYNET, toy_chain, toy_hash, toy_headers, toynet

CHAIN = toy_chain(40)
NOISE = m.Unknown("toy200", b"noise")
BIG = m.Unknown("toy201", bytes(3_900_000))


def timed(**timing: float) -> Network:
    return toynet(timing=replace(Timing(), **timing))


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`away(seconds)`: the caller does something else for so long."""
    monotonic, passed = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + passed[0])

    def go_away(seconds: float) -> None:
        passed[0] += seconds

    return go_away


def fill(peer: Peer) -> int:
    """Send until the system takes no more for a remote that does not read; how many messages were sent."""
    for count in range(1, 10):
        try:
            peer.send(BIG, timeout=0.0)
        except RequestTimeout:
            return count
    raise AssertionError("the system takes everything")


# Handshake.


def test_handshake_makes_it_ready_and_info_tells_of_the_remote() -> None:
    with pair() as (peer, far):
        assert peer.state is PeerState.READY
        assert peer.version == VERSION
        assert (peer.info.subver, peer.info.inbound, peer.info.connection_type) == ("/far:1/", False, "manual")
        assert peer.info.addrbind == str(Address(*far.sock.getpeername()))
        assert repr(peer) == f"<Peer {peer.id} {peer.address} READY>"
        assert peer.disconnected is None


def test_stats_are_those_of_the_connection_and_stay_after_its_end() -> None:
    with served(CHAIN) as address, connect(address, network=TOYNET) as peer:
        taken = [peer.ping(), peer.ping()]
        stats = peer.stats
        assert (stats.round_trips.last, stats.round_trips.least) == (taken[1], min(taken))
        assert stats.received["pong"].messages == stats.sent["ping"].messages == 2
        assert peer.info.headway.ended is None
    assert peer.stats is stats
    assert (stats.ended, stats.message) == (Reason.REQUESTED, "closed by us")


def test_inbound_peer_of_ours_answers_an_outbound_one_of_ours() -> None:
    dialled, accepted = socket_pair()
    inbound = Peer(accepted, inbound=True, config=PeerConfig(TOYNET))
    with Peer(dialled, config=PeerConfig(TOYNET)) as outbound, inbound:
        with meanwhile(inbound.handshake):
            outbound.handshake()
        assert inbound.info.connection_type == "inbound"
        assert inbound.id != outbound.id

        def answer() -> None:
            with pytest.raises(PeerGone):
                list(inbound.messages())

        with meanwhile(answer):
            assert outbound.ping() > 0
            outbound.close()


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ([replace(VERSION, protocol=1)], HandshakeRejected, "obsolete version 1"),
        ([], HandshakeRejected, "before its version"),
        ([VERSION], HandshakeRejected, "before its verack"),
    ],
)
def test_handshake_that_fails_says_why_and_closes(said: list[m.Message], error: type[Exception], words: str) -> None:
    dialled, accepted = socket_pair()
    with accepted:
        FarEnd(accepted).say(*said)
        accepted.shutdown(1)
        peer = Peer(dialled, config=PeerConfig(TOYNET))
        with pytest.raises(error, match=words):
            peer.handshake()
        assert dialled.fileno() == -1
        with pytest.raises(LocalProtocolError, match="CLOSED"):
            peer.handshake()


def test_garbage_instead_of_a_handshake_is_rejected() -> None:
    dialled, accepted = socket_pair()
    with accepted:
        accepted.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(HandshakeRejected, match="wrong magic"):
            Peer(dialled, config=PeerConfig(TOYNET)).handshake()


@pytest.mark.parametrize(("limit", "timeout"), [(0.05, None), (60.0, 0.05), (60.0, 0.0)])
def test_silent_remote_is_a_request_timeout(limit: float, timeout: float | None) -> None:
    dialled, accepted = socket_pair()
    with accepted, pytest.raises(RequestTimeout, match="no handshake with"):
        Peer(dialled, config=PeerConfig(timed(handshake_timeout=limit))).handshake(timeout=timeout)
    assert dialled.fileno() == -1


def test_error_in_start_height_comes_out_and_the_socket_is_closed() -> None:
    dialled, accepted = socket_pair()
    with accepted, pytest.raises(ZeroDivisionError):
        Peer(dialled, config=PeerConfig(TOYNET, start_height=lambda: 1 // 0)).handshake()
    assert dialled.fileno() == -1


def test_question_before_the_handshake_is_the_callers_mistake() -> None:
    dialled, accepted = socket_pair()
    with accepted, Peer(dialled, config=PeerConfig(TOYNET)) as peer:
        with pytest.raises(LocalProtocolError):
            peer.ping()
        with pytest.raises(LocalProtocolError):
            peer.send(NOISE)


# Questions.


def test_each_question_is_settled_by_its_own_reply() -> None:
    with served(CHAIN) as address, connect(address, network=TOYNET) as peer:
        headers = peer.request_headers(GENESIS)
        assert [header.hash for header in headers] == [toy_hash(block) for block in CHAIN]
        assert len(peer.request_headers(headers[9].hash)) == len(CHAIN) - 10
        assert len(peer.request_headers((BlockId(40, toy_hash(CHAIN[-1])), GENESIS))) == 0
        assert peer.request_addresses() == (ADDRESS, Address("192.0.2.8", 4444))
        assert peer.request_transaction(TRANSACTION.txid) == TRANSACTION
        assert peer.request_transaction(bytes(32)) is None
        assert 0 < peer.ping() < 60
        assert peer.info.minping is not None


def test_fenced_question_is_empty_where_the_remote_says_nothing() -> None:
    with pair() as (peer, far):

        def story() -> None:
            ping = far.hear("ping")
            assert isinstance(ping, m.Ping)
            assert ping.nonce is not None
            far.say(m.Pong(ping.nonce))

        with meanwhile(story):
            assert len(peer.request_headers(GENESIS, fence=True)) == 0


def test_timeout_of_the_caller_leaves_the_peer_as_it_is_and_a_late_reply_settles_nothing() -> None:
    with pair() as (peer, far):
        arriving = peer.messages(timeout=0.0)
        with pytest.raises(RequestTimeout, match=r"did not answer within 0\.02 s"):
            peer.request_addresses(timeout=0.02)
        late, early = (ADDRESS, ADDRESS), (ADDRESS, Address("192.0.2.8", 4444))
        far.say(m.Addr(late))
        assert list(arriving) == [m.Addr(late)]

        def story() -> None:
            far.hear("getaddr")
            far.hear("getaddr")
            far.say(m.Addr(early))

        with meanwhile(story):
            assert peer.request_addresses() == early


def test_answer_that_is_there_is_taken_though_no_time_is_left() -> None:
    with pair() as (peer, far):
        far.say(NOISE)
        assert list(peer.messages(timeout=0.0)) == [NOISE]
        with pytest.raises(RequestTimeout):
            peer.ping(timeout=-1.0)


def test_unanswered_headers_end_the_peer_at_their_deadline() -> None:
    with pair(timed(headers_timeout=0.05)) as (peer, _):
        with pytest.raises(RequestTimeout, match="did not answer headers in time"):
            peer.request_headers(GENESIS)
        assert peer.disconnected is not None
        assert peer.disconnected.reason is Reason.STALLED
        with pytest.raises(PeerGone):
            peer.ping()


def test_unanswered_blocks_end_the_peer_at_their_deadline() -> None:
    with pair(timed(batch_timeout=0.05)) as (peer, _), pytest.raises(RequestTimeout, match="blocks"):
        list(peer.request_blocks([toy_hash(CHAIN[0])]))


def test_unanswered_addresses_are_a_timeout_and_the_peer_stays() -> None:
    with pair(timed(addresses_timeout=0.05)) as (peer, _):
        with pytest.raises(RequestTimeout):
            peer.request_addresses()
        peer.poll()
        assert peer.state is PeerState.READY


# Pings of the remote.


def test_pings_are_answered_while_any_call_runs() -> None:
    with pair() as (peer, far):
        far.say(m.Ping(1))
        with pytest.raises(RequestTimeout):
            peer.request_headers(GENESIS, timeout=0.01)
        far.say(m.Ping(2))
        peer.poll()
        far.say(m.Ping(3))
        assert list(peer.messages(timeout=0.0)) == []
        far.say(m.Ping(4))
        peer.send(NOISE)
        assert far.hear_now() == ["getheaders", "pong", "pong", "pong", "toy200", "pong"]


def test_ping_is_answered_also_when_the_call_has_its_answer_already() -> None:
    with pair() as (peer, far):
        far.say(NOISE, NOISE)
        arriving = peer.messages()
        next(arriving)
        far.say(m.Ping(1))
        next(arriving)
        assert far.hear_now() == ["pong"]


# Time.


def test_what_arrived_while_the_caller_was_away_counts_before_a_deadline_does(away: Any) -> None:
    with pair(timed(ping_interval=0.0, idle_timeout=1200.0)) as (peer, far):
        far.say(NOISE)
        away(5_000.0)
        peer.poll()
        assert peer.state is PeerState.READY
        away(5_000.0)
        with pytest.raises(PeerGone, match="nothing received for 1200 s"):
            peer.poll()
        assert peer.disconnected is not None
        assert peer.disconnected.reason is Reason.IDLE


def test_keepalive_goes_out_and_its_pong_is_heard_before_its_deadline(away: Any) -> None:
    with pair() as (peer, far):
        away(130.0)
        peer.poll()
        ping = far.hear("ping")
        assert isinstance(ping, m.Ping)
        assert ping.nonce is not None
        far.say(m.Pong(ping.nonce))
        away(1_300.0)
        peer.poll()
        assert peer.info.pingtime is not None


def test_keepalive_goes_out_also_when_the_call_has_its_answer_already(away: Any) -> None:
    with pair() as (peer, far):
        far.say(NOISE, NOISE)
        arriving = peer.messages()
        next(arriving)
        away(130.0)
        next(arriving)
        assert far.hear_now() == ["ping"]


def test_clocks_of_blocks_stand_still_while_the_caller_is_away(away: Any) -> None:
    """The remote may have been unable to send: it was we who did not read."""
    with pair() as (peer, far):
        stream = peer.request_blocks([toy_hash(block) for block in CHAIN[:2]])

        def story() -> None:
            far.hear("getdata")
            far.say(m.Block(CHAIN[0], PARSER))

        with meanwhile(story):
            next(stream)
        away(1_000.0)
        peer.poll()
        away(100.0)
        far.say(m.Block(CHAIN[1], PARSER))
        assert next(stream).hash == toy_hash(CHAIN[1])
        away(1_000.0)
        far.say(NOISE)
        peer.poll()
        assert peer.state is PeerState.READY


def test_flood_does_not_put_off_the_end_of_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OVERTIME", 1_000_000)
    with pair() as (peer, far):
        flood = far.encode(*[NOISE] * 1_000)

        def story() -> None:
            with suppress(ConnectionError):  # until we hang up
                while True:
                    far.sock.sendall(flood)

        with meanwhile(story):
            with pytest.raises(RequestTimeout):
                peer.request_headers(GENESIS, timeout=0.05)
            peer.poll()
            peer.close()


# The end.


def test_remote_that_hung_up_between_two_calls_is_gone_at_the_next() -> None:
    with pair() as (peer, far):
        far.sock.close()
        with pytest.raises(PeerGone, match="the remote closed the connection"):
            peer.request_headers(GENESIS)
        with pytest.raises(PeerGone):
            peer.poll()
        with pytest.raises(PeerGone):
            peer.messages()


def test_send_and_poll_find_out_that_the_remote_has_gone() -> None:
    calls: list[Callable[[Peer], None]] = [lambda peer: peer.send(NOISE), Peer.poll]
    for call in calls:
        with pair() as (peer, far):
            far.reset()
            with pytest.raises(PeerGone, match="reset by peer"):
                call(peer)


def test_call_that_waits_fails_at_once_when_the_remote_goes() -> None:
    with pair() as (peer, far):

        def story() -> None:
            far.hear("getheaders")
            far.sock.close()

        with meanwhile(story), pytest.raises(PeerGone):
            peer.request_headers(GENESIS)


def test_remote_that_breaks_the_protocol_is_named_as_the_cause() -> None:
    with pair() as (peer, far):
        far.sock.sendall(b"garbage")
        with pytest.raises(PeerGone) as caught:
            peer.ping()
        assert isinstance(caught.value.__cause__, CodecError)


def test_answer_that_came_before_the_end_is_an_answer() -> None:
    with pair() as (peer, far):

        def story() -> None:
            far.hear("getheaders")
            far.say(toy_headers(CHAIN[:3]))
            far.sock.close()

        with meanwhile(story):
            assert len(peer.request_headers(GENESIS)) == 3
        with pytest.raises(PeerGone):
            peer.ping()


def test_close_sends_what_is_queued_and_nothing_comes_after() -> None:
    with pair() as (peer, far):
        received: list[int] = []
        sent = fill(peer)
        with meanwhile(lambda: received.append(devour(far.sock))):
            peer.close()
        assert received == [sent * len(far.encode(BIG))]
        peer.close()
        with pytest.raises(PeerGone, match="closed by us"):
            peer.ping()
        with pytest.raises(PeerGone, match="closed by us"):
            peer.send(NOISE)


@pytest.mark.parametrize(("limit", "timeout"), [(0.05, None), (60.0, 0.05), (60.0, 0.0), (0.0, None)])
def test_close_does_not_wait_for_a_remote_that_does_not_read(limit: float, timeout: float | None) -> None:
    with pair(timed(close_timeout=limit)) as (peer, _):
        fill(peer)
        peer.close(timeout=timeout)
        assert peer.state is PeerState.CLOSED


def test_remote_that_reads_nothing_is_dropped() -> None:
    with pair() as (peer, _):
        fill(peer)
        with pytest.raises(PeerGone, match="it reads nothing"):
            peer.send(m.Unknown("toy201", bytes(TOYNET.limits.max_unread)), timeout=0.0)
        assert peer.disconnected is not None
        assert peer.disconnected.reason is Reason.NOT_READING


def test_send_waits_for_a_remote_that_reads_late() -> None:
    with pair() as (peer, far):
        sent = fill(peer)
        with meanwhile(lambda: [far.hear("toy201") for _ in range(sent + 3)]):
            for _ in range(3):
                peer.send(BIG)


def test_interrupted_call_leaves_a_peer_that_can_be_closed() -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    dialled, accepted = socket_pair()
    with accepted, Peer(dialled, config=PeerConfig(TOYNET, start_height=interrupt)) as peer:
        with pytest.raises(KeyboardInterrupt):
            peer.handshake()
        assert peer.state is PeerState.CLOSED


# messages()


def test_messages_come_in_order_also_those_that_came_during_other_calls() -> None:
    with pair() as (peer, far):
        arriving = peer.messages()
        noises = [m.Unknown("toy200", bytes([number])) for number in range(100)]
        far.say(*noises[:50])
        peer.poll()
        far.say(*noises[50:])
        assert [next(arriving) for _ in noises] == noises


def test_messages_before_the_first_call_and_answers_are_not_shown() -> None:
    with served(CHAIN) as address, connect(address, network=TOYNET) as peer:
        arriving = peer.messages(timeout=0.01)
        peer.request_headers(GENESIS)
        list(peer.request_blocks([toy_hash(CHAIN[0]), bytes(32)]))
        peer.request_addresses()
        peer.request_transaction(TRANSACTION.txid)
        assert list(arriving) == []
    with pair() as (peer, far):
        far.say(NOISE)
        peer.poll()
        assert list(peer.messages(timeout=0.0)) == []


def test_announcements_are_messages() -> None:
    said: list[m.Message] = [
        toy_headers(CHAIN[:1]),
        m.Block(CHAIN[0], PARSER),
        m.Inv((m.InvEntry(1, bytes(32)),)),
        TRANSACTION,
        m.Addr((ADDRESS, ADDRESS)),
        m.GetHeaders((GENESIS,)),
        m.GetAddr(),
    ]
    with pair() as (peer, far):
        far.say(*said)
        assert [message.command for message in peer.messages(timeout=0.0)] == [message.command for message in said]


def test_messages_end_quietly_when_we_close_and_give_the_rest_first() -> None:
    with pair() as (peer, far):
        far.say(NOISE, NOISE, NOISE)
        arriving = peer.messages()
        next(arriving)
        peer.close()
        assert list(arriving) == [NOISE, NOISE]


def test_messages_give_the_rest_and_then_fail_when_the_remote_goes() -> None:
    with pair() as (peer, far):
        far.say(NOISE, NOISE)
        far.sock.close()
        arriving = peer.messages()
        assert [next(arriving), next(arriving)] == [NOISE, NOISE]
        with pytest.raises(PeerGone):
            next(arriving)


def test_unread_messages_are_bounded_and_whoever_needs_an_answer_behind_them_is_told_so() -> None:
    with pair() as (peer, far):
        arriving = peer.messages(timeout=0.0)
        far.say(*[NOISE] * (2 * MAX_MESSAGES))
        one_read_more = 65_536 // len(far.encode(NOISE)) + 1
        with pytest.raises(LocalProtocolError, match="take them first"):
            peer.request_headers(GENESIS)
        for _ in range(3):
            peer.poll()
        assert MAX_MESSAGES <= len(peer._inbox) <= MAX_MESSAGES + one_read_more
        assert len(list(arriving)) == 2 * MAX_MESSAGES
        with pytest.raises(RequestTimeout):
            peer.ping(timeout=0.01)


def test_unread_messages_are_bounded_in_bytes_too() -> None:
    with pair() as (peer, far), meanwhile(lambda: far.say(*[BIG] * 8)):
        arriving = peer.messages()
        while not peer._inbox.is_full:
            peer.poll(timeout=1.0)
        peer.poll()
        assert len(peer._inbox) == MAX_BYTES // len(BIG.payload) + 1
        assert [next(arriving) for _ in range(8)] == [BIG] * 8
