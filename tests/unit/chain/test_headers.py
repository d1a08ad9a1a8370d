"""The header tree, on the toy network: it knows no chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from headway.chain.headers import NOT_KNOWN, HeaderTree, Judged
from headway.chain.records import pack
from headway.errors import CondemnedHeader, FutureHeader
from headway.network import Limits
from headway.types import BlockId
from tests.sealednet import PARSER, SEALED, seal, sealed_chain, sealed_headers, trusted_at
from tests.toynet import GENESIS, HEADER_SIZE, TOYNET, toy_block, toy_chain, toy_hash, toy_headers, toynet

NOW = 1_700_000_000.0


def tree_with(blocks: Sequence[bytes], **changes: Any) -> HeaderTree:
    tree = HeaderTree(toynet(**changes))
    added = tree.add(toy_headers(blocks), NOW)
    assert added.count == len(blocks)
    return tree


def test_a_new_tree_holds_genesis_alone() -> None:
    tree = HeaderTree(TOYNET)
    assert len(tree) == 1
    assert tree.tip == GENESIS
    assert tree.find(GENESIS.hash) == 0
    assert tree.parent(0) == NOT_KNOWN


def test_headers_join_with_height_and_work() -> None:
    blocks = toy_chain(5)
    tree = tree_with(blocks)
    assert tree.tip == BlockId(5, toy_hash(blocks[-1]))
    position = tree.find(toy_hash(blocks[2]))
    assert position == 3
    assert (tree.height(3), tree.chainwork(3), tree.parent(3)) == (3, 4, 2)
    assert tree.header(3) == blocks[2][:44]
    assert tree.at(3) == 3


def test_known_headers_in_front_are_passed_over() -> None:
    blocks = toy_chain(8)
    tree = tree_with(blocks[:5])
    added = tree.add(toy_headers(blocks), NOW)
    assert (added.count, tree.height(added.last)) == (3, 8)
    assert added.raw == b"".join(block[:44] for block in blocks[5:])


def test_a_message_of_known_headers_changes_nothing_and_says_how_far_the_sender_is() -> None:
    blocks = toy_chain(5)
    tree = tree_with(blocks)
    added = tree.add(toy_headers(blocks[:3]), NOW)
    assert (added.count, added.raw, tree.height(added.last), len(tree)) == (0, b"", 3, 6)


def test_headers_that_do_not_connect_are_neither_judged_nor_kept() -> None:
    tree = HeaderTree(TOYNET)
    added = tree.add(toy_headers(toy_chain(5)[2:]), NOW)
    assert not added.connects
    assert added.error is None
    assert len(tree) == 1


def test_a_broken_rule_leaves_no_trace_of_the_whole_message() -> None:
    blocks = toy_chain(4)
    bad = toy_block(toy_hash(blocks[3]), 1)
    tree = HeaderTree(TOYNET)
    added = tree.add(toy_headers([*blocks, bad]), NOW)
    assert added.error is not None
    assert (added.error.rule, added.error.block) == ("time-too-old", BlockId(5, toy_hash(bad)))
    assert (len(tree), added.count, added.last) == (1, 0, NOT_KNOWN)


def test_known_headers_followed_by_one_that_is_not_linked_to_them_are_refused() -> None:
    blocks = toy_chain(4)
    tree = tree_with(blocks)
    other = toy_chain(1, salt=7, parent=blocks[0])
    added = tree.add(toy_headers([blocks[1], blocks[2], *other]), NOW)
    assert added.error is not None
    assert added.error.rule == "bad-prevblk"


def test_a_header_from_the_future_keeps_what_came_before_it() -> None:
    blocks = toy_chain(3)
    far = toy_block(toy_hash(blocks[-1]), int(NOW) + 100_000)
    tree = HeaderTree(TOYNET)
    added = tree.add(toy_headers([*blocks, far]), NOW)
    assert isinstance(added.error, FutureHeader)
    assert (added.count, tree.tip.height) == (3, 3)
    again = tree.add(toy_headers([far]), NOW)
    assert isinstance(again.error, FutureHeader)
    assert (again.count, tree.height(again.last)) == (0, 3)
    assert tree.add(toy_headers([far]), NOW + 100_000).error is None


def test_the_best_chain_is_the_one_with_most_work_and_the_first_seen_among_equals() -> None:
    blocks, rival = toy_chain(5), toy_chain(6, salt=1)
    tree = tree_with(blocks)
    assert tree.add(toy_headers(rival[:5]), NOW).disconnected == 0
    assert tree.tip.hash == toy_hash(blocks[4])
    added = tree.add(toy_headers(rival[5:]), NOW)
    assert added.disconnected == 5
    assert tree.tip == BlockId(6, toy_hash(rival[5]))
    assert [tree.hash(tree.at(height)) for height in range(1, 7)] == [toy_hash(block) for block in rival]


def test_fork_is_the_last_common_ancestor_with_the_best_chain() -> None:
    blocks = toy_chain(6)
    rival = toy_chain(2, salt=1, parent=blocks[2])
    tree = tree_with(blocks)
    added = tree.add(toy_headers(rival), NOW)
    assert tree.height(tree.fork(added.last)) == 3
    assert tree.fork(tree.tip_position) == tree.tip_position


def test_a_branch_off_the_best_chain_reads_its_own_headers_and_the_shared_ones() -> None:
    blocks = toy_chain(6)
    rival = toy_chain(2, salt=1, parent=blocks[2])
    tree = tree_with(blocks)
    branch = tree.branch(tree.add(toy_headers(rival), NOW).last)
    assert branch.height == 5
    assert branch.hash == toy_hash(rival[1])
    assert [branch.header(height) for height in (2, 3, 4, 5)] == [b[:44] for b in (*blocks[1:3], *rival)]


def test_an_invalid_block_condemns_its_descendants_and_the_best_other_chain_is_chosen() -> None:
    blocks = toy_chain(8)
    rival = toy_chain(3, salt=1, parent=blocks[2])
    tree = tree_with(blocks)
    tree.add(toy_headers(rival), NOW)
    left = tree.invalidate(tree.at(5))
    assert left == 5  # heights 4 to 8 of the old chain
    assert tree.tip == BlockId(6, toy_hash(rival[-1]))
    assert not tree.is_valid(8)
    assert tree.is_valid(4)
    added = tree.add(toy_headers(toy_chain(1, parent=blocks[7])), NOW)
    assert added.error is not None
    assert "invalid" in str(added.error)


def test_a_chain_known_to_be_invalid_is_refused_when_it_comes_again() -> None:
    blocks = toy_chain(8)
    tree = tree_with(blocks)
    tree.invalidate(tree.at(5))
    added = tree.add(toy_headers(blocks), NOW)
    assert added.error is not None
    assert isinstance(added.error, CondemnedHeader), "the peer may follow other rules: that is no lie"
    assert (added.error.rule, added.error.block) == ("duplicate-invalid", BlockId(5, toy_hash(blocks[4])))
    added = tree.add(toy_headers([*blocks, *toy_chain(1, parent=blocks[-1])]), NOW)
    assert isinstance(added.error, CondemnedHeader)
    assert (added.error.rule, added.error.block) == ("bad-prevblk", BlockId(5, toy_hash(blocks[4])))
    assert added.last == NOT_KNOWN
    assert tree.add(toy_headers(blocks[:4]), NOW).last == 4


def test_without_another_branch_the_last_good_block_is_the_tip() -> None:
    tree = tree_with(toy_chain(8))
    assert tree.invalidate(tree.at(5)) == 4
    assert tree.tip.height == 4
    assert tree.add(toy_headers(toy_chain(2, salt=3, parent=toy_chain(8)[3])), NOW).count == 2
    assert tree.tip.height == 6


def test_genesis_cannot_be_condemned() -> None:
    with pytest.raises(ValueError, match="root"):
        HeaderTree(TOYNET).invalidate(0)


def test_headers_below_the_minimum_work_are_refused_beyond_their_bound() -> None:
    blocks = toy_chain(30)
    network = {"minimum_chainwork": 1_000, "limits": Limits(max_low_work_headers=25)}
    tree = tree_with(blocks[:20], **network)
    added = tree.add(toy_headers(blocks[20:]), NOW)
    assert added.error is not None
    assert added.error.rule == "too-little-chainwork"
    assert tree.tip.height == 20
    assert tree.add(toy_headers(blocks[20:24]), NOW).count == 4


def test_headers_above_the_minimum_work_are_not_bounded() -> None:
    network = {"minimum_chainwork": 5, "limits": Limits(max_low_work_headers=10)}
    tree = tree_with(toy_chain(8), **network)
    assert tree.add(toy_headers(toy_chain(50)), NOW).count == 42


def test_restored_headers_give_the_same_tree() -> None:
    blocks = toy_chain(6)
    rival = toy_chain(5, salt=1, parent=blocks[2])
    tree, copy = HeaderTree(TOYNET), HeaderTree(TOYNET)
    for part in (blocks[:4], blocks[4:], rival):
        copy.restore(tree.add(toy_headers(part), NOW).raw)
    assert copy.tip == tree.tip
    assert [copy.id(n) for n in range(len(copy))] == [tree.id(n) for n in range(len(tree))]


def test_restoring_a_run_without_its_parent_is_an_error() -> None:
    with pytest.raises(ValueError, match="parent"):
        HeaderTree(TOYNET).restore(toy_headers(toy_chain(4)[2:]).compact())


@pytest.mark.parametrize("height", [-1, 7])
def test_heights_off_the_chain_raise_index_error(height: int) -> None:
    with pytest.raises(IndexError):
        tree_with(toy_chain(6)).at(height)


# A chain whose headers must be proved, and that is final.


def sealed_tree(blocks: Sequence[bytes] = ()) -> HeaderTree:
    tree = HeaderTree(SEALED)
    if blocks:
        assert tree.add(sealed_headers(blocks), NOW).error is None
    return tree


def test_a_header_without_its_proof_is_not_in_the_tree() -> None:
    tree, blocks = HeaderTree(SEALED), sealed_chain(4)
    judged = tree.judge(sealed_headers(blocks), NOW)
    assert isinstance(judged, Judged)
    assert [proof.number for proof in judged.verdict.proofs] == [0, 1, 2, 3]
    assert len(tree) == 1
    added = tree.accept(judged)
    assert (added.count, tree.tip.height) == (4, 4)


def test_a_few_proofs_are_asked_for_where_they_prove_all_hashes() -> None:
    judged = HeaderTree(SEALED).judge(sealed_headers(sealed_chain(4)), NOW, thorough=False)
    assert isinstance(judged, Judged)
    assert [proof.number for proof in judged.verdict.proofs] == [3]


def test_a_proof_that_does_not_hold_names_its_header_and_leaves_no_trace() -> None:
    tree, blocks = HeaderTree(SEALED), sealed_chain(3, seals=(b"ok", b"no", b"ok"))
    added = tree.add(sealed_headers(blocks), NOW)
    assert added.error is not None
    assert (added.error.rule, added.error.block) == ("bad-witness", BlockId(2, PARSER.block_header(blocks[1]).hash))
    assert len(tree) == 1


def test_the_tree_keeps_what_the_hash_covers_and_hands_the_whole_to_the_store() -> None:
    blocks = sealed_chain(3)
    tree, headers = HeaderTree(SEALED), sealed_headers(blocks)
    added = tree.add(headers, NOW)
    assert tree.header(2) == blocks[1][:HEADER_SIZE]
    assert added.raw == pack(headers, 0)
    again = HeaderTree(SEALED)
    assert again.restore(added.raw) == 1
    assert again.tip == tree.tip


def test_a_locator_is_no_longer_than_the_chain_takes() -> None:
    tree = tree_with(toy_chain(200), limits=Limits(max_locator=14))
    assert [entry.height for entry in tree.locator()] == [*range(200, 188, -1), 187, 0]


@pytest.mark.parametrize("known", range(6))
def test_what_others_brought_while_headers_were_proved_is_not_added_twice(known: int) -> None:
    tree, blocks = HeaderTree(SEALED), sealed_chain(5)
    judged = tree.judge(sealed_headers(blocks), NOW)
    assert isinstance(judged, Judged)
    if known:
        tree.add(sealed_headers(blocks[:known]), NOW)
    added = tree.accept(judged)
    assert (added.count, len(tree), tree.tip.height) == (5 - known, 6, 5)
    assert added.raw == (pack(sealed_headers(blocks[known:]), 0) if known < 5 else b"")


@pytest.mark.parametrize("fork", [0, 2, 3])
def test_a_second_valid_header_on_a_final_chain_is_a_conflict_and_changes_nothing(fork: int) -> None:
    blocks, rival = sealed_chain(4), sealed_chain(9, salt=1)
    tree = sealed_tree(blocks)
    if fork:
        rival = [seal(block, b"ok") for block in toy_chain(9, salt=1, parent=blocks[fork - 1][:HEADER_SIZE])]
    added = tree.add(sealed_headers(rival), NOW)
    assert added.conflict == BlockId(fork + 1, PARSER.block_header(rival[0]).hash)
    assert (added.count, added.error, tree.tip.height, len(tree)) == (0, None, 4, 5)


def test_a_rival_whose_proof_does_not_hold_is_a_fault_and_no_conflict() -> None:
    added = sealed_tree(sealed_chain(4)).add(sealed_headers(sealed_chain(9, salt=1, seals=[b"no"])), NOW)
    assert added.conflict is None
    assert added.error is not None


def test_a_tree_may_begin_at_a_block_that_the_user_trusts() -> None:
    blocks = sealed_chain(40)
    root = BlockId(10, PARSER.block_header(blocks[9]).hash)
    tree = HeaderTree(trusted_at(root))
    assert (tree.tip, tree.first_block, tree.height(0), tree.at(10)) == (root, 11, 10, 0)
    added = tree.add(sealed_headers(blocks[10:]), NOW)
    assert (added.count, tree.tip.height, tree.height(tree.at(25))) == (30, 40, 25)
    assert [entry.height for entry in tree.locator()][-2:] == [15, 10]
    with pytest.raises(IndexError):
        tree.at(9)
    assert not tree.add(sealed_headers(blocks[5:8]), NOW).connects
