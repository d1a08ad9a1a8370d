"""What leaves a machine: chunks, events, back-pressure and the trace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.errors import LocalProtocolError
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.peer.events import HeadersReceived, MessageReceived, PeerDisconnected, PeerEvent, PeerState, Reason
from headway.peer.output import MAX_LATE
from headway.wire import messages as m
from tests.link import HERE, End, Link, Remote, block_of, blocks_of, genesis_of, headers_of, quiet, ready, unknown
from tests.manners import forgiving
from tests.toynet import TOYNET


def test_each_output_is_given_once(network: Network) -> None:
    remote = ready(network)
    remote.peer.send(m.GetAddr(), 1.0)
    remote.says(m.GetAddr(), now=1.0)
    assert remote.peer.data_to_send() != []
    assert remote.peer.data_to_send() == []
    assert len(remote.peer.events_received()) == 1
    assert remote.peer.events_received() == []


def test_a_large_payload_is_sent_without_a_copy() -> None:
    remote = ready(REGTEST)
    raw = bytes(1_000_000)
    remote.peer.send(block_of(REGTEST, raw), 1.0)
    assert any(chunk is raw for chunk in remote.peer.data_to_send())


def test_what_is_sent_is_counted_by_command(network: Network) -> None:
    remote = ready(network)
    remote.peer.send(m.GetAddr(), 5.0)
    stats = remote.peer.stats
    assert stats.sent["getaddr"].messages == 1
    assert stats.sent["getaddr"].last_at == stats.last_send_at == 5.0
    assert stats.bytes_sent == sum(each.bytes for each in stats.sent.values())


def test_a_message_that_the_chain_cannot_encode_is_the_callers_mistake() -> None:
    remote = ready(TOYNET)
    with pytest.raises(LocalProtocolError, match="no mempool"):
        remote.peer.send(m.MemPool(), 1.0)
    assert remote.hears() == []


def test_a_full_send_queue_asks_for_no_more_answers(network: Network) -> None:
    limited = replace(network, limits=replace(network.limits, max_send_queue=1_000))
    remote = ready(limited)
    full = [remote.peer.send_queue_full]
    remote.peer.send(unknown(network, 99, bytes(1_000)), 1.0)
    full.append(remote.peer.send_queue_full)
    remote.peer.data_to_send()
    full.append(remote.peer.send_queue_full)
    for queued in (1_001, 1_000):
        remote.peer.handle_writable(queued, 2.0)
        full.append(remote.peer.send_queue_full)
    assert full == [False, True, False, True, False]


def test_a_remote_that_reads_nothing_is_dropped_at_the_bound(network: Network) -> None:
    limited = replace(network, limits=replace(network.limits, max_unread=5_000))
    remote = ready(limited)
    remote.peer.handle_writable(5_000, 1.0)
    assert remote.peer.state is PeerState.READY
    remote.peer.handle_writable(5_001, 2.0)
    assert remote.ended() == PeerDisconnected(Reason.NOT_READING, "it reads nothing, and 5001 bytes wait for it")
    assert remote.peer.wants_close()
    assert remote.peer.data_to_send() == []


def test_a_fence_between_two_machines_lets_the_headers_through(network: Network) -> None:
    blocks = blocks_of(network, 3)
    link = Link(network)

    def serve(end: End, event: PeerEvent, now: float) -> None:
        if isinstance(event, MessageReceived) and isinstance(event.message, m.GetHeaders):
            end.peer.send(headers_of(network, blocks), now)

    link.b.owner = serve
    link.connect()
    link.run(1.0)
    request = link.a.peer.request_headers((genesis_of(network),), link.now, fence=True)
    link.pump()
    link.run(2.0)
    [event] = link.a.of(HeadersReceived)
    assert (event.request, event.fenced, len(event.headers)) == (request, False, 3)


@forgiving
def test_the_trace_tells_the_protocol(network: Network) -> None:
    lines: list[str] = []
    remote = Remote(quiet(network), log=lines.append)
    remote.shake()
    assert lines[0] == "= HANDSHAKING"
    assert lines[1].startswith("> version ")
    assert "< verack" in lines
    assert "= READY" in lines
    lines.clear()
    remote.peer.request_headers((genesis_of(network),), 1.0)
    remote.says(headers_of(network, []), m.GetAddr(), now=2.0)
    remote.peer.request_headers((genesis_of(network),), 3.0)
    remote.peer.handle_timer(63.0)
    assert lines == [
        "> getheaders [1 hashes]",
        "< headers [0]",
        "< getaddr",
        "> getheaders [1 hashes]",
        "- response_timeout getheaders",
        "x STALLED getheaders unanswered for 60 s",
        "= CLOSED",
    ]


def test_no_words_of_the_remote_reach_the_trace_as_they_are(network: Network) -> None:
    lines: list[str] = []
    remote = Remote(network, log=lines.append)
    remote.connect()
    remote.says(replace(remote.version, user_agent="\x1b[2J\nevil"), m.Verack(), now=1.0)
    remote.peer.handle_connection_lost("\x1b[31m\n", 2.0)
    assert all(line.isprintable() for line in lines)
    assert remote.ended().message.isprintable()


def test_without_a_listener_nothing_is_described(network: Network) -> None:
    remote = ready(network)
    remote.says(m.Ping(1), now=1.0)
    assert remote.commands() == ["pong"]


def test_a_pong_waits_for_what_the_owner_answers_to_an_earlier_question() -> None:
    """Who sends a ping behind a question takes the pong for the end of the answers."""
    remote = ready(TOYNET)
    remote.says(m.GetAddr(), m.Ping(7), now=1.0)
    assert remote.peer.data_to_send() == []
    assert remote.events() == [MessageReceived(m.GetAddr())]
    remote.peer.send(m.Addr((HERE,)), 1.0)
    assert remote.commands() == ["addr", "pong"]


def test_a_pong_waits_until_a_slow_owner_goes_on() -> None:
    remote = ready(TOYNET)
    remote.peer.handle_paused(1.0)
    remote.says(m.Ping(7), now=1.0)
    assert remote.commands() == []
    remote.peer.handle_resumed(2.0)
    assert remote.commands() == ["pong"]


def test_pings_beyond_the_cap_are_answered_at_once_and_nothing_is_kept_of_them() -> None:
    remote = ready(TOYNET)
    remote.peer.handle_paused(1.0)
    remote.says(*(m.Ping(number) for number in range(1, MAX_LATE + 4)), now=1.0)
    assert remote.commands() == ["pong"] * 3
    assert len(remote.peer._output._late) == MAX_LATE


def test_an_ended_connection_keeps_no_pong() -> None:
    remote = ready(TOYNET)
    remote.peer.handle_paused(1.0)
    remote.says(m.Ping(7), now=1.0)
    remote.peer.receive_eof(2.0)
    remote.events()
    assert remote.peer.data_to_send() == []
