"""Regtest chains made on the spot: real work, real commitments, transactions of real shapes (`payment`).

A block is a function of its parent and of `salt`: the same arguments give the same chain, another salt gives a fork.
They come one by one, at tens of megabytes a second on one core: a long chain goes straight to a store and is never in
memory as a whole. Every block passes `verify_block`; coins and signatures are invented, as a full node would find out.
Called by the tests, the demo and the benchmarks.
"""

from __future__ import annotations

import random
from hashlib import sha256
from itertools import count, islice
from typing import TYPE_CHECKING, Final

from headway.chain.records import pack
from headway.kernel import merkle_root, sha256d
from headway.kernel.block import COMMITMENT_HEAD, height_push
from headway.network import Headers
from headway.networks.bitcoin import REGTEST
from headway.testing.payment import MEAN_SIZE, choose_shapes
from headway.types import UNKNOWN_HEIGHT, BlockId, Hash, Height
from headway.wire.buffer import compact_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headway.network import Network
    from headway.store import Store

GENESIS: Final = REGTEST.rules.genesis_block
HEADER_SIZE: Final = REGTEST.rules.header_size

SMALL: Final = (0, 2_000)
"""Sizes of blocks for tests: from a coinbase alone to half a dozen transactions."""
MAX_SIZE: Final = 1_400_000
"""Bytes of a block that we make at most. With these shapes that is a little less than the weight allowed."""
SPACING: Final = 60
"""Seconds from a block to the next. With ten minutes a chain of a million headers would end in the future."""

_VERSION: Final = (0x20000000).to_bytes(4, "little")
"""No proposal is signalled [VERSIONBITS_TOP_BITS]."""
_TARGET: Final = (0x7FFFFF << 8 * 29).to_bytes(32, "big")
"""The largest target of regtest, which half of all hashes meet."""
_BITS: Final = (0x207FFFFF).to_bytes(4, "little")
_SUBSIDY: Final = 50 * 100_000_000
_HALVING: Final = 150
"""Blocks between two halvings of the subsidy on regtest."""
_NONCE: Final = bytes(32)
"""The coinbase's witness, which nobody uses (BIP141: witness reserved value)."""


def regtest_chain(
    length: int | None = None,
    *,
    salt: int = 0,
    parent: bytes = GENESIS,
    sizes: tuple[int, int] = SMALL,
    height: Height | None = None,
) -> Iterator[bytes]:
    """Raw blocks after the block `parent`; endless without a `length`.

    `sizes`: least and most bytes of a block, roughly (to one transaction). `height`: of `parent`, where that does not
    state it, or states another. Raises ValueError for sizes beyond MAX_SIZE.
    """
    if not 0 <= sizes[0] <= sizes[1] <= MAX_SIZE:
        raise ValueError(
            f"blocks of {sizes[0]} to {sizes[1]} bytes; this maker takes 0 to {MAX_SIZE}, the lesser first"
        )
    if height is None:
        height = 0 if parent == GENESIS else REGTEST.rules.stated_height(parent)
    if height == UNKNOWN_HEIGHT:
        raise ValueError("the parent is neither regtest's genesis block nor a block whose coinbase states its height")
    for _ in count() if length is None else range(length):
        height += 1
        parent = _block(parent[:HEADER_SIZE], height, salt, sizes)
        yield parent


def regtest_headers(length: int, *, salt: int = 0, parent: bytes = GENESIS) -> Iterator[bytes]:
    """Raw headers after the block or header `parent`, with real work and without blocks to them."""
    header = parent[:HEADER_SIZE]
    rng = random.Random(f"{salt} {sha256d(header).hex()}")
    for _ in range(length):
        header = _mined_header(header, rng.randbytes(32))
        yield header


def fork(
    blocks: Sequence[bytes], at: Height, length: int, *, salt: int = 1, sizes: tuple[int, int] = SMALL
) -> list[bytes]:
    """A rival of the chain `blocks` (heights 1 and up): its first `at` blocks, and `length` others after them.

    `salt`: another one gives another rival; not that of `blocks`. Raises ValueError where the chain has no height `at`.
    """
    if not 0 <= at <= len(blocks):
        raise ValueError(f"no fork at {at}: this chain has the heights 0 (genesis) to {len(blocks)}")
    trunk = [GENESIS, *blocks[:at]]
    return [*trunk[1:], *regtest_chain(length, salt=salt, parent=trunk[-1], sizes=sizes)]


def store_chain(
    store: Store, blocks: Iterable[bytes], *, network: Network = REGTEST, batch: int = 100
) -> Iterator[BlockId]:
    """Write a chain into a store of `network`, after what its tree knows; yields the last block of each batch written.

    The blocks may be of any network: what they are is not judged here.
    """
    remaining, parser = iter(blocks), network.codec.parser
    while group := list(islice(remaining, batch)):
        raws = [parser.block_header(block).raw for block in group]
        headers = pack(Headers.joined(raws, parser), network.rules.header_size)
        position = store.tree.restore(headers)
        store.append_headers(headers)
        for at, block in enumerate(group, position):
            store.put_block(at, block)
        yield store.tree.id(position + len(group) - 1)


def _block(parent: bytes, height: Height, salt: int, sizes: tuple[int, int]) -> bytes:
    """The block at `height` after the header `parent`."""
    rng = random.Random(f"{salt} {sha256d(parent).hex()}")
    shapes = choose_shapes(rng.randint(*sizes) // MEAN_SIZE, rng)
    transactions = [shape.make(rng) for shape in shapes]
    # Inlined hashes: these two lines are most of what a block costs.
    wtxids = [sha256(sha256(raw).digest()).digest() for raw in transactions]
    txids = [
        sha256(sha256(shape.stripped(raw)).digest()).digest() for shape, raw in zip(shapes, transactions, strict=True)
    ]
    witness_root, _ = merkle_root(bytes(32) + b"".join(wtxids))
    coinbase, coinbase_id = _coinbase(height, rng.randbytes(20), sha256d(witness_root + _NONCE))
    root, _ = merkle_root(coinbase_id + b"".join(txids))
    return b"".join((_mined_header(parent, root), compact_size(len(shapes) + 1), coinbase, *transactions))


def _coinbase(height: Height, key_hash: bytes, commitment: Hash) -> tuple[bytes, Hash]:
    """The transaction that pays the miner, and its txid: it states the height and commits to all witnesses."""
    script = height_push(height) + b"\x08/regtest"
    outputs = (
        (_SUBSIDY >> height // _HALVING, b"\x00\x14" + key_hash),
        (0, COMMITMENT_HEAD + commitment),
    )
    body = b"".join(
        (
            b"\1" + bytes(32) + b"\xff" * 4 + bytes([len(script)]) + script + b"\xff" * 4,
            bytes([len(outputs)]),
            *(value.to_bytes(8, "little") + bytes([len(script)]) + script for value, script in outputs),
        )
    )
    version, lock_time = b"\2\0\0\0", bytes(4)
    witness = b"\1\x20" + _NONCE
    return version + b"\0\1" + body + witness + lock_time, sha256d(version + body + lock_time)


def _mined_header(parent: bytes, merkle: Hash) -> bytes:
    """A header after the header `parent` whose hash meets the target: two attempts on average."""
    time = int.from_bytes(parent[68:72], "little") + SPACING
    return mined(_VERSION + sha256d(parent) + merkle + time.to_bytes(4, "little") + _BITS)


def mined(head: bytes, *, fails: bool = False) -> bytes:
    """A header that begins with these 76 bytes and whose hash meets regtest's target, or `fails` it."""
    headers = (head + nonce.to_bytes(4, "little") for nonce in count())
    return next(header for header in headers if (sha256d(header)[::-1] <= _TARGET) is not fails)
