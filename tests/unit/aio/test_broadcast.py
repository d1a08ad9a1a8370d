"""A node over real loopback sockets sends a transaction, and waits for what becomes of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from headway.aio.node import Node
from headway.aio.peer import Peer
from headway.errors import LocalProtocolError
from headway.node.broadcast import Broadcast
from headway.types import Address
from headway.wire.messages import GetData, Inv, InvEntry
from tests.loopback import ToyServer, listen, on_loop
from tests.toynet import TOYNET, TX, sha256

RAW = b"a toy transaction of ours"
ENTRY = InvEntry(TX, sha256(RAW))


class Mempool(ToyServer):
    """A remote that keeps transactions: it asks for what is announced, and announces what it has."""

    def __init__(self, *, asks: bool = True) -> None:
        self.kept: list[bytes] = []
        self.heard, self.took = asyncio.Event(), asyncio.Event()

        def on_inv(peer: Peer, message: Inv) -> None:
            self.heard.set()
            if asks:
                peer.send(GetData(message.entries))

        def on_tx(_peer: Peer, message: Any) -> None:
            self.kept.append(bytes(message))
            self.took.set()

        super().__init__([], relay=True, on_inv=on_inv, on_tx=on_tx)

    def tell(self) -> None:
        """Announce the transaction, as if it had come from elsewhere."""
        for peer in self._peers:
            peer.send(Inv((ENTRY,)))


def node(*servers: ToyServer | Address, **options: Any) -> Node:
    named = [server if isinstance(server, Address) else server.address for server in servers]
    return Node(network=TOYNET, connect=named, sync=False, **options)


@on_loop
async def test_a_transaction_is_taken_by_one_peer_and_announced_back_by_another() -> None:
    async with Mempool() as taker, Mempool() as listener, node(taker, listener, relay=True) as ours:
        await ours.until(lambda: ours.status().peers == 2)
        reports: list[Broadcast] = []

        def note(report: Broadcast) -> None:
            reports.append(report)
            for server in (taker, listener):
                if report.taken_by and server.address not in report.announced_to:
                    server.tell()

        report = await ours.broadcast(RAW, peers=1, within=30.0, progress=note)
        assert report.txid == ENTRY.hash
        assert report.announced_to == report.taken_by
        assert {*report.taken_by, *report.returned_by} == {taker.address, listener.address}
        assert reports[-1] == report
        assert [len(each.taken_by) for each in reports] == sorted(len(each.taken_by) for each in reports)


@on_loop
async def test_with_nobody_to_announce_it_back_it_is_enough_that_all_have_taken_it() -> None:
    async with Mempool() as one, Mempool() as other:
        async with node(one, other) as ours:
            report = await ours.broadcast(RAW, within=30.0)
            assert set(report.taken_by) == {one.address, other.address}
            assert report.returned_by == ()
        await one.took.wait()  # nothing that was given is lost when the node is closed at once
        await other.took.wait()
        assert (one.kept, other.kept) == ([RAW], [RAW])


@on_loop
async def test_a_named_peer_that_is_dead_is_not_waited_for() -> None:
    listener, dead = listen()
    listener.close()
    async with Mempool() as taker, node(taker, dead) as ours:
        report = await ours.broadcast(RAW, within=30.0)
        assert report.taken_by == (taker.address,)


@on_loop
async def test_peers_that_do_not_ask_leave_the_report_empty_when_the_time_is_over() -> None:
    async with Mempool(asks=False) as idle, node(idle) as ours:
        await ours.until(lambda: ours.status().peers == 1)
        report = await ours.broadcast(RAW, within=0.05)
        assert report == Broadcast(ENTRY.hash, (idle.address,))
        await idle.heard.wait()


@on_loop
async def test_a_node_that_is_told_to_bring_no_chain_asks_for_none() -> None:
    async with Mempool() as taker, node(taker) as ours:
        await ours.broadcast(RAW, within=30.0)
        (info,) = ours.peers()
        assert "getheaders" not in info.bytessent_per_msg
        assert info.headway.requests == {}


@on_loop
async def test_what_is_no_transaction_is_refused_at_once() -> None:
    async with Node(network="regtest", connect=["127.0.0.1:1"], sync=False) as ours:
        with pytest.raises(LocalProtocolError, match="3 bytes are no transaction of regtest"):
            await ours.broadcast(b"abc")


@on_loop
async def test_it_ends_when_the_node_is_closed_meanwhile() -> None:
    ours = node(Address("127.0.0.1", 1))
    async with ours:
        waiting = asyncio.create_task(ours.broadcast(RAW, within=30.0))
        await asyncio.sleep(0)
    with pytest.raises(LocalProtocolError, match="not open"):
        await waiting
