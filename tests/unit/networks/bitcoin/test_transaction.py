from __future__ import annotations

import random

import pytest

from headway.errors import CodecError
from headway.networks.bitcoin.transaction import Transaction, TxInput, TxOutput, take_transaction
from headway.types import hash_hex
from headway.wire.buffer import Reader
from tests.chain_builder import payment, sha256d, transaction, tx_input, tx_output
from tests.memory import traced

LEGACY = transaction([tx_input(bytes(range(36)), b"\x51")], [tx_output(7, b"\x52")], lock_time=9, version=2**31 - 1)
SEGWIT = transaction(
    [tx_input(bytes(36)), tx_input(b"\1" * 36, sequence=5)], [tx_output(-1, b"")], witness=[(b"a", b""), ()]
)


def test_fields_of_a_transaction_without_witness() -> None:
    tx = Transaction.from_raw(LEGACY)
    assert tx.raw == tx.stripped == LEGACY
    assert tx.txid == tx.wtxid == sha256d(LEGACY)
    assert tx.inputs == (TxInput(bytes(range(32)), 0x23222120, b"\x51", 0xFFFFFFFF),)
    assert tx.outputs == (TxOutput(7, b"\x52"),)
    assert (tx.version, tx.lock_time, tx.witness) == (2**31 - 1, 9, ((),))


def test_fields_of_a_transaction_with_witness() -> None:
    tx = Transaction.from_raw(SEGWIT)
    stripped = transaction([tx_input(bytes(36)), tx_input(b"\1" * 36, sequence=5)], [tx_output(-1, b"")])
    assert (tx.stripped, tx.txid, tx.wtxid) == (stripped, sha256d(stripped), sha256d(SEGWIT))
    assert tx.witness == ((b"a", b""), ())
    assert [item.sequence for item in tx.inputs] == [0xFFFFFFFF, 5]
    assert tx.outputs[0].value == -1


def test_nothing_is_built_of_a_transaction_until_somebody_looks_into_it() -> None:
    raw = transaction([tx_input(bytes(36))], [tx_output(7, b"")] * 20_000)
    with traced() as memory:
        tx = Transaction.from_raw(raw)
        assert memory()[1] < 10_000
        assert len(tx.outputs) == 20_000
        assert memory()[0] > 1_000_000


def test_equal_bytes_are_equal_transactions() -> None:
    assert Transaction.from_raw(SEGWIT) == Transaction.from_raw(SEGWIT) != Transaction.from_raw(LEGACY)


def test_people_see_the_id_and_the_counts() -> None:
    assert str(Transaction.from_raw(SEGWIT)) == f"{hash_hex(Transaction.from_raw(SEGWIT).txid)} (2 in, 1 out)"


def test_core_s_empty_transaction_has_neither_inputs_nor_outputs() -> None:
    tx = Transaction.from_raw(bytes(10))
    assert (tx.inputs, tx.outputs, tx.txid) == ((), (), sha256d(bytes(10)))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "tx.version"),
        (LEGACY + b"\0", "too many"),
        (LEGACY[:4] + b"\0\2" + LEGACY[4:], "tx.flag is 2"),
        (transaction([tx_input(bytes(36))], [], witness=[()]), "no witness"),
        (LEGACY[:4] + b"\xfd\x01\x00" + LEGACY[5:], "shortest form"),
        (LEGACY[:4] + b"\xff" + b"\xff" * 8, "tx.inputs"),
        (LEGACY[:41] + b"\xfe\xff\xff\xff\x00", "tx.input.script"),
    ],
)
def test_bytes_that_are_no_transaction_are_refused_with_the_reason(raw: bytes, why: str) -> None:
    with pytest.raises(CodecError, match=why):
        Transaction.from_raw(raw)


def test_a_transaction_cut_anywhere_is_refused() -> None:
    for raw in (LEGACY, SEGWIT, payment(random.Random(1), inputs=3)):
        for size in range(len(raw)):
            with pytest.raises(CodecError):
                Transaction.from_raw(raw[:size])


def test_transactions_are_taken_one_after_another() -> None:
    parts = [LEGACY, SEGWIT, bytes(10), payment(random.Random(1), inputs=3)]
    reader = Reader(memoryview(b"".join(parts)))
    assert [take_transaction(reader) for _ in parts] == parts
    reader.end("parts")


def test_what_is_taken_is_what_is_read() -> None:
    """Two readers of one format, one that passes over it and one that reads its fields: they agree on every transaction
    with one byte changed."""
    agreed = 0
    for raw in (LEGACY, SEGWIT):
        for position in range(len(raw)):
            for value in (0, 1, 2, 0xFD, 0xFF):
                damaged = raw[:position] + bytes([value]) + raw[position + 1 :]
                assert _taken(damaged) == _read(damaged) == _accepted(damaged)
                agreed += _read(damaged)
    assert agreed > 100


def _read(raw: bytes) -> bool:
    try:
        fields = Transaction(raw, bytes(32)).inputs
    except CodecError:
        return False
    return isinstance(fields, tuple)


def _accepted(raw: bytes) -> bool:
    try:
        return Transaction.from_raw(raw).raw == raw
    except CodecError:
        return False


def _taken(raw: bytes) -> bool:
    try:
        return take_transaction(Reader(raw)) == raw
    except CodecError:
        return False


def test_an_announced_witness_that_is_not_there_is_not_taken() -> None:
    with pytest.raises(CodecError, match="no witness"):
        take_transaction(Reader(transaction([tx_input(bytes(36))], [], witness=[()])))
    with pytest.raises(CodecError, match=r"tx\.flag is 2"):
        take_transaction(Reader(LEGACY[:4] + b"\0\2" + LEGACY[4:]))
