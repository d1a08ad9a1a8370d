"""The conformance tests of serving: number 40 of the forty, and of number 39 the side that answers."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from headway.chain.headers import HeaderTree
from headway.node.answer import Answer, ReadBlock
from headway.node.handout import LIFETIME, SHARE, SPREAD
from headway.node.offer import HISTORICAL_AGE, STALE_AGE
from headway.node.orders import PeerLost
from headway.node.serve import Server
from headway.peer.events import Reason
from headway.sync.scheduler import SyncScheduler
from headway.types import Address, BlockId
from headway.wire import messages as m
from tests.stranger import Stranger
from tests.toynet import GENESIS, TOYNET, toy_chain, toy_hash, toy_headers
from tests.virtual import WALL, VirtualNode, World

HERE: Final = "1.0.0.1:1"
STEP: Final = 3_600
"""Seconds from one block of a chain to the next."""
BOOK: Final = tuple(Address(f"{20 + n}.{n}.1.1", 8333, 9, int(WALL) - 60) for n in range(200))


def called(stranger: Stranger, node: VirtualNode, source: str = "8.200.3.4:50000") -> int:
    link = stranger.call(node, source=source)
    assert link is not None
    stranger.shake(link)
    return link


def ask(stranger: Stranger, link: int, *messages: m.Message) -> list[m.Message]:
    stranger.says(link, *messages)
    return stranger.hears(link)


# 39: getaddr.


def addresses_told(heard: list[m.Message]) -> list[tuple[Address, ...]]:
    return [each.addresses for each in heard if isinstance(each, m.Addr | m.AddrV2)]


def test_getaddr_is_answered_once_a_connection_by_a_share_of_the_book_that_stays_the_same_for_a_day() -> None:
    """Conformance test 39."""
    world = World()
    node, stranger = world.node(at=HERE, peers_file=BOOK), Stranger(world)
    known = len(node.machine.slots.book)
    link = called(stranger, node)
    [first] = addresses_told(ask(stranger, link, m.GetAddr()))
    assert 0 < len(first) <= known * SHARE
    assert addresses_told(ask(stranger, link, m.GetAddr(), m.GetAddr())) == []
    world.run(LIFETIME - 10.0)
    [again] = addresses_told(ask(stranger, called(stranger, node, "9.9.9.9:1"), m.GetAddr()))
    assert set(again) == set(first)
    world.run(SPREAD + 10.0)
    [later] = addresses_told(ask(stranger, called(stranger, node, "9.9.9.8:1"), m.GetAddr()))
    assert set(later) != set(first)


def test_whom_we_dialled_gets_no_addresses_of_us() -> None:
    """Conformance test 39: it could map us by asking again and again."""
    world = World()
    stranger = Stranger(world, at="8.200.3.4:1")
    world.node(at=HERE, connect=(Address("8.200.3.4", 1),), peers_file=BOOK)
    world.run(2.0)
    (link,) = stranger.links
    stranger.shake(link)
    assert addresses_told(ask(stranger, link, m.GetAddr())) == []


# 40: what is not given.


def test_headers_are_an_empty_answer_while_our_chain_has_too_little_work() -> None:
    """Conformance test 40: silence would look like a stall."""
    chain = toy_chain(20)
    for minimum, count in ((20, 20), (10_000, 0)):
        world = World(replace(TOYNET, minimum_chainwork=minimum))
        node, stranger = world.node(chain, at=HERE), Stranger(world)
        link = called(stranger, node)
        heard = ask(stranger, link, m.GetHeaders((BlockId(0, GENESIS.hash),)))
        assert [len(each) for each in heard if isinstance(each, m.Headers)] == [count]


def test_a_stale_block_that_is_older_than_a_month_is_not_given() -> None:
    """Conformance test 40: who has it was online then, which tells one node from others."""
    for length, given in ((STALE_AGE // STEP - 40, True), (STALE_AGE // STEP + 100, False)):
        chain = toy_chain(length, step=STEP)
        (stale,) = toy_chain(1, salt=1, parent=chain[4], step=STEP)
        tree = HeaderTree(TOYNET)
        tree.restore(toy_headers(chain).compact())
        tree.add(toy_headers([stale]), WALL)
        sync = SyncScheduler(TOYNET, tree, stored=range(1, len(tree)), floor=0, rng=random.Random(1))
        server = Server(TOYNET, tree, sync)
        server.add_peer(1)
        entry = m.InvEntry(m.InvType.BLOCK, toy_hash(stale))
        server.received(1, m.GetData((entry,)), 0.0)
        expected = ReadBlock(1, len(tree) - 1) if given else Answer(1, m.NotFound((entry,)))
        assert server.take() == [expected]


def test_with_the_upload_target_reached_old_blocks_are_refused_and_new_ones_given() -> None:
    """Conformance test 40."""
    chain = toy_chain(HISTORICAL_AGE // STEP + 100, step=STEP)
    world = World(replace(TOYNET, block_interval=1e9))  # so that nearly nothing is held back for new blocks
    node, stranger = world.node(chain, at=HERE, upload_target=8 * len(chain[0])), Stranger(world)

    def blocks(link: int, *heights: int) -> list[m.Message]:
        entries = tuple(m.InvEntry(m.InvType.BLOCK, toy_hash(chain[height - 1])) for height in heights)
        return [each for each in ask(stranger, link, m.GetData(entries)) if isinstance(each, m.Block)]

    link = called(stranger, node)
    assert [len(blocks(link, height)) for height in (1, 2, 3)] == [1, 1, 0], "one peer gets a quarter"
    [lost] = node.events_of(PeerLost)
    assert (lost.reason, lost.message) == (Reason.REFUSED, "our upload target is reached")
    link = called(stranger, node)
    assert len(blocks(link, *range(len(chain) - 20, len(chain)))) == 20
    assert stranger.links == [link]
    assert blocks(link, 4) == [], "what was spent on new blocks counts, too"
    assert stranger.links == []
