"""Bitcoin transactions of the shapes that blocks are full of, with random content, at a few microseconds each.

Shapes, scripts and witnesses are encoded as real ones are and pass every rule that a block can break by itself. The
coins that they spend do not exist and their signatures sign nothing: no script would accept them.
A shape is two numbers as long as the transaction: where it is random, and what it is elsewhere. So a transaction costs
three operations on long integers, and nothing for each of its fields. Called by `chain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

_Part: TypeAlias = bytes | int
"""Bytes that stand as they are, or a number of random ones."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of transaction."""

    size: int
    """Bytes, witness included."""
    witness: int
    """Where the witness begins; 0 for the form without one."""
    mask: int
    """Ones where it is random."""
    fixed: int
    """What it is where the mask has zeros. Both little endian."""

    def make(self, rng: random.Random) -> bytes:
        """A new transaction."""
        return (rng.getrandbits(8 * self.size) & self.mask | self.fixed).to_bytes(self.size, "little")

    def stripped(self, transaction: bytes) -> bytes:
        """A transaction of this shape without its witness: what its txid is the hash of."""
        if not self.witness:
            return transaction
        return transaction[:4] + transaction[6 : self.witness] + transaction[-4:]


_VERSION: Final = b"\2\0\0\0"
_MARKER_AND_FLAG: Final = b"\0\1"
_LOCK_TIME: Final = bytes(4)


def _shape(
    inputs: Sequence[Sequence[_Part]], outputs: Sequence[Sequence[_Part]], witness: Sequence[Sequence[_Part]] = ()
) -> Shape:
    """The shape with these; `witness` has an entry for each input, or none at all."""
    body = [bytes([len(inputs)]), *_flat(inputs), bytes([len(outputs)]), *_flat(outputs)]
    head = [_VERSION, _MARKER_AND_FLAG] if witness else [_VERSION]
    parts = [*head, *body, *_flat(witness), _LOCK_TIME]
    mask = b"".join(b"\xff" * part if isinstance(part, int) else bytes(len(part)) for part in parts)
    fixed = b"".join(bytes(part) for part in parts)  # bytes(number) is that many zeros
    return Shape(
        len(fixed),
        sum(len(bytes(part)) for part in [*head, *body]) if witness else 0,
        int.from_bytes(mask, "little"),
        int.from_bytes(fixed, "little"),
    )


def _flat(lists: Sequence[Sequence[_Part]]) -> list[_Part]:
    return [part for parts in lists for part in parts]


# The parts of transactions. Sizes and opcodes that are pushed or counted stand before what they count.

_OUTPOINT: Final = (32, b"\1\0\0\0")
_SEQUENCE: Final = b"\xfd\xff\xff\xff"
"""Replaceable, lock time in force (BIP125)."""
_AMOUNT: Final = (4, bytes(4))
"""Up to 42 coins, so that a whole block stays below all the coins there are."""
_SIGNATURE: Final = (b"\x30\x44\x02\x20", 32, b"\x02\x20", 32, b"\x01")
"""71 bytes: DER of two numbers of 32 bytes, SIGHASH_ALL."""
_KEY: Final = (b"\x02", 32)

_SPEND_WITNESS: Final = (*_OUTPOINT, b"\0", _SEQUENCE)
_SPEND_LEGACY: Final = (*_OUTPOINT, b"\x6a\x47", *_SIGNATURE, b"\x21", *_KEY, _SEQUENCE)
_SPEND_NESTED: Final = (*_OUTPOINT, b"\x17\x16\x00\x14", 20, _SEQUENCE)
"""A witness program behind a script hash (P2SH-P2WPKH)."""

_BY_KEY: Final = (b"\2\x47", *_SIGNATURE, b"\x21", *_KEY)
_BY_SCHNORR: Final = (b"\1\x40", 64)
_BY_TWO_OF_THREE: Final = (
    b"\4\0\x47", *_SIGNATURE, b"\x47", *_SIGNATURE,
    b"\x69\x52\x21", *_KEY, b"\x21", *_KEY, b"\x21", *_KEY, b"\x53\xae",
)  # fmt: skip
"""Nothing (CHECKMULTISIG takes one item too many), two signatures, the script with three keys."""

_TO_KEY_HASH: Final = (*_AMOUNT, b"\x19\x76\xa9\x14", 20, b"\x88\xac")
_TO_SCRIPT_HASH: Final = (*_AMOUNT, b"\x17\xa9\x14", 20, b"\x87")
_TO_WITNESS_KEY: Final = (*_AMOUNT, b"\x16\x00\x14", 20)
_TO_WITNESS_SCRIPT: Final = (*_AMOUNT, b"\x22\x00\x20", 32)
_TO_TAPROOT: Final = (*_AMOUNT, b"\x22\x51\x20", 32)
_NOTE: Final = (bytes(8), b"\x22\x6a\x20", 32)
"""RETURN and 32 bytes of somebody's data, worth nothing."""

SHAPES: Final[dict[str, tuple[int, Shape]]] = {
    "two coins, paid and change": (6, _shape([_SPEND_WITNESS] * 2, [_TO_WITNESS_KEY] * 2, [_BY_KEY] * 2)),
    "one coin, paid and change": (5, _shape([_SPEND_WITNESS], [_TO_WITNESS_KEY, _TO_SCRIPT_HASH], [_BY_KEY])),
    "legacy": (3, _shape([_SPEND_LEGACY], [_TO_KEY_HASH] * 2)),
    "legacy, several coins": (1, _shape([_SPEND_LEGACY] * 3, [_TO_KEY_HASH, _TO_WITNESS_KEY])),
    "nested": (2, _shape([_SPEND_NESTED], [_TO_SCRIPT_HASH] * 2, [_BY_KEY])),
    "taproot": (3, _shape([_SPEND_WITNESS], [_TO_TAPROOT] * 2, [_BY_SCHNORR])),
    "two of three": (1, _shape([_SPEND_WITNESS], [_TO_WITNESS_KEY, _TO_WITNESS_SCRIPT], [_BY_TWO_OF_THREE])),
    "note": (1, _shape([_SPEND_WITNESS], [_NOTE, _TO_WITNESS_KEY], [_BY_KEY])),
    "many paid": (1, _shape([_SPEND_WITNESS], [*[_TO_WITNESS_KEY] * 7, *[_TO_KEY_HASH] * 3, _TO_TAPROOT], [_BY_KEY])),
    "coins gathered": (1, _shape([_SPEND_WITNESS] * 6, [_TO_WITNESS_KEY], [_BY_KEY] * 6)),
}
"""How many of 24 transactions have which shape."""

_WEIGHTS: Final = [weight for weight, _ in SHAPES.values()]
_CHOICES: Final = [shape for _, shape in SHAPES.values()]
MEAN_SIZE: Final = sum(weight * shape.size for weight, shape in SHAPES.values()) // sum(_WEIGHTS)
"""Bytes of a transaction on average."""


def choose_shapes(count: int, rng: random.Random) -> list[Shape]:
    """`count` shapes, drawn by their share."""
    return rng.choices(_CHOICES, _WEIGHTS, k=count)
