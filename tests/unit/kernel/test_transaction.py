"""What a transaction can break by itself: Core's CheckTransaction."""

from __future__ import annotations

import random

import pytest

from headway.kernel.transaction import MAX_MONEY, NULL_OUTPOINT, Transaction, broken_rule, read_transaction
from tests import chain_builder
from tests.chain_builder import payment, transaction, tx_input, tx_output

FIRST, SECOND = bytes(36), b"\1" * 36


def read(raw: bytes) -> Transaction:
    """From the middle of other bytes, as in a block."""
    return read_transaction(b"before" + raw + b"behind", 6, has_witness=raw[4:6] == b"\0\1")


def rule_of(inputs: list[bytes], values: list[int]) -> str:
    return broken_rule(read(transaction(inputs, [tx_output(value, b"\x51") for value in values])))


def test_fields_are_those_that_were_written() -> None:
    raw = transaction(
        [tx_input(FIRST, b"in", sequence=1), tx_input(SECOND, bytes(300))],
        [tx_output(-1, b"out"), tx_output(7, bytes(70_000))],
        witness=[(), (b"", b"item", bytes(253))],
        lock_time=9,
    )
    found = read(raw)
    assert [(item.outpoint, item.script) for item in found.inputs] == [(FIRST, b"in"), (SECOND, bytes(300))]
    assert [item.sequence for item in found.inputs] == [b"\1\0\0\0", b"\xff" * 4]
    assert [(output.value, output.script) for output in found.outputs] == [(-1, b"out"), (7, bytes(70_000))]
    assert found.witness == [[], [b"", b"item", bytes(253)]]


def test_without_witness_there_are_no_lists_of_items() -> None:
    assert read(transaction([tx_input(FIRST)], [tx_output(1, b"")])).witness == []


def test_coinbase_has_one_input_that_spends_nothing() -> None:
    assert read(chain_builder.coinbase(3)).is_coinbase
    assert not read(payment(random.Random(0))).is_coinbase
    assert not read(transaction([tx_input(NULL_OUTPOINT)] * 2, [])).is_coinbase
    assert not read(transaction([tx_input(bytes(36))], [])).is_coinbase


def test_lock_time_is_ignored_only_if_every_sequence_is_final() -> None:
    final, other = tx_input(FIRST), tx_input(SECOND, sequence=0xFFFFFFFE)
    assert read(transaction([final, final], [])).ignores_lock_time
    assert not read(transaction([final, other], [])).ignores_lock_time


@pytest.mark.parametrize(
    ("inputs", "values", "rule"),
    [
        ([tx_input(FIRST)], [1], ""),
        ([], [], "bad-txns-vin-empty"),
        ([tx_input(FIRST)], [], "bad-txns-vout-empty"),
        ([tx_input(FIRST)], [-1], "bad-txns-vout-negative"),
        ([tx_input(FIRST)], [MAX_MONEY], ""),
        ([tx_input(FIRST)], [MAX_MONEY + 1], "bad-txns-vout-toolarge"),
        ([tx_input(FIRST)], [MAX_MONEY, 0], ""),
        ([tx_input(FIRST)], [MAX_MONEY, 1], "bad-txns-txouttotal-toolarge"),
        ([tx_input(FIRST)], [MAX_MONEY, 1, -1], "bad-txns-txouttotal-toolarge"),
        ([tx_input(FIRST)], [-1, MAX_MONEY + 1], "bad-txns-vout-negative"),
        ([tx_input(FIRST), tx_input(SECOND)], [1], ""),
        ([tx_input(FIRST), tx_input(FIRST, b"\x51")], [1], "bad-txns-inputs-duplicate"),
        ([tx_input(FIRST), tx_input(NULL_OUTPOINT)], [1], "bad-txns-prevout-null"),
        ([tx_input(NULL_OUTPOINT), tx_input(NULL_OUTPOINT)], [1], "bad-txns-inputs-duplicate"),
        ([tx_input(bytes(32) + b"\0" * 4)], [1], ""),  # the hash alone is not null
        ([tx_input(NULL_OUTPOINT, bytes(1))], [1], "bad-cb-length"),
        ([tx_input(NULL_OUTPOINT, bytes(2))], [1], ""),
        ([tx_input(NULL_OUTPOINT, bytes(100))], [1], ""),
        ([tx_input(NULL_OUTPOINT, bytes(101))], [1], "bad-cb-length"),
        ([tx_input(NULL_OUTPOINT, bytes(101))], [-1], "bad-txns-vout-negative"),
    ],
)
def test_the_first_broken_rule_is_core_s(inputs: list[bytes], values: list[int], rule: str) -> None:
    assert rule_of(inputs, values) == rule
