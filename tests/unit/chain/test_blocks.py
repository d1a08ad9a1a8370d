"""Which blocks are held, and in which order they are delivered."""

from __future__ import annotations

import pytest

from headway.chain import blocks as blocks_module
from headway.chain.blocks import BlockChain
from headway.chain.headers import HeaderTree
from tests.toynet import TOYNET, toy_chain, toy_headers

NOW = 1_700_000_000.0


def grown(length: int) -> tuple[HeaderTree, list[bytes]]:
    tree, blocks = HeaderTree(TOYNET), toy_chain(length)
    tree.add(toy_headers(blocks), NOW)
    return tree, blocks


def hold(chain: BlockChain, *positions: int) -> None:
    for position in positions:
        chain.mark(position)


def test_genesis_is_held_from_the_start() -> None:
    tree, _ = grown(3)
    chain = BlockChain(tree)
    assert chain.holds(0)
    assert chain.first_missing == 1
    assert chain.tip is not None
    assert chain.tip.height == 0


def test_blocks_stored_out_of_order_are_delivered_in_order() -> None:
    tree, _ = grown(4)
    chain = BlockChain(tree)
    hold(chain, 2, 3)
    assert not chain.advance()
    assert chain.held == 3
    hold(chain, 1)
    assert chain.advance().connected == (1, 2, 3)
    hold(chain, 4)
    assert chain.advance().connected == (4,)
    assert not chain.advance()


def test_what_was_held_before_counts_as_delivered() -> None:
    tree, _ = grown(6)
    chain = BlockChain(tree, [1, 2, 3, 5])
    assert chain.first_missing == 4
    assert chain.tip_position == 3
    hold(chain, 4)
    assert chain.advance().connected == (4, 5)


def test_a_floor_delivers_from_there_on() -> None:
    tree, _ = grown(6)
    chain = BlockChain(tree, floor=4)
    assert chain.first_missing == 4
    assert chain.tip is None
    hold(chain, 4, 5)
    assert chain.advance().connected == (4, 5)
    assert chain.delivered(5) == 5
    assert chain.delivered(3) is None


def test_headers_of_a_heavier_fork_take_nothing_back_before_its_blocks_are_here() -> None:
    tree, blocks = grown(5)
    chain = BlockChain(tree, range(1, 6))
    rival = toy_chain(4, salt=1, parent=blocks[2])
    tree.add(toy_headers(rival), NOW)  # positions 6 to 9, heights 4 to 7
    assert not chain.advance()
    assert chain.first_missing == 4
    hold(chain, 6, 7)  # as heavy as what was delivered: first seen stays
    assert not chain.advance()
    assert chain.delivered(4) == 4
    hold(chain, 8)
    moved = chain.advance()
    assert moved.disconnected == (5, 4)
    assert moved.connected == (6, 7, 8)
    assert chain.delivered(4) == 6


def test_a_reorganisation_back_connects_what_is_still_held() -> None:
    tree, blocks = grown(3)
    chain = BlockChain(tree, range(1, 4))
    rival = toy_chain(4, salt=1)
    tree.add(toy_headers(rival), NOW)
    hold(chain, 4, 5, 6, 7)
    assert chain.advance().disconnected == (3, 2, 1)
    tree.add(toy_headers(toy_chain(2, parent=blocks[2])), NOW)
    assert not chain.advance()
    hold(chain, 8, 9)
    moved = chain.advance()
    assert moved.disconnected == (7, 6, 5, 4)
    assert moved.connected == (1, 2, 3, 8, 9)


def test_an_invalid_delivered_block_is_taken_back_though_what_remains_is_lighter() -> None:
    tree, _ = grown(5)
    chain = BlockChain(tree, range(1, 6))
    tree.invalidate(4)
    moved = chain.advance()
    assert moved.disconnected == (5, 4)
    assert moved.connected == ()
    assert chain.tip_position == 3


def test_an_invalid_chain_down_to_the_floor_leaves_nothing_delivered() -> None:
    tree, _ = grown(5)
    chain = BlockChain(tree, range(1, 6), floor=3)
    tree.invalidate(3)
    assert chain.advance().disconnected == (5, 4, 3)
    assert chain.tip is None


def test_a_forgotten_block_is_wanted_again() -> None:
    tree, _ = grown(3)
    chain = BlockChain(tree, [1, 2])
    chain.forget(1)
    assert not chain.holds(1)
    chain.start_at(0)
    assert chain.first_missing == 1


# Blocks that are lost, and blocks that are pruned.


def test_a_lost_block_is_missing_again_and_stays_delivered() -> None:
    tree, _ = grown(6)
    chain = BlockChain(tree, range(1, 7))
    chain.forget(3)
    assert not chain.holds(3)
    assert chain.first_missing == 3
    assert not chain.advance()
    assert (chain.tip_position, chain.delivered(3), chain.delivered(6)) == (6, 3, 6)
    hold(chain, 3)
    assert not chain.advance()
    assert chain.first_missing == 7


def test_a_lost_block_of_another_branch_takes_nothing_off_this_one() -> None:
    tree, blocks = grown(5)
    rival = toy_chain(1, salt=1, parent=blocks[2])
    tree.add(toy_headers(rival), NOW)
    chain = BlockChain(tree, range(1, 7))
    chain.forget(6)
    chain.forget(6)
    assert chain.first_missing == 6


def test_pruned_blocks_are_held_no_more_and_still_count_as_delivered() -> None:
    tree, _ = grown(8)
    chain = BlockChain(tree, range(1, 6))
    chain.prune(4)
    assert (chain.pruned_below, chain.floor, chain.first_missing, chain.tip_position) == (4, 4, 6, 5)
    assert [chain.holds(position) for position in range(7)] == [True, False, False, False, True, True, False]
    assert [chain.delivered(height) for height in (3, 4, 5, 6)] == [None, 4, 5, None]
    hold(chain, 6)
    assert chain.advance().connected == (6,)
    chain.prune(2)
    assert (chain.pruned_below, chain.floor) == (4, 4)


def test_a_chain_that_begins_above_what_was_pruned_is_left_alone() -> None:
    tree, _ = grown(8)
    chain = BlockChain(tree, [5, 6], floor=5)
    chain.prune(4)
    assert (chain.floor, chain.first_missing, chain.tip_position) == (5, 7, 6)
    chain.start_at(0)
    assert (chain.floor, chain.first_missing) == (4, 4)


def test_a_directory_that_was_pruned_begins_where_its_blocks_begin() -> None:
    tree, _ = grown(8)
    chain = BlockChain(tree, [2, 4, 5, 6])
    chain.prune(4)
    assert (chain.floor, chain.first_missing, chain.tip_position) == (4, 7, 6)
    assert not chain.advance()


def test_pruning_past_a_lost_block_gives_it_up() -> None:
    tree, _ = grown(8)
    chain = BlockChain(tree, range(1, 9))
    chain.forget(3)
    chain.prune(5)
    assert (chain.floor, chain.first_missing, chain.tip_position) == (5, 9, 8)


def test_a_reorganisation_above_what_was_pruned_goes_on_as_ever() -> None:
    tree, blocks = grown(6)
    chain = BlockChain(tree, range(1, 7))
    chain.prune(3)
    tree.add(toy_headers(toy_chain(4, salt=1, parent=blocks[3])), NOW)  # positions 7 to 10, heights 5 to 8
    hold(chain, 7, 8, 9, 10)
    moved = chain.advance()
    assert (moved.disconnected, moved.connected) == ((6, 5), (7, 8, 9, 10))


def test_what_may_be_pruned_is_deep_delivered_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "KEPT", 3)
    tree, _ = grown(12)
    chain = BlockChain(tree)
    assert chain.keep_from == 0
    hold(chain, *range(1, 9), 11)
    chain.advance()
    assert (chain.tip_position, chain.keep_from) == (8, 6)  # 6, 7 and 8 stay
    for needed, keep_from in ((0, 0), (3, 0), (5, 2), (9, 6), (12, 6), (None, 6)):
        chain.needed = needed
        assert chain.keep_from == keep_from


def test_288_blocks_are_kept() -> None:
    tree, _ = grown(300)
    chain = BlockChain(tree, range(1, 301))
    assert chain.keep_from == 13
    assert len(range(chain.keep_from, 301)) == blocks_module.KEPT == 288


def test_nothing_may_be_pruned_where_nothing_is_delivered() -> None:
    tree, _ = grown(10)
    assert BlockChain(tree, [7, 8], floor=6).keep_from == 0
