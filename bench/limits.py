"""What the work costs without a rule: the hashing, and the walk through a block's bytes.

By the kernel's own loops where it is installed, else by hashlib, driven from Python (`BY` says which). No contender can
be faster than the first on this machine, give or take what it knows to do at once. Called by the commands.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from headway import kernel
from headway.kernel.hash import merkle_root_of
from headway.kernel.scan import scan
from headway.types import Raw

_kernel: Any = importlib.import_module("headway_kernel") if kernel.NAME == "native" else None

BY: Final = "hashlib" if _kernel is None else "the kernel"


def hash_headers(raw: Raw, stride: int) -> int:
    """Hash every header; returns how many."""
    if _kernel is None:
        return len(kernel.header_hashes(raw, stride)) // 32
    count: int = _kernel.limit_headers(raw, stride)
    return count


def hash_block(raw: Raw) -> None:
    """Hash every transaction with and without its witness, and both merkle trees."""
    if _kernel is None:
        columns = scan(bytes(raw))
        txids = columns.txids()
        merkle_root_of(txids)
        merkle_root_of(columns.wtxids(txids))
    else:
        _kernel.limit_block(raw, True)
