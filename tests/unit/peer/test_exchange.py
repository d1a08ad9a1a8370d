"""The conversation with a ready peer: each question, its own answer, its own deadline."""

from __future__ import annotations

from headway.network import Network
from headway.peer import events as e
from headway.peer.events import PeerDisconnected, PeerState, Reason, RequestKind
from headway.types import Address, BlockId, Raw
from headway.wire import messages as m
from tests.link import (
    THERE,
    Link,
    Remote,
    block_of,
    blocks_of,
    genesis_of,
    headers_of,
    missing,
    of,
    only,
    quiet,
    ready,
    requests_of,
    unknown,
)
from tests.manners import all_but_legacy, all_but_n3, forgiving
from tests.toynet import PARSER, TOYNET

# Headers.


@all_but_n3
def test_headers_settle_the_request_that_they_answer(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 3)
    request = remote.peer.request_headers((genesis_of(network),), 1.0)
    [asked] = remote.hears()
    assert isinstance(asked, m.GetHeaders)
    assert [block.hash for block in asked.locator] == [genesis_of(network).hash]
    remote.says(headers_of(network, blocks), now=2.0)
    event = only(e.HeadersReceived, remote.events())
    assert (event.request, event.fenced) == (request, False)
    assert [header.hash for header in event.headers] == [each.hash for each in requests_of(network, blocks)]


def test_announced_headers_settle_nothing(network: Network) -> None:
    remote, blocks = ready(network), blocks_of(network, 6)
    request = remote.peer.request_headers((genesis_of(network),), 1.0)
    remote.says(headers_of(network, blocks[4:]), now=2.0)
    assert only(e.HeadersReceived, remote.events()).request is None
    remote.says(headers_of(network, blocks[:4]), now=3.0)
    assert only(e.HeadersReceived, remote.events()).request == request
    remote.says(headers_of(network, blocks[5:]), now=4.0)
    assert only(e.HeadersReceived, remote.events()).request is None


@all_but_n3
def test_an_empty_answer_is_an_answer(network: Network) -> None:
    remote = ready(network)
    request = remote.peer.request_headers((genesis_of(network),), 1.0)
    remote.says(headers_of(network, []), now=2.0)
    event = only(e.HeadersReceived, remote.events())
    assert (event.request, event.fenced, len(event.headers)) == (request, False, 0)


def test_a_remote_that_knows_none_of_our_blocks_answers_from_genesis(network: Network) -> None:
    remote = ready(network)
    request = remote.peer.request_headers((BlockId(9, b"\7" * 32),), 1.0)
    remote.says(headers_of(network, blocks_of(network, 2)), now=2.0)
    assert only(e.HeadersReceived, remote.events()).request == request


@forgiving
def test_unanswered_headers_disconnect_at_the_deadline_not_before(network: Network) -> None:
    remote = ready(quiet(network))
    request = remote.peer.request_headers((genesis_of(network),), 1.0)
    remote.says(m.Ping(1), headers_of(network, blocks_of(network, 9)[5:]), now=60.0)
    remote.events()
    remote.peer.handle_timer(60.99)
    assert remote.events() == []
    remote.peer.handle_timer(61.0)
    assert remote.events() == [
        e.RequestTimedOut(request, RequestKind.HEADERS, ends_peer=True),
        PeerDisconnected(Reason.STALLED, "getheaders unanswered for 60 s"),
    ]
    assert remote.peer.wants_close()


@forgiving
def test_headers_that_are_expected_have_more_time(network: Network) -> None:
    remote = ready(quiet(network, header_timeout=0.01))
    remote.peer.request_headers((genesis_of(network),), 1.0, expected=2_000)
    remote.peer.handle_timer(80.99)
    assert remote.events() == []
    remote.peer.handle_timer(81.0)
    assert remote.ended() == PeerDisconnected(Reason.STALLED, "getheaders unanswered for 80 s")


@forgiving
def test_a_remote_that_we_cannot_do_without_is_not_ended_by_headers_that_do_not_come(network: Network) -> None:
    asked: list[float] = []

    def is_needed(now: float) -> bool:
        asked.append(now)
        return len(asked) < 2

    remote = Remote(quiet(network), is_needed=is_needed)
    remote.shake()
    for at, ends in ((1.0, False), (100.0, True)):
        request = remote.peer.request_headers((genesis_of(network),), at)
        remote.peer.handle_timer(at + 60.0)
        expired = only(e.RequestTimedOut, remote.events())
        assert expired == e.RequestTimedOut(request, RequestKind.HEADERS, ends_peer=ends)
    assert asked == [61.0, 160.0]
    assert remote.peer.wants_close()


@all_but_legacy
def test_a_pong_before_any_headers_settles_a_fenced_request(network: Network) -> None:
    remote = ready(network)
    request = remote.peer.request_headers((genesis_of(network),), 1.0, fence=True)
    asked, ping = remote.hears()
    assert isinstance(asked, m.GetHeaders)
    assert isinstance(ping, m.Ping)
    assert ping.nonce
    remote.says(m.Pong(ping.nonce), now=2.0)
    event = only(e.HeadersReceived, remote.events())
    assert (event.request, event.fenced, len(event.headers)) == (request, True, 0)


@all_but_legacy
def test_headers_before_the_pong_settle_a_fenced_request_and_the_pong_is_nothing(network: Network) -> None:
    remote = ready(network)
    request = remote.peer.request_headers((genesis_of(network),), 1.0, fence=True)
    _, ping = remote.hears()
    assert isinstance(ping, m.Ping)
    remote.says(headers_of(network, blocks_of(network, 1)), m.Pong(ping.nonce), now=2.0)
    [event] = remote.events()
    assert isinstance(event, e.HeadersReceived)
    assert (event.request, event.fenced) == (request, False)


@forgiving
def test_a_fence_neither_answers_a_ping_nor_is_answered_by_another_pong(network: Network) -> None:
    remote = ready(network)
    request = remote.peer.ping(1.0)
    remote.peer.request_headers((genesis_of(network),), 1.0, fence=True)
    ping, _, fence = remote.hears()
    assert isinstance(ping, m.Ping)
    assert isinstance(fence, m.Ping)
    remote.says(m.Pong(ping.nonce), now=2.0)
    assert remote.events() == [e.PongReceived(1.0, request)]
    remote.says(m.Pong(12345), m.Pong(0), now=3.0)
    assert remote.events() == []
    remote.says(m.Pong(fence.nonce), now=4.0)
    assert only(e.HeadersReceived, remote.events()).fenced


@all_but_legacy
def test_neither_headers_nor_pong_ends_a_fenced_request_at_one_deadline(network: Network) -> None:
    remote = ready(quiet(network))
    request = remote.peer.request_headers((genesis_of(network),), 1.0, fence=True)
    assert remote.timer() == 61.0
    remote.peer.handle_timer(61.0)
    assert remote.events()[0] == e.RequestTimedOut(request, RequestKind.HEADERS, ends_peer=True)
    assert remote.peer.state is PeerState.CLOSED


# Addresses and transactions.


def test_addresses_settle_their_request_and_gossip_settles_nothing(network: Network) -> None:
    remote = ready(network)
    many = m.Addr((Address("192.0.2.1", 1), Address("192.0.2.2", 2)))
    remote.says(many, now=1.0)
    assert only(e.AddressesReceived, remote.events()).request is None
    request = remote.peer.request_addresses(2.0)
    assert remote.commands() == ["getaddr"]
    remote.says(m.Addr((Address(THERE.host, 1),)), now=3.0)  # it names itself, as every node does
    assert only(e.AddressesReceived, remote.events()).request is None
    remote.says(many, now=4.0)
    event = only(e.AddressesReceived, remote.events())
    assert (event.request, event.addresses) == (request, many.addresses)


def test_silence_about_addresses_is_lawful_and_frees_the_slot(network: Network) -> None:
    remote = ready(quiet(network))
    first, second = remote.peer.request_addresses(0.0), remote.peer.request_addresses(1.0)
    assert remote.commands() == ["getaddr"]
    remote.peer.handle_timer(60.0)
    assert remote.events() == [e.RequestTimedOut(first, RequestKind.ADDRESSES, ends_peer=False)]
    assert remote.commands() == ["getaddr"]
    remote.peer.handle_timer(120.0)
    assert remote.events() == [e.RequestTimedOut(second, RequestKind.ADDRESSES, ends_peer=False)]
    assert remote.peer.state is PeerState.READY
    assert remote.peer.get_timer() is None


def raw_transaction(network: Network) -> bytes:
    if network.codec.parser is PARSER:
        return b"a toy transaction"
    one_input = b"\1" + bytes(32) + b"\0\0\0\0" + b"\0" + b"\xff\xff\xff\xff"
    one_output = b"\1" + (50).to_bytes(8, "little") + b"\1\x51"
    return b"\1\0\0\0" + one_input + one_output + b"\0\0\0\0"


def tx_of(network: Network, raw: Raw) -> m.Tx:
    return m.Tx(raw, network.codec.parser)


@forgiving
def test_a_transaction_settles_its_request(network: Network) -> None:
    remote, transaction = ready(network), tx_of(network, raw_transaction(network))
    remote.says(transaction, now=1.0)
    assert only(e.TransactionReceived, remote.events()).request is None
    request = remote.peer.request_transaction(transaction.txid, 2.0)
    assert remote.commands() == ["getdata"]
    remote.says(transaction, now=3.0)
    event = only(e.TransactionReceived, remote.events())
    assert (event.request, event.txid) == (request, transaction.txid)
    assert event.transaction is not None
    assert bytes(event.transaction) == bytes(transaction)


def test_not_found_settles_the_request_of_a_transaction(network: Network) -> None:
    remote = ready(network)
    request = remote.peer.request_transaction(b"\3" * 32, 1.0)
    remote.says(missing(b"\4" * 32), now=2.0)
    assert remote.events() == []
    remote.says(missing(b"\3" * 32), now=3.0)
    assert remote.events() == [e.TransactionReceived(None, b"\3" * 32, request)]


def test_silence_about_a_transaction_is_lawful(network: Network) -> None:
    remote = ready(quiet(network))
    request = remote.peer.request_transaction(b"\3" * 32, 1.0)
    remote.peer.handle_timer(61.0)
    assert remote.events() == [e.RequestTimedOut(request, RequestKind.TRANSACTION, ends_peer=False)]
    assert remote.peer.state is PeerState.READY


# Pings.


@all_but_legacy
def test_an_owners_ping_without_a_pong_expires_too(network: Network) -> None:
    remote = ready(quiet(network, ping_timeout=20.0))
    request = remote.peer.ping(1.0)
    remote.peer.handle_timer(21.0)
    assert remote.events() == [
        e.RequestTimedOut(request, RequestKind.PING, ends_peer=True),
        PeerDisconnected(Reason.PING_TIMEOUT, "ping unanswered for 20 s"),
    ]


def test_pings_of_the_owner_wait_for_one_another_and_each_has_its_own_round_trip(network: Network) -> None:
    remote = ready(quiet(network))
    first, second = remote.peer.ping(1.0), remote.peer.ping(1.0)
    [ping] = remote.hears()
    assert isinstance(ping, m.Ping)
    remote.says(m.Pong(ping.nonce), now=3.0)
    assert remote.events() == [e.PongReceived(2.0, first)]
    [ping] = remote.hears()
    assert isinstance(ping, m.Ping)
    remote.says(m.Pong(ping.nonce), now=4.0)
    assert remote.events() == [e.PongReceived(1.0, second)]
    stats = remote.peer.stats.round_trips
    assert (stats.count, stats.last, stats.least, stats.average) == (2, 1.0, 1.0, 1.5)


def test_rounding_after_a_pause_makes_no_round_trip_less_than_nothing(network: Network) -> None:
    for number in range(200):
        remote, now = ready(network), 15.0 + number / 7
        request = remote.peer.ping(now)
        remote.peer.handle_paused(now)
        remote.peer.handle_resumed(now + 33.0)
        [ping] = remote.hears()
        assert isinstance(ping, m.Ping)
        remote.says(m.Pong(ping.nonce), now=now + 33.0)
        event = only(e.PongReceived, remote.events())
        assert event.request == request
        assert 0.0 <= event.round_trip < 1e-9


@forgiving
def test_unsolicited_pongs_are_nothing(network: Network) -> None:
    remote = ready(network)
    remote.says(m.Pong(0), m.Pong(7), m.Pong(None), now=1.0)
    assert (remote.events(), remote.hears()) == ([], [])


@forgiving
def test_a_ping_is_answered_with_its_nonce_and_one_without_is_not(network: Network) -> None:
    remote = ready(network)
    remote.says(m.Ping(99), m.Ping(None), m.Ping(0), now=1.0)
    pongs = of(m.Pong, remote.hears())
    assert [pong.nonce for pong in pongs] == [99, 0]
    assert remote.events() == []


# Everything.


def test_announcements_and_questions_of_the_remote_reach_the_owner(network: Network) -> None:
    remote = ready(network)
    entries = (m.InvEntry(m.InvType.BLOCK, b"\1" * 32),)
    questions: list[m.Message] = [m.GetAddr(), m.GetData(entries), unknown(network, 99, b"x")]
    remote.says(m.Inv(entries), *questions, now=1.0)
    events = remote.events()
    assert events[0] == e.InvReceived(entries)
    assert [event.message for event in of(e.MessageReceived, events)] == questions


def test_statistics_tell_asked_settled_and_expired_apart() -> None:
    network = quiet(TOYNET)
    remote, blocks = ready(network), blocks_of(network, 4)
    remote.peer.request_headers((genesis_of(network),), 1.0)
    remote.says(headers_of(network, blocks), now=2.0)
    remote.peer.request_addresses(2.0)
    remote.peer.handle_timer(62.0)
    remote.peer.request_blocks(requests_of(network, blocks), 100.0)
    for number, raw in enumerate(blocks):
        remote.says(block_of(network, raw), now=100.5 + number * 0.5)
    remote.peer.request_headers((genesis_of(network),), 200.0)
    remote.peer.request_headers((genesis_of(network),), 200.0)
    remote.peer.receive_eof(201.0)
    stats = remote.peer.stats
    told = {kind: (each.asked, each.settled, each.expired, each.cancelled) for kind, each in stats.requests.items()}
    assert told == {
        RequestKind.HEADERS: (2, 1, 0, 1),  # the third waited for its turn, and was never asked
        RequestKind.ADDRESSES: (1, 0, 1, 0),
        RequestKind.BLOCKS: (1, 1, 0, 0),
    }
    assert (stats.blocks, stats.block_bytes) == (4, sum(map(len, blocks)))
    assert stats.blocks_per_second == 2.0
    assert (stats.ended, stats.message) == (Reason.REMOTE_CLOSED, "the remote closed the connection")


@all_but_n3
def test_two_machines_bring_a_chain_from_one_to_the_other(network: Network) -> None:
    blocks = blocks_of(network, 40)
    requests = requests_of(network, blocks)
    by_hash = {request.hash: raw for request, raw in zip(requests, blocks, strict=True)}
    link = Link(network, latency=0.2, piece=700)

    def serve(end: object, event: e.PeerEvent, now: float) -> None:
        assert end is link.b
        if isinstance(event, e.MessageReceived) and isinstance(event.message, m.GetHeaders):
            link.b.peer.send(headers_of(network, blocks), now)
        elif isinstance(event, e.MessageReceived) and isinstance(event.message, m.GetData):
            for entry in event.message.entries:
                link.b.peer.send(block_of(network, by_hash[entry.hash]), now)

    def sync(end: object, event: e.PeerEvent, now: float) -> None:
        assert end is link.a
        if isinstance(event, e.HandshakeCompleted):
            link.a.peer.request_headers((genesis_of(network),), now)
        elif isinstance(event, e.HeadersReceived):
            link.a.peer.request_blocks(requests_of(network, blocks), now)

    link.a.owner, link.b.owner = sync, serve
    link.connect()
    link.run(60.0)
    assert [event.request for event in link.a.of(e.BlockReceived)] == requests
    assert link.a.of(e.BatchFinished)
