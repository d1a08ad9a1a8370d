"""Reading a Bitcoin block in one pass: where its transactions lie, and what block-wide rules need of them.

Hot, and hostile input: the loops index bytes and leave it to IndexError to say that these end too soon. A length is
never allocated, only added to a position, and every turn of a loop moves on, so any bytes take time linear in their
number. Nothing is judged here but the encoding; a transaction's own rules are in `transaction`, a block's in `block`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from headway.kernel.script import count_sigops
from headway.types import Raw

HEADER_SIZE: Final = 80

_LONG_SIZES: Final = {253: (2, 253), 254: (4, 1 << 16), 255: (8, 1 << 32)}
"""First byte of a compact size -> bytes of the number after it, and the least number that needs so many."""
_MAX_PUSH: Final = 75
"""Opcodes up to this one push as many bytes as their number says."""
_WITNESS_VERSIONS: Final = (0x00, 0x51)
"""Opcodes of versions 0 and 1, before a program of 32 bytes."""
_value_and_size = struct.Struct("<QB").unpack_from


class EncodingFault(ValueError):
    """Bytes that are no block; the message is the rule, see `face.BlockCheck`."""


@dataclass(slots=True)
class Scan:
    """A block's transactions as columns, in the block's order."""

    raw: bytes
    starts: list[int] = field(default_factory=list)
    """Where each begins; once more the end of the last."""
    witnesses: list[int] = field(default_factory=list)
    """Where the witness of each begins; 0 for the form without one."""
    outpoints: list[bytes] = field(default_factory=list)
    """What the inputs of all of them spend."""
    output_sum: int = 0
    """Of all of them, values read as unsigned."""
    sigops: int = 0
    """Of all their scripts (Core GetLegacySigOpCount)."""
    hollow: bool = False
    """Some transaction has no inputs or no outputs."""

    def __len__(self) -> int:
        return len(self.witnesses)

    def spans(self) -> zip[tuple[int, int, int]]:
        """Start, end and witness (as in `witnesses`) of each transaction."""
        return zip(self.starts, self.starts[1:], self.witnesses, strict=False)

    def txids(self) -> list[bytes]:
        """Hashes without witness."""
        return [sha256(sha256(part).digest()).digest() for part in self._stripped_parts()]

    def stripped(self) -> bytes:
        """The block without witnesses."""
        return self.raw[: self.starts[0]] + b"".join(self._stripped_parts())

    def wtxids(self, txids: list[bytes]) -> list[bytes]:
        """Hashes with witness; the coinbase counts as 32 zero bytes (BIP141)."""
        raw = self.raw
        hashes = [
            sha256(sha256(raw[start:end]).digest()).digest() if witness else txid
            for (start, end, witness), txid in zip(self.spans(), txids, strict=True)
        ]
        hashes[0] = bytes(32)
        return hashes

    def lock_times(self) -> list[bytes]:
        """The lock time of each, 4 bytes little endian."""
        raw = self.raw
        return [raw[end - 4 : end] for end in self.starts[1:]]

    def stripped_size(self) -> int:
        """Bytes of the block without witnesses."""
        return self.starts[0] + sum(self.stripped_sizes())

    def stripped_sizes(self) -> list[int]:
        """Bytes without witness, nor the marker and flag that announce one."""
        return [witness + 2 - start if witness else end - start for start, end, witness in self.spans()]

    def _stripped_parts(self) -> Iterator[bytes]:
        raw = self.raw
        return (
            raw[start : start + 4] + raw[start + 6 : witness] + raw[end - 4 : end] if witness else raw[start:end]
            for start, end, witness in self.spans()
        )


def scan(raw: bytes) -> Scan:
    """Read the block in `raw`. Raises EncodingFault for bytes that are no block, whichever they are."""
    found = Scan(raw)
    try:
        count, at = compact_size(raw, HEADER_SIZE)
        for _ in range(count):
            at = _scan_transaction(found, at)
    except (IndexError, struct.error):
        raise EncodingFault("truncated") from None
    if at != len(raw):
        raise EncodingFault("truncated" if at > len(raw) else "trailing-bytes")
    found.starts.append(at)
    return found


def scan_block(raw: Raw) -> list[tuple[int, int, bytes]]:
    """Offset, length and txid of each transaction. Raises ValueError(rule) for bytes that are no block."""
    found = scan(bytes(raw))
    return [(start, end - start, txid) for (start, end, _), txid in zip(found.spans(), found.txids(), strict=True)]


def compact_size(raw: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends. Raises EncodingFault for a form that is not the shortest."""
    first = raw[at]
    if first < 253:
        return first, at + 1
    width, least = _LONG_SIZES[first]
    end = at + 1 + width
    if end > len(raw):
        raise EncodingFault("truncated")
    value = int.from_bytes(raw[at + 1 : end], "little")
    if value < least:
        raise EncodingFault("non-canonical-size")
    if value > len(raw) - end:  # whatever is counted has a byte at least
        raise EncodingFault("truncated")
    return value, end


# What follows takes the position where its part begins, and returns the one behind it.


def _scan_transaction(found: Scan, start: int) -> int:
    raw, at, flag = found.raw, start + 4, 0
    found.starts.append(start)
    if raw[at] == 0:  # no inputs, or the marker of the form with witness
        flag = raw[at + 1]
        at += 2
    if flag > 1:
        raise EncodingFault("unknown-flag")
    if raw[start + 4] or flag:
        inputs, at = _scan_inputs(found, at)
        outputs, at = _scan_outputs(found, at)
    else:  # Core takes the zero bytes for a count of inputs and one of outputs
        inputs = outputs = 0
    if not inputs or not outputs:
        found.hollow = True
    found.witnesses.append(at if flag else 0)
    return (_scan_witness(raw, at, inputs) if flag else at) + 4


# The three below are the hottest loops of the reference. They read one-byte counts and sizes in place: a call for each
# would cost as much as all else.


def _scan_inputs(found: Scan, at: int) -> tuple[int, int]:
    """A count; each an outpoint of 36 bytes, a script behind its size, a sequence of 4 bytes."""
    raw, spend = found.raw, found.outpoints.append
    count, at = raw[at], at + 1
    if count > 252:
        count, at = compact_size(raw, at - 1)
    for _ in range(count):
        spend(raw[at : at + 36])
        size = raw[at + 36]
        at += 37
        if size:
            if size > 252:
                size, at = compact_size(raw, at - 1)
            first = raw[at]
            rest = size - 1 - first
            # One push, or two (a signature and its key), and nothing else: such a script has no operations.
            if first > _MAX_PUSH or rest < 0 or (rest and (rest > _MAX_PUSH + 1 or raw[at + 1 + first] != rest - 1)):
                found.sigops += count_sigops(raw[at : at + size])
        at += size + 4
    return count, at


def _scan_outputs(found: Scan, at: int) -> tuple[int, int]:
    """A count; each a value of 8 bytes, a script behind its size."""
    raw, total, sigops = found.raw, 0, 0
    count, at = raw[at], at + 1
    if count > 252:
        count, at = compact_size(raw, at - 1)
    for _ in range(count):
        value, size = _value_and_size(raw, at)
        total += value
        at += 9
        if size == 22 and raw[at] == 0 and raw[at + 1] == 20:
            pass  # to a witness key hash
        elif size == 34 and raw[at] in _WITNESS_VERSIONS and raw[at + 1] == 32:
            pass  # to a witness script hash or a taproot key
        elif size == 25 and raw[at : at + 3] == b"\x76\xa9\x14" and raw[at + 23 : at + 25] == b"\x88\xac":
            sigops += 1  # to a key hash: DUP HASH160 <20 bytes> EQUALVERIFY CHECKSIG
        elif size == 23 and raw[at : at + 2] == b"\xa9\x14" and raw[at + 22] == 0x87:
            pass  # to a script hash: HASH160 <20 bytes> EQUAL
        else:
            if size > 252:
                size, at = compact_size(raw, at - 1)
            sigops += count_sigops(raw[at : at + size])
        at += size
    found.output_sum += total
    found.sigops += sigops
    return count, at


def _scan_witness(raw: bytes, start: int, inputs: int) -> int:
    """For each input a count of items, each behind its size."""
    at = start
    for _ in range(inputs):
        count, at = raw[at], at + 1
        if count > 252:
            count, at = compact_size(raw, at - 1)
        for _ in range(count):
            size, at = raw[at], at + 1
            if size > 252:
                size, at = compact_size(raw, at - 1)
            at += size
    if at == start + inputs:  # nothing but counts of zero
        raise EncodingFault("superfluous-witness")
    return at
