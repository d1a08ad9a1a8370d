"""Our chain, as others may have it."""

from __future__ import annotations

import random
from dataclasses import replace

from headway.chain.headers import HeaderTree
from headway.network import Network
from headway.node.offer import HISTORICAL_AGE, LIMITED_DEPTH, STALE_AGE, Offer
from headway.sync.scheduler import SyncScheduler
from headway.types import BlockId
from tests.toynet import GENESIS, TOYNET, toy_chain, toy_hash, toy_headers

NOW = 1_700_000_000.0
RNG = random.Random(1)
DAYS_40 = 40 * 24 * 3600
STEP = 3600
"""Seconds from one block of the test chain to the next."""


class Story:
    """A node with a chain, a fork of one block that it has stored, too, and what it offers of them."""

    def __init__(self, length: int, *, fork_at: int, network: Network = TOYNET, floor: int | None = 0) -> None:
        self.chain = toy_chain(length, step=STEP)
        self.fork = toy_chain(1, salt=1, parent=self.chain[fork_at - 1], step=STEP)[0]
        self.tree = HeaderTree(network)
        self.tree.restore(toy_headers(self.chain).compact())
        self.tree.add(toy_headers([self.fork]), NOW)
        held = range(1, len(self.tree))
        self.offer = Offer(network, self.tree, SyncScheduler(network, self.tree, stored=held, floor=floor, rng=RNG))

    def position(self, height: int) -> int:
        return self.tree.at(height)


def test_a_block_off_our_chain_is_offered_while_it_is_fresh() -> None:
    fresh = Story(100, fork_at=50)
    assert fresh.offer.block(toy_hash(fresh.fork)) == fresh.tree.find(toy_hash(fresh.fork))
    assert fresh.offer.header(toy_hash(fresh.fork)) is not None
    hours = STALE_AGE // STEP
    stale = Story(hours + 10, fork_at=5)
    assert stale.offer.block(toy_hash(stale.fork)) is None
    assert stale.offer.header(toy_hash(stale.fork)) is None
    assert stale.offer.block(toy_hash(stale.chain[0])) is not None, "on our chain the oldest is offered"


def test_an_invalid_block_is_not_offered() -> None:
    story = Story(100, fork_at=50)
    position = story.tree.find(toy_hash(story.fork))
    assert position is not None
    story.tree.invalidate(position)
    assert story.offer.block(toy_hash(story.fork)) is None


def test_what_is_not_stored_and_what_nobody_knows_is_not_offered() -> None:
    chain = toy_chain(20)
    tree = HeaderTree(TOYNET)
    tree.restore(toy_headers(chain).compact())
    offer = Offer(TOYNET, tree, SyncScheduler(TOYNET, tree, stored=range(1, 11), floor=0, rng=RNG))
    assert offer.block(toy_hash(chain[9])) == 10
    assert offer.block(toy_hash(chain[10])) is None
    assert offer.block(b"?" * 32) is None
    assert offer.block(GENESIS.hash) == 0


def test_history_is_what_is_a_week_older_than_our_best_header() -> None:
    hours = HISTORICAL_AGE // STEP
    story = Story(hours + 10, fork_at=5)
    assert story.offer.is_historical(story.position(9))
    assert not story.offer.is_historical(story.position(11))


def test_deep_is_what_a_pruned_node_need_not_have() -> None:
    story = Story(LIMITED_DEPTH + 10, fork_at=5)
    assert story.offer.is_deep(story.position(9))
    assert not story.offer.is_deep(story.position(10))


def test_a_chain_with_too_little_work_is_nobodys_business() -> None:
    assert Story(9, fork_at=5, network=replace(TOYNET, minimum_chainwork=10)).offer.is_heavy_enough
    assert not Story(9, fork_at=5, network=replace(TOYNET, minimum_chainwork=11)).offer.is_heavy_enough


def test_a_run_ends_at_the_top_and_at_what_was_asked() -> None:
    story = Story(20, fork_at=5)
    assert list(story.offer.run(5, 3)) == [story.position(height) for height in (5, 6, 7)]
    assert list(story.offer.run(19, 100)) == [story.position(19), story.position(20)]
    assert list(story.offer.run(21, 5)) == []


def test_what_comes_after_a_fork_follows_its_last_block_on_our_chain() -> None:
    story = Story(20, fork_at=5)
    ids = (BlockId(6, toy_hash(story.fork)), BlockId(5, toy_hash(story.chain[4])))
    assert story.offer.after(ids, bytes(32), 2) == [story.position(6), story.position(7)]
