"""Blocks of regtest with one thing wrong: what a node must refuse, and say why.

    damaged(block, "witness")          # bytes of a block
    damaged(block, "work")[:80]        # the header alone

What is wrong, and the reason that Bitcoin Core has for it, stands in `DAMAGES`. Called by users.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from headway.kernel import merkle_root
from headway.networks.bitcoin.parser import PARSER
from headway.testing.chain import HEADER_SIZE, mined
from headway.types import Hash
from headway.wire.buffer import compact_size

_ABOVE_ALL_MONEY: Final = (21_000_000 * 100_000_000 + 1).to_bytes(8, "little")
"""One satoshi more than there will be [MAX_MONEY]."""


def damaged(block: bytes, how: str) -> bytes:
    """The block with this wrong. Raises ValueError for a damage that there is not, or that this block cannot have."""
    if how not in DAMAGES:
        raise ValueError(f"no damage of a block is named {how!r}; there are {', '.join(DAMAGES)}")
    _, damage = DAMAGES[how]
    return damage(block)


# Bad copies of a good block: its header is as it was.


def _transaction(block: bytes) -> bytes:
    """A bit of the version of its coinbase."""
    at = block.index(PARSER.transactions(block)[0].raw, HEADER_SIZE)
    return block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]


def _witness(block: bytes) -> bytes:
    """A bit of the coinbase's witness, which no txid covers, but the commitment does. It ends four bytes before it."""
    coinbase = PARSER.transactions(block)[0].raw
    at = block.index(coinbase, HEADER_SIZE) + len(coinbase) - 5
    return block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]


def _duplicate(block: bytes) -> bytes:
    """Its last transactions once more, where the merkle tree repeats them by itself (CVE-2012-2459)."""
    transactions = PARSER.transactions(block)
    count, group = len(transactions), 1
    while count // group % 2 == 0:
        group *= 2
    if count == group:
        raise ValueError(f"a block of {count} transactions cannot hide a duplicate: make one of another size")
    raws = [transaction.raw for transaction in (*transactions, *transactions[-group:])]
    return block[:HEADER_SIZE] + compact_size(len(raws)) + b"".join(raws)


def _cut(block: bytes) -> bytes:
    return block[:-1]


# Headers of their own, with their work done.


def _work(block: bytes) -> bytes:
    return mined(block[:76], fails=True) + block[HEADER_SIZE:]


def _link(block: bytes) -> bytes:
    return _with(block, 4, bytes(block[3 : 3 + 32]))


def _root(block: bytes) -> bytes:
    return _with(block, 36, bytes([block[36] ^ 1]))


def _time(block: bytes) -> bytes:
    return _with(block, 68, (1_231_006_505).to_bytes(4, "little"))


def _bits(block: bytes) -> bytes:
    return _with(block, 72, bytes([block[72] ^ 1]))


def _amount(block: bytes) -> bytes:
    """Its first output is worth more than all the money, and its root commits to that."""
    coinbase, *others = PARSER.transactions(block)
    output = coinbase.outputs[0]
    old = output.value.to_bytes(8, "little") + compact_size(len(output.script)) + output.script
    changed = PARSER.transaction(coinbase.raw.replace(old, _ABOVE_ALL_MONEY + old[8:], 1))
    root, _ = merkle_root(b"".join(transaction.txid for transaction in (changed, *others)))
    return _with(block, 36, root)[:HEADER_SIZE] + block[HEADER_SIZE:].replace(coinbase.raw, changed.raw, 1)


def _with(block: bytes, at: int, part: Hash) -> bytes:
    """The block with other bytes in its header, and its work done again."""
    head = block[:at] + part + block[at + len(part) : 76]
    return mined(head) + block[HEADER_SIZE:]


DAMAGES: Final[Mapping[str, tuple[str, Callable[[bytes], bytes]]]] = {
    # name -> why it is refused (Core's reject reason), and how it is done
    "transaction": ("bad-txnmrklroot", _transaction),
    "witness": ("bad-witness-merkle-match", _witness),
    "duplicate": ("bad-txns-duplicate", _duplicate),
    "cut": ("", _cut),  # it cannot be read at all
    "work": ("high-hash", _work),
    "link": ("bad-prevblk", _link),
    "root": ("bad-txnmrklroot", _root),
    "time": ("time-too-old", _time),
    "bits": ("bad-diffbits", _bits),
    "amount": ("bad-txns-vout-toolarge", _amount),
}
"""The first four are bad copies of a good block, under its own header; the others have headers of their own, whose work
is done again but for `work`."""
