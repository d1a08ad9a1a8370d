"""One transaction of Neo N3: where it lies among other bytes, and as a value that reads its fields when asked.

    version 1 | nonce 4 | system fee 8 | network fee 8 | valid until 4 | signers | attributes | script | witnesses

The id is the single sha256 of all before the witnesses. `scan_transaction` is hot and takes hostile bytes: it indexes
them and leaves it to IndexError to say that they end too soon; a length is only ever added to a position. Counts are
held against the protocol's limits, as a node that keeps them would not read what breaks them. Called by `parser`; users
ask a `Block` or `Tx`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from struct import Struct
from typing import Final

from headway.errors import CodecError
from headway.kernel.scan import compact_size
from headway.networks.neo3.header import MAX_SCRIPT as MAX_WITNESS_SCRIPT
from headway.types import Hash, Height, hash_hex

MAX_TRANSACTION: Final = 102_400
"""Bytes of a transaction (C# Transaction.MaxTransactionSize)."""
MAX_SIGNERS: Final = 16
"""Signers and attributes together (C# Transaction.MaxTransactionAttributes)."""
MAX_SUBITEMS: Final = 16
"""Contracts, groups, rules of a signer; conditions of a condition (C# Signer.MaxSubitems)."""
MAX_SCRIPT: Final = 65_535
"""Bytes of the script (C# Transaction)."""
MAX_NESTING: Final = 16
"""How deep conditions may stand in conditions. Nodes stop at 2 or 3; ours only bounds the recursion."""

_FIXED: Final = Struct("<BIqqI")  # what stands before the signers

_CONTRACTS, _GROUPS, _RULES = 0x10, 0x20, 0x40
_SCOPES: Final = 0x01 | 0x80 | _CONTRACTS | _GROUPS | _RULES  # called by entry, global, and those with data

# Type of an attribute -> bytes of its data; an oracle response has a result of its own length behind.
_HIGH_PRIORITY, _ORACLE, _NOT_VALID_BEFORE, _CONFLICTS, _NOTARY = 0x01, 0x11, 0x20, 0x21, 0x22
_ATTRIBUTES: Final[Mapping[int, int]] = {
    _HIGH_PRIORITY: 0,
    _ORACLE: 9,
    _NOT_VALID_BEFORE: 4,
    _CONFLICTS: 32,
    _NOTARY: 1,
}

# Type of a condition without others in it -> bytes of its data: a truth, hashes, groups, called by entry.
_CONDITIONS: Final[Mapping[int, int]] = {0x00: 1, 0x18: 20, 0x19: 33, 0x20: 0, 0x28: 20, 0x29: 33}
_NOT, _AND, _OR = 0x01, 0x02, 0x03


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs, and how far that signature goes."""

    account: bytes
    """Hash of the script that must agree: 20 bytes in wire order."""
    scopes: int
    details: bytes
    """Contracts, groups and rules that some scopes name, as they travel."""


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
        return cls(raw, sha256(raw[:unsigned]).digest())

    @property
    def hash(self) -> Hash:
        """What Neo calls the id."""
        return self.txid

    @property
    def version(self) -> int:
        return self._body.fixed[0]

    @property
    def nonce(self) -> int:
        return self._body.fixed[1]

    @property
    def system_fee(self) -> int:
        """In units of 10**-8 GAS, as the network fee."""
        return self._body.fixed[2]

    @property
    def network_fee(self) -> int:
        return self._body.fixed[3]

    @property
    def valid_until(self) -> Height:
        """The last block that may hold it."""
        return self._body.fixed[4]

    @property
    def signers(self) -> tuple[Signer, ...]:
        return self._body.signers

    @property
    def attributes(self) -> tuple[tuple[int, bytes], ...]:
        """Type and data of each."""
        return self._body.attributes

    @property
    def script(self) -> bytes:
        return self._body.script

    @property
    def witnesses(self) -> tuple[tuple[bytes, bytes], ...]:
        """Invocation and verification script of each signer. No hash covers them."""
        return self._body.witnesses

    @property
    def unsigned(self) -> bytes:
        """What the id is the hash of: all but the witnesses."""
        return self.raw[: self._body.unsigned]

    @cached_property
    def _body(self) -> _Body:
        return _read_body(self.raw)

    def __str__(self) -> str:
        return f"{hash_hex(self.txid)} ({len(self.signers)} signers, script of {len(self.script)} bytes)"


def scan_transaction(raw: bytes, start: int) -> tuple[int, int]:
    """Where the hashed part of the transaction at `start` ends, and where the whole of it does.

    Raises ValueError or IndexError for bytes that are none. The end may lie behind the end of `raw`: whoever calls
    compares it.
    """
    if raw[start]:
        raise ValueError(f"version {raw[start]}, only 0 is known")
    signers, at = _count(raw, start + _FIXED.size, MAX_SIGNERS, "signers")
    if not signers:
        raise ValueError("no signers")
    for _ in range(signers):
        at = _skip_signer(raw, at)
    attributes, at = _count(raw, at, MAX_SIGNERS - signers, "attributes")
    for _ in range(attributes):
        at = _skip_attribute(raw, at)
    unsigned = _skip_var_bytes(raw, at, MAX_SCRIPT, "script")
    witnesses, at = compact_size(raw, unsigned)
    if witnesses != signers:
        raise ValueError(f"{witnesses} witnesses of {signers} signers")
    for _ in range(2 * witnesses):
        at = _skip_var_bytes(raw, at, MAX_WITNESS_SCRIPT, "script of a witness")
    if at - start > MAX_TRANSACTION:
        raise ValueError(f"a transaction of {at - start} bytes, at most {MAX_TRANSACTION}")
    return unsigned, at


# What follows takes the position where its part begins, and returns the one behind it.


def _skip_signer(raw: bytes, at: int) -> int:
    """account 20 | scopes 1 | what those have of contracts, groups, rules"""
    scopes = raw[at + 20]
    at += 21
    if scopes & ~_SCOPES:
        raise ValueError(f"scopes {scopes:02x} of a signer are none that we know")
    if scopes & _CONTRACTS:
        count, at = _count(raw, at, MAX_SUBITEMS, "contracts of a signer")
        at += 20 * count
    if scopes & _GROUPS:
        count, at = _count(raw, at, MAX_SUBITEMS, "groups of a signer")
        at += 33 * count
    if scopes & _RULES:
        count, at = _count(raw, at, MAX_SUBITEMS, "rules of a signer")
        for _ in range(count):
            at = _skip_condition(raw, at + 1, MAX_NESTING)  # behind what the rule does: allow or deny
    return at


def _skip_condition(raw: bytes, at: int, depth: int) -> int:
    if not depth:
        raise ValueError(f"conditions of a signer more than {MAX_NESTING} deep")
    kind = raw[at]
    if kind in _CONDITIONS:
        return at + 1 + _CONDITIONS[kind]
    if kind == _NOT:
        return _skip_condition(raw, at + 1, depth - 1)
    if kind not in {_AND, _OR}:
        raise ValueError(f"condition {kind:02x} is none that we know")
    count, at = _count(raw, at + 1, MAX_SUBITEMS, "conditions of a condition")
    for _ in range(count):
        at = _skip_condition(raw, at, depth - 1)
    return at


def _skip_attribute(raw: bytes, at: int) -> int:
    kind = raw[at]
    if kind not in _ATTRIBUTES:
        raise ValueError(f"attribute {kind:02x} is none that we know")
    at += 1 + _ATTRIBUTES[kind]
    return _skip_var_bytes(raw, at, MAX_SCRIPT, "result of an oracle") if kind == _ORACLE else at


def _skip_var_bytes(raw: bytes, at: int, limit: int, what: str) -> int:
    size, at = compact_size(raw, at)
    if size > limit:
        raise ValueError(f"{what} of {size} bytes, at most {limit}")
    return at + size


def _count(raw: bytes, at: int, limit: int, what: str) -> tuple[int, int]:
    count = raw[at]  # every limit here fits one byte, and so the shortest form of what keeps it
    if count > limit:
        raise ValueError(f"{count} {what}, at most {limit}")
    return count, at + 1


@dataclass(frozen=True, slots=True)
class _Body:
    fixed: tuple[int, int, int, int, Height]
    """Version, nonce, system fee, network fee, valid until."""
    signers: tuple[Signer, ...]
    attributes: tuple[tuple[int, bytes], ...]
    script: bytes
    unsigned: int
    witnesses: tuple[tuple[bytes, bytes], ...]


def _read_body(raw: bytes) -> _Body:
    signers, attributes, scripts = [], [], []
    count, at = compact_size(raw, _FIXED.size)
    for _ in range(count):
        end = _skip_signer(raw, at)
        signers.append(Signer(raw[at : at + 20], raw[at + 20], raw[at + 21 : end]))
        at = end
    count, at = compact_size(raw, at)
    for _ in range(count):
        end = _skip_attribute(raw, at)
        attributes.append((raw[at], raw[at + 1 : end]))
        at = end
    size, at = compact_size(raw, at)
    script, unsigned = raw[at : at + size], at + size
    count, at = compact_size(raw, unsigned)
    for _ in range(2 * count):
        size, at = compact_size(raw, at)
        scripts.append(raw[at : at + size])
        at += size
    witnesses = tuple(zip(scripts[::2], scripts[1::2], strict=True))
    return _Body(_FIXED.unpack_from(raw), tuple(signers), tuple(attributes), script, unsigned, witnesses)
