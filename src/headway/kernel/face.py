"""The face of the hot loops: values and parameters that the pure reference and the native twin share.

Plain tuples and bytes only, so that nothing but bytes, ints and tuples crosses into native code. Bitcoin's rules live
here because they are what is hot; other chains use the hashes and the index. The functions of the face are listed at
the end; `headway.kernel` chooses the twin.
"""

from __future__ import annotations

from typing import Final, NamedTuple

INTERFACE: Final = 2
"""Number of this face. `headway.kernel` takes a native twin only when its INTERFACE is equal."""

VALID: Final = 0
MUTATED: Final = 1
INVALID: Final = 2

HEIGHT_UNKNOWN: Final = -2
"""`HeaderContext.height` where not even that is known; such a context is never complete."""
MEDIAN_SPAN: Final = 11
"""Headers whose median time the next must exceed (Core CBlockIndex::nMedianTimeSpan)."""


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

    A complete context gives the full check; the native twin's `check_headers` is only ever called with a complete one.
    At genesis: height -1, hash 32 zero bytes, times (), the rest None.
    """

    height: int
    """Of the last header before; -1 before genesis."""
    hash: bytes | None
    """Of that header; None when the next header's link cannot be checked."""
    times: tuple[int, ...]
    """Times of the up to 11 headers that end there, oldest first, contiguous."""
    bits: int | None
    """Of that header."""
    first_time: int | None
    """Time of the first header of the 2016-period in which `height` lies."""
    period_bits: int | None
    """Bits of that first header. By the rules every header of its period has them too, save those at pow_limit on a
    min_difficulty network: so Core's walk back to the last that is not minimum (GetNextWorkRequired) ends at them."""

    @property
    def complete(self) -> bool:
        """Whether every rule can be applied to the next header."""
        if self.height < 0:
            return self.height != HEIGHT_UNKNOWN
        known = self.hash, self.bits, self.first_time, self.period_bits
        return None not in known and len(self.times) == min(MEDIAN_SPAN, self.height + 1)


class HeaderCheck(NamedTuple):
    """The first `accepted` headers passed. `rule` is empty when that is all; else the next header broke it.

    Rules in the order in which one header is judged (Core's reject reasons): bad-prevblk (link), high-hash (above its
    target, or bits that encode no target up to pow_limit), bad-diffbits, time-too-old, time-timewarp-attack,
    time-too-new, bad-version.
    """

    accepted: int
    hashes: bytes
    """32 bytes for each accepted header."""
    works: list[int]
    """Work of each accepted header by itself."""
    rule: str
    detail: str
    """For people."""
    context: HeaderContext
    """After the last accepted header."""
    unchecked: dict[str, int]
    """Accepted headers to which a rule could not be applied in full, by these names (no zero counts; empty for a
    complete context): link (previous hash unknown), bits (off a boundary), retarget (at a boundary; the factor of four
    was still held if the bits before are known), median-time, timewarp, version (height unknown)."""


class BlockRules(NamedTuple):
    """Which rules are on at a block's height. If that is unknown: `BlockRules(-1, False, True, True)`, median None."""

    height: int
    """-1 when unknown: then the coinbase height, lock times by height, and a commitment in a block that carries no
    witness at all are unchecked."""
    bip34: bool
    """The coinbase starts with the height."""
    median_lock_time: bool
    """BIP113: lock times compare with the parent's median time."""
    segwit: bool


class BlockCheck(NamedTuple):
    """What `check_block` found: the first rule broken, in this order.

    MUTATED   truncated, wrong-block (header hash), non-canonical-size, unknown-flag (flag byte neither 0 nor 1),
              superfluous-witness, trailing-bytes, bad-txnmrklroot, bad-txns-duplicate (CVE-2012-2459), merkle-64-bytes
              (no coinbase, and a transaction of 64 stripped bytes, which may be an inner node of the tree: Core
              IsBlockMutated)
    INVALID   bad-blk-length, bad-cb-missing, bad-cb-multiple; then transaction by transaction bad-txns-vin-empty,
              bad-txns-vout-empty, bad-txns-vout-negative, bad-txns-vout-toolarge, bad-txns-txouttotal-toolarge,
              bad-txns-inputs-duplicate, bad-cb-length, bad-txns-prevout-null; then bad-blk-sigops, bad-txns-nonfinal,
              bad-cb-height
    MUTATED   bad-witness-nonce-size, bad-witness-merkle-match, unexpected-witness
    INVALID   bad-blk-weight

    Encoding faults are told as reading meets them, so of several the twins may tell different ones; MUTATED it is.
    """

    status: int
    """VALID, MUTATED or INVALID."""
    rule: str
    detail: str
    """For people."""
    transactions: int
    """0 when the encoding broke."""
    weight: int
    """0 when the encoding broke."""
    unchecked: tuple[str, ...]
    """Of a VALID block, in this order: coinbase-height; lock-time-height (some lock time needs the height);
    lock-time-median (some lock time needs the median; one that is not below the block's own time is refused even so,
    because a median always is); witness-commitment."""


# The functions that both twins offer, beside INTERFACE. Raw is bytes or a contiguous memoryview that nobody writes.
#
#   sha256d(data: Raw) -> bytes
#   checksum(data: Raw) -> bytes                          first 4 bytes of sha256d
#   header_hashes(raw: Raw, stride: int) -> bytes         32 bytes each
#   check_headers(raw: Raw, stride: int, params: HeaderParams, context: HeaderContext, wall_time: int) -> HeaderCheck
#       raw: headers of 80 bytes, one every `stride` bytes (80, or 81 in a headers message), so that a message needs no
#       compaction; what follows the last header may be left out. ValueError for any other size (a mistake of ours).
#   restore_headers(raw: Raw) -> tuple[bytes, list[int]]  hashes (32 each) and works of a linked run of 80-byte headers,
#                                                         no rules: a hash is what the next header says of it, only
#                                                         the last one's is computed; work 0 where bits encode no target
#   merkle_root(hashes: bytes) -> tuple[bytes, bool]      root (32 zero bytes for none), mutated (CVE-2012-2459)
#   short_ids(key0: int, key1: int, hashes: Raw) -> list[int]  48 bits of the SipHash-2-4 of each 32 bytes (BIP152)
#   scan_block(raw: Raw) -> list[tuple[int, int, bytes]]  offset, length, txid of each transaction; ValueError(rule) for
#                                                         bytes that are no block (rule: an encoding fault, see above)
#   check_block(raw: Raw, block_hash: bytes, rules: BlockRules, median_time: int | None) -> BlockCheck
#   class HeaderIndex(record_size: int)                   see index.py
