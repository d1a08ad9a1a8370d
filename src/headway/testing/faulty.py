"""Regtest blocks that break exactly one rule, made of good ones: for those who test who notices.

    bad = faulty_block(next(regtest_chain(1, parent=tip)), "bad-cb-height")

A fault is named after the rule that refuses it (`headway.kernel`). Work is done anew, so that nothing else is wrong; a
chain may go on from it. `dated` is no fault: the same block at another time. Called by `simulated` and the tests.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

from headway.kernel import merkle_root, sha256d
from headway.networks.bitcoin import REGTEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HEADER_SIZE: Final = REGTEST.rules.header_size
GENESIS_TIME: Final = int.from_bytes(REGTEST.rules.genesis[68:72], "little")

_MERKLE_ROOT: Final = slice(36, 68)
_TIME: Final = slice(68, 72)
_BITS: Final = slice(72, 76)
_VERSION: Final = slice(0, 4)
_SCRIPT_AT: Final = 4 + 2 + 1 + 36 + 1
"""Where the coinbase's script begins: behind version, marker and flag, the number of inputs, the outpoint, its size."""
_TOO_MUCH: Final = 21_000_001 * 100_000_000


def faulty_block(block: bytes, fault: str) -> bytes:
    """A good block (or a header alone, for a fault of headers) with one fault. Raises KeyError for an unknown one."""
    if fault in HEADER_FAULTS:
        return faulty_header(block[:HEADER_SIZE], fault) + block[HEADER_SIZE:]
    transactions = list(REGTEST.codec.parser.transactions(block))
    coinbase = bytearray(transactions[0].raw)
    BLOCK_FAULTS[fault](coinbase)
    ids = [_txid(bytes(coinbase)), *(each.txid for each in transactions[1:])]
    header = bytearray(block[:HEADER_SIZE])
    header[_MERKLE_ROOT] = merkle_root(b"".join(ids))[0]
    start = HEADER_SIZE + (len(block) - HEADER_SIZE - sum(len(each.raw) for each in transactions))
    return mined(header) + block[HEADER_SIZE:start] + bytes(coinbase) + block[start + len(coinbase) :]


def faulty_header(header: bytes, fault: str) -> bytes:
    """A good header with one fault. Raises KeyError for an unknown one."""
    changed = bytearray(header)
    if fault == "high-hash":
        return mined(changed, is_enough=False)
    HEADER_FAULTS[fault](changed)
    return mined(changed)


def dated(block: bytes, time: int) -> bytes:
    """The same block or header, made at another time (unix seconds)."""
    header = bytearray(block[:HEADER_SIZE])
    header[_TIME] = time.to_bytes(4, "little")
    return mined(header) + block[HEADER_SIZE:]


def mined(header: bytearray, *, is_enough: bool = True) -> bytes:
    """The header with a nonce that meets its own target, or (not `is_enough`) one that does not."""
    bits = int.from_bytes(header[_BITS], "little")
    target = (bits & 0xFFFFFF) << 8 * ((bits >> 24) - 3)
    for nonce in count():
        header[76:80] = nonce.to_bytes(4, "little")
        if (int.from_bytes(sha256d(bytes(header)), "little") <= target) == is_enough:
            break
    return bytes(header)


def _txid(coinbase: bytes) -> bytes:
    """The coinbase has one witness of one item of 32 bytes, which its id leaves out."""
    return sha256d(coinbase[:4] + coinbase[6:-38] + coinbase[-4:])


def _too_old(header: bytearray) -> None:
    header[_TIME] = GENESIS_TIME.to_bytes(4, "little")


def _other_bits(header: bytearray) -> None:
    header[_BITS] = 0x207FFFFE.to_bytes(4, "little")


def _old_version(header: bytearray) -> None:
    header[_VERSION] = (1).to_bytes(4, "little")


def _other_height(coinbase: bytearray) -> None:
    """A height up to 16 is one opcode, a higher one stands behind its size."""
    is_opcode = coinbase[_SCRIPT_AT] > 0x50
    coinbase[_SCRIPT_AT if is_opcode else _SCRIPT_AT + 1] ^= 1


def _not_final(coinbase: bytearray) -> None:
    """It may not be in a block before the one at this height, and its input does not say that this is nothing."""
    sequence = _SCRIPT_AT + coinbase[_SCRIPT_AT - 1]
    coinbase[sequence : sequence + 4] = bytes(4)
    coinbase[-4:] = (400_000_000).to_bytes(4, "little")


def _too_rich(coinbase: bytearray) -> None:
    value = _SCRIPT_AT + coinbase[_SCRIPT_AT - 1] + 4 + 1
    coinbase[value : value + 8] = _TOO_MUCH.to_bytes(8, "little")


def _none(header: bytearray) -> None:
    del header


HEADER_FAULTS: Final[Mapping[str, Callable[[bytearray], None]]] = {
    "high-hash": _none,  # its work is the fault
    "bad-diffbits": _other_bits,
    "time-too-old": _too_old,
    "bad-version": _old_version,
}
BLOCK_FAULTS: Final[Mapping[str, Callable[[bytearray], None]]] = {
    "bad-cb-height": _other_height,
    "bad-txns-nonfinal": _not_final,
    "bad-txns-vout-toolarge": _too_rich,
}
"""What they do to the coinbase. No copy of such a block is any better: INVALID."""
