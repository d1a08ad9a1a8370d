"""New blocks out of transactions that are here already: what is asked for, and what comes of the answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import pytest

from headway.chain.headers import HeaderTree
from headway.errors import InvalidCompactBlock
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.networks.bitcoin.parser import COMPACT_FORM, PARSER
from headway.node.answer import Answer, Assembled, Fault
from headway.node.reassembly import CacheUse, Reassembly
from headway.testing.chain import regtest_chain
from headway.types import BlockRequest
from headway.wire import messages as m
from tests.toynet import TOYNET, toy_chain, toy_headers

CHAIN: Final = list(regtest_chain(20, sizes=(4_000, 6_000)))
TIP: Final = CHAIN[-1]
HASH: Final = PARSER.block_header(TIP).hash
TRANSACTIONS: Final = [each.raw for each in PARSER.transactions(TIP)]
COUNT: Final = len(TRANSACTIONS) - 1
COMPACT: Final = COMPACT_FORM.shortened(TIP, 7)
NOW: Final = 2_000_000_000.0


class Story:
    """A node at the tip, one block short, with peers that have compact blocks."""

    def __init__(self, limit: int = 10_000_000, network: Network = REGTEST, peers: Sequence[int] = (1, 2)) -> None:
        self.tree = HeaderTree(network)
        if network is REGTEST:
            self.tree.add(m.Headers.fixed(b"".join(block[:80] for block in CHAIN), PARSER, size=80), NOW)
        else:
            self.tree.add(toy_headers(toy_chain(5)), NOW)
        self.reassembly = Reassembly(network, self.tree, limit)
        for peer in peers:
            self.reassembly.add_peer(peer, negotiated=frozenset({"wtxidrelay"}), announces=True)
            self.reassembly.received(peer, m.SendCmpct(announce=False, version=2))

    def request(self, height: int = 20) -> BlockRequest:
        return self.tree.request(self.tree.at(height))

    def tell(self, raws: Iterable[bytes], peer: int = 1, *, brings: bool = True) -> None:
        """The peer announces transactions, and brings them when asked."""
        known = {PARSER.transaction(raw).wtxid: raw for raw in raws}
        self.reassembly.announced(peer, [m.InvEntry(m.InvType.WTX, each) for each in known], 0.0)
        while brings and (answers := self.answers(peer)):
            for question in answers:
                assert isinstance(question, m.GetData)
                for entry in question.entries:
                    self.reassembly.transaction(peer, m.Tx(known[entry.hash], PARSER), 0.0)

    def answers(self, peer: int = 1) -> list[m.Message]:
        found = self.reassembly.take()
        assert all(isinstance(each, Answer) and each.peer == peer for each in found)
        return [each.message for each in found if isinstance(each, Answer)]

    def asks_compact(self, peer: int = 1, *requests: BlockRequest) -> bool:
        asked = self.reassembly.choose(peer, requests or (self.request(),))
        assert [each.hash for each in asked] == [each.hash for each in requests or (self.request(),)]
        return any(each.compact for each in asked)

    def brings(self, message: m.Message, peer: int = 1) -> None:
        self.reassembly.received(peer, message)

    def assembled(self, peer: int = 1) -> bytes:
        [found] = self.reassembly.take()
        assert isinstance(found, Assembled)
        assert (found.peer, found.block.is_assembled) == (peer, True)
        return bytes(found.block)

    @property
    def use(self) -> CacheUse:
        return self.reassembly.use


def test_a_block_whose_transactions_are_here_comes_by_their_ids_alone() -> None:
    story = Story()
    story.tell(TRANSACTIONS[1:])
    assert story.asks_compact()
    story.brings(COMPACT)
    assert story.assembled() == TIP
    use = story.use
    assert (use.blocks, use.at_once, use.failed, use.found, use.asked) == (1, 1, 0, COUNT, 0)
    assert (use.transactions, use.hit_rate) == (COUNT, 1.0)
    assert use.bytes > len(TIP)


def test_what_is_not_here_is_asked_for() -> None:
    story = Story()
    story.tell(TRANSACTIONS[1:-2])
    assert story.asks_compact()
    story.brings(COMPACT)
    assert story.answers() == [m.GetBlockTxn(HASH, (COUNT - 1, COUNT))]
    story.brings(m.BlockTxn(b"?" * 32, ()))
    assert story.reassembly.take() == [], "an answer about another block"
    story.brings(m.BlockTxn(HASH, tuple(m.Tx(raw, PARSER) for raw in TRANSACTIONS[-2:])))
    assert story.assembled() == TIP
    assert (story.use.at_once, story.use.topped_up, story.use.found, story.use.asked) == (0, 1, COUNT - 2, 2)
    assert story.use.hit_rate == (COUNT - 2) / COUNT
    story.brings(m.BlockTxn(HASH, tuple(m.Tx(raw, PARSER) for raw in TRANSACTIONS[-2:])))
    assert story.reassembly.take() == [], "once is enough"


def test_a_peer_that_brings_another_number_of_transactions_is_at_fault() -> None:
    story = Story()
    story.tell(TRANSACTIONS[1:-2])
    story.asks_compact()
    story.brings(COMPACT)
    story.answers()
    story.brings(m.BlockTxn(HASH, (m.Tx(TRANSACTIONS[-1], PARSER),)))
    [fault] = story.reassembly.take()
    assert isinstance(fault, Fault)
    assert isinstance(fault.error, InvalidCompactBlock)
    assert (fault.peer, str(fault.error)) == (1, "blocktxn: 1 transactions, 2 were asked for")


def test_a_block_without_transactions_is_a_fault() -> None:
    story = Story()
    story.tell(TRANSACTIONS[1:])
    story.asks_compact()
    story.brings(replace(COMPACT, short_ids=(), prefilled=()))
    [fault] = story.reassembly.take()
    assert isinstance(fault, Fault)


def test_a_block_that_cannot_be_put_together_is_asked_for_whole() -> None:
    story = Story()
    story.tell(TRANSACTIONS[1:])
    story.asks_compact()
    story.brings(replace(COMPACT, short_ids=(COMPACT.short_ids[0],) * COUNT))
    assert story.answers() == [m.GetData((m.InvEntry(m.InvType.WITNESS_BLOCK, HASH),))]
    assert (story.use.blocks, story.use.failed) == (1, 1)


def test_a_block_larger_than_any_message_is_asked_for_whole() -> None:
    small = replace(REGTEST, limits=replace(REGTEST.limits, max_payload=2_000))
    story = Story(network=REGTEST)
    story.reassembly = Reassembly(small, story.tree, 10_000_000)
    story.reassembly.add_peer(1, negotiated=frozenset({"wtxidrelay"}), announces=True)
    story.brings(m.SendCmpct(announce=False, version=2))
    story.tell(TRANSACTIONS[1:])
    story.asks_compact()
    story.brings(COMPACT)
    assert story.answers() == [m.GetData((m.InvEntry(m.InvType.WITNESS_BLOCK, HASH),))]
    assert (story.use.blocks, story.use.at_once, story.use.failed) == (1, 0, 1)


def test_a_block_is_asked_for_so_once() -> None:
    story = Story()
    story.tell(TRANSACTIONS[1:])
    assert story.asks_compact(1)
    assert not story.asks_compact(2)
    assert not story.asks_compact(1)


def test_only_the_newest_block_and_it_alone_is_asked_for_so() -> None:
    story = Story()
    story.tell(TRANSACTIONS[1:])
    assert not story.asks_compact(1, story.request(19))
    assert not story.asks_compact(1, story.request(19), story.request(20))
    assert story.asks_compact(1, story.request(20))


def test_not_of_a_peer_that_has_no_such_blocks() -> None:
    story = Story()
    story.tell(TRANSACTIONS[1:])
    story.reassembly.add_peer(7, negotiated=frozenset(), announces=False)
    assert not story.asks_compact(7)
    story.brings(m.SendCmpct(announce=True, version=1), 7)
    assert not story.asks_compact(7)
    story.brings(m.SendCmpct(announce=True, version=2), 7)
    story.brings(m.SendCmpct(announce=True, version=3), 7)
    assert story.asks_compact(7)
    assert not story.asks_compact(99)


def test_not_while_the_cache_is_empty() -> None:
    assert not Story().asks_compact()


def test_what_nobody_asked_for_is_nothing() -> None:
    story = Story()
    story.reassembly.transaction(1, m.Tx(TRANSACTIONS[1], PARSER), 0.0)
    assert story.use.transactions == 0
    story.tell(TRANSACTIONS[1:])
    story.brings(COMPACT)  # an announcement
    story.brings(m.BlockTxn(HASH, ()))
    assert story.reassembly.take() == []
    assert story.use.blocks == 0


def test_another_block_than_the_one_that_was_asked_for_is_passed_over() -> None:
    story = Story()
    story.tell(TRANSACTIONS[1:])
    story.asks_compact()
    story.brings(COMPACT_FORM.shortened(CHAIN[-2], 3))
    assert story.reassembly.take() == []
    story.brings(COMPACT)
    assert story.assembled() == TIP


def test_what_one_does_not_bring_is_asked_of_another_in_time() -> None:
    story = Story()
    story.tell(TRANSACTIONS[1:3], 1, brings=False)
    assert len(story.answers(1)) == 1
    story.tell(TRANSACTIONS[1:3], 2, brings=False)
    assert story.answers(2) == []
    story.reassembly.tick(59.0)
    assert story.reassembly.take() == []
    story.reassembly.tick(61.0)
    [question] = story.answers(2)
    assert isinstance(question, m.GetData)
    assert len(question.entries) == 2


def test_a_peer_that_leaves_leaves_its_transactions() -> None:
    story = Story()
    story.tell(TRANSACTIONS[1:], 1)
    story.asks_compact(1)
    story.reassembly.drop_peer(1)
    story.brings(COMPACT, 1)
    assert story.reassembly.take() == []
    assert story.use.transactions == COUNT
    story.reassembly.drop_peer(99)


def test_peers_for_blocks_alone_are_asked_for_no_transactions() -> None:
    story = Story()
    story.reassembly.add_peer(7, negotiated=frozenset(), announces=False)
    story.tell(TRANSACTIONS[1:], 7, brings=False)
    assert story.reassembly.take() == []


@pytest.mark.parametrize(("limit", "network"), [(0, REGTEST), (10_000_000, TOYNET)])
def test_without_a_cache_or_such_blocks_nothing_is_asked_for(limit: int, network: Network) -> None:
    story = Story(limit, network)
    story.reassembly.announced(1, [m.InvEntry(m.InvType.WTX, b"1" * 32)], 0.0)
    story.reassembly.transaction(1, m.Tx(TRANSACTIONS[1], PARSER), 0.0)
    story.reassembly.tick(100.0)
    assert story.reassembly.take() == []
    assert story.use == CacheUse()
    assert story.use.hit_rate is None
    assert not story.asks_compact(1, story.tree.request(story.tree.tip_position))
