"""Test peers on an event loop: the same calls, awaited; with each other, and with a node on the same loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

import headway
from headway.errors import ConfigError, ExpectationFailed, LocalProtocolError, PeerGone, RequestTimeout
from headway.networks.bitcoin import REGTEST
from headway.testing.actors import Chain, Silent, Slow, Staller
from headway.testing.aio import AsyncTestPeer
from headway.testing.chain import regtest_chain
from headway.testing.damage import damaged
from headway.testing.peer import TestPeer
from headway.testing.script import Handshake
from headway.wire import messages as m
from tests.loopback import listen, on_loop

CHAIN = list(regtest_chain(20))


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[AsyncTestPeer, AsyncTestPeer]]:
    """One that dialled, and one that was dialled."""
    async with AsyncTestPeer.listen() as listener, await AsyncTestPeer.connect(listener.address) as ours:
        yield ours, await listener.accept()


def test_it_has_every_call_of_the_blocking_one() -> None:
    calls = {name for name in dir(TestPeer) if not name.startswith("_")}
    assert calls == {name for name in dir(AsyncTestPeer) if not name.startswith("_")}
    assert AsyncTestPeer.__test__ is False


@on_loop
async def test_two_of_them_shake_hands_at_once() -> None:
    async with pair() as (ours, theirs):
        versions = await asyncio.gather(ours.handshake(user_agent="/a/"), theirs.handshake(user_agent="/b/"))
        assert [version.user_agent for version in versions] == ["/b/", "/a/"]
        round_trip, _ = await asyncio.gather(ours.ping(), theirs.expect(m.Ping))
        assert 0 <= round_trip < 60


@on_loop
async def test_what_is_said_is_heard() -> None:
    async with pair() as (ours, theirs):
        await ours.send(m.GetAddr(), m.Ping(1))
        await theirs.expect_next(m.GetAddr)
        assert (await theirs.expect(m.Ping, lambda ping: ping.nonce == 1)).nonce == 1
        assert await ours.trickle(m.Ping(2), chunk=20, pause=0.001) == 32
        await theirs.expect("ping")
        await ours.send_corrupt(m.Ping(3), "checksum")
        await ours.send_raw(b"garbage that has no magic")
        with pytest.raises(ExpectationFailed, match="nothing can be read any more"):
            await theirs.expect(m.Ping)
        assert len(ours.heard()) == 2


@on_loop
async def test_a_script_goes_on_while_others_talk() -> None:
    async with pair() as (ours, theirs):
        shaking = asyncio.create_task(theirs.handshake())
        lines = await ours.script([Handshake(), m.Ping(7)])
        await shaking
        assert [line.split()[1] for line in lines] == ["version", "version", "verack", "verack", "ping"]


@on_loop
async def test_silence_and_ends_are_awaited() -> None:
    async with pair() as (ours, theirs):
        await ours.expect_silence(0.01)
        await ours.delay(0.01)
        ours.half_close()
        assert (await theirs.expect_closed()).how == "closed"
        theirs.drop()
        assert (await ours.expect_closed()).how == "reset"
        await ours.delay(0.01)


@on_loop
async def test_a_wait_that_is_cancelled_loses_nothing() -> None:
    async with pair() as (ours, theirs):
        waiting = asyncio.create_task(ours.expect(m.Pong))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        await theirs.send(m.Pong(1))
        assert await ours.expect(m.Pong) == m.Pong(1)


@on_loop
async def test_a_second_call_at_the_same_time_is_refused() -> None:
    async with pair() as (ours, _):
        waiting = asyncio.create_task(ours.expect(m.Pong))
        await asyncio.sleep(0)
        with pytest.raises(LocalProtocolError, match="one call at a time"):
            await ours.ping()
        waiting.cancel()
        await asyncio.wait([waiting])


@on_loop
@pytest.mark.parametrize("end", ["close", "drop"])
async def test_who_is_closed_while_it_waits_waits_no_longer(end: str) -> None:
    async with pair() as (ours, _):
        waiting = asyncio.create_task(ours.expect(m.Pong))
        await asyncio.sleep(0)
        getattr(ours, end)()
        with pytest.raises(ExpectationFailed, match="by us"):
            await waiting


@on_loop
async def test_who_does_not_read_is_a_request_timeout_and_who_does_gets_all() -> None:
    async with pair() as (ours, theirs):
        block = m.Block(bytes(3_999_000), REGTEST.codec.parser)
        with pytest.raises(RequestTimeout, match="does not read"):
            await ours.send(*[block] * 5, timeout=0.01)
        reading = asyncio.create_task(theirs.expect(m.GetAddr, timeout=60))
        await ours.send(m.GetAddr(), timeout=60)
        await reading
        assert theirs.transcript.lines.count("< block [3999000 bytes]") == 5


@on_loop
async def test_nobody_who_connects_is_a_failed_expectation() -> None:
    async with AsyncTestPeer.listen() as listener:
        with pytest.raises(ExpectationFailed, match="nobody connected to"):
            await listener.accept(timeout=0.01)


@on_loop
async def test_what_cannot_be_dialled_says_why() -> None:
    async with AsyncTestPeer.listen() as listener:
        address = listener.address
    with pytest.raises(PeerGone, match="connection refused"):
        await AsyncTestPeer.connect(address)
    with pytest.raises(ConfigError, match="no network is named"):
        await AsyncTestPeer.connect(address, network="bitcon")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        with pytest.raises(RequestTimeout, match="no answer within"):
            await AsyncTestPeer.connect(headway.Address(*full.getsockname()), timeout=0.05)
        dialling = asyncio.create_task(AsyncTestPeer.connect(headway.Address(*full.getsockname())))
        await asyncio.sleep(0)
        dialling.cancel()
        await asyncio.wait([dialling])
        assert dialling.cancelled()


@on_loop
async def test_the_remote_sees_the_source_that_was_asked_for() -> None:
    async with (
        AsyncTestPeer.listen() as listener,
        await AsyncTestPeer.connect(listener.address, source="127.0.0.7"),
    ):
        assert (await listener.accept()).address.host == "127.0.0.7"


# --------------------------------------------------------------------------------------------- a node on the same loop


@on_loop
async def test_a_node_on_the_same_loop_brings_a_chain_that_is_served(tmp_path: Path) -> None:
    async with AsyncTestPeer.listen() as listener:
        address = str(listener.address)
        async with headway.Node(network="regtest", connect=[address], datadir=tmp_path) as node:
            peer = await listener.accept(timeout=60)
            await peer.handshake(timeout=60)
            serving = asyncio.create_task(peer.serve(CHAIN, timeout=60))
            brought = []
            async for event in node.follow(start=1):
                assert isinstance(event, headway.BlockConnected)
                assert event.block is not None
                brought.append(bytes(event.block))
                if len(brought) == len(CHAIN):
                    break
        assert brought == CHAIN
        assert (await serving).asked.total() == len(CHAIN)


@on_loop
async def test_a_node_on_the_same_loop_takes_a_good_peer_for_a_bad_one(tmp_path: Path) -> None:
    async with AsyncTestPeer.listen() as bad, AsyncTestPeer.listen() as good:
        addresses = [str(bad.address), str(good.address)]
        async with headway.Node(network="regtest", connect=addresses, datadir=tmp_path) as node:
            serving = []
            for listener in (bad, good):
                peer = await listener.accept(timeout=60)
                await peer.handshake(timeout=60)
                instead = {height: damaged(block, "transaction") for height, block in enumerate(CHAIN, 1)}
                tricks = {"instead": instead} if listener is bad else {}
                serving.append(asyncio.create_task(peer.serve(CHAIN, timeout=60, **tricks)))  # type: ignore[arg-type]
            async for event in node.follow(start=1):
                if event.id.height == len(CHAIN):
                    break
        for task in serving:
            await task


@on_loop
async def test_a_node_on_the_same_loop_brings_a_chain_past_an_actor_that_stalls(tmp_path: Path) -> None:
    """It gives ten blocks, and leaves the node waiting for those that it asked it for besides."""
    chain = Chain(REGTEST, list(regtest_chain(200, sizes=(0, 0))))
    staller, honest = Staller(chain, Random(1), after=10), Slow(chain, Random(2), delay=(0.01, 0.02))
    done = asyncio.Event()
    async with AsyncTestPeer.listen() as bad, AsyncTestPeer.listen() as good:
        playing = asyncio.gather(
            bad.play(staller, timeout=60, until=done.is_set), good.play(honest, timeout=60, until=done.is_set)
        )
        addresses = [str(bad.address), str(good.address)]
        async with headway.Node(network="regtest", connect=addresses, datadir=tmp_path) as node:
            async for event in node.follow(start=1):
                if event.id == chain.tip:
                    break
            done.set()
            given = [
                [line[:7] for peer in peers for line in peer.transcript.lines].count("> block")
                for peers in await playing
            ]
    assert given[0] == 10
    assert given[1] >= 190


@on_loop
async def test_an_actor_acts_in_its_time_while_others_talk() -> None:
    async with pair() as (ours, theirs):
        slow = Slow(Chain(REGTEST, CHAIN), Random(1), delay=(0.02, 0.02))
        playing = asyncio.create_task(theirs.play(slow, timeout=60))
        await ours.handshake(timeout=60)
        assert await ours.ping(timeout=60) >= 0.02
        with pytest.raises(LocalProtocolError, match="one call at a time"):
            await theirs.play(slow)
        ours.drop()
        assert str(await playing) == "reset by remote"


@on_loop
async def test_who_is_closed_while_an_actor_plays_is_played_no_longer() -> None:
    silent = Silent(Chain(REGTEST, CHAIN), Random(1))
    async with AsyncTestPeer.listen() as listener, await AsyncTestPeer.connect(listener.address):
        [peer] = await listener.play(silent, timeout=60, until=lambda: bool(silent.talks))
        playing = asyncio.create_task(listener.play(silent, timeout=0.1))
        await asyncio.sleep(0)
        listener.close()
        peer.close()
        assert await playing == [peer]
        assert silent.talks == {}


@on_loop
async def test_a_listener_can_be_dialled_by_a_plain_socket() -> None:
    listener, address = listen()
    with listener:
        async with await AsyncTestPeer.connect(address) as peer:
            accepted, _ = listener.accept()
            with accepted:
                await peer.send_raw(b"raw")
                assert accepted.recv(10) == b"raw"
