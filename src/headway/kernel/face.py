"""The face of the hot loops: values and parameters that the pure reference and the native twin share.

Plain tuples and bytes only, so that nothing but bytes, ints and tuples crosses into native code. Bitcoin's rules live here because
they are what is hot; other chains use the hashes and the index.
"""

from __future__ import annotations

from typing import NamedTuple

INTERFACE = 1
"""Number of this face. `headway.kernel` takes a native twin only when its INTERFACE is equal."""

VALID, MUTATED, INVALID = 0, 1, 2


class HeaderParams(NamedTuple):
    """What differs between Bitcoin networks for headers (chainparams.cpp)."""

    pow_limit: int
    """Largest target."""
    retarget: bool
    """False: bits never change (regtest)."""
    min_difficulty: bool
    """Blocks 20 minutes after their parent must have pow_limit bits (testnet3, testnet4)."""
    bip94: bool
    """Retarget from the period's first bits; a boundary block at most 600 s before its parent (testnet4)."""
    bip34_height: int
    bip66_height: int
    bip65_height: int


class HeaderContext(NamedTuple):
    """What is known of the chain before the next header. A field is None (`times` short) where we do not know it.

    A complete context gives the full check; `check_headers` of the native twin is only ever called with a complete one
    (`is_complete`). At genesis: height -1, hash 32 zero bytes, times (), the rest None.
    """

    height: int
    """Of the last header known; -1 before genesis."""
    hash: bytes | None
    """Of that header; None when the next header's link cannot be checked."""
    times: tuple[int, ...]
    """Times of the up to 11 headers that end there, oldest first, contiguous."""
    bits: int | None
    """Of that header."""
    first_time: int | None
    """Time of the first header of the 2016-period in which `height` lies."""
    first_bits: int | None
    """Its bits (BIP94)."""
    real_bits: int | None
    """min_difficulty networks: bits of the last header of that period that is not at pow_limit, else of the period's first."""


class HeaderCheck(NamedTuple):
    """`rule` is empty when all passed; else the first `accepted` headers passed and the next broke `rule` (`detail` says how)."""

    accepted: int
    hashes: bytes
    works: list[int]
    rule: str
    detail: str
    context: HeaderContext
    unchecked: dict[str, int]


class BlockRules(NamedTuple):
    """Which rules are on at a block's height."""

    height: int
    """-1 when unknown: no coinbase height, and a height lock time, cannot be checked."""
    bip34: bool
    """The coinbase starts with the height."""
    median_lock_time: bool
    """BIP113: lock times compare with the parent's median time."""
    segwit: bool


class BlockCheck(NamedTuple):
    status: int
    """VALID, MUTATED or INVALID."""
    rule: str
    detail: str
    transactions: int
    weight: int
    unchecked: tuple[str, ...]


# The names that both twins offer, beside INTERFACE:
#
#   sha256d(data) -> bytes
#   checksum(data) -> bytes                      first 4 bytes of sha256d
#   header_hashes(raw, offsets|None) ...         see headers.py
#   check_headers(raw: bytes, stride: int, params: HeaderParams, context: HeaderContext, wall_time: int) -> HeaderCheck
#       raw: headers of 80 bytes, one every `stride` bytes (81 in a headers message), so that a message needs no compaction
#   restore_headers(raw: bytes) -> tuple[bytes, list[int]]     hashes (32 each) and works of 80-byte headers, no rules
#   merkle_root(hashes: bytes) -> tuple[bytes, bool]           root, mutated (CVE-2012-2459)
#   scan_block(raw) -> list of (offset, length of the transaction, txid)     raises ValueError(rule) for bytes that are no block
#   check_block(raw, hash: bytes, rules: BlockRules, median_time: int|None) -> BlockCheck
#   class HeaderIndex(record_size)               see index.py
