"""The hot loops: the native twin where it is installed and fits, else the pure reference, behind one face (`face`).

`headway_kernel` is taken when it imports and its INTERFACE equals ours, unless the environment variable HEADWAY_PURE
holds anything but nothing or `0`. `NAME` says which twin runs, `describe` why.
A header context with gaps is judged by the reference in any case: the twin knows complete ones only. The twin gives
plain tuples, which get their names here.
"""

from __future__ import annotations

import importlib
import os
from typing import Any, Final

from headway.kernel import headers as _reference
from headway.kernel.block import check_block
from headway.kernel.face import (
    HEIGHT_UNKNOWN,
    INTERFACE,
    INVALID,
    MUTATED,
    VALID,
    BlockCheck,
    BlockRules,
    HeaderCheck,
    HeaderContext,
    HeaderParams,
)
from headway.kernel.hash import checksum, merkle_root, sha256d
from headway.kernel.headers import check_headers, context_from, header_hashes, restore_headers, skip_to
from headway.kernel.index import HeaderIndex
from headway.kernel.scan import scan_block
from headway.kernel.siphash import short_ids
from headway.types import Raw

__all__ = [
    "HEIGHT_UNKNOWN", "INTERFACE", "INVALID", "MUTATED", "NAME", "VALID",
    "BlockCheck", "BlockRules", "HeaderCheck", "HeaderContext", "HeaderIndex", "HeaderParams",
    "check_block", "check_headers", "checksum", "context_from", "describe", "header_hashes", "merkle_root",
    "restore_headers", "scan_block", "sha256d", "short_ids", "skip_to",
]  # fmt: skip


def _find_native() -> tuple[Any, str]:
    """The native twin or None, and the reason for people."""
    if os.environ.get("HEADWAY_PURE", "") not in {"", "0"}:
        return None, "HEADWAY_PURE is set"
    try:
        twin = importlib.import_module("headway_kernel")
    except ImportError as error:
        return None, f"headway_kernel does not import: {error}"
    interface = getattr(twin, "INTERFACE", None)
    if interface != INTERFACE:
        return None, f"headway_kernel has interface {interface}, needed is {INTERFACE}"
    return twin, f"headway_kernel {getattr(twin, '__version__', '')}".rstrip()


def _check_headers(raw: Raw, stride: int, params: HeaderParams, context: HeaderContext, wall_time: int) -> HeaderCheck:
    if not context.complete:
        return _reference.check_headers(raw, stride, params, context, wall_time)
    check = HeaderCheck(*_native.check_headers(raw, stride, params, context, wall_time))
    return check._replace(context=HeaderContext(*check.context))


def _check_block(raw: Raw, block_hash: bytes, rules: BlockRules, median_time: int | None) -> BlockCheck:
    return BlockCheck(*_native.check_block(raw, block_hash, rules, median_time))


_native, _reason = _find_native()
NAME: Final = "pure" if _native is None else "native"
"""Which twin runs."""

if _native is not None:
    check_headers = _check_headers
    check_block = _check_block
    checksum = _native.checksum
    header_hashes = _native.header_hashes
    merkle_root = _native.merkle_root
    restore_headers = _native.restore_headers
    scan_block = _native.scan_block
    sha256d = _native.sha256d
    short_ids = _native.short_ids
    HeaderIndex = _native.HeaderIndex  # type: ignore[misc]  # the same face


def describe() -> str:
    """Which twin runs and why, in one line for people."""
    return f"{NAME} ({_reason})"
