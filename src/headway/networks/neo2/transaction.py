"""One transaction of Neo Legacy: where it lies among other bytes, and as a value that reads its fields when asked.

    type 1 | version 1 | what only that type has | attributes | inputs | outputs | witnesses

The id is the sha256d of all before the witnesses. `scan_transaction` is hot and takes hostile bytes: it indexes them
and leaves it to IndexError to say that they end too soon; a length is only ever added to a position. Nothing is judged
but the encoding, and no more of it than finding the end needs. Called by `parser`; users ask a `Block` or `Tx`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from headway.errors import CodecError
from headway.kernel import sha256d
from headway.kernel.scan import compact_size
from headway.types import Hash, hash_hex

_HASH: Final = 32
_INPUT_SIZE: Final = _HASH + 2
_OUTPUT_SIZE: Final = _HASH + 8 + 20

_VARIABLE: Final = -1
"""An attribute whose length stands before it as a compact size."""
_SHORT: Final = -2
"""An attribute whose length stands before it in one byte."""

# What an attribute's first byte, its usage, says of its length (C# TransactionAttribute).
_ATTRIBUTES: Final[dict[int, int]] = {
    **dict.fromkeys([0x00, 0x02, 0x03, 0x30, *range(0xA1, 0xB0)], _HASH),  # hashes, and the X of a key
    0x20: 20,  # a script that must sign, too
    0x81: _SHORT,  # an address of the description
    **dict.fromkeys([0x90, *range(0xF0, 0x100)], _VARIABLE),  # descriptions, remarks
}


@dataclass(frozen=True, slots=True)
class TxInput:
    """What an input spends: output `index` of transaction `txid`."""

    txid: Hash
    index: int


@dataclass(frozen=True, slots=True)
class TxOutput:
    """How much of which asset goes to which script."""

    asset: Hash
    value: int
    """In units of 10**-8."""
    script_hash: bytes
    """20 bytes in wire order."""


@dataclass(frozen=True)
class Transaction:
    """The bytes of a transaction and its id; the rest is read from the bytes when first asked for.

    Built by the parser, from bytes that it found to be a transaction: reading fields does not raise.
    """

    raw: bytes
    """As it travels, witnesses included."""
    txid: Hash

    @classmethod
    def from_raw(cls, raw: bytes) -> Transaction:
        """Raises CodecError for bytes that are no transaction, or more than one."""
        try:
            unsigned, end = scan_transaction(raw, 0)
        except IndexError:
            raise CodecError("transaction: truncated") from None
        except ValueError as error:
            raise CodecError(f"transaction: {error}") from None
        if end != len(raw):
            raise CodecError(f"a transaction that ends at byte {end} has {len(raw)} bytes")
        return cls(raw, sha256d(raw[:unsigned]))

    @property
    def hash(self) -> Hash:
        """What Neo calls the id."""
        return self.txid

    @property
    def type(self) -> int:
        return self.raw[0]

    @property
    def version(self) -> int:
        return self.raw[1]

    @property
    def unsigned(self) -> bytes:
        """What the id is the hash of: all but the witnesses."""
        return self.raw[: self._body.unsigned]

    @property
    def exclusive(self) -> bytes:
        """What only transactions of this type have, as it travels."""
        return self.raw[2 : self._body.attributes_at]

    @property
    def attributes(self) -> tuple[tuple[int, bytes], ...]:
        """Usage and data of each."""
        return self._body.attributes

    @property
    def inputs(self) -> tuple[TxInput, ...]:
        return self._body.inputs

    @property
    def outputs(self) -> tuple[TxOutput, ...]:
        return self._body.outputs

    @property
    def witnesses(self) -> tuple[tuple[bytes, bytes], ...]:
        """Invocation and verification script of each. No hash covers them."""
        return self._body.witnesses

    @cached_property
    def _body(self) -> _Body:
        return _read_body(self.raw)

    def __str__(self) -> str:
        return f"{hash_hex(self.txid)} (type {self.type:02x}, {len(self.inputs)} in, {len(self.outputs)} out)"


def scan_transaction(raw: bytes, start: int) -> tuple[int, int]:
    """Where the hashed part of the transaction at `start` ends, and where the whole of it does.

    Raises ValueError or IndexError for bytes that are none. The end may lie behind the end of `raw`: whoever calls
    compares it.
    """
    at = _skip_attributes(raw, _skip_exclusive(raw, start))
    inputs, at = compact_size(raw, at)
    outputs, at = compact_size(raw, at + inputs * _INPUT_SIZE)
    unsigned = at + outputs * _OUTPUT_SIZE
    witnesses, at = compact_size(raw, unsigned)
    for _ in range(2 * witnesses):
        at = _skip_var_bytes(raw, at)
    return unsigned, at


# What follows takes the position where its part begins, and returns the one behind it.


def _skip_exclusive(raw: bytes, start: int) -> int:
    skip = _EXCLUSIVE.get(raw[start])
    if skip is None:
        raise ValueError(f"type {raw[start]:02x} is none that we know")
    return skip(raw, start + 2, raw[start + 1])


def _skip_attributes(raw: bytes, at: int) -> int:
    count, at = compact_size(raw, at)
    for _ in range(count):
        at = _attribute_span(raw, at)[1]
    return at


def _attribute_span(raw: bytes, at: int) -> tuple[int, int]:
    """Where the data of an attribute begins, and where it ends."""
    size = _ATTRIBUTES.get(raw[at])
    at += 1
    if size is None:
        raise ValueError(f"attribute {raw[at - 1]:02x} is none that we know")
    if size == _VARIABLE:
        size, at = compact_size(raw, at)
    elif size == _SHORT:
        size, at = raw[at], at + 1
    return at, at + size


def _skip_var_bytes(raw: bytes, at: int) -> int:
    size, at = compact_size(raw, at)
    return at + size


def _skip_key(raw: bytes, at: int) -> int:
    """A compressed point, or one byte for infinity."""
    if raw[at] > 3 or raw[at] == 1:
        raise ValueError(f"a key begins with {raw[at]:02x}")
    return at + (33 if raw[at] else 1)


def _skip_miner(_raw: bytes, at: int, _version: int) -> int:
    return at + 4  # a nonce


def _skip_nothing(_raw: bytes, at: int, _version: int) -> int:
    return at


def _skip_claim(raw: bytes, at: int, _version: int) -> int:
    count, at = compact_size(raw, at)
    return at + count * _INPUT_SIZE


def _skip_enrollment(raw: bytes, at: int, _version: int) -> int:
    return _skip_key(raw, at)


def _skip_register(raw: bytes, at: int, _version: int) -> int:
    """asset type 1 | name | amount 8 | precision 1 | owner's key | admin 20"""
    at = _skip_var_bytes(raw, at + 1)
    return _skip_key(raw, at + 9) + 20


def _skip_state(raw: bytes, at: int, _version: int) -> int:
    """Descriptors: type 1 | key | field | value"""
    count, at = compact_size(raw, at)
    for _ in range(count):
        at += 1
        for _ in range(3):
            at = _skip_var_bytes(raw, at)
    return at


def _skip_publish(raw: bytes, at: int, version: int) -> int:
    """script | parameters | return type 1 | from version 1 on: needs storage 1 | five texts"""
    at = _skip_var_bytes(raw, _skip_var_bytes(raw, at))
    at += 2 if version else 1
    for _ in range(5):
        at = _skip_var_bytes(raw, at)
    return at


def _skip_invocation(raw: bytes, at: int, version: int) -> int:
    """script | from version 1 on: gas 8"""
    return _skip_var_bytes(raw, at) + (8 if version else 0)


_EXCLUSIVE: Final[Mapping[int, Callable[[bytes, int, int], int]]] = {
    0x00: _skip_miner,
    0x01: _skip_nothing,  # issue
    0x02: _skip_claim,
    0x20: _skip_enrollment,
    0x40: _skip_register,
    0x80: _skip_nothing,  # contract
    0x90: _skip_state,
    0xD0: _skip_publish,
    0xD1: _skip_invocation,
}


@dataclass(frozen=True, slots=True)
class _Body:
    attributes_at: int
    attributes: tuple[tuple[int, bytes], ...]
    inputs: tuple[TxInput, ...]
    outputs: tuple[TxOutput, ...]
    unsigned: int
    witnesses: tuple[tuple[bytes, bytes], ...]


def _read_body(raw: bytes) -> _Body:
    attributes_at = _skip_exclusive(raw, 0)
    count, at = compact_size(raw, attributes_at)
    attributes = []
    for _ in range(count):
        start, end = _attribute_span(raw, at)
        attributes.append((raw[at], raw[start:end]))
        at = end
    count, at = compact_size(raw, at)
    inputs = tuple(_read_input(raw, at + i * _INPUT_SIZE) for i in range(count))
    count, at = compact_size(raw, at + count * _INPUT_SIZE)
    outputs = tuple(_read_output(raw, at + i * _OUTPUT_SIZE) for i in range(count))
    unsigned = at + count * _OUTPUT_SIZE
    count, at = compact_size(raw, unsigned)
    scripts = []
    for _ in range(2 * count):
        size, at = compact_size(raw, at)
        scripts.append(raw[at : at + size])
        at += size
    witnesses = tuple(zip(scripts[::2], scripts[1::2], strict=True))
    return _Body(attributes_at, tuple(attributes), inputs, outputs, unsigned, witnesses)


def _read_input(raw: bytes, at: int) -> TxInput:
    return TxInput(raw[at : at + _HASH], int.from_bytes(raw[at + _HASH : at + _INPUT_SIZE], "little"))


def _read_output(raw: bytes, at: int) -> TxOutput:
    value_at, script_at = at + _HASH, at + _HASH + 8
    value = int.from_bytes(raw[value_at:script_at], "little", signed=True)
    return TxOutput(raw[at:value_at], value, raw[script_at : at + _OUTPUT_SIZE])
