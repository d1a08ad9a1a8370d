"""One Bitcoin transaction as a value that reads its fields when they are asked for.

For users, who ask a `Block` or `Tx` for it; the rules work on raw bytes (`headway.kernel`) and build none of these.
Called by `parser`; `take_transaction` by the payloads that carry transactions one after another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from headway.errors import CodecError
from headway.kernel import sha256d
from headway.types import Hash, hash_hex
from headway.wire.buffer import Reader

MAX_TRANSACTION: Final = 4_000_000
"""Bytes of a transaction, so of its scripts and witness items, and a bound on their counts [MAX_BLOCK_WEIGHT]."""

MIN_TRANSACTION: Final = 10
"""Bytes of a transaction with nothing in it [MIN_SERIALIZABLE_TRANSACTION_WEIGHT, a fourth of it]."""

_MIN_INPUT: Final = 41
"""Bytes of an input with an empty script; an output has at least 9, a witness item 1."""
_MIN_OUTPUT: Final = 9
_WITNESS_FLAG: Final = 1


@dataclass(frozen=True, slots=True)
class TxInput:
    """What an input spends (Core CTxIn): output `index` of transaction `txid`. A coinbase has 32 zero bytes there."""

    txid: Hash
    index: int
    script: bytes
    sequence: int


@dataclass(frozen=True, slots=True)
class TxOutput:
    """An amount and the script that guards it (Core CTxOut)."""

    value: int
    """Satoshi."""
    script: bytes


@dataclass(frozen=True)
class Transaction:
    """The bytes of a transaction and its id; the rest is read from the bytes when first asked for.

    Built by the parser, from bytes that it found to be a transaction: reading fields does not raise.
    """

    raw: bytes
    """As it travels, witness included."""
    txid: Hash
    """Hash without the witness: what outpoints and the merkle root name."""

    @classmethod
    def from_raw(cls, raw: bytes) -> Transaction:
        """Raises CodecError for bytes that are no transaction, or more than one. Builds nothing of what is in it."""
        reader = Reader(raw)
        witness_at = _pass_over(reader)
        reader.end("tx")
        return cls(raw, sha256d(_without_witness(raw, witness_at)))

    @property
    def wtxid(self) -> Hash:
        """Hash of all bytes, witness included (BIP141)."""
        return self.txid if self._body.witness_at is None else sha256d(self.raw)

    @property
    def stripped(self) -> bytes:
        """The bytes that `txid` is the hash of: all but marker, flag and witness."""
        return _without_witness(self.raw, self._body.witness_at)

    @property
    def version(self) -> int:
        return self._body.version

    @property
    def inputs(self) -> tuple[TxInput, ...]:
        return self._body.inputs

    @property
    def outputs(self) -> tuple[TxOutput, ...]:
        return self._body.outputs

    @property
    def witness(self) -> tuple[tuple[bytes, ...], ...]:
        """The items of each input's witness; empty tuples, one an input, where there is none."""
        return self._body.witness

    @property
    def lock_time(self) -> int:
        """A height below 500,000,000, else unix seconds; it counts unless all sequences are 0xffffffff."""
        return self._body.lock_time

    @cached_property
    def _body(self) -> _Body:
        return _read_body(self.raw)

    def __str__(self) -> str:
        return f"{hash_hex(self.txid)} ({len(self.inputs)} in, {len(self.outputs)} out)"


@dataclass(frozen=True, slots=True)
class _Body:
    version: int
    inputs: tuple[TxInput, ...]
    outputs: tuple[TxOutput, ...]
    witness: tuple[tuple[bytes, ...], ...]
    lock_time: int
    witness_at: int | None
    """Where the witness starts in the raw bytes; None for the form without one."""


def _without_witness(raw: bytes, witness_at: int | None) -> bytes:
    return raw if witness_at is None else raw[:4] + raw[6:witness_at] + raw[-4:]


def _read_body(raw: bytes) -> _Body:
    """Core UnserializeTransaction (primitives/transaction.h)."""
    reader = Reader(raw)
    version = reader.i32("tx.version")
    inputs = _read_inputs(reader)
    flag = 0
    outputs: tuple[TxOutput, ...] = ()
    if not inputs:  # no inputs, or the marker of the form with witness
        flag = reader.u8("tx.flag")
        if flag not in {0, _WITNESS_FLAG}:
            raise CodecError(f"tx.flag is {flag}")
        inputs = _read_inputs(reader) if flag else ()
    if inputs or flag:
        outputs = _read_outputs(reader)
    witness_at = reader.position if flag else None
    witness = tuple(_read_witness(reader) if flag else () for _ in inputs)
    if flag and not any(witness):
        raise CodecError("tx has a witness flag and no witness")
    lock_time = reader.u32("tx.lock_time")
    reader.end("tx")
    return _Body(version, inputs, outputs, witness, lock_time, witness_at)


def _read_inputs(reader: Reader) -> tuple[TxInput, ...]:
    count = reader.count("tx.inputs", MAX_TRANSACTION, _MIN_INPUT)
    return tuple(
        TxInput(
            reader.hash("tx.input.txid"),
            reader.u32("tx.input.index"),
            reader.var_bytes("tx.input.script", MAX_TRANSACTION),
            reader.u32("tx.input.sequence"),
        )
        for _ in range(count)
    )


def _read_outputs(reader: Reader) -> tuple[TxOutput, ...]:
    count = reader.count("tx.outputs", MAX_TRANSACTION, _MIN_OUTPUT)
    return tuple(
        TxOutput(reader.i64("tx.output.value"), reader.var_bytes("tx.output.script", MAX_TRANSACTION))
        for _ in range(count)
    )


def _read_witness(reader: Reader) -> tuple[bytes, ...]:
    count = reader.count("tx.witness", MAX_TRANSACTION, 1)
    return tuple(reader.var_bytes("tx.witness.item", MAX_TRANSACTION) for _ in range(count))


def take_transaction(reader: Reader) -> bytes:
    """The bytes of the transaction that comes next: passed over, and only then copied, so nothing large is built.

    Raises CodecError for bytes that `Transaction.from_raw` would not read either.
    """
    start = reader.position
    _pass_over(reader)
    return reader.since(start)


def _pass_over(reader: Reader) -> int | None:
    """To the end of the transaction that comes next. Where its witness starts; None for the form without one."""
    reader.skip(4, "tx.version")
    inputs = _skip_inputs(reader)
    flag = 0
    if not inputs:
        flag = reader.u8("tx.flag")
        if flag not in {0, _WITNESS_FLAG}:
            raise CodecError(f"tx.flag is {flag}")
        inputs = _skip_inputs(reader) if flag else 0
    if inputs or flag:
        _skip_outputs(reader)
    witness_at = reader.position if flag else None
    if flag and not sum(_skip_witness(reader) for _ in range(inputs)):
        raise CodecError("tx has a witness flag and no witness")
    reader.skip(4, "tx.lock_time")
    return witness_at


def _skip_inputs(reader: Reader) -> int:
    count = reader.count("tx.inputs", MAX_TRANSACTION, _MIN_INPUT)
    for _ in range(count):
        reader.skip(36, "tx.input.outpoint")
        _skip_var_bytes(reader, "tx.input.script")
        reader.skip(4, "tx.input.sequence")
    return count


def _skip_outputs(reader: Reader) -> None:
    for _ in range(reader.count("tx.outputs", MAX_TRANSACTION, _MIN_OUTPUT)):
        reader.skip(8, "tx.output.value")
        _skip_var_bytes(reader, "tx.output.script")


def _skip_witness(reader: Reader) -> int:
    """How many items one input's witness has."""
    count = reader.count("tx.witness", MAX_TRANSACTION, 1)
    for _ in range(count):
        _skip_var_bytes(reader, "tx.witness.item")
    return count


def _skip_var_bytes(reader: Reader, field: str) -> None:
    reader.skip(reader.count(field, MAX_TRANSACTION, 1), field)
