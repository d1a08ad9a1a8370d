"""The two scripts of a witness as bytes: m of n keys (verification), m signatures (invocation). No script is ever run.

Both generations write the same thing in other opcodes, so a `Dialect` holds those. Reading is strict: exactly one byte
string stands for a given m, keys and signatures, the one that Neo's own builders write (C# CreateMultiSigRedeemScript,
CreateMultiSigContext). Whether keys are points of the curve is not seen here (`consensus`, `witness`).
Called by `consensus`, `witness`, the genesis blocks and the makers of chains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

MAX_KEYS: Final = 1024
"""Keys of a multisignature script (C# Helper.IsMultiSigContract)."""
KEY_SIZE: Final = 33
"""Bytes of a compressed P-256 point."""
SIGNATURE_SIZE: Final = 64
"""Bytes of a signature: r and s, big endian."""
_LARGEST_OPCODE_NUMBER: Final = 16
"""Numbers 1 to 16 have opcodes of their own, PUSH1 to PUSH16."""
_SMALL_INT: Final = 127
"""Largest number in one byte: the machine reads it as signed."""


class ScriptError(ValueError):
    """Bytes that are not the script that they should be; the message says where."""


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """How one generation writes witnesses. Told apart by identity, for it is a key of caches."""

    push_0: int
    """The opcode of the number n is this plus n, for 1 to 16 (PUSH1 - 1)."""
    push_byte: bytes
    """What stands before a number in one byte."""
    push_two_bytes: bytes
    """What stands before a number in two bytes, little endian."""
    push_key: bytes
    """What stands before the 33 bytes of a key."""
    push_signature: bytes
    """What stands before the 64 bytes of a signature."""
    check: bytes
    """The end of a verification script: the check itself."""


LEGACY: Final = Dialect(
    push_0=0x50,
    push_byte=b"\x01",
    push_two_bytes=b"\x02",
    push_key=b"\x21",
    push_signature=b"\x40",
    check=b"\xae",  # CHECKMULTISIG
)
N3: Final = Dialect(
    push_0=0x10,
    push_byte=b"\x00",  # PUSHINT8
    push_two_bytes=b"\x01",  # PUSHINT16
    push_key=b"\x0c\x21",  # PUSHDATA1
    push_signature=b"\x0c\x40",
    check=bytes.fromhex("419ed0dc3a"),  # SYSCALL System.Crypto.CheckMultisig
)


class Multisig(NamedTuple):
    """What a verification script demands."""

    threshold: int
    """How many must sign (m)."""
    keys: tuple[bytes, ...]
    """Compressed points, in the order in which their signatures must stand."""


def build_verification(dialect: Dialect, threshold: int, keys: Sequence[bytes]) -> bytes:
    """The script that demands `threshold` signatures of `keys`. Raises ValueError for what cannot be written so."""
    if not 1 <= threshold <= len(keys) <= MAX_KEYS:
        raise ValueError(f"{threshold} of {len(keys)} keys: at least 1, and at most {MAX_KEYS} keys")
    if any(len(key) != KEY_SIZE for key in keys):
        raise ValueError(f"a key has {KEY_SIZE} bytes")
    pushes = b"".join(dialect.push_key + key for key in keys)
    return _number(dialect, threshold) + pushes + _number(dialect, len(keys)) + dialect.check


def parse_verification(dialect: Dialect, script: bytes) -> Multisig:
    """Inverse of `build_verification`. Raises ScriptError for any other bytes; costs no more than their length."""
    threshold, at = _read_number(dialect, script, 0)
    head = len(dialect.push_key)
    step = head + KEY_SIZE
    keys: list[bytes] = []
    while script.startswith(dialect.push_key, at):
        key = script[at + head : at + step]
        if len(key) != KEY_SIZE:
            raise ScriptError(f"key {len(keys)} is cut short")
        if len(keys) == MAX_KEYS:
            raise ScriptError(f"more than {MAX_KEYS} keys")
        keys.append(key)
        at += step
    count, at = _read_number(dialect, script, at)
    if count != len(keys):
        raise ScriptError(f"it says {count} keys and has {len(keys)}")
    if not 1 <= threshold <= count:
        raise ScriptError(f"{threshold} signatures of {count} keys")
    if script[at:] != dialect.check:
        raise ScriptError("it does not end with the check of signatures")
    return Multisig(threshold, tuple(keys))


def build_invocation(dialect: Dialect, signatures: Sequence[bytes]) -> bytes:
    """The script that presents `signatures`, in the order of their keys. Raises ValueError unless each has 64 bytes."""
    if any(len(signature) != SIGNATURE_SIZE for signature in signatures):
        raise ValueError(f"a signature has {SIGNATURE_SIZE} bytes")
    return b"".join(dialect.push_signature + signature for signature in signatures)


def parse_invocation(dialect: Dialect, script: bytes, count: int) -> tuple[bytes, ...]:
    """Exactly `count` signatures. Raises ScriptError for any other bytes."""
    head = len(dialect.push_signature)
    step = head + SIGNATURE_SIZE
    if len(script) != count * step:
        raise ScriptError(f"{len(script)} bytes, and {count} signatures are {count * step}")
    for offset, expected in enumerate(dialect.push_signature):
        if script[offset::step].count(expected) != count:
            raise ScriptError("something else than signatures is pushed")
    return tuple(script[at + head : at + step] for at in range(0, len(script), step))


def _number(dialect: Dialect, number: int) -> bytes:
    if number <= _LARGEST_OPCODE_NUMBER:
        return bytes([dialect.push_0 + number])
    if number <= _SMALL_INT:
        return dialect.push_byte + number.to_bytes(1, "little")
    return dialect.push_two_bytes + number.to_bytes(2, "little")


def _read_number(dialect: Dialect, script: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, in its shortest form, and where it ends."""
    for push, size in ((dialect.push_byte, 1), (dialect.push_two_bytes, 2)):
        if script.startswith(push, at):
            end = at + len(push) + size
            number = int.from_bytes(script[end - size : end], "little")
            if script[at:end] != _number(dialect, number):
                raise ScriptError(f"the number {number} at {at} is not in its shortest form")
            return number, end
    number = script[at] - dialect.push_0 if at < len(script) else 0
    if not 1 <= number <= _LARGEST_OPCODE_NUMBER:
        raise ScriptError(f"no number at {at}")
    return number, at + 1
