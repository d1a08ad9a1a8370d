"""One request of each kind is out, the next waits; and what settles a headers request."""

from __future__ import annotations

import random
import sys

import pytest

from headway.errors import LocalProtocolError
from headway.network import Network, Timing
from headway.peer import events as e
from headway.peer.events import Reason
from headway.peer.requests import AddressesRequest, HeadersRequest, RequestTable, TransactionRequest, fresh_nonce
from headway.types import ZERO_HASH, Address, BlockId
from headway.wire import messages as m
from tests.link import block_of, blocks_of, genesis_of, headers_of, only, quiet, ready, requests_of
from tests.manners import forgiving
from tests.toynet import ToyCodec, toynet

ASK: list[m.Message] = [m.GetAddr()]


def headers_request(*known: bytes, stop: bytes = ZERO_HASH) -> HeadersRequest:
    return HeadersRequest(1, [m.GetHeaders(())], frozenset(known), stop, 0, 2_000, True)


def test_a_second_request_of_a_kind_waits_and_overwrites_nothing() -> None:
    table = RequestTable(16)
    first, second = AddressesRequest(1, ASK), AddressesRequest(2, ASK)
    assert table.put(first)
    assert not table.put(second)
    assert table.out(AddressesRequest) is first
    assert table.remove(first) is second
    assert table.out(AddressesRequest) is second
    assert table.remove(second) is None
    assert table.out(AddressesRequest) is None
    assert len(table) == 0


def test_requests_of_different_kinds_are_out_together() -> None:
    table = RequestTable(16)
    assert table.put(AddressesRequest(1, ASK))
    assert table.put(TransactionRequest(2, ASK, bytes(32)))
    assert table.put(headers_request())
    assert len(table) == 3


def test_too_many_waiting_requests_are_the_callers_mistake() -> None:
    table = RequestTable(3)
    for number in range(4):
        table.put(AddressesRequest(number, ASK))
    with pytest.raises(LocalProtocolError, match="3 ADDRESSES requests are waiting"):
        table.put(AddressesRequest(9, ASK))
    assert len(table) == 4


def test_removing_one_that_waits_gives_nobody_the_turn() -> None:
    table = RequestTable(16)
    requests = [AddressesRequest(number, ASK) for number in range(3)]
    for request in requests:
        table.put(request)
    assert table.remove(requests[1]) is None
    assert table.out(AddressesRequest) is requests[0]
    assert table.remove(requests[0]) is requests[2]


def test_find_knows_what_is_out_and_what_waits() -> None:
    table = RequestTable(16)
    requests = [AddressesRequest(number, ASK) for number in range(3)]
    for request in requests:
        table.put(request)
    assert [table.find(number) for number in range(3)] == requests
    assert table.find(3) is None
    assert table.clear() == requests
    assert list(table) == []


def test_headers_that_follow_a_block_we_named_settle(network: Network) -> None:
    blocks = blocks_of(network, 5)
    request = headers_request(network.codec.parser.block_header(blocks[1]).hash)
    assert request.is_settled_by(headers_of(network, blocks[2:]))
    assert not request.is_settled_by(headers_of(network, blocks[3:]))
    assert not request.is_settled_by(headers_of(network, blocks))


def test_an_empty_headers_settles(network: Network) -> None:
    assert headers_request().is_settled_by(headers_of(network, []))


def test_headers_that_begin_with_the_block_to_stop_at_settle(network: Network) -> None:
    blocks = blocks_of(network, 5)
    request = headers_request(genesis_of(network).hash, stop=network.codec.parser.block_header(blocks[3]).hash)
    assert request.is_settled_by(headers_of(network, blocks[3:4]))
    assert not request.is_settled_by(headers_of(network, blocks[2:4]))


def test_a_nonce_is_never_zero() -> None:
    class Zeros(random.Random):
        def getrandbits(self, k: int, /) -> int:
            return 0 * k

    assert fresh_nonce(Zeros()) == 1
    assert 0 < fresh_nonce(random.Random(1)) < 2**64


# The same over a whole machine.


def test_a_cancelled_request_is_forgotten_without_blame(network: Network) -> None:
    remote, blocks = ready(quiet(network)), blocks_of(network, 2)
    requests = [
        remote.peer.request_headers((genesis_of(network),), 1.0),
        remote.peer.request_addresses(1.0),
        remote.peer.request_transaction(b"\3" * 32, 1.0),
        remote.peer.ping(1.0),
        remote.peer.request_blocks(requests_of(network, blocks), 1.0).id,
    ]
    for request in requests:
        remote.peer.cancel(request, 2.0)
        remote.peer.cancel(request, 2.0)
    assert remote.events() == [e.BatchFinished(requests[-1])]
    assert remote.peer.get_timer() is None
    remote.says(headers_of(network, blocks), block_of(network, blocks[0]), now=3.0)
    late = remote.events()
    assert only(e.HeadersReceived, late).request is None
    assert only(e.BlockReceived, late).request is None
    assert all(stats.cancelled == 1 for stats in remote.peer.stats.requests.values())


def test_cancelling_one_that_is_out_gives_the_next_its_turn(network: Network) -> None:
    remote = ready(network)
    first, second, third = (remote.peer.request_addresses(1.0) for _ in range(3))
    remote.hears()
    remote.peer.cancel(second, 2.0)
    assert remote.hears() == []
    remote.peer.cancel(first, 2.0)
    assert remote.commands() == ["getaddr"]
    remote.says(m.Addr((Address("192.0.2.1", 1), Address("192.0.2.2", 2))), now=3.0)
    assert only(e.AddressesReceived, remote.events()).request == third


def test_requests_that_wait_are_bounded(network: Network) -> None:
    remote = ready(network)
    for _ in range(17):
        remote.peer.request_addresses(1.0)
    with pytest.raises(LocalProtocolError, match="16 ADDRESSES requests are waiting"):
        remote.peer.request_addresses(1.0)
    assert remote.commands() == ["getaddr"]


@forgiving
def test_a_locator_that_is_too_long_or_no_hash_is_the_callers_mistake(network: Network) -> None:
    remote = ready(network)
    block = genesis_of(network)
    remote.peer.request_headers((block,) * 101, 1.0)
    with pytest.raises(LocalProtocolError, match="102 blocks, at most 101"):
        remote.peer.request_headers((block,) * 102, 1.0)
    with pytest.raises(LocalProtocolError, match="32 bytes"):
        remote.peer.request_headers((BlockId(1, b"short"),), 1.0)
    with pytest.raises(LocalProtocolError, match="32 bytes"):
        remote.peer.request_headers((block,), 1.0, stop=ZERO_HASH[1:])
    with pytest.raises(LocalProtocolError, match="32 bytes"):
        remote.peer.request_transaction(b"short", 1.0)


@pytest.mark.parametrize("ends", [True, False])
def test_what_waited_for_its_turn_counts_neither_as_asked_nor_as_cancelled(network: Network, *, ends: bool) -> None:
    remote = ready(network)
    for _ in range(2):
        remote.peer.request_headers((genesis_of(network),), 1.0)
        remote.peer.request_addresses(1.0)
    waiting = remote.peer.ping(1.0), remote.peer.ping(1.0)
    batches = [remote.peer.request_blocks(requests_of(network, blocks_of(network, 2)), 1.0) for _ in range(2)]
    if ends:
        remote.peer.disconnect(Reason.REQUESTED, "enough", 2.0)
    else:
        for number in (*range(4, 0, -1), *reversed(waiting), *(batch.id for batch in reversed(batches))):
            remote.peer.cancel(number, 2.0)
    counted = remote.peer.stats.requests
    assert len(counted) == 4
    assert all((each.asked, each.cancelled) == (1, 1) for each in counted.values())


def test_an_empty_table_keeps_no_room() -> None:
    """Thousands of idle peers have one, and each had pings in it."""
    table = RequestTable(16)
    empty = sys.getsizeof(table._by_kind)
    for number in range(3):
        table.put(AddressesRequest(number, ASK))
    for request in list(table):
        table.remove(request)
    assert sys.getsizeof(table._by_kind) == empty


def test_silence_settles_a_question_for_headers_where_it_is_an_answer() -> None:
    network = toynet(codec=ToyCodec(silence_is_answer=True, answers_pings=False))
    remote = ready(network)
    number = remote.peer.request_headers((genesis_of(network),), 1.0, fence=True)
    assert [message.command for message in remote.hears()] == ["getheaders"], (
        "no ping stands behind it: none is answered"
    )
    at = 1.0 + network.timing.headers_timeout
    assert remote.peer.get_timer() == at
    remote.peer.handle_timer(at)
    answer = only(e.HeadersReceived, remote.events())
    assert (len(answer.headers), answer.request, answer.fenced) == (0, number, True)
    assert remote.peer.state is e.PeerState.READY


def test_a_ping_that_nobody_must_answer_ends_no_peer_until_it_has_answered_one() -> None:
    network = toynet(codec=ToyCodec(answers_pings=False), timing=Timing(idle_timeout=0.0, ping_interval=0.0))
    remote = ready(network)
    remote.peer.ping(1.0)
    remote.hears()
    remote.peer.handle_timer(1.0 + network.timing.ping_timeout)
    assert not only(e.RequestTimedOut, remote.events()).ends_peer
    remote.peer.ping(2_000.0)
    (ping,) = remote.hears()
    assert isinstance(ping, m.Ping)
    remote.says(m.Pong(ping.nonce), now=2_000.1)
    remote.peer.ping(2_001.0)
    remote.events()
    remote.peer.handle_timer(2_001.0 + network.timing.ping_timeout)
    assert remote.events()[0] == e.RequestTimedOut(3, e.RequestKind.PING, ends_peer=True)
