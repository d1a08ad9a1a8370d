"""Our own line is measured, and no peer is asked to be faster than its share of it."""

from __future__ import annotations

import random

from headway.node.line import HALF_LIFE, LEAST, PART, SEVERAL, SPAN, LineRate
from headway.node.table import Peer, PeerTable
from headway.peer.config import PeerConfig
from headway.peer.machine import PeerMachine
from headway.types import Address
from headway.wire.messages import Block, Verack, Version
from tests.toynet import PARSER, PROTOCOL, TOYNET, toy_chain, toy_frame, toy_requests

MIN_RATE = 20_000.0
BLOCKS = toy_chain(4)
REQUESTS = toy_requests(BLOCKS)


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

    def deliver(self, number: int, count: int) -> None:
        """Whole blocks that it owes."""
        wire = TOYNET.codec.open(inbound=True)
        for raw in BLOCKS[:count]:
            self.machine(number).receive_data(b"".join(map(bytes, wire.encode(Block(raw, PARSER)))), 1.0)

    def begin(self, number: int, size: int) -> None:
        """The beginning of a message that is far from its end."""
        self.machine(number).receive_data(toy_frame(99, bytes(3_900_000))[:size], 1.0)

    def trickle(self, number: int, size: int) -> None:
        """A little more of it."""
        self.machine(number).receive_data(bytes(size), 1.0)

    def finish(self, *numbers: int) -> None:
        """They owe us nothing any more."""
        for number in numbers:
            peer = self.table.get(number)
            assert peer is not None
            assert peer.batch is not None
            peer.batch.finish(0.5)

    def rates(self) -> list[float]:
        return [self.machine(number).min_rate for number in self.table]


def test_a_good_line_asks_of_peers_what_the_limits_say() -> None:
    story = Story(SEVERAL)
    for number in story.table:
        story.begin(number, 100_000)
    story.line.measure(story.table, 1.0)
    assert story.rates() == [MIN_RATE] * SEVERAL


def test_on_a_slow_line_a_peer_need_not_be_faster_than_a_part_of_its_share() -> None:
    story = Story(SEVERAL)
    for number, size in enumerate((30_000, 10_000, 5_000), 1):
        story.begin(number, size)
    story.line.measure(story.table, 2.0)
    assert story.rates() == [PART * 45_000 / 2.0 / SEVERAL] * SEVERAL


def test_whole_blocks_show_how_fast_the_line_is_too() -> None:
    story = Story(SEVERAL)
    for number in story.table:
        story.deliver(number, 3)
    story.line.measure(story.table, 1.0)
    assert story.rates() == [LEAST] * SEVERAL


def test_what_is_asked_rises_again_with_the_line() -> None:
    story = Story(SEVERAL)
    for number in story.table:
        story.begin(number, 10_000)
    story.line.measure(story.table, 1.0)
    slow = story.rates()
    story.trickle(1, 1_000_000)
    story.line.measure(story.table, 2.0)
    assert slow[0] < MIN_RATE
    assert story.rates() == [MIN_RATE] * SEVERAL


def test_a_peer_that_is_slow_alone_is_held_to_what_the_line_gave_before() -> None:
    story = Story(SEVERAL)
    for number in story.table:
        story.begin(number, 1_000_000)
    story.line.measure(story.table, 1.0)
    story.finish(2, 3)
    for second in range(2, 60):
        story.trickle(1, 10)
        story.line.measure(story.table, float(second))
    assert story.rates()[0] == MIN_RATE


def test_a_better_past_is_forgotten_in_time_and_some_rate_is_asked_always() -> None:
    story = Story(1)
    story.begin(1, 1_000_000)
    story.line.measure(story.table, 1.0)
    found = []
    for second in range(2, 4_000):
        story.trickle(1, 10)
        story.line.measure(story.table, float(second))
        found.append(story.rates()[0])
    assert found[int(2 * HALF_LIFE)] == MIN_RATE
    assert found[-1] == LEAST


def test_who_sends_nothing_is_not_excused_by_a_line_that_nobody_uses() -> None:
    """It answers pings, and that is all that there is of it."""
    story = Story(1)
    story.bring(1, 200)
    for second in range(1, 4_000):
        if not second % 60:
            story.bring(1, 40)
        assert story.line.measure(story.table, float(second)) == frozenset()
        assert story.rates() == [MIN_RATE]


def test_who_waits_behind_others_on_a_slow_line_is_excused_by_them() -> None:
    story = Story(SEVERAL + 1)
    for number in range(1, SEVERAL + 1):
        story.begin(number, 10_000)
    story.line.measure(story.table, 1.0)
    assert story.rates()[-1] == PART * 30_000 / (SEVERAL + 1)


def test_a_line_that_brings_nothing_changes_nothing() -> None:
    story = Story(2)
    before = story.rates()
    assert story.line.measure(story.table, 1.0) == frozenset()
    assert story.rates() == before


def test_a_peer_that_owes_nothing_is_left_alone() -> None:
    story = Story(SEVERAL + 1)
    story.finish(1)
    for number in story.table:
        story.begin(number, 1_000)
    before = story.rates()
    story.line.measure(story.table, 1.0)
    assert story.rates()[0] == before[0]
    assert story.rates()[1] < before[1]


def test_who_is_in_the_middle_of_a_message_and_reaches_his_share_flows() -> None:
    story = Story(4)
    story.begin(1, 10_000)
    story.begin(2, 9_000)
    story.bring(3, 8_000)
    story.begin(4, 50)
    assert story.line.measure(story.table, 1.0) == {1, 2}


def test_a_trickler_does_not_flow_though_it_is_alone() -> None:
    story = Story(1)
    story.bring(1, 1_000_000)
    story.line.measure(story.table, 1.0)
    story.begin(1, 100)
    flowing = []
    for second in range(2, 60):
        story.trickle(1, 10)
        flowing.append(story.line.measure(story.table, float(second)))
    assert flowing[int(SPAN) + 1 :] == [frozenset()] * (len(flowing) - int(SPAN) - 1)


def test_only_the_last_seconds_count() -> None:
    story = Story(1)
    story.begin(1, 1_000_000)
    flowing = [story.line.measure(story.table, float(second)) for second in range(1, 10)]
    assert flowing[0] == {1}
    assert flowing[-1] == frozenset()
