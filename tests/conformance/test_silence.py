"""What Neo's manners make of numbers 19 to 29 of the forty: silence is an answer, pings are fences, heights are names.

Told of both generations where they agree, of one where they differ. What follows for a whole node is told with `sync`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.errors import LocalProtocolError
from headway.network import Network, Timing
from headway.peer import events as e
from headway.peer.events import PeerDisconnected, PeerState, Reason
from headway.types import UNKNOWN_HEIGHT, BlockId, BlockRequest
from headway.wire import messages as m
from tests.link import Remote, block_of, blocks_of, genesis_of, headers_of, of, only, quiet, ready, requests_of
from tests.manners import all_but_legacy, forgiving, neo, neo2, neo3


@neo
def test_headers_that_do_not_come_are_no_fault_and_the_next_question_goes_out(network: Network) -> None:
    remote, blocks = ready(quiet(network)), blocks_of(network, 3)
    first = remote.peer.request_headers((genesis_of(network),), 1.0)
    second = remote.peer.request_headers((genesis_of(network),), 2.0)
    assert remote.commands() == ["getheaders"]
    remote.peer.handle_timer(60.9)
    assert remote.events() == []
    remote.peer.handle_timer(61.0)
    nothing = only(e.HeadersReceived, remote.events())
    assert (nothing.request, len(nothing.headers), nothing.fenced) == (first, 0, True)
    assert remote.commands() == ["getheaders"]
    remote.says(headers_of(network, blocks), now=62.0)
    assert only(e.HeadersReceived, remote.events()).request == second
    assert remote.peer.state is PeerState.READY


@forgiving
def test_headers_that_do_not_come_end_the_peer_by_bitcoins_manners(network: Network) -> None:
    remote = ready(quiet(network))
    remote.peer.request_headers((genesis_of(network),), 1.0)
    remote.peer.handle_timer(61.0)
    assert remote.ended().reason is Reason.STALLED


@all_but_legacy
def test_a_pong_before_any_headers_says_that_there_are_none(network: Network) -> None:
    remote = ready(quiet(network))
    request = remote.peer.request_headers((genesis_of(network),), 1.0, fence=True)
    asked, fence = remote.hears()
    assert (asked.command, fence.command) == ("getheaders", "ping")
    assert isinstance(fence, m.Ping)
    remote.says(m.Pong(fence.nonce), now=2.0)
    event = only(e.HeadersReceived, remote.events())
    assert (event.request, len(event.headers), event.fenced) == (request, 0, True)


@neo3
def test_a_fence_holds_though_the_remote_writes_its_own_nonce(network: Network) -> None:
    """As neo-go does; and the pong of a keepalive before the fence is not taken for that of the fence."""
    remote = ready(network)
    remote.peer.handle_timer(120.0)
    request = remote.peer.request_headers((genesis_of(network),), 121.0, fence=True)
    assert remote.commands() == ["ping", "getheaders", "ping"]
    remote.says(m.Pong(1_234), now=122.0)
    assert remote.events() == [e.PongReceived(2.0, None)]
    remote.says(m.Pong(1_234), now=123.0)
    event = only(e.HeadersReceived, remote.events())
    assert (event.request, event.fenced) == (request, True)


@neo3
def test_neither_headers_nor_a_pong_behind_a_fence_end_the_peer(network: Network) -> None:
    remote = ready(quiet(network))
    remote.peer.request_headers((genesis_of(network),), 1.0, fence=True)
    remote.peer.handle_timer(61.0)
    assert remote.ended().reason is Reason.STALLED


@neo2
def test_no_fence_is_put_to_who_has_never_answered_a_ping(network: Network) -> None:
    """neo-one answers none. C# does, and shows it; then a fence works as on N3."""
    remote = ready(quiet(network))
    remote.peer.request_headers((genesis_of(network),), 1.0, fence=True)
    assert remote.commands() == ["getheaders"]
    remote.peer.handle_timer(61.0)
    assert only(e.HeadersReceived, remote.events()).fenced
    remote.peer.ping(70.0)
    [ping] = remote.hears()
    assert isinstance(ping, m.Ping)
    remote.says(m.Pong(ping.nonce), now=71.0)
    remote.events()
    request = remote.peer.request_headers((genesis_of(network),), 72.0, fence=True)
    asked, fence = remote.hears()
    assert isinstance(fence, m.Ping)
    remote.says(m.Pong(fence.nonce), now=73.0)
    event = only(e.HeadersReceived, remote.events())
    assert (asked.command, event.request, event.fenced) == ("getheaders", request, True)


@neo2
def test_no_headers_at_all_are_an_answer_of_legacy(network: Network) -> None:
    remote = ready(network)
    request = remote.peer.request_headers((genesis_of(network),), 1.0)
    remote.says(headers_of(network, []), now=2.0)
    event = only(e.HeadersReceived, remote.events())
    assert (event.request, len(event.headers)) == (request, 0)


@neo3
def test_no_headers_at_all_are_against_the_protocol_of_n3(network: Network) -> None:
    remote = ready(network)
    remote.peer.request_headers((genesis_of(network),), 1.0)
    remote.peer.receive_data(b"\0\x21\1\0", 2.0)
    events = remote.events()
    assert "headers.count is 0" in only(e.PeerMisbehaved, events).error.message
    assert only(PeerDisconnected, events).reason is Reason.PROTOCOL


@neo
def test_blocks_that_do_not_come_end_the_peer_as_everywhere(network: Network) -> None:
    """There is no notfound to wait for: a peer that gave less than it was asked for is of no more use."""
    remote, blocks = (
        ready(replace(network, timing=Timing(batch_timeout=30.0, block_timeout=0.0))),
        blocks_of(network, 3),
    )
    batch = remote.peer.request_blocks(requests_of(network, blocks), 1.0)
    remote.says(block_of(network, blocks[0]), now=20.0)
    remote.peer.handle_timer(49.9)
    assert remote.peer.state is PeerState.READY
    remote.peer.handle_timer(50.0)
    assert remote.ended() == PeerDisconnected(Reason.STALLED, "no block for 30 s, 2 in flight")
    assert len(batch.in_flight) == 2


@neo3
def test_blocks_are_asked_by_runs_of_heights_and_each_carries_its_request_back(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 12)
    requests = requests_of(network, blocks)
    remote.peer.request_blocks([*requests[:5], *requests[7:9]], 1.0)
    assert remote.hears() == [m.GetBlockByIndex(1, 5), m.GetBlockByIndex(8, 2)]
    remote.says(*(block_of(network, blocks[number]) for number in (0, 8, 5)), now=2.0)
    received = [event.request for event in of(e.BlockReceived, remote.events())]
    assert received == [requests[0], requests[8], None]  # the last one was not asked for


@neo3
def test_blocks_of_unknown_height_are_asked_by_hash(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 2)
    requests = [BlockRequest(network.codec.parser.block_header(raw), UNKNOWN_HEIGHT) for raw in blocks]
    remote.peer.request_blocks(requests, 1.0)
    asked = only(m.GetData, remote.hears())
    assert [entry.hash for entry in asked.entries] == [request.hash for request in requests]
    remote.says(block_of(network, blocks[1]), now=2.0)
    assert only(e.BlockReceived, remote.events()).request == requests[1]


@neo3
def test_headers_are_asked_from_the_height_after_the_newest_block(network: Network) -> None:
    remote = Remote(network)
    remote.shake()
    remote.peer.request_headers((BlockId(41, b"\1" * 32), genesis_of(network)), 1.0)
    assert remote.hears() == [m.GetHeaders((), first_height=42, count=2_000)]


@neo3
def test_a_hash_alone_is_refused_where_a_height_is_needed(network: Network) -> None:
    remote = ready(network)
    with pytest.raises(LocalProtocolError, match="height"):
        remote.peer.request_headers((BlockId(UNKNOWN_HEIGHT, b"\1" * 32),), 1.0)
    assert remote.hears() == []


@neo2
def test_headers_are_asked_by_the_newest_hash_alone(network: Network) -> None:
    """Of several, neo-one takes the lowest and all others the first."""
    remote = ready(network)
    newest = BlockId(41, b"\1" * 32)
    remote.peer.request_headers((newest, genesis_of(network)), 1.0)
    [asked] = remote.hears()
    assert isinstance(asked, m.GetHeaders)
    assert [block.hash for block in asked.locator] == [newest.hash]
