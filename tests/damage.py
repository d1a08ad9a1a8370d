"""Damage to real files, by what is done: how the bytes change, and what `headway verify` must say of them.

Offsets are those of the files that each table names. Used by the tests of `cli.verify`.
"""

from __future__ import annotations

from collections.abc import Callable


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def longer(content: bytes, at: int, by: int) -> bytes:
    length = int.from_bytes(content[at + 4 : at + 8], "little") + by
    return content[: at + 4] + length.to_bytes(4, "little") + content[at + 8 :]


HEADER_DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str, int | None]] = {
    # what is done to the first 10,237 headers: the rule that refuses it, and at which height
    "version": (lambda raw: flipped(raw, 80 * 5_000), "high-hash", 5_000),
    "link": (lambda raw: flipped(raw, 80 * 5_000 + 4), "bad-prevblk", 5_000),
    "merkle root": (lambda raw: flipped(raw, 80 * 5_000 + 36), "high-hash", 5_000),
    "time": (lambda raw: flipped(raw, 80 * 5_000 + 68), "high-hash", 5_000),
    "bits": (lambda raw: flipped(raw, 80 * 5_000 + 72), "high-hash", 5_000),
    "nonce": (lambda raw: flipped(raw, 80 * 5_000 + 76), "high-hash", 5_000),
    "the last header": (lambda raw: flipped(raw, len(raw) - 1), "high-hash", 10_236),
    "the second header": (lambda raw: flipped(raw, 80 + 40), "high-hash", 1),
    "the first header": (lambda raw: flipped(raw, 40), "bad-genesis", 0),
    "one is missing": (lambda raw: raw[: 80 * 5_000] + raw[80 * 5_001 :], "bad-prevblk", 5_000),
    "one is there twice": (lambda raw: raw[: 80 * 5_000] + raw[80 * 4_999 :], "bad-prevblk", 5_000),
    "two are swapped": (
        lambda raw: raw[: 80 * 9] + raw[80 * 10 : 80 * 11] + raw[80 * 9 : 80 * 10] + raw[80 * 11 :], "bad-prevblk", 9,
    ),
    "torn": (lambda raw: raw[:-1], "truncated", None),
    "torn in the third": (lambda raw: raw[:239], "truncated", None),
    "a byte behind": (lambda raw: raw + b"\0", "truncated", None),
    "79 bytes behind": (lambda raw: raw + bytes(79), "truncated", None),
    "80 bytes behind": (lambda raw: raw + bytes(80), "bad-prevblk", 10_237),
}  # fmt: skip


SPARSE_DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a header": (lambda raw: flipped(raw, 84 * 100 + 50), "high-hash"),
    "the first header": (lambda raw: flipped(raw, 50), "bad-genesis"),
    "a height that falls": (lambda raw: raw[: 84 * 100] + raw[84 * 50 : 84 * 54] + raw[84 * 104 :], "bad-height"),
    "a height twice": (lambda raw: raw[: 84 * 100] + raw[84 * 99 :], "bad-height"),
    "a first of a period in another's place": (
        lambda raw: raw[: 84 * 102] + raw[84 * 102 : 84 * 102 + 4] + raw[84 * 104 + 4 : 84 * 105] + raw[84 * 103 :],
        "bad-prevblk",
    ),
    "torn": (lambda raw: raw[:-1], "truncated"),
    "torn in the second": (lambda raw: raw[:167], "truncated"),
    "a byte behind": (lambda raw: raw + b"\0", "truncated"),
}


BLOCK_FILE_DAMAGE: dict[str, tuple[Callable[[bytes, int], bytes], str, int | None, int]] = {
    # what is done to block 200 (at that offset) of 439: the rule that refuses it, at which height, blocks before it
    "a transaction": (lambda raw, at: flipped(raw, at + 8 + 150), "bad-txnmrklroot", 200, 200),
    "its header": (lambda raw, at: flipped(raw, at + 8 + 40), "high-hash", 200, 200),
    "its link": (lambda raw, at: flipped(raw, at + 8 + 4), "high-hash", None, 200),
    "its magic": (lambda raw, at: flipped(raw, at + 3), "bad-magic", None, 200),
    "its length, longer": (lambda raw, at: longer(raw, at, 1), "trailing-bytes", 200, 200),
    "its length, shorter": (lambda raw, at: longer(raw, at, -1), "truncated", 200, 200),
    "its length, that of no block": (lambda raw, at: longer(raw, at, 4_000_000), "bad-blk-length", None, 200),
    "its length, that of no header": (lambda raw, at: longer(raw, at, -150), "truncated", None, 200),
    "torn in a block": (lambda raw, at: raw[: at + 100], "truncated", None, 200),
    "torn in a frame": (lambda raw, at: raw[: at + 6], "truncated", None, 200),
    "torn in a magic": (lambda raw, at: raw[: at + 2], "truncated", None, 200),
    "a byte behind": (lambda raw, _: raw + b"\0", "trailing-bytes", None, 439),
    "a block behind zeros": (lambda raw, at: raw + bytes(1 << 20) + raw[at:], "trailing-bytes", None, 439),
}  # fmt: skip


BLOCK_DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    # what is done to the segwit block 482683: the rule that refuses it
    "a byte of its header": (lambda raw: flipped(raw, 40), "high-hash"),
    "a byte of its coinbase": (lambda raw: flipped(raw, 150), "bad-txnmrklroot"),
    "a byte of its witness": (lambda raw: flipped(raw, raw.rindex(b"\4\0\x47\x30") + 9), "bad-witness-merkle-match"),
    "torn": (lambda raw: raw[:-1], "truncated"),
    "torn in its header": (lambda raw: raw[:79], "truncated"),
    "empty": (lambda _: b"", "truncated"),
    "a byte behind": (lambda raw: raw + b"\0", "trailing-bytes"),
    "a size that is not the shortest": (
        lambda raw: raw[:80] + b"\xfd" + raw[80:81] + b"\0" + raw[81:], "non-canonical-size",
    ),
    "far too long": (lambda raw: raw + bytes(4_000_000), "bad-blk-length"),
}  # fmt: skip
