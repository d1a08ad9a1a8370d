"""Transactions of ours: whom they are announced to, who takes them, and what counts as having come back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headway.errors import LocalProtocolError
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.node.broadcast import KEEP, MAX_BYTES, MAX_TOLD, MAX_TRANSACTIONS, PATIENCE, Broadcast, Broadcaster
from headway.node.orders import PeerLost
from headway.node.slots import Kind
from headway.peer.machine import PeerMachine
from headway.types import Address, Hash
from headway.wire.messages import GetData, Inv, InvEntry, InvType, Message, Tx, Version
from tests.chain_builder import transaction, tx_input, tx_output
from tests.toynet import TOYNET, TX, sha256, toynet
from tests.virtual import VirtualNode, World

RAW = b"a toy transaction"
TXID = sha256(RAW)
ENTRY = InvEntry(TX, TXID)


def address(peer: int) -> Address:
    return Address(f"1.0.0.{peer}", 1)


def addresses(*peers: int) -> tuple[Address, ...]:
    return tuple(map(address, peers))


class Story:
    def __init__(self, peers: int = 0, network: Network = TOYNET) -> None:
        self.now = 100.0
        self.broadcaster = Broadcaster(network)
        for peer in range(1, peers + 1):
            self.join(peer)

    def join(self, peer: int, *, negotiated: str = "", relay: bool = True) -> None:
        version = Version(70016, 9, 0, 1, "/remote/", 0, relay)
        self.broadcaster.add_peer(peer, address(peer), version, frozenset({negotiated}), self.now)

    def leave(self, peer: int) -> None:
        self.broadcaster.drop_peer(peer, self.now)

    def submit(self, raw: bytes = RAW, wanted: int = 2) -> Hash:
        return self.broadcaster.submit(raw, wanted, self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.broadcaster.tick(self.now)

    def told(self) -> list[tuple[int, tuple[InvEntry, ...]]]:
        """Peers that are sent an inv now, and what is in it; nothing else may be on its way."""
        found = []
        for answer in self.broadcaster.take():
            assert isinstance(answer.message, Inv)
            found.append((answer.peer, answer.message.entries))
        return found

    def told_peers(self) -> list[int]:
        return [peer for peer, _ in self.told()]

    def given(self, peer: int, *entries: InvEntry) -> list[bytes]:
        """A peer asks: what it is sent."""
        left = self.left(peer, *entries)
        answers = self.broadcaster.take()
        assert len(answers) + len(left) == len(entries)
        for answer in answers:
            assert isinstance(answer.message, Tx)
            assert answer.peer == peer
        return [bytes(answer.message) for answer in answers if isinstance(answer.message, Tx)]

    def left(self, peer: int, *entries: InvEntry) -> tuple[InvEntry, ...]:
        """A peer asks: what others are to answer."""
        message = self.broadcaster.received(peer, GetData(entries))
        assert isinstance(message, GetData)
        return message.entries

    @property
    def report(self) -> Broadcast:
        report = self.broadcaster.report(TXID)
        assert report is not None
        return report


# Telling.


def test_as_many_peers_are_told_as_are_to_take_it() -> None:
    story = Story(peers=4)
    assert story.submit(wanted=2) == TXID
    assert story.told() == [(1, (ENTRY,)), (2, (ENTRY,))]
    assert story.report == Broadcast(TXID, announced_to=addresses(1, 2))


def test_peers_that_come_later_are_told_while_more_are_wanted() -> None:
    story = Story()
    story.submit(wanted=2)
    assert story.told() == []
    for peer in (7, 8, 9):
        story.join(peer)
    assert story.told_peers() == [7, 8]


def test_who_wants_to_hear_of_no_transactions_is_not_told() -> None:
    story = Story()
    story.join(1, relay=False)
    story.submit(wanted=2)
    story.join(2, relay=False)
    assert story.told() == []


def test_who_leaves_without_asking_is_replaced_at_once_and_who_took_it_is_not() -> None:
    story = Story(peers=4)
    story.submit(wanted=2)
    story.told()
    assert story.given(1, ENTRY) == [RAW]
    story.leave(1)
    assert story.told() == []
    story.leave(2)
    assert story.told_peers() == [3]
    assert story.report == Broadcast(TXID, addresses(1, 2, 3), taken_by=addresses(1))


def test_who_does_not_ask_in_time_has_another_told_in_its_place_and_may_still_ask() -> None:
    story = Story(peers=3)
    story.submit(wanted=1)
    assert story.told_peers() == [1]
    story.wait(PATIENCE - 0.1)
    assert story.told() == []
    story.wait(0.1)
    assert story.told_peers() == [2]
    assert story.given(1, ENTRY) == [RAW]
    story.wait(10 * PATIENCE)
    assert story.told() == [], "one was to take it, and one did"


def test_what_is_submitted_again_is_announced_to_others() -> None:
    story = Story(peers=3)
    story.submit(wanted=1)
    story.submit(wanted=1)
    assert story.told_peers() == [1, 2]
    assert len(story.broadcaster) == 1


def test_no_more_than_a_hundred_are_told_or_remembered() -> None:
    story = Story()
    story.submit(wanted=1_000)
    for peer in range(1, 2 * MAX_TOLD):
        story.join(peer)
    assert story.told_peers() == list(range(1, MAX_TOLD + 1))
    for peer in range(2 * MAX_TOLD, 4 * MAX_TOLD):
        story.join(peer)
        story.broadcaster.announced(peer, [ENTRY])
    assert len(story.report.returned_by) == MAX_TOLD


# Giving.


def test_it_is_given_once_to_who_was_told_and_to_nobody_else() -> None:
    story = Story(peers=2)
    story.submit(wanted=1)
    story.told()
    assert story.given(2, ENTRY) == [], "it was not told: it guesses, or spies"
    assert story.given(1, ENTRY, ENTRY) == [RAW]
    assert story.given(1, ENTRY) == []
    assert story.report.taken_by == addresses(1)


def test_what_is_not_ours_is_left_to_others() -> None:
    story = Story(peers=1)
    others = (InvEntry(TX, bytes(32)), InvEntry(InvType.BLOCK, TXID))
    assert story.left(1, *others, ENTRY) == (*others, ENTRY)
    story.submit()
    assert story.left(1, others[0], ENTRY, others[1]) == others
    assert story.broadcaster.received(1, Inv((ENTRY,))) == Inv((ENTRY,))


WITNESSED = transaction([tx_input(bytes(range(36)))], [tx_output(1, b"")], witness=[(b"a", b"b")])
PARSED = REGTEST.codec.parser.transaction(WITNESSED)


def test_bitcoin_is_told_by_wtxid_where_that_was_negotiated_and_by_txid_elsewhere() -> None:
    story = Story(network=REGTEST)
    story.join(1, negotiated="wtxidrelay")
    story.join(2)
    assert story.submit(WITNESSED) == PARSED.txid != PARSED.wtxid
    by_wtxid, by_txid = InvEntry(InvType.WTX, PARSED.wtxid), InvEntry(InvType.TX, PARSED.txid)
    assert story.told() == [(1, (by_wtxid,)), (2, (by_txid,))]
    assert story.given(1, by_wtxid) == [WITNESSED]


@pytest.mark.parametrize(
    ("entry", "raw"),
    [
        (InvEntry(InvType.WTX, PARSED.wtxid), WITNESSED),
        (InvEntry(InvType.WITNESS_TX, PARSED.txid), WITNESSED),
        (InvEntry(InvType.TX, PARSED.txid), PARSED.stripped),
    ],
)
def test_bitcoin_is_given_the_form_that_is_asked_for(entry: InvEntry, raw: bytes) -> None:
    story = Story(peers=1, network=REGTEST)
    story.submit(WITNESSED)
    story.told()
    assert story.given(1, entry) == [raw]


# What comes back.


def test_what_an_untold_peer_announces_has_come_back_and_it_is_told_no_more() -> None:
    story = Story(peers=3)
    story.submit(wanted=1)
    story.told()
    story.broadcaster.announced(3, [InvEntry(TX, bytes(32)), ENTRY])
    story.broadcaster.announced(3, [ENTRY])
    story.broadcaster.announced(1, [ENTRY])  # an echo of what we said
    story.broadcaster.announced(99, [ENTRY])  # inbound, or gone
    assert story.report.returned_by == addresses(3)
    story.wait(PATIENCE)
    assert story.told_peers() == [2]
    story.wait(PATIENCE)
    assert story.told() == []


def settled(story: Story, *, more_to_come: bool = False) -> bool:
    return story.broadcaster.is_settled(TXID, more_to_come=more_to_come)


def test_it_is_settled_when_it_was_taken_and_came_back() -> None:
    story = Story(peers=2)
    story.submit(wanted=1)
    story.broadcaster.announced(2, [ENTRY])
    assert not settled(story), "others know it, and nobody had it of us"
    story.told()
    story.given(1, ENTRY)
    assert settled(story, more_to_come=True)


def test_without_anybody_to_announce_it_back_it_is_settled_once_all_have_taken_it() -> None:
    story = Story(peers=2)
    story.submit(wanted=2)
    story.told()
    story.given(1, ENTRY)
    assert not settled(story)
    story.given(2, ENTRY)
    assert settled(story)
    assert not settled(story, more_to_come=True)
    story.join(3)
    assert not settled(story), "it may announce it back"


# What is held.


def test_it_is_forgotten_a_day_after_it_was_last_submitted() -> None:
    story = Story(peers=1)
    story.submit()
    story.told()
    story.wait(KEEP - 1.0)
    story.submit()
    story.wait(KEEP - 1.0)
    assert story.report.announced_to == addresses(1)
    story.wait(1.0)
    assert story.broadcaster.report(TXID) is None
    assert story.given(1, ENTRY) == []
    assert settled(story)


def test_the_same_transaction_signed_anew_takes_the_place_of_the_first() -> None:
    story = Story(peers=2, network=REGTEST)
    story.submit(WITNESSED, wanted=1)
    story.told()
    anew = transaction([tx_input(bytes(range(36)))], [tx_output(1, b"")], witness=[(b"c",)])
    assert story.submit(anew, wanted=1) == PARSED.txid
    assert story.told_peers() == [1]
    assert story.given(1, InvEntry(InvType.WTX, PARSED.wtxid)) == []
    assert story.given(1, InvEntry(InvType.WITNESS_TX, PARSED.txid)) == [anew]


def test_what_was_taken_makes_room_and_what_waits_does_not() -> None:
    story = Story(peers=1)
    for number in range(MAX_TRANSACTIONS):
        story.submit(b"%d" % number, wanted=1)
    with pytest.raises(LocalProtocolError, match="1000 transactions of ours wait for peers"):
        story.submit()
    story.broadcaster.take()
    assert story.given(1, InvEntry(TX, sha256(b"7"))) == [b"7"]
    story.submit()
    assert len(story.broadcaster) == MAX_TRANSACTIONS
    assert story.broadcaster.report(sha256(b"7")) is None
    assert story.broadcaster.report(sha256(b"8")) is not None


def test_the_bytes_that_are_held_are_bounded() -> None:
    story = Story()
    half = bytes(MAX_BYTES // 2)
    story.submit(half)
    story.submit(half[:-1])
    with pytest.raises(LocalProtocolError, match="2 transactions of ours wait"):
        story.submit(b"1 or 2 bytes")
    story.submit(b"1")
    story.wait(KEEP)
    story.submit(half)
    assert len(story.broadcaster) == 1


def test_bytes_that_are_not_exactly_one_transaction_are_refused() -> None:
    story = Story(network=REGTEST)
    for raw in (b"", WITNESSED[:-1], WITNESSED + b"\0", WITNESSED * 2):
        with pytest.raises(LocalProtocolError, match=f"{len(raw)} bytes are no transaction of regtest: "):
            story.submit(raw)
    small = replace(REGTEST, limits=replace(REGTEST.limits, max_transaction=10))
    with pytest.raises(LocalProtocolError, match=r"of \d+ bytes: regtest takes 10 at most"):
        Story(network=small).submit(WITNESSED)
    assert len(story.broadcaster) == 0


# In a node.


def test_a_node_hands_its_transaction_to_the_peers_that_ask_and_hears_it_from_another() -> None:
    world = World()
    servers = {address(number): world.node(at=f"1.0.0.{number}:1", relay=True) for number in (1, 2, 3)}
    node = world.node(connect=addresses(1, 2, 3), relay=True, sync=False)
    txid = node.give("broadcast", RAW, 2)
    assert world.run(5, until=lambda: node.machine.ready_count == 3)
    world.run(1)
    first, second = told(node.machine.broadcaster, txid).announced_to
    (third,) = servers.keys() - {first, second}
    say(servers[first], GetData((ENTRY, InvEntry(TX, bytes(32)))))
    say(servers[second], GetData((InvEntry(InvType.BLOCK, TXID),)))
    say(servers[third], Inv((ENTRY,)))
    world.run(1)
    assert told(node.machine.broadcaster, txid) == Broadcast(txid, (first, second), (first,), (third,))
    machine = only_peer(servers[first])
    assert machine.stats.received["tx"].messages == 1
    assert machine.version is not None
    assert machine.version.relay, "or nobody would announce anything to us"
    assert node.machine.sync.headers.peers_asked() == ()
    assert node.tree.tip_position == 0


def test_peers_that_want_to_hear_of_no_transactions_are_left_alone() -> None:
    world = World()
    server = world.node(at="1.0.0.1:1", relay=False)
    node = world.node(connect=addresses(1))
    txid = node.give("broadcast", RAW, 1)
    world.run(60)
    assert node.machine.ready_count == 1
    assert told(node.machine.broadcaster, txid).announced_to == ()
    theirs, ours = only_peer(node).version, only_peer(server).version
    assert theirs is not None
    assert ours is not None
    assert (theirs.relay, ours.relay) == (False, False), "by default neither side hears of transactions"


def told(broadcaster: Broadcaster, txid: Hash) -> Broadcast:
    report = broadcaster.report(txid)
    assert report is not None
    return report


def only_peer(node: VirtualNode) -> PeerMachine:
    (machine,) = filter(None, map(node.machine.peer, node.machine.peer_ids))
    return machine


def say(node: VirtualNode, message: Message) -> None:
    """Have a node send what it would not send by itself, to its one peer."""
    only_peer(node).send(message, node.world.now)
    (peer,) = node.machine.peer_ids
    node.machine._done(peer, node.world.now)
    node.settle()


def found(world: World, **config: Any) -> VirtualNode:
    """A node among twelve others that want to hear of transactions, found by a seed, for three quarters of an hour."""
    several = tuple(Address(f"{number}.1.0.1", 4444) for number in range(1, 13))
    for each in several:
        world.node(at=str(each), relay=True)
    world.names["seed.example"] = several
    node = world.node(peers=8, dns=True, **config)
    world.run(45 * 60.0)
    return node


def test_peers_for_blocks_alone_hear_of_no_transaction() -> None:
    node = found(World(toynet(dns_seeds=("seed.example",))))
    txid = node.give("broadcast", RAW, 100)
    kinds = {machine.address: node.machine.slots.kind(number) for number, machine in peers_of(node)}
    assert sorted(map(str, kinds.values())) == 2 * ["block-relay-only"] + 6 * ["outbound-full-relay"]
    assert {kinds[each] for each in told(node.machine.broadcaster, txid).announced_to} == {Kind.FULL}
    assert len(told(node.machine.broadcaster, txid).announced_to) == 6


def test_a_node_that_brings_no_chain_has_none_for_blocks_alone_and_lets_nobody_go_for_having_none() -> None:
    node = found(World(toynet(dns_seeds=("seed.example",))), sync=False)
    txid = node.give("broadcast", RAW, 100)
    assert len(told(node.machine.broadcaster, txid).announced_to) == node.machine.ready_count == 8
    lost = {event.message for event in node.events_of(PeerLost) if event.was_ready}
    assert lost <= {"a feeler: somebody is there", "others were quicker"}


def peers_of(node: VirtualNode) -> list[tuple[int, PeerMachine]]:
    return [(number, peer) for number in node.machine.peer_ids if (peer := node.machine.peer(number)) is not None]
