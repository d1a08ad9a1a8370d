"""Regtest blocks built by hand, for tests: whole chains, and single blocks, broken ones among them.

`regtest_chain` gives a chain of `headway.testing.chain` as a list; it forks where its `parent` or `salt` differs. The
parts below it (`transaction`, `coinbase`, `assemble`) make single blocks, by plain definitions of their own. The same
arguments always give the same bytes. The outputs that transactions spend do not exist and their signatures are random:
nothing that headway checks depends on it. Used by the tests of every layer.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Final

from headway.networks.bitcoin.transaction import Transaction
from headway.testing import chain
from headway.testing.chain import GENESIS, SPACING
from headway.testing.payment import MEAN_SIZE
from headway.types import Hash
from headway.wire.buffer import compact_size

__all__ = [
    "BITS", "GENESIS", "SPACING", "VERSION",
    "assemble", "block_hash", "block_time", "coinbase", "height_script", "merkle_root", "mined", "payment", "push",
    "regtest_chain", "sha256d", "sized", "transaction", "tx_input", "tx_output",
]  # fmt: skip

BITS: Final = 0x207FFFFF
"""Every second hash is work enough."""
VERSION: Final = 0x20000000

_NULL_OUTPOINT: Final = bytes(32) + b"\xff" * 4
_SUBSIDY: Final = 50 * 100_000_000
_COMMITMENT: Final = bytes.fromhex("6a24aa21a9ed")


def regtest_chain(n: int, *, parent: bytes = GENESIS, transactions_per_block: int = 0, salt: int = 0) -> list[bytes]:
    """`n` raw blocks after the raw block `parent`, each with a coinbase and so many others."""
    size = transactions_per_block * MEAN_SIZE
    return list(chain.regtest_chain(n, salt=salt, parent=parent, sizes=(size, size)))


def payment(rng: random.Random, *, inputs: int = 1, lock_time: int = 0) -> bytes:
    """A segwit payment from `inputs` outputs to two: to a witness key hash, and to a key hash."""
    scripts = b"\0\x14" + rng.randbytes(20), b"\x76\xa9\x14" + rng.randbytes(20) + b"\x88\xac"
    return transaction(
        [tx_input(rng.randbytes(32) + bytes(4), sequence=0xFFFFFFFD) for _ in range(inputs)],
        [tx_output(rng.randrange(1_000, 10**9), script) for script in scripts],
        witness=[(rng.randbytes(71), rng.randbytes(33)) for _ in range(inputs)],
        lock_time=lock_time,
    )


def coinbase(height: int, others: Sequence[bytes] = (), salt: int = 0) -> bytes:
    """The coinbase of the block at `height`, which commits to the witness of `others`."""
    nonce = bytes(32)
    commitment = sha256d(merkle_root([bytes(32), *(sha256d(other) for other in others)]) + nonce)
    return transaction(
        [tx_input(_NULL_OUTPOINT, height_script(height) + push(salt.to_bytes(8, "little")))],
        [tx_output(_SUBSIDY, b"\x51"), tx_output(0, _COMMITMENT + commitment)],
        witness=[(nonce,)],
    )


def assemble(
    parent: Hash, time: int, transactions: Sequence[bytes], *, version: int = VERSION, bits: int = BITS
) -> bytes:
    """The raw block of these transactions, the coinbase first among them, with its work done."""
    root = merkle_root([Transaction.from_raw(raw).txid for raw in transactions])
    header = version.to_bytes(4, "little") + parent + root + time.to_bytes(4, "little") + bits.to_bytes(4, "little")
    return mined(header) + compact_size(len(transactions)) + b"".join(transactions)


def mined(header: bytes, bits: int = BITS) -> bytes:
    """The first 76 bytes of a header, with the first nonce whose hash is within the target of `bits`."""
    target = (bits & 0x7FFFFF) << 8 * ((bits >> 24) - 3)
    nonce = 0
    while int.from_bytes(sha256d(header[:76] + nonce.to_bytes(4, "little")), "little") > target:
        nonce += 1
    return header[:76] + nonce.to_bytes(4, "little")


# Parts of a transaction.


def transaction(
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    *,
    witness: Sequence[Sequence[bytes]] | None = None,
    lock_time: int = 0,
    version: int = 2,
) -> bytes:
    """Raw; in the form with witness unless that is None."""
    body = _counted(inputs) + _counted(outputs)
    if witness is not None:
        body = b"\0\1" + body + b"".join(_counted([sized(item) for item in items]) for items in witness)
    return version.to_bytes(4, "little") + body + lock_time.to_bytes(4, "little")


def tx_input(outpoint: bytes, script: bytes = b"", *, sequence: int = 0xFFFFFFFF) -> bytes:
    return outpoint + sized(script) + sequence.to_bytes(4, "little")


def tx_output(value: int, script: bytes) -> bytes:
    return value.to_bytes(8, "little", signed=True) + sized(script)


def height_script(height: int) -> bytes:
    """What a coinbase script of that height begins with (BIP34)."""
    if height <= 16:
        return bytes([0x50 + height]) if height else b"\0"
    return push(height.to_bytes(height.bit_length() // 8 + 1, "little"))


def push(data: bytes) -> bytes:
    """A script that pushes up to 75 bytes."""
    return bytes([len(data)]) + data


def sized(data: bytes) -> bytes:
    """Bytes behind their compact size."""
    return compact_size(len(data)) + data


def _counted(items: Sequence[bytes]) -> bytes:
    return compact_size(len(items)) + b"".join(items)


# Parts of a block.


def block_hash(block: bytes) -> Hash:
    return sha256d(block[:80])


def block_time(block: bytes) -> int:
    return int.from_bytes(block[68:72], "little")


def merkle_root(hashes: Sequence[Hash]) -> Hash:
    """The plain definition, one pair after another."""
    level = list(hashes)
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        level = [sha256d(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def sha256d(data: bytes) -> Hash:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()
