"""What sync and server want, carried out on real machines."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from headway.chain.headers import HeaderTree
from headway.errors import MutatedBlock, StoreError
from headway.network import BlockStatus, BlockVerdict, Network
from headway.node.answer import Answer, ReadBlock, Refuse
from headway.node.config import NodeConfig
from headway.node.dispatch import Dispatcher
from headway.node.orders import (
    BlockConnected,
    BlockDisconnected,
    ChainRejected,
    Emit,
    Load,
    Order,
    Store,
    TipChanged,
    Verify,
    Written,
)
from headway.node.outbox import Outbox
from headway.node.pool import Pool
from headway.node.reassembly import Reassembly
from headway.node.serve import Server
from headway.node.table import Peer, PeerTable
from headway.peer.config import PeerConfig
from headway.peer.events import HeadersReceived, PeerDisconnected, PeerMisbehaved, PeerState, Reason
from headway.peer.machine import PeerMachine
from headway.sync.headers import AskHeaders
from headway.sync.output import (
    AskBlocks,
    Blame,
    BlocksDelivered,
    Overdue,
    Rejected,
    Stalled,
    TipMoved,
    VerifyBlock,
    WriteBlock,
    WriteHeaders,
    WriteInvalid,
)
from headway.sync.scheduler import SyncScheduler
from headway.types import Address, BlockId
from headway.wire.messages import (
    GetAddr,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvEntry,
    InvType,
    Message,
    SendHeaders,
    Verack,
    Version,
)
from tests.toynet import GENESIS, HEADER_SIZE, PROTOCOL, TOYNET, toy_chain, toy_headers, toy_requests

BLOCKS = toy_chain(40)
REQUESTS = toy_requests(BLOCKS)


class Story:
    """A dispatcher with one ready peer, number 1, and one that is still shaking hands, number 2."""

    def __init__(self, network: Network = TOYNET, floor: int | None = 0) -> None:
        self.tree = HeaderTree(network)
        self.peers, self.outbox = PeerTable(), Outbox()
        rng = random.Random(1)
        self.sync = SyncScheduler(network, self.tree, floor=floor, rng=rng)
        config = NodeConfig(network, dns=False)
        pool = Pool(config, self.tree, self.sync, self.peers, self.outbox, rng=rng, log=None)
        self.book = pool.book
        self.server = Server(network, self.tree, self.sync)
        reassembly = Reassembly(network, self.tree, 0)
        self.dispatcher = Dispatcher(network.limits, self.peers, pool, self.outbox, self.sync, self.server, reassembly)
        for address in (Address("1.0.0.1", 1), Address("1.0.0.2", 1)):
            self.book.add(address)
            machine = PeerMachine(PeerConfig(network), inbound=False, address=address, rng=random.Random(1))
            machine.handle_connected(0.0, 0.0)
            self.peers.add(Peer(machine, address, inbound=False))
        self.ready = self.machine(1)
        wire = TOYNET.codec.open(inbound=True)
        for message in (Version(PROTOCOL, 9, 0, 5, "/remote/", 0), Verack()):
            for chunk in wire.encode(message):
                self.ready.receive_data(chunk, 0.0)
        assert self.ready.state is PeerState.READY
        self.ready.data_to_send()
        self.ready.events_received()

    def machine(self, number: int) -> PeerMachine:
        peer = self.peers.get(number)
        assert peer is not None
        return peer.machine

    def sent(self, number: int = 1) -> list[Message]:
        wire = TOYNET.codec.open(inbound=True)
        for chunk in self.machine(number).data_to_send():
            wire.receive_data(chunk)
        return [wire.decode(frame) for frame in wire.frames()]

    def asked_blocks(self) -> list[bytes]:
        return [entry.hash for message in self.sent() if isinstance(message, GetData) for entry in message.entries]

    def orders(self) -> Sequence[Order]:
        return self.outbox.take()


def test_headers_are_asked_with_a_ping_behind_and_only_of_a_ready_peer() -> None:
    story = Story()
    for peer in (1, 2, 99):
        story.dispatcher.carry_out(AskHeaders(peer, (GENESIS,)), 5.0)
    assert [message.command for message in story.sent()] == ["getheaders", "ping"]
    assert story.dispatcher.counters.first_request_at == 5.0
    assert story.peers.next_touched() == 1
    assert story.peers.next_touched() is None


def test_blocks_join_the_batch_that_is_out_and_none_is_asked_twice() -> None:
    story = Story()
    story.dispatcher.carry_out(AskBlocks(1, tuple(REQUESTS[:3])), 0.0)
    assert story.asked_blocks() == [request.hash for request in REQUESTS[:3]]
    story.dispatcher.carry_out(AskBlocks(1, tuple(REQUESTS[2:5])), 0.0)
    assert story.asked_blocks() == [request.hash for request in REQUESTS[3:5]]
    story.dispatcher.carry_out(AskBlocks(1, tuple(REQUESTS[2:5])), 0.0)
    assert story.asked_blocks() == []


def test_a_peer_that_owes_all_that_a_batch_may_hold_is_ended_not_asked() -> None:
    story = Story(replace(TOYNET, limits=replace(TOYNET.limits, max_blocks_in_flight=5)))
    story.dispatcher.carry_out(AskBlocks(1, tuple(REQUESTS[:3])), 0.0)
    story.dispatcher.carry_out(AskBlocks(1, tuple(REQUESTS[1:5])), 0.0)
    assert story.ready.state is PeerState.READY
    story.dispatcher.carry_out(AskBlocks(1, tuple(REQUESTS[5:6])), 0.0)
    [ended] = story.ready.events_received()
    assert isinstance(ended, PeerDisconnected)
    assert (ended.reason, ended.message) == (Reason.STALLED, "it owes 5 blocks, and more are to be asked")
    assert story.peers.next_touched() == 1


def test_blame_names_the_peer_and_ends_it() -> None:
    story = Story()
    story.dispatcher.carry_out(Blame(1, MutatedBlock("bad-check", BlockId(3, b"x" * 32))), 0.0)
    blamed, ended = story.ready.events_received()
    assert isinstance(blamed, PeerMisbehaved)
    assert blamed.error.peer == "1.0.0.1:1"
    assert isinstance(ended, PeerDisconnected)
    assert ended.reason is Reason.MISBEHAVED


def test_a_peer_that_left_before_the_verdict_is_discouraged_all_the_same_and_counted_once() -> None:
    story = Story()
    story.peers.remove(1)
    for height in (3, 4):
        story.dispatcher.carry_out(Blame(1, MutatedBlock("bad-check", BlockId(height, b"x" * 32))), 5.0)
    (entry, other) = story.book.entries()
    assert story.book.is_discouraged(entry.address, 5.0)
    assert "bad-check" in entry.last_error
    assert not story.book.is_discouraged(other.address, 5.0)
    assert story.dispatcher.counters.misbehaved == 1


def test_who_brought_something_new_is_forgiven_its_failures_though_it_left() -> None:
    story = Story()
    first, second = story.book.entries()
    for entry in (first, second):
        story.book.failed(entry.address, "closed", 0.0)
    story.peers.remove(1)
    story.dispatcher.carry_out(WriteBlock(1, 1, REQUESTS[0].hash, BLOCKS[0]), 0.0)
    assert (first.failures, second.failures) == (0, 1)


def test_who_takes_too_long_is_left_if_there_is_another() -> None:
    story = Story()
    story.dispatcher.carry_out(Overdue(1, "too long"), 0.0)
    [ended] = story.ready.events_received()
    assert ended == PeerDisconnected(Reason.STALLED, "too long")
    assert story.dispatcher.counters.stalls == 1
    assert story.peers.next_touched() == 1
    alone = Story()
    for address in (Address("1.0.0.1", 1), Address("1.0.0.2", 1)):
        alone.book.discourage(address, "", 0.0)
    alone.dispatcher.carry_out(Overdue(1, "too long"), 0.0)
    assert alone.ready.state is PeerState.READY


def test_a_chain_that_our_rules_reject_is_told_and_counted() -> None:
    story, block = Story(), BlockId(3, b"x" * 32)
    story.dispatcher.carry_out(Rejected(1, block), 0.0)
    story.dispatcher.carry_out(Rejected(99, block), 0.0)
    events = [order.event for order in story.orders() if isinstance(order, Emit)]
    assert events == [ChainRejected(Address("1.0.0.1", 1), block), ChainRejected(None, block)]
    assert story.dispatcher.counters.rejected == 2


def test_a_staller_is_counted_once() -> None:
    story = Story()
    for peer in (1, 1, 2, 99):
        story.dispatcher.carry_out(Stalled(peer), 0.0)
    assert story.dispatcher.counters.stalls == 2


def test_who_withheld_a_block_is_ended_and_who_was_only_slow_is_not() -> None:
    story = Story()
    story.dispatcher.carry_out(Stalled(1), 0.0)
    assert story.ready.state is PeerState.READY
    story.dispatcher.carry_out(Stalled(1, 2.0), 0.0)
    [ended] = story.ready.events_received()
    assert isinstance(ended, PeerDisconnected)
    assert (ended.reason, ended.message) == (Reason.STALLED, "all wait for a block of it, and 2 s brought none")
    assert story.peers.next_touched() == 1


def test_who_is_too_far_away_to_answer_in_that_time_is_not_ended() -> None:
    story = Story()
    story.dispatcher.carry_out(AskHeaders(1, (GENESIS,)), 0.0)
    wire = TOYNET.codec.open(inbound=True)
    for chunk in wire.encode(toy_headers(BLOCKS[:3])):
        story.ready.receive_data(chunk, 6.0)
    states = []
    for waited in (4.0, 8.0):
        story.dispatcher.carry_out(Stalled(1, waited), 20.0)
        states.append(story.ready.state)
    assert states == [PeerState.READY, PeerState.CLOSED]


def test_verdicts_go_back_to_the_sync() -> None:
    story = Story()
    story.dispatcher.carry_out(VerifyBlock(1, 1, REQUESTS[0], 7, BLOCKS[0]), 0.0)
    (order,) = story.orders()
    assert order == Verify(1, REQUESTS[0], 7, BLOCKS[0])
    seen: list[object] = []
    story.dispatcher._sync.verified = lambda *call: seen.append(call)  # type: ignore[method-assign]
    verdict = BlockVerdict(BlockStatus.VALID)
    story.outbox.settle(1, verdict, 0.0)
    assert seen == [(1, verdict)]


def test_writes_are_collected_into_one_order_and_counted_when_done() -> None:
    story = Story()
    writes = (WriteHeaders(1, b"h" * 88, 2), WriteInvalid(b"i" * 32))
    for write in writes:
        story.dispatcher.carry_out(write, 0.0)
    settled = [story.dispatcher.is_settled]
    story.dispatcher.flush_writes()
    story.dispatcher.flush_writes()
    settled.append(story.dispatcher.is_settled)
    assert story.orders() == [Store(1, writes)]
    assert story.dispatcher.counters.headers == 0
    story.outbox.settle(1, None, 9.0)
    settled.append(story.dispatcher.is_settled)
    assert settled == [False, False, True]
    assert (story.dispatcher.counters.headers, story.dispatcher.counters.last_stored_at) == (2, 9.0)


def test_while_one_write_is_out_the_next_ones_are_collected() -> None:
    story = Story()
    writes = [WriteHeaders(1, bytes([number]) * 44, 1) for number in range(3)]
    for write in writes:
        story.dispatcher.carry_out(write, 0.0)
        story.dispatcher.flush_writes()
    assert story.orders() == [Store(1, (writes[0],))]
    story.outbox.settle(1, None, 1.0)
    assert not story.dispatcher.is_settled
    story.dispatcher.flush_writes()
    assert story.orders() == [Store(2, (writes[1], writes[2]))]


def test_a_store_that_fails_is_remembered_and_nothing_is_counted() -> None:
    story = Story()
    story.dispatcher.carry_out(WriteHeaders(1, b"h" * 44, 1), 0.0)
    story.dispatcher.flush_writes()
    story.outbox.settle(1, StoreError("disk full"), 1.0)
    assert str(story.dispatcher.failure) == "disk full"
    assert story.dispatcher.counters.headers == 0


def test_nothing_is_written_behind_what_could_not_be() -> None:
    """A header without its parent in the log would keep the store from ever being opened again."""
    story = Story()
    for number in range(3):
        story.dispatcher.carry_out(WriteHeaders(1, bytes([number]) * 44, 1), 0.0)
        story.dispatcher.flush_writes()
    assert len(story.orders()) == 1
    story.outbox.settle(1, StoreError("disk full"), 1.0)
    story.dispatcher.flush_writes()
    story.dispatcher.carry_out(WriteHeaders(1, b"h" * 44, 1), 2.0)
    story.dispatcher.flush_writes()
    assert story.orders() == []
    assert story.dispatcher.is_settled


def test_tips_and_deliveries_are_told_in_order() -> None:
    story = Story()
    old, new, tip = BlockId(1, b"a" * 32), BlockId(1, b"b" * 32), BlockId(2, b"c" * 32)
    story.dispatcher.carry_out(TipMoved(tip, 0), 0.0)
    story.dispatcher.carry_out(TipMoved(tip, 3), 0.0)
    story.dispatcher.carry_out(BlocksDelivered((old,), (new, tip)), 0.0)
    told = [order.event for order in story.orders() if isinstance(order, Emit)]
    moved = [BlockDisconnected(old), BlockConnected(new), BlockConnected(tip)]
    assert told == [TipChanged(tip, 0), TipChanged(tip, 3), *moved]
    assert story.dispatcher.counters.reorgs == 1


def test_what_was_delivered_while_we_were_behind_is_announced_once_we_are_not() -> None:
    story = Story(floor=None)
    story.tree.add(toy_headers(BLOCKS), 1_700_000_000.0)
    story.server.add_peer(1)
    story.server.received(1, SendHeaders(), 0.0)
    blocks = [story.tree.id(position) for position in range(41)]
    for left, joined in (((), blocks[1:3]), ((), blocks[3:6]), ((blocks[5], blocks[4]), [])):
        story.dispatcher.carry_out(BlocksDelivered(tuple(left), tuple(joined)), 0.0)
        story.dispatcher.announce_new(0.0)
    assert story.server.take() == []
    story.sync.peer_ready(1)
    story.sync.tick(0.0)
    story.sync.headers_received(1, HeadersReceived(toy_headers([]), 1), 0.0, 0.0)
    assert story.sync.is_current
    story.dispatcher.announce_new(0.0)
    (answer,) = story.server.take()
    assert isinstance(answer, Answer)
    assert isinstance(answer.message, Headers)
    assert [header.hash for header in answer.message] == [block.hash for block in blocks[1:4]]
    story.dispatcher.announce_new(0.0)
    assert story.server.take() == []


def test_of_a_whole_chain_that_was_delivered_the_last_block_is_announced() -> None:
    story = Story(floor=None)
    story.tree.add(toy_headers(BLOCKS), 1_700_000_000.0)
    story.server.add_peer(1)
    story.server.received(1, SendHeaders(), 0.0)
    for position in range(1, 41):
        story.dispatcher.carry_out(BlocksDelivered((), (story.tree.id(position),)), 0.0)
        story.dispatcher.announce_new(0.0)
    story.sync.peer_ready(1)
    story.sync.tick(0.0)
    story.sync.headers_received(1, HeadersReceived(toy_headers([]), 1), 0.0, 0.0)
    story.dispatcher.announce_new(0.0)
    assert story.server.take() == [Answer(1, Inv((InvEntry(InvType.BLOCK, story.tree.tip.hash),)))]


def test_what_the_server_wants_is_carried_out_for_ready_peers_alone() -> None:
    story = Story()
    for peer in (1, 2, 99):
        story.dispatcher.answer(Answer(peer, GetAddr()), 0.0)
    assert [message.command for message in story.sent()] == ["getaddr"]
    story.dispatcher.answer(ReadBlock(1, 0), 0.0)
    assert story.orders() == [Load(1, 0)]
    story.dispatcher.answer(Refuse(1, Reason.NOT_READING, "it asks for more than it reads"), 0.0)
    (ended,) = story.ready.events_received()
    assert isinstance(ended, PeerDisconnected)
    assert ended.reason is Reason.NOT_READING


def test_a_request_for_headers_names_what_we_have() -> None:
    story = Story()
    story.dispatcher.carry_out(AskHeaders(1, story.tree.locator()), 0.0)
    (request, _) = story.sent()
    assert isinstance(request, GetHeaders)
    assert [entry.hash for entry in request.locator] == [GENESIS.hash]


# What a store does besides writing.


def write(story: Story, number: int = 0) -> WriteHeaders:
    headers = WriteHeaders(1, bytes([number]) * 44, 1)
    story.dispatcher.carry_out(headers, 0.0)
    story.dispatcher.flush_writes()
    return headers


def test_what_was_written_is_flushed_at_the_next_tick_and_once() -> None:
    story = Story()
    story.dispatcher.tick()
    story.dispatcher.flush_writes()
    assert story.orders() == []
    write(story)
    story.outbox.settle(1, None, 0.0)
    story.orders()
    for _ in range(2):
        story.dispatcher.tick()
        story.dispatcher.flush_writes()
    assert story.orders() == [Store(2, (), 0, flush=True)]
    story.outbox.settle(2, None, 1.0)
    assert story.dispatcher.is_settled
    story.dispatcher.tick()
    story.dispatcher.flush_writes()
    assert story.orders() == []


def test_a_flush_goes_with_the_writes_that_are_there_and_waits_for_those_that_are_out() -> None:
    story = Story()
    first = write(story)
    story.dispatcher.tick()
    second = write(story, 1)
    assert story.orders() == [Store(1, (first,))]
    story.outbox.settle(1, None, 0.0)
    story.dispatcher.flush_writes()
    assert story.orders() == [Store(2, (second,), 0, flush=True)]
    story.outbox.settle(2, None, 0.0)
    story.dispatcher.tick()
    story.dispatcher.flush_writes()
    assert story.orders() == []


def test_a_flush_that_fails_is_remembered() -> None:
    story = Story()
    write(story)
    story.outbox.settle(1, None, 0.0)
    story.dispatcher.tick()
    story.dispatcher.flush_writes()
    story.outbox.settle(2, StoreError("the disk reports errors"), 1.0)
    assert str(story.dispatcher.failure) == "the disk reports errors"


def grown(count: int) -> Story:
    """A story whose tree has so many blocks, none of them stored."""
    story = Story()
    story.tree.restore(b"".join(block[:HEADER_SIZE] for block in toy_chain(count)))
    return story


def deliver(story: Story, *positions: int) -> None:
    for position in positions:
        story.dispatcher._sync.chain.mark(position)
    story.dispatcher._sync.chain.advance()


def test_the_store_is_told_with_each_write_what_may_go_and_alone_when_that_alone_has_changed() -> None:
    story = grown(400)
    deliver(story, *range(1, 301))
    headers = write(story)
    assert story.orders() == [Store(1, (headers,), 13)]
    story.outbox.settle(1, Written(pruned_below=9), 0.0)
    assert (story.dispatcher._sync.chain.floor, story.dispatcher._sync.chain.holds(8)) == (9, False)
    deliver(story, *range(301, 311))
    story.dispatcher.tick()
    story.dispatcher.flush_writes()
    assert story.orders() == [Store(2, (), 23, flush=True)]


def test_blocks_that_the_store_finds_are_delivered_and_asked_for_no_more() -> None:
    story = grown(5)
    write(story)
    story.orders()
    story.outbox.settle(1, Written(found=(1, 2, 4)), 0.0)
    sync = story.dispatcher._sync
    delivered = [output for output in sync.take() if isinstance(output, BlocksDelivered)]
    assert [[block.height for block in moved.connected] for moved in delivered] == [[1, 2]]
    assert [sync.chain.holds(position) for position in range(1, 6)] == [True, True, False, True, False]
