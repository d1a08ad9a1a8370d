"""The conformance tests of liveness: numbers 19 to 22 of the forty."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from headway.aio.config import LocalConfig
from headway.aio.peer import Peer
from headway.errors import RequestTimeout
from headway.network import Network, Timing
from headway.peer import events as e
from headway.peer.events import PeerDisconnected, PeerState, Reason, RequestKind
from headway.peer.inbox import MAX_MESSAGES
from headway.types import Address
from headway.wire import messages as m
from tests.link import Remote, genesis_of, headers_of, only, quiet, ready
from tests.loopback import on_loop, peers
from tests.manners import forgiving, neo, neo2, neo3
from tests.toynet import GENESIS, TX, toy_chain, toy_headers, toynet

CHAIN = toy_chain(3)


def test_after_an_interval_a_ping_goes_out_and_its_pong_is_a_round_trip(network: Network) -> None:
    """Conformance test 19."""
    remote = ready(network)
    assert remote.timer() == 120.0
    remote.peer.handle_timer(120.0)
    [ping] = remote.hears()
    assert isinstance(ping, m.Ping)
    assert ping.nonce
    remote.says(m.Pong(ping.nonce), now=120.25)
    assert remote.events() == [e.PongReceived(0.25, None)]
    assert remote.peer.stats.round_trips.last == remote.peer.stats.round_trips.least == 0.25
    assert remote.timer() == 240.25


@forgiving
def test_there_is_one_ping_out_and_a_wrong_nonce_does_not_settle_it(network: Network) -> None:
    """Conformance test 20."""
    remote = ready(network)
    remote.peer.handle_timer(120.0)
    [ping] = remote.hears()
    assert isinstance(ping, m.Ping)
    assert ping.nonce
    remote.says(m.Pong(ping.nonce ^ 1), now=121.0)
    remote.peer.handle_timer(240.0)
    remote.peer.handle_timer(500.0)
    assert remote.hears() == []
    assert remote.events() == []
    remote.says(m.Pong(ping.nonce), now=501.0)
    assert remote.events() == [e.PongReceived(381.0, None)]


@neo
@pytest.mark.parametrize("stated", [0, 1, 0xFFFFFFFF])
def test_a_pong_belongs_to_the_oldest_ping_whatever_its_nonce_by_neos_manners(network: Network, stated: int) -> None:
    """Conformance test 20. neo-go writes the id of its node there. One ping is out, and one pong settles one."""
    remote = ready(network)
    for at in (2.0, 4.0):
        request = remote.peer.ping(at - 1.0)
        [ping] = remote.hears()
        assert isinstance(ping, m.Ping)
        assert ping.nonce != stated
        remote.says(m.Pong(stated), m.Pong(stated), now=at)
        assert remote.events() == [e.PongReceived(1.0, request)]
    assert remote.peer.stats.round_trips.count == 2


@neo
def test_pings_and_pongs_of_neo_tell_how_high_the_chain_is(network: Network) -> None:
    """Conformance test 19. Each greater height is told once; ours stands in what we say."""
    remote = Remote(network, start_height=lambda: 77)
    remote.shake()
    remote.says(m.Ping(5, 500, 1), m.Ping(6, 501, 1), m.Pong(7, 501, 1), m.Pong(8, 502, 1), now=1.0)
    assert remote.events() == [e.HeightStated(501), e.HeightStated(502)]
    assert [(message.nonce, message.height) for message in remote.hears() if isinstance(message, m.Pong)] == [
        (5, 77),
        (6, 77),
    ]


@forgiving
@pytest.mark.parametrize("pong", [m.Pong(0), m.Pong(None)], ids=["zero", "short"])
def test_a_pong_without_a_nonce_cancels_the_ping(network: Network, pong: m.Pong) -> None:
    """Conformance test 20."""
    remote = ready(network)
    remote.peer.handle_timer(120.0)
    remote.hears()
    remote.says(pong, now=121.0)
    assert remote.events() == []
    assert remote.timer() == 241.0
    request = remote.peer.ping(130.0)
    remote.says(pong, now=131.0)
    assert remote.events() == [e.RequestTimedOut(request, RequestKind.PING, ends_peer=False)]
    assert remote.peer.state is PeerState.READY
    assert remote.peer.stats.round_trips.count == 0


@neo3
def test_no_pong_in_time_disconnects_whatever_else_flows_by_n3s_manners(network: Network) -> None:
    """Conformance test 21. There any pong would do, so none comes here."""
    remote = ready(replace(network, timing=Timing(idle_timeout=0.0)))
    remote.peer.handle_timer(120.0)
    remote.hears()
    remote.says(m.GetAddr(), now=1_000.0)
    remote.events()
    remote.peer.handle_timer(1_319.0)
    assert remote.events() == []
    remote.peer.handle_timer(1_320.0)
    assert remote.events() == [PeerDisconnected(Reason.PING_TIMEOUT, "ping unanswered for 1200 s")]


@neo2
def test_no_pong_is_lawful_until_the_first_one_by_legacys_manners(network: Network) -> None:
    """Conformance test 21. neo-one answers no ping; who has answered one has to go on doing so."""
    remote = ready(replace(network, timing=Timing(idle_timeout=0.0)))
    asked = remote.peer.ping(1.0)
    remote.peer.handle_timer(1_201.0)
    assert remote.events() == [e.RequestTimedOut(asked, RequestKind.PING, ends_peer=False)]
    assert remote.peer.state is PeerState.READY
    remote.says(m.Pong(5), now=1_300.0)
    remote.peer.ping(1_400.0)
    remote.peer.handle_timer(2_600.0)
    assert remote.ended() == PeerDisconnected(Reason.PING_TIMEOUT, "ping unanswered for 1200 s")


@forgiving
def test_no_pong_in_time_disconnects(network: Network) -> None:
    """Conformance test 21."""
    remote = ready(replace(network, timing=Timing(idle_timeout=0.0)))
    remote.peer.handle_timer(120.0)
    remote.hears()
    remote.says(m.Pong(5), headers_of(network, []), now=1_000.0)
    remote.events()
    remote.peer.handle_timer(1_319.0)
    assert remote.events() == []
    remote.peer.handle_timer(1_320.0)
    assert remote.events() == [PeerDisconnected(Reason.PING_TIMEOUT, "ping unanswered for 1200 s")]


def test_deadlines_stand_still_while_our_consumer_is_slow(network: Network) -> None:
    """Conformance test 22."""
    remote = ready(quiet(network))
    remote.peer.request_headers((genesis_of(network),), 1.0)
    assert remote.timer() == 61.0
    remote.peer.handle_paused(11.0)
    assert remote.peer.get_timer() is None
    remote.peer.handle_timer(500.0)
    remote.peer.handle_resumed(1_011.0)
    assert remote.timer() == 1_061.0
    remote.peer.handle_timer(1_060.0)
    assert remote.events() == []
    assert remote.peer.state is PeerState.READY
    remote.peer.handle_timer(1_061.0)
    events = remote.events()
    if network.codec.silence_is_answer:
        assert only(e.HeadersReceived, events).fenced
    else:
        assert only(e.RequestTimedOut, events).ends_peer
        assert only(PeerDisconnected, events).reason is Reason.STALLED


@on_loop
async def test_slow_callback_stops_the_clocks_of_its_peer() -> None:
    """Conformance test 22.

    A request of the same timeout, put later to another peer, expires meanwhile; ours is answered afterwards.
    """
    network = toynet(timing=replace(Timing(), headers_timeout=0.1))
    began, go_on = asyncio.Event(), asyncio.Event()

    async def on_inv(_peer: Peer, _message: m.Inv) -> None:
        began.set()
        await go_on.wait()

    slow = LocalConfig(network=network, on_inv=on_inv)
    asked = asyncio.Event()
    quiet = LocalConfig(network=network, on_getheaders=lambda _peer, _message: asked.set())
    async with peers(slow, quiet) as (ours, theirs), peers(LocalConfig(network=network)) as (clock, _):
        theirs.send(m.Inv((m.InvEntry(TX, bytes(32)),)))
        await began.wait()
        headers = asyncio.create_task(ours.request_headers(GENESIS))
        await asked.wait()
        with pytest.raises(RequestTimeout):
            await clock.request_headers(GENESIS)
        theirs.send(toy_headers(CHAIN))
        assert len(await headers) == len(CHAIN)  # settled though the callback still runs
        go_on.set()
        assert await ours.ping() > 0


@on_loop
async def test_a_callback_of_thirty_seconds_moves_the_deadlines_of_its_peer_by_thirty_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Conformance test 22. The clock of the loop moves on while the callback has the loop."""
    loop = asyncio.get_running_loop()
    real, slow_for = loop.time, 30.0
    jumps: list[float] = []
    monkeypatch.setattr(loop, "time", lambda: real() + sum(jumps))
    network = toynet(timing=replace(Timing(), headers_timeout=10.0))
    quiet = LocalConfig(network=network)
    slow = LocalConfig(network=network, on_inv=lambda _peer, _message: jumps.append(slow_for))
    async with peers(slow, quiet) as (ours, theirs), peers(quiet, quiet) as (other, _):
        asked = [asyncio.create_task(peer.request_headers(GENESIS)) for peer in (ours, other)]
        await asyncio.gather(ours.ping(), other.ping())
        due = ours._machine.get_timer()
        theirs.send(m.Inv((m.InvEntry(TX, bytes(32)),)))
        await theirs.ping()  # its pong stands behind the callback
        moved = ours._machine.get_timer()
        assert due is not None
        assert moved is not None
        assert due + slow_for <= moved < due + slow_for + 5.0
        with pytest.raises(RequestTimeout):  # who runs no callback was late by all of it
            await asked[1]
        theirs.send(toy_headers(CHAIN))
        assert len(await asked[0]) == len(CHAIN)


@on_loop
async def test_a_reader_that_takes_nothing_stops_the_clocks_of_its_peer() -> None:
    """Conformance test 22. Once no more is read of the socket, no answer could come either."""
    async with peers() as (ours, theirs):
        arriving = ours.messages()
        first = asyncio.create_task(anext(arriving))
        await ours.ping()
        question = asyncio.create_task(ours.request_headers(GENESIS))
        await ours.ping()  # the question has arrived
        assert ours._machine.get_timer() is not None
        for number in range(2 * MAX_MESSAGES):
            theirs.send(m.Addr((Address("192.0.2.1", number + 1),)))
        await first
        while ours._machine.get_timer() is not None:  # noqa: ASYNC110  # asyncio tells nobody
            await asyncio.sleep(0)
        theirs.send(toy_headers(CHAIN))
        for _ in range(2 * MAX_MESSAGES - 1):
            await anext(arriving)
        assert len(await question) == len(CHAIN)
        assert ours._machine.get_timer() is not None
        await arriving.aclose()
