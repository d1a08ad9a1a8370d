"""Transactions of real shapes: read by the parser for users, and by the scan that the rules use."""

from __future__ import annotations

import random

import pytest

from headway.kernel.scan import scan
from headway.kernel.transaction import broken_rule, read_transaction
from headway.networks.bitcoin.transaction import Transaction
from headway.testing.payment import MEAN_SIZE, SHAPES, Shape, choose_shapes

each_shape = pytest.mark.parametrize("shape", [pytest.param(shape, id=name) for name, (_, shape) in SHAPES.items()])


@each_shape
def test_a_shape_makes_transactions_of_its_size_that_break_no_rule(shape: Shape) -> None:
    raw = shape.make(random.Random(1))
    assert len(raw) == shape.size
    assert scan(bytes(80) + b"\1" + raw).starts == [81, 81 + shape.size]
    assert not broken_rule(read_transaction(raw, 0, has_witness=bool(shape.witness)))


@each_shape
def test_a_shape_strips_its_transactions_to_what_the_txid_is_the_hash_of(shape: Shape) -> None:
    raw = shape.make(random.Random(2))
    assert shape.stripped(raw) == Transaction.from_raw(raw).stripped


@each_shape
def test_no_two_transactions_of_a_shape_spend_the_same_output(shape: Shape) -> None:
    rng = random.Random(3)
    spent = [(item.txid, item.index) for _ in range(20) for item in Transaction.from_raw(shape.make(rng)).inputs]
    assert len(set(spent)) == len(spent)


def test_the_witness_of_the_most_common_shape_is_a_signature_and_a_key() -> None:
    _, shape = SHAPES["two coins, paid and change"]
    transaction = Transaction.from_raw(shape.make(random.Random(4)))
    assert [[len(item) for item in items] for items in transaction.witness] == [[71, 33], [71, 33]]
    assert [len(output.script) for output in transaction.outputs] == [22, 22]


def test_a_block_full_of_the_largest_amounts_stays_below_all_the_coins_there_are() -> None:
    largest = max(output.value for _, shape in SHAPES.values() for output in _all_ones(shape).outputs)
    assert largest == (1 << 32) - 1
    assert 4_000_000 // 31 * largest < 21_000_000 * 100_000_000


def test_shapes_are_drawn_by_their_share() -> None:
    drawn = choose_shapes(24_000, random.Random(5))
    for weight, shape in SHAPES.values():
        assert 0.8 < drawn.count(shape) / (1_000 * weight) < 1.2
    assert 0.98 < sum(shape.size for shape in drawn) / len(drawn) / MEAN_SIZE < 1.02


def _all_ones(shape: Shape) -> Transaction:
    """A transaction whose random bits are all set."""
    return Transaction.from_raw((shape.mask | shape.fixed).to_bytes(shape.size, "little"))
