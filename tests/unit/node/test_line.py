"""Our own line is measured, and no peer is asked to be faster than its share of it."""

from __future__ import annotations

import random

from headway.node.line import INTERVAL, LineRate
from headway.node.table import Peer, PeerTable
from headway.peer.config import PeerConfig
from headway.peer.machine import PeerMachine
from headway.types import Address
from headway.wire.messages import Verack, Version
from tests.toynet import PROTOCOL, TOYNET, toy_chain, toy_frame, toy_requests

MIN_RATE = 1_000.0
REQUESTS = toy_requests(toy_chain(4))


class Story:
    """Ready peers that each owe a block, and what they send in the meantime."""

    def __init__(self, count: int) -> None:
        self.table = PeerTable()
        self.line = LineRate(MIN_RATE)
        for _ in range(count):
            self.table.add(self._ready())
        self.line.measure(self.table, 0.0)

    def _ready(self) -> Peer:
        address = Address("1.0.0.1", 1)
        machine = PeerMachine(PeerConfig(TOYNET), inbound=False, address=address, rng=random.Random(1))
        machine.handle_connected(0.0, 0.0)
        wire = TOYNET.codec.open(inbound=True)
        for message in (Version(PROTOCOL, 9, 0, 5, "/remote/", 0), Verack()):
            machine.receive_data(wire.encode(message)[0], 0.0)
        peer = Peer(machine, address, inbound=False)
        peer.batch = machine.request_blocks(REQUESTS, 0.0)
        return peer

    def machine(self, number: int) -> PeerMachine:
        peer = self.table.get(number)
        assert peer is not None
        return peer.machine

    def bring(self, number: int, size: int) -> None:
        """Bytes that are no block: a message that nobody knows."""
        self.machine(number).receive_data(toy_frame(99, bytes(size)), 1.0)

    def rates(self) -> list[float]:
        return [self.machine(number).min_rate for number in self.table]


def test_a_good_line_asks_of_peers_what_the_limits_say() -> None:
    story = Story(2)
    for number in story.table:
        story.bring(number, 100_000)
    story.line.measure(story.table, INTERVAL)
    assert story.rates() == [MIN_RATE, MIN_RATE]


def test_on_a_slow_line_a_peer_need_not_be_faster_than_half_its_share() -> None:
    story = Story(2)
    before = [story.machine(number).stats.bytes_received for number in story.table]
    story.bring(1, 3_000)
    story.bring(2, 1_000)
    after = [story.machine(number).stats.bytes_received for number in story.table]
    story.line.measure(story.table, INTERVAL)
    share = (sum(after) - sum(before)) / INTERVAL / 2
    assert story.rates() == [share / 2, share / 2]


def test_what_is_asked_rises_again_with_the_line() -> None:
    story = Story(1)
    story.bring(1, 1_000)
    story.line.measure(story.table, INTERVAL)
    slow = story.rates()
    story.bring(1, 1_000_000)
    story.line.measure(story.table, 2 * INTERVAL)
    assert slow[0] < MIN_RATE
    assert story.rates() == [MIN_RATE]


def test_a_line_that_brings_nothing_changes_nothing() -> None:
    story = Story(2)
    before = story.rates()
    story.line.measure(story.table, INTERVAL)
    assert story.rates() == before


def test_a_peer_that_owes_nothing_is_not_measured() -> None:
    story = Story(2)
    idle = story.table.get(2)
    assert idle is not None
    assert idle.batch is not None
    idle.batch.finish(0.5)
    story.bring(1, 1_000)
    before = story.rates()
    story.line.measure(story.table, INTERVAL)
    assert story.rates()[0] < before[0]
    assert story.rates()[1] == before[1]


def test_measurements_are_some_seconds_apart() -> None:
    story = Story(1)
    before = story.rates()
    story.bring(1, 100)
    story.line.measure(story.table, INTERVAL - 0.1)
    assert story.rates() == before
