"""Small messages: a flood of pings, of inventories of one entry, of transactions, through one peer.

    python -m bench.peer [--quick] [--rounds N] [--count N]

Through the machine alone, bytes in memory to events; and through the asyncio peer from one prepared source over
loopback to an `async for`. The limit is a bare BufferedProtocol that receives the same bytes and looks at none.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import Final

from bench import measure, processes
from bench.client import Client
from bench.measure import LIMIT, NATIVE, PURE, Measure, Sample
from bench.source import KINDS, flood, frame
from headway.aio.config import LocalConfig
from headway.aio.connection import SCRATCH_SIZE
from headway.aio.dial import open_connection
from headway.aio.peer import Peer
from headway.networks.bitcoin import REGTEST
from headway.peer.config import PeerConfig
from headway.peer.events import PeerState
from headway.peer.machine import PeerMachine
from headway.types import Address, Services
from headway.wire.messages import MemPool, Unknown, Verack, Version

COUNT: Final = 100_000
QUICK_COUNT: Final = 500
PIECE: Final = 65_536
"""Bytes that the machine gets at once."""
SOURCE: Final = Address("127.0.0.1", 1)


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--count", type=int, default=0, help=f"messages in a flood  [default: {COUNT}]")
    arguments = parser.parse_args()
    count = arguments.count or (QUICK_COUNT if arguments.quick else COUNT)
    rounds = 1 if arguments.quick else arguments.rounds
    figures: dict[str, object] = {}
    for kind in KINDS:
        figures |= contest(kind, count, rounds)
    sizes = {kind: round(len(flood(kind, 1_000)) / 1_000) for kind in KINDS}
    settings = {"messages": count, "bytes a message": sizes, "rounds": rounds}
    measure.report("peer", arguments, settings, figures=figures, targets=[])


def contest(kind: str, count: int, rounds: int) -> dict[str, object]:
    """One kind of message from one source, by all contenders."""
    with processes.Source("--flood", kind, "--count", count) as source:
        contenders = {
            NATIVE: processes.ours(NATIVE, "peer", "both", kind, count, source.port),
            PURE: processes.ours(PURE, "peer", "both", kind, count, source.port),
            LIMIT: processes.ours(PURE, "peer", "limit", kind, count, source.port),
            "bcoin": processes.bcoin("flood", source.port, kind, count),
        }
        found = measure.contest({name: source.served(each) for name, each in contenders.items()}, rounds)
    measures = [
        Measure(f"{kind}: {how}", unit)
        for how, unit in (
            ("by the machine", "messages/s"),
            ("by the machine, bytes", "MB/s"),
            ("by a peer", "messages/s"),
            ("by a peer, bytes", "MB/s"),
        )
    ]
    costs = measure.figures([Measure("source CPU", "s", more_is_better=False)], found)
    return {**measure.figures(measures, found), f"{kind}: source CPU": costs["source CPU"]}


def through_machine(kind: str, count: int) -> Sample:
    """Messages a second from bytes in memory to events."""
    data = flood(kind, count)
    machine = _ready_machine()
    start = time.perf_counter()
    for at in range(0, len(data), PIECE):
        machine.receive_data(data[at : at + PIECE], 2.0)
        machine.events_received()
        machine.data_to_send()
    return _sample(f"{kind}: by the machine", count, len(data), time.perf_counter() - start)


async def through_peer(kind: str, count: int, port: int) -> Sample:
    """Messages a second from the socket to an `async for`."""
    peer = Peer(await open_connection("127.0.0.1", port), config=LocalConfig(network=REGTEST))
    await peer.run()
    messages = peer.messages()
    start = time.perf_counter()
    peer.send(MemPool())
    async for message in messages:
        if isinstance(message, Unknown):
            break
    taken = time.perf_counter() - start
    await messages.aclose()
    await peer.close()
    return _sample(f"{kind}: by a peer", count, len(flood(kind, count)), taken)


async def bare(kind: str, count: int, port: int) -> Sample:
    """Messages a second that the event loop receives as bytes."""
    size = len(flood(kind, count))
    loop = asyncio.get_running_loop()
    drain, sock = _Drain(size, loop.create_future()), Client(port).release()
    sock.setblocking(False)
    await loop.create_connection(lambda: drain, sock=sock)
    start = time.perf_counter()
    drain.transport.write(frame(MemPool()))
    await drain.done
    taken = time.perf_counter() - start
    drain.transport.abort()
    return _sample(f"{kind}: by a peer", count, size, taken)


class _Drain(asyncio.BufferedProtocol):
    """Receives into one buffer, as our own connection does, and only counts."""

    transport: asyncio.Transport

    def __init__(self, awaited: int, done: asyncio.Future[None]) -> None:
        """`done` is, once so many bytes were received."""
        self._buffer = memoryview(bytearray(SCRATCH_SIZE))
        self._awaited = awaited
        self.done = done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "a stream"
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._awaited -= nbytes
        if self._awaited <= 0 and not self.done.done():
            self.done.set_result(None)


def _ready_machine() -> PeerMachine:
    machine = PeerMachine(PeerConfig(REGTEST), inbound=False, address=SOURCE, rng=random.Random(1))
    machine.handle_connected(0.0, 1.7e9)
    services = Services.NETWORK | Services.WITNESS
    theirs = Version(70016, services, 1_700_000_000, 7, "/bench/", 0, remote=SOURCE, local=SOURCE)
    machine.receive_data(frame(theirs) + frame(Verack()), 1.0)
    machine.events_received()
    machine.data_to_send()
    assert machine.state is PeerState.READY, "the handshake is done"
    return machine


def _sample(name: str, count: int, size: int, taken: float) -> Sample:
    return {name: count / taken, f"{name}, bytes": size / 1e6 / taken}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["both", kind, count, port]:
            peer = asyncio.run(through_peer(kind, int(count), int(port)))
            print(json.dumps({**through_machine(kind, int(count)), **peer}))
        case ["limit", kind, count, port]:
            print(json.dumps(asyncio.run(bare(kind, int(count), int(port)))))
        case _:
            main()
