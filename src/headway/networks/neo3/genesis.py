"""The first block of a network of Neo N3, a function of its first validators alone (C# NeoSystem.CreateGenesisBlock).

It has no transactions, and nobody signs it. Called by the package and by private networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

from headway.networks.dbft.consensus import next_consensus
from headway.networks.dbft.script import N3
from headway.networks.neo3.header import STATE_ROOT_SIZE

_TIMESTAMP: Final = 1468595301000
"""2016-07-15 15:08:21 UTC, in milliseconds of unix time."""
_NONCE: Final = 2083236893
"""That of Bitcoin's first block."""
_WITNESS: Final = bytes.fromhex("01000111")
"""One witness: nothing to present, and the script that anybody satisfies (PUSH1)."""
_NO_TRANSACTIONS: Final = b"\x00"

_HEADER: Final = Struct("<I32s32sQQIB20s")


def genesis_block(validators: Sequence[bytes], *, state_root: bool = False) -> bytes:
    """The raw block. `validators`: the first of the standby committee, in any order. Raises ValueError for no keys."""
    header = _HEADER.pack(0, bytes(32), bytes(32), _TIMESTAMP, _NONCE, 0, 0, next_consensus(N3, validators))
    return header + bytes(STATE_ROOT_SIZE if state_root else 0) + _WITNESS + _NO_TRANSACTIONS
