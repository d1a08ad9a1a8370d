"""Helpers for tests over real loopback TCP: a test as a coroutine, and two peers of ours that talk to each other.

A test that leaves a task or a descriptor behind has failed. Nothing here sleeps: tests await what must happen.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ParamSpec, Self, Unpack

from headway.aio.config import Keywords, LocalConfig
from headway.aio.dial import open_connection
from headway.aio.peer import Peer
from headway.errors import HandshakeRejected
from headway.network import Network
from headway.types import Address, Hash
from headway.wire import messages as m
from tests.toynet import BLOCK, GENESIS_BLOCK, PARSER, PROTOCOL, TOYNET, TX, toy_hash, toy_headers

P = ParamSpec("P")

TRANSACTION = m.Tx(b"a toy transaction", PARSER)
ADDRESS = Address("192.0.2.7", 4444)

TOO_LONG = 60.0
"""Seconds after which a test hangs; it says nothing about speed."""


def on_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on an event loop of its own, and see that nothing is left of it."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        before = descriptors()
        asyncio.run(_leaving_no_task(test(*args, **kwargs)))
        assert descriptors() == before
        assert [thread.name for thread in threading.enumerate() if thread.name.startswith("headway")] == []

    return run


async def _leaving_no_task(test: Awaitable[None]) -> None:
    async with asyncio.timeout(TOO_LONG):
        await test
    assert asyncio.all_tasks() == {asyncio.current_task()}


def descriptors() -> set[str]:
    """The open file descriptors of this process."""
    listing = os.dup(0)  # the number that the listing itself is about to take
    os.close(listing)
    return {path.name for path in Path("/proc/self/fd").iterdir()} - {str(listing)}


def listen() -> tuple[socket.socket, Address]:
    """A listening socket on a free port, not blocking."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    return listener, Address(*listener.getsockname())


async def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of one TCP connection: ours that dialled, and the one that was accepted."""
    listener, address = listen()
    with listener:
        dialled = await open_connection(address)
        accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
    return dialled, accepted


@asynccontextmanager
async def peers(ours: LocalConfig | None = None, theirs: LocalConfig | None = None) -> AsyncIterator[tuple[Peer, Peer]]:
    """An outbound and an inbound peer, both ready, on one connection."""
    dialled, accepted = await socket_pair()
    outbound = Peer(dialled, config=ours or LocalConfig(network=TOYNET))
    inbound = Peer(accepted, inbound=True, config=theirs or LocalConfig(network=TOYNET))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(outbound.run())
            group.create_task(inbound.run())
        yield outbound, inbound
    finally:
        await outbound.close()
        await inbound.close()


def serving(chain: Sequence[bytes], *, network: Network = TOYNET, **identity: Unpack[Keywords]) -> LocalConfig:
    """A remote that answers from a toy chain, which may be changed meanwhile: headers, blocks, one transaction, one
    address."""

    def heights() -> dict[Hash, int]:
        return {toy_hash(block): height for height, block in enumerate([GENESIS_BLOCK, *chain])}

    def on_getheaders(peer: Peer, message: m.GetHeaders) -> None:
        height_of = heights()
        known = [height_of[block.hash] for block in message.locator if block.hash in height_of]
        first = max(known, default=0)
        peer.send(toy_headers(chain[first : first + 2_000]))

    def on_getdata(peer: Peer, message: m.GetData) -> None:
        height_of = heights()
        for entry in message.entries:
            if entry.type == BLOCK and height_of.get(entry.hash, 0) > 0:
                peer.send(m.Block(chain[height_of[entry.hash] - 1], PARSER))
            elif entry.type == TX and entry.hash == TRANSACTION.txid:
                peer.send(TRANSACTION)
            else:
                peer.send(m.NotFound((entry,)))

    def on_getaddr(peer: Peer, _message: m.GetAddr) -> None:
        peer.send(m.Addr((ADDRESS, Address("192.0.2.8", 4444))))

    identity.setdefault("on_getheaders", on_getheaders)
    identity.setdefault("on_getdata", on_getdata)
    identity.setdefault("on_getaddr", on_getaddr)
    return LocalConfig(network=network, **identity)


class RawRemote:
    """The far end as a bare socket, which reads and says only what the test wants."""

    def __init__(self, sock: socket.socket, network: Network = TOYNET) -> None:
        self.sock = sock
        self._wire = network.codec.open(inbound=True)

    async def say(self, *messages: m.Message) -> None:
        for message in messages:
            await asyncio.get_running_loop().sock_sendall(self.sock, b"".join(self._wire.encode(message)))

    async def shake(self) -> None:
        """Its half of a handshake; what we say is left unread."""
        await self.say(m.Version(PROTOCOL, 0, 0, 1, "/raw/", 0), m.Verack())

    async def drain(self, count: int) -> int:
        """Read until at least `count` bytes came or we hung up; how many came."""
        total = 0
        while total < count and (data := await asyncio.get_running_loop().sock_recv(self.sock, 1 << 20)):
            total += len(data)
        return total


@asynccontextmanager
async def raw_pair(config: LocalConfig) -> AsyncIterator[tuple[Peer, RawRemote]]:
    """A ready peer of ours, and its remote as a bare socket."""
    dialled, accepted = await socket_pair()
    with accepted:
        peer, remote = Peer(dialled, config=config), RawRemote(accepted)
        await remote.shake()
        await peer.run()
        try:
            yield peer, remote
        finally:
            await peer.close()


class ToyServer:
    """A remote of many connections that serves one toy chain, which the test may change at any time."""

    def __init__(self, chain: Sequence[bytes], network: Network = TOYNET, **identity: Unpack[Keywords]) -> None:
        self.chain = list(chain)
        self._network = network
        self._identity = identity
        self._identity.setdefault("services", 9)
        self._listener, self.address = listen()
        self._peers: list[Peer] = []
        self._accepting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._accepting = asyncio.create_task(self._accept())
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._accepting is not None
        self._accepting.cancel()
        await asyncio.wait([self._accepting])
        self._listener.close()
        await asyncio.gather(*(peer.close() for peer in self._peers))

    def announce(self) -> None:
        """Tell every connection of the tip."""
        tip = m.Inv((m.InvEntry(BLOCK, toy_hash(self.chain[-1])),))
        for peer in self._peers:
            if peer.disconnected is None:
                peer.send(tip)

    async def _accept(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                accepted, _ = await asyncio.get_running_loop().sock_accept(self._listener)
                config = serving(self.chain, network=self._network, **self._identity)
                peer = Peer(accepted, inbound=True, config=config)
                self._peers.append(peer)
                group.create_task(self._run(peer))

    async def _run(self, peer: Peer) -> None:
        with suppress(HandshakeRejected):  # the other side may go at any time
            await peer.run()
