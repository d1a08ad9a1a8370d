"""Target `node-toynet`: a whole NodeMachine between several remotes and a driver that do what the input says.

    flags 1 | steps: a number 1, then what that step reads; most steps begin with the peer that they are about

Remotes dial and are dialled, say anything, answer honestly or not at all; the results of orders come late, in any
order, or as the failure of the store. Nothing raises; counts agree with what is there; blocks are delivered along one
chain, each stored before; and at the end everybody is disconnected and nothing is outstanding.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from headway.chain.headers import HeaderTree
from headway.errors import StoreError
from headway.node.addrbook import MAX_ADDRESSES
from headway.node.config import NodeConfig
from headway.node.machine import NodeMachine
from headway.node.orders import (
    BlockConnected,
    BlockDisconnected,
    Connect,
    Disconnect,
    Emit,
    Load,
    LoadHeaders,
    Order,
    Prove,
    Resolve,
    SavePeers,
    SeedAnswer,
    Send,
    Store,
    Verify,
)
from headway.node.table import SLACK
from headway.sync.output import WriteBlock
from headway.types import Address, BlockId, BookRecords, Raw
from headway.wire import messages as m
from tests.fuzz.source import Source
from tests.fuzz.subjects import LIMITS
from tests.link import WALL, block_of, genesis_of, headers_of, missing
from tests.scene import TIMING
from tests.toynet import toy_block, toy_chain, toy_frame, toy_hash, toynet

# The sync asks for 16 blocks of a peer at least, and its locators grow with the chain: these two limits are not small.
_LIMITS: Final = replace(LIMITS, max_blocks_in_flight=1_024, max_locator=101)
_NETWORK: Final = toynet(limits=_LIMITS, timing=TIMING)
_MAX_STEPS: Final = 40
_MAX_INBOUND: Final = 3
_STORED: Final = 4
"""Blocks that the node has at its start, where a flag says so."""

_MAIN: Final = toy_chain(12)
_FORK: Final = toy_chain(12, salt=1, parent=_MAIN[5])
_BAD: Final = toy_block(toy_hash(_MAIN[-1]), 1_600_001_000, transactions=[b"bad transaction"])
_CHAINS: Final = ([*_MAIN, _BAD], [*_MAIN[:6], *_FORK], _MAIN[:8])
"""What a remote has, by its number."""
_BLOCKS: Final = {toy_hash(raw): raw for chain in _CHAINS for raw in chain}
_ADDRESSES: Final = tuple(Address(f"1.2.3.{number}", 4444) for number in range(1, 5))
_VERSION: Final = m.Version(2, 9, int(WALL), 77, "/far:1/", 12)


def _sayings() -> list[m.Message]:
    """What a remote may say out of turn."""
    hashes = list(_BLOCKS)
    entries = tuple(m.InvEntry(m.InvType.BLOCK, each) for each in (hashes[0], hashes[8], hashes[-1], bytes(32)))
    found: list[m.Message] = [
        _VERSION, m.Verack(), m.SendAddrV2(), m.Ping(7), m.Pong(7), m.Inv(entries), m.GetData(entries),
        m.GetHeaders((genesis_of(_NETWORK),)), m.GetBlocks((genesis_of(_NETWORK),)), m.GetAddr(), m.Addr(_ADDRESSES),
        m.Addr(tuple(Address(f"5.6.7.{number}", 1) for number in range(30))), missing(*hashes[:3]),
        m.GetData(entries * 10), m.Unknown("toy99", b"x"),
    ]  # fmt: skip
    found += [headers_of(_NETWORK, chain[at : at + 4]) for chain in _CHAINS for at in (0, 3, 7)]
    found += [headers_of(_NETWORK, []), headers_of(_NETWORK, [_FORK[0], _MAIN[0]])]
    found += [block_of(_NETWORK, raw) for raw in (_MAIN[4], _MAIN[5], _FORK[0], _MAIN[6][:-1] + b"\0", b"short")]
    return found


_FAR: Final = _NETWORK.codec.open(inbound=True)


def _encode(*messages: m.Message) -> bytes:
    return b"".join(bytes(chunk) for message in messages for chunk in _FAR.encode(message))


_FRAMES: Final = [_encode(each) for each in _sayings()]
_SHAKE: Final = _encode(_VERSION, m.Verack())


class _Life:
    """One node's life, as one input tells it."""

    def __init__(self, data: bytes) -> None:
        self.source = Source(data)
        flags = self.source.u8()
        self.now = 0.0
        self.store: dict[int, bytes] = {}
        tree = HeaderTree(_NETWORK)
        if flags & 1:
            tree.restore(headers_of(_NETWORK, _MAIN[:_STORED]).compact())
            self.store.update(enumerate(_MAIN[:_STORED], 1))
        config = NodeConfig(
            _NETWORK,
            dns=bool(flags & 2),
            connect=_ADDRESSES[: flags >> 2 & 3],
            serve=bool(flags & 16),
            floor=None if flags & 32 else 0,
            max_inbound=_MAX_INBOUND,
        )
        self.machine = NodeMachine(
            config,
            tree,
            rng=random.Random(1),
            stored=self.store,
            book=BookRecords(bytes(32)) if flags & 128 else None,
            log=_harmless if flags & 64 else None,
        )
        self.pending: list[Verify | Store | Load | Resolve | SavePeers] = []
        self.dialled: list[int] = []
        """Peers whose dial has not been answered."""
        self.connected: dict[int, list[Raw]] = {}
        """Sockets that are open, and what was last written to each."""
        self.delivered: list[BlockId] = [BlockId(0, genesis_of(_NETWORK).hash)]
        self.delivered += [BlockId(height, toy_hash(raw)) for height, raw in enumerate(self.store.values(), 1)]
        self.saved = set(map(toy_hash, self.store.values()))
        """Hashes of the blocks in the store."""
        self.failed = False
        self.is_holding = False
        self.held: dict[int, bytes] = {}

    def run(self) -> None:
        self.machine.start(WALL, self.now)
        self.look()
        for _ in range(_MAX_STEPS):
            if not self.source.has_more:
                break
            _STEPS[self.source.u8() % len(_STEPS)](self)
            self.look()
        self._end()

    def _end(self) -> None:
        self.machine.close(self.now)
        self.look()
        while self.pending:
            self._settle(0)
            self.look()
        while self.machine.peer_ids and (at := self.machine.get_timer()) is not None:
            self.now = max(self.now, at)
            self.machine.handle_timer(self.now)
            self.look()
        machine = self.machine
        assert machine.peer_ids == ()
        assert machine.ready_count == 0
        assert machine.get_timer() is None
        assert machine.sync.blocks.in_flight == 0
        assert machine.is_settled
        assert not machine._server._clients
        assert not self.connected

    def look(self) -> None:
        """Carry out what the machine wants, and check what must hold."""
        for order in self.machine.orders():
            self._carry_out(order)
        machine, peers = self.machine, self.machine._peers
        assert set(machine.peer_ids) == {*self.dialled, *self.connected}, "a socket for each peer, and no other"
        assert peers.inbound == sum(each.inbound for each in peers._peers.values()) <= _MAX_INBOUND
        assert peers.ready == sum(each.ready for each in peers._peers.values())
        assert len(peers._timers) <= 2 * len(peers) + SLACK
        assert not peers._touched
        assert len(machine.slots.book) <= MAX_ADDRESSES
        assert set(machine._server._clients) <= set(machine.peer_ids)
        assert set(machine.sync.blocks.window.asked.values()) <= set(machine.peer_ids)

    def _carry_out(self, order: Order) -> None:
        match order:
            case Connect():
                self.dialled.append(order.peer)
            case Disconnect():
                self.connected.pop(order.peer, None)
                if order.peer in self.dialled:
                    self.dialled.remove(order.peer)
            case Send():
                assert order.peer in self.connected, "only an open socket is written to"
                self.connected[order.peer] = [*order.data, *self.connected[order.peer]][:20]
            case Emit(event=BlockConnected(id=block)):
                assert block.height == self.delivered[-1].height + 1
                assert block.hash in self.saved, "delivered is what is stored"
                self.delivered.append(block)
            case Emit(event=BlockDisconnected(id=block)):
                assert self.delivered.pop() == block
            case Emit():
                pass
            case Prove() | LoadHeaders():
                raise AssertionError("the toy's headers prove themselves, and its tree keeps them whole")
            case _:
                self.pending.append(order)

    # The driver.

    def _peer(self) -> int | None:
        number = self.source.u8()
        peers = list(self.connected)
        return peers[number % len(peers)] if peers else None

    def inbound(self) -> None:
        address = _ADDRESSES[self.source.u8() % len(_ADDRESSES)]
        before = len(self.connected)
        # What it sends at once belongs to the socket that is only known when it returns.
        peer = self.machine.handle_inbound(address, self.now)
        if peer is not None:
            self.connected[peer] = []
        assert len(self.connected) - before == (peer is not None)

    def connect(self) -> None:
        how = self.source.u8()
        if self.dialled:
            peer = self.dialled.pop(how % len(self.dialled))
            if how & 0x80:
                self.dialled.append(peer)  # the machine forgets it by a Disconnect
                self.machine.handle_connect_failed(peer, "refused\x1b", self.now, at_proxy=bool(how & 0x40))
            else:
                self.connected[peer] = []
                self.machine.handle_connected(peer, self.now)

    def _settle(self, number: int) -> None:
        order = self.pending.pop(number)
        result: Any = None
        match order:
            case Verify():
                result = _NETWORK.rules.verify_block(order.request, order.context, order.raw)
            case Store() | SavePeers() if self.failed:
                result = StoreError("the disk is full")
            case Store(writes=writes):
                blocks = {write.position: bytes(write.raw) for write in writes if isinstance(write, WriteBlock)}
                self.store |= blocks
                self.saved |= set(map(toy_hash, blocks.values()))
            case Load():
                result = self.store[order.position]
            case Resolve():
                result = tuple(SeedAnswer(name, _ADDRESSES) for name in ("seed.toy", *order.names))
        self.machine.handle_result(order.order, result, self.now)

    def result(self) -> None:
        number = self.source.u8()
        if self.pending:
            self._settle(number % len(self.pending))

    def results(self) -> None:
        for _ in range(8):
            if self.pending:
                self._settle(0)
                self.look()

    def disk_full(self) -> None:
        self.failed = self.source.u8() < 20

    def fire(self) -> None:
        if (at := self.machine.get_timer()) is not None:
            self.now = max(self.now, at)
        self.machine.handle_timer(self.now)
        after = self.machine.get_timer()
        assert after is None or after > self.now, "what is due has been dealt with"

    def wait(self) -> None:
        self.now += self.source.u8() ** 2 / 100
        self.machine.handle_timer(self.now)

    def eof(self) -> None:
        if (peer := self._peer()) is not None:
            self.machine.receive_eof(peer, self.now)

    def lose(self) -> None:
        if (peer := self._peer()) is not None:
            self.machine.handle_connection_lost(peer, "reset\n", self.now)

    def disconnect(self) -> None:
        if (peer := self._peer()) is not None:
            self.machine.disconnect(peer, "enough", self.now)

    def writable(self) -> None:
        peer, queued = self._peer(), self.source.u8() << 8
        if peer is not None:
            self.machine.handle_writable(peer, queued, self.now)

    # Remotes.

    def _deliver(self, data: bytes) -> None:
        if (peer := self._peer()) is None:
            return
        if self.is_holding:
            self.held[peer] = self.held.get(peer, b"") + data
        else:
            self.machine.receive_data(peer, data, self.now)

    def hold(self) -> None:
        """From now on what remotes say waits in the sockets; or it comes, all at once."""
        self.is_holding = not self.is_holding
        held, self.held = self.held, {}
        for peer, data in held.items():
            self.machine.receive_data(peer, data, self.now)
            self.look()

    def shake(self) -> None:
        self._deliver(_SHAKE)

    def message(self) -> None:
        self._deliver(_FRAMES[self.source.u8() % len(_FRAMES)])

    def payload(self) -> None:
        frame = bytearray(_FRAMES[self.source.u8() % len(_FRAMES)])
        payload = bytearray(frame[8:])
        at, change = self.source.u8(), self.source.u8()
        if payload:
            payload[at % len(payload)] ^= change
        self._deliver(toy_frame(frame[2], bytes(payload)))

    def garbage(self) -> None:
        self._deliver(self.source.take(self.source.u8() % 40))

    def answer(self) -> None:
        """What was asked of one peer, answered from the chain that it has."""
        how = self.source.u8()
        if (peer := self._peer()) is None:
            return
        chunks, self.connected[peer] = self.connected[peer], []
        wire = _NETWORK.codec.open(inbound=False)
        for chunk in chunks:
            wire.receive_data(chunk)
        chain = _CHAINS[how % len(_CHAINS)]
        for message in [wire.decode(frame) for frame in wire.frames()]:
            for reply in _answers(message, chain, how):
                self.machine.receive_data(peer, _encode(reply), self.now)
                self.look()


def _answers(message: m.Message, chain: Sequence[bytes], how: int) -> list[m.Message]:
    match message:
        case m.Ping(nonce):
            return [m.Pong(nonce)]
        case m.GetHeaders(locator):
            known = {block.hash for block in locator}
            after = [at + 1 for at, raw in enumerate(chain) if toy_hash(raw) in known]
            return [headers_of(_NETWORK, chain[max(after, default=0) :][: 20 if how & 0x10 else 5])]
        case m.GetData(entries):
            lacks = missing(*(entry.hash for entry in entries if entry.hash not in _BLOCKS or how & 0x20))
            if how & 0x20:
                return [lacks]
            return [block_of(_NETWORK, _BLOCKS[entry.hash]) for entry in entries if entry.hash in _BLOCKS]
        case m.GetAddr():
            return [m.Addr(_ADDRESSES)]
        case _:
            return []


def _harmless(line: str) -> None:
    assert line.isprintable()


def one_input(data: bytes) -> None:
    _Life(data).run()


_STEPS: Final[Sequence[Callable[[_Life], None]]] = (
    _Life.inbound, _Life.connect, _Life.shake, _Life.message, _Life.payload, _Life.garbage, _Life.answer, _Life.result,
    _Life.results, _Life.disk_full, _Life.fire, _Life.wait, _Life.eof, _Life.lose, _Life.disconnect, _Life.writable,
    _Life.answer, _Life.results, _Life.message, _Life.connect, _Life.shake, _Life.answer, _Life.results, _Life.hold,
)  # fmt: skip
