"""One Bitcoin transaction in full, and the rules that it can break by itself.

The slow, plain form: `block` reads the coinbase so, and every transaction once the columns of a block say that some
transaction may break a rule. Reads only what `scan` found well encoded, so it does not raise.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from headway.kernel.scan import compact_size

MAX_MONEY: Final = 21_000_000 * 100_000_000
"""Satoshi that can ever be (Core MAX_MONEY)."""
NULL_OUTPOINT: Final = bytes(32) + b"\xff" * 4
"""What a coinbase spends: nothing (Core COutPoint::IsNull)."""
FINAL_SEQUENCE: Final = b"\xff" * 4
"""A transaction whose inputs all have it ignores its lock time (Core CTxIn::SEQUENCE_FINAL)."""
MIN_COINBASE_SCRIPT: Final = 2
MAX_COINBASE_SCRIPT: Final = 100


class Input(NamedTuple):
    outpoint: bytes
    script: bytes
    sequence: bytes


class Output(NamedTuple):
    value: int
    script: bytes


class Transaction(NamedTuple):
    inputs: list[Input]
    outputs: list[Output]
    witness: list[list[bytes]]
    """One list an input; empty for the form without witness."""

    @property
    def is_coinbase(self) -> bool:
        return len(self.inputs) == 1 and self.inputs[0].outpoint == NULL_OUTPOINT

    @property
    def ignores_lock_time(self) -> bool:
        return all(item.sequence == FINAL_SEQUENCE for item in self.inputs)


def read_transaction(raw: bytes, start: int, *, has_witness: bool) -> Transaction:
    """The transaction that begins at `start`."""
    at = start + (6 if has_witness else 4)
    inputs, outputs, witness = [], [], []
    count, at = compact_size(raw, at)
    for _ in range(count):
        size, script = compact_size(raw, at + 36)
        end = script + size
        inputs.append(Input(raw[at : at + 36], raw[script:end], raw[end : end + 4]))
        at = end + 4
    count, at = compact_size(raw, at)
    for _ in range(count):
        size, script = compact_size(raw, at + 8)
        value = int.from_bytes(raw[at : at + 8], "little", signed=True)
        at = script + size
        outputs.append(Output(value, raw[script:at]))
    for _ in inputs if has_witness else ():
        items = []
        count, at = compact_size(raw, at)
        for _ in range(count):
            size, item = compact_size(raw, at)
            at = item + size
            items.append(raw[item:at])
        witness.append(items)
    return Transaction(inputs, outputs, witness)


def broken_rule(transaction: Transaction) -> str:
    """The first rule that it breaks by itself, or nothing (Core CheckTransaction, in its order).

    Its size is no rule here: that of its block is held already.
    """
    inputs, outputs = transaction.inputs, transaction.outputs
    if not inputs:
        return "bad-txns-vin-empty"
    if not outputs:
        return "bad-txns-vout-empty"
    return _broken_amount(outputs) or _broken_input(transaction)


def _broken_amount(outputs: list[Output]) -> str:
    total = 0
    for output in outputs:
        total += output.value
        if output.value < 0:
            return "bad-txns-vout-negative"
        if output.value > MAX_MONEY:
            return "bad-txns-vout-toolarge"
        if total > MAX_MONEY:
            return "bad-txns-txouttotal-toolarge"
    return ""


def _broken_input(transaction: Transaction) -> str:
    outpoints = [item.outpoint for item in transaction.inputs]
    if len(set(outpoints)) < len(outpoints):
        return "bad-txns-inputs-duplicate"  # CVE-2018-17144
    if transaction.is_coinbase:
        size = len(transaction.inputs[0].script)
        return "" if MIN_COINBASE_SCRIPT <= size <= MAX_COINBASE_SCRIPT else "bad-cb-length"
    return "bad-txns-prevout-null" if NULL_OUTPOINT in outpoints else ""
