"""Test peers over loopback: two of them with each other, and with headway's own peers and nodes."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

import headway
from headway import blocking
from headway.errors import ConfigError, ExpectationFailed, LocalProtocolError, PeerGone, RequestTimeout
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.testing.actors import Chain, Honest, Mute, Unreading
from headway.testing.chain import fork, regtest_chain
from headway.testing.damage import damaged
from headway.testing.neo_chain import NeoChain, neo_network, validators
from headway.testing.peer import TestPeer
from headway.testing.script import Corrupt, Delay, Expect, ExpectClosed, Handshake
from headway.testing.serving import Tricks
from headway.wire import messages as m
from tests.farend import leaving_nothing, meanwhile, served, socket_pair
from tests.link import NETWORKS
from tests.loopback import descriptors
from tests.toynet import TOYNET, toy_chain

CHAIN = list(regtest_chain(20))
HASHES = [REGTEST.codec.parser.block_header(block).hash for block in CHAIN]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    with leaving_nothing():
        yield


@pytest.fixture
def pair() -> Iterator[tuple[TestPeer, TestPeer]]:
    """One that dialled, and one that was dialled."""
    with TestPeer.listen() as listener, TestPeer.connect(listener.address) as ours:
        yield ours, listener.accept()


# ------------------------------------------------------------------------------------------------------ with each other


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_two_of_them_shake_hands_step_by_step_on_every_network(network: Network) -> None:
    with TestPeer.listen(network) as listener, TestPeer.connect(listener.address, network=network) as ours:
        theirs = listener.accept()
        for peer in (ours, theirs):
            peer.send(peer.version(user_agent=f"/{'in' if peer is theirs else 'out'}bound/"))
        assert ours.expect(m.Version).user_agent == "/inbound/"
        assert theirs.expect(m.Version).user_agent == "/outbound/"
        assert ours.their_version is not None
        ours.send(m.Verack(), m.Ping(7))
        theirs.expect_next(m.Verack)
        assert theirs.expect_next(m.Ping).nonce == 7
        assert ours.expect(m.Pong).nonce == 7


def test_each_knows_both_addresses(pair: tuple[TestPeer, TestPeer]) -> None:
    ours, theirs = pair
    assert (ours.address, ours.local_address) == (theirs.local_address, theirs.address)
    assert ours.network is REGTEST
    assert repr(ours) == f"<TestPeer {ours.address} open>"


def test_what_has_come_can_be_had_without_waiting(pair: tuple[TestPeer, TestPeer]) -> None:
    ours, theirs = pair
    assert theirs.heard() == []
    ours.send(m.GetAddr(), m.Ping(1))
    theirs.expect(m.GetAddr)
    assert theirs.heard() == [m.Ping(1)]
    assert ours.expect_next("pong") == m.Pong(1)


def test_bytes_corrupt_frames_and_trickles_arrive_as_they_are(pair: tuple[TestPeer, TestPeer]) -> None:
    ours, theirs = pair
    assert ours.trickle(m.Ping(8), chunk=9, pause=0.001) == 32
    theirs.expect(m.Ping(8))
    ours.send_corrupt(m.Ping(9), "checksum")
    ours.send_raw(b"garbage, and more of it")
    with pytest.raises(ExpectationFailed, match="nothing can be read any more"):
        theirs.expect(m.Ping)
    assert theirs.transcript.lines[-3].startswith("! ping: wrong checksum")


@pytest.mark.parametrize(("end", "how"), [("close", "closed"), ("drop", "reset")])
def test_an_end_is_seen_as_what_it_is(pair: tuple[TestPeer, TestPeer], end: str, how: str) -> None:
    ours, theirs = pair
    theirs.send(m.GetAddr())
    getattr(ours, end)()
    closed = theirs.expect_closed()
    assert (closed.by, closed.how) == ("remote", how)
    assert theirs.closed is closed
    assert repr(theirs).endswith(f"{how} by remote>")
    with pytest.raises(PeerGone, match=f"{how} by remote"):
        theirs.send(m.GetAddr())


def test_who_has_half_closed_still_hears() -> None:
    dialled, far = socket_pair()
    with far, TestPeer(dialled) as peer:
        peer.half_close()
        assert far.recv(1) == b""
        far.sendall(b"".join(map(bytes, REGTEST.codec.open(inbound=True).encode(m.GetAddr()))))
        peer.expect(m.GetAddr)
        peer.close()
        with pytest.raises(LocalProtocolError, match="we have closed"):
            peer.expect_closed()


def test_silence_and_delay_take_their_time(pair: tuple[TestPeer, TestPeer]) -> None:
    ours, theirs = pair
    theirs.send(m.Ping(1))
    begin = time.monotonic()
    ours.expect_silence(0.02)
    ours.delay(0.02)
    assert time.monotonic() - begin >= 0.04
    with pytest.raises(ExpectationFailed, match="no silence: ping"):
        ours.expect_silence(0, of=m.Ping)
    ours.delay(-1)


def test_who_does_not_read_is_a_request_timeout(pair: tuple[TestPeer, TestPeer]) -> None:
    ours, _ = pair
    with pytest.raises(RequestTimeout, match="does not read"):
        ours.send_raw(bytes(20_000_000), timeout=0.02)


def test_much_is_taken_by_who_reads(pair: tuple[TestPeer, TestPeer]) -> None:
    ours, theirs = pair
    blocks = [m.Block(bytes(3_999_000), REGTEST.codec.parser)] * 5
    with meanwhile(lambda: ours.send(*blocks, timeout=60)):
        for _ in blocks:
            assert len(theirs.expect(m.Block, timeout=60)) == 3_999_000


def test_a_failure_of_a_call_leaves_the_peer_as_it_was(pair: tuple[TestPeer, TestPeer]) -> None:
    ours, theirs = pair
    for _ in range(2):
        with pytest.raises(ExpectationFailed):
            ours.expect(m.Pong, timeout=0)
    theirs.send(m.Pong(1))
    assert ours.expect(m.Pong, lambda pong: pong.nonce == 1).nonce == 1


def test_a_second_call_at_the_same_time_is_refused(pair: tuple[TestPeer, TestPeer]) -> None:
    ours, theirs = pair
    theirs.send(m.GetAddr())
    with pytest.raises(LocalProtocolError, match="is at work: one call at a time"):
        ours.expect(m.GetAddr, lambda _: ours.ping() > 0)
    ours.send(m.GetAddr())


def test_a_script_is_played_and_its_lines_are_the_result(pair: tuple[TestPeer, TestPeer]) -> None:
    ours, theirs = pair
    theirs.send(theirs.version(), m.Verack())
    lines = ours.script([Handshake(services=0), m.Ping(7), Delay(0.001), b"abc", Corrupt(m.Ping(1), "magic")])
    said = [line for line in lines if line.startswith(">")]
    assert [line.split(" 7")[0] for line in said] == [
        "> version",
        "> verack",
        "> ping",
        "> 3 raw bytes",
        "> ping, corrupt: magic",
    ]
    theirs.drop()
    with pytest.raises(ExpectationFailed) as failure:
        ours.script([ExpectClosed(), Expect(m.Pong)])
    assert failure.value.__notes__ == ["in step 2 of 2, Expect"]


def test_a_listener_that_is_closed_refuses_and_its_peers_stay() -> None:
    with TestPeer.listen() as listener, TestPeer.connect(listener.address) as ours:
        theirs = listener.accept()
        listener.close()
        with pytest.raises(PeerGone, match="connection refused"):
            TestPeer.connect(listener.address)
        ours.send(m.GetAddr())
        theirs.expect(m.GetAddr)


def test_nobody_who_connects_is_a_failed_expectation() -> None:
    with TestPeer.listen() as listener:
        for timeout in (0.01, 0):
            with pytest.raises(ExpectationFailed, match=f"nobody connected to {listener.address} within"):
                listener.accept(timeout=timeout)


def test_what_cannot_be_dialled_says_why() -> None:
    with TestPeer.listen() as listener:
        port = listener.address.port
    with pytest.raises(PeerGone, match="connection refused"):
        TestPeer.connect(f"127.0.0.1:{port}")
    with pytest.raises(ConfigError, match="no network is named"):
        TestPeer.connect("127.0.0.1", network="bitcon")
    with pytest.raises(ConfigError, match="not a port"):
        TestPeer.connect("127.0.0.1:what")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        address = headway.Address(*full.getsockname())
        with pytest.raises(RequestTimeout, match="no answer within"):
            TestPeer.connect(address, timeout=0.05)


def test_where_nobody_can_listen_says_so() -> None:
    with TestPeer.listen() as listener, pytest.raises(ConfigError, match="cannot listen on"):
        TestPeer.listen(port=listener.address.port)


def test_the_remote_sees_the_source_that_was_asked_for() -> None:
    with TestPeer.listen() as listener, TestPeer.connect(listener.address, source="127.0.0.7"):
        assert listener.accept().address.host == "127.0.0.7"


def test_ipv6_is_no_different() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with TestPeer.listen(host="::1") as listener, TestPeer.connect(str(listener.address)) as ours:
        ours.send(m.GetAddr())
        listener.accept().expect(m.GetAddr)


def test_everything_is_closed_however_a_test_ends() -> None:
    before = descriptors()
    with (
        pytest.raises(ExpectationFailed),
        TestPeer.listen() as listener,
        TestPeer.connect(listener.address),
        listener.accept() as theirs,
    ):
        theirs.expect(m.Version, timeout=0)
    assert descriptors() == before


def test_pytest_does_not_collect_it() -> None:
    assert TestPeer.__test__ is False


# --------------------------------------------------------------------------------------------- with headway's own peers


def test_a_node_of_headway_shakes_hands_pings_and_serves() -> None:
    chain = toy_chain(5)
    with served(chain) as address, TestPeer.connect(address, network=TOYNET) as peer:
        assert peer.handshake().user_agent.startswith("/headway:")
        assert 0 < peer.ping() < 60
        peer.send(m.GetHeaders((TOYNET.rules.root,)))
        assert len(peer.expect(m.Headers)) == 5
        peer.ping()
        peer.expect_silence(0)


def test_a_node_of_headway_leaves_a_peer_of_another_network() -> None:
    with served(toy_chain(1)) as address, TestPeer.connect(address, network="regtest") as peer:
        peer.send(peer.version())
        assert peer.expect_closed().by == "remote"


@contextmanager
def bringing(network: Network, address: headway.Address, datadir: Path) -> Iterator[list[bytes]]:
    """A node of headway in a thread that brings its chain from there; the blocks so far."""
    loop, stopped = asyncio.new_event_loop(), asyncio.Event()
    brought: list[bytes] = []

    async def follow(node: headway.Node) -> None:
        async for event in node.follow(start=1):
            assert isinstance(event, headway.BlockConnected)
            assert event.block is not None
            brought.append(bytes(event.block))

    async def bring() -> None:
        async with headway.Node(network=network, connect=[str(address)], datadir=datadir) as node:
            following = asyncio.create_task(follow(node))
            await stopped.wait()
            following.cancel()
            await asyncio.wait([following])

    with meanwhile(lambda: loop.run_until_complete(bring())):
        try:
            yield brought
        finally:
            loop.call_soon_threadsafe(stopped.set)
    loop.close()


def chain_of(name: str) -> tuple[Network, list[bytes]]:
    if name == "regtest":
        return REGTEST, CHAIN
    signers = validators(4)
    network = neo_network(name, signers)  # type: ignore[arg-type]  # one of the two
    network = replace(network, timing=replace(network.timing, headers_timeout=0.2, verack_pause=0.0))
    return network, list(NeoChain(network, signers, changes={5: validators(1, salt=1)}).blocks(10))


@pytest.mark.parametrize("name", ["regtest", "neo2", "neo3"])
def test_a_node_of_headway_brings_a_chain_that_is_served(name: str, tmp_path: Path) -> None:
    network, chain = chain_of(name)
    with TestPeer.listen(network) as listener, bringing(network, listener.address, tmp_path) as brought:
        peer = listener.accept(timeout=60)
        peer.handshake(start_height=len(chain), timeout=60)
        chain_served = peer.serve(chain, timeout=60, until=lambda: len(brought) == len(chain))
    assert brought == chain
    assert set(chain_served.asked) == set(range(1, len(chain) + 1))


@pytest.mark.parametrize("name", ["regtest", "neo2", "neo3"])
def test_a_node_of_headway_brings_the_chain_of_an_actor(name: str, tmp_path: Path) -> None:
    network, chain = chain_of(name)
    actor = Honest(Chain(network, chain), Random(1))
    with TestPeer.listen(network) as listener, bringing(network, listener.address, tmp_path) as brought:
        [peer] = listener.play(actor, timeout=60, until=lambda: len(brought) == len(chain))
    assert brought == chain
    assert any(line.startswith("> block") for line in peer.transcript.lines)
    assert actor.talks == {}


def test_an_actor_that_dials_a_node_of_headway_is_asked_and_left_for_what_it_does() -> None:
    chain = toy_chain(5)
    mute = Mute(Chain(TOYNET, chain), Random(1))
    network = replace(TOYNET, timing=replace(TOYNET.timing, ping_interval=0.05, ping_timeout=0.05))
    with served(chain, network) as address, TestPeer.connect(address, network=TOYNET) as peer:
        assert str(peer.play(mute, timeout=60)) == "closed by remote"
        assert "< ping" in peer.transcript.lines
        assert any(isinstance(message, m.Ping) for message in peer.heard())
        assert "> pong" not in peer.transcript.lines


def test_a_node_of_headway_does_without_a_peer_that_reads_nothing() -> None:
    """Its end is seen, though nothing is read."""
    chain = toy_chain(5)
    network = replace(TOYNET, timing=replace(TOYNET.timing, ping_interval=0.05, ping_timeout=0.05))
    unreading = Unreading(Chain(TOYNET, chain), Random(1))
    with served(chain, network) as address, TestPeer.connect(address, network=TOYNET) as peer:
        closed = peer.play(unreading, timeout=60)
        assert closed is not None
        assert closed.by == "remote"


def test_a_play_ends_when_what_it_is_for_has_happened_and_goes_on(pair: tuple[TestPeer, TestPeer]) -> None:
    ours, theirs = pair
    actor = Honest(Chain(REGTEST, CHAIN), Random(1))
    ours.send(ours.version(), m.Verack())
    assert theirs.play(actor, timeout=60, until=lambda: bool(actor.talks)) is None
    theirs.play(actor, timeout=60, until=lambda: all(talk.is_ready for talk in actor.talks))
    ours.expect(m.Verack)
    actor.grow(20)
    ours.close()
    assert str(theirs.play(actor, timeout=60)) == "closed by remote"
    assert isinstance(theirs.expect(m.Version), m.Version)


@pytest.mark.parametrize(
    ("blocks", "tricks"),
    [
        (CHAIN, {"instead": {3: damaged(CHAIN[2], "transaction")}}),
        (CHAIN, {"instead": {5: damaged(CHAIN[4], "witness")}}),
        (CHAIN, {"instead": {7: damaged(CHAIN[6], "cut")}}),
        (CHAIN, {"headers": {20: damaged(CHAIN[19], "work")[:80]}}),
        ([*CHAIN[:9], damaged(CHAIN[9], "amount")], {}),
    ],
    ids=["transaction", "witness", "cut", "work", "amount"],
)
def test_a_node_of_headway_leaves_who_serves_bad_blocks(blocks: list[bytes], tricks: Tricks, tmp_path: Path) -> None:
    with TestPeer.listen() as listener, bringing(REGTEST, listener.address, tmp_path):
        peer = listener.accept(timeout=60)
        peer.handshake(timeout=60)
        peer.serve(blocks, timeout=60, **tricks)
        assert peer.closed is not None
        assert peer.closed.by == "remote"


def test_a_rival_chain_is_told_by_its_headers() -> None:
    rival = fork(CHAIN, at=15, length=10)
    told: list[bytes] = []

    def asks() -> None:
        with blocking.connect(listener.address, network=REGTEST) as theirs:
            told.extend(header.raw for header in theirs.request_headers(HASHES[14], timeout=60))

    with TestPeer.listen() as listener, meanwhile(asks):
        peer = listener.accept(timeout=60)
        peer.handshake(timeout=60)
        peer.serve(rival, timeout=60)
    assert told == [block[:80] for block in rival[15:]]
